"""Blocks of lines as batches of raw blobs; cut by machine code once that pays."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from kg_assets.sources.opening import Limits
from kg_assets.sources.pieces import (
    BLANKS,
    LongPiece,
    encoding_problem,
    hex_column,
    is_utf8,
    pieces_batch,
    raw_batch,
    refused_rows,
    too_long,
)

COMPILED_FROM = 512 << 20
"""Bytes of lines from which machine code is worth its start; where it has started it always is."""

_IS_BLANK = np.zeros(256, np.bool_)
_IS_BLANK[list(BLANKS)] = True
_COMMA, _CLOSE, _RETURN = b",}\r"
_BRACKETS = b"[]"
_MOST_COMPILED = 1 << 31
_STARTED = "kg_assets.sources.compiled.compiling"


@dataclass(frozen=True)
class _Cut:
    """The lines of a block that are blobs.

    Attributes:
        starts: Where each begins in the block.
        blobs: The lines.
        not_utf8: Those that are not UTF-8, ascending.
    """

    starts: npt.NDArray[np.int64]
    blobs: pa.BinaryArray
    not_utf8: Sequence[int]


class _Demand:
    """How many bytes of lines this process has cut."""

    def __init__(self) -> None:
        self._bytes = 0

    def is_met_by(self, size: int) -> bool:
        """Adds some bytes; whether machine code is there by now, or worth its start."""
        self._bytes += size
        return size < _MOST_COMPILED and (_STARTED in sys.modules or self._bytes >= COMPILED_FROM)


_demand = _Demand()


def block_batches(
    name: str, parts: Sequence[bytes | memoryview], position: int, limits: Limits, *, in_array: bool
) -> Iterator[pa.RecordBatch]:
    """Makes batches of a block of whole lines.

    Args:
        name: The file's name in its delivery.
        parts: The block; the lines, each with its line feed.
        position: Byte offset of the block in the decompressed file.
        limits: How long a line and how large a batch may be.
        in_array: Whether the lines are elements of an array.

    Yields:
        Batches of ``RAW_BLOBS``.
    """
    if sum(map(len, parts)) <= min(limits.batch_bytes, limits.max_blob_bytes):
        batch = lines_batch(name, parts, position, in_array=in_array)
        if batch is not None:
            yield batch
        return
    block = b"".join(parts)
    start = 0
    while start < len(block):
        end = block.rfind(b"\n", start, start + limits.batch_bytes) + 1
        if not end:
            end = block.index(b"\n", start) + 1
        part = block if end - start == len(block) else block[start:end]
        # No line of a part is longer than the part.
        if len(part) <= limits.max_blob_bytes:
            batch = lines_batch(name, [part], position + start, in_array=in_array)
            if batch is not None:
                yield batch
        else:
            yield from _cut_long(name, part, position + start, limits, in_array=in_array)
        start = end


def _cut_long(
    name: str, part: bytes, position: int, limits: Limits, *, in_array: bool
) -> Iterator[pa.RecordBatch]:
    """Yields the batches of whole lines of which some may be too long."""
    ends = np.flatnonzero(np.frombuffer(part, np.uint8) == 10) + 1
    lengths = np.diff(ends, prepend=0)
    start = 0
    for row in np.flatnonzero(lengths > limits.max_blob_bytes + 1):
        line_start, line_end = int(ends[row] - lengths[row]), int(ends[row])
        if line_start > start:
            batch = lines_batch(name, [part[start:line_start]], position + start, in_array=in_array)
            if batch is not None:
                yield batch
        long = LongPiece(position + line_start)
        long.add(part[line_start : line_end - 1])
        yield pieces_batch(name, [long.piece(too_long("line", limits.max_blob_bytes))])
        start = line_end
    if start < len(part):
        batch = lines_batch(name, [part[start:]], position + start, in_array=in_array)
        if batch is not None:
            yield batch


def lines_batch(
    name: str,
    parts: Sequence[bytes | memoryview],
    position: int,
    *,
    in_array: bool = False,
    compiled: bool | None = None,
) -> pa.RecordBatch | None:
    """Makes a batch of the lines of a block.

    Args:
        name: The file's name in its delivery.
        parts: Together whole lines, each with its line feed; a carriage return before it is no
            part of the line either.
        position: Byte offset of the block in the decompressed file.
        in_array: Whether the lines are elements of an array. Then brackets that stand alone are
            no lines, and a comma behind an object is no part of its line.
        compiled: Whether machine code cuts, which gives the same; by default where it pays.

    Returns:
        A batch of ``RAW_BLOBS`` with a row for each line that is not blank, or None if all are.
    """
    if compiled is None:
        compiled = _demand.is_met_by(sum(map(len, parts)))
    cut = (_cut_compiled if compiled else _cut)(parts, in_array)
    if not len(cut.starts):
        return None
    columns = {
        "position": pa.array(cut.starts + position, pa.int64()),
        "sha256": hex_column(_digests(cut.blobs)),
        "bytes": pc.binary_length(cut.blobs).cast(pa.int64()),
        "blob": cut.blobs,
    }
    if len(cut.not_utf8):
        problems: list[str | None] = [None] * len(cut.starts)
        for row in cut.not_utf8:
            problems[row] = encoding_problem(cut.blobs[row].as_py())
        columns["problem"] = pa.array(problems, pa.string())
    return raw_batch(name, columns)


def _cut(parts: Sequence[bytes | memoryview], in_array: bool) -> _Cut:
    block = b"".join(parts)
    codes = np.frombuffer(block, np.uint8)
    ends = np.array(_line_ends(block))
    starts = np.concatenate([[0], ends[:-1] + 1])
    ends = ends - ((ends > starts) & (codes[ends - 1] == _RETURN))
    if in_array:
        is_object = (ends - starts > 1) & (codes[np.maximum(ends - 2, 0)] == _CLOSE)
        ends = ends - (is_object & (codes[ends - 1] == _COMMA))
    # What starts with white space may hold nothing else; the feed of an empty line is such a start.
    may_be_none = _IS_BLANK[codes[starts]]
    if in_array:
        may_be_none = may_be_none | np.isin(codes[starts], list(_BRACKETS))
    kept = np.ones(len(starts), np.bool_)
    none = (b"", b"[", b"]") if in_array else (b"",)
    for row in np.flatnonzero(may_be_none).tolist():
        kept[row] = block[starts[row] : ends[row]].strip(BLANKS) not in none
    if not kept.all():
        starts, ends = starts[kept], ends[kept]
    view = memoryview(block)
    lines = [view[a:b] for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]
    blobs = _binary_array(lines, ends - starts)
    not_utf8: Sequence[int] = ()
    if not is_utf8(blobs):
        not_utf8 = refused_rows(len(blobs), lambda a, b: is_utf8(blobs.slice(a, b - a)))
    return _Cut(starts, blobs, not_utf8)


def _cut_compiled(parts: Sequence[bytes | memoryview], in_array: bool) -> _Cut:
    from kg_assets.sources.compiled.lines import cut

    starts, blobs, is_text = cut(parts, in_array=in_array)
    return _Cut(starts, blobs, np.flatnonzero(~is_text).tolist())


def _digests(blobs: pa.BinaryArray) -> list[bytes]:
    sha256 = hashlib.sha256
    offsets = np.frombuffer(blobs.buffers()[1], np.int32)[: len(blobs) + 1].tolist()
    text = memoryview(blobs.buffers()[2])
    return [sha256(text[start:end]).digest() for start, end in pairwise(offsets)]


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
