"""Reading an object of texts, whatever the names in it, in the order of the names; compiled.

To be imported where something is compiled, since numba is imported with it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kg_assets.sources.compiled.compiling import part
from kg_assets.sources.compiled.table import LENGTH_SHIFT, NULL, ROUGH, TAKEN, UNSURE, VALID
from kg_assets.sources.compiled.tokens import (
    BACKSLASH,
    CLOSE,
    COLON,
    COMMA,
    QUOTE,
    after_blanks,
    text_end,
    text_stop,
    word_end,
)

_N = b"n"[0]


@part
def _order(data: Any, one: Any, size: Any, other: Any, other_size: Any) -> Any:
    """Below, equal to or above 0 as one text comes before, is, or comes after the other."""
    for byte in range(min(size, other_size)):
        difference = np.int64(data[one + byte]) - np.int64(data[other + byte])
        if difference != 0:
            return difference
    return size - other_size


@part
def read_map(data: Any, place: Any, end: Any, column: Any, slot: Any, plan: Any, slots: Any) -> Any:
    """Reads the map whose brace has been read; the place after it, and `TAKEN` or another."""
    keys = slots.keys
    count = 0
    place = after_blanks(data, place, end)
    is_open = not (place < end and data[place] == CLOSE)
    if not is_open:
        place += 1
    while is_open:
        if place >= end or data[place] != QUOTE or count == len(keys):
            return place, UNSURE
        name = place + 1
        stop = text_stop(data, name, end)
        if stop >= end or data[stop] != QUOTE:
            return place, UNSURE
        size = stop - name
        place = after_blanks(data, stop + 1, end)
        if place >= end or data[place] != COLON:
            return place, UNSURE
        place = after_blanks(data, place + 1, end)
        if place >= end:
            return place, UNSURE
        value, length, flag = place, 0, NULL
        if data[place] == QUOTE:
            value = place + 1
            stop = text_stop(data, value, end)
            flag = VALID
            if stop < end and data[stop] == BACKSLASH:
                stop = text_end(data, value, end)
                flag = ROUGH
            if stop < 0 or stop >= end or data[stop] != QUOTE:
                return place, UNSURE
            length = stop - value
            place = stop + 1
        elif data[place] == _N:
            place = word_end(data, place, end)
            if place < 0:
                return place, UNSURE
        else:
            return place, UNSURE
        at = count
        while at > 0:
            order = _order(data, name, size, keys[at - 1, 0], keys[at - 1, 1])
            if order == 0:
                return place, UNSURE
            if order > 0:
                break
            for field in range(keys.shape[1]):
                keys[at, field] = keys[at - 1, field]
            at -= 1
        keys[at, 0] = name
        keys[at, 1] = size
        keys[at, 2] = value
        keys[at, 3] = length
        keys[at, 4] = flag
        count += 1
        place = after_blanks(data, place, end)
        if place >= end:
            return place, UNSURE
        if data[place] == COMMA:
            place = after_blanks(data, place + 1, end)
        elif data[place] == CLOSE:
            place += 1
            is_open = False
        else:
            return place, UNSURE
    first = np.int64(plan.inside[column])
    level = plan.levels[first]
    taken = 0
    for entry in range(count):
        if keys[entry, 4] == NULL:
            continue
        inner = slots.counts[level]
        if inner >= slots.room[level]:
            return place, np.int64(level)
        slots.counts[level] += 1
        at = slots.bases[first] + inner
        slots.words[at] = keys[entry, 0] | keys[entry, 1] << LENGTH_SHIFT
        slots.flags[at] = VALID
        slots.bytes[first] += keys[entry, 1]
        at = slots.bases[first + 1] + inner
        slots.words[at] = keys[entry, 2] | keys[entry, 3] << LENGTH_SHIFT
        slots.flags[at] = keys[entry, 4]
        slots.bytes[first + 1] += keys[entry, 3]
        taken += 1
    slots.words[slots.bases[column] + slot] = taken
    return place, TAKEN
