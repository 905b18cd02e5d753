"""Reading JSON objects into slots of columns, one object a row; compiled for any fields.

A row is taken as a whole or not at all: what is not surely read as the engine reads it leaves no
trace, and is for the engine. To be imported where something is compiled, since numba is imported
with it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kg_assets.sources.compiled.compiling import CODE, part, whole
from kg_assets.sources.compiled.maps import read_map
from kg_assets.sources.compiled.scalars import scalar
from kg_assets.sources.compiled.table import (
    LIST,
    MAP,
    MISSING,
    NULL,
    STRUCT,
    TAKEN,
    UNSURE,
    VALID,
    column_of,
    is_named,
)
from kg_assets.sources.compiled.tokens import (
    CLOSE,
    CLOSE_LIST,
    COLON,
    COMMA,
    OPEN,
    OPEN_LIST,
    QUOTE,
    SPACE,
    after_blanks,
    text_stop,
    value_end,
    word_end,
)
from kg_assets.sources.compiled.utf8 import is_utf8
from kg_assets.sources.compiled.words import byte_at, number_at, put_byte, put_number

_N = b"n"[0]
_FIRST_KEY, _KEY, _VALUE, _AFTER = range(4)


@part
def _row(data: Any, place: Any, end: Any, plan: Any, slots: Any) -> Any:
    """Reads an object; `TAKEN`, `UNSURE` or the level that has too few slots."""
    if slots.counts[0] >= slots.room[0]:
        return 0
    if place >= end or byte_at(data, place) != OPEN:
        return UNSURE
    frames, bases, flags, words = slots.frames, slots.bases, slots.flags, slots.words
    guesses, columns = slots.guesses, len(plan.kinds)
    parent, slot, is_list, depth = 0, slots.counts[0], False, 0
    flags[bases[0] + slot] = VALID
    column: Any = 0
    own: Any = 0
    turn: Any = 0  # where the next field is guessed
    place += 1
    state = _FIRST_KEY
    while True:
        if state <= _KEY:
            place = after_blanks(data, place, end)
            if place >= end:
                return UNSURE
            closes = state == _FIRST_KEY and byte_at(data, place) == CLOSE
            if not closes:
                if byte_at(data, place) != QUOTE:
                    return UNSURE
                start = place + 1
                # Objects have their fields in one order, mostly.
                if state == _FIRST_KEY:
                    turn = parent
                column = number_at(guesses, turn)
                if column > 0 and is_named(data, start, end, column, plan):
                    stop = start + number_at(plan.lengths, column)
                    turn = columns + column
                else:
                    stop = text_stop(data, start, end)
                    if stop >= end or byte_at(data, stop) != QUOTE:
                        return UNSURE
                    column = column_of(data, start, stop - start, parent, plan)
                    if column >= 0:
                        put_number(guesses, turn, column)
                        turn = columns + column
                own = slot
                place = after_blanks(data, stop + 1, end)
                if place >= end or byte_at(data, place) != COLON:
                    return UNSURE
                place = after_blanks(data, place + 1, end)
                if column >= 0:
                    state = _VALUE
                    if byte_at(flags, number_at(bases, column) + own) != MISSING:
                        return UNSURE  # it stands twice
                else:
                    place = value_end(data, place, end)
                    if place < 0:
                        return UNSURE
                    state = _AFTER
            else:
                state = _AFTER
        if state == _VALUE:
            if place >= end:
                return UNSURE
            at = number_at(bases, column) + own
            kind = number_at(plan.kinds, column)
            state = _AFTER
            if byte_at(data, place) == _N:
                place = word_end(data, place, end)
                if place < 0:
                    return UNSURE
                put_byte(flags, at, NULL)
            elif kind > MAP:
                place = scalar(data, place, end, column, at, plan, slots)
                if place < 0:
                    return UNSURE
            elif plan.empties[column] and byte_at(data, place) == OPEN_LIST:
                if kind == LIST or place + 1 >= end or byte_at(data, place + 1) != CLOSE_LIST:
                    return UNSURE
                # Only so is it written; see `parsing`.
                colon = place - 2 if byte_at(data, place - 1) == SPACE else place - 1
                if byte_at(data, colon) != COLON or byte_at(data, colon - 1) != QUOTE:
                    return UNSURE
                put_byte(flags, at, VALID)
                put_number(words, at, 0)
                place += 2
            elif kind == MAP:
                if byte_at(data, place) != OPEN:
                    return UNSURE
                place, result = read_map(data, place + 1, end, column, own, plan, slots)
                if result != TAKEN:
                    return result
                put_byte(flags, at, VALID)
            else:
                if byte_at(data, place) != (OPEN if kind == STRUCT else OPEN_LIST):
                    return UNSURE
                put_byte(flags, at, VALID)
                place = after_blanks(data, place + 1, end)
                if place >= end:
                    return UNSURE
                put_number(words, at, 0)
                if byte_at(data, place) == (CLOSE if kind == STRUCT else CLOSE_LIST):
                    place += 1
                else:
                    frames[depth, 0] = parent
                    frames[depth, 1] = slot
                    frames[depth, 2] = is_list
                    depth += 1
                    parent, slot, is_list = column, own, kind == LIST
                    if not is_list:
                        state = _FIRST_KEY
                        continue
                    column = number_at(plan.inside, parent)
                    level = number_at(plan.levels, column)
                    own = number_at(slots.counts, level)
                    if own >= number_at(slots.room, level):
                        return np.int64(level)
                    put_number(slots.counts, level, own + 1)
                    put_number(words, at, 1)
                    state = _VALUE
                    continue
        # After a value.
        place = after_blanks(data, place, end)
        if place >= end:
            return UNSURE
        code = byte_at(data, place)
        place += 1
        if code == COMMA:
            if not is_list:
                state = _KEY
                continue
            place = after_blanks(data, place, end)
            column = number_at(plan.inside, parent)
            level = number_at(plan.levels, column)
            own = number_at(slots.counts, level)
            if own >= number_at(slots.room, level):
                return np.int64(level)
            put_number(slots.counts, level, own + 1)
            at = number_at(bases, parent) + slot
            put_number(words, at, number_at(words, at) + 1)
            state = _VALUE
            continue
        if code != (CLOSE_LIST if is_list else CLOSE):
            return UNSURE
        if depth == 0:
            return TAKEN if place == end else UNSURE
        depth -= 1
        turn = columns + parent
        parent, slot, is_list = frames[depth, 0], frames[depth, 1], frames[depth, 2] != 0
        state = _AFTER


@whole
def read_rows(
    data: Any,
    offsets: Any,
    row: Any,
    wanted: Any,
    taken: Any,
    plan: Any,
    slots: Any,
    code: Any = CODE,  # noqa: ARG001
) -> Any:
    """Reads rows until a level has too few slots for one.

    Args:
        data: Bytes of all rows.
        offsets: Where each row begins, and where the last ends.
        row: The first row to read.
        wanted: Whether each row is to be read.
        taken: Is told for each row whether it was taken.
        plan: The columns.
        slots: What has been read; the rows are added to it.
        code: Left out; see `kg_assets.sources.compiled.compiling.whole`.

    Returns:
        The row at which it stopped, and the level that has too few slots for it or -1.
    """
    rows = len(offsets) - 1
    while row < rows:
        place, end = np.int64(offsets[row]), np.int64(offsets[row + 1])
        if not (wanted[row] and is_utf8(data, place, end)):
            row += 1
            continue
        for level in range(len(slots.counts)):
            slots.saved[level] = slots.counts[level]
        result = _row(data, place, end, plan, slots)
        taken[row] = result == TAKEN
        if result == TAKEN:
            slots.counts[0] += 1
        else:
            slots.counts[0] += slots.counts[0] < slots.room[0]  # the row's own slot
            for level in range(len(slots.counts)):
                before, now = slots.saved[level], slots.counts[level]
                if now > before:
                    for member in range(plan.firsts[level], plan.firsts[level + 1]):
                        base = slots.bases[plan.members[member]]
                        for at in range(base + before, base + now):
                            slots.flags[at] = MISSING
                slots.counts[level] = before
            if result >= 0:
                return row, result
        row += 1
    return row, -1
