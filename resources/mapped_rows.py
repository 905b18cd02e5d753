"""Rows in a file of Arrow's format that is mapped into memory: what is read of it is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.ipc as ipc

if TYPE_CHECKING:
    from pathlib import Path

_FILE = "rows.arrow"


def write_rows(folder: Path, rows: pa.RecordBatchReader) -> None:
    """Write rows into an empty folder, batch by batch."""
    with pa.OSFile(str(folder / _FILE), "wb") as sink, ipc.new_file(sink, rows.schema) as file:
        for batch in rows:
            file.write_batch(batch)


def mapped_batches(folder: Path) -> ipc.RecordBatchFileReader:
    """The batches that were written into a folder; only what is read of them is touched."""
    return ipc.open_file(pa.memory_map(str(folder / _FILE)))


def mapped_rows(folder: Path) -> pa.Table:
    """All rows that were written into a folder."""
    return mapped_batches(folder).read_all()
