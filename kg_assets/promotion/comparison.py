"""A namespace against production: records, entities and relations gained and lost.

Entities are compared by their records, not by their ids. An entity of production is lost where
none of its records remains in any entity; merged where the entity with most of its records also
holds most records of a larger one; split where its records are in several entities; renamed where
an entity with the same records has another id. An entity of the namespace is gained where none of
its records was in any. All of it is one pass of DuckDB over two tables a type, which spills to
disk where they are large.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING

from kg_assets.graph.tables import EDGES
from kg_assets.matching.tables import entity_members
from kg_assets.promotion.examples import examples
from kg_assets.sources.record import ENTITY_TYPES

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb

    from kg_assets.promotion.examples import Examples
    from resources.lake import Lake


@dataclass(frozen=True)
class TypeChange:
    """What becomes of the records and entities of a type; numbers of them.

    Attributes:
        records_before: Records in production.
        records_gained: Records that only the namespace has.
        records_lost: Records that only production has.
        before: Entities in production.
        after: Entities in the namespace.
        gained: Entities of the namespace none of whose records was in an entity.
        lost: Entities of production none of whose records remains.
        merged: Entities of production that a larger one takes in.
        split: Entities of production whose records are in several.
        renamed: Entities of production with the same records under another id.
    """

    records_before: int = 0
    records_gained: int = 0
    records_lost: int = 0
    before: int = 0
    after: int = 0
    gained: int = 0
    lost: int = 0
    merged: int = 0
    split: int = 0
    renamed: int = 0

    @property
    def is_any(self) -> bool:
        """Whether anything differs."""
        same = {"records_before", "before", "after"}
        return any(value for name, value in asdict(self).items() if name not in same)


@dataclass(frozen=True)
class RelationChange:
    """What becomes of the relations of one name and kind; numbers of edges."""

    before: int
    after: int
    gained: int
    lost: int


@dataclass(frozen=True)
class Comparison:
    """A namespace against production.

    Attributes:
        types: Change of each entity type that has entities on either side.
        relations: Change of each relation, by its name and kind (stated or inferred).
        examples: Some entities of each type that are gained, lost, merged or split.
    """

    types: Mapping[str, TypeChange]
    relations: Mapping[tuple[str, str], RelationChange]
    examples: Mapping[str, Examples] = field(default_factory=dict)

    def as_dict(self) -> dict[str, object]:
        """All figures by name."""
        return {
            "types": {kind: asdict(change) for kind, change in self.types.items()},
            "relations": [
                {"relation": name, "kind": kind, **asdict(change)}
                for (name, kind), change in self.relations.items()
            ],
            "examples": {
                kind: {fate: [asdict(one) for one in named] for fate, named in fates.items()}
                for kind, fates in self.examples.items()
            },
        }


def compare(con: duckdb.DuckDBPyConnection, production: Lake, namespace: Lake) -> Comparison:
    """Compare what a namespace holds with production.

    Args:
        con: A connection with limits; views and temporary tables are made on it.
        production: The lake as production sees it.
        namespace: The lake as the namespace sees it.
    """
    types, named = {}, {}
    for kind in ENTITY_TYPES:
        table = entity_members(kind)
        if production.current_digest(table.name, "*") == namespace.current_digest(table.name, "*"):
            change = _unchanged(production, kind)
        else:
            for name, lake in (("members_before", production), ("members_after", namespace)):
                rows = lake.relation(con, table).project("entity_id, source, source_id")
                rows.create_view(name, replace=True)
            change = _type_change(con)
            if some := examples(con, kind, production, namespace):
                named[kind] = some
        if change != TypeChange():
            types[kind] = change
    return Comparison(types, _relations(con, production, namespace), named)


def _unchanged(lake: Lake, kind: str) -> TypeChange:
    """The figures of a type of which nothing differs, from the catalog alone."""
    from kg_assets.matching.tables import resolved_entities

    records = sum(head.file.rows for head in lake.heads(entity_members(kind)).values())
    entities = sum(head.file.rows for head in lake.heads(resolved_entities(kind)).values())
    return TypeChange(records_before=records, before=entities, after=entities)


def _type_change(con: duckdb.DuckDBPyConnection) -> TypeChange:
    con.execute(
        """
        -- A row for each pair of entities that share records, with how many; one side is NULL
        -- for the records that the other side lacks.
        CREATE OR REPLACE TEMP TABLE shared AS
        SELECT old.entity_id AS before, new.entity_id AS after, count(*) AS records
        FROM members_before AS old
        FULL JOIN members_after AS new USING (source, source_id)
        GROUP BY ALL;

        CREATE OR REPLACE TEMP TABLE fate AS
        SELECT
            before,
            sum(records) AS records,
            count(after) AS parts,
            coalesce(sum(records) FILTER (after IS NULL), 0) AS gone,
            arg_max(after, (records, after)) FILTER (after IS NOT NULL) AS main,
            max(records) FILTER (after IS NOT NULL) AS brought
        FROM shared
        WHERE before IS NOT NULL
        GROUP BY before;

        CREATE OR REPLACE TEMP TABLE origin AS
        SELECT
            after,
            count(before) AS parts,
            count(*) FILTER (before IS NULL) AS fresh,
            sum(records) AS records
        FROM shared
        WHERE after IS NOT NULL
        GROUP BY after;

        -- Of the entities that go on in one, the first is that one and the others are merged.
        CREATE OR REPLACE TEMP TABLE ranked AS
        SELECT
            before,
            records,
            main,
            row_number() OVER (
                PARTITION BY main
                ORDER BY brought DESC, (main = before) DESC, before
            ) AS place
        FROM fate
        """
    )
    row = con.sql(
        """
        SELECT
            (SELECT coalesce(sum(records), 0) FROM shared WHERE before IS NOT NULL),
            (SELECT coalesce(sum(records), 0) FROM shared WHERE before IS NULL),
            (SELECT coalesce(sum(records), 0) FROM shared WHERE after IS NULL),
            (SELECT count(*) FROM fate),
            (SELECT count(*) FROM origin),
            (SELECT count(*) FROM origin WHERE parts = 0),
            (SELECT count(*) FROM fate WHERE parts = 0),
            (SELECT count(*) FROM ranked WHERE main IS NOT NULL AND place > 1),
            (SELECT count(*) FROM fate WHERE parts > 1),
            (
                SELECT count(*)
                FROM fate
                JOIN origin ON origin.after = fate.main
                WHERE fate.parts = 1
                  AND fate.gone = 0
                  AND origin.parts = 1
                  AND origin.fresh = 0
                  AND fate.main <> fate.before
            )
        """
    ).fetchall()[0]
    names = [each.name for each in fields(TypeChange)]
    return TypeChange(**{name: int(value) for name, value in zip(names, row, strict=True)})


def _relations(
    con: duckdb.DuckDBPyConnection, production: Lake, namespace: Lake
) -> dict[tuple[str, str], RelationChange]:
    for name, lake in (("edges_before", production), ("edges_after", namespace)):
        rows = lake.relation(con, EDGES).project("edge_id, relation, kind")
        rows.create_view(name, replace=True)
    found = con.sql(
        """
        SELECT
            relation,
            kind,
            count(old.edge_id),
            count(new.edge_id),
            count(*) FILTER (old.edge_id IS NULL),
            count(*) FILTER (new.edge_id IS NULL)
        FROM edges_before AS old
        FULL JOIN edges_after AS new USING (edge_id, relation, kind)
        GROUP BY relation, kind
        ORDER BY relation, kind
        """
    ).fetchall()
    return {(name, kind): RelationChange(*counts) for name, kind, *counts in found}
