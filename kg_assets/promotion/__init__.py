"""How a namespace becomes production: comparison, gates, promotion, and what is published."""
