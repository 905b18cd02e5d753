"""Comparisons of byte strings and of sorted lists, compiled to machine code, as DuckDB has them."""

from __future__ import annotations

from typing import Any

import numpy as np

from kg_assets.machine_code import njit

_MIX_1, _MIX_2 = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
_0, _1, _2, _4 = np.uint64(0), np.uint64(1), np.uint64(2), np.uint64(4)
_LOW = np.uint64(15)
"""What `kg_assets.matching.telling` calls BITS. Spelled out here, since what numba keeps of this
file depends on no other."""
_33, _ALL = np.uint64(33), np.uint64(2**64 - 1)


@njit(cache=True, nogil=True)
def mixed(value: Any) -> Any:
    """The bits of a number spread over all 64 (the finaliser of MurmurHash3); never 0."""
    value ^= value >> _33
    value *= _MIX_1
    value ^= value >> _33
    value *= _MIX_2
    value ^= value >> _33
    return value if value != _0 else _1


@njit(cache=True, nogil=True)
def common(values: Any, one: Any, one_end: Any, other: Any, other_end: Any, enough: Any) -> Any:
    """How many elements two sorted sets share, counted up to ``enough``."""
    found = 0
    # Without branches: which of two hashes is the smaller no processor can foretell.
    while one < one_end and other < other_end and found < enough:
        left, right = values[one], values[other]
        found += left == right
        one += left <= right
        other += right <= left
    return found


@njit(cache=True, nogil=True)
def told_together(values: Any, one: Any, one_end: Any, other: Any, other_end: Any) -> Any:
    """The sum of the low bits of the elements that two sorted sets share."""
    found = _0
    while one < one_end and other < other_end:
        left, right = values[one], values[other]
        found += (left & _LOW) * np.uint64(left == right)
        one += left <= right
        other += right <= left
    return found


@njit(cache=True, nogil=True)
def slots_of(values: Any) -> Any:
    """A table in which `put_in` finds values by all but their low bits, half of it empty."""
    size = 2
    while size < 2 * len(values):
        size *= 2
    slots = np.zeros(size, dtype=np.uint64)
    for value in values:
        slots[_slot(slots, value)] = value
    return slots


@njit(cache=True, nogil=True)
def put_in(values: Any, slots: Any, unknown: Any) -> Any:
    """Values with other low bits: those of the table, or ``unknown`` where it has none."""
    found, last = np.empty(len(values), dtype=np.uint64), np.uint64(len(slots) - 1)
    # Memory is asked for by a loop of its own: a processor then waits for many at a time.
    for place in range(len(values)):
        found[place] = slots[mixed(values[place] & ~_LOW) & last]
    for place in range(len(values)):
        name = values[place] & ~_LOW
        slot = found[place]
        if slot != _0 and slot & ~_LOW != name:
            slot = slots[_slot(slots, name)]
        found[place] = slot if slot != _0 else name | np.uint64(unknown)
    return found


@njit(cache=True, nogil=True)
def _slot(slots: Any, value: Any) -> Any:
    """Where a value is in a table, or where there is room for it."""
    name, last = value & ~_LOW, np.uint64(len(slots) - 1)
    place = mixed(name) & last
    while slots[place] != _0 and slots[place] & ~_LOW != name:
        place = (place + _1) & last
    return place


@njit(cache=True, nogil=True)
def contains(pool: Any, one: Any, one_end: Any, other: Any, other_end: Any) -> Any:
    """Whether the first text holds the second."""
    size = other_end - other
    for start in range(one, one_end - size + 1):
        place = 0
        while place < size and pool[start + place] == pool[other + place]:
            place += 1
        if place == size:
            return True
    return False


@njit(cache=True, nogil=True)
def starts_with(pool: Any, one: Any, one_end: Any, other: Any, other_end: Any) -> Any:
    """Whether the first text begins with the second."""
    size = other_end - other
    if one_end - one < size:
        return False
    place = 0
    while place < size and pool[one + place] == pool[other + place]:
        place += 1
    return place == size


@njit(cache=True, nogil=True)
def levenshtein(pool: Any, one: Any, one_end: Any, other: Any, other_end: Any) -> Any:
    """Edit distance in bytes."""
    while one < one_end and other < other_end and pool[one] == pool[other]:
        one += 1
        other += 1
    while one < one_end and other < other_end and pool[one_end - 1] == pool[other_end - 1]:
        one_end -= 1
        other_end -= 1
    width = other_end - other
    if one == one_end or width == 0:
        return max(one_end - one, width)
    row = np.arange(width + 1)
    for line in range(one, one_end):
        corner = row[0]
        row[0] += 1
        for place in range(1, width + 1):
            changed = corner + (pool[line] != pool[other + place - 1])
            corner = row[place]
            row[place] = min(changed, row[place] + 1, row[place - 1] + 1)
    return row[width]


