"""A few of the entities that a promotion changes, by name: whom to look at before it is done.

Of each fate those that matter most come first: entities of most records, then of most votes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kg_assets.matching.tables import resolved_entities

if TYPE_CHECKING:
    import duckdb

    from resources.lake import Lake

FATES = ("gained", "lost", "merged", "split")
"""What becomes of entities, as `TypeChange` counts them."""

_MOST = 5
"""Entities of one fate that are named."""

_PARTS = 3
"""Entities into which one was split that are named, those with most of its records."""

_NAME_CHARACTERS = 100


@dataclass(frozen=True)
class Named:
    """An entity by name.

    Attributes:
        id: Its id.
        name: Its name, at most 100 characters; empty where its side has no such entity.
        year: Its year.
    """

    id: str
    name: str
    year: int | None

    def __str__(self) -> str:
        """Name, year and id."""
        year = f" ({self.year})" if self.year is not None else ""
        return f"{self.name}{year} [{self.id}]"


@dataclass(frozen=True)
class Example:
    """An entity and what becomes of it.

    Attributes:
        entity: The entity: of the namespace where it is gained, else of production.
        records: Its records.
        into: Entities of the namespace that its records are in, where it is merged (the one that
            takes it in) or split (those with most of its records).
    """

    entity: Named
    records: int
    into: tuple[Named, ...] = ()

    def __str__(self) -> str:
        """In words."""
        records = "1 record" if self.records == 1 else f"{self.records:,} records"
        into = " into " + "; ".join(map(str, self.into)) if self.into else ""
        return f"{self.entity}, {records}{into}"


Examples = Mapping[str, Sequence[Example]]
"""Entities by what becomes of them, one of `FATES`."""


def examples(
    con: duckdb.DuckDBPyConnection, kind: str, production: Lake, namespace: Lake
) -> Examples:
    """Name some entities of a type that are gained, lost, merged and split.

    Args:
        con: The connection with the tables ``shared``, ``fate``, ``origin`` and ``ranked`` of
            `kg_assets.promotion.comparison`.
        kind: The type.
        production: The lake as production sees it.
        namespace: The lake as the namespace sees it.
    """
    for name, lake in (("named_before", production), ("named_after", namespace)):
        rows = lake.relation(con, resolved_entities(kind))
        rows.project("entity_id, name, year, votes").create_view(name, replace=True)
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE example AS
        WITH happened AS (
            SELECT 'gained' AS what, after AS id, records, NULL AS main
            FROM origin
            WHERE parts = 0
            UNION ALL
            SELECT 'lost', before, records, NULL
            FROM fate
            WHERE parts = 0
            UNION ALL
            SELECT 'merged', before, records, main
            FROM ranked
            WHERE main IS NOT NULL AND place > 1
            UNION ALL
            SELECT 'split', before, records, NULL
            FROM fate
            WHERE parts > 1
        ),
        named AS (
            SELECT happened.*, name, year, votes
            FROM happened
            LEFT JOIN named_before ON entity_id = id
            WHERE what <> 'gained'
            UNION ALL
            SELECT happened.*, name, year, votes
            FROM happened
            LEFT JOIN named_after ON entity_id = id
            WHERE what = 'gained'
        )
        SELECT *
        FROM named
        QUALIFY row_number() OVER (
            PARTITION BY what
            ORDER BY records DESC, votes DESC NULLS LAST, id
        ) <= $most
        """,
        {"most": _MOST},
    )
    into = _into(con)
    found: dict[str, list[Example]] = {fate: [] for fate in FATES}
    chosen = con.sql(
        """
        SELECT what, id, name, year, records
        FROM example
        ORDER BY what, records DESC, votes DESC NULLS LAST, id
        """
    ).fetchall()
    for what, id_, name, year, records in chosen:
        example = Example(_named(id_, name, year), int(records), tuple(into.get((what, id_), ())))
        found[what].append(example)
    return {fate: named for fate, named in found.items() if named}


def _into(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], list[Named]]:
    """The entities that the chosen ones went into."""
    rows = con.execute(
        """
        WITH went AS (
            SELECT what, id, main AS after, 0 AS records
            FROM example
            WHERE what = 'merged'
            UNION ALL
            SELECT what, id, shared.after, shared.records
            FROM example
            JOIN shared ON shared.before = example.id AND shared.after IS NOT NULL
            WHERE what = 'split'
            QUALIFY row_number() OVER (
                PARTITION BY id
                ORDER BY shared.records DESC, shared.after
            ) <= $parts
        )
        SELECT what, id, after, name, year
        FROM went
        LEFT JOIN named_after ON entity_id = after
        ORDER BY what, id, went.records DESC, after
        """,
        {"parts": _PARTS},
    ).fetchall()
    found: dict[tuple[str, str], list[Named]] = {}
    for what, id_, after, name, year in rows:
        found.setdefault((what, id_), []).append(_named(after, name, year))
    return found


def _named(id_: str, name: str | None, year: int | None) -> Named:
    return Named(id_, (name or "")[:_NAME_CHARACTERS], year)
