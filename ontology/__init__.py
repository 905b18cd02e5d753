"""The ontology, and reading it."""
