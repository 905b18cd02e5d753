"""The match model of plays."""

from kg_assets.matching.models.general import titled_work

SPEC = titled_work("play", far=10)
