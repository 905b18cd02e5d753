"""The extractor `llm`: a language model reads the contexts, through Instructor."""
