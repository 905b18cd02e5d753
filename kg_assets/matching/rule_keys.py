"""The blocks that the keys of blocking rules give each record, before any is cut."""

# ruff: noqa: S608 - what is put into statements is declared in our own model files.

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kg_assets.matching.cutting import hashed, view_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

    from kg_assets.matching.model import MatchSpec

_BATCH = 65_536
"""Records whose blocks are taken apart at once."""

AT_ONCE = 2_000_000
"""Records whose keys are held at once, beside DuckDB's memory: some 300 MB of those of people."""


@dataclass(frozen=True)
class _Blocks:
    """Blocks of values or records, as parallel arrays.

    Attributes:
        block: The blocks, uint64.
        place: Place of the value or record that each is of, int64.
    """

    block: Any
    place: Any


def raw_keys(
    con: duckdb.DuckDBPyConnection,
    spec: MatchSpec,
    view: str,
    name: str,
    *,
    at_once: int = AT_ONCE,
) -> None:
    """Make the blocks that the rules' keys give each record, before any is cut.

    A record is looked at once for all rules, and of its keys only their hashes are kept. Keys that
    follow from one column, as those of a name do, are made once for each value of it. While
    records are read, 12 bytes a key are held.

    Args:
        con: A connection with the macros of `normalise`.
        spec: The type's match model.
        view: Name of a view of the type's records.
        name: Makes the tables ``{name}_number`` (block, and the number of a record) and
            ``{name}_record`` (number, record_id, record, source, duplicate_free), and of both the
            view ``{name}``, rows of block_keys.
        at_once: Records whose keys are held at once, about; the result is the same.
    """
    shared = _of_one_column(con, spec, view)
    once = {place for places in shared.values() for place in places}
    own = [place for place in range(len(spec.blocking)) if place not in once]
    values = [
        _values(con, spec, view, column, places, f"value_{number}")
        for number, (column, places) in enumerate(shared.items())
    ]
    made = f"""
        SELECT record_id,
               record,
               source,
               duplicate_free
               {"".join(f", value_{number}.number" for number in range(len(shared)))}
               {"".join(f", blocks_{place}" for place in own)}
        FROM (
            SELECT record_id,
                   hash(record_id) AS record,
                   source,
                   duplicate_free
                   {"".join(f", {column} AS of_{number}" for number, column in enumerate(shared))}
                   {"".join(f", {_lists(spec, place)}" for place in own)}
            FROM {view}
        ) AS made
        {"".join(_joined(number) for number in range(len(shared)))}
    """
    count = int(con.sql(f"SELECT count(*) FROM {view}").fetchall()[0][0])
    parts = 1 + count // at_once
    for part in range(parts):
        rows = con.sql(f"{made} WHERE record % {parts} = {part}" if parts > 1 else made)
        _add(con, rows, values, name, first=not part)
    for number in range(len(values)):
        con.unregister(f"value_{number}")
    view_keys(con, name)


def _add(
    con: duckdb.DuckDBPyConnection,
    rows: duckdb.DuckDBPyRelation,
    values: list[_Values],
    name: str,
    *,
    first: bool,
) -> None:
    """Add records and their keys to the tables ``{name}_record`` and ``{name}_number``.

    Args:
        con: The connection.
        rows: The records, the numbers of their values, and their blocks under the other rules.
        values: Blocks of these values.
        name: Begins the names of the tables.
        first: Whether the tables are made by this.
    """
    from resources.threads import mapped

    start = 0 if first else con.sql(f"SELECT count(*) FROM {name}_record").fetchall()[0][0]
    threads = int(con.sql("SELECT current_setting('threads')").fetchall()[0][0])
    records: list[pa.RecordBatch] = []

    def numbered() -> Iterator[tuple[int, list[pa.Array]]]:
        count = start
        for batch in rows.to_arrow_reader(_BATCH):
            size = batch.num_rows
            number = pa.array(np.arange(count, count + size, dtype=np.uint32))
            # Copies: what is left of a batch of DuckDB's holds all of its columns.
            copied = [column.take(pa.array(np.arange(size))) for column in batch.columns[:4]]
            records.append(pa.RecordBatch.from_arrays([number, *copied], schema=_RECORD))
            yield count, batch.columns[4:]
            count += size

    def taken(given: tuple[int, list[pa.Array]]) -> pa.RecordBatch:
        count, columns = given
        parts = [
            *(one.of(np.asarray(column)) for one, column in zip(values, columns, strict=False)),
            *map(_apart, columns[len(values) :]),
        ]
        numbers = np.concatenate([part.place for part in parts]) + count
        blocks = np.concatenate([part.block for part in parts])
        return pa.RecordBatch.from_arrays(
            [pa.array(blocks), pa.array(numbers.astype(np.uint32))], schema=_NUMBER
        )

    found = pa.Table.from_batches(mapped(taken, numbered(), threads), _NUMBER)
    _keep(con, pa.Table.from_batches(records, _RECORD), f"{name}_record", first=first)
    _keep(con, found, f"{name}_number", first=first)


