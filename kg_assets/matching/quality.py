"""How well each cluster hangs together: size, density, bridges, denied pairs, and what to ask."""

# ruff: noqa: S608 - what is put into statements are constants of ours.

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from kg_assets.matching.bridges import bridges

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

CLUSTERS_AT_ONCE = 200_000
"""Clusters that are measured at once: what is counted of a cluster, some 500 bytes, cannot be
spilled."""

EDGE_BATCH = 2_000_000
"""Edges whose bridges are looked for at once: some 300 MB of arrays, however many there are. More
than the edges of a cluster are never needed at once, and those are bounded by its size."""

IN_DOUBT = 1.0
"""Score from which a cluster is in doubt: one falsely joined pair is to be expected."""

_REACH = 60.0
"""Bits beyond which the doubt of a pair is as good as none, or whole."""

_PARTS = 1_000_000
"""Doubts are added up in whole parts of a million, so that no order of rows changes a sum."""

_DOUBT = f"(1 / (1 + pow(2.0, greatest(least(above, {_REACH}), -{_REACH}))))"
"""Probability in SQL that a pair is no match, taken the odds are even at its threshold.

``above`` is the match weight in bits above the threshold that the pair of sources has. Weights of
different sources run differently high, and what is above a threshold compares.
"""


def cluster_quality(
    con: DuckDBPyConnection,
    members: DuckDBPyRelation,
    scores: DuckDBPyRelation,
    same: DuckDBPyRelation,
    things: DuckDBPyRelation,
    *,
    at_once: int = CLUSTERS_AT_ONCE,
) -> DuckDBPyRelation:
    """Measure the clusters of two records or more.

    Size, density and bridges are what Splink's graph metrics measure (``compute_graph_metrics``:
    cluster_density, is_bridge; they are shown in its cluster studio). Sparse clusters and those
    that hang by one edge are where false links were found in Randall, Boyd, Ferrante, Bauer and
    Semmens, "Use of graph theory measures to identify errors in record linkage", Computer Methods
    and Programs in Biomedicine 115(2), 2014.

    The score that ranks clusters says how many pairs of its records are to be expected to be
    joined falsely, which is what pairwise precision counts. It is the greater of two estimates;
    they rest on the same pairs, and so are not added up:

    - By a bridge. Where an edge alone joins a records with b others, a times b pairs hang by it:
      its doubt times these, for the bridge where that is most.
    - By denials. Of the pairs inside that were scored below the threshold the sum of their doubts,
      less the number of accepted edges. Where edges are more, they outvote the denials: one thing
      described in many ways has records that are not alike.

    The pair to ask for is that bridge, or else the pair that was denied most clearly.

    Args:
        con: The connection of the relations; temporary tables are made on it.
        members: record_id, entity_id.
        scores: record_l, record_r, match_weight, match_probability, veto, threshold.
        same: record_l, record_r of pairs that people judged the same: edges without a doubt.
        things: record_id, thing of the records that people judged; those of one thing are settled.
        at_once: Clusters that are measured at once; the result is the same.

    Returns:
        Rows of ``cluster_quality``.
    """
    _make_pairs(con, members, scores, same, things)
    count = con.sql("SELECT count(*) FROM quality_cluster").fetchall()[0][0]
    for first in range(0, max(count, 1), at_once):
        _view_part(con, first, first + at_once)
        _count_pairs(con)
        _find_bridges(con)
        into = "INSERT INTO quality_row" if first else "CREATE OR REPLACE TEMP TABLE quality_row AS"
        con.execute(f"{into} {_ROWS}")
    return con.table("quality_row")


