"""The reader: every relation of films that English encyclopedias state in a sentence."""
