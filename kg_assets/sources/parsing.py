"""Parsing raw blobs into typed fields; each blob is either a record or in quarantine."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from kg_assets.sources.conversion import converted
from kg_assets.sources.diagnosis import diagnose, head
from kg_assets.sources.engine import Engine
from kg_assets.sources.pieces import BLANKS, is_utf8, refused_rows
from kg_assets.sources.record import POSITION_FIELDS
from kg_assets.sources.tables import QUARANTINED_BLOBS, RAW_BLOBS

if TYPE_CHECKING:
    from kg_assets.sources.compiled.reader import CompiledReader

COMPILED_FROM = 16 << 20
"""Bytes from which the compiled reader is worth its start, of half a second."""

_OPEN, _CLOSE, _BACKSLASH, _U, _D = b"{}\\ud"
_LOWER_CASE = 0x20
# Not of a list: with the first one pyarrow imports pandas, here into every process.
_NO_PROBLEMS = pa.RecordBatch.from_arrays(
    [pa.nulls(0, column.type) for column in QUARANTINED_BLOBS.schema],
    schema=QUARANTINED_BLOBS.schema,
)
_EMPTY_LIST = re.compile(rb'": ?\[\]')


@dataclass(frozen=True)
class Parsed:
    """What became of a batch of raw blobs; each blob is in exactly one of the two.

    Attributes:
        records: file, table, position and sha256 of the blob, then the fields.
        problems: Rows of ``QUARANTINED_BLOBS``: stage ``blob`` for a problem that came with the
            blob, ``parse`` for one that parsing found.
    """

    records: pa.RecordBatch
    problems: pa.RecordBatch


def parse_blobs(
    batches: Iterable[pa.RecordBatch],
    fields: pa.Schema,
    *,
    empties: Sequence[str] = (),
    threads: int | None = None,
    compiled_from: int = COMPILED_FROM,
) -> Iterator[Parsed]:
    """Parses blobs that hold one JSON object each.

    Whether a blob is parsed or refused depends on it alone, not on its neighbours. Fields that
    are not declared are ignored, missing ones are null. A day is read from ISO text, a map of
    string to string from an object; its entries come in the order of their names, and those
    that are null are left out. NaN and infinite numbers are refused where they would be read.

    Args:
        batches: Batches with the schema of ``RAW_BLOBS``.
        fields: The fields to read. Nullability is not checked: that is the adapter's part.
        empties: Names of objects that the source writes as ``[]`` where they are empty, as PHP
            does; they are read as empty objects wherever they stand.
        threads: How many batches are parsed at a time; by default one for each core.
        compiled_from: How many bytes this process must have been given to parse before it starts
            the compiled reader, which is faster and gives the same.

    Yields:
        One result for each batch, in order.

    Raises:
        TypeError: A field's type cannot be read from JSON.
        ValueError: A field has a name of ``POSITION_FIELDS``, or a batch another schema.
    """
    taken = {field.name for field in POSITION_FIELDS} & set(fields.names)
    if taken:
        raise ValueError(f"fields {sorted(taken)} would hide the position; name them differently")
    engine = Engine(fields)
    reader: CompiledReader | None = None
    names = tuple(f'"{name}'.encode() for name in empties)
    threads = threads or os.cpu_count() or 1
    with ThreadPoolExecutor(threads, "parse") as pool:
        waiting: deque[Future[Parsed]] = deque()
        try:
            for batch in batches:
                if reader is None and _demand.is_met_by(batch.nbytes, compiled_from):
                    reader = _compiled_reader(fields, tuple(empties))
                job = _Batch(batch, fields, engine, reader, names)
                waiting.append(pool.submit(job.parsed))
                if len(waiting) > threads + 1:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


class _Batch:
    """A batch on its way: which blobs are read by what, and what comes back."""

    def __init__(
        self,
        batch: pa.RecordBatch,
        fields: pa.Schema,
        engine: Engine,
        reader: CompiledReader | None,
        empties: tuple[bytes, ...],
    ) -> None:
        if batch.schema.names != RAW_BLOBS.schema.names:
            raise ValueError(
                f"a batch has the columns {batch.schema.names}, not those of raw_blobs"
            )
        self._batch = batch
        self._blobs = batch.column("blob").cast(pa.binary())
        self._fields = fields
        self._engine = engine
        self._reader = reader
        self._empties = empties
        self._refused: dict[int, tuple[str, str]] = {}  # row: stage, reason
        self._has_surrogates = False

    def parsed(self) -> Parsed:
        """Reads the blobs; what the compiled reader is not sure of is read by the engine."""
        rows = np.arange(self._batch.num_rows)
        if self._reader is None:
            columns, rows = self._engine_columns(*self._selected(rows))
        else:
            columns, taken = self._reader.read(self._blobs, self._wanted())
            if not taken.all():
                others = self._engine_columns(*self._selected(rows[~taken]))
                columns, rows = _merged(columns, rows[taken], *others)
        positions = self._batch.select([field.name for field in POSITION_FIELDS])
        if len(rows) < self._batch.num_rows:
            positions = positions.take(pa.array(rows))
        schema = pa.schema([*POSITION_FIELDS, *(f.with_nullable(True) for f in self._fields)])
        records = pa.RecordBatch.from_arrays([*positions.columns, *columns], schema=schema)
        return Parsed(records, self._problems())

    def _wanted(self) -> npt.NDArray[np.bool_]:
        """Whether each row has a blob and no problem."""
        wanted = np.ones(self._batch.num_rows, np.bool_)
        blobs, problems = self._blobs, self._batch.column("problem")
        if blobs.null_count:
            wanted &= blobs.is_valid().to_numpy(zero_copy_only=False)
        if problems.null_count < len(problems):
            wanted &= problems.is_null().to_numpy(zero_copy_only=False)
        return wanted

    def _selected(
        self, rows: npt.NDArray[np.int64]
    ) -> tuple[pa.BinaryArray, npt.NDArray[np.int64]]:
        """Puts aside which of some rows are no JSON object at a glance.

        Args:
            rows: Rows of the batch, ascending.

        Returns:
            The blobs of the rest, trimmed, and their rows.
        """
        blobs, problems = self._blobs, self._batch.column("problem")
        if len(rows) < self._batch.num_rows:
            blobs, problems = blobs.take(pa.array(rows)), problems.take(pa.array(rows))
        keeps = np.ones(len(rows), np.bool_)
        if problems.null_count < len(problems):
            for at in np.flatnonzero(problems.is_valid().to_numpy(zero_copy_only=False)).tolist():
                keeps[at] = False
                self._refused[int(rows[at])] = ("blob", problems[at].as_py())
        trimmed: dict[int, bytes] = {}
        for at in np.flatnonzero(~_is_braced(blobs) & keeps).tolist():
            blob = (blobs[at].as_py() or b"").strip(BLANKS)
            if blob.startswith(b"{") and blob.endswith(b"}"):
                trimmed[at] = blob
            else:
                keeps[at] = False
                self._refuse(int(rows[at]), "it does not start with { and end with }")
        if trimmed:
            values = blobs.to_pylist()
            for at, blob in trimmed.items():
                values[at] = blob
            blobs = pa.array(values, pa.binary())
        if not keeps.all():
            blobs, rows = blobs.filter(pa.array(keeps)), rows[keeps]
        if is_utf8(blobs):
            return blobs, rows
        utf8 = np.ones(len(blobs), np.bool_)
        for at in refused_rows(len(blobs), lambda a, b: is_utf8(blobs.slice(a, b - a))):
            utf8[at] = False
            self._refuse(int(rows[at]), "not UTF-8")
        return blobs.filter(pa.array(utf8)), rows[utf8]

    def _refuse(self, row: int, message: str) -> None:
        blob = self._blobs[row].as_py() or b""
        blob = bytes(_with_objects(pa.py_buffer(blob), self._empties))
        self._refused[row] = ("parse", diagnose(blob, self._fields, message))

    def _engine_columns(
        self, blobs: pa.BinaryArray, rows: npt.NDArray[np.int64]
    ) -> tuple[list[pa.Array], npt.NDArray[np.int64]]:
        """Reads blobs of some rows by the engine; the fields, and the rows that they are of."""
        if not len(rows):
            return [pa.nulls(0, field.type) for field in self._fields], rows
        text, offsets = _joined(blobs)
        text = _with_objects(text, self._empties)
        self._has_surrogates = _has_surrogates(text)
        tables: list[pa.Table] = []
        keeps = np.ones(len(rows), np.bool_)
        start = 0
        while start < len(rows):
            most = int(offsets[start]) + int(self._engine.task_bytes)
            end = max(int(np.searchsorted(offsets, most, side="right")) - 1, start + 1)
            read = self._engine.read(text, offsets, start, end)
            tables += read.tables
            for row, message in read.refused:
                keeps[row] = False
                self._refuse(int(rows[row]), message)
            start = end
        rows = rows[keeps]
        columns, unfit = self._columns(tables, len(rows))
        if unfit:
            fit = np.ones(len(rows), np.bool_)
            for row, reason in unfit.items():
                fit[row] = False
                self._refuse(int(rows[row]), reason)
            columns = [column.filter(pa.array(fit)) for column in columns]
            rows = rows[fit]
        return columns, rows

    def _columns(self, tables: list[pa.Table], rows: int) -> tuple[list[pa.Array], dict[int, str]]:
        """Brings the fields to their types; also returns the rows that do not fit them."""
        unfit: dict[int, str] = {}
        columns = []
        for field in self._fields:
            if not tables:
                columns.append(pa.nulls(rows, field.type))
                continue
            column = self._engine.column(tables, field)
            column, refused = converted(column, field.type)
            for row in refused:
                unfit.setdefault(row, f"{field.name} does not fit {field.type}")
            # All text is UTF-8; only an escape can make some that is not (half a character).
            if self._has_surrogates and not _is_valid(column):
                for row in refused_rows(rows, partial(_are_valid, column)):
                    unfit.setdefault(row, f"{field.name} holds text that is not UTF-8")
            columns.append(column)
        return columns, unfit

    def _problems(self) -> pa.RecordBatch:
        if not self._refused:
            return _NO_PROBLEMS
        rows = sorted(self._refused)
        picked = self._batch.take(pa.array(rows, pa.int64()))
        columns = {
            **{name: picked.column(name) for name in picked.schema.names},
            "stage": pa.array([self._refused[row][0] for row in rows], pa.string()),
            "reason": pa.array([self._refused[row][1] for row in rows], pa.string()),
            "head": pa.array([head(blob.as_py()) for blob in picked.column("blob")], pa.string()),
        }
        return pa.RecordBatch.from_arrays(
            [columns[name] for name in QUARANTINED_BLOBS.schema.names],
            schema=QUARANTINED_BLOBS.schema,
        )


class _Demand:
    """How many bytes this process has been given to parse."""

    def __init__(self) -> None:
        self._bytes = 0

    def is_met_by(self, size: int, least: int) -> bool:
        """Adds some bytes; whether it is as many now as are asked for."""
        self._bytes += size
        return self._bytes >= least


_demand = _Demand()


@lru_cache(maxsize=4)  # some callers parse batch by batch
def _compiled_reader(fields: pa.Schema, empties: tuple[str, ...]) -> CompiledReader | None:
    """The compiled reader of some fields, None where it does not know their types."""
    from kg_assets.sources.compiled.reader import CompiledReader

    return CompiledReader(fields, empties) if CompiledReader.supports(fields) else None


def _merged(
    columns: list[pa.Array],
    rows: npt.NDArray[np.int64],
    others: list[pa.Array],
    other_rows: npt.NDArray[np.int64],
) -> tuple[list[pa.Array], npt.NDArray[np.int64]]:
    """Puts what was read of some rows and of others together, in the order of the rows."""
    if not len(other_rows):
        return columns, rows
    rows = np.concatenate([rows, other_rows])
    order = np.argsort(rows)
    places = pa.array(order)
    columns = [
        pa.concat_arrays([column, other]).take(places)
        for column, other in zip(columns, others, strict=True)
    ]
    return columns, rows[order]


def _with_objects(text: pa.Buffer, names: tuple[bytes, ...]) -> pa.Buffer:
    """Writes ``{}`` for ``[]`` behind the names, which start with their quote.

    No text inside a JSON string looks like it: a quote in there has a backslash before it.
    """
    if not names:
        return text
    view = memoryview(text)
    longest = max(map(len, names))
    places = [
        found.end()
        for found in _EMPTY_LIST.finditer(view)
        if bytes(view[max(found.start() - longest, 0) : found.start()]).endswith(names)
    ]
    if not places:
        return text
    changed = bytearray(view)
    for end in places:
        changed[end - 2 : end] = b"{}"
    return pa.py_buffer(changed)


def _is_valid(column: pa.Array) -> bool:
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _are_valid(column: pa.Array, start: int, end: int) -> bool:
    # A slice of lists still has all their values; only a copy has its own.
    return _is_valid(column.take(pa.array(np.arange(start, end))))


def _has_surrogates(text: pa.Buffer) -> bool:
    """Whether there may be an escape that stands for half a character."""
    codes = np.frombuffer(text, np.uint8)
    escapes = np.flatnonzero(codes[:-2] == _BACKSLASH)
    escapes = escapes[codes[escapes + 1] == _U]
    return bool((codes[escapes + 2] | _LOWER_CASE == _D).any())


def _offsets(blobs: pa.BinaryArray) -> npt.NDArray[np.int32]:
    buffer = blobs.buffers()[1]
    if buffer is None or not len(blobs):
        return np.zeros(1, np.int32)
    return np.frombuffer(buffer, np.int32)[blobs.offset : blobs.offset + len(blobs) + 1]


def _is_braced(blobs: pa.BinaryArray) -> npt.NDArray[np.bool_]:
    """Whether each blob starts with an opening and ends with a closing brace."""
    offsets = _offsets(blobs)
    data = blobs.buffers()[2] if len(blobs) else None
    if data is None:
        return np.zeros(len(blobs), np.bool_)
    codes = np.frombuffer(data, np.uint8)
    has_two = np.diff(offsets) >= 2
    starts = np.where(has_two, offsets[:-1], 0)
    lasts = np.where(has_two, offsets[1:] - 1, 0)
    if not has_two.any():
        return has_two
    braced: npt.NDArray[np.bool_] = (codes[starts] == _OPEN) & (codes[lasts] == _CLOSE)
    return has_two & braced


def _joined(blobs: pa.BinaryArray) -> tuple[pa.Buffer, npt.NDArray[np.int64]]:
    """Writes the blobs one behind the other, a line feed after each, and says where each starts."""
    if not len(blobs):
        return pa.py_buffer(b""), np.zeros(1, np.int64)
    lines = pc.binary_join_element_wise(
        blobs, pa.scalar(b"", pa.binary()), pa.scalar(b"\n", pa.binary())
    )
    offsets = _offsets(lines).astype(np.int64)
    start = int(offsets[0])
    return lines.buffers()[2].slice(start, int(offsets[-1]) - start), offsets - start
