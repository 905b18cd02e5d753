"""Blobs on their way into record batches: one piece at a time, or a block of lines at once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from kg_assets.sources.tables import RAW_BLOBS

HEAD_BYTES = 4096
"""How much of a blob is kept that is too long to be kept whole."""

BLANKS = b" \t\r\n"
"""What JSON counts as white space."""

_IS_BLANK = np.zeros(256, np.bool_)
_IS_BLANK[list(BLANKS)] = True
_COMMA, _CLOSE = b",}"
_BATCH_ROWS = 1 << 16
_LONG_LINE_BYTES = 2048
_ROW_BYTES = 200  # of the columns beside the blob


@dataclass(frozen=True)
class Piece:
    """A blob, or what could not be made one.

    Attributes:
        position: Byte offset in the decompressed file, or rowid.
        blob: Its bytes; of one that is too long the first ``HEAD_BYTES``.
        problem: What is wrong with it and what to do, or None.
        table: The table that it is a row of, in a database.
        bytes: True length, if the blob does not hold all of it.
        sha256: True digest in hexadecimal, if the blob does not hold all of it.
    """

    position: int
    blob: bytes
    problem: str | None = None
    table: str | None = None
    bytes: int | None = None
    sha256: str | None = None


class LongPiece:
    """Takes in a piece of any length and keeps its head, length and digest."""

    def __init__(self, position: int) -> None:
        self.position = position
        self.length = 0
        self._head = b""
        self._hash = hashlib.sha256()

    def add(self, data: bytes) -> None:
        """Takes in the next bytes of the piece."""
        if len(self._head) < HEAD_BYTES:
            self._head += data[: HEAD_BYTES - len(self._head)]
        self.length += len(data)
        self._hash.update(data)

    def piece(self, problem: str) -> Piece:
        """Returns the piece with its head, true length and true digest."""
        return Piece(self.position, self._head, problem, None, self.length, self._hash.hexdigest())


def too_long(what: str, limit: int) -> str:
    """Returns the problem of a piece that is longer than a blob may be."""
    return (
        f"the {what} is longer than {limit:,} bytes (max_blob_bytes) and only its first "
        f"{HEAD_BYTES:,} are kept; split it or raise the limit"
    )


def encoding_problem(blob: bytes) -> str | None:
    """Says where a blob stops being UTF-8.

    Args:
        blob: Any bytes.

    Returns:
        None if all of it is UTF-8, else the problem in words.
    """
    try:
        blob.decode()
    except UnicodeDecodeError as error:
        return (
            f"not UTF-8: byte 0x{blob[error.start]:02x} at byte {error.start + 1} of the blob "
            f"({error.reason}); save the file as UTF-8"
        )
    return None


def encoding_problems(
    blobs: Sequence[bytes | memoryview], array: pa.BinaryArray
) -> list[str | None] | None:
    """Finds the blobs that are not UTF-8; all at once where there is none.

    Args:
        blobs: The blobs.
        array: The same blobs.

    Returns:
        None if all are UTF-8, else a list with the problem of each, None where it has none.
    """
    if is_utf8(array):
        return None
    problems: list[str | None] = [None] * len(blobs)
    for row in refused_rows(
        len(blobs), lambda start, end: is_utf8(array.slice(start, end - start))
    ):
        problems[row] = encoding_problem(bytes(blobs[row]))
    return problems


def is_utf8(blobs: pa.BinaryArray) -> bool:
    """Whether all of the blobs are UTF-8."""
    try:
        blobs.cast(pa.string())
    except pa.ArrowInvalid:
        return False
    return True


def refused_rows(rows: int, accepts: Callable[[int, int], bool]) -> list[int]:
    """Finds the rows that a check refuses, by halving.

    Args:
        rows: Number of rows.
        accepts: Whether all rows from its first up to before its second argument pass.

    Returns:
        The rows that do not pass alone, ascending.
    """
    refused = []
    todo = [(0, rows)]
    while todo:
        start, end = todo.pop()
        if start == end or accepts(start, end):
            continue
        if end - start == 1:
            refused.append(start)
            continue
        middle = (start + end) // 2
        todo.append((middle, end))
        todo.append((start, middle))
    return refused


def hex_column(digests: Sequence[bytes]) -> pa.StringArray:
    """Writes SHA-256 digests as a column of hexadecimal text."""
    text = b"".join(digests).hex().encode()
    offsets = np.arange(0, len(text) + 1, 64, dtype=np.int32)
    return pa.StringArray.from_buffers(len(digests), pa.py_buffer(offsets), pa.py_buffer(text))


def _batch(name: str, columns: dict[str, pa.Array]) -> pa.RecordBatch:
    rows = len(columns["position"])
    columns["file"] = pa.repeat(name, rows)
    columns.setdefault("table", pa.nulls(rows, pa.string()))
    columns.setdefault("problem", pa.nulls(rows, pa.string()))
    return pa.RecordBatch.from_arrays(
        [columns[field.name] for field in RAW_BLOBS.schema], schema=RAW_BLOBS.schema
    )


def _bare(line: bytes, in_array: bool) -> bytes:
    line = line.removesuffix(b"\r")
    return line[:-1] if in_array and line.endswith(b"},") else line


def lines_batch(
    name: str, block: bytes, position: int, *, in_array: bool = False
) -> pa.RecordBatch | None:
    """Makes a batch of the lines of a block.

    Args:
        name: The file's name in its delivery.
        block: Whole lines, each with its line feed; a carriage return before it is no part of
            the line either.
        position: Byte offset of the block in the decompressed file.
        in_array: Whether the lines are elements of an array. Then brackets that stand alone are
            no lines, and a comma behind an object is no part of its line.

    Returns:
        A batch of ``RAW_BLOBS`` with a row for each line that is not blank, or None if all are.
    """
    codes = np.frombuffer(block, np.uint8)
    ends = np.array(_line_ends(block))
    starts = np.empty_like(ends)
    starts[0] = 0
    starts[1:] = ends[:-1] + 1
    last, before = codes[np.maximum(ends - 1, 0)], codes[np.maximum(ends - 2, 0)]
    commas = (last == _COMMA) & (before == _CLOSE) & (ends - starts > 1) & in_array
    # A line that starts with white space may be blank; the feed of an empty one is such a start.
    is_plain = not (b"\r" in block or _IS_BLANK[codes[starts]].any())
    if is_plain and in_array:
        is_plain = bool((ends - starts > 1).all())
    lines: Sequence[bytes | memoryview]
    if not is_plain:
        lines = [_bare(line, in_array) for line in block.split(b"\n")]
        lines.pop()
        blank = (b"", b"[", b"]") if in_array else (b"",)
        kept = [row for row, line in enumerate(lines) if bytes(line).strip(BLANKS) not in blank]
        if not kept:
            return None
        if len(kept) < len(lines):
            lines = [lines[row] for row in kept]
            starts = starts[kept]
        sizes = np.fromiter(map(len, lines), np.int64, len(lines))
    else:
        ends = ends - commas
        sizes = ends - starts
        # A copy of a long line costs as much as its digest. That of a short one costs less than
        # a view, which the garbage collector has to watch.
        is_long = len(block) > _LONG_LINE_BYTES * len(starts)
        source = memoryview(block) if is_long else block
        lines = [source[a:b] for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]
    array = _binary_array(lines, sizes)
    sha256 = hashlib.sha256
    columns = {
        "position": pa.array(starts + position, pa.int64()),
        "sha256": hex_column([sha256(line).digest() for line in lines]),
        "bytes": pa.array(sizes, pa.int64()),
        "blob": array,
    }
    problems = encoding_problems(lines, array)
    if problems is not None:
        columns["problem"] = pa.array(problems, pa.string())
    return _batch(name, columns)


def _line_ends(block: bytes) -> list[int]:
    # From one to the next: a comparison of all bytes takes longer unless lines are very short.
    ends = []
    end = block.find(b"\n")
    while end >= 0:
        ends.append(end)
        end = block.find(b"\n", end + 1)
    return ends


def _binary_array(
    lines: Sequence[bytes | memoryview], sizes: npt.NDArray[np.int64]
) -> pa.BinaryArray:
    offsets = np.zeros(len(lines) + 1, np.int64)
    np.cumsum(sizes, out=offsets[1:])
    if offsets[-1] >= 1 << 31:  # pyarrow says what is wrong
        return pa.array([bytes(line) for line in lines], pa.binary())
    buffers = [None, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(b"".join(lines))]
    return pa.BinaryArray.from_buffers(pa.binary(), len(lines), buffers)


def piece_batches(name: str, pieces: Iterator[Piece], limit: int) -> Iterator[pa.RecordBatch]:
    """Gathers pieces into batches.

    Args:
        name: The file's name in its delivery.
        pieces: The pieces, in the order of the file.
        limit: About how many bytes a batch may hold.

    Yields:
        Batches of ``RAW_BLOBS``.
    """
    gathered: list[Piece] = []
    size = 0
    for piece in pieces:
        gathered.append(piece)
        size += len(piece.blob) + _ROW_BYTES
        if size >= limit or len(gathered) >= _BATCH_ROWS:
            yield pieces_batch(name, gathered)
            gathered, size = [], 0
    if gathered:
        yield pieces_batch(name, gathered)


def pieces_batch(name: str, pieces: Sequence[Piece], *, is_utf8: bool = True) -> pa.RecordBatch:
    """Makes a batch of pieces.

    Args:
        name: The file's name in its delivery.
        pieces: The pieces, in the order of the file.
        is_utf8: Whether they have to be UTF-8; one that is not has a problem.

    Returns:
        A batch of ``RAW_BLOBS``.
    """
    blobs = [piece.blob for piece in pieces]
    array = pa.array(blobs, pa.binary())
    problems = [piece.problem for piece in pieces]
    not_utf8 = encoding_problems(blobs, array) if is_utf8 else None
    if not_utf8 is not None:
        problems = [known or found for known, found in zip(problems, not_utf8, strict=True)]
    columns = {
        "table": pa.array([piece.table for piece in pieces], pa.string()),
        "position": pa.array([piece.position for piece in pieces], pa.int64()),
        "sha256": pa.array(
            [piece.sha256 or hashlib.sha256(piece.blob).hexdigest() for piece in pieces],
            pa.string(),
        ),
        "bytes": pa.array(
            [len(piece.blob) if piece.bytes is None else piece.bytes for piece in pieces],
            pa.int64(),
        ),
        "blob": array,
        "problem": pa.array(problems, pa.string()),
    }
    return _batch(name, columns)
