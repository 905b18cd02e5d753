"""Cutting text into blobs: JSON lines, and tables of comma or tab separated values."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import pyarrow as pa

from kg_assets.sources.lines import block_batches
from kg_assets.sources.opening import Limits, UnreadableError
from kg_assets.sources.pieces import (
    BLANKS,
    LongPiece,
    Piece,
    encoding_problem,
    pieces_batch,
    too_long,
)

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_TAIL_BYTES = 64
# What is cut at once: each batch has its own costs. Much more leaves the processor's cache.
_BLOCK_BYTES = 4 << 20
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")


class Reader:
    """The bytes of a file, without its byte order mark, and what became of the reading.

    Attributes:
        position: Byte offset in the decompressed file of the first byte that was yielded.
        end: Byte offset after the last byte that was yielded.
        is_blank: Whether all that was yielded is white space.
        failure: Why the reading stopped before the end, or None.
    """

    def __init__(self, pieces: Iterable[bytes]) -> None:
        """Wraps the pieces of a file; nothing is read yet."""
        self._pieces = pieces
        self._read = self._given()
        self._first = b""
        self.position = 0
        self.end = 0
        self.is_blank = True
        self.failure: str | None = None

    def __iter__(self) -> Iterator[bytes]:
        if self._first:
            yield self._first
        yield from self._read

    def peek(self) -> bytes:
        """Returns the first bytes, which stay to be read; call it before anything is read."""
        self._first = next(self._read, b"")
        return self._first

    def _given(self) -> Iterator[bytes]:
        started = False
        head = b""
        try:
            for data in self._pieces:
                if not started:
                    head += data
                    if len(head) < len(BYTE_ORDER_MARK):
                        continue
                    started = True
                    data, head = head, b""
                    data = self._without_mark(data)
                self.end += len(data)
                if self.is_blank:
                    self.is_blank = not data.lstrip(BLANKS)
                if data:
                    yield data
        except UnreadableError as error:
            self.failure = str(error)
        if head:
            self.end += len(head)
            self.is_blank = not head.strip(BLANKS)
            yield head

    def _without_mark(self, head: bytes) -> bytes:
        if head.startswith(BYTE_ORDER_MARK):
            self.position = self.end = len(BYTE_ORDER_MARK)
            return head[len(BYTE_ORDER_MARK) :]
        if head.startswith(_WIDE_MARKS):
            raise UnreadableError("is UTF-16, by its first two bytes; save it as UTF-8")
        return head


ArrayForm = Literal["none", "part", "whole"]
"""Whether lines are no elements of an array, some of its elements, or all and its brackets."""

_OPENING = re.compile(rb"[ \t\r\n]*\[[ \t\r]*\n")


def array_form(head: bytes) -> ArrayForm:
    """How far JSON lines are written as an array with an element a line.

    Args:
        head: The first bytes of the file.

    Returns:
        ``whole`` where an opening bracket is all of the first line, ``part`` where it is an
        object with a comma behind it, as in lines that were picked out of an array.
    """
    if _OPENING.match(head):
        return "whole"
    first = head.lstrip(BLANKS).split(b"\n", 1)[0].rstrip(BLANKS)
    return "part" if first.startswith(b"{") and first.endswith(b"},") else "none"


def is_array_of_lines(head: bytes) -> bool:
    """Whether a document is an array that has each element, an object, on a line of its own.

    Args:
        head: The first bytes of the file, as many as are read at once; whole lines are looked at.
    """
    opening = _OPENING.match(head)
    if opening is None:
        return False
    lines = head[opening.end() :].split(b"\n")
    if len(lines) == 1:
        return False
    lines.pop()
    elements = [line for line in lines if line.strip(BLANKS) not in (b"", b"]")]
    return all(line.startswith(b"{") and _ENDS_ELEMENT.search(line) for line in elements)


_ENDS_ELEMENT = re.compile(rb"\},?[ \t\r]*\Z")


def line_batches(
    name: str, reader: Reader, limits: Limits, *, array: ArrayForm = "none"
) -> Iterator[pa.RecordBatch]:
    """Cuts JSON lines into batches; blank lines are no blobs.

    Args:
        name: The file's name in its delivery.
        reader: The file.
        limits: How long a line and how large a batch may be.
        array: Whether the lines are elements of an array.

    Yields:
        Batches of ``RAW_BLOBS``. An unfinished last line of a file that could not be read to
        its end is a row with a problem; of a file that was read it is a line like any other.
    """
    lines: list[bytes | memoryview] = []  # whole lines that are to be cut
    size = 0
    rest: list[bytes] = []  # of a line whose end has not been seen
    held = 0
    position: int | None = None
    long: LongPiece | None = None
    tail = b""
    in_array = array != "none"
    for data in reader:
        if position is None:
            position = reader.position
        if long is not None:
            end = data.find(b"\n")
            if end < 0:
                long.add(data)
                continue
            long.add(data[:end])
            yield pieces_batch(name, [long.piece(too_long("line", limits.max_blob_bytes))])
            position = long.position + long.length + 1
            long = None
            data = data[end + 1 :]
        last = data.rfind(b"\n") + 1
        if last:
            lines += [*rest, memoryview(data)[:last]]
            size += held + last
            rest, held = [data[last:]], len(data) - last
        else:
            rest.append(data)
            held += len(data)
        is_long = held > limits.max_blob_bytes + 1  # a carriage return is no part of the line
        if size >= min(_BLOCK_BYTES, limits.batch_bytes) or (size and is_long):
            yield from block_batches(name, lines, position, limits, in_array=in_array)
            tail = _end_of(lines) or tail
            position += size
            lines, size = [], 0
        if is_long:
            long = LongPiece(position)
            for part in rest:
                long.add(part)
            rest, held = [], 0
    if size:
        assert position is not None
        yield from block_batches(name, lines, position, limits, in_array=in_array)
        tail = _end_of(lines) or tail
        position += size
    if long is not None:
        yield pieces_batch(name, [long.piece(too_long("line", limits.max_blob_bytes))])
        return
    line = b"".join(rest)
    tail = line.rstrip(BLANKS) or tail
    if line.strip(BLANKS):
        assert position is not None
        if reader.failure is None:
            yield from block_batches(name, [line + b"\n"], position, limits, in_array=in_array)
        else:
            problem = f"unfinished: the file {reader.failure}"
            yield pieces_batch(name, [Piece(position, line, problem)])
    if array == "whole" and reader.failure is None and not tail.endswith(b"]"):
        # No blob stands where the opening bracket does.
        problem = "unfinished: the array that starts the file is not closed; deliver it again"
        yield pieces_batch(name, [Piece(reader.position, b"", problem)])


def _end_of(parts: Sequence[bytes | memoryview]) -> bytes:
    """Some of the last bytes that are no white space."""
    for part in reversed(parts):
        end = bytes(part[-_TAIL_BYTES:]).rstrip(BLANKS) or bytes(part).rstrip(BLANKS)
        if end:
            return end[-_TAIL_BYTES:]
    return b""


def _lines(block: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(block):
        end = block.find(b"\n", start) + 1 or len(block)
        yield block[start:end]
        start = end


def _physical_lines(reader: Reader, limit: int) -> Iterator[tuple[int, bytes, LongPiece | None]]:
    """Yields offset and bytes of each line with its ending; a head of one over the limit."""
    rest = b""
    position: int | None = None
    long: LongPiece | None = None
    for data in reader:
        if position is None:
            position = reader.position
        if long is not None:
            end = data.find(b"\n") + 1
            long.add(data[:end] if end else data)
            if not end:
                continue
            yield long.position, b"", long
            position = long.position + long.length
            long = None
            data = data[end:]
        block = rest + data
        last = block.rfind(b"\n") + 1
        for line in _lines(block[:last]):
            if len(line) > limit:
                whole = LongPiece(position)
                whole.add(line)
                yield position, b"", whole
            else:
                yield position, line, None
            position += len(line)
        rest = block[last:]
        if len(rest) > limit:
            long = LongPiece(position)
            long.add(rest)
            rest = b""
    if long is not None:
        yield long.position, b"", long
    elif rest:
        assert position is not None
        yield position, rest, None


def table_pieces(reader: Reader, delimiter: str, limits: Limits) -> Iterator[Piece]:
    """Cuts separated values into one JSON object a row, of column name to verbatim text.

    Quoting is that of RFC 4180: a cell in double quotes may hold delimiters, line ends and
    doubled quotes. An empty cell is null.

    Args:
        reader: The file.
        delimiter: What separates cells.
        limits: How long a row may be.

    Yields:
        A piece for each row; the header makes none unless it is wrong. Rows that cannot be
        read against the header are kept as they are, with the problem.
    """
    if csv.field_size_limit() < limits.max_blob_bytes:
        csv.field_size_limit(limits.max_blob_bytes)
    header: list[str] | None = None
    fault: str | None = None
    for position, row, problem, long in _rows(reader, limits.max_blob_bytes):
        if long is not None:
            yield long.piece(problem or too_long("row", limits.max_blob_bytes))
            continue
        bare = row.removesuffix(b"\n").removesuffix(b"\r")
        if reader.failure is not None and bare == row:
            problem = f"unfinished: the file {reader.failure}"
        if problem is None and not bare.strip(BLANKS.replace(delimiter.encode(), b"")):
            continue
        problem = problem or fault or encoding_problem(bare)
        cells: list[str] = []
        if problem is None:
            try:
                cells = next(csv.reader((bare.decode(),), delimiter=delimiter, strict=True))
            except csv.Error as error:
                problem = f"the row is not well quoted ({error}); quote it as RFC 4180 has it"
        if header is None:
            if problem is None:
                problem = header_problem(cells)
                header = cells
            if problem is not None:
                header = header or []
                fault = "the header of the file is wrong, see its first row"
                yield Piece(position, bare, f"the header is wrong: {problem}")
            continue
        if problem is None and len(cells) != len(header):
            problem = (
                f"the row has {len(cells)} cells and the header {len(header)}; quote cells that "
                "hold the delimiter"
            )
        if problem is None:
            record = {key: cell or None for key, cell in zip(header, cells, strict=True)}
            text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
            yield Piece(position, text.encode())
        else:
            yield Piece(position, bare, problem)


def header_problem(names: list[str]) -> str | None:
    """Says what is wrong with the names of a table's columns, None where nothing is."""
    seen: set[str] = set()
    for name in names:
        if not name.strip():
            return "a column has no name; name each"
        if name in seen:
            return f"two columns are named {name!r}; name each differently"
        seen.add(name)
    return None


def _rows(reader: Reader, limit: int) -> Iterator[tuple[int, bytes, str | None, LongPiece | None]]:
    """Joins physical lines until their quotes are even; a quote that stays open costs one line."""
    source = _physical_lines(reader, limit)
    waiting: list[tuple[int, bytes, LongPiece | None]] = []  # to be looked at again, last first
    while (item := waiting.pop() if waiting else next(source, None)) is not None:
        gathered: list[tuple[int, bytes, LongPiece | None]] = []
        is_open = False
        size = 0
        while item is not None and item[2] is None:
            gathered.append(item)
            is_open ^= bool(item[1].count(b'"') & 1)
            size += len(item[1])
            if not is_open or size > limit:
                item = None
                break
            item = waiting.pop() if waiting else next(source, None)
        if item is not None:
            if not gathered:
                yield item[0], b"", None, item[2]
                continue
            waiting.append(item)
        if is_open:
            first, *others = gathered
            waiting.extend(reversed(others))
            problem = "a quote is opened here that is never closed; close it, or double it"
            yield first[0], first[1], problem, None
        else:
            yield gathered[0][0], b"".join(line for _, line, _ in gathered), None, None
