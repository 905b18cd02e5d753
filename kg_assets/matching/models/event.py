"""The match model of events."""

from kg_assets.matching.models.general import named_thing

SPEC = named_thing("event")
