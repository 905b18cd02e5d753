"""People's judgements of facts: what they say, what they bind, and which facts are asked for."""
