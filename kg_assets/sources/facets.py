"""Facets of a delivery: the types of its records, and whether it bears on other deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resources.facets import GOVERNS

if TYPE_CHECKING:
    import duckdb


def facets_of(records: duckdb.DuckDBPyRelation, deliveries: duckdb.DuckDBPyRelation) -> set[str]:
    """What the catalog notes of a delivery, so that matching reads those that bear on a type.

    A record, also one that is to be deleted, bears on records of its own type. A full delivery
    retires what its source delivered before, of whatever type, and a word about duplicates holds
    for all records of the source: such a delivery bears on every type that the source has.

    Args:
        records: Rows of the table source_records.
        deliveries: The delivery, as a row of the table deliveries.
    """
    facets = {kind for (kind,) in records.project("entity_type").distinct().fetchall()}
    governs = "mode = 'full' OR duplicate_free IS NOT NULL"
    return facets | ({GOVERNS} if deliveries.filter(governs).fetchall() else set())
