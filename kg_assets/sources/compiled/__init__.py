"""Reading JSON objects into Arrow by machine code, where it is sure of them."""
