"""Machine code of clustering: records that edges join, and things put together by their numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from kg_assets.machine_code import njit


@njit(cache=True, nogil=True)
def joined(size: int, left: Any, right: Any) -> Any:
    """The smallest record that each of ``size`` records is joined with, itself at least; int64."""
    parent = np.arange(size)
    for edge in range(len(left)):
        one, other = left[edge], right[edge]
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        while parent[other] != other:
            parent[other] = parent[parent[other]]
            other = parent[other]
        if one < other:
            parent[other] = one
        else:
            parent[one] = other
    # A parent is never larger, so that of each is known before it is asked for.
    for record in range(size):
        parent[record] = parent[parent[record]]
    return parent


@njit(cache=True, nogil=True)
def numbered(labels: Any) -> Any:
    """Numbers for labels below their count, from 0 in the order in which they first occur.

    Returns:
        The number of each label, int64, and how many there are.
    """
    numbers, found = np.empty(len(labels), dtype=np.int64), 0
    given = np.full(len(labels), -1, dtype=np.int64)
    for place in range(len(labels)):
        label = labels[place]
        if given[label] < 0:
            given[label] = found
            found += 1
        numbers[place] = given[label]
    return numbers, found


@njit(cache=True, nogil=True)
def counted(groups: Any, start: Any) -> None:
    """Count each group in the place after its own; ``start`` is changed."""
    for group in groups:
        start[group + 1] += 1


@njit(cache=True, nogil=True)
def grouped(groups: Any, count: int) -> Any:
    """Put places of one group together, in their order.

    Args:
        groups: The group of each place, from 0.
        count: How many groups there are.

    Returns:
        The places by group, and where each group starts in them, with the end of the last; int64.
    """
    start = np.zeros(count + 1, dtype=np.int64)
    counted(groups, start)
    for group in range(count):
        start[group + 1] += start[group]
    order, filled = np.empty(len(groups), dtype=np.int64), start[:-1].copy()
    for place in range(len(groups)):
        group = groups[place]
        order[filled[group]] = place
        filled[group] += 1
    return order, start


@njit(cache=True, nogil=True)
def again(start: Any, others: Any) -> int:
    """How many of the values in each group were in it before; ``others`` is sorted group by group.

    Args:
        start: Where each group starts in ``others``, with the end of the last.
        others: Values by group.
    """
    count = 0
    for group in range(len(start) - 1):
        inside = others[start[group] : start[group + 1]]
        for place in range(1, len(inside)):
            if inside[place] <= inside[place - 1]:
                inside.sort()
                break
        for place in range(1, len(inside)):
            count += inside[place] == inside[place - 1]
    return count


@njit(cache=True, nogil=True)
def scattered(groups: Any, values: Any, filled: Any, others: Any) -> None:
    """Put each value to the others of its group.

    Args:
        groups: The group of each value.
        values: The values.
        filled: Where the next value of each group is put; moved on.
        others: Values by group; changed.
    """
    for place in range(len(groups)):
        others[filled[groups[place]]] = values[place]
        filled[groups[place]] += 1
