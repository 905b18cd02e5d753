"""Bridges of graphs as arrays: edges whose removal parts what they join, in linear time."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from kg_assets.matching.components import Ints, Mask


@dataclass(frozen=True)
class Bridges:
    """The bridges among some edges.

    Attributes:
        edge: Position of each bridge among the edges, ascending.
        beyond: How many nodes its removal parts from the rest of its component; one side of the
            two, so that the other is the size of the component less this.
    """

    edge: Ints
    beyond: Ints


def bridges(size: int, left: Ints, right: Ints) -> Bridges:
    """Find the bridges of a graph, exactly, in time linear in its nodes and edges.

    The method is Tarjan's ("A note on finding the bridges of a graph", Information Processing
    Letters 2(6), 1974): number the nodes of any spanning tree in preorder; the tree's edge above
    a node is a bridge if no other edge leads from below it to outside of it. It needs no
    depth-first tree, so the tree is grown breadth first, and whole levels of it are worked on as
    arrays: a step for each level, of which there are as many as the longest shortest path.

    Args:
        size: Number of nodes, which are numbered from 0.
        left: One end of each edge.
        right: The other end. No edge may be given twice, and none joins a node to itself.
    """
    if not len(left):
        nothing = np.zeros(0, dtype=np.int64)
        return Bridges(nothing, nothing)
    order, parent, level_start = _spanning_forest(size, left, right)
    below = np.ones(size, dtype=np.int64)
    for first, last in _levels(level_start, upwards=True):
        nodes = order[first:last]
        np.add.at(below, parent[nodes], below[nodes])
    number = _preorder(order, parent, level_start, below)
    lowest, highest = number.copy(), number.copy()
    tree = (parent[left] == right) | (parent[right] == left)
    for one, other in ((left[~tree], right[~tree]), (right[~tree], left[~tree])):
        np.minimum.at(lowest, one, number[other])
        np.maximum.at(highest, one, number[other])
    for first, last in _levels(level_start, upwards=True):
        nodes = order[first:last]
        np.minimum.at(lowest, parent[nodes], lowest[nodes])
        np.maximum.at(highest, parent[nodes], highest[nodes])
    closed: Mask = (lowest >= number) & (highest < number + below)
    child = np.where(parent[left] == right, left, right)
    found = np.flatnonzero(tree & closed[child]).astype(np.int64)
    return Bridges(found, below[child[found]])


def _spanning_forest(size: int, left: Ints, right: Ints) -> tuple[Ints, Ints, Ints]:
    """Grow a tree in each component, level by level.

    Returns:
        The nodes by level, those of one parent beside each other; the parent of each node, -1 for
        a root; and where each level starts in the order, with its end.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import breadth_first_order, connected_components

    ends = np.concatenate([left, right]), np.concatenate([right, left])
    graph: Any = csr_array((np.ones(len(ends[0]), dtype=np.int8), ends), shape=(size, size))
    count, label = connected_components(graph, directed=False)
    roots = np.full(count, size, dtype=np.int64)
    np.minimum.at(roots, label, np.arange(size))
    # A node above all roots makes one tree of the forest, and one search of all of them.
    above = np.concatenate([ends[0], np.full(count, size)]), np.concatenate([ends[1], roots])
    graph = csr_array((np.ones(len(above[0]), dtype=np.int8), above), shape=(size + 1, size + 1))
    found, came_from = breadth_first_order(graph, size, directed=True)
    order = np.asarray(found[1:], dtype=np.int64)
    parent = np.asarray(came_from[:size], dtype=np.int64)
    parent[roots] = -1
    place = np.empty(size, dtype=np.int64)
    place[order] = np.arange(size)
    # Nodes stand by level, so the next level starts at the first whose parent is in this one.
    parent_place = np.where(parent[order] < 0, -1, place[parent[order]])
    starts = [0, count]
    while starts[-1] < size:
        starts.append(int(np.searchsorted(parent_place, starts[-1])))
    return order, parent, np.array(starts, dtype=np.int64)


def _levels(level_start: Ints, *, upwards: bool) -> list[tuple[int, int]]:
    """Ranges of the levels below the roots, from the deepest or to it."""
    starts = level_start.tolist()
    ranges = list(pairwise(starts[1:]))
    return ranges[::-1] if upwards else ranges


def _preorder(order: Ints, parent: Ints, level_start: Ints, below: Ints) -> Ints:
    """Number each node before those below it, so that what is below it has the numbers after."""
    number = np.empty(len(order), dtype=np.int64)
    roots = order[: level_start[1]]
    number[roots] = np.cumsum(below[roots]) - below[roots]
    for first, last in _levels(level_start, upwards=False):
        nodes = order[first:last]
        through = np.cumsum(below[nodes]) - below[nodes]
        eldest = np.flatnonzero(np.diff(parent[nodes], prepend=-1))
        before = np.repeat(through[eldest], np.diff(eldest, append=len(nodes)))
        number[nodes] = number[parent[nodes]] + 1 + through - before
    return number
