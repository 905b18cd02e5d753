"""Greedy agglomeration: edges joined best first, unions that break a constraint refused.

The records of one component are numbered from 0. Sets of records are bits, so that a component of n
records costs n squared bits for each kind of pair.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Ints: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
    Mask: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]

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
    weak: Mask
    groups: Ints
    forbidden_left: Ints
    forbidden_right: Ints
    forbidden_why: pa.Array
    denied_left: Ints
    denied_right: Ints
    must: int = 0


def _group_bits(groups: Ints) -> list[int]:
    numbers = {group: i for i, group in enumerate(sorted(set(groups.tolist()) - {-1}))}
    return [0 if group < 0 else 1 << numbers[group] for group in groups.tolist()]


def agglomerate(component: Component) -> tuple[Ints, dict[int, str]]:
    """Join the records of a component, best edge first, within the constraints.

    Args:
        component: Records, edges and constraints.

    Returns:
        For each record the smallest record of its cluster; and for each refused edge (its
        position) the reason.
    """
    import numpy as np

    from kg_assets.matching.constrained import (
        BRIDGE,
        DOUBLED,
        FORBIDDEN,
        bit_sets,
        joined_best_first,
    )

    size = component.size
    weak = component.weak
    # Otherwise no edge is a bridge, and what is only asked of bridges is not made.
    judged = bool(weak.any()) and len(component.denied_left) >= BRIDGE_DENIALS
    forbidden = bit_sets(size, size, component.forbidden_left, component.forbidden_right, True)
    protected = np.flatnonzero(component.groups >= 0)
    sources, source = np.unique(component.groups[protected], return_inverse=True)
    none = np.zeros((0, 1), dtype=np.uint64)
    roots, reasons, because = joined_best_first(
        component.left,
        component.right,
        weak if judged else np.zeros_like(weak),
        component.must,
        forbidden,
        bit_sets(size, len(sources), protected, source, False),
        bit_sets(size, size, component.left, component.right, True) if judged else none,
        bit_sets(size, size, component.denied_left, component.denied_right, True)
        if judged
        else none,
        BRIDGE_DENIALS,
    )
    said = {DOUBLED: "duplicate-free source", BRIDGE: "weak bridge"}
    why = _reasons(component) if (reasons == FORBIDDEN).any() else {}
    refused = {
        edge: why[tuple(because[edge].tolist())]
        if reasons[edge] == FORBIDDEN
        else said[int(reasons[edge])]
        for edge in np.flatnonzero(reasons).tolist()
    }
    return roots, refused


def _reasons(component: Component) -> dict[tuple[int, ...], str]:
    """What to say of each cannot-link pair."""
    ends = component.forbidden_left.tolist(), component.forbidden_right.tolist()
    why = component.forbidden_why.to_pylist()
    # The first of a pair counts, if there were several.
    return {
        pair: f"cannot link: {one}"
        for pair, one in zip(reversed([*zip(*ends, strict=True)]), reversed(why), strict=True)
    }


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
