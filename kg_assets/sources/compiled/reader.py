"""The compiled reader: rows that it is sure of into Arrow arrays of the declared fields.

To be imported where it is used, since numba is imported with it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from kg_assets.sources.compiled.columns import Arena, write_columns
from kg_assets.sources.compiled.compiling import seen
from kg_assets.sources.compiled.rows import read_rows
from kg_assets.sources.compiled.table import (
    DAY,
    LIST,
    MAP,
    MOST_KEYS,
    REAL,
    ROUGH,
    STRUCT,
    TEXT,
    TRUTH,
    WHOLE,
    Plan,
    Slots,
    hash_names,
)
from kg_assets.sources.compiled.words import BLOCK

_LEAST_ROOM = 64
_SLOT_BYTES = 9
# Slots may take this much whatever the text; beyond it, as many bytes for each of the text. Rows
# that need more are left to the engine: they hold little but brackets.
_FREE_BYTES, _MOST_SHARE = 64 << 20, 4
_KEPT_BYTES = 16 << 20
_ALIGNMENT = 64  # that of Arrow's memory, too
_MOST_TEXT = 1 << 31
_WORD_BYTES = 8
_OFFSET_BYTES = 4


@dataclass
class _Column:
    """A field at any depth: its place in the tables, and how its array is put together."""

    type: pa.DataType
    kind: int
    number: int
    level: int
    name: bytes
    children: list[_Column]


class CompiledReader:
    """Reads JSON objects by machine code; it may be used by several threads at once.

    A row is taken only if the engine would surely read it, with the same values. What it does not
    take it leaves to the engine: what is wrong, and what is rare, such as escapes in names,
    whole numbers of 19 digits, and a nesting of more than 60 levels.

    Args:
        fields: Declared fields, for which `supports` holds.
        empties: Names of objects that may be written as ``[]``.
    """

    def __init__(self, fields: pa.Schema, empties: Collection[str] = ()) -> None:
        self._levels = 1
        self._columns: list[_Column] = []
        self._root = self._added(pa.struct(list(fields)), 0, b"")
        self._depth = 2 + _depth(self._root)
        names = {name.encode() for name in empties}
        self._plan = self._planned(names)
        columns = self._columns
        self._level_of = np.array([column.level for column in columns])
        self._kind_of = np.array([column.kind for column in columns])
        self._widths = np.array([_width(column) for column in columns])
        self._has_offsets = np.isin(self._kind_of, (TEXT, LIST, MAP))
        self._free: list[Slots] = []

    @staticmethod
    def supports(fields: pa.Schema) -> bool:
        """Whether it can read fields of these types."""
        return all(_kind(field.type) is not None for field in fields)

    def read(
        self, blobs: pa.BinaryArray, wanted: npt.NDArray[np.bool_] | None = None
    ) -> tuple[list[pa.Array], npt.NDArray[np.bool_]]:
        """Reads rows.

        Args:
            blobs: Any bytes, each of one row.
            wanted: Whether each row is to be read: none that is null; by default all.

        Returns:
            The declared fields of the rows that were taken, and for each row whether it was.
        """
        rows = len(blobs)
        taken = np.zeros(rows, np.bool_)
        if wanted is None:
            wanted = np.ones(rows, np.bool_)
        _, offset_buffer, text = blobs.buffers() if rows else (None, None, None)
        if offset_buffer is not None and text is not None and text.size < _MOST_TEXT:
            offsets = seen(offset_buffer, np.int32)[blobs.offset : blobs.offset + rows + 1]
            data = seen(text)
            most = _FREE_BYTES + _MOST_SHARE * int(offsets[-1] - offsets[0])
            slots = self._slots(rows)
            row = 0
            while row < rows:
                row, level = read_rows(data, offsets, row, wanted, taken, self._plan, slots)
                if level < 0:
                    break
                size = int(2 * slots.room[level])
                added = int(slots.room[level]) * int((self._level_of == level).sum())
                if (len(slots.words) + added) * _SLOT_BYTES <= most:
                    slots = self._grown(slots, level, size)
                else:
                    row += 1
        else:
            data, slots = seen(bytes(BLOCK)), self._slots(0)
        self._finish_reals(data, slots)
        arrays = self._arrays(data, slots)
        # Those that grew for an unusual batch are not kept for the next.
        if len(slots.words) * _SLOT_BYTES <= _KEPT_BYTES:
            self._free.append(slots)
        return arrays, taken

    def _added(self, kind: pa.DataType, level: int, name: bytes) -> _Column:
        """Adds a column and what is in it to the tables."""
        column = _Column(kind, _kind(kind) or STRUCT, len(self._columns), level, name, [])
        self._columns.append(column)
        if column.kind == STRUCT:
            column.children = [
                self._added(field.type, level, field.name.encode()) for field in kind
            ]
        elif column.kind in (LIST, MAP):
            inner = self._levels
            self._levels += 1
            types = [kind.value_type] if column.kind == LIST else [kind.key_type, kind.item_type]
            column.children = [self._added(child, inner, b"") for child in types]
        return column

    def _planned(self, empties: set[bytes]) -> Plan:
        columns = self._columns
        count = len(columns)
        begins = np.cumsum([0, *(len(column.name) for column in columns)])
        pool = np.frombuffer(b"".join(column.name for column in columns) + bytes(8), np.uint8)
        lengths = np.array([len(column.name) for column in columns])
        heads, tails = np.zeros(count, np.uint64), np.zeros(count, np.uint64)
        mixes = np.zeros(count, np.int64)
        hash_names(pool, begins[:count], lengths, heads, tails, mixes)
        tables, masks = np.zeros(count, np.int64), np.zeros(count, np.int64)
        names: list[int] = []
        for column in columns:
            members = column.children if column.kind == STRUCT else []
            # At most half of a table is full, so that each search in it ends soon.
            size = 1 << (2 * len(members)).bit_length()
            tables[column.number], masks[column.number] = len(names), size - 1
            table = [-1] * size
            for member in members:
                entry = int(mixes[member.number]) & (size - 1)
                while table[entry] >= 0:
                    entry = (entry + 1) & (size - 1)
                table[entry] = member.number
            names += table
        levels = np.array([column.level for column in columns])
        bounds = [_bounds(column.type) for column in columns]
        return Plan(
            kinds=np.array([column.kind for column in columns]),
            levels=levels,
            inside=np.array(
                [
                    column.children[0].number if column.kind in (LIST, MAP) else -1
                    for column in columns
                ]
            ),
            least=np.array([least for least, _ in bounds]),
            most=np.array([most for _, most in bounds]),
            empties=np.array([column.name in empties for column in columns]),
            tables=tables,
            masks=masks,
            names=np.array(names),
            heads=heads,
            shown=np.array([(1 << 8 * min(size, 8)) - 1 for size in lengths.tolist()], np.uint64),
            tails=tails,
            begins=begins[:count],
            lengths=lengths,
            pool=pool,
            members=np.argsort(levels, kind="stable"),
            firsts=np.searchsorted(np.sort(levels), np.arange(self._levels + 1)),
        )

    def _slots(self, rows: int) -> Slots:
        """Slots that nothing is in, for at least so many rows."""
        try:
            slots = self._free.pop()
        except IndexError:
            return self._made(np.full(self._levels, max(rows, _LEAST_ROOM)))
        return slots if slots.room[0] >= rows else self._grown(slots, 0, rows)

    def _made(self, room: npt.NDArray[np.int64]) -> Slots:
        # Whole words of flags for each column.
        room = (room + _WORD_BYTES - 1) // _WORD_BYTES * _WORD_BYTES
        sizes = room[self._level_of]
        bases = np.cumsum(sizes) - sizes
        words = np.zeros(int(sizes.sum()), np.int64)
        return Slots(
            words=words,
            reals=words.view(np.float64),
            flags=np.zeros(len(words), np.uint8),
            bases=bases,
            room=room,
            counts=np.zeros(self._levels, np.int64),
            saved=np.zeros(self._levels, np.int64),
            bytes=np.zeros(len(self._columns), np.int64),
            guesses=np.zeros(2 * len(self._columns), np.int64),
            frames=np.zeros((self._depth, 3), np.int64),
            keys=np.zeros((MOST_KEYS, 5), np.int64),
        )

    def _grown(self, slots: Slots, level: int, size: int) -> Slots:
        """The same slots with more room at a level."""
        room = slots.room.copy()
        room[level] = size
        grown = self._made(room)
        grown.counts[:] = slots.counts
        grown.bytes[:] = slots.bytes
        for number, inside in enumerate(self._level_of.tolist()):
            count = int(slots.counts[inside])
            old, new = int(slots.bases[number]), int(grown.bases[number])
            grown.words[new : new + count] = slots.words[old : old + count]
            grown.flags[new : new + count] = slots.flags[old : old + count]
        return grown

    def _finish_reals(self, data: npt.NDArray[np.uint8], slots: Slots) -> None:
        """Reads the numbers that a division does not give exactly."""
        for number in np.flatnonzero((self._kind_of == REAL) & (slots.bytes > 0)).tolist():
            base, count = int(slots.bases[number]), int(slots.counts[self._level_of[number]])
            rough = np.flatnonzero(slots.flags[base : base + count] == ROUGH) + base
            for at in rough.tolist():
                place, length = int(slots.words[at]) & 0xFFFFFFFF, int(slots.words[at]) >> 32
                slots.reals[at] = float(data[place : place + length].tobytes())

    def _arrays(self, data: npt.NDArray[np.uint8], slots: Slots) -> list[pa.Array]:
        counts = slots.counts.copy()
        lengths = counts[self._level_of]
        values = np.where(self._has_offsets, (lengths + 1) * _OFFSET_BYTES, lengths * self._widths)
        texts = np.where(self._kind_of == TEXT, slots.bytes + BLOCK, 0)
        sizes = np.stack([(lengths + 7) // 8, values, texts])
        sizes = (sizes + _ALIGNMENT - 1) // _ALIGNMENT * _ALIGNMENT
        begins = np.cumsum(sizes.ravel()) - sizes.ravel()
        begins = begins.reshape(sizes.shape)
        # Arrow keeps memory that is freed, so that not each page of it has to be asked for again.
        buffer = pa.allocate_buffer(int(sizes.sum()) + _ALIGNMENT)
        memory = np.frombuffer(buffer, np.uint8)
        arena = Arena(
            bytes=memory,
            pairs=memory.view(np.int16),
            quads=memory.view(np.int32),
            words=memory.view(np.int64),
            validity=begins[0],
            values=begins[1],
            texts=begins[2],
            widths=self._widths,
            nulls=np.zeros(len(self._columns), np.int64),
            sizes=np.zeros(len(self._columns), np.int64),
        )
        write_columns(data, self._plan, slots, arena)
        slots.bytes[:] = 0
        made = _Made(buffer, lengths.tolist(), begins.tolist(), arena)
        return [made.array(child) for child in self._root.children]


class _Made:
    """Buffers that have been written, as arrays."""

    def __init__(
        self, buffer: pa.Buffer, lengths: list[int], begins: list[list[int]], arena: Arena
    ) -> None:
        self._buffer = buffer
        self._lengths = lengths
        self._validity, self._values, self._texts = begins
        self._widths: list[int] = arena.widths.tolist()
        self._nulls: list[int] = arena.nulls.tolist()
        self._sizes: list[int] = arena.sizes.tolist()

    def array(self, column: _Column) -> pa.Array:
        """The array of a column and of what is in it."""
        number, kind = column.number, column.kind
        length, nulls = self._lengths[number], self._nulls[number]
        if nulls == length:
            # One call for all that is in it: of many fields a source fills few.
            return pa.nulls(length, column.type)
        cut = self._buffer.slice
        validity = cut(self._validity[number], (length + 7) // 8) if nulls else None
        buffers = [validity]
        children = [self.array(child) for child in column.children]
        if kind in (TEXT, LIST, MAP):
            buffers.append(cut(self._values[number], (length + 1) * _OFFSET_BYTES))
        elif kind != STRUCT:
            size = (length + 7) // 8 if kind == TRUTH else length * self._widths[number]
            buffers.append(cut(self._values[number], size))
        if kind == TEXT:
            buffers.append(cut(self._texts[number], self._sizes[number]))
        if kind == MAP:
            entries = pa.struct([column.type.key_field, column.type.item_field])
            children = [
                pa.Array.from_buffers(entries, len(children[0]), [None], 0, children=children)
            ]
        return pa.Array.from_buffers(column.type, length, buffers, nulls, children=children)


def _kind(kind: pa.DataType) -> int | None:
    """The kind of a column of a type, None where there is none."""
    if pa.types.is_string(kind):
        return TEXT
    if pa.types.is_integer(kind):
        return WHOLE
    if pa.types.is_float64(kind):
        return REAL
    if pa.types.is_boolean(kind):
        return TRUTH
    if pa.types.is_date32(kind):
        return DAY
    if pa.types.is_map(kind):
        return MAP if kind.key_type == kind.item_type == pa.string() else None
    if pa.types.is_list(kind):
        return LIST if _kind(kind.value_type) is not None else None
    if pa.types.is_struct(kind):
        names = [field.name for field in kind]
        is_read = all(_kind(field.type) is not None for field in kind)
        return STRUCT if is_read and len(set(names)) == len(names) else None
    return None


def _depth(column: _Column) -> int:
    return 1 + max(map(_depth, column.children), default=0)


def _width(column: _Column) -> int:
    """Bytes of a value, 0 where there are none; truths take a bit, and no more than a byte."""
    if column.kind in (WHOLE, REAL, DAY):
        return int(column.type.bit_width) // 8
    return 1 if column.kind == TRUTH else 0


def _bounds(kind: pa.DataType) -> tuple[int, int]:
    """The least and the greatest whole number of a type that fit 64 bits with a sign."""
    if not pa.types.is_integer(kind):
        return 0, 0
    bits = int(kind.bit_width)
    if pa.types.is_unsigned_integer(kind):
        return 0, (1 << min(bits, 63)) - 1
    return -(1 << bits - 1), (1 << bits - 1) - 1