def _make_pairs(
    con: DuckDBPyConnection,
    members: DuckDBPyRelation,
    scores: DuckDBPyRelation,
    same: DuckDBPyRelation,
    things: DuckDBPyRelation,
) -> None:
    """Make ``quality_cluster``, ``quality_member`` and ``quality_pair``: what is inside clusters.

    Clusters are numbered by entity and records by cluster and id, so that a lower number is a
    smaller record id. Of the pairs, which may be many, nothing is held but numbers.
    """
    members.create_view("quality_every_member", replace=True)
    scores.create_view("quality_score", replace=True)
    same.create_view("quality_same", replace=True)
    things.create_view("quality_thing", replace=True)
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE quality_cluster AS
        SELECT
            entity_id,
            records,
            row_number() OVER (ORDER BY entity_id) - 1 AS cluster
        FROM (
            SELECT entity_id, count(*) AS records
            FROM quality_every_member
            GROUP BY entity_id
            HAVING count(*) > 1
        );

        CREATE OR REPLACE TEMP TABLE quality_member AS
        SELECT
            m.record_id,
            c.cluster,
            t.thing,
            row_number() OVER (ORDER BY c.cluster, m.record_id) AS number
        FROM quality_every_member AS m
        JOIN quality_cluster AS c ON c.entity_id = m.entity_id
        LEFT JOIN quality_thing AS t ON t.record_id = m.record_id;

        -- One side after the other: a single join spills what it has no room for, two at once fail.
        CREATE OR REPLACE TEMP TABLE quality_left AS
        SELECT
            l.cluster,
            l.number AS l,
            l.thing,
            p.record_r,
            p.match_probability,
            p.veto IS NULL AND p.match_probability >= p.threshold AS accepted,
            p.match_weight - log2(p.threshold / (1 - p.threshold)) AS bits
        FROM quality_score AS p
        JOIN quality_member AS l ON l.record_id = p.record_l;

        CREATE OR REPLACE TEMP TABLE quality_pair AS
        SELECT
            p.cluster,
            p.l,
            r.number AS r,
            p.match_probability,
            TRUE AS scored,
            coalesce(p.thing = r.thing, FALSE) AS judged,
            p.accepted,
            judged OR p.accepted AS is_edge,
            -- The probability decides: rounding must not part it from its weight.
            CASE WHEN p.accepted THEN greatest(p.bits, 0) ELSE least(p.bits, 0) END AS above
        FROM quality_left AS p
        JOIN quality_member AS r ON r.record_id = p.record_r AND r.cluster = p.cluster;

        DROP TABLE quality_left;

        CREATE OR REPLACE TEMP TABLE quality_linked AS
        SELECT l.cluster, l.number AS l, r.number AS r
        FROM quality_same AS p
        JOIN quality_member AS l ON l.record_id = p.record_l
        JOIN quality_member AS r ON r.record_id = p.record_r
        WHERE l.cluster = r.cluster;

        -- Judgements are few: the pairs are looked through for them, and not the other way round.
        CREATE OR REPLACE TEMP TABLE quality_linked_and_scored AS
        SELECT l, r
        FROM quality_pair
        SEMI JOIN quality_linked USING (l, r);

        INSERT INTO quality_pair BY NAME
        SELECT cluster, l, r, FALSE AS scored, TRUE AS judged, FALSE AS accepted, TRUE AS is_edge
        FROM quality_linked
        ANTI JOIN quality_linked_and_scored USING (l, r)
        """
    )


def _view_part(con: DuckDBPyConnection, first: int, end: int) -> None:
    """Make views of the clusters of some numbers, and of what is inside them.

    Args:
        con: The connection.
        first: Number of the first cluster.
        end: Number after that of the last.
    """
    for name in ("cluster", "member", "pair"):
        con.execute(
            f"""
            CREATE OR REPLACE TEMP VIEW part_{name} AS
            SELECT *
            FROM quality_{name}
            WHERE cluster >= {int(first)}
                AND cluster < {int(end)}
            """
        )


def _count_pairs(con: DuckDBPyConnection) -> None:
    """Make ``quality_count``: of each cluster of the part its pairs, edges and denials."""
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE quality_count AS
        WITH counted AS (
            SELECT
                cluster,
                count(*) FILTER (scored) AS scored_pairs,
                count(*) FILTER (is_edge) AS edges,
                count(*) FILTER (NOT is_edge) AS denied_pairs,
                min(above) FILTER (is_edge AND NOT judged) AS weakest_edge,
                sum(round({_DOUBT} * {_PARTS})::BIGINT) FILTER (NOT is_edge)::BIGINT AS doubts,
                arg_min(
                    {{'l': l, 'r': r, 'probability': match_probability}}, (above, l, r)
                ) FILTER (NOT is_edge) AS denied
            FROM part_pair
            GROUP BY cluster
        )
        SELECT
            cluster,
            entity_id,
            records,
            coalesce(scored_pairs, 0) AS scored_pairs,
            coalesce(edges, 0) AS edges,
            coalesce(denied_pairs, 0) AS denied_pairs,
            weakest_edge,
            coalesce(doubts, 0) AS doubts,
            denied
        FROM part_cluster
        LEFT JOIN counted USING (cluster)
        """
    )


