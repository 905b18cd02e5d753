"""Whether bytes are UTF-8, by 32 at a time; compiled.

To be imported where something is compiled, since numba is imported with it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kg_assets.sources.compiled.compiling import part
from kg_assets.sources.compiled.words import BLOCK, beyond_ascii, faults_in_block

_FIRST_OF_2, _FIRST_OF_3, _FIRST_OF_4 = 0xC0, 0xE0, 0xF0
_SURROGATES, _LAST_PLANE = 0xED, 0xF4
_ALL = np.uint64((1 << BLOCK) - 1)
_REACH = 3
"""How many bytes after a first one may belong to it."""


@part
def _should_follow(data: Any, place: Any, start: Any) -> Any:
    """Whether a byte here would belong to one of the 3 before it."""
    return (
        (place > start and data[place - 1] >= _FIRST_OF_2)
        or (place > start + 1 and data[place - 2] >= _FIRST_OF_3)
        or (place > start + 2 and data[place - 3] >= _FIRST_OF_4)
    )


@part
def _is_fault(data: Any, place: Any, start: Any) -> Any:
    """Whether the byte here is wrong after those before it; as `faults_in_block`."""
    code = data[place]
    if (0x80 <= code <= 0xBF) != _should_follow(data, place, start):
        return True
    if place > start:
        first = data[place - 1]
        if first == _FIRST_OF_3 and code < 0xA0:
            return True
        if first == _SURROGATES and code >= 0xA0:
            return True
        if first == _FIRST_OF_4 and code < 0x90:
            return True
        if first == _LAST_PLANE and code >= 0x90:
            return True
    return 0xC0 <= code <= 0xC1 or code >= 0xF5


@part
def is_utf8(data: Any, start: Any, end: Any) -> Any:
    """Whether the bytes from a start to an end are UTF-8 by themselves."""
    place = start
    whole = len(data) - BLOCK
    while place < min(start + _REACH, end):
        if _is_fault(data, place, start):
            return False
        place += 1
    is_ascii = False  # what is before
    while place < end and place <= whole:
        here = _ALL
        if end - place < BLOCK:
            here = (np.uint64(1) << np.uint64(end - place)) - np.uint64(1)
        high = beyond_ascii(data, place) & here
        if (high != 0 or not is_ascii) and faults_in_block(data, place) & here != 0:
            return False
        is_ascii = high == 0
        place += BLOCK
    while place < end:
        if _is_fault(data, place, start):
            return False
        place += 1
    return not _should_follow(data, end, start)
