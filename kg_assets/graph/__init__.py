"""From entities and relations to the published graph."""
