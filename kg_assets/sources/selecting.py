"""Running an adapter's SQL: the typed rows of its inputs become rows of records."""

# ruff: noqa: S608 - names in statements are constants of this package, values are bound.

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from kg_assets.sources.staged import Staged, by_parts, write
from kg_assets.sources.tables import SOURCE_RECORDS
from resources.keyed import KEYED_ROWS, by_hash

if TYPE_CHECKING:
    import duckdb

    from kg_assets.sources.adapter import Adapter, Input

PART_ROWS = 1_000_000
"""Rows of the largest input of which records are made at once: lists that DuckDB gathers by a key
are kept in memory, so that a part of them must fit into it."""

_ROW_NUMBER = re.compile(r"\brow_number\b(?!\s*\()")
"""The column, not the function."""

_MOST_PARTS = 200


def make_rows(
    con: duckdb.DuckDBPyConnection,
    adapter: Adapter,
    source: str,
    scratch: Path,
    *,
    is_deletion: bool = False,
    part_rows: int = PART_ROWS,
) -> None:
    """Run an adapter's SELECT; make the view ``selected``: source_records, problem and item.

    Args:
        con: A connection with the macros and code tables, the views ``parsed_<input>`` (the
            columns of the place and the input's fields) and the view ``raw`` (the raw blobs).
        adapter: The adapter.
        source: Name of the source, written into each row.
        scratch: Folder for the rows, and for what is joined.
        is_deletion: Whether the records only name what is to be deleted; then the source_id
            stands in for a missing name.
        part_rows: Rows of the largest input of which records are made at once, about; the
            result is the same.

    Also makes the table ``orphans`` (place and reason): rows that add to a record which is not
    there.
    """
    for each in adapter.all_inputs:
        _view_input(con, each, numbered=_ROW_NUMBER.search(adapter.select) is not None)
    # Some adapters make other records where a delivery only removes.
    con.execute("SET VARIABLE is_deletion = $1", [is_deletion])
    con.register("source_records_schema", SOURCE_RECORDS.schema.empty_table())
    rows = _Selected(con, scratch)
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        for view in _parts(con, adapter, Path(folder), part_rows):
            for name, statement in view.items():
                con.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {statement}")
            _select(rows, adapter, source, is_deletion=is_deletion)
    for each in adapter.all_inputs:
        if each.adds_to is None:
            _add_left_out(con, rows, each, source, min(part_rows, KEYED_ROWS))
    _make_orphans(con, adapter)


def _view_input(con: duckdb.DuckDBPyConnection, each: Input, *, numbered: bool) -> None:
    # Counted over the raw blobs, so that a row that cannot be read does not shift those after it.
    con.execute(
        f"""
        CREATE OR REPLACE TEMP VIEW {each.name} AS
        SELECT parsed.*, numbers.row_number
        FROM parsed_{each.name} AS parsed
        JOIN (
            SELECT file, coalesce("table", '') AS table_name, position,
                   row_number() OVER (PARTITION BY file, "table" ORDER BY position) AS row_number
            FROM raw
        ) AS numbers
          ON numbers.file = parsed.file
         AND numbers.table_name = coalesce(parsed."table", '')
         AND numbers.position = parsed.position
        """
        if numbered
        else f"""
        CREATE OR REPLACE TEMP VIEW {each.name} AS
        SELECT *, NULL::BIGINT AS row_number
        FROM parsed_{each.name}
        """
    )


