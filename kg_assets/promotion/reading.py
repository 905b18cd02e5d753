"""Where what is published lies: of the namespace, or of the production that it reads through to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kg_assets.graph.tables import KNOWLEDGE_GRAPH
from resources.catalog import Catalog
from resources.production import promotions
from resources.team_settings import PRODUCTION

if TYPE_CHECKING:
    from pathlib import Path

    from resources.settings import Settings

GRAPH = "kg.duckdb"
"""The published graph, in the folder of a promotion."""

REPORTS = "reports"
"""The folder of reports in it."""


def has_catalog(settings: Settings) -> bool:
    """Whether there is a catalog; opening one would make it."""
    return settings.catalog is not None or (settings.home / "catalog.sqlite").is_file()


def what_is_read(settings: Settings) -> tuple[Path, Path]:
    """Where the published graph and the reports lie that a namespace sees.

    Those that it made itself, else those of the production that it reads through to.

    Returns:
        Path of the graph, and the folder of the reports; they need not exist.
    """
    own = settings.published, settings.reports
    if settings.namespace == PRODUCTION or settings.published.exists():
        return own
    if not has_catalog(settings):
        return own
    catalog = Catalog(settings.catalog_url)
    if KNOWLEDGE_GRAPH.name in catalog.own_tables(settings.namespace):
        return own
    pin = catalog.pin(settings.namespace)
    seen = [one for one in promotions(catalog) if one.commit_id <= pin]
    if not seen:
        return own
    folder = settings.published_versions / seen[-1].files
    return folder / GRAPH, folder / REPORTS
