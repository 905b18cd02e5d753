"""From scored edges to clusters: components, constraints, weak bridges.

A component of accepted edges becomes one cluster unless it breaks a constraint. Only a component
that breaks one goes through the greedy loop of ``agglomeration``; everything else stays in
arrays. Memory and time are bounded so:

- scores are held as arrays of numbers: 36 bytes an edge, 8 a pair that is none, and 8 more of each
  that is inside a component;
- a component above ``max_cluster`` records is first divided, best edge first, into parts of at
  most that size, so that the pairs inside any part are at most ``max_cluster`` squared by two;
- the pairs inside components are given to ``cannot_link`` in batches of at most ``PAIR_BATCH``
  (and the pairs of one record), and what it forbids is kept for one group of components at a time.
"""

# ruff: noqa: S608 - the only value in a statement is a number of ours.

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow as pa

from kg_assets.matching.cluster_input import (
    Scored,
    read_forbidden,
    read_links,
    read_records,
    read_scores,
)
from kg_assets.matching.components import (
    Ends,
    Forbidden,
    Ints,
    Layout,
    Mask,
    Pairs,
    connected,
    divide_large,
)
from kg_assets.matching.resolution import Resolution

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

    Numbers: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
    CannotLink: TypeAlias = Callable[[DuckDBPyRelation], DuckDBPyRelation] | DuckDBPyRelation

BRIDGE_MARGIN = 3.0
"""Bits above the threshold weight from which one edge may join two groups against denials.

Three bits are odds of eight to one over the threshold: an edge below it that stands alone
against two or more denied pairs between the same groups is outvoted by them.
"""

MAX_CLUSTER = 4_000
"""Records of a cluster; 8 million pairs inside, more credits than the most prolific person has."""

PAIR_BATCH = 1_000_000
"""Pairs inside components that are given to ``cannot_link`` at once."""

_INSIDE_BATCH = 1 << 16
"""Scored pairs inside components whose ids are looked up at once."""

