"""Sorting of more rows than memory holds: sorted runs in files, which are then merged.

DuckDB sorts on disk too, but holds more of rows with lists than its limit allows, or fails.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

RUN_BYTES = 32 << 20
"""Bytes of rows, as Arrow holds them, that are sorted in memory at once."""

GROUP_ROWS, GROUP_BYTES = 65_536, 32 << 20
"""Rows that come out together: so many, or fewer where their values have more bytes than that."""

_BLOCK_ROWS = 2_048
"""The bytes of so many rows are counted at once."""

_MOST_RUNS = 64
"""Runs that are merged at once; as many are first merged into one run where there are more."""

_PIECE_BYTES = 1 << 20
"""Of each run that is merged, so much is in memory, about. What comes in is put together to pieces
of this size: buffers of small batches are half empty."""


def in_order(
    batches: Iterable[pa.RecordBatch],
    schema: pa.Schema,
    key: Sequence[str],
    scratch: Path,
    *,
    run_bytes: int = RUN_BYTES,
) -> Iterator[pa.RecordBatch]:
    """Sort rows by their key, ascending, text by its bytes, null last.

    Args:
        batches: The rows, in any order, all of the schema.
        schema: Schema of the rows.
        key: Columns by which they are sorted, plain values.
        scratch: Folder for the runs; what is written there is removed in the end.
        run_bytes: How much is sorted in memory at once; about twice as much is needed.

    Yields:
        The rows in order, in batches of `GROUP_ROWS` rows, or fewer where these hold more than
        `GROUP_BYTES`. How the rows came cannot be told from them.
    """
    with tempfile.TemporaryDirectory(dir=scratch, prefix="sort-") as folder:
        runs = _Runs(Path(folder), schema, key)
        held: list[pa.RecordBatch] = []
        size = 0
        for piece in _pieces(batches):
            held.append(piece)
            size += piece.nbytes
            if size >= run_bytes:
                runs.add(_taken(held, schema, key))
                size = 0
        last = _taken(held, schema, key)
        if not runs.files:
            yield from _in_groups([last])
            return
        runs.add(last)
        del last
        yield from _in_groups(runs.merged())


def _pieces(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    held: list[pa.RecordBatch] = []
    size = 0
    for batch in batches:
        held.append(batch)
        size += batch.nbytes
        if size >= _PIECE_BYTES:
            yield _as_one(held)
            size = 0
    if held:
        yield _as_one(held)


def _taken(held: list[pa.RecordBatch], schema: pa.Schema, key: Sequence[str]) -> pa.Table:
    """Rows in order; the list is emptied, so that they are in memory twice and no more."""
    table = pa.Table.from_batches(held, schema).combine_chunks()
    held.clear()
    return _sorted(table, key)


def _sorted(table: pa.Table, key: Sequence[str]) -> pa.Table:
    return table.take(pc.sort_indices(table, [(name, "ascending") for name in key]))


class _Runs:
    """Files of sorted rows.

    Attributes:
        files: Where they lie.
    """

    def __init__(self, folder: Path, schema: pa.Schema, key: Sequence[str]) -> None:
        self.files: list[Path] = []
        self._folder = folder
        self._schema = schema
        self._key = key
        self._made = 0

    def add(self, table: pa.Table) -> None:
        """Write one more run."""
        rows = max(1, table.num_rows * _PIECE_BYTES // max(table.nbytes, 1))
        self._write(table.to_batches(rows))
        if len(self.files) == _MOST_RUNS:
            several, self.files = self.files, []
            self._write(_merged(several, self._key))
            for path in several:
                path.unlink()

    def merged(self) -> Iterator[pa.Table]:
        """All rows in order."""
        yield from _merged(self.files, self._key)

    def _write(self, pieces: Iterable[pa.RecordBatch | pa.Table]) -> None:
        path = self._folder / f"{self._made}.arrows"
        self._made += 1
        with (
            pa.OSFile(str(path), "wb") as sink,
            pa.ipc.new_stream(sink, self._schema) as writer,
        ):
            for piece in pieces:
                writer.write(piece)
        self.files.append(path)


class _Run:
    """A run that is read piece by piece.

    Attributes:
        piece: The rows that come next, None at the end.
        last: Key of the last of them.
        has_more: Whether rows come after them.
    """

    def __init__(self, path: Path, key: Sequence[str]) -> None:
        self._file = pa.OSFile(str(path))
        self._reader = pa.ipc.open_stream(self._file)
        self._key = key
        self.piece: pa.RecordBatch | None = None
        self.last: tuple[object, ...] = ()
        self._after = self._read()
        self._next()

    def take(self, bound: tuple[object, ...] | None) -> pa.RecordBatch | None:
        """Take the rows of the piece up to a key, all of them where there is no bound."""
        piece = self.piece
        if piece is None:
            return None
        count = piece.num_rows if bound is None else self._up_to(piece, bound)
        if count == piece.num_rows:
            self._next()
        else:
            self.piece = piece.slice(count)
        return piece.slice(0, count)

    def close(self) -> None:
        self._file.close()

    def _next(self) -> None:
        self.piece, self._after = self._after, self._read()
        self.has_more = self._after is not None
        if self.piece is not None:
            end = self.piece.num_rows - 1
            self.last = tuple(self.piece.column(name)[end].as_py() for name in self._key)

    def _read(self) -> pa.RecordBatch | None:
        for piece in self._reader:
            if piece.num_rows:
                return piece
        return None

    def _up_to(self, piece: pa.RecordBatch, bound: tuple[object, ...]) -> int:
        """How many rows, from the first, are not after the bound."""
        after: Any = None
        for name, value in reversed(list(zip(self._key, bound, strict=True))):
            column = piece.column(name)
            missing = pc.is_null(column)
            if value is None:
                greater, equal = None, missing
            else:
                against = pa.scalar(value, column.type)
                greater = pc.or_(pc.fill_null(pc.greater(column, against), False), missing)
                equal = pc.fill_null(pc.equal(column, against), False)
            within = None if after is None else pc.and_(equal, after)
            parts = [part for part in (greater, within) if part is not None]
            after = pc.or_(*parts) if len(parts) == 2 else parts[0] if parts else None
        beyond: int = 0 if after is None else int(pc.sum(after).as_py() or 0)
        return int(piece.num_rows) - beyond


def _merged(files: Sequence[Path], key: Sequence[str]) -> Iterator[pa.Table]:
    runs = [_Run(path, key) for path in files]
    try:
        while any(run.piece is not None for run in runs):
            # What is not read yet comes after the last row of its run's piece.
            bound = min((run.last for run in runs if run.has_more), key=_null_last, default=None)
            pieces = [piece for run in runs if (piece := run.take(bound)) is not None]
            yield _sorted(pa.Table.from_batches(pieces).combine_chunks(), key)
    finally:
        for run in runs:
            run.close()


def _null_last(key: tuple[object, ...]) -> tuple[tuple[bool, Any], ...]:
    return tuple((value is None, value) for value in key)


def _in_groups(tables: Iterable[pa.Table]) -> Iterator[pa.RecordBatch]:
    """The same rows in batches that depend on nothing but the rows."""
    held: list[pa.RecordBatch] = []
    rows = size = 0
    for table in tables:
        for batch in table.to_batches():
            start = 0
            while start < batch.num_rows:
                piece = batch.slice(start, _BLOCK_ROWS - rows % _BLOCK_ROWS)
                held.append(piece)
                start += piece.num_rows
                rows += piece.num_rows
                size += sum(_content(column) for column in piece.columns)
                if rows % _BLOCK_ROWS == 0 and (rows == GROUP_ROWS or size >= GROUP_BYTES):
                    yield _as_one(held)
                    rows = size = 0
    if held:
        yield _as_one(held)


def _content(column: pa.Array) -> int:
    """Bytes of values; unlike ``nbytes`` the same however the rows came together."""
    kind = column.type
    if pa.types.is_primitive(kind):
        width = max(int(kind.bit_width) // 8, 1)  # whole bytes, so that parts add up
        return len(column) * width
    if pa.types.is_struct(kind):
        return sum(_content(part) for part in column.flatten())
    if pa.types.is_map(kind):
        # Keys and items of a slice are those of the whole array.
        first, last = column.offsets[0].as_py(), column.offsets[len(column)].as_py()
        entries = (column.keys, column.items)
        return sum(_content(part.slice(first, last - first)) for part in entries)
    if pa.types.is_nested(kind):
        return 4 * len(column) + _content(column.flatten())
    return 4 * len(column) + int(pc.sum(pc.binary_length(column)).as_py() or 0)


def _as_one(held: list[pa.RecordBatch]) -> pa.RecordBatch:
    """All batches of the list, which is emptied, in one."""
    together = pa.concat_batches(held)
    held.clear()
    return together
