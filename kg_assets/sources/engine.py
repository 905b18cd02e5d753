"""The JSON engine: many blobs at once, cut wherever it stops, until each is read or refused."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.json

from kg_assets.sources.conversion import MapReader, engine_type
from kg_assets.sources.diagnosis import is_surely_wrong

_NAMED_ROW = re.compile(r"in row (\d+)")
_TWO_OBJECTS = re.compile(rb"\}[ \t\r]*\{")
_NAMED_TOKEN = re.compile(r"couldn't parse: ?(.*)", re.DOTALL)
# More names than this are forgotten again: each costs a column.
_KNOWN_NAMES = 256
# How often the others are read again at once without a row that the message points to. Where bad
# rows are many, dividing at the row is cheaper: what stands before it is not read again.
_TRIES = 3
_SUSPECTED_SHARE = 50
# Of so few rows each is looked at by itself before: a start costs more than that. They are what the
# compiled reader left, and most of it is wrong.
_FEW = 8
_OPEN, _CLOSE = b"{}"
_UNEXPECTED = "unexpected field"
# What is read at once: more where all goes well, as each start costs as much as 50 to 100 KiB;
# less where rows are bad, as for each of them what is read with it is read twice. Still more is
# not faster: it leaves the processor's cache.
_TASK_BYTES = 512 << 10
_LEAST_TASK_BYTES, _MOST_TASK_BYTES = 256 << 10, 1 << 20
_GROWTH, _SHRINKAGE = 1.125, 0.5


@dataclass(frozen=True)
class Read:
    """What became of a range of rows.

    Attributes:
        tables: Tables of what was read, in order; each has one row for each of its blobs.
        refused: Row number and the engine's message, of each that was refused.
    """

    tables: list[pa.Table]
    refused: list[tuple[int, str]]


class Engine:
    """Reads JSON objects into typed columns.

    An object is read or refused by itself, whatever stands beside it. For that the caller passes
    only rows that start with ``{`` and end with ``}``: between a ``}`` and a ``{`` that only
    white space parts no JSON value can go on, so no value reaches from one row into the next, and
    as many objects as rows means that each row is one object.
    """

    def __init__(self, fields: pa.Schema) -> None:
        """Prepares to read the fields.

        Args:
            fields: Declared fields. A map of string to string may stand at the top level.

        Raises:
            TypeError: A field's type cannot be read from JSON.
        """
        self._declared = fields
        self._maps = {
            field.name: MapReader(field) for field in fields if pa.types.is_map(field.type)
        }
        self._fields = [
            field if field.name in self._maps else field.with_type(engine_type(field.type))
            for field in fields
        ]
        self._fields = [field.with_nullable(True) for field in self._fields]
        self._known = {name: frozenset[str]() for name in self._maps}
        self._strict_failures = 0
        self.task_bytes = float(_TASK_BYTES)

    def read(self, text: pa.Buffer, offsets: npt.NDArray[np.int64], start: int, end: int) -> Read:
        """Reads rows.

        Args:
            text: Rows, each followed by a line feed.
            offsets: Where each row starts in the text, and where the last ends.
            start: The first row to read.
            end: The row before which to stop.

        Returns:
            The tables in order of the rows, and the rows that were refused, ascending.
        """
        tables: list[pa.Table] = []
        refused: list[tuple[int, str]] = []
        todo = [np.arange(start, end)]
        tries = _TRIES
        is_smooth = True
        if end - start <= _FEW:
            wrong = [row for row in range(start, end) if self._is_wrong(text, offsets, row)]
            refused = [(row, "no JSON object of the fields") for row in wrong]
            todo = [np.delete(todo[0], [row - start for row in wrong])]
            is_smooth = not wrong
        while todo:
            rows = todo.pop()
            if not len(rows):
                continue
            part = _text_of(text, offsets, rows)
            table, message = self._attempt(part, len(rows))
            if table is not None:
                tables.append(table)
                continue
            if len(rows) == 1:
                is_smooth = False
                refused.append((int(rows[0]), message))
                continue
            if is_smooth:
                is_smooth = False
                refused = self._two_in_a_row(text, offsets, start, end)
                if refused:
                    todo.append(np.delete(rows, [row - start for row, _ in refused]))
                    continue
            # However the rows are divided, each is judged by itself in the end; the message only
            # says where few divisions are needed.
            place = None
            if (named := _NAMED_ROW.search(message)) is not None:
                place = int(named[1])
            elif tries and (token := _NAMED_TOKEN.search(message)) is not None:
                place = _place_of(part, token[1], np.cumsum(offsets[rows + 1] - offsets[rows]))
            elif tries and (two := _TWO_OBJECTS.search(memoryview(part))) is not None:
                ends = np.cumsum(offsets[rows + 1] - offsets[rows])
                place = int(np.searchsorted(ends, two.start(), side="right"))
            if place is None or place >= len(rows):
                middle = len(rows) // 2
                todo += [rows[middle:], rows[:middle]]
                continue
            tries -= 1
            if tries >= 0 and self._is_bad(text, offsets, int(rows[place])):
                refused.append((int(rows[place]), message))
                todo.append(np.delete(rows, place))
            else:
                tries = max(tries, 0)
                todo += [rows[place + 1 :], rows[place : place + 1], rows[:place]]
        task_bytes = self.task_bytes * (_GROWTH if is_smooth else _SHRINKAGE)
        self.task_bytes = min(max(task_bytes, _LEAST_TASK_BYTES), _MOST_TASK_BYTES)
        return Read(tables, sorted(refused))

    def _attempt(self, part: pa.Buffer, rows: int) -> tuple[pa.Table | None, str]:
        """Reads rows at once; returns None and the engine's message if one of them is bad."""
        try:
            table = self._table(part, rows)
        except pa.ArrowMemoryError:
            raise
        except pa.ArrowException as error:
            return None, str(error)
        if table.num_rows == rows:
            return table, ""
        return None, f"{table.num_rows} JSON values in place of {rows}"

    def _is_bad(self, text: pa.Buffer, offsets: npt.NDArray[np.int64], row: int) -> bool:
        """Whether a row is refused by itself."""
        if self._is_wrong(text, offsets, row):
            return True
        return self._attempt(_row_of(text, offsets, row), 1)[0] is None

    def _is_wrong(self, text: pa.Buffer, offsets: npt.NDArray[np.int64], row: int) -> bool:
        return is_surely_wrong(_row_of(text, offsets, row).to_pybytes(), self._declared)

    def _two_in_a_row(
        self, text: pa.Buffer, offsets: npt.NDArray[np.int64], start: int, end: int
    ) -> list[tuple[int, str]]:
        """Finds rows of several objects with nothing between, as where a line end was lost.

        The engine reads on after them, and the rows it names in its messages are shifted. Not all
        need be found, so where many rows only look like it, it is left to the engine.
        """
        first = int(offsets[start])
        codes = np.frombuffer(text, np.uint8)[first : int(offsets[end])]
        places = np.flatnonzero((codes[:-1] == _CLOSE) & (codes[1:] == _OPEN)) + first
        rows = np.unique(np.searchsorted(offsets, places, side="right") - 1).tolist()
        if len(rows) > _TRIES + (end - start) // _SUSPECTED_SHARE:
            return []
        message = "several JSON values in place of one"
        return [(row, message) for row in rows if self._is_bad(text, offsets, row)]

    def _table(self, part: pa.Buffer, rows: int) -> pa.Table:
        if not self._maps:
            return self._parse(part, {}, "ignore")
        # Where each field that occurs is expected, the names that are known are all there are.
        # Every so often this is tried again where it did not hold.
        self._strict_failures += 1
        if self._strict_failures < 4 or self._strict_failures % 64 == 0:
            known = dict(self._known)
            try:
                table = self._parse(part, known, "error")
                self._strict_failures = 0
                return table
            except pa.ArrowInvalid as error:
                if _UNEXPECTED not in str(error):
                    self._strict_failures = 0
                    raise
        names: dict[str, frozenset[str]] = {}
        for name, reader in self._maps.items():
            found = reader.names(part) if rows > 1 else reader.names_of_row(part.to_pybytes())
            if found is None:
                if rows > 1:
                    raise pa.ArrowInvalid(f"the names in {name} have to be looked for row by row")
                raise pa.ArrowInvalid(f"the names in {name} cannot be told")
            known_names = self._known[name] | found
            if len(known_names) > _KNOWN_NAMES:
                known_names = found
            names[name] = self._known[name] = known_names
        return self._parse(part, names, "ignore")

    def _parse(
        self, part: pa.Buffer, names: dict[str, frozenset[str]], unexpected: str
    ) -> pa.Table:
        fields = [
            pa.field(
                field.name, pa.struct([(key, pa.string()) for key in sorted(names[field.name])])
            )
            if field.name in names
            else field
            for field in self._fields
        ]
        return pyarrow.json.read_json(
            pa.BufferReader(part),
            read_options=pyarrow.json.ReadOptions(use_threads=False, block_size=part.size + 1),
            parse_options=pyarrow.json.ParseOptions(
                explicit_schema=pa.schema(fields), unexpected_field_behavior=unexpected
            ),
        )

    def column(self, tables: list[pa.Table], field: pa.Field) -> pa.Array:
        """Returns a field of several tables as one array, a map as a map."""
        chunks = [chunk for table in tables for chunk in table[field.name].chunks]
        if field.name not in self._maps:
            return chunks[0] if len(chunks) == 1 else pa.concat_arrays(chunks)
        mapped = [
            self._maps[field.name].mapped(pa.concat_arrays(list(alike)))
            for _, alike in groupby(chunks, key=lambda chunk: chunk.type)
        ]
        return mapped[0] if len(mapped) == 1 else pa.concat_arrays(mapped)


def _row_of(text: pa.Buffer, offsets: npt.NDArray[np.int64], row: int) -> pa.Buffer:
    return text.slice(int(offsets[row]), int(offsets[row + 1] - offsets[row]))


def _text_of(
    text: pa.Buffer, offsets: npt.NDArray[np.int64], rows: npt.NDArray[np.int64]
) -> pa.Buffer:
    """Returns the text of ascending rows, without a copy where they follow each other."""
    breaks = np.flatnonzero(np.diff(rows) != 1)
    if not len(breaks):
        start = int(offsets[rows[0]])
        return text.slice(start, int(offsets[rows[-1] + 1]) - start)
    view = memoryview(text)
    starts = rows[np.concatenate([[0], breaks + 1])]
    ends = rows[np.concatenate([breaks, [len(rows) - 1]])] + 1
    return pa.py_buffer(
        b"".join(view[offsets[a] : offsets[b]] for a, b in zip(starts, ends, strict=True))
    )


def _place_of(part: pa.Buffer, token: str, ends: npt.NDArray[np.int64]) -> int | None:
    """Finds the place of a row that holds a value which could not be converted."""
    value = re.compile(rb'[:\[,]\s*"?' + re.escape(token.encode()) + rb'"?\s*[,\]}]')
    found = value.search(memoryview(part))
    return None if found is None else int(np.searchsorted(ends, found.start(), side="right"))
