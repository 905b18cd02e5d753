"""Turning slots of columns into the buffers of Arrow; compiled for any fields.

To be imported where something is compiled, since numba is imported with it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from kg_assets.sources.compiled.compiling import CODE, inlined, part, whole
from kg_assets.sources.compiled.table import (
    LENGTH_SHIFT,
    LIST,
    MAP,
    MISSING,
    ROUGH,
    STRUCT,
    TEXT,
    TRUTH,
    VALID,
)
from kg_assets.sources.compiled.tokens import BACKSLASH, escaped_code
from kg_assets.sources.compiled.words import BLOCK, ask_for, copy_block, number_at, word_at

_B, _F, _N, _R, _T, _U = b"bfnrtu"
_PLACE_BITS = (1 << LENGTH_SHIFT) - 1
_WORD_BYTES = 8
_AHEAD = 12
_LOWEST = np.uint64(0x0101010101010101)
_GATHER = np.uint64(0x0102040810204080)
_TOP = np.uint64(56)
_FIRST_BEYOND = 0x10000


class Arena(NamedTuple):
    """Where the buffers lie, all in one piece of memory, which is seen in numbers of four widths.

    Attributes:
        bytes: The memory.
        pairs: Its numbers of 16 bits.
        quads: Its numbers of 32 bits.
        words: Its numbers of 64 bits.
        validity: Byte at which the bits of each column begin that say what is valid.
        values: Byte at which its values or offsets begin.
        texts: Byte at which its text begins; `BLOCK` bytes behind it are free.
        widths: Bytes of a value.
        nulls: Is given how many slots are not valid.
        sizes: Is given the bytes of its text.
    """

    bytes: Any
    pairs: Any
    quads: Any
    words: Any
    validity: Any
    values: Any
    texts: Any
    widths: Any
    nulls: Any
    sizes: Any


@part
def _utf8(to: Any, place: Any, code: Any) -> Any:
    """Writes a character; the place after it."""
    if code < 0x80:
        to[place] = code
        return place + 1
    if code < 0x800:
        to[place] = 0xC0 | code >> 6
        to[place + 1] = 0x80 | code & 0x3F
        return place + 2
    if code < _FIRST_BEYOND:
        to[place] = 0xE0 | code >> 12
        to[place + 1] = 0x80 | code >> 6 & 0x3F
        to[place + 2] = 0x80 | code & 0x3F
        return place + 3
    to[place] = 0xF0 | code >> 18
    to[place + 1] = 0x80 | code >> 12 & 0x3F
    to[place + 2] = 0x80 | code >> 6 & 0x3F
    to[place + 3] = 0x80 | code & 0x3F
    return place + 4


@part
def _unescaped(data: Any, start: Any, length: Any, to: Any, place: Any) -> Any:
    """Writes a text without its escapes, which are known to be right; the place after it.

    No escape is shorter than what it stands for.
    """
    end = start + length
    while start < end:
        code: Any = np.int64(data[start])
        start += 1
        if code == BACKSLASH:
            code = np.int64(data[start])
            start += 1
            if code == _U:
                code = escaped_code(data, start, end)
                start += 4
                if 0xD800 <= code < 0xDC00:
                    code = (code - 0xD800 << 10) + escaped_code(data, start + 2, end) - 0xDC00
                    code += _FIRST_BEYOND
                    start += 6
                place = _utf8(to, place, code)
                continue
            if code == _N:
                code = 10
            elif code == _T:
                code = 9
            elif code == _R:
                code = 13
            elif code == _B:
                code = 8
            elif code == _F:
                code = 12
        to[place] = code
        place += 1
    return place


@inlined
def _texts(data: Any, words: Any, flags: Any, offsets: Any, arena: Any, start: Any) -> Any:
    """Writes texts one behind the other; how many bytes."""
    to = arena.bytes
    place = start
    whole = len(data) - BLOCK
    for slot in range(len(flags)):
        # The texts of a column lie apart: without this, most of the time would be waiting.
        if slot + _AHEAD < len(flags):
            ask_for(data, number_at(words, slot + _AHEAD) & _PLACE_BITS)
        flag = flags[slot]
        if flag & 1:
            word = number_at(words, slot)
            begin, length = word & _PLACE_BITS, word >> LENGTH_SHIFT
            if flag == ROUGH:
                place = _unescaped(data, begin, length, to, place)
            elif begin + length <= whole:
                for block in range(0, length, BLOCK):
                    copy_block(to, place + block, data, begin + block)
                place += length
            else:
                for byte in range(length):
                    to[place + byte] = data[begin + byte]
                place += length
        offsets[slot + 1] = place - start
    return place - start


@inlined
def _validity(flags: Any, base: Any, count: Any, to: Any, start: Any) -> Any:
    """Writes a bit for each slot; how many are not valid. A column has room for whole words."""
    valid: Any = 0
    for group in range((count + _WORD_BYTES - 1) // _WORD_BYTES):
        odd = word_at(flags, base + group * _WORD_BYTES) & _LOWEST
        to[start + group] = np.uint8(odd * _GATHER >> _TOP)
        valid += np.int64(odd * _LOWEST >> _TOP)
    return count - valid


@whole
def write_columns(
    data: Any,
    plan: Any,
    slots: Any,
    arena: Any,
    code: Any = CODE,  # noqa: ARG001
) -> None:
    """Writes the buffers of all columns, and takes all rows out of the slots.

    Args:
        data: Bytes of all rows.
        plan: The columns; see `kg_assets.sources.compiled.rows.Plan`.
        slots: What has been read; numbers that are ``ROUGH`` have their value by now.
        arena: Where to write.
        code: Left out; see `kg_assets.sources.compiled.compiling.whole`.
    """
    for column in range(len(plan.kinds)):
        kind = plan.kinds[column]
        count = slots.counts[plan.levels[column]]
        base = slots.bases[column]
        arena.nulls[column] = _validity(
            slots.flags, base, count, arena.bytes, arena.validity[column]
        )
        words = slots.words[base : base + count]
        flags = slots.flags[base : base + count]
        start = arena.values[column]
        if kind == TEXT:
            offsets = arena.quads[start // 4 : start // 4 + count + 1]
            offsets[0] = 0
            arena.sizes[column] = _texts(data, words, flags, offsets, arena, arena.texts[column])
        elif kind in (LIST, MAP):
            offsets = arena.quads[start // 4 : start // 4 + count + 1]
            offsets[0] = 0
            total: Any = 0
            for slot in range(count):
                if flags[slot] == VALID:
                    total += words[slot]
                offsets[slot + 1] = total
        elif kind == TRUTH:
            for slot in range((count + 7) // 8):
                arena.bytes[start + slot] = 0
            for slot in range(count):
                if flags[slot] == VALID and words[slot] != 0:
                    arena.bytes[start + slot // 8] |= np.uint8(1 << (slot & 7))
        elif kind != STRUCT:
            width = arena.widths[column]
            for slot in range(count):
                if not flags[slot] & 1:
                    words[slot] = 0
            if width == 8:
                whole = arena.words[start // 8 : start // 8 + count]
                for slot in range(count):
                    whole[slot] = words[slot]
            elif width == 4:
                quads = arena.quads[start // 4 : start // 4 + count]
                for slot in range(count):
                    quads[slot] = words[slot]
            elif width == 2:
                pairs = arena.pairs[start // 2 : start // 2 + count]
                for slot in range(count):
                    pairs[slot] = words[slot]
            else:
                for slot in range(count):
                    arena.bytes[start + slot] = words[slot]
        for slot in range(count):
            flags[slot] = MISSING
    for level in range(len(slots.counts)):
        slots.counts[level] = 0
