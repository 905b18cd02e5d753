"""The match model of franchises."""

from kg_assets.matching.models.general import named_thing

SPEC = named_thing("franchise")
