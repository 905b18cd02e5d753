"""Which input of an adapter reads which blobs, and the typed rows that it reads of them."""

# ruff: noqa: S608 - names in statements are constants of this package, values are bound.

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from kg_assets.sources.parsing import parse_blobs
from kg_assets.sources.record import POSITION_FIELDS
from kg_assets.sources.tables import QUARANTINED_BLOBS, RAW_BLOBS
from resources.progress import Reading

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import duckdb

    from kg_assets.sources.adapter import Adapter, Input

_BATCHES = (
    (0, 2_048, 8_192),
    (2_048, 65_536, 256),
    (65_536, 1 << 20, 16),
    (1 << 20, None, 1),
)
"""Blobs from and below how many bytes, and how many of them at once: 16 MB at most, or one."""


_GROUP_BYTES, _GROUP_ROWS = 16 << 20, 20_000
"""What is gathered before it is written: a row group has a header for each of its columns, and an
entity of Wikidata, of which few are read at once, has three hundred."""


class _Gathered:
    """Rows on their way into a Parquet file."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._writer = pq.ParquetWriter(path, schema)
        self._schema = schema
        self._held: list[pa.RecordBatch] = []
        self._bytes = self._rows = 0

    def __enter__(self) -> _Gathered:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._flush()
        self._writer.close()

    def add(self, batch: pa.RecordBatch) -> None:
        """Takes in rows; columns may come in another order."""
        if not batch.num_rows:
            return
        self._held.append(batch.select(self._schema.names).cast(self._schema))
        self._bytes += batch.nbytes
        self._rows += batch.num_rows
        if self._bytes >= _GROUP_BYTES or self._rows >= _GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        if self._held:
            table = pa.Table.from_batches(self._held, self._schema)
            self._writer.write_table(table, row_group_size=max(table.num_rows, 1))
        self._held, self._bytes, self._rows = [], 0, 0


def parsed_schema(source: Input) -> pa.Schema:
    """Schema of the rows of an input: the place of the blob and the fields."""
    return pa.schema([*POSITION_FIELDS, *source.fields])


def stage_inputs(
    con: duckdb.DuckDBPyConnection, adapter: Adapter, scratch: Path, *, is_deletion: bool = False
) -> list[str]:
    """Parse the blobs of a delivery, each by the input that reads its file.

    Args:
        con: A connection with the view ``raw``, rows of the table raw_blobs, and ``record_blobs``,
            those that are no texts.
        adapter: The adapter.
        scratch: Folder for what is parsed.
        is_deletion: Whether the delivery deletes.

    Returns:
        Names of the inputs that other rows wait for and that have no file in this delivery.

    Makes the views ``parsed_<input>`` (the columns of the place and the fields), ``unparsed``
    (rows of quarantined_blobs: what came with a problem, was not readable, or stands in a file
    that no input reads), ``skipped`` (rows of raw that are declared to hold no record) and
    ``recordless`` (place of rows that were read and hold none by the adapter's word).
    """
    missing = _assign_files(con, adapter, is_deletion=is_deletion)
    con.execute(
        "CREATE OR REPLACE TEMP TABLE tables_read AS SELECT unnest($1::VARCHAR[]) AS name",
        [list(adapter.tables or ())],
    )
    skips_tables = "true" if adapter.tables is not None else "false"
    con.execute(
        f"""
        CREATE OR REPLACE TEMP VIEW used AS
        SELECT raw.*,
               use.input,
               use.is_skipped
               OR {skips_tables}
               AND problem IS NULL
               AND "table" IS NOT NULL
               AND "table" NOT IN (FROM tables_read) AS is_skipped
        FROM raw
        JOIN file_use AS use USING (file)
        """
    )
    con.execute("CREATE OR REPLACE TEMP VIEW skipped AS SELECT * FROM used WHERE is_skipped")
    unparsed = scratch / "unparsed.parquet"
    [(size,)] = con.sql(
        """
        SELECT coalesce(sum(bytes), 0)::BIGINT
        FROM used
        WHERE input IS NOT NULL
          AND NOT is_skipped
        """
    ).fetchall()
    reading = Reading("parses", size, "rows")
    with _Gathered(unparsed, QUARANTINED_BLOBS.schema) as problems:
        for source in adapter.all_inputs:
            _parse(con, source, scratch / f"parsed_{source.name}.parquet", problems, reading)
    # Threads of the parser have ended, and Arrow would keep what they held: DuckDB needs it next.
    pa.default_memory_pool().release_unused()
    con.read_parquet([str(unparsed)]).create_view("unparsed_input", replace=True)
    _view_recordless(con, adapter)
    patterns = sorted(pattern for source in adapter.all_inputs for pattern in source.files)
    con.execute("SET VARIABLE files_read = $1", [", ".join(patterns)])
    columns = ", ".join(f'"{name}"' for name in QUARANTINED_BLOBS.schema.names)
    con.execute(
        f"""
        CREATE OR REPLACE TEMP VIEW unparsed AS
        SELECT {columns}
        FROM unparsed_input
        UNION ALL
        SELECT file, "table", position, sha256, bytes,
               'blob' AS stage,
               coalesce(
                   problem,
                   'the adapter of the source reads no file of this name; it reads '
                   || getvariable('files_read')
               ) AS reason,
               left(TRY(decode(blob)), 200) AS head
        FROM used
        WHERE input IS NULL
          AND NOT is_skipped
        """
    )
    return missing


def _assign_files(
    con: duckdb.DuckDBPyConnection, adapter: Adapter, *, is_deletion: bool
) -> list[str]:
    """Make the table ``file_use``: file, input (null where none reads it), is_skipped."""
    files = [
        row[0] for row in con.sql("SELECT DISTINCT file FROM record_blobs ORDER BY file").fetchall()
    ]
    inputs = [adapter.input_of(file) for file in files]
    present = {source.name for source in inputs if source is not None}
    missing: set[str] = set()
    skipped = []
    for file, source in zip(files, inputs, strict=True):
        waits = source is not None and source.adds_to not in (None, *present)
        if source is not None and source.adds_to is not None and waits:
            missing.add(source.adds_to)
        lists = source is not None and source.only_deletes and not is_deletion
        skipped.append(adapter.is_ignored(file) or waits or lists)
    con.register(
        "file_use_rows",
        pa.table(
            {
                "file": pa.array(files, pa.string()),
                "input": pa.array([s.name if s is not None else None for s in inputs], pa.string()),
                "is_skipped": pa.array(skipped, pa.bool_()),
            }
        ),
    )
    con.execute("CREATE OR REPLACE TEMP TABLE file_use AS FROM file_use_rows")
    con.unregister("file_use_rows")
    return sorted(missing)


def _parse(
    con: duckdb.DuckDBPyConnection,
    source: Input,
    path: Path,
    problems: _Gathered,
    reading: Reading,
) -> None:
    batches = _told(_batches(con, source), reading)
    with _Gathered(path, parsed_schema(source)) as records:
        for parsed in parse_blobs(batches, source.fields, empties=source.empties):
            records.add(parsed.records)
            problems.add(parsed.problems)
    con.read_parquet([str(path)]).create_view(f"parsed_{source.name}", replace=True)


def _told(batches: Iterator[pa.RecordBatch], reading: Reading) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield batch
        reading.add(pc.sum(batch.column("bytes")).as_py() or 0, batch.num_rows)


def _view_recordless(con: duckdb.DuckDBPyConnection, adapter: Adapter) -> None:
    parts = [
        f"""
        SELECT file, "table", position
        FROM parsed_{each.name}
        WHERE ({each.holds_record or "true"}) IS NOT TRUE
        """
        for each in adapter.all_inputs
    ]
    con.execute(f"CREATE OR REPLACE TEMP VIEW recordless AS {' UNION ALL '.join(parts)}")


def _batches(con: duckdb.DuckDBPyConnection, source: Input) -> Iterator[pa.RecordBatch]:
    columns = ", ".join(f'"{name}"' for name in RAW_BLOBS.schema.names)
    for least, limit, rows in _BATCHES:
        below = "" if limit is None else f"AND bytes < {limit}"
        reader = con.sql(
            f"""
            SELECT {columns}
            FROM used
            WHERE input = $input
              AND NOT is_skipped
              AND bytes >= {least} {below}
            """,
            params={"input": source.name},
        ).to_arrow_reader(rows)
        for batch in reader:
            yield batch.cast(RAW_BLOBS.schema)
