"""Finding an entity of the published graph by id, by record or by name."""

# ruff: noqa: S608 - expressions in statements are of this module, values are bound.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

Row = dict[str, Any]

ANSWERS = 50
"""Entities that are listed at most where several have the name."""

GUESSES = 10
"""Names that are offered at most where nothing has the name that was asked for."""

_NEAR = 0.88
"""Jaro-Winkler similarity from which a name counts as a misspelling of what was asked for."""

_KEY = "trim(regexp_replace(lower(strip_accents({0})), '[^\\p{{L}}\\p{{N}}]+', ' ', 'g'))"


@dataclass(frozen=True)
class Found:
    """What a query means.

    Attributes:
        match: How it was understood: id, redirect, record, exact, prefix or fuzzy.
        answers: Entities (node_id, node_type, name, year, records), best first.
        total: How many there are, of which the first `ANSWERS` are kept.
        note: What the person has to know besides, or None.
    """

    match: str
    answers: list[Row]
    total: int
    note: str | None = None


def find(con: duckdb.DuckDBPyConnection, query: str) -> Found:
    """Find what a query means.

    Args:
        con: The published graph.
        query: An id, source:id of a record, or a name.
    """
    for lookup in (_by_id, _by_redirect, _by_record):
        found = lookup(con, query)
        if found is not None:
            return found
    return _by_name(con, query)


def _by_id(con: duckdb.DuckDBPyConnection, query: str) -> Found | None:
    answers = _answers(con, "SELECT ? AS node_id", [query])
    if not answers:
        return None
    parts = rows_of(
        con,
        "SELECT entity_id FROM redirects WHERE old_id = ? AND event = 'split' ORDER BY entity_id",
        [query],
    )
    others = ", ".join(row["entity_id"] for row in parts)
    return Found("id", answers, 1, f"some of its records are now {others}" if parts else None)


def _by_redirect(con: duckdb.DuckDBPyConnection, query: str) -> Found | None:
    told = rows_of(
        con,
        "SELECT event, entity_id FROM redirects WHERE old_id = ? ORDER BY event, entity_id",
        [query],
    )
    if not told:
        return None
    # An id that was merged and had lost parts before leads to where most of it went.
    event = told[0]["event"]
    targets = [row["entity_id"] for row in told if row["event"] == event and row["entity_id"]]
    if not targets:
        return Found("redirect", [], 0, f"{query} is retired: its records are no longer delivered")
    answers = _answers(con, "SELECT unnest(?::VARCHAR[]) AS node_id", [targets])
    note = f"{query} was {event}: now {', '.join(targets)}"
    return Found("redirect", answers, len(answers), note)


def _by_record(con: duckdb.DuckDBPyConnection, query: str) -> Found | None:
    source, colon, source_id = query.partition(":")
    if not (source and colon and source_id):
        return None
    answers = _answers(
        con,
        """
        SELECT DISTINCT evidence.subject_id AS node_id
        FROM evidence
        JOIN nodes ON nodes.node_id = evidence.subject_id
        WHERE evidence.subject_kind = 'node'
            AND evidence.source = ?
            AND evidence.source_id = ?
            AND nodes.node_type NOT IN ('genre', 'country')
        """,
        [source, source_id],
    )
    return Found("record", answers, len(answers)) if answers else None


def _by_name(con: duckdb.DuckDBPyConnection, query: str) -> Found:
    wanted = con.sql(f"SELECT {_KEY.format('?')}", params=[query]).fetchall()[0][0]
    if not wanted:
        return Found("exact", [], 0)
    named = f"""
        WITH written AS (
            SELECT node_id, name FROM nodes
            UNION ALL
            SELECT node_id, unnest(alternate_names) AS name FROM nodes
        ),
        named AS (
            SELECT node_id, {_KEY.format("name")} AS key FROM written
        )
    """
    for match, condition in (
        ("exact", "key = $wanted"),
        ("prefix", "starts_with(key, $wanted)"),
        ("fuzzy", f"jaro_winkler_similarity(key, $wanted) >= {_NEAR}"),
    ):
        rows = rows_of(
            con,
            f"""
            {named}
            SELECT
                nodes.node_id,
                nodes.node_type,
                nodes.name,
                nodes.year,
                nodes.records,
                count(*) OVER () AS total
            FROM (
                SELECT
                    node_id,
                    max(jaro_winkler_similarity(key, $wanted)) AS similarity
                FROM named
                WHERE {condition}
                GROUP BY ALL
            )
            JOIN nodes USING (node_id)
            ORDER BY similarity DESC, nodes.records DESC, nodes.name, nodes.node_id
            LIMIT {ANSWERS}
            """,
            {"wanted": wanted},
        )
        if rows:
            total = rows[0]["total"]
            if match == "fuzzy":
                rows = rows[:GUESSES]
                total = len(rows)
            answers = [{key: row[key] for key in row if key != "total"} for row in rows]
            return Found(match, answers, total)
    return Found("exact", [], 0)


def _answers(con: duckdb.DuckDBPyConnection, ids: str, parameters: list[object]) -> list[Row]:
    return rows_of(
        con,
        f"""
        SELECT node_id, node_type, name, year, records
        FROM nodes
        JOIN ({ids}) USING (node_id)
        ORDER BY records DESC, name, node_id
        """,
        parameters,
    )


def rows_of(
    con: duckdb.DuckDBPyConnection, query: str, parameters: list[Any] | dict[str, Any]
) -> list[Row]:
    """Rows of a result that is small, as column to value."""
    rows: list[Row] = con.sql(query, params=parameters).to_arrow_table().to_pylist()
    return rows
