"""The code location: everything that Dagster sees."""

from kg_assets.build import build_definitions

defs = build_definitions()
