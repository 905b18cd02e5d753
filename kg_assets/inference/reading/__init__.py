"""The reader: every relation of films that English encyclopedias state in a sentence."""

VERSION = "1"
"""To be raised when the reader would read another fact from the same text."""
