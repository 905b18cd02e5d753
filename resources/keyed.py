"""Looking at rows by their keys in bounded memory: keys that rise, and keys of a part at a time."""

# ruff: noqa: S608 - names in statements are constants of our own callers, values are bound.

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import duckdb

KEYED_ROWS = 500_000
"""Rows whose keys are held at once where they are counted or looked up."""

_MOST_PARTS = 32
"""Rows are read once for each part; more keys than fit then are spilled."""

_BATCH_ROWS = 65_536


def by_hash(
    con: duckdb.DuckDBPyConnection, rows: str, columns: str, *, part_rows: int = KEYED_ROWS
) -> list[str]:
    """Conditions that part rows by what some columns hold, each row in one of the parts.

    A table of the keys of all rows grows with their number. One of the keys of a part does not,
    and to read these columns once more for each part is cheap.

    Args:
        con: The connection.
        rows: Name of the view of the rows; a constant of the caller.
        columns: The columns, with commas; a constant of the caller.
        part_rows: Rows of a part, about.

    Returns:
        A condition for each part.
    """
    [(count,)] = con.sql(f"SELECT count(*) FROM {rows}").fetchall()
    parts = min(1 + int(count) // part_rows, _MOST_PARTS)
    return [f"hash({columns}) % {parts} = {part}" for part in range(parts)]


def rises(path: Path, key: Sequence[str]) -> bool:
    """Whether each row of a Parquet file has a key after that of the row before it.

    Then no two rows have the same key, and one batch of keys in memory was enough to see it.

    Args:
        path: The file.
        key: Its columns, plain values; text is compared by its bytes, null comes last.
    """
    last: pa.RecordBatch | None = None
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=list(key)):
            if not batch.num_rows:
                continue
            keys = batch.select(list(key))
            rows = keys if last is None else pa.concat_batches([last, keys])
            if not _rises(rows):
                return False
            # A copy: a slice would hold all of its batch.
            last = keys.take(pa.array([keys.num_rows - 1]))
    return True


def _rises(rows: pa.RecordBatch) -> bool:
    count = rows.num_rows - 1
    less = pa.array([False]).take(pa.array([0] * count, pa.int64()))
    equal = pc.invert(less)
    for column in rows.columns:
        before, after = column.slice(0, count), column.slice(1)
        no_before, no_after = before.is_null(), after.is_null()
        is_less = pc.if_else(
            pc.or_(no_before, no_after),
            pc.and_not(no_after, no_before),
            pc.less(before, after),
        )
        is_equal = pc.if_else(
            pc.or_(no_before, no_after),
            pc.and_(no_before, no_after),
            pc.equal(before, after),
        )
        less = pc.or_(less, pc.and_(equal, is_less))
        equal = pc.and_(equal, is_equal)
    return bool(pc.all(less, min_count=0).as_py())
