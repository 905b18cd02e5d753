"""Writing the lake's Parquet files: where they lie, what they must hold, and their hash."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from resources.sorting import in_order

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
_READ_ROWS = 2_048  # a vector of DuckDB's


class SchemaMismatchError(Exception):
    """What is written does not keep the table's contract."""


def write_file(path: Path, table: Table, data: Data, *, scratch: Path) -> tuple[int, str]:
    """Write a table's rows to a new Parquet file and make it durable.

    Args:
        path: The file; it must not exist.
        table: Contract of the table; the data are cast to its schema.
        data: A DuckDB relation (which is sorted by the table's key), or Arrow batches that are
            already in order.
        scratch: Folder for the rows of a relation that are more than memory holds.

    Returns:
        Number of rows, and SHA-256 of the file.

    Raises:
        SchemaMismatchError: The data do not fit the schema, or a required value is missing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as stream:
        sink = _HashingSink(stream)
        rows = _write_parquet(sink, table, _batches(data, table, scratch))
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


def _batches(data: Data, table: Table, scratch: Path) -> Iterable[pa.RecordBatch]:
    import duckdb

    if isinstance(data, duckdb.DuckDBPyRelation):
        absent = set(table.schema.names) - set(data.columns)
        if absent:
            raise SchemaMismatchError(f"{table.name}: columns {sorted(absent)} are missing")
        columns = ", ".join(f'"{name}"' for name in table.schema.names)
        reader = data.project(columns).to_arrow_reader(_READ_ROWS)
        given = (one for batch in reader for one in _conform(batch, table).to_batches())
        return in_order(given, table.schema, table.key, scratch)
    if isinstance(data, pa.Table):
        batches: list[pa.RecordBatch] = data.to_batches(_BATCH_ROWS)
        return batches
    return data


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
