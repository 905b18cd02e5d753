"""What identifies an entity for a person: name, type, year, makers, sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from kg_assets.inference.tables import GAZETTEER_TYPES, current_records
from kg_assets.matching.tables import entity_members, resolved_entities

if TYPE_CHECKING:
    import duckdb

    from resources.lake import Lake
    from resources.table import Table

_MAKERS = ("director", "writer", "author", "creator")


@dataclass(frozen=True)
class Thing:
    """What identifies an entity for a person.

    Attributes:
        name: Its name.
        kind: Its entity type, None where the text gives none.
        entity_id: Its id, None where no entity is known.
        record: A record of it.
        year: Its first year.
        names: Its other names.
        makers: Directors, writers, authors and creators.
        sources: Who has records of it.
    """

    name: str
    kind: str | None
    entity_id: str | None = None
    record: str | None = None
    year: int | None = None
    names: tuple[str, ...] = ()
    makers: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


def things_of(lake: Lake, con: duckdb.DuckDBPyConnection, ids: Sequence[str]) -> dict[str, Thing]:
    """What identifies entities."""
    con.register("thing_wanted", pa.table({"entity_id": pa.array(ids, pa.string())}))
    found: dict[str, Thing] = {}
    for kind in GAZETTEER_TYPES:
        tables: dict[str, Table] = {
            "thing_entity": resolved_entities(kind),
            "thing_member": entity_members(kind),
            "thing_record": current_records(kind),
        }
        for name, table in tables.items():
            lake.relation(con, table).create_view(name, replace=True)
        rows = con.sql(
            """
            WITH member AS (
                SELECT entity_id, source, source_id
                FROM thing_member
                WHERE entity_id IN (SELECT entity_id FROM thing_wanted)
            ),
            credit AS (
                SELECT entity_id, unnest(credits) AS credit
                FROM thing_record
                JOIN member USING (source, source_id)
            ),
            maker AS (
                SELECT entity_id, list_sort(list(DISTINCT credit.name)) AS makers
                FROM credit
                WHERE credit.role IN (SELECT unnest($roles))
                GROUP BY entity_id
            ),
            record AS (
                SELECT
                    entity_id,
                    min(source || ':' || source_id) AS record,
                    list_sort(list(DISTINCT source)) AS sources
                FROM member
                GROUP BY entity_id
            )
            SELECT
                entity.entity_id,
                entity.name,
                record.record,
                coalesce(entity.year, entity.birth_year) AS year,
                entity.alternate_names,
                maker.makers,
                record.sources
            FROM thing_entity AS entity
            JOIN record USING (entity_id)
            LEFT JOIN maker USING (entity_id)
            """,
            params={"roles": list(_MAKERS)},
        ).fetchall()
        for entity_id, name, record, year, names, makers, sources in rows:
            found[entity_id] = Thing(
                name, kind, entity_id, record, year, tuple(names or ()), tuple(makers or ()),
                tuple(sources),
            )  # fmt: skip
    con.unregister("thing_wanted")
    return found
