"""What the machine code of a model calls: comparisons of lists and texts that take a loop.

Lists and texts are given as words that say where they begin and how long they are, arrays as
addresses. To be imported where something is compiled, since numba is imported with it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kg_assets.machine_code import cfunc, njit
from kg_assets.matching.scorers import texts
from kg_assets.matching.scorers.instructions import NO_SPAN, SIZE_BITS

_SHIFT, _SIZE = np.uint64(SIZE_BITS), np.uint64(2**SIZE_BITS - 1)
_WORDS, _BYTES = "CPointer(uint64)", "CPointer(uint8)"


@njit(cache=True)
def _span(word: Any) -> Any:
    """Where something begins and ends."""
    begin = np.intp(word >> _SHIFT)
    return begin, begin + np.intp(word & _SIZE)


@cfunc(f"float64({_WORDS}, uint64, uint64, int64)", cache=True)
def shared(elements: Any, one: Any, other: Any, enough: Any) -> Any:
    """How many elements two sorted sets share, counted up to ``enough``."""
    x, x_end = _span(one)
    y, y_end = _span(other)
    return texts.common(elements, x, x_end, y, y_end, enough)


@cfunc(f"float64({_WORDS}, uint64, uint64)", cache=True)
def telling(elements: Any, one: Any, other: Any) -> Any:
    """The sum of the low bits of the elements that two sorted sets share."""
    x, x_end = _span(one)
    y, y_end = _span(other)
    return texts.told_together(elements, x, x_end, y, y_end)


@cfunc(f"int64({_BYTES}, uint64, uint64)", cache=True)
def contains(pool: Any, one: Any, other: Any) -> Any:
    """Whether the first text holds the second."""
    x, x_end = _span(one)
    y, y_end = _span(other)
    found = texts.contains(pool, x, x_end, y, y_end)
    return np.int64(found)


@cfunc(f"int64({_BYTES}, uint64, uint64)", cache=True)
def starts_with(pool: Any, one: Any, other: Any) -> Any:
    """Whether the first text begins with the second."""
    x, x_end = _span(one)
    y, y_end = _span(other)
    return np.int64(texts.starts_with(pool, x, x_end, y, y_end))


@cfunc(f"float64({_BYTES}, uint64, uint64)", cache=True)
def levenshtein(pool: Any, one: Any, other: Any) -> Any:
    """Edit distance in bytes."""
    x, x_end = _span(one)
    y, y_end = _span(other)
    return texts.levenshtein(pool, x, x_end, y, y_end)


@cfunc(
    f"float64({_BYTES}, uint64, uint64, uint64, uint64, float64, {_WORDS}, {_BYTES})", cache=True
)
def jaro_winkler(
    pool: Any, one: Any, other: Any, one_letters: Any, other_letters: Any, least: Any,
    places: Any, taken: Any,
) -> Any:  # fmt: skip
    """`texts.jaro_winkler` of two texts."""
    x, x_end = _span(one)
    y, y_end = _span(other)
    return texts.jaro_winkler(
        pool, x, x_end, y, y_end,
        one_letters, other_letters, least, places, taken,
    )  # fmt: skip


@cfunc(f"float64({_WORDS}, {_BYTES}, uint64, uint64, float64, {_WORDS}, {_BYTES})", cache=True)
def best_similarity(
    bounds: Any, pool: Any, one: Any, other: Any, least: Any, places: Any, taken: Any
) -> Any:
    """`best_similarity` of `kg_assets.matching.normalise`: the best of two lists of texts.

    A list is a span of ``bounds``, where each text has its letters and its own span.
    """
    best = 0.0
    if one == NO_SPAN or other == NO_SPAN:
        return best
    one_begin, one_end = _span(one)
    other_begin, other_end = _span(other)
    for a in range(one_begin, one_end):
        if bounds[2 * a + 1] == NO_SPAN:
            continue
        x, x_end = _span(bounds[2 * a + 1])
        for b in range(other_begin, other_end):
            if bounds[2 * b + 1] != NO_SPAN:
                y, y_end = _span(bounds[2 * b + 1])
                found = texts.jaro_winkler(
                    pool, x, x_end, y, y_end,
                    bounds[2 * a], bounds[2 * b], max(least, best), places, taken,
                )  # fmt: skip
                best = max(best, found)
    return best


ROUTINES = (shared, telling, contains, starts_with, levenshtein, jaro_winkler, best_similarity)
"""Those that `translator` calls, by their names."""
