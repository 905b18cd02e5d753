"""Counting blobs by the places at which they lie, some places at a time."""

# ruff: noqa: S608 - names in statements are constants of this package.

from __future__ import annotations

from typing import TYPE_CHECKING

from resources.keyed import KEYED_ROWS, by_hash

if TYPE_CHECKING:
    import duckdb

_PLACE = 'file, "table", position'


def places(
    con: duckdb.DuckDBPyConnection, kept: str, refused: str, *, part_rows: int = KEYED_ROWS
) -> tuple[int, int]:
    """Count the blobs of which something was kept, and those of which nothing was.

    Args:
        con: The connection.
        kept: Name of a view of rows with the place of their blob; a constant of the caller. Several
            rows may be of one blob.
        refused: The same of rows that were refused.
        part_rows: Rows whose places are held at once, about; the result is the same.

    Returns:
        Blobs that have a row in ``kept``, and blobs that have one in ``refused`` only.
    """
    # The parts of the larger view are parts of the other one too: both have the same columns.
    parts = max(
        (by_hash(con, rows, _PLACE, part_rows=part_rows) for rows in (kept, refused)), key=len
    )
    found = [0, 0]
    for part in parts:
        counted = con.sql(
            f"""
            SELECT count(*) FILTER (is_kept), count(*) FILTER (NOT is_kept)
            FROM (
                SELECT bool_or(is_kept) AS is_kept
                FROM (
                    SELECT {_PLACE}, true AS is_kept FROM {kept} WHERE {part}
                    UNION ALL
                    SELECT {_PLACE}, false AS is_kept FROM {refused} WHERE {part}
                )
                GROUP BY {_PLACE}
            )
            """
        ).fetchall()[0]
        found = [sum(pair) for pair in zip(found, counted, strict=True)]
    return found[0], found[1]
