"""The command kg."""
