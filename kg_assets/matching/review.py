"""Which pairs a person should be asked about: doubtful ones, and those that clusters hang by."""

# ruff: noqa: S608 - values in statements are numbers and constants of ours.

from __future__ import annotations

from typing import TYPE_CHECKING

from kg_assets.matching import tables
from kg_assets.matching.judgements import unsettled

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

REVIEW_MARGIN = 2.0
"""Bits of match weight to either side of the threshold within which a pair is doubtful.

Two bits are odds of four to one for or against what was decided.
"""

LEAST_CHANGE = 1 / (1 + 2**REVIEW_MARGIN)
"""Pairs of records that a judgement must be expected to move for a cluster to be asked about.

It is what a doubtful pair of two single records has at the margin, so that no cluster is left out
of which more is to be expected than of a pair that is asked for.
"""

CONSTRAINT_WRONG = 0.1
"""Chance that a constraint is wrong where a score that reaches the threshold speaks against it.

Of made-up films with planted truth 60 of 572 such pairs were of one film: of those up to eight bits
above the threshold one in eleven, and of others one in six (`python -m benchmarks.thresholds`).
"""

REVIEW_LIMIT = 1_000
"""Pairs in the review queue: more than a person judges before the next build."""

CLUSTER = "cluster"
"""Kind of a pair that is asked for because of the cluster that it is in."""

KEPT_APART = "kept apart"
"""Kind of a doubtful pair: an accepted edge between two entities."""

VETOED = "veto"
"""Kind of a doubtful pair: vetoed, and above the threshold."""

VETO_REASON = "veto: "
"""What the reason of a vetoed pair has before the name of its veto."""

_NEAR = "threshold"

KINDS = (KEPT_APART, CLUSTER, VETOED, _NEAR)
"""Kinds of pairs in the order in which they are asked for where as much is expected of them; of one
kind the higher score then comes first."""

_ABOVE = "(match_weight - log2(threshold / (1 - threshold)))"
"""SQL for how far above the threshold of its pair of sources a pair is, in bits."""


def maybe_doubtful(margin: float = REVIEW_MARGIN) -> str:
    """SQL for what holds of a score whose pair is doubtful if it lies between two entities."""
    return f"""
        CASE
            WHEN veto IS NULL THEN abs({_ABOVE}) <= {float(margin)!r}
            ELSE match_probability >= threshold
        END
        """


