"""The code location: everything that Dagster sees."""

from kg_assets.build import build_definitions
from resources.logs import configure
from resources.settings import Settings

configure(Settings())
defs = build_definitions()
