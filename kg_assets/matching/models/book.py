"""The match model of books."""

from kg_assets.matching.models.general import titled_work

SPEC = titled_work("book", far=10)
