"""Components of accepted edges as arrays: pairs, cannot-link pairs, layout, division."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from kg_assets.matching.agglomeration import divide

Ints: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
Numbers: TypeAlias = np.ndarray[Any, np.dtype[np.int32]]
Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Mask: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]


MUST_LINK = float("inf")
"""Match weight of an edge that a person made: above every score."""


@dataclass(frozen=True)
class Pairs:
    """Pairs of record numbers (left < right), as parallel arrays."""

    left: Ints
    right: Ints
    weight: Floats
    probability: Floats

    @classmethod
    def none(cls) -> Pairs:
        """No pairs."""
        ends, values = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float64)
        return cls(ends, ends, values, values)

    def take(self, which: Ints | Mask) -> Pairs:
        """The pairs at these positions, or where the mask holds."""
        return Pairs(
            self.left[which], self.right[which], self.weight[which], self.probability[which]
        )

    def then(self, others: Pairs) -> Pairs:
        """These pairs, and after them the others."""
        return Pairs(
            np.concatenate([self.left, others.left]),
            np.concatenate([self.right, others.right]),
            np.concatenate([self.weight, others.weight]),
            np.concatenate([self.probability, others.probability]),
        )


@dataclass(frozen=True)
class Ends:
    """Pairs of record numbers (left <= right) of which nothing else is known."""

    left: Numbers
    right: Numbers

    @classmethod
    def none(cls) -> Ends:
        """No pairs."""
        ends = np.zeros(0, dtype=np.int32)
        return cls(ends, ends)

    def take(self, which: Ints | Mask) -> Ends:
        """The pairs at these positions, or where the mask holds."""
        return Ends(self.left[which], self.right[which])


@dataclass(frozen=True)
class Forbidden:
    """Cannot-link pairs of record numbers (left < right), each with its veto, by left, right."""

    left: Ints
    right: Ints
    veto: pa.Array

    @classmethod
    def none(cls) -> Forbidden:
        """No pairs."""
        ends = np.zeros(0, dtype=np.int64)
        return cls(ends, ends, pa.array([], pa.string()))

    def take(self, which: Ints) -> Forbidden:
        """The pairs at these positions."""
        return Forbidden(self.left[which], self.right[which], self.veto.take(pa.array(which)))

    def and_also(self, other: Forbidden) -> Forbidden:
        """The pairs of both; where both have a pair, the veto is the one of this."""
        left = np.concatenate([self.left, other.left])
        right = np.concatenate([self.right, other.right])
        veto = pa.concat_arrays([self.veto, other.veto])
        order = np.lexsort((right, left))
        new = np.ones(len(order), dtype=np.bool_)
        new[1:] = (np.diff(left[order]) != 0) | (np.diff(right[order]) != 0)
        order = order[new]
        return Forbidden(left[order], right[order], veto.take(pa.array(order)))


@dataclass(frozen=True)
class Layout:
    """Components numbered by their smallest record, and the records of each.

    Attributes:
        component: Component of each record.
        order: Records sorted by component, then number.
        start: Where each component starts in ``order``; one entry more than components.
        place: Position of each record in its component.
    """

    component: Ints
    order: Ints
    start: Ints
    place: Ints

    @classmethod
    def of(cls, labels: Ints) -> Layout:
        """The layout of labels that say which records are together, each below their number."""
        from kg_assets.matching.unions import grouped, numbered

        component, count = numbered(labels)
        order, start = grouped(component, count)
        place = np.empty_like(order)
        place[order] = np.arange(len(order)) - start[component[order]]
        return cls(component, order, start, place)

    @property
    def count(self) -> int:
        """Number of components."""
        return len(self.start) - 1

    @property
    def size(self) -> Ints:
        """Number of records of each component."""
        return np.diff(self.start)

    def records(self, number: int) -> Ints:
        """The records of a component, ascending."""
        return self.order[self.start[number] : self.start[number + 1]]

    def together(self, left: Ints | Numbers, right: Ints | Numbers) -> Mask:
        """Whether the records of each pair are in the same component."""
        return np.asarray(self.component[left] == self.component[right])

    def ranges(self, pairs: int) -> Iterator[tuple[int, int]]:
        """Runs of components that have at most so many pairs inside, or are one component."""
        inside = self.size * (self.size - 1) // 2
        through = np.cumsum(inside)
        first = 0
        while first < self.count:
            done = through[first - 1] if first else 0
            last = max(first + 1, int(np.searchsorted(through, done + pairs, side="right")))
            yield first, last
            first = last


def connected(size: int, left: Ints, right: Ints) -> Ints:
    """The smallest record of the connected component of each of ``size`` records."""
    from kg_assets.matching.unions import joined

    return np.asarray(joined(size, left, right))


def divide_large(
    layout: Layout, edges: Pairs, once: Ints, largest: int
) -> tuple[Layout, dict[int, str], int]:
    """Divide components above a size into parts whose pairs can be checked.

    Args:
        layout: Components of the edges.
        edges: Accepted edges, best first.
        once: For each record its duplicate-free source, -1 for none.
        largest: Records of a part at most.

    Returns:
        The layout of the parts; the reason of each edge (by position) that was refused; and how
        many components were divided.
    """
    large = np.flatnonzero(layout.size > largest)
    labels = layout.order[layout.start[:-1]][layout.component] if layout.count else layout.component
    reasons: dict[int, str] = {}
    for number in large.tolist():
        records = layout.records(number)
        mine = np.flatnonzero(layout.component[edges.left] == number)
        parts, refused = divide(
            len(records),
            layout.place[edges.left[mine]],
            layout.place[edges.right[mine]],
            once[records],
            largest,
            must=int((edges.weight[mine] == MUST_LINK).sum()),
        )
        labels[records] = records[np.array(parts, dtype=np.int64)]
        reasons |= {int(mine[position]): reason for position, reason in refused.items()}
    return Layout.of(labels), reasons, len(large)
