"""Sorting of more rows than memory holds: sorted runs in files, which are then merged.

DuckDB sorts on disk too, but holds more of rows with lists than its limit allows, or fails.
"""

from __future__ import annotations

import tempfile
from bisect import bisect_right
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TypeAlias

    _Key: TypeAlias = tuple[tuple[bool, Any], ...]

RUN_BYTES = 32 << 20
"""Bytes of rows, as Arrow holds them, that are sorted in memory at once."""

GROUP_ROWS, GROUP_BYTES = 65_536, 32 << 20
"""Rows that come out together: so many, or fewer where their values have more bytes than that."""

_BLOCK_ROWS = 2_048
"""The bytes of so many rows are counted at once."""

MOST_RUNS = 64
"""Runs that are merged at once; some are merged into one first where there are more. A piece of
each is in memory, all of which have as many bytes as one run, however many rows there are."""


def in_order(
    batches: Iterable[pa.RecordBatch],
    schema: pa.Schema,
    key: Sequence[str],
    scratch: Path,
    *,
    run_bytes: int = RUN_BYTES,
    most_runs: int = MOST_RUNS,
) -> Iterator[pa.RecordBatch]:
    """Sort rows by their key, ascending, text by its bytes, null last.

    Args:
        batches: The rows, in any order, all of the schema.
        schema: Schema of the rows.
        key: Columns by which they are sorted, plain values.
        scratch: Folder for the runs; what is written there is removed in the end.
        run_bytes: How much is sorted in memory at once; about twice as much is needed.
        most_runs: How many runs are merged at once, two at least. What comes in is put together
            to pieces of a run that have so many parts: buffers of small batches are half empty.

    Yields:
        The rows in order, in batches of `GROUP_ROWS` rows, or fewer where these hold more than
        `GROUP_BYTES`. How the rows came cannot be told from them.
    """
    with tempfile.TemporaryDirectory(dir=scratch, prefix="sort-") as folder:
        piece_bytes = max(1, run_bytes // most_runs)
        runs = _Runs(Path(folder), schema, key, piece_bytes)
        held: list[pa.RecordBatch] = []
        size = 0
        for piece in _pieces(batches, piece_bytes):
            held.append(piece)
            size += piece.nbytes
            if size >= run_bytes:
                runs.add(_taken(held, schema))
                size = 0
        last = _taken(held, schema)
        if not runs.files:
            yield from _in_groups([_sorted(last, key)])
            return
        runs.add(last)
        del last
        yield from _in_groups(runs.merged(most_runs))


def _pieces(batches: Iterable[pa.RecordBatch], piece_bytes: int) -> Iterator[pa.RecordBatch]:
    held: list[pa.RecordBatch] = []
    size = 0
    for batch in batches:
        held.append(batch)
        size += batch.nbytes
        if size >= piece_bytes:
            yield _as_one(held)
            size = 0
    if held:
        yield _as_one(held)


def _taken(held: list[pa.RecordBatch], schema: pa.Schema) -> pa.Table:
    """Rows in one piece; the list is emptied, so that they are in memory twice and no more."""
    table = pa.Table.from_batches(held, schema).combine_chunks()
    held.clear()
    return table


def _sorted(table: pa.Table, key: Sequence[str]) -> pa.Table:
    return table.take(_order(table, key))


def _order(table: pa.Table, key: Sequence[str]) -> pa.UInt64Array:
    return pc.sort_indices(table, [(name, "ascending") for name in key])


def _sorted_pieces(
    table: pa.Table, key: Sequence[str], piece_bytes: int
) -> Iterator[pa.RecordBatch]:
    """The rows in order, in pieces of so many bytes, about.

    Each is a copy: of a slice of rows without lists Arrow would write the lists of all rows, and a
    reader of the run would hold them.
    """
    order = _order(table, key)
    rows = max(1, table.num_rows * piece_bytes // max(table.nbytes, 1))
    for start in range(0, table.num_rows, rows):
        yield from table.take(order.slice(start, rows)).to_batches()


class _Runs:
    """Files of sorted rows, in the order in which they were made.

    Attributes:
        files: Where they lie, and of how many pieces each is.
    """

    def __init__(
        self, folder: Path, schema: pa.Schema, key: Sequence[str], piece_bytes: int
    ) -> None:
        self.files: deque[tuple[Path, int]] = deque()
        self._folder = folder
        self._schema = schema
        self._key = key
        self._piece_bytes = piece_bytes
        self._made = 0

    def add(self, table: pa.Table) -> None:
        """Write one more run."""
        self._write(_sorted_pieces(table, self._key, self._piece_bytes))

    def merged(self, most: int) -> Iterator[pa.Table]:
        """All rows in order.

        Args:
            most: How many runs are merged at once.
        """
        while len(self.files) > most:
            # No more than is needed, and the oldest, which are the smallest: so nearly every row
            # is written again once at most.
            count = min(most, len(self.files) - most + 1)
            several = [self.files.popleft() for _ in range(count)]
            pieces = (
                piece
                for table in _rounds(several, self._key)
                for piece in _sorted_pieces(table, self._key, self._piece_bytes)
            )
            self._write(_pieces(pieces, self._piece_bytes))
            for path, _ in several:
                path.unlink()
        for table in _rounds(self.files, self._key):
            yield _sorted(table, self._key)

    def _write(self, pieces: Iterable[pa.RecordBatch]) -> None:
        path = self._folder / f"{self._made}.arrows"
        self._made += 1
        count = 0
        with (
            pa.OSFile(str(path), "wb") as sink,
            pa.ipc.new_stream(sink, self._schema) as writer,
        ):
            for piece in pieces:
                if piece.num_rows:
                    writer.write_batch(piece)
                    count += 1
        self.files.append((path, count))


class _Run:
    """A run that is read piece by piece.

    Attributes:
        piece: The rows that come next, None at the end.
        last: Key of the last of them.
        has_more: Whether rows come after them.
    """

    def __init__(self, path: Path, pieces: int, key: Sequence[str]) -> None:
        self._file = pa.OSFile(str(path))
        self._reader = pa.ipc.open_stream(self._file)
        self._key = key
        self._left = pieces
        self.piece: pa.RecordBatch | None = None
        self.last: _Key = ()
        self.has_more = False
        self._next()

    def take(self, bound: _Key | None) -> pa.RecordBatch | None:
        """Take the rows of the piece up to a key, all of them where there is no bound."""
        piece = self.piece
        if piece is None:
            return None
        if bound is None or self.last <= bound:
            self._next()
            return piece
        count = self._up_to(piece, bound)
        if not count:
            return None
        self.piece = piece.slice(count)
        return piece.slice(0, count)

    def close(self) -> None:
        self._file.close()

    def _next(self) -> None:
        self.piece = None
        if self._left:
            self._left -= 1
            self.piece = self._reader.read_next_batch()
            self.last = self._key_of(self.piece, self.piece.num_rows - 1)
        self.has_more = self._left > 0

    def _key_of(self, piece: pa.RecordBatch, row: int) -> _Key:
        """Key of a row as Python orders it: null comes last."""
        values = (piece.column(name)[row].as_py() for name in self._key)
        return tuple((value is None, value) for value in values)

    def _up_to(self, piece: pa.RecordBatch, bound: _Key) -> int:
        """How many rows, from the first, are not after the bound."""
        return bisect_right(range(piece.num_rows), bound, key=lambda row: self._key_of(piece, row))


def _rounds(files: Iterable[tuple[Path, int]], key: Sequence[str]) -> Iterator[pa.Table]:
    """The rows of several runs, in tables: none of a table comes after those of the next."""
    runs = [_Run(path, pieces, key) for path, pieces in files]
    try:
        while any(run.piece is not None for run in runs):
            # What is not read yet comes after the last row of its run's piece.
            bound = min((run.last for run in runs if run.has_more), default=None)
            pieces = [piece for run in runs if (piece := run.take(bound)) is not None]
            yield pa.Table.from_batches(pieces).combine_chunks()
    finally:
        for run in runs:
            run.close()


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