def doubtful_pairs(
    con: DuckDBPyConnection,
    scores: DuckDBPyRelation,
    kept_apart: DuckDBPyRelation,
    entities: DuckDBPyRelation,
    *,
    margin: float = REVIEW_MARGIN,
) -> DuckDBPyRelation:
    """The pairs that a person could be asked about, with the reason.

    These are the pairs joined by score but kept apart by a constraint, the vetoed pairs above the
    threshold, and the pairs within ``margin`` bits of the threshold.

    Args:
        con: The connection of the relations.
        scores: record_l, record_r, match_weight, match_probability, veto, threshold.
        kept_apart: Accepted edges between different clusters, as the clustering gives them, with
            their threshold.
        entities: record_id, entity_id of all records of the scores.
        margin: Bits of match weight.

    Returns:
        Rows of ``doubtful_pairs``.
    """
    scores.create_view("review_scores", replace=True)
    kept_apart.create_view("review_kept_apart", replace=True)
    entities.create_view("review_entities", replace=True)
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE doubtful_pair AS
        WITH doubtful AS (
            SELECT
                record_l,
                record_r,
                match_weight,
                match_probability,
                '{KEPT_APART}' AS kind,
                reason,
                {_ABOVE} AS above,
                TRUE AS is_edge
            FROM review_kept_apart

            UNION ALL
            SELECT
                record_l,
                record_r,
                match_weight,
                match_probability,
                '{VETOED}' AS kind,
                '{VETO_REASON}' || veto AS reason,
                {_ABOVE} AS above,
                TRUE AS is_edge
            FROM review_scores
            WHERE veto IS NOT NULL
                AND match_probability >= threshold

            UNION ALL
            SELECT
                record_l,
                record_r,
                match_weight,
                match_probability,
                '{_NEAR}' AS kind,
                'near the threshold' AS reason,
                {_ABOVE} AS above,
                match_probability >= threshold AS is_edge
            FROM review_scores
            ANTI JOIN review_kept_apart USING (record_l, record_r)
            WHERE veto IS NULL
                AND abs(above) <= {float(margin)!r}
        )
        SELECT d.* EXCLUDE (is_edge), l.entity_id AS entity_l, r.entity_id AS entity_r
        FROM doubtful AS d
        JOIN review_entities AS l ON l.record_id = d.record_l
        JOIN review_entities AS r ON r.record_id = d.record_r
        -- Inside an entity a pair below the threshold is outvoted by others.
        WHERE l.entity_id <> r.entity_id
            OR d.is_edge
        """
    )
    return con.table("doubtful_pair")


def review_pairs(
    con: DuckDBPyConnection,
    doubtful: DuckDBPyRelation,
    clusters: DuckDBPyRelation,
    *,
    limit: int = REVIEW_LIMIT,
) -> pa.Table:
    """The pairs on which a person's judgement would change most, the one of the most first.

    One figure orders all of them: how many pairs of records a judgement is to be expected to
    bring together or to part. It is the chance that what was decided is wrong, times the pairs
    that would change with it.

    - Between two entities of a and b records all a times b pairs would be joined. The chance is
      that of a match: even odds at the threshold of a pair of sources, which double with each bit.
      Where a constraint stands against a score it is `CONSTRAINT_WRONG`.
    - Of a cluster it is the score that `kg_assets.matching.quality.cluster_quality` gives it: the
      doubt of a bridge times the pairs that hang by it, or what its denied pairs amount to.
    - Any other edge inside a cluster is one of several by which its records hang together, and so
      its doubt is counted for its own two records.

    A judgement settles two entities, so between the same two, and inside the same one, only the
    pair of which most is expected is asked for. What people have settled is not asked for again.

    Args:
        con: The connection of the relations, on which
            `kg_assets.matching.judgements.judged_pairs` was called.
        doubtful: What `doubtful_pairs` gives.
        clusters: Rows of ``cluster_quality``, of all entities of two records or more.
        limit: Pairs at most.

    Returns:
        Rows of ``review_queue``, at most one a pair.
    """
    doubtful.create_view("review_doubtful", replace=True)
    clusters.create_view("review_cluster", replace=True)
    con.sql(
        f"""
        -- Few clusters beside all of them, so that all are looked through once.
        WITH cluster_in_doubt AS MATERIALIZED (
            SELECT *
            FROM review_cluster
            WHERE entity_id IN (
                SELECT entity_l FROM review_doubtful
                UNION
                SELECT entity_r FROM review_doubtful
            )
        )
        SELECT
            d.record_l,
            d.record_r,
            d.match_probability,
            d.kind,
            d.reason,
            d.entity_l,
            d.entity_r,
            d.above,
            CASE
                WHEN d.entity_l <> d.entity_r
                    THEN coalesce(l.records, 1) * coalesce(r.records, 1) * CASE
                        WHEN d.kind = '{_NEAR}' THEN 1 / (1 + pow(2.0, -d.above))
                        ELSE {CONSTRAINT_WRONG!r}
                    END
                WHEN d.record_l = l.record_l AND d.record_r = l.record_r
                    THEN l.score
                ELSE 1 / (1 + pow(2.0, d.above))
            END AS change
        FROM review_doubtful AS d
        -- An entity that has no quality is a single record.
        LEFT JOIN cluster_in_doubt AS l ON l.entity_id = d.entity_l
        LEFT JOIN cluster_in_doubt AS r ON r.entity_id = d.entity_r

        UNION ALL
        SELECT
            record_l,
            record_r,
            match_probability,
            '{CLUSTER}' AS kind,
            reason,
            entity_id AS entity_l,
            entity_id AS entity_r,
            NULL AS above,
            score AS change
        FROM review_cluster
        -- A cluster of two is a pair, and doubtful or not as such.
        WHERE score >= {LEAST_CHANGE!r}
            AND records > 2
        """
    ).create_view("review_candidate", replace=True)
    unsettled(con, "review_candidate").create_view("review_open", replace=True)
    chosen = con.sql(
        f"""
        WITH placed AS (
            SELECT
                *,
                row_number() OVER (
                    ORDER BY
                        change DESC,
                        list_position({list(KINDS)!r}, kind),
                        above DESC NULLS LAST,
                        record_l,
                        record_r
                ) AS place
            FROM review_open
        ),
        first_between AS (
            SELECT *
            FROM placed
            QUALIFY row_number() OVER (
                PARTITION BY least(entity_l, entity_r), greatest(entity_l, entity_r)
                ORDER BY place
            ) = 1
        )
        SELECT
            record_l,
            record_r,
            match_probability,
            kind,
            reason,
            change,
            row_number() OVER (ORDER BY place) AS turn
        FROM first_between
        QUALIFY turn <= {int(limit)}
        ORDER BY record_l, record_r
        """
    ).to_arrow_table()
    return chosen.cast(tables.review_queue("any").schema)
