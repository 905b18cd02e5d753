"""The match model of characters."""

from kg_assets.matching.models.general import named_thing

SPEC = named_thing("character")
