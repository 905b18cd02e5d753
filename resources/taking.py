"""A few rows of a large table, found in a copy of it that is touched only where they are.

A few rows that lie everywhere in a Parquet file cost as much as all of its rows, since whole pages
are decoded. A machine's own copy in Arrow's format is mapped into memory: of it only the column
that is looked through is read, and the rows that are found. A copy is of the content of one moment;
what changed since then is known by layers, so that it serves many updates.
"""

# ruff: noqa: S608 - names in statements are constants of our own callers and declared columns.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from resources.derived import derived, derived_there
from resources.entries import digest_of
from resources.layers import Changes
from resources.mapped_rows import mapped_batches, write_rows
from resources.table import WHOLE
from resources.threads import mapped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from resources.entries import Head
    from resources.step import Step
    from resources.table import Table

_FORMAT = "rows, 1"
"""Names a copy; another where its file is otherwise."""

_BATCH_ROWS = 65_536


def copy(step: Step, table: Table) -> None:
    """Let this machine have a copy of a table, if it is large.

    A step that reads all of a table does this for those that will look for a few rows of it.

    Args:
        step: The step.
        table: The table, as the step reads it; it has no partitions.
    """
    head = step.head_of(table)
    if head is not None and _is_large(step, head):
        _copied(step, table, head)


def take(
    step: Step,
    name: str,
    table: Table,
    column: str,
    values: str,
    columns: Sequence[str] | None = None,
) -> None:
    """Make a temporary table of the rows of a table that have one of some values in a column.

    It is no input of the step: who depends on more than the rows that it knows of says so.

    Args:
        step: The step.
        name: Name of the temporary table, one of ours.
        table: The table, as the step reads it; it has no partitions.
        column: One of its columns.
        values: Name of a view or table of the step's connection with a column of the same name.
        columns: What is wanted of the rows; all by default.

    Raises:
        CorruptFileError: A file's bytes are not those that were committed.
    """
    con, head = step.con, step.head_of(table)
    wanted = list(columns or table.schema.names)
    listed = _listed(wanted)
    condition = f'"{column}" IN (SELECT "{column}" FROM {values})'
    if head is None or not _is_large(step, head):
        found = step.read(table, tracked=False, where=condition)
        found.create_view(f"{name}_found", replace=True)
        con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT {listed} FROM {name}_found")
        return
    folder, changes = _copied(step, table, head)
    changes.rows.create_view(f"{name}_since", replace=True)
    changes.removed.create_view(f"{name}_gone", replace=True)
    keys = _listed(table.key)
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE {name} AS
        SELECT {listed}
        FROM {name}_since
        WHERE {condition};

        CREATE OR REPLACE TEMP TABLE {name}_other AS
        SELECT {keys} FROM {name}_since
        UNION ALL
        SELECT {keys} FROM {name}_gone
        """
    )
    asked = con.sql(f'SELECT DISTINCT "{column}" FROM {values}').to_arrow_table()[0]
    threads = step.lake.settings.threads
    rows = _rows_with(folder, column, asked.combine_chunks(), [*wanted, *table.key], threads)
    con.register(f"{name}_copied", rows)
    con.execute(
        f"""
        INSERT INTO {name}
        SELECT {listed}
        FROM {name}_copied
        ANTI JOIN {name}_other USING ({keys})
        """
    )
    con.unregister(f"{name}_copied")


def _is_large(step: Step, head: Head) -> bool:
    return head.file.rows >= step.lake.settings.copied_rows


def _copied(step: Step, table: Table, head: Head) -> tuple[Path, Changes]:
    """A copy of a table as it is, or as it was some time ago, and what changed since."""
    settings = step.lake.settings
    kept: dict[str, Path] = {}

    def named(content: str) -> str:
        return f"{table.name}\n{digest_of({WHOLE: content})}\n{_FORMAT}"

    def is_kept(content: str) -> bool:
        there = derived_there(settings.cache, named(content))
        if there is not None:
            kept[content] = there
        return there is not None

    def make(folder: Path) -> None:
        _write(step, table, head, folder)

    layers = step.lake.layers_since([head], {head.partition: is_kept})
    if layers is not None:
        [folder] = kept.values()
        return folder, Changes(step.con, table, *layers)
    folder = derived(settings.cache, named(head.file.digest), make, settings.cache_bytes)
    return folder, Changes(step.con, table, [], 0)


def _write(step: Step, table: Table, head: Head, folder: Path) -> None:
    """Write a copy of a version into an empty folder, in the order of its file."""
    con = step.con
    con.execute("SET preserve_insertion_order = true")
    try:
        write_rows(folder, step.lake.open(con, table, [head]).to_arrow_reader(_BATCH_ROWS))
    finally:
        con.execute("SET preserve_insertion_order = false")


def _rows_with(
    folder: Path, column: str, values: pa.Array, columns: Sequence[str], threads: int
) -> pa.RecordBatchReader:
    """Rows of a copy of which a column has one of some values, to be read once."""
    columns = list(dict.fromkeys(columns))
    file = mapped_batches(folder)
    values = values.drop_null().sort()

    def taken(batch: pa.RecordBatch) -> pa.RecordBatch:
        places = _places(batch[column], values)
        return batch.select(columns).take(pa.array(places, pa.int64()))

    def found() -> Iterator[pa.RecordBatch]:
        batches = (file.get_batch(number) for number in range(file.num_record_batches))
        yield from (rows for rows in mapped(taken, batches, threads) if rows.num_rows)

    schema = pa.schema([file.schema.field(name) for name in columns])
    return pa.RecordBatchReader.from_batches(schema, found())


def _places(column: pa.Array, values: pa.Array) -> Any:
    """Where a column has one of some values, which ascend.

    Numbers in order are not looked through: each value is sought by halving.
    """
    if pa.types.is_integer(column.type) and not column.null_count:
        numbers, sought = np.asarray(column), np.asarray(values)
        if (numbers[1:] >= numbers[:-1]).all():
            sought = sought[np.searchsorted(sought, numbers[0]) :]
            sought = sought[: np.searchsorted(sought, numbers[-1], side="right")]
            begins = np.searchsorted(numbers, sought)
            counts = np.searchsorted(numbers, sought, side="right") - begins
            ends = np.cumsum(counts)
            return np.repeat(begins - (ends - counts), counts) + np.arange(int(counts.sum()))
    return np.flatnonzero(pc.is_in(column, value_set=values).to_numpy(zero_copy_only=False))


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)
