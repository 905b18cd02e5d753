"""The match model of comics."""

from kg_assets.matching.models.general import titled_work

SPEC = titled_work("comic", far=5)
