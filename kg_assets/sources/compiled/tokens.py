"""Finding where a JSON value ends, of forms that every reader of JSON takes; compiled.

To be imported where something is compiled, since numba is imported with it. What is not surely
well-formed has no end here (-1): numbers of unusual length, half characters, deep nesting.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kg_assets.sources.compiled.compiling import inlined, part
from kg_assets.sources.compiled.words import BLOCK, byte_at, ends_in_block, word_at

QUOTE, BACKSLASH, COLON, COMMA, MINUS, PLUS, POINT, ZERO, NINE = b'"\\:,-+.09'
OPEN, CLOSE, OPEN_LIST, CLOSE_LIST = b"{}[]"
SPACE, TAB, FEED, RETURN = b" \t\n\r"
_B, _F, _N, _R, _T, _U, _E, _UPPER_E, _SLASH, _UPPER_A, _UPPER_F = b"bfnrtueE/AF"
_NULL, _TRUE, _FALS = np.frombuffer(b"nulltruefals", "<u4").astype(np.uint64)
_LAST_E = b"e"[0]
_WORD_BYTES = 8
_BITS = np.uint64(8)
_LOWER = 0x20
_DEEPEST = 60
_MOST_DIGITS = 40
_MOST_EXPONENT_DIGITS = 2
_HALF, _SECOND_HALF, _AFTER_HALVES = 0xD800, 0xDC00, 0xE000
_1 = np.uint64(1)


@inlined
def few_bytes(data: Any, place: Any, length: Any) -> Any:
    """Up to 8 bytes as a number, the first the lowest."""
    if place + _WORD_BYTES <= len(data):
        word = word_at(data, place)
        if length < _WORD_BYTES:
            word &= (np.uint64(1) << (np.uint64(length) * _BITS)) - np.uint64(1)
        return word
    word = np.uint64(0)
    for byte in range(min(length, _WORD_BYTES)):
        word |= np.uint64(data[place + byte]) << (np.uint64(byte) * _BITS)
    return word


@inlined
def after_blanks(data: Any, place: Any, end: Any) -> Any:
    """The first place from here that holds no white space, or the end."""
    while place < end:
        code = byte_at(data, place)
        if code > SPACE:
            break
        if code not in (SPACE, FEED, RETURN, TAB):
            break
        place += 1
    return place


@inlined
def text_stop(data: Any, place: Any, end: Any) -> Any:
    """The first quote, backslash or control byte from here, or the end."""
    whole = len(data) - BLOCK
    while place <= whole:
        found = ends_in_block(data, place)
        place += found
        if found < BLOCK:
            return min(place, end)
        if place >= end:
            return end
    while place < end:
        code = byte_at(data, place)
        if code in (QUOTE, BACKSLASH) or code < SPACE:
            break
        place += 1
    return place


@part
def escaped_code(data: Any, place: Any, end: Any) -> Any:
    """The number that four hexadecimal digits write, or -1."""
    if place + 4 > end:
        return -1
    number: Any = 0
    for digit in range(place, place + 4):
        code = np.int64(byte_at(data, digit))
        if ZERO <= code <= NINE:
            code -= ZERO
        else:
            code &= ~_LOWER
            if not _UPPER_A <= code <= _UPPER_F:
                return -1
            code -= _UPPER_A - 10
        number = number * 16 + code
    return number


@part
def text_end(data: Any, place: Any, end: Any) -> Any:
    """The closing quote of the text that starts here, or -1."""
    while True:
        place = text_stop(data, place, end)
        if place >= end:
            return -1
        if byte_at(data, place) == QUOTE:
            return place
        if byte_at(data, place) != BACKSLASH or place + 1 >= end:
            return -1
        code = byte_at(data, place + 1)
        place += 2
        if code in (QUOTE, BACKSLASH, _SLASH, _N, _T, _R, _B, _F):
            continue
        if code != _U:
            return -1
        number = escaped_code(data, place, end)
        place += 4
        if number <= 0:
            return -1
        if _HALF <= number < _AFTER_HALVES:
            if number >= _SECOND_HALF or place + 2 > end:
                return -1
            if byte_at(data, place) != BACKSLASH or byte_at(data, place + 1) != _U:
                return -1
            if not _SECOND_HALF <= escaped_code(data, place + 2, end) < _AFTER_HALVES:
                return -1
            place += 6


@inlined
def _after_quote(data: Any, place: Any, end: Any) -> Any:
    """The place after the text of which this is the first byte, or 0 or less."""
    stop = text_stop(data, place, end)
    if stop < end and byte_at(data, stop) == QUOTE:
        return stop + 1
    return text_end(data, stop, end) + 1


@part
def number_end(data: Any, place: Any, end: Any) -> Any:
    """The place after the number that starts here, or -1."""
    start = place
    if place < end and byte_at(data, place) == MINUS:
        place += 1
    if place >= end or not ZERO <= byte_at(data, place) <= NINE:
        return -1
    if byte_at(data, place) == ZERO:
        place += 1
    else:
        while place < end and ZERO <= byte_at(data, place) <= NINE:
            place += 1
    if place < end and byte_at(data, place) == POINT:
        place += 1
        digits = place
        while place < end and ZERO <= byte_at(data, place) <= NINE:
            place += 1
        if place == digits:
            return -1
    if place - start > _MOST_DIGITS:
        return -1
    if place < end and byte_at(data, place) in (_E, _UPPER_E):
        place += 1
        if place < end and byte_at(data, place) in (PLUS, MINUS):
            place += 1
        digits = place
        while place < end and ZERO <= byte_at(data, place) <= NINE:
            place += 1
        if not 0 < place - digits <= _MOST_EXPONENT_DIGITS:
            return -1
    return place


@part
def word_end(data: Any, place: Any, end: Any) -> Any:
    """The place after the null, true or false that starts here, or -1."""
    if place + 4 > end:
        return -1
    word = few_bytes(data, place, 4)
    if word in (_NULL, _TRUE):
        return place + 4
    if word == _FALS and place + 5 <= end and byte_at(data, place + 4) == _LAST_E:
        return place + 5
    return -1


@part
def value_end(data: Any, place: Any, end: Any) -> Any:
    """The place after the value that starts here, whatever it is, or -1."""
    depth = 0
    objects = np.uint64(0)  # a bit for each level, the lowest the innermost: whether an object
    while True:
        # A value, or what closes an object or a list that is empty.
        if place >= end:
            return -1
        code = byte_at(data, place)
        is_name = False
        if code == QUOTE:
            place = _after_quote(data, place + 1, end)
            if place <= 0:
                return -1
        elif code in (OPEN, OPEN_LIST):
            if depth == _DEEPEST:
                return -1
            is_object = code == OPEN
            place = after_blanks(data, place + 1, end)
            if place >= end:
                return -1
            if byte_at(data, place) == (CLOSE if is_object else CLOSE_LIST):
                place += 1
            else:
                depth += 1
                objects = (objects << _1) | (_1 if is_object else np.uint64(0))
                if not is_object:
                    continue
                is_name = True
        elif code == MINUS or ZERO <= code <= NINE:
            place = number_end(data, place, end)
        else:
            place = word_end(data, place, end)
        if place < 0:
            return -1
        # What comes after it.
        while not is_name:
            if depth == 0:
                return place
            place = after_blanks(data, place, end)
            if place >= end:
                return -1
            code = byte_at(data, place)
            place += 1
            if code == COMMA:
                place = after_blanks(data, place, end)
                is_name = (objects & _1) == _1
                break
            if code != (CLOSE if (objects & _1) == _1 else CLOSE_LIST):
                return -1
            depth -= 1
            objects >>= _1
        if is_name:
            if place >= end or byte_at(data, place) != QUOTE:
                return -1
            place = _after_quote(data, place + 1, end)
            if place <= 0:
                return -1
            place = after_blanks(data, place, end)
            if place >= end or byte_at(data, place) != COLON:
                return -1
            place = after_blanks(data, place + 1, end)
