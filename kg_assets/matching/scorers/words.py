"""Texts and lists of records as words of their rows, from the buffers of Arrow, in machine code.

A text is a word with a bit for each of its letters and a word that says where it is; a list is a
word with a bit for each element and a word that says where its sorted set of elements is.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from kg_assets.machine_code import njit
from kg_assets.matching.scorers.instructions import NO_SPAN, SIZE_BITS
from kg_assets.matching.scorers.texts import mixed

_0, _1, _8, _63 = np.uint64(0), np.uint64(1), np.uint64(8), np.uint64(63)
_27, _31, _33, _58 = np.uint64(27), np.uint64(31), np.uint64(33), np.uint64(58)
_BLOCK_1, _BLOCK_2 = np.uint64(0x87C37B91114253D5), np.uint64(0x4CF5AD432745937F)
_5, _MORE = np.uint64(5), np.uint64(0x52DCE729)
_SPAN = np.uint64(SIZE_BITS)

_ALL_KNOWN = np.empty(0, dtype=np.uint8)


class Buffers(NamedTuple):
    """Arrow's buffers of a column of texts or lists; nothing is copied.

    Attributes:
        known: Bits of which those of NULLs are 0; empty where there is no NULL.
        first: Place of the first value's bit.
        bounds: Where each value begins, and where the last ends, 32 bits each.
        values: Bytes of the texts, or the words of lists of numbers; None for lists of texts.
    """

    known: Any
    first: int
    bounds: Any
    values: Any

    @property
    def size(self) -> int:
        """How many bytes or elements all values have."""
        return int(self.bounds[-1]) - int(self.bounds[0])


def texts_of(column: pa.Array) -> Buffers:
    """The buffers of a column of texts."""
    if not pa.types.is_string(column.type):
        column = column.cast(pa.string())
    known, bounds, pool = column.buffers()
    return Buffers(
        *_known(column, known),
        _bounds(column, bounds),
        np.frombuffer(pool or b"", dtype=np.uint8),
    )


def lists_of(column: pa.Array) -> tuple[Buffers, pa.Array]:
    """The buffers of a column of lists, and the elements that their bounds are of."""
    known, bounds, *_ = column.buffers()
    return Buffers(*_known(column, known), _bounds(column, bounds), None), column.values


def numbers_of(elements: pa.Array) -> Any:
    """Whole numbers of 64 bits as words; those of NULLs may be anything."""
    _, values = elements.buffers()
    if values is None:
        return np.empty(0, dtype=np.uint64)
    return np.frombuffer(values, dtype=np.uint64)[elements.offset : elements.offset + len(elements)]


def known_of(column: pa.Array) -> tuple[Any, int]:
    """Bits of which those of NULLs are 0, empty where there is no NULL; place of the first."""
    return _known(column, column.buffers()[0])


def _known(column: pa.Array, bits: pa.Buffer | None) -> tuple[Any, int]:
    if bits is None or column.null_count == 0:
        return _ALL_KNOWN, 0
    return np.frombuffer(bits, dtype=np.uint8), column.offset


def _bounds(column: pa.Array, bounds: pa.Buffer | None) -> Any:
    # Arrow lets an array of nothing have no bounds.
    if bounds is None or bounds.size == 0:
        return np.zeros(1, dtype=np.int32)
    return np.frombuffer(bounds, dtype=np.int32)[column.offset : column.offset + len(column) + 1]


@njit(cache=True, nogil=True)
def _is_known(known: Any, place: Any) -> Any:
    return len(known) == 0 or (known[place >> 3] >> (place & 7)) & 1 != 0


@njit(cache=True, nogil=True)
def _eight(pool: Any, at: Any) -> Any:
    """Eight bytes as a number; LLVM makes one load of it."""
    value = _0
    for place in range(8):
        value |= np.uint64(pool[at + np.uint64(place)]) << np.uint64(8 * place)
    return value


@njit(cache=True, nogil=True)
def _stirred(value: Any, word: Any) -> Any:
    word *= _BLOCK_1
    word = (word << _31) | (word >> _33)
    value ^= word * _BLOCK_2
    value = (value << _27) | (value >> (np.uint64(64) - _27))
    return value * _5 + _MORE


@njit(cache=True, nogil=True)
def hash_of(pool: Any, begin: Any, end: Any) -> Any:
    """A 64-bit hash of a text: the first half of MurmurHash3 for 128 bits, and its finaliser.

    Of eight bytes or more the last eight are read once more, whatever was read of them before.
    """
    at, stop = np.uint64(begin), np.uint64(end)
    value = stop - at
    if value >= _8:
        last = stop - _8
        while at < last:
            value = _stirred(value, _eight(pool, at))
            at += _8
        return mixed(_stirred(value, _eight(pool, last)))
    word, shift = _0, _0
    while at < stop:
        word |= np.uint64(pool[at]) << shift
        shift += _8
        at += _1
    return mixed(_stirred(value, word))


@njit(cache=True, nogil=True)
def put_hashes(known: Any, first: Any, bounds: Any, pool: Any, rows: Any, word: Any) -> None:
    """Write hashes of texts, never 0, into a word of each row; 0 for NULL."""
    for row in range(len(bounds) - 1):
        held = _is_known(known, first + row)
        rows[row, word] = hash_of(pool, bounds[row], bounds[row + 1]) if held else _0


@njit(cache=True, nogil=True)
def put_texts(
    known: Any, first: Any, bounds: Any, pool: Any, begin: Any, rows: Any, word: Any
) -> Any:
    """Write letters and places of texts into two words of each row.

    Args:
        known: See `Buffers`.
        first: See `Buffers`.
        bounds: See `Buffers`.
        pool: Their bytes.
        begin: Where in the pool of all records the first text will lie.
        rows: Is written to; (texts, words).
        word: The first of the two words.

    Returns:
        Bytes of the longest text.
    """
    longest: Any = 0
    for row in range(len(bounds) - 1):
        letters = _0
        if not _is_known(known, first + row):
            rows[row, word], rows[row, word + 1] = letters, NO_SPAN
            continue
        start, end = np.intp(bounds[row]), np.intp(bounds[row + 1])
        for place in range(start, end):
            letters |= _1 << (np.uint64(pool[place]) & _63)
        rows[row, word] = letters
        rows[row, word + 1] = _span(begin + start - bounds[0], end - start)
        longest = max(longest, end - start)
    return longest


@njit(cache=True, nogil=True)
def put_spans(known: Any, first: Any, bounds: Any, begin: Any, rows: Any, word: Any) -> None:
    """Write places of lists into a word of each row.

    Args:
        known: See `Buffers`.
        first: See `Buffers`.
        bounds: See `Buffers`.
        begin: Where among the elements of all records the first of these will lie.
        rows: Is written to; (lists, words).
        word: The word.
    """
    for row in range(len(bounds) - 1):
        start = np.intp(bounds[row])
        size = np.intp(bounds[row + 1]) - start
        held = _is_known(known, first + row)
        rows[row, word] = _span(begin + start - bounds[0], size) if held else NO_SPAN


@njit(cache=True, nogil=True)
def _span(begin: Any, size: Any) -> Any:
    return (np.uint64(begin) << _SPAN) | np.uint64(size)


@njit(cache=True, nogil=True)
def put_sets_of_texts(
    known: Any, first: Any, bounds: Any,
    element_known: Any, element_first: Any, element_bounds: Any, pool: Any,
    ends: Any, elements: Any, before: Any, rows: Any, word: Any,
) -> None:  # fmt: skip
    """Write lists of texts as `put_sets` writes lists of numbers, by the hashes of the texts."""
    for row in range(len(bounds) - 1):
        bits, begin = _0, ends[row]
        end = begin
        if not _is_known(known, first + row):
            rows[row, word], rows[row, word + 1] = bits, NO_SPAN
            continue
        for place in range(bounds[row], bounds[row + 1]):
            if _is_known(element_known, element_first + place):
                value = hash_of(pool, element_bounds[place], element_bounds[place + 1])
                bits |= _1 << (value >> _58)
                end = _put(elements, begin, end, value)
        rows[row, word] = bits
        rows[row, word + 1] = _span(before + begin, end - begin)
        ends[row] = end


@njit(cache=True, nogil=True)
def put_sets(
    known: Any, first: Any, bounds: Any,
    element_known: Any, element_first: Any, values: Any,
    ends: Any, elements: Any, before: Any, rows: Any, word: Any,
) -> None:  # fmt: skip
    """Write lists of numbers as sorted sets without their NULLs, into two words of each row.

    Args:
        known: See `Buffers`; of the lists.
        first: See `Buffers`.
        bounds: See `Buffers`.
        element_known: See `Buffers`; of the elements.
        element_first: See `Buffers`.
        values: The elements, as numbers of 64 bits.
        ends: Where in ``elements`` there is room for those of each record; moved on.
        elements: Is written to: a part of the elements of all records.
        before: How many elements lie before this part.
        rows: Is written to; (lists, words).
        word: The first of the two words: of bits, of which each element sets one, and the place.
    """
    for row in range(len(bounds) - 1):
        bits, begin = _0, ends[row]
        end = begin
        if not _is_known(known, first + row):
            rows[row, word], rows[row, word + 1] = bits, NO_SPAN
            continue
        for place in range(bounds[row], bounds[row + 1]):
            if _is_known(element_known, element_first + place):
                value = values[place]
                bits |= _1 << (mixed(value) >> _58)
                end = _put(elements, begin, end, value)
        rows[row, word] = bits
        rows[row, word + 1] = _span(before + begin, end - begin)
        ends[row] = end


@njit(cache=True, nogil=True)
def _put(elements: Any, begin: Any, end: Any, value: Any) -> Any:
    """Add a value to a sorted set; returns where the set ends."""
    # Lists are short, and many come sorted.
    spot = end
    while spot > begin and elements[spot - 1] > value:
        spot -= 1
    if spot > begin and elements[spot - 1] == value:
        return end
    for moved in range(end, spot, -1):
        elements[moved] = elements[moved - 1]
    elements[spot] = value
    return end + 1


@njit(cache=True, nogil=True)
def put_products(
    known: Any, first: Any, bounds: Any, logarithms: Any, least: Any, rows: Any, word: Any
) -> None:
    """Write log2 of the products of lists' frequencies as numbers, into a word of each row.

    Args:
        known: See `Buffers`; of the lists. NULL, and an empty list, is NaN.
        first: See `Buffers`.
        bounds: See `Buffers`.
        logarithms: log2 of the frequency of each element.
        least: log2 of the smallest product that counts; NaN for none.
        rows: Is written to, as numbers; (lists, words).
        word: The word.
    """
    for row in range(len(bounds) - 1):
        found = np.nan
        if _is_known(known, first + row) and bounds[row] < bounds[row + 1]:
            # A sum of logarithms, since a product of many falls under the smallest number.
            found = 0.0
            for place in range(bounds[row], bounds[row + 1]):
                found += logarithms[place]
            if not found >= least and least == least:
                found = least
        rows[row, word] = found
