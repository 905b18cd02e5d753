"""The machine that runs a compiled model: numbers of records in, weights, levels and vetoes out.

A program is a table of `kg_assets.matching.scorers.instructions`. It runs once for each pair and
ends as soon as the greatest weight that the pair can still reach is under the limit.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from kg_assets.matching.machine_code import njit
from kg_assets.matching.scorers.instructions import (
    ABSOLUTE,
    ADD,
    AT_LEAST,
    BEST,
    BOTH_NULL_OR_SAME,
    CONTAINS,
    COPY,
    DISTANCE,
    DIVIDE,
    EDITS,
    EQUAL,
    GREATEST,
    HOLDS,
    IS_NULL,
    JARO_WINKLER,
    JUMP,
    LAST_OF_NUMBERS,
    LAST_OF_TEXTS,
    LEAST,
    LEFT,
    LEVEL,
    MORE,
    MULTIPLY,
    NO_LEVEL_BEFORE,
    NO_SPAN,
    NULL,
    OPEN,
    OVERLAP,
    REGISTER,
    RIGHT,
    SAME,
    SHARED,
    SIZE_BITS,
    STARTS_WITH,
    SUBTRACT,
    UNKNOWN,
    VETO,
)  # fmt: skip
from kg_assets.matching.scorers.texts import (
    common,
    contains,
    jaro_winkler,
    levenshtein,
    starts_with,
)

_SHIFT, _SIZE = np.uint64(SIZE_BITS), np.uint64(2**SIZE_BITS - 1)
_ONE = np.uintp(1)


class Columns(NamedTuple):
    """What is known of the records; see `kg_assets.matching.scorers.columns.RecordColumns`.

    Attributes:
        rows: Words of 64 bits, a row for each record; (records, words).
        numbers: The same memory as DOUBLE.
        elements: Sorted elements of all lists.
        bounds: Letters and place in ``pool`` of each text of the lists of texts; (texts, 2).
        pool: Bytes of all texts.
        longest: Bytes of the longest text.
    """

    rows: Any
    numbers: Any
    elements: Any
    bounds: Any
    pool: Any
    longest: int


class Levels(NamedTuple):
    """The levels of all comparisons, those of each comparison together and in order.

    Attributes:
        value: Its number; -1 for a missing value.
        weight: Match weight in bits.
        frequency: Column of ``numbers`` with log2 of the term frequency, -1 for none.
        base: log2 of the u probability that the frequency replaces.
        share: Share of the adjustment that counts.
        floor: log2 of the smallest frequency.
        rest: Greatest weight without an adjustment from this level on, within its comparison.
        moving: Whether a level from this one on has an adjustment, within its comparison.
        first: First level of each comparison, and the end of the last; (comparisons + 1).
    """

    value: Any
    weight: Any
    frequency: Any
    base: Any
    share: Any
    floor: Any
    rest: Any
    moving: Any
    first: Any


class Program(NamedTuple):
    """A compiled model.

    Attributes:
        code: Instructions; (instructions, `WIDTH`).
        constants: Numbers that instructions name.
        levels: The levels.
        registers: How many numbers an instruction can keep.
        prior: Match weight before anything is compared, in bits.
    """

    code: Any
    constants: Any
    levels: Levels
    registers: int
    prior: float


# Numba counts references where it takes an array out of a tuple: arrays are taken out once, before
# the loop, and handed on one by one.
@njit(cache=True, nogil=True)
def _adjusted(weight: Any, base: Any, share: Any, floor: Any, frequency: Any, other: Any) -> Any:
    """Weight of a level with its term-frequency adjustment, as Splink 5 computes it."""
    larger = other if np.isnan(frequency) or other > frequency else frequency
    if np.isnan(larger):
        return weight
    return weight + share * (base - max(larger, floor))


@njit(cache=True, nogil=True)
def _span(word: Any) -> Any:
    """Where something begins and ends."""
    begin = np.intp(word >> _SHIFT)
    return begin, begin + np.intp(word & _SIZE)


@njit(cache=True, nogil=True)
def _best_similarity(
    bounds: Any, pool: Any, one: Any, other: Any, least: Any, places: Any, taken: Any
) -> Any:
    """`best_similarity` of `kg_assets.matching.normalise`."""
    best = 0.0
    if one == NO_SPAN or other == NO_SPAN:
        return best
    one_begin, one_end = _span(one)
    other_begin, other_end = _span(other)
    for a in range(one_begin, one_end):
        if bounds[a, 1] == NO_SPAN:
            continue
        x, x_end = _span(bounds[a, 1])
        for b in range(other_begin, other_end):
            if bounds[b, 1] != NO_SPAN:
                y, y_end = _span(bounds[b, 1])
                found = jaro_winkler(
                    pool, x, x_end, y, y_end, bounds[a, 0], bounds[b, 0], max(least, best),
                    places, taken,
                )  # fmt: skip
                best = max(best, found)
    return best


@njit(cache=True, nogil=True)
def _shared(elements: Any, one: Any, other: Any, enough: Any) -> Any:
    """How many elements two lists share, counted up to ``enough``."""
    x, x_end = _span(one)
    y, y_end = _span(other)
    return common(elements, x, x_end, y, y_end, enough)


@njit(cache=True, nogil=True)
def run(
    program: Any,
    columns: Any,
    lefts: Any,
    rights: Any,
    limit: Any,
    weights: Any,
    reached: Any,
    vetoes: Any,
) -> None:
    """Score pairs.

    Args:
        program: The compiled model.
        columns: What is known of the records.
        lefts: Number of each pair's left record.
        rights: Number of each pair's right record.
        limit: Weight in bits; a pair that cannot reach it is not looked at further.
        weights: Is given the match weights in bits, NaN for pairs that cannot reach the limit.
        reached: Is given the level of each comparison; (pairs, comparisons).
        vetoes: Is given the number of the veto of each pair, -1 for none.
    """
    code, constants, levels, registers, prior = program
    level_value, level_weight, frequency, base, share, floor, rest, moving, first = levels
    rows, numbers, elements, bounds, pool, longest = columns
    comparisons = len(first) - 1
    register = np.zeros(registers)
    stamp = np.full(registers, -1)
    best = np.zeros(comparisons)
    taken = np.zeros(2 * longest, dtype=np.bool_)
    places = np.zeros(256, dtype=np.uint64)
    adjusted = np.zeros(len(level_weight))
    steps = len(code)
    # A sum of another order may differ in its last bits from the weight that is told.
    enough = limit - 1e-9
    fixed, changing = prior, 0
    for comparison in range(comparisons):
        fixed += rest[first[comparison]]
        changing += moving[first[comparison]]
    for pair in range(len(lefts)):
        # An index without a sign needs no test for being negative.
        left, right = np.uintp(lefts[pair]), np.uintp(rights[pair])
        bound = fixed
        for comparison in range(comparisons):
            best[comparison] = rest[first[comparison]]
            reached[pair, comparison] = UNKNOWN
            if changing and moving[first[comparison]]:
                found = best[comparison]
                for level in range(first[comparison], first[comparison + 1]):
                    column = frequency[level]
                    if column >= 0:
                        adjusted[level] = _adjusted(
                            level_weight[level], base[level], share[level], floor[level],
                            numbers[left, column], numbers[right, column],
                        )  # fmt: skip
                        found = max(found, adjusted[level])
                bound += found - best[comparison]
                best[comparison] = found
        vetoes[pair] = -1
        step = 0
        while step < steps and bound >= enough:
            operation, target = code[step, 0], code[step, 1]
            one_kind, other_kind = code[step, 2], code[step, 4]
            a, b = np.uintp(code[step, 3]), np.uintp(code[step, 5])
            # Tests give 1, 0, or 2 for NULL.
            answer = -1
            if operation <= LAST_OF_NUMBERS:
                if one_kind == LEFT:
                    p = numbers[left, a]
                elif one_kind == RIGHT:
                    p = numbers[right, a]
                elif one_kind == REGISTER:
                    p = register[a]
                else:
                    p = constants[a]
                if other_kind == LEFT:
                    q = numbers[left, b]
                elif other_kind == RIGHT:
                    q = numbers[right, b]
                elif other_kind == REGISTER:
                    q = register[b]
                else:
                    q = constants[b]
                if operation == HOLDS:
                    answer = NULL if np.isnan(p) else int(p != 0)
                elif operation == IS_NULL:
                    answer = int(np.isnan(p))
                elif operation == EQUAL:
                    answer = NULL if np.isnan(p) or np.isnan(q) else int(p == q)
                elif operation == MORE:
                    answer = NULL if np.isnan(p) or np.isnan(q) else int(p > q)
                elif operation == AT_LEAST:
                    answer = NULL if np.isnan(p) or np.isnan(q) else int(p >= q)
                elif operation == DISTANCE:
                    register[target] = abs(p - q)
                elif operation == ADD:
                    register[target] = p + q
                elif operation == SUBTRACT:
                    register[target] = p - q
                elif operation == MULTIPLY:
                    register[target] = p * q
                elif operation == DIVIDE:
                    # Numba raises where it divides by zero; DuckDB's NaN is above all numbers.
                    register[target] = p / q if q != 0 else (np.inf if p >= 0 else -np.inf)
                elif operation == GREATEST:
                    register[target] = q if np.isnan(p) or q > p else p
                elif operation == LEAST:
                    register[target] = q if np.isnan(p) or q < p else p
                elif operation == ABSOLUTE:
                    register[target] = abs(p)
                elif operation == COPY:
                    register[target] = p
                if answer >= 0 and answer != code[step, 7]:
                    step = code[step, 6]
                else:
                    step += 1
                continue
            one = left if one_kind == LEFT else right
            other = left if other_kind == LEFT else right
            if operation == SAME:
                x, y = rows[one, a], rows[other, b]
                answer = NULL if x == 0 or y == 0 else int(x == y)
            elif operation == BOTH_NULL_OR_SAME:
                answer = int(rows[one, a] == rows[other, b])
            elif operation == OVERLAP:
                x, y = rows[one, a + _ONE], rows[other, b + _ONE]
                if x == NO_SPAN or y == NO_SPAN:
                    answer = NULL
                elif rows[one, a] & rows[other, b] == 0:
                    answer = 0
                else:
                    if stamp[target] != pair:
                        stamp[target] = pair
                        register[target] = _shared(elements, x, y, 1)
                    answer = int(register[target])
            elif operation == SHARED:
                if stamp[target] != pair:
                    stamp[target] = pair
                    x, y = rows[one, a + _ONE], rows[other, b + _ONE]
                    # DuckDB finds nothing in common with no list, and knows nothing of no list.
                    if x == NO_SPAN:
                        register[target] = np.nan
                    elif y == NO_SPAN or rows[one, a] & rows[other, b] == 0:
                        register[target] = 0.0
                    else:
                        register[target] = _shared(elements, x, y, len(elements))
            elif operation == BEST:
                if stamp[target] != pair:
                    stamp[target] = pair
                    register[target] = _best_similarity(
                        bounds, pool, rows[one, a], rows[other, b], constants[code[step, 6]],
                        places, taken,
                    )  # fmt: skip
            elif operation <= LAST_OF_TEXTS:
                x, y = rows[one, a + _ONE], rows[other, b + _ONE]
                if x == NO_SPAN or y == NO_SPAN:
                    if operation <= EDITS:
                        register[target] = np.nan
                    else:
                        answer = NULL
                else:
                    begin, end = _span(x)
                    other_begin, other_end = _span(y)
                    if operation == CONTAINS:
                        answer = int(contains(pool, begin, end, other_begin, other_end))
                    elif operation == STARTS_WITH:
                        answer = int(starts_with(pool, begin, end, other_begin, other_end))
                    elif stamp[target] != pair:
                        stamp[target] = pair
                        if operation == JARO_WINKLER:
                            register[target] = jaro_winkler(
                                pool, begin, end, other_begin, other_end, rows[one, a],
                                rows[other, b], constants[code[step, 6]], places, taken,
                            )  # fmt: skip
                        else:
                            register[target] = levenshtein(pool, begin, end, other_begin, other_end)
            elif operation == OPEN:
                answer = int(reached[pair, b] == UNKNOWN)
            elif operation == NO_LEVEL_BEFORE:
                found = rest[a]
                if moving[a]:
                    for level in range(np.intp(a), first[np.intp(b) + 1]):
                        if frequency[level] >= 0:
                            found = max(found, adjusted[level])
                bound += found - best[b]
                best[b] = found
            elif operation == LEVEL:
                found = adjusted[a] if frequency[a] >= 0 else level_weight[a]
                bound += found - best[b]
                best[b] = found
                reached[pair, b] = level_value[a]
                step = code[step, 6]
                continue
            elif operation == VETO:
                vetoes[pair] = a
                break
            elif operation == JUMP:
                step = code[step, 6]
                continue
            step = code[step, 6] if answer >= 0 and answer != code[step, 7] else step + 1
        if bound < enough:
            weights[pair] = np.nan
            for comparison in range(comparisons):
                reached[pair, comparison] = UNKNOWN
            continue
        # Added up in one order, whatever the order of the comparisons in the program.
        total = prior
        for comparison in range(comparisons):
            total += best[comparison]
        weights[pair] = total
