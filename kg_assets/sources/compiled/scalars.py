"""Reading numbers, days, truths and texts of JSON where they are of the usual form; compiled.

To be imported where something is compiled, since numba is imported with it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kg_assets.sources.compiled.compiling import inlined, part
from kg_assets.sources.compiled.table import DAY, LENGTH_SHIFT, REAL, ROUGH, TEXT, VALID, WHOLE
from kg_assets.sources.compiled.tokens import (
    MINUS,
    NINE,
    POINT,
    QUOTE,
    ZERO,
    number_end,
    text_end,
    text_stop,
    word_end,
)
from kg_assets.sources.compiled.words import byte_at, number_at, put_byte, put_number

_T = b"t"[0]
_MOST_DIGITS = 18
_EXACT = 1 << 53
_POWERS = 10.0 ** np.arange(23)  # each is exact
_MONTHS = np.array([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
_DAY_LETTERS = 10
_FIRST_YEAR = 1000


@inlined
def _real(data: Any, place: Any, end: Any) -> Any:
    """The number that lies here, and whether it is exactly what is written."""
    negative = byte_at(data, place) == MINUS
    if negative:
        place += 1
    mantissa: Any = 0
    digits = 0
    scale = 0
    after_point = False
    while place < end:
        code = byte_at(data, place)
        if code == POINT:
            after_point = True
        elif ZERO <= code <= NINE:
            mantissa = mantissa * 10 + np.int64(code - ZERO)
            digits += 1
            if after_point:
                scale += 1
            if digits > _MOST_DIGITS:
                return 0.0, False
        else:
            return 0.0, False  # an exponent
        place += 1
    if mantissa > _EXACT or scale >= len(_POWERS):
        return 0.0, False
    # Both are exact, so their quotient is the nearest number there is (Clinger 1990).
    value = np.float64(mantissa) / _POWERS[scale]
    return (-value if negative else value), True


@inlined
def _whole(data: Any, place: Any, end: Any) -> Any:
    """The whole number that starts here, and the place after it or -1."""
    negative = byte_at(data, place) == MINUS
    if negative:
        place += 1
    start = place
    number: Any = 0
    while place < end and ZERO <= byte_at(data, place) <= NINE:
        number = number * 10 + np.int64(byte_at(data, place) - ZERO)
        place += 1
        if place - start > _MOST_DIGITS:
            return 0, -1
    if place == start or (byte_at(data, start) == ZERO and (place - start > 1 or negative)):
        return 0, -1
    return (-number if negative else number), place


@part
def _digits(data: Any, place: Any, count: Any) -> Any:
    number: Any = 0
    for digit in range(place, place + count):
        code = np.int64(byte_at(data, digit))
        if not ZERO <= code <= NINE:
            return -1
        number = number * 10 + code - ZERO
    return number


@part
def _day(data: Any, place: Any) -> Any:
    """Days since 1970 of a day that is written as YYYY-MM-DD, and whether it is one."""
    year, month = _digits(data, place, 4), _digits(data, place + 5, 2)
    day = _digits(data, place + 8, 2)
    if byte_at(data, place + 4) != MINUS or byte_at(data, place + 7) != MINUS:
        return 0, False
    if year < _FIRST_YEAR or not 1 <= month <= 12 or not 1 <= day <= _MONTHS[month]:
        return 0, False
    if month == 2 and day == 29 and (year % 4 != 0 or (year % 100 == 0 and year % 400 != 0)):
        return 0, False
    # Days of the civil calendar, by Howard Hinnant (chrono-compatible date algorithms).
    if month <= 2:
        year -= 1
    era = year // 400
    of_era = year - era * 400
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468, True


@inlined
def scalar(data: Any, place: Any, end: Any, column: Any, at: Any, plan: Any, slots: Any) -> Any:
    """Reads a value that is no list and no object; the place after it, or -1."""
    kind = number_at(plan.kinds, column)
    code = byte_at(data, place)
    if kind in (TEXT, DAY):
        if code != QUOTE:
            return -1
        start = place + 1
        stop = text_stop(data, start, end)
        if stop >= end:
            return -1
        flag = VALID
        if byte_at(data, stop) != QUOTE:
            stop = text_end(data, start, end)
            if stop < 0:
                return -1
            flag = ROUGH
        if kind == TEXT:
            put_number(slots.words, at, start | (stop - start) << LENGTH_SHIFT)
            put_number(slots.bytes, column, number_at(slots.bytes, column) + stop - start)
        else:
            if flag == ROUGH or stop - start != _DAY_LETTERS:
                return -1
            day, is_day = _day(data, start)
            if not is_day:
                return -1
            put_number(slots.words, at, day)
        put_byte(slots.flags, at, flag)
        return stop + 1
    if kind == WHOLE:
        if code != MINUS and not ZERO <= code <= NINE:
            return -1
        number, place = _whole(data, place, end)
        if number < number_at(plan.least, column) or number > number_at(plan.most, column):
            return -1
        put_number(slots.words, at, number)
        put_byte(slots.flags, at, VALID)
        return place
    if kind == REAL:
        if code != MINUS and not ZERO <= code <= NINE:
            return -1
        stop = number_end(data, place, end)
        if stop < 0:
            return -1
        value, is_exact = _real(data, place, stop)
        if is_exact:
            put_number(slots.reals, at, value)
            put_byte(slots.flags, at, VALID)
        else:
            put_number(slots.words, at, place | (stop - place) << LENGTH_SHIFT)
            put_byte(slots.flags, at, ROUGH)
            put_number(slots.bytes, column, number_at(slots.bytes, column) + stop - place)
        return stop
    # Truth; null has been looked for.
    stop = word_end(data, place, end)
    put_number(slots.words, at, 1 if code == _T else 0)
    put_byte(slots.flags, at, VALID)
    return stop
