"""Which components break a constraint, and their resolution into clusters."""

from __future__ import annotations

import numpy as np

from kg_assets.matching.agglomeration import BRIDGE_DENIALS, Component, agglomerate
from kg_assets.matching.components import (
    MUST_LINK,
    Ends,
    Forbidden,
    Ints,
    Layout,
    Mask,
    Numbers,
    Pairs,
    connected,
)


class Resolution:
    """Clusters of all components, resolved range by range.

    Attributes:
        label: For each record the smallest record of its cluster.
        reasons: Reason by position of each refused edge.
        resolved: Number of components that went through the greedy loop.
    """

    def __init__(
        self,
        layout: Layout,
        edges: Pairs,
        denied: Ends,
        known: Forbidden,
        once: Ints,
        strong: float,
        reasons: dict[int, str],
    ) -> None:
        """Find the components that may break a constraint.

        Args:
            layout: Components, or the parts of those that were too large.
            edges: Must-link pairs, then accepted edges, best first.
            denied: Pairs that were scored below the threshold and have no veto.
            known: Cannot-link pairs known beforehand.
            once: For each record its duplicate-free source, -1 for none.
            strong: Weight above the threshold from which an edge needs no support against denials.
            reasons: Reason by position of the edges that are refused already.
        """
        self.reasons = reasons
        self.resolved = 0
        self.label = layout.order[layout.start[:-1]][layout.component]
        self._layout = layout
        self._edges = edges
        self._once = once
        # What people joined is one thing, and no veto counts inside it.
        links = edges.weight == MUST_LINK
        self._linked = connected(len(self.label), edges.left[links], edges.right[links])
        self._weak = edges.weight < strong
        self._denied = denied.take(layout.together(denied.left, denied.right))
        self._known = known.take(np.flatnonzero(layout.together(known.left, known.right)))
        # The edges of each component stay best first.
        inside = np.flatnonzero(layout.together(edges.left, edges.right))
        order, self._edge_start = self._grouped(edges.left[inside])
        self._inside = inside[order]
        order, self._denied_start = self._grouped(self._denied.left)
        self._denied = self._denied.take(order)
        order, self._known_start = self._grouped(self._known.left)
        self._known = self._known.take(order)
        self._suspect = self._with_duplicates() | self._with_weak_bridges()

    def _grouped(self, left: Ints | Numbers) -> tuple[Ints, Ints]:
        """Places of pairs by component, and where each component starts in them."""
        from kg_assets.matching.unions import grouped

        order, start = grouped(self._layout.component[left], self._layout.count)
        return order, start

    def _with_duplicates(self) -> Mask:
        """Components with two records of a duplicate-free source."""
        found = np.zeros(self._layout.count, dtype=np.bool_)
        protected = np.flatnonzero(self._once >= 0)
        if len(protected):
            sources = int(self._once.max()) + 1
            places = self._layout.component[protected] * sources + self._once[protected]
            place, times = np.unique(places, return_counts=True)
            found[place[times > 1] // sources] = True
        return found

    def _with_weak_bridges(self) -> Mask:
        """Components that may hold a weak bridge.

        The ends of a weak bridge are not joined by strong edges, and nor are those of the denied
        pairs that speak against it.
        """
        layout, edges, denied = self._layout, self._edges, self._denied
        strong = self._inside[~self._weak[self._inside]]
        group = connected(len(self.label), edges.left[strong], edges.right[strong])
        across = group[denied.left] != group[denied.right]
        against = np.bincount(layout.component[denied.left[across]], minlength=layout.count)
        weak = self._inside[self._weak[self._inside]]
        weak = weak[group[edges.left[weak]] != group[edges.right[weak]]]
        bridged = np.bincount(layout.component[edges.left[weak]], minlength=layout.count)
        return (layout.size >= 4) & (bridged > 0) & (against >= BRIDGE_DENIALS)

    def known_in(self, first: int, last: int) -> Forbidden:
        """Cannot-link pairs known beforehand inside the components from first to last."""
        return self._known.take(np.arange(self._known_start[first], self._known_start[last]))

    def resolve(self, first: int, last: int, forbidden: Forbidden) -> None:
        """Resolve those of the components from first to last that break a constraint.

        Args:
            first: First component.
            last: The component after the last.
            forbidden: All cannot-link pairs inside these components.
        """
        layout = self._layout
        linked = self._linked
        forbidden = forbidden.take(
            np.flatnonzero(linked[forbidden.left] != linked[forbidden.right])
        )
        component = layout.component[forbidden.left]
        order = np.argsort(component, kind="stable")
        forbidden = forbidden.take(order)
        start = np.searchsorted(component[order], np.arange(first, last + 1))
        offending = self._suspect[first:last] | (np.diff(start) > 0)
        for i in np.flatnonzero(offending).tolist():
            inside = forbidden.take(np.arange(start[i], start[i + 1]))
            self._resolve_one(first + i, inside)
            self.resolved += 1

    def _resolve_one(self, number: int, forbidden: Forbidden) -> None:
        place, edges, denied = self._layout.place, self._edges, self._denied
        records = self._layout.records(number)
        mine = self._inside[self._edge_start[number] : self._edge_start[number + 1]]
        below = slice(self._denied_start[number], self._denied_start[number + 1])
        roots, refused = agglomerate(
            Component(
                size=len(records),
                left=place[edges.left[mine]],
                right=place[edges.right[mine]],
                weak=self._weak[mine],
                groups=self._once[records],
                forbidden_left=place[forbidden.left],
                forbidden_right=place[forbidden.right],
                forbidden_why=forbidden.veto,
                denied_left=place[denied.left[below]],
                denied_right=place[denied.right[below]],
                must=int((edges.weight[mine] == MUST_LINK).sum()),
            )
        )
        self.label[records] = records[roots]
        for position, reason in refused.items():
            self.reasons[int(mine[position])] = reason
