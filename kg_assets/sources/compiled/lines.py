"""Cutting parts of a file into lines, as `kg_assets.sources.lines` does it; compiled.

To be imported where it is used, since numba is imported with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from kg_assets.sources.compiled.compiling import CODE, part, seen, whole
from kg_assets.sources.compiled.tokens import (
    CLOSE,
    CLOSE_LIST,
    COMMA,
    FEED,
    OPEN_LIST,
    RETURN,
    after_blanks,
)
from kg_assets.sources.compiled.utf8 import is_utf8
from kg_assets.sources.compiled.words import BLOCK, copy_block, feed_in_block

_LINE_BYTES = 128
_LEAST_ROOM = 64
_BASE, _BEGIN, _ROWS, _AT, _TARGET, _STATES = range(6)


@part
def _is_blob(text: Any, start: Any, end: Any, in_array: Any) -> Any:
    """Whether there is more in a line than white space, or a bracket of the array."""
    place = after_blanks(text, start, end)
    if place < end and in_array and text[place] in (OPEN_LIST, CLOSE_LIST):
        place = after_blanks(text, place + 1, end)
    return place < end


@whole
def _cut(
    data: Any,
    place: Any,
    state: Any,
    in_array: Any,
    starts: Any,
    offsets: Any,
    is_text: Any,
    to: Any,
    code: Any = CODE,  # noqa: ARG001
) -> Any:
    """Cuts a part from a place on, until it ends or there is no room for more lines.

    The state is where the part lies in the whole (``_BASE``); where the line that is being read
    begins there (``_BEGIN``); how many have been kept (``_ROWS``), up to where their text reaches
    (``_AT``), and up to where that of the line reaches as far as it has been read (``_TARGET``).

    Returns:
        The place at which it stopped.
    """
    size, last = len(data), len(data) - BLOCK
    begin, rows, at, target = state[_BEGIN], state[_ROWS], state[_AT], state[_TARGET]
    while rows < len(starts):
        is_whole = False
        while place <= last:
            copy_block(to, target, data, place)
            found = feed_in_block(data, place)
            place += found
            target += found
            if found < BLOCK:
                is_whole = True
                break
        while not is_whole and place < size:
            is_whole = data[place] == FEED
            if not is_whole:
                to[target] = data[place]
                place += 1
                target += 1
        if not is_whole:
            break
        place += 1
        end = target
        if end > at and to[end - 1] == RETURN:
            end -= 1
        if in_array and end - at > 1 and to[end - 1] == COMMA and to[end - 2] == CLOSE:
            end -= 1
        if _is_blob(to, at, end, in_array):
            starts[rows] = begin
            is_text[rows] = is_utf8(to, at, end)
            at = end
            rows += 1
            offsets[rows] = at
        target = at
        begin = state[_BASE] + place
    state[_BEGIN], state[_ROWS], state[_AT], state[_TARGET] = begin, rows, at, target
    return place


def cut(
    parts: Sequence[bytes | memoryview], *, in_array: bool
) -> tuple[npt.NDArray[np.int64], pa.BinaryArray, npt.NDArray[np.bool_]]:
    """Cuts parts of a file that follow each other into lines.

    Args:
        parts: Together whole lines, each with its line feed, and less than 2 GiB.
        in_array: Whether the lines are elements of an array.

    Returns:
        Where each line begins in the parts; the lines; and whether each is UTF-8.
    """
    size = sum(map(len, parts))
    text = pa.allocate_buffer(size + BLOCK)
    to = np.frombuffer(text, np.uint8)
    state = np.zeros(_STATES, np.int64)
    rows, room = 0, _LEAST_ROOM + size // _LINE_BYTES
    starts, offsets = np.empty(room, np.int64), np.zeros(room + 1, np.int32)
    is_text = np.empty(room, np.bool_)
    for data in parts:
        place = 0
        while place < len(data):
            if rows == room:
                room *= 4
                starts, offsets = _grown(starts, room), _grown(offsets, room + 1)
                is_text = _grown(is_text, room)
            place = _cut(seen(data), place, state, in_array, starts, offsets, is_text, to)
            rows = int(state[_ROWS])
        state[_BASE] += len(data)
    buffers = [None, pa.py_buffer(offsets[: rows + 1].copy()), text.slice(0, int(offsets[rows]))]
    lines = pa.BinaryArray.from_buffers(pa.binary(), rows, buffers)
    return starts[:rows], lines, is_text[:rows]


def _grown(numbers: npt.NDArray[Any], room: int) -> npt.NDArray[Any]:
    grown = np.empty(room, numbers.dtype)
    grown[: len(numbers)] = numbers
    return grown
