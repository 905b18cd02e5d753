"""People's judgements, whatever they are of: values, the log that only grows, lines of a file."""