def _find_bridges(con: DuckDBPyConnection) -> None:
    """Make ``quality_bridge``: the part's bridges, with the pairs of records that hang by each.

    A cluster of two is one bridge, and one in which all are joined with all has none. Only what
    lies between is looked at as a graph, so many edges at once as `EDGE_BATCH` says.
    """
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE quality_open AS
        SELECT
            cluster,
            (sum(edges) OVER (ORDER BY cluster) - edges) // {EDGE_BATCH} AS batch
        FROM quality_count
        WHERE records > 2
            AND edges < records * (records - 1) / 2;

        CREATE OR REPLACE TEMP TABLE quality_cut (l BIGINT, r BIGINT, beyond BIGINT);

        INSERT INTO quality_cut
        SELECT p.l, p.r, 1
        FROM part_pair AS p
        JOIN part_cluster AS c USING (cluster)
        WHERE c.records = 2
            AND p.is_edge
        """
    )
    batches = con.sql("SELECT DISTINCT batch FROM quality_open ORDER BY batch").fetchall()
    for (number,) in batches:
        edges = con.sql(
            f"""
            SELECT p.l, p.r
            FROM part_pair AS p
            JOIN quality_open AS o USING (cluster)
            WHERE o.batch = {int(number)}
                AND p.is_edge
            """
        ).to_arrow_table()
        left, right = (edges[side].to_numpy() for side in ("l", "r"))
        nodes, ends = np.unique(np.concatenate([left, right]), return_inverse=True)
        found = bridges(len(nodes), ends[: len(left)], ends[len(left) :])
        part = {"l": left[found.edge], "r": right[found.edge], "beyond": found.beyond}
        con.register("quality_found", pa.table(part))
        con.execute("INSERT INTO quality_cut SELECT l, r, beyond FROM quality_found")
        con.unregister("quality_found")
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE quality_bridge AS
        SELECT
            p.cluster,
            p.l,
            p.r,
            p.match_probability,
            least(q.beyond, c.records - q.beyond) AS smaller,
            CASE
                WHEN p.judged THEN 0
                ELSE round({_DOUBT} * {_PARTS})::BIGINT * q.beyond * (c.records - q.beyond)
            END AS hanging
        FROM quality_cut AS q
        JOIN part_pair AS p USING (l, r)
        JOIN part_cluster AS c USING (cluster)
        """
    )


_ROWS = f"""
    WITH bridged AS (
        SELECT
            cluster,
            count(*) AS bridges,
            max(hanging) AS hanging,
            arg_min(
                {{'l': l, 'r': r, 'probability': match_probability, 'smaller': smaller}},
                (-hanging, l, r)
            ) AS bridge
        FROM quality_bridge
        GROUP BY cluster
    ),
    estimated AS (
        SELECT
            *,
            coalesce(bridges, 0) AS number_of_bridges,
            coalesce(hanging, 0) AS by_bridge,
            greatest(doubts - edges * {_PARTS}, 0) AS by_denials,
            by_bridge > 0 AND by_bridge >= by_denials AS asks_bridge,
            by_denials > by_bridge AS asks_denied
        FROM quality_count
        LEFT JOIN bridged USING (cluster)
    )
    SELECT
        e.entity_id,
        e.records,
        e.scored_pairs,
        e.edges,
        e.edges / (e.records * (e.records - 1) / 2) AS density,
        e.denied_pairs,
        e.weakest_edge,
        e.number_of_bridges AS bridges,
        greatest(e.by_bridge, e.by_denials) / {_PARTS} AS score,
        l.record_id AS record_l,
        r.record_id AS record_r,
        CASE
            WHEN e.asks_bridge THEN e.bridge.probability
            WHEN e.asks_denied THEN e.denied.probability
        END AS match_probability,
        CASE
            WHEN e.asks_bridge THEN format(
                'weak bridge in a cluster of {{:,}} records, {{:,}} of them beyond it',
                e.records,
                e.bridge.smaller
            )
            WHEN e.asks_denied THEN format(
                '{{:,}} pairs are denied and {{:,}} accepted in a cluster of {{:,}} records',
                e.denied_pairs,
                e.edges,
                e.records
            )
        END AS reason
    FROM estimated AS e
    LEFT JOIN part_member AS l
        ON l.number = CASE WHEN e.asks_bridge THEN e.bridge.l
                           WHEN e.asks_denied THEN e.denied.l END
    LEFT JOIN part_member AS r
        ON r.number = CASE WHEN e.asks_bridge THEN e.bridge.r
                           WHEN e.asks_denied THEN e.denied.r END
"""
"""The rows of ``cluster_quality`` of the part's clusters."""