def _parts(
    con: duckdb.DuckDBPyConnection, adapter: Adapter, folder: Path, part_rows: int
) -> list[dict[str, str]]:
    """Write the joins, and everything that has a key by parts of the keys.

    Returns:
        For each part, what the views of inputs and joins read; nothing for one that stays whole.
    """
    keyed = [each for each in adapter.all_inputs if each.key is not None]
    if not keyed:
        return [{}]
    largest = max(
        con.sql(f"SELECT count(*) FROM parsed_{each.name}").fetchall()[0][0] for each in keyed
    )
    parts = min(1 + largest // part_rows, _MOST_PARTS)
    for join in adapter.joins:
        path = folder / f"{join.name}.parquet"
        write(con, path, join.select)
        con.read_parquet([str(path)]).create_view(join.name, replace=True)
    if parts == 1:
        return [{}]
    views: list[dict[str, str]] = [{} for _ in range(parts)]
    for name, key in [
        *((each.name, each.key) for each in keyed),
        *((join.name, join.key) for join in adapter.joins),
    ]:
        target = folder / f"parts_{name}"
        found = by_parts(con, f"FROM {name}", str(key), parts, target)
        for part in range(parts):
            # A part that no row falls into has no file; its rows are none of those there are.
            views[part][name] = (
                f"SELECT * FROM {found[part]}"
                if part in found
                else f"SELECT * FROM {next(iter(found.values()))} LIMIT 0"
                if found
                else f"SELECT * FROM {_empty(con, name)}"
            )
    return views


def _empty(con: duckdb.DuckDBPyConnection, name: str) -> str:
    con.execute(f"CREATE OR REPLACE TEMP TABLE empty_{name} AS SELECT * FROM {name} LIMIT 0")
    return f"empty_{name}"


class _Selected:
    """The view ``selected``, of a file for each statement that adds rows to it."""

    def __init__(self, con: duckdb.DuckDBPyConnection, scratch: Path) -> None:
        self._con = con
        self._rows = Staged(con, "selected", scratch)
        self._empty = con.sql(
            """
            SELECT *, NULL::VARCHAR AS problem, NULL::INTEGER AS item
            FROM source_records_schema
            """
        )
        self._empty.create_view("selected", replace=True)

    def add(self, select: str, source: str) -> None:
        """Add the rows of a statement; a column that it lacks is null."""
        parameters = {"source": source}
        given = set(self._con.sql(select, params=parameters).columns)
        columns = ", ".join(
            f'CAST("{name}" AS {kind}) AS "{name}"'
            if name in given
            else f'NULL::{kind} AS "{name}"'
            for name, kind in zip(self._empty.columns, self._empty.types, strict=True)
        )
        self._rows.add(f"SELECT {columns} FROM ({select})", parameters)


def _select(rows: _Selected, adapter: Adapter, source: str, *, is_deletion: bool) -> None:
    name = "coalesce(name, source_id)" if is_deletion else "name"
    rows.add(
        f"""
        SELECT * REPLACE ({name} AS name), $source AS source
        FROM ({adapter.select})
        """,
        source,
    )


def _add_left_out(
    con: duckdb.DuckDBPyConnection, rows: _Selected, each: Input, source: str, part_rows: int
) -> None:
    for part in by_hash(con, f"parsed_{each.name}", "position", part_rows=part_rows):
        rows.add(
            f"""
            SELECT file, "table", position, sha256, $source AS source,
                   'the adapter of the source made no record of it' AS problem
            FROM (FROM parsed_{each.name} WHERE {part}) AS parsed
            WHERE NOT EXISTS (
                FROM (SELECT file, "table", position FROM selected WHERE {part}) AS made
                WHERE made.file = parsed.file
                  AND made."table" IS NOT DISTINCT FROM parsed."table"
                  AND made.position = parsed.position
            )
              AND ({each.holds_record or "true"})
            """,
            source,
        )


def _make_orphans(con: duckdb.DuckDBPyConnection, adapter: Adapter) -> None:
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE orphans AS
        SELECT file, "table", position, sha256, '' AS reason
        FROM source_records_schema
        """
    )
    for each in adapter.all_inputs:
        if each.adds_to is None:
            continue
        other = adapter.input(each.adds_to)
        con.execute(
            f"""
            INSERT INTO orphans
            SELECT file, "table", position, sha256,
                   CASE
                       WHEN "{each.key}" IS NULL THEN '{each.key} is missing'
                       ELSE '{each.key} ' || left("{each.key}"::VARCHAR, 100) || ' has no readable '
                            || 'row in {other.files[0]} of this delivery, and this row only adds '
                            || 'to one'
                   END AS reason
            FROM parsed_{each.name} AS added
            WHERE NOT EXISTS (
                FROM parsed_{other.name} AS main
                WHERE main."{other.key}" = added."{each.key}"
            )
            """
        )
