"""Greedy agglomeration: edges joined best first, unions that break a constraint refused.

Plain Python over the records of one component, numbered from 0. Sets of records are integers
used as bit sets, so that a component of n records costs n squared bits for each kind of pair.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Ints: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]

BRIDGE_DENIALS = 2
"""Denied pairs between two groups from which a lone weak edge between them is a weak bridge.

One denied pair against one weak edge is a draw, and the edge is believed.
"""

TOO_LARGE = "cluster too large"
"""Reason of an edge that would have joined more records than a cluster may have."""


@dataclass(frozen=True)
class Component:
    """One component of accepted edges.

    Attributes:
        size: Number of records.
        left: Left ends of the edges, best edge first.
        right: Right ends of the edges.
        weak: Whether each edge is too weak to outweigh denials alone.
        groups: For each record the duplicate-free source that it is of, -1 for none.
        forbidden_left: Left ends of cannot-link pairs.
        forbidden_right: Right ends of cannot-link pairs.
        forbidden_why: Why each cannot-link pair is one.
        denied_left: Left ends of pairs that were scored below the threshold.
        denied_right: Right ends of these pairs.
        must: How many edges at the beginning are must-link pairs, which no constraint refuses.
    """

    size: int
    left: Ints
    right: Ints
    weak: Sequence[bool]
    groups: Ints
    forbidden_left: Ints
    forbidden_right: Ints
    forbidden_why: pa.Array
    denied_left: Ints
    denied_right: Ints
    must: int = 0


def _bit_sets(size: int, left: Ints, right: Ints) -> list[int]:
    """For each record the set of those it is paired with."""
    import numpy as np

    if not len(left):
        return [0] * size
    matrix = np.zeros((size, size), dtype=np.bool_)
    matrix[left, right] = True
    matrix[right, left] = True
    packed = np.packbits(matrix, axis=1, bitorder="little")
    return [int.from_bytes(row.tobytes(), "little") for row in packed]


def _group_bits(groups: Ints) -> list[int]:
    numbers = {group: i for i, group in enumerate(sorted(set(groups.tolist()) - {-1}))}
    return [0 if group < 0 else 1 << numbers[group] for group in groups.tolist()]


def agglomerate(component: Component) -> tuple[list[int], dict[int, str]]:
    """Join the records of a component, best edge first, within the constraints.

    Args:
        component: Records, edges and constraints.

    Returns:
        For each record the smallest record of its cluster; and for each refused edge (its
        position) the reason.
    """
    size = component.size
    parent = list(range(size))
    members = [[i] for i in range(size)]
    inside = [1 << i for i in range(size)]
    against = _bit_sets(size, component.forbidden_left, component.forbidden_right)
    pairwise = list(against)
    once = _group_bits(component.groups)
    judged = any(component.weak) and len(component.denied_left) >= BRIDGE_DENIALS
    joined = _bit_sets(size, component.left, component.right) if judged else []
    denied = _bit_sets(size, component.denied_left, component.denied_right) if judged else []
    refused: dict[int, str] = {}

    def find(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    def between(pairs: list[int], a: int, b: int) -> int:
        if len(members[a]) > len(members[b]):
            a, b = b, a
        return sum((pairs[i] & inside[b]).bit_count() for i in members[a])

    def why_forbidden(a: int, b: int) -> str:
        second = (against[a] & inside[b]).bit_length() - 1
        first = (pairwise[second] & inside[a]).bit_length() - 1
        low, high = min(first, second), max(first, second)
        found = (component.forbidden_left == low) & (component.forbidden_right == high)
        return f"cannot link: {component.forbidden_why[int(found.argmax())].as_py()}"

    edges = zip(component.left.tolist(), component.right.tolist(), component.weak, strict=True)
    for position, (left, right, weak) in enumerate(edges):
        a, b = find(left), find(right)
        if a == b:
            continue
        free = position >= component.must
        if free and against[a] & inside[b]:
            refused[position] = why_forbidden(a, b)
        elif free and once[a] & once[b]:
            refused[position] = "duplicate-free source"
        elif (
            free
            and weak
            and judged
            and len(members[a]) > 1
            and len(members[b]) > 1
            and between(joined, a, b) == 1
            and between(denied, a, b) >= BRIDGE_DENIALS
        ):
            refused[position] = "weak bridge"
        else:
            a, b = min(a, b), max(a, b)
            parent[b] = a
            members[a] += members[b]
            inside[a] |= inside[b]
            against[a] |= against[b]
            once[a] |= once[b]
            members[b] = []
    return [find(i) for i in range(size)], refused


def divide(
    size: int, left: Ints, right: Ints, groups: Ints, largest: int, *, must: int = 0
) -> tuple[list[int], dict[int, str]]:
    """Divide a component that is too large to be checked pair by pair, best edge first.

    Args:
        size: Number of records.
        left: Left ends of the edges, best edge first.
        right: Right ends of the edges.
        groups: For each record the duplicate-free source that it is of, -1 for none.
        largest: Records of a part at most; must-link pairs may make one larger.
        must: How many edges at the beginning are must-link pairs, which nothing refuses.

    Returns:
        For each record the smallest record of its part; and for each refused edge (its position)
        the reason.
    """
    parent = list(range(size))
    count = [1] * size
    once = _group_bits(groups)
    refused: dict[int, str] = {}

    def find(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for position, (first, second) in enumerate(zip(left.tolist(), right.tolist(), strict=True)):
        a, b = find(first), find(second)
        if a == b:
            continue
        free = position >= must
        if free and once[a] & once[b]:
            refused[position] = "duplicate-free source"
        elif free and count[a] + count[b] > largest:
            refused[position] = TOO_LARGE
        else:
            a, b = min(a, b), max(a, b)
            parent[b] = a
            count[a] += count[b]
            once[a] |= once[b]
    return [find(i) for i in range(size)], refused