@njit(cache=True, nogil=True)
def _fused(one: Any, other: Any, more: Any) -> Any:
    """``one * other + more`` rounded once (Dekker's product, Knuth's sum).

    DuckDB is compiled with fused multiplication and addition, and a similarity of exactly 0.92
    must be that here too.
    """
    product = one * other
    split = 134217729.0 * one
    one_high = split - (split - one)
    split = 134217729.0 * other
    other_high = split - (split - other)
    one_low, other_low = one - one_high, other - other_high
    lost = (
        (one_high * other_high - product) + one_high * other_low + one_low * other_high
    ) + one_low * other_low
    total = product + more
    part = total - product
    return total + (lost + ((product - (total - part)) + (more - part)))


@njit(cache=True, nogil=True)
def _bits(word: Any) -> Any:
    """How many bits are set (Warren, Hacker's Delight, figure 5-2)."""
    word -= (word >> _1) & np.uint64(0x5555555555555555)
    word = (word & np.uint64(0x3333333333333333)) + ((word >> _2) & np.uint64(0x3333333333333333))
    word = (word + (word >> _4)) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.intp((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@njit(cache=True, nogil=True)
def jaro_winkler(
    pool: Any,
    one: Any,
    one_end: Any,
    other: Any,
    other_end: Any,
    one_letters: Any,
    other_letters: Any,
    least: Any,
    places: Any,
    taken: Any,
) -> Any:
    """Jaro-Winkler similarity of two texts by their bytes, to the last bit as DuckDB computes it.

    Args:
        pool: Bytes.
        one: Where the first text begins.
        one_end: Where it ends.
        other: Where the second begins.
        other_end: Where it ends.
        one_letters: 64 bits of which each byte of the first text sets one.
        other_letters: Those of the second.
        least: A similarity that is certainly less may be given as 0.
        places: 256 zeros, which are zeros again afterwards.
        taken: Room for marks, at least as long as both texts together.
    """
    size, other_size = one_end - one, other_end - other
    if size == 0 or other_size == 0:
        return 0.0
    prefix = 0
    while prefix < min(size, other_size, 4) and pool[one + prefix] == pool[other + prefix]:
        prefix += 1
    # A letter that only one has stands there once at least, and matches nothing.
    most = min(
        size - _bits(one_letters & ~other_letters),
        other_size - _bits(other_letters & ~one_letters),
    )
    best = (most / size + most / other_size + 1.0) / 3.0
    if best + prefix * 0.1 * (1.0 - best) < least - 1e-9:
        return 0.0
    reach = max(max(size, other_size) // 2 - 1, 0)
    if size <= 64 and other_size <= 64:
        matched, turned = _matched_short(pool, one, size, other, other_size, reach, places)
    else:
        matched, turned = _matched_long(pool, one, size, other, other_size, reach, taken)
    if matched == 0:
        return 0.0
    found = 0.0
    found += matched / size
    found += matched / other_size
    found += (matched - turned // 2) / matched
    found /= 3.0
    if found > 0.7:
        found = _fused(prefix * 0.1, 1.0 - found, found)
    return found


@njit(cache=True, nogil=True)
def _matched_short(
    pool: Any, one: Any, size: Any, other: Any, other_size: Any, reach: Any, places: Any
) -> Any:
    """Letters that match, and how many of them are turned; both texts have up to 64 bytes."""
    for place in range(size):
        places[pool[one + place]] |= _1 << np.uint64(place)
    used, matching, matched = _0, _0, 0
    for place in range(other_size):
        low, high = max(0, place - reach), min(63, place + reach)
        window = (_ALL >> np.uint64(63 - high)) & (_ALL << np.uint64(low))
        free = places[pool[other + place]] & window & ~used
        if free != _0:
            used |= free & (~free + _1)
            matching |= _1 << np.uint64(place)
            matched += 1
    for place in range(size):
        places[pool[one + place]] = _0
    turned = 0
    for place in range(other_size):
        if matching & (_1 << np.uint64(place)):
            first = _bits((used & (~used + _1)) - _1)
            turned += pool[one + first] != pool[other + place]
            used &= used - _1
    return matched, turned


@njit(cache=True, nogil=True)
def _matched_long(
    pool: Any, one: Any, size: Any, other: Any, other_size: Any, reach: Any, taken: Any
) -> Any:
    """The same of texts of any length."""
    for place in range(size + other_size):
        taken[place] = False
    matched = 0
    for place in range(other_size):
        letter = pool[other + place]
        for spot in range(max(0, place - reach), min(size, place + reach + 1)):
            if not taken[spot] and pool[one + spot] == letter:
                taken[spot] = True
                taken[size + place] = True
                matched += 1
                break
    turned, spot = 0, 0
    for place in range(other_size):
        if taken[size + place]:
            while not taken[spot]:
                spot += 1
            turned += pool[one + spot] != pool[other + place]
            spot += 1
    return matched, turned