_RECORD = pa.schema(
    [
        ("number", pa.uint32()),
        ("record_id", pa.string()),
        ("record", pa.uint64()),
        ("source", pa.string()),
        ("duplicate_free", pa.bool_()),
    ]
)
_NUMBER = pa.schema([("block", pa.uint64()), ("number", pa.uint32())])


def _keep(con: duckdb.DuckDBPyConnection, rows: pa.Table, name: str, *, first: bool) -> None:
    con.register("rows_to_keep", rows)
    into = f"CREATE OR REPLACE TEMP TABLE {name} AS" if first else f"INSERT INTO {name}"
    con.execute(f"{into} FROM rows_to_keep")
    con.unregister("rows_to_keep")


def _lists(spec: MatchSpec, place: int) -> str:
    """The blocks of a record under a rule, in SQL; NULL for what is no key."""
    return f"""list_transform(
        {spec.blocking[place].keys},
        lambda one_key: CASE WHEN one_key <> '' THEN {hashed(place, "one_key")} END
    ) AS blocks_{place}"""


def _joined(number: int) -> str:
    return f"""
        LEFT JOIN value_{number} ON value_{number}.value IS NOT DISTINCT FROM made.of_{number}"""


def _of_one_column(
    con: duckdb.DuckDBPyConnection, spec: MatchSpec, view: str
) -> dict[str, list[int]]:
    """Columns, with the places of the rules whose keys follow from each alone."""
    columns = set(con.sql(f"FROM {view} LIMIT 0").columns)
    of = {one.name: one.of for one in spec.features if one.of is not None}
    of |= {column: column for column in of.values()}
    found: dict[str, list[int]] = defaultdict(list)
    for place, rule in enumerate(spec.blocking):
        # A word that is no column but reads like one only makes a rule one of all columns.
        origins = {of.get(word) for word in columns.intersection(re.findall(r"\w+", rule.keys))}
        if len(origins) == 1 and (origin := origins.pop()) is not None:
            found[origin].append(place)
    return dict(found)


@dataclass(frozen=True)
class _Values:
    """Blocks of the values of a column.

    Attributes:
        start: Where those of each value start, with the end of the last.
        block: Blocks by value.
    """

    start: Any
    block: Any

    def of(self, numbers: Any) -> _Blocks:
        """The blocks of records by the numbers of their values."""
        from kg_assets.matching.key_lists import repeated

        total = int((self.start[numbers + 1] - self.start[numbers]).sum())
        found = _Blocks(np.empty(total, np.uint64), np.empty(total, np.int64))
        repeated(numbers, self.start, self.block, found.block, found.place)
        return found


def _values(
    con: duckdb.DuckDBPyConnection,
    spec: MatchSpec,
    view: str,
    column: str,
    places: list[int],
    name: str,
) -> _Values:
    """The blocks of a column's values; leaves the view ``name`` (value, number)."""
    from kg_assets.matching.unions import grouped

    rows = con.sql(
        f"""
        SELECT {column}{"".join(f", {_lists(spec, place)}" for place in places)}
        FROM {view}
        WHERE record_id IN (SELECT min(record_id) FROM {view} GROUP BY {column})
        """
    )
    texts, parts, count = [], [_Blocks(np.empty(0, np.uint64), np.empty(0, np.int64))], 0
    for batch in rows.to_arrow_reader(_BATCH):
        texts.append(batch.columns[0])
        for lists in batch.columns[1:]:
            found = _apart(lists)
            parts.append(_Blocks(found.block, found.place + count))
        count += batch.num_rows
    value = pa.chunked_array(texts, rows.limit(0).to_arrow_table().schema.field(0).type)
    con.register(name, pa.table({"value": value, "number": np.arange(count, dtype=np.int32)}))
    order, start = grouped(np.concatenate([part.place for part in parts]), count)
    return _Values(start, np.concatenate([part.block for part in parts])[order])


def _apart(lists: pa.Array) -> _Blocks:
    """The blocks of lists, each once for its list."""
    from kg_assets.matching.key_lists import distinct

    flat = lists.flatten()
    sizes = np.asarray(pc.fill_null(pc.list_value_length(lists), 0)).astype(np.int64)
    known = np.asarray(flat.is_valid(), dtype=np.bool_)
    blocks, places = np.empty(len(flat), np.uint64), np.empty(len(flat), np.int64)
    count = distinct(sizes, np.asarray(flat.fill_null(0)), known, blocks, places)
    return _Blocks(blocks[:count], places[:count])
