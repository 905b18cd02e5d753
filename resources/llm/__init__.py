"""The language model as a resource: stored answers, a cap on money, rates, and batches."""
