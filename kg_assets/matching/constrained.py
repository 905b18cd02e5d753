"""Machine code of agglomeration: edges joined best first, sets of records as bits."""

from __future__ import annotations

from typing import Any

import numpy as np

from kg_assets.machine_code import njit

FORBIDDEN, DOUBLED, BRIDGE = 1, 2, 3
"""Why an edge was refused: a cannot-link pair, a duplicate-free source, a weak bridge."""


@njit(cache=True, nogil=True)
def bit_sets(size: int, members: int, left: Any, right: Any, both: bool) -> Any:
    """For each of ``size`` things a set of so many members, as bits of words.

    Args:
        size: How many things there are.
        members: How many members there can be.
        left: The thing of each pair.
        right: The member that it has.
        both: Whether members are things, which have each other.
    """
    sets = np.zeros((size, (members + 63) >> 6), dtype=np.uint64)
    for pair in range(len(left)):
        one, other = left[pair], right[pair]
        sets[one, other >> 6] |= np.uint64(1) << np.uint64(other & 63)
        if both:
            sets[other, one >> 6] |= np.uint64(1) << np.uint64(one & 63)
    return sets


@njit(cache=True, nogil=True)
def _last(one: Any, other: Any) -> int:
    """The largest number in both sets, -1 for none."""
    for word in range(len(one) - 1, -1, -1):
        both = one[word] & other[word]
        if both:
            bit = 63
            while not both >> np.uint64(bit):
                bit -= 1
            return int(word * 64 + bit)
    return -1


@njit(cache=True, nogil=True)
def _common(one: Any, other: Any) -> int:
    """How many numbers are in both sets."""
    count = 0
    for word in range(len(one)):
        both = one[word] & other[word]
        while both:
            both &= both - np.uint64(1)
            count += 1
    return count


@njit(cache=True, nogil=True)
def _between(pairs: Any, inside: Any, following: Any, sizes: Any, one: int, other: int) -> int:
    """How many pairs there are between two clusters."""
    if sizes[one] > sizes[other]:
        one, other = other, one
    count, member = 0, one
    while member >= 0:
        count += _common(pairs[member], inside[other])
        member = following[member]
    return count


@njit(cache=True, nogil=True)
def _root(parent: Any, record: int) -> int:
    while parent[record] != record:
        parent[record] = parent[parent[record]]
        record = parent[record]
    return record


@njit(cache=True, nogil=True)
def joined_best_first(
    left: Any, right: Any, weak: Any, must: int,
    forbidden: Any, once: Any, near: Any, denied: Any, denials: int,
) -> Any:  # fmt: skip
    """Join records along edges, best first, and refuse what breaks a constraint.

    Args:
        left: Left ends of the edges, best edge first.
        right: Right ends of the edges.
        weak: Whether each edge may be a weak bridge.
        must: How many edges at the beginning nothing refuses.
        forbidden: Records that each record cannot be linked with, as `bit_sets`.
        once: Duplicate-free sources of each record, as bits; changed.
        near: Records that each record has an edge to; not asked where no edge is weak.
        denied: Records that each record was denied with; not asked where no edge is weak.
        denials: Denied pairs between two clusters from which a lone weak edge is refused.

    Returns:
        For each record the smallest record of its cluster; for each edge why it was refused, or 0;
        and the records of the cannot-link pair that refused it, the smaller one first.
    """
    size = len(forbidden)
    parent, sizes = np.arange(size), np.ones(size, dtype=np.int64)
    # Members of a cluster: its smallest record, and the one that follows each.
    following, end = np.full(size, -1, dtype=np.int64), np.arange(size)
    inside, against = np.zeros_like(forbidden), forbidden.copy()
    for record in range(size):
        inside[record, record >> 6] = np.uint64(1) << np.uint64(record & 63)
    reasons = np.zeros(len(left), dtype=np.int8)
    because = np.zeros((len(left), 2), dtype=np.int64)
    for edge in range(len(left)):
        one, other = _root(parent, left[edge]), _root(parent, right[edge])
        if one == other:
            continue
        if edge >= must:
            second = _last(against[one], inside[other])
            if second >= 0:
                first = _last(forbidden[second], inside[one])
                reasons[edge] = FORBIDDEN
                because[edge, 0], because[edge, 1] = min(first, second), max(first, second)
                continue
            if _last(once[one], once[other]) >= 0:
                reasons[edge] = DOUBLED
                continue
            if (
                weak[edge]
                and sizes[one] > 1
                and sizes[other] > 1
                and _between(near, inside, following, sizes, one, other) == 1
                and _between(denied, inside, following, sizes, one, other) >= denials
            ):
                reasons[edge] = BRIDGE
                continue
        if other < one:
            one, other = other, one
        parent[other] = one
        sizes[one] += sizes[other]
        following[end[one]], end[one] = other, end[other]
        for word in range(inside.shape[1]):
            inside[one, word] |= inside[other, word]
            against[one, word] |= against[other, word]
        for word in range(once.shape[1]):
            once[one, word] |= once[other, word]
    for record in range(size):
        parent[record] = parent[parent[record]]
    return parent, reasons, because
