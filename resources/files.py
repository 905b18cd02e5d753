"""Writing the lake's Parquet files: where they lie, what they must hold, and their hash."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from pathlib import Path
    from typing import TypeAlias

    import duckdb

    from resources.table import Table

    Data: TypeAlias = (
        duckdb.DuckDBPyRelation | pa.RecordBatchReader | pa.Table | Iterable[pa.RecordBatch]
    )
    """What a step can write."""

_PARTITION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}(\|[A-Za-z0-9][A-Za-z0-9._-]{0,99})?")
_BATCH_ROWS = 65_536
_RANGE_ROWS = 262_144


class SchemaMismatchError(Exception):
    """What is written does not keep the table's contract."""


def write_file(path: Path, table: Table, data: Data, *, wide: bool = False) -> tuple[int, str]:
    """Write a table's rows to a new Parquet file and make it durable.

    Args:
        path: The file; it must not exist.
        table: Contract of the table; the data are cast to its schema.
        data: A DuckDB relation (which is sorted by the table's key), or Arrow batches that are
            already in order.
        wide: Whether a relation is sorted range by range of its key, since its rows are many and
            wide; it is then read several times.

    Returns:
        Number of rows, and SHA-256 of the file.

    Raises:
        SchemaMismatchError: The data do not fit the schema, or a required value is missing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as stream:
        sink = _HashingSink(stream)
        rows = _write_parquet(sink, table, _batches(data, table, wide))
        stream.flush()
        os.fsync(stream.fileno())
    return rows, sink.hash.hexdigest()


def relative_path(table: str, partition: str, version: str) -> str:
    """Where a version lies in the lake.

    Raises:
        ValueError: The partition key has characters that could lead elsewhere.
    """
    if not _PARTITION.fullmatch(partition):
        raise ValueError(
            f"partition key {partition!r} is not allowed: letters, digits, dot, - and _, "
            "at most one |"
        )
    return f"{table}/{partition.replace('|', '/')}/{version}.parquet"


class _HashingSink:
    """A binary stream that hashes what passes."""

    def __init__(self, stream: BinaryIO) -> None:
        self.hash = hashlib.sha256()
        self._stream = stream
        self.closed = False

    def write(self, data: Any) -> int:
        self.hash.update(data)
        return self._stream.write(data)

    def flush(self) -> None:
        self._stream.flush()

    def tell(self) -> int:
        return self._stream.tell()

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def close(self) -> None:
        self.closed = True


def _batches(data: Data, table: Table, wide: bool) -> Any:
    import duckdb

    if isinstance(data, duckdb.DuckDBPyRelation):
        absent = set(table.schema.names) - set(data.columns)
        if absent:
            raise SchemaMismatchError(f"{table.name}: columns {sorted(absent)} are missing")
        columns = ", ".join(f'"{name}"' for name in table.schema.names)
        keys = ", ".join(f'"{name}"' for name in table.key)
        rows = data.project(columns)
        if wide:
            return _in_ranges(rows, _range_key(table), keys)
        return rows.order(keys).to_arrow_reader(_BATCH_ROWS)
    if isinstance(data, pa.Table):
        return data.to_batches(_BATCH_ROWS)
    return data


def _range_key(table: Table) -> tuple[str, ...]:
    """Columns of the key by which a table is cut into ranges.

    The second too, as the first may be a type that most rows have. A column that can be null has
    no place in an order of ranges.
    """
    return tuple(name for name in table.key[:2] if not table.schema.field(name).nullable) or (
        table.key[0],
    )


def _in_ranges(
    rows: duckdb.DuckDBPyRelation, columns: tuple[str, ...], keys: str
) -> Iterator[pa.RecordBatch]:
    """Sorted rows in batches as one sort would give them, sorted a range of the key at a time.

    DuckDB sorts on disk, but holds more of wide rows in memory than its limit allows.
    """
    names = ", ".join(f'"{name}"' for name in columns)
    ends = (
        rows.project(f"{names}, row_number() OVER (ORDER BY {names}) AS place")
        .filter(f"place % {_RANGE_ROWS} = 0")
        .order("place")
        .fetchall()
    )
    bounds = list(dict.fromkeys(tuple(end[:-1]) for end in ends))
    left: list[pa.RecordBatch] = []
    for first, last in zip([None, *bounds], [*bounds, None], strict=True):
        part = rows
        if first is not None:
            part = part.filter(_is_after(columns, first))
        if last is not None:
            part = part.filter(~_is_after(columns, last))
        for batch in part.order(keys).to_arrow_reader(_BATCH_ROWS):
            left.append(batch)
            # Where a range ends must not show in the file.
            while sum(one.num_rows for one in left) >= _BATCH_ROWS:
                together = pa.Table.from_batches(left).combine_chunks().to_batches()[0]
                yield together.slice(0, _BATCH_ROWS)
                left = [together.slice(_BATCH_ROWS)]
    yield from left


def _is_after(columns: tuple[str, ...], bound: tuple[object, ...]) -> duckdb.Expression:
    """Whether a row comes after a bound in the order of the columns."""
    import duckdb

    pairs = [
        (duckdb.ColumnExpression(name), duckdb.ConstantExpression(value))
        for name, value in zip(columns, bound, strict=True)
    ]
    (column, value), *others = reversed(pairs)
    after = column > value
    for column, value in others:
        after = (column > value) | ((column == value) & after)
    return after


def _write_parquet(sink: Any, table: Table, batches: Iterable[pa.RecordBatch]) -> int:
    rows = 0
    with pq.ParquetWriter(sink, table.schema, compression="zstd") as writer:
        for batch in batches:
            kept = _conform(batch, table)
            rows += kept.num_rows
            if kept.num_rows:
                writer.write_table(kept)
    return rows


def _conform(batch: pa.RecordBatch, table: Table) -> pa.Table:
    given = pa.Table.from_batches([batch])
    absent = set(table.schema.names) - set(given.column_names)
    if absent:
        raise SchemaMismatchError(f"{table.name}: columns {sorted(absent)} are missing")
    given = given.select(table.schema.names)
    for field in table.schema:
        if not field.nullable and given.column(field.name).null_count:
            raise SchemaMismatchError(f"{table.name}: column {field.name!r} has missing values")
    try:
        return given.cast(table.schema)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError) as error:
        raise SchemaMismatchError(f"{table.name}: {error}") from error