KEPT_APART_SCHEMA = pa.schema(
    [
        pa.field("record_l", pa.string(), nullable=False),
        pa.field("record_r", pa.string(), nullable=False),
        pa.field("match_weight", pa.float64(), nullable=False),
        pa.field("match_probability", pa.float64(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
    ]
)


@dataclass(frozen=True)
class ClusterCounts:
    """Figures of one clustering, each a number of what its name says."""

    records: int
    edges: int
    components: int
    components_resolved: int
    components_divided: int
    pairs_checked: int
    clusters: int
    singletons: int
    largest_cluster: int
    kept_apart: int
    weak_bridges_cut: int

    def as_dict(self) -> dict[str, int]:
        """The figures by name."""
        return asdict(self)


@dataclass(frozen=True)
class Clusters:
    """What a clustering found.

    Attributes:
        assignment: record_id, cluster (the smallest record_id of the cluster); one row a record,
            sorted by record_id.
        kept_apart: Accepted edges whose ends are in different clusters, with the reason
            (``KEPT_APART_SCHEMA``), sorted by record_l, record_r.
        counts: Figures.
        scored_inside: Numbers, as rows of the assignment, of the scored pairs inside components of
            accepted edges and ``same`` pairs, and of accepted edges that are judged different.
    """

    assignment: pa.Table
    kept_apart: pa.Table
    counts: ClusterCounts
    scored_inside: Ends

    def inside(self) -> pa.RecordBatchReader:
        """The pairs of ``scored_inside`` as record_l and record_r, read once and piece by piece."""
        ids = self.assignment["record_id"].combine_chunks()
        schema = pa.schema([("record_l", ids.type), ("record_r", ids.type)])

        def pieces() -> Iterator[pa.RecordBatch]:
            left, right = self.scored_inside.left, self.scored_inside.right
            for first in range(0, len(left), _INSIDE_BATCH):
                piece = slice(first, first + _INSIDE_BATCH)
                sides = [ids.take(pa.array(side[piece])) for side in (left, right)]
                yield pa.record_batch(sides, schema=schema)

        return pa.RecordBatchReader.from_batches(schema, pieces())


def threshold_weight(threshold: float) -> float:
    """The match weight (log2 of the odds) that belongs to a match probability.

    Raises:
        ValueError: The threshold is not strictly between 0 and 1.
    """
    if not 0.0 < threshold < 1.0:
        raise ValueError(
            f"clustering: threshold {threshold!r} is not a match probability between 0 and 1 "
            "(both excluded); set it in the model of the entity type"
        )
    return math.log2(threshold / (1.0 - threshold))


def cluster(
    con: DuckDBPyConnection,
    records: DuckDBPyRelation,
    scores: DuckDBPyRelation,
    *,
    threshold: float | None = None,
    duplicate_free: Collection[str] = (),
    cannot_link: CannotLink | None = None,
    same: DuckDBPyRelation | None = None,
    different: DuckDBPyRelation | None = None,
    bridge_margin: float = BRIDGE_MARGIN,
    max_cluster: int = MAX_CLUSTER,
    pair_batch: int = PAIR_BATCH,
) -> Clusters:
    """Join records into clusters along accepted edges, within the constraints.

    An edge is a scored pair without veto whose match probability is at least the threshold.
    Components of edges are clusters, except where one holds a cannot-link pair, two records of a
    duplicate-free source, or a weak bridge: there records are joined edge by edge, best first
    (ties by record ids), and a union that would break a constraint is refused. So a stronger edge
    always wins over a weaker one, and the order of rows changes nothing. Strength is counted in
    bits above the pair's own threshold: sources whose scores run high have a high one.

    A weak bridge is the only edge between two groups of at least two records each, less than
    ``bridge_margin`` bits above its threshold, where at least two other pairs between the groups
    were scored and denied. Cliques have none.

    What people judged outranks all of it: ``same`` pairs share a cluster whatever scores, vetoes,
    duplicate-free sources and sizes say, and so do the records that a chain of them joins;
    ``different`` pairs never share one.

    Args:
        con: The connection that both relations belong to; temporary views are made on it.
        records: record_id, source; every record to be clustered, singletons too.
        scores: record_l, record_r, match_weight, match_probability, veto (NULL: none), and
            threshold, the match probability from which the pair is an edge.
        threshold: One for all pairs, where the scores have no such column.
        duplicate_free: Sources that give at most one record to a cluster.
        cannot_link: Pairs that must not share a cluster (record_l, record_r, veto), or a function
            that is given pairs (record_l, record_r) inside components and returns those. It is
            asked for all pairs inside a component, also those that were never blocked.
        same: Must-link pairs (record_l, record_r), scored or not.
        different: Cannot-link pairs (record_l, record_r, veto) that no ``same`` pair overrules.
        bridge_margin: Bits above the threshold weight; 0 turns the rule off.
        max_cluster: Largest number of records in a cluster.
        pair_batch: Pairs given to ``cannot_link`` at once.

    Returns:
        Clusters in which every record occurs exactly once.

    Raises:
        ValueError: A record or pair occurs twice, a score names an unknown record, the
            threshold is not a probability, or ``same`` joins a ``different`` pair.
    """
    if threshold is not None:
        threshold_weight(threshold)  # refuses what is no probability
        scores = scores.project(f"*, {float(threshold)!r} AS threshold")
    ids, sources = read_records(con, records)
    links = read_links(con, same)
    apart = _judged_apart(con, different, links, ids)
    scored = read_scores(con, scores, ids)
    accepted = scored.edges
    free = ~_among(accepted, apart, len(ids))
    edges, bar = accepted.take(free), scored.bar[free]
    # Scores come in order, or as pieces that are: a stable sort goes through them quickly.
    best_first = np.argsort(edges.left * len(ids) + edges.right, kind="stable")
    best_first = best_first[np.argsort(-edges.weight[best_first], kind="stable")]
    edges = links.then(edges.take(best_first))
    bar = np.concatenate([np.zeros(len(links.left)), bar[best_first]])
    known = apart.and_also(scored.vetoed)
    if cannot_link is not None and not callable(cannot_link):
        known = known.and_also(read_forbidden(con, cannot_link))
    once = _once(sources, duplicate_free)

    component = connected(len(ids), edges.left, edges.right)
    inside = _inside(scored, component, free)
    layout = Layout.of(component)
    components = layout.count
    layout, reasons, divided = divide_large(layout, edges, once, max_cluster)
    work = Resolution(layout, edges, scored.denied, known, once, bridge_margin, reasons)
    checked = 0
    for first, last in layout.ranges(pair_batch):
        forbidden = work.known_in(first, last)
        if callable(cannot_link):
            for number, pairs in _pair_batches(con, ids, layout, first, last, pair_batch):
                checked += number
                forbidden = forbidden.and_also(read_forbidden(con, cannot_link(pairs)))
        work.resolve(first, last, forbidden)

    label = work.label
    refused = np.array(sorted(work.reasons), dtype=np.int64)
    refused = refused[label[edges.left[refused]] != label[edges.right[refused]]]
    sizes = np.bincount(label, minlength=len(ids))
    return Clusters(
        assignment=pa.table({"record_id": ids, "cluster": ids.take(pa.array(label))}),
        kept_apart=_kept_apart(
            ids,
            edges.take(refused),
            bar[refused],
            [work.reasons[i] for i in refused.tolist()],
        ),
        counts=ClusterCounts(
            records=len(ids),
            edges=len(accepted.left),
            components=components,
            components_resolved=work.resolved,
            components_divided=divided,
            pairs_checked=checked,
            clusters=int((sizes > 0).sum()),
            singletons=int((sizes == 1).sum()),
            largest_cluster=int(sizes.max(initial=0)),
            kept_apart=len(refused),
            weak_bridges_cut=sum(work.reasons[i] == "weak bridge" for i in refused.tolist()),
        ),
        scored_inside=inside,
    )


def _inside(scored: Scored, component: Ints, free: Mask) -> Ends:
    """Scored pairs whose records share a component, and accepted ones that are not free to."""
    component, parts = component.astype(np.int32), []
    for pairs in (scored.edges, scored.denied, scored.vetoed):
        within = component[pairs.left] == component[pairs.right]
        if pairs is scored.edges:
            within |= ~free
        parts.append([side[within].astype(np.int32) for side in (pairs.left, pairs.right)])
    return Ends(*(np.concatenate(side) for side in zip(*parts, strict=True)))


def _judged_apart(
    con: DuckDBPyConnection, different: DuckDBPyRelation | None, links: Pairs, ids: pa.Array
) -> Forbidden:
    """Pairs that were judged different, as record numbers."""
    if different is None:
        return Forbidden.none()
    apart = read_forbidden(con, different)
    group = connected(len(ids), links.left, links.right)
    joined = np.flatnonzero(group[apart.left] == group[apart.right])
    if len(joined):
        ends = [ids[int(side[joined[0]])].as_py() for side in (apart.left, apart.right)]
        raise ValueError(
            f"clustering: {len(joined)} pairs are judged different and joined by pairs that are "
            f"judged the same, the first of them {ends[0]} and {ends[1]}; take a judgement back"
        )
    return apart


def _among(pairs: Pairs, chosen: Forbidden, records: int) -> Mask:
    """Which of the pairs are among the chosen ones."""
    if not len(chosen.left):
        return np.zeros(len(pairs.left), dtype=np.bool_)
    return np.isin(pairs.left * records + pairs.right, chosen.left * records + chosen.right)


def _once(sources: pa.DictionaryArray, duplicate_free: Collection[str]) -> Ints:
    """For each record the number of its source where that is duplicate-free, else -1."""
    if not len(sources):
        return np.zeros(0, dtype=np.int64)
    protected = np.array([name in duplicate_free for name in sources.dictionary.to_pylist()])
    source = sources.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return np.where(protected[source], source, -1)


def _pair_batches(
    con: DuckDBPyConnection, ids: pa.Array, layout: Layout, first: int, last: int, limit: int
) -> Iterator[tuple[int, DuckDBPyRelation]]:
    """All pairs inside the components from first to last, cut by their left record."""
    records = layout.order[layout.start[first] : layout.start[last]]
    component = layout.component[records]
    later = layout.size[component] - 1 - layout.place[records]
    through = np.cumsum(later)
    members = pa.table(
        {
            "record_id": ids.take(pa.array(records)),
            "number": records,
            "component": component,
            "batch": (through - later) // limit,
        }
    )
    con.register("clustering_members", members)
    batch = members["batch"].to_numpy()
    for number in np.unique(batch[later > 0]).tolist():
        pairs = con.sql(
            f"""
            SELECT l.record_id AS record_l, r.record_id AS record_r
            FROM clustering_members AS l
            JOIN clustering_members AS r
                ON r.component = l.component
                AND r.number > l.number
            WHERE l.batch = {int(number)}
            """
        )
        yield int(later[batch == number].sum()), pairs
    con.unregister("clustering_members")


def _kept_apart(ids: pa.Array, edges: Pairs, bar: Numbers, reasons: list[str]) -> pa.Table:
    table = pa.table(
        [
            ids.take(pa.array(edges.left)),
            ids.take(pa.array(edges.right)),
            edges.weight + bar,
            edges.probability,
            pa.array(reasons, pa.string()),
        ],
        schema=KEPT_APART_SCHEMA,
    )
    return table.sort_by([("record_l", "ascending"), ("record_r", "ascending")])
