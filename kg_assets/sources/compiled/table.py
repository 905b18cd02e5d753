"""The declared fields as tables of numbers, and the slots in which their values are gathered.

A column has a word of 64 bits and a flag for each of its slots. What is declared inside a list has
slots of its own: a level. To be imported where something is compiled, since numba is imported with
it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from kg_assets.sources.compiled.compiling import CODE, inlined, whole
from kg_assets.sources.compiled.tokens import QUOTE, few_bytes
from kg_assets.sources.compiled.words import byte_at, number_at, word_at

STRUCT, LIST, MAP, TEXT, WHOLE, REAL, TRUTH, DAY = range(8)
"""Kinds of columns."""

MISSING, VALID, NULL, ROUGH = range(4)
"""What the flag of a slot says; ``ROUGH`` is valid, and its text has escapes or is no exact number.
Those that are valid are odd."""

TAKEN, UNSURE = -1, -2
"""What became of a row, if no level ran out of slots."""

MOST_KEYS = 64
"""The most entries of a map; the time to order them grows with the square."""

LENGTH_SHIFT = 32
"""How far the length of a text stands above its place in a word."""

_WORD_BYTES = 8
_MIX_1, _MIX_2, _MIX_3 = (
    np.uint64(0x9E3779B97F4A7C15),
    np.uint64(0xC2B2AE3D27D4EB4F),
    np.uint64(0xFF51AFD7ED558CCD),
)
_HIGH = np.uint64(32)


class Plan(NamedTuple):
    """The columns as tables, a row for each column; the first is the object itself.

    Attributes:
        kinds: `STRUCT` and so on.
        levels: The level in which a column has its slots; 0 is that of the rows.
        inside: The column of a list's elements or of a map's names; a map's values have the next.
        least: The least whole number.
        most: The greatest whole number.
        empties: Whether an empty object may be written as an empty list.
        tables: Where the table of names of an object begins, its size less 1 in ``masks``.
        masks: See ``tables``.
        names: All tables of names: columns, -1 where there is none.
        heads: The first 8 bytes of the name.
        shown: The bits of them that the name has.
        tails: The last 8 bytes of the name.
        begins: Where the name begins in ``pool``.
        lengths: Bytes of the name.
        pool: The names.
        members: The columns, those of each level together.
        firsts: Where the members of each level begin, and where the last end.
    """

    kinds: Any
    levels: Any
    inside: Any
    least: Any
    most: Any
    empties: Any
    tables: Any
    masks: Any
    names: Any
    heads: Any
    shown: Any
    tails: Any
    begins: Any
    lengths: Any
    pool: Any
    members: Any
    firsts: Any


class Slots(NamedTuple):
    """What has been read.

    Attributes:
        words: Values. Of a text its place and, 32 bits higher, its length; of a list its length.
        reals: The same words as floating point numbers.
        flags: `MISSING` and so on; all beyond the counts are `MISSING`.
        bases: Where the slots of each column begin.
        room: How many slots each level has.
        counts: How many slots of each level are taken.
        saved: Room for the counts before a row.
        bytes: At least the bytes of all texts of each column, and of its rough numbers.
        guesses: The column that came last as the first in an object of a column, and behind those
            of all columns that which came last after a column; 0 where none did.
        frames: Room for what is open: column, slot, whether a list; (levels of nesting, 3).
        keys: Room for the entries of a map: place and length of name and value, flag;
            (`MOST_KEYS`, 5).
    """

    words: Any
    reals: Any
    flags: Any
    bases: Any
    room: Any
    counts: Any
    saved: Any
    bytes: Any
    guesses: Any
    frames: Any
    keys: Any


@inlined
def mixed(head: Any, tail: Any, length: Any) -> Any:
    """A number that depends on a name: its first and last 8 bytes and its length."""
    value = (head ^ (tail * _MIX_2) ^ np.uint64(length)) * _MIX_1
    value ^= value >> _HIGH
    value *= _MIX_3
    return np.int64(value >> _HIGH)


@inlined
def column_of(data: Any, place: Any, length: Any, parent: Any, plan: Any) -> Any:
    """The column that a name stands for in an object, or -1."""
    head = few_bytes(data, place, length)
    tail = head
    if length > _WORD_BYTES:
        tail = few_bytes(data, place + length - _WORD_BYTES, _WORD_BYTES)
    mask, table = number_at(plan.masks, parent), number_at(plan.tables, parent)
    entry = mixed(head, tail, length) & mask
    while True:
        column = number_at(plan.names, table + entry)
        if column < 0:
            return -1
        if (
            number_at(plan.heads, column) == head
            and number_at(plan.tails, column) == tail
            and number_at(plan.lengths, column) == length
            and _is_inner(data, place, length, column, plan)
        ):
            return column
        entry = (entry + 1) & mask


@inlined
def _is_inner(data: Any, place: Any, length: Any, column: Any, plan: Any) -> Any:
    """Whether what stands between the first and the last 8 bytes is as in a column's name."""
    begin = number_at(plan.begins, column)
    for byte in range(_WORD_BYTES, length - _WORD_BYTES, _WORD_BYTES):
        if word_at(plan.pool, begin + byte) != word_at(data, place + byte):
            return False
    return True


@inlined
def is_named(data: Any, place: Any, end: Any, column: Any, plan: Any) -> Any:
    """Whether a column's name and a quote are what stands here; False where it cannot be told."""
    length = number_at(plan.lengths, column)
    if place + length >= end or place + _WORD_BYTES > len(data):
        return False
    if byte_at(data, place + length) != QUOTE:
        return False
    shown = number_at(plan.shown, column)
    if (word_at(data, place) ^ number_at(plan.heads, column)) & shown != 0:
        return False
    if length <= _WORD_BYTES:
        return True
    tail = word_at(data, place + length - _WORD_BYTES)
    return tail == number_at(plan.tails, column) and _is_inner(data, place, length, column, plan)


@whole
def hash_names(
    pool: Any,
    begins: Any,
    lengths: Any,
    heads: Any,
    tails: Any,
    mixes: Any,
    code: Any = CODE,  # noqa: ARG001
) -> None:
    """Gives what names are looked up by.

    Args:
        pool: The names.
        begins: Where each name begins.
        lengths: How long each is.
        heads: Is given its first 8 bytes.
        tails: Is given its last 8 bytes.
        mixes: Is given the number that says where in a table it stands.
        code: Left out; see `kg_assets.sources.compiled.compiling.whole`.
    """
    for name in range(len(begins)):
        begin, length = begins[name], lengths[name]
        heads[name] = few_bytes(pool, begin, length)
        last = begin + max(length - _WORD_BYTES, 0)
        tails[name] = few_bytes(pool, last, min(length, _WORD_BYTES))
        mixes[name] = mixed(heads[name], tails[name], length)
