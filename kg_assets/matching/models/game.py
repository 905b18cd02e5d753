"""The match model of games."""

from kg_assets.matching.models.general import titled_work

SPEC = titled_work("game", far=3, veto_years=8)
