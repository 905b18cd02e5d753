"""The match model of organisations."""

from kg_assets.matching.models.general import named_thing

SPEC = named_thing("organisation")
