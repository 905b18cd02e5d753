"""Removing a namespace: what only it has goes, what production reads stays."""

from __future__ import annotations

import shutil
from contextlib import closing
from typing import TYPE_CHECKING

from kg_assets.inference.tables import DOCUMENT_INDEX
from resources import namespaces, production
from resources.duck import session
from resources.journal import Journal
from resources.lake import Lake
from resources.past import PastProduction
from resources.team_settings import PRODUCTION

if TYPE_CHECKING:
    from resources.settings import Settings


def remove(settings: Settings) -> list[str]:
    """Remove the namespace of the settings; the caller holds its locks.

    Args:
        settings: Where it is.

    Returns:
        Its vector tables that stay, since production or another namespace reads them.

    Raises:
        PromotionError: There is no such namespace.
    """
    name = settings.namespace
    catalog = Lake(settings.in_namespace(PRODUCTION)).catalog
    with closing(Journal(settings.catalog_url)) as journal:
        journal.forget(name)
    # The catalog first: what is left behind by a kill after it is nobody's.
    namespaces.remove(catalog, name)
    for folder in (settings.published.parent, settings.reports, settings.dagster_home):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(settings.home / "logs" / name, ignore_errors=True)
    read = vector_tables(settings)
    kept = []
    for folder in sorted(settings.vectors.glob("*.lance")):
        table = f"{name}/{folder.name.removesuffix('.lance')}"
        if table in read:
            kept.append(table)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return kept


def vector_tables(settings: Settings) -> set[str]:
    """Vector tables that a namespace reads, or production as a promotion that is kept left it."""
    catalog = Lake(settings.in_namespace(PRODUCTION)).catalog
    lakes = [Lake(settings.in_namespace(each.name)) for each in namespaces.namespaces(catalog)]
    lakes += [
        PastProduction(settings, each.commit_id)
        for each in production.promotions(catalog)
        if each.kept
    ]
    found: set[str] = set()
    with session(threads=1, memory_limit="100MB", scratch=settings.home) as con:
        for lake in lakes:
            rows = lake.relation(con, DOCUMENT_INDEX).project("lance_table").distinct()
            found |= {table for (table,) in rows.fetchall()}
    return found
