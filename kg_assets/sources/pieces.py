"""Blobs on their way into record batches, one piece at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from kg_assets.sources.tables import RAW_BLOBS

HEAD_BYTES = 4096
"""How much of a blob is kept that is too long to be kept whole."""

BLANKS = b" \t\r\n"
"""What JSON counts as white space."""

_BATCH_ROWS = 1 << 16
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


def raw_batch(name: str, columns: dict[str, pa.Array]) -> pa.RecordBatch:
    """Makes a batch of ``RAW_BLOBS`` of one file.

    Args:
        name: The file's name in its delivery.
        columns: The columns but ``file``; without ``table`` or ``problem`` where all are null.
    """
    rows = len(columns["position"])
    columns["file"] = pa.repeat(name, rows)
    columns.setdefault("table", pa.nulls(rows, pa.string()))
    columns.setdefault("problem", pa.nulls(rows, pa.string()))
    return pa.RecordBatch.from_arrays(
        [columns[field.name] for field in RAW_BLOBS.schema], schema=RAW_BLOBS.schema
    )


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


def pieces_batch(name: str, pieces: Sequence[Piece], *, checks_utf8: bool = True) -> pa.RecordBatch:
    """Makes a batch of pieces.

    Args:
        name: The file's name in its delivery.
        pieces: The pieces, in the order of the file.
        checks_utf8: Whether they have to be UTF-8; one that is not has a problem.

    Returns:
        A batch of ``RAW_BLOBS``.
    """
    blobs = [piece.blob for piece in pieces]
    array = pa.array(blobs, pa.binary())
    problems = [piece.problem for piece in pieces]
    if checks_utf8 and not is_utf8(array):
        for row in refused_rows(len(blobs), lambda a, b: is_utf8(array.slice(a, b - a))):
            problems[row] = problems[row] or encoding_problem(blobs[row])
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
    return raw_batch(name, columns)
