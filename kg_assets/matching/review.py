"""Which pairs a person should be asked about: doubtful ones, and those that clusters hang by."""

# ruff: noqa: S608 - values in statements are numbers and constants of ours.

from __future__ import annotations

from typing import TYPE_CHECKING

from kg_assets.matching import tables
from kg_assets.matching.judgements import unsettled
from kg_assets.matching.quality import WORTH_ASKING

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

REVIEW_MARGIN = 2.0
"""Bits of match weight to either side of the threshold within which a pair is doubtful.

Two bits are odds of four to one for or against what was decided.
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
"""Kinds of pairs in the order in which they take turns."""


_BITS_AWAY = "abs(match_weight - log2(threshold / (1 - threshold)))"
"""SQL for how far from the threshold a pair is, in bits."""


def maybe_doubtful(margin: float = REVIEW_MARGIN) -> str:
    """SQL for what holds of a score whose pair is doubtful if it lies between two entities."""
    return f"""
        CASE
            WHEN veto IS NULL THEN {_BITS_AWAY} <= {float(margin)!r}
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
        kept_apart: Accepted edges between different clusters, as the clustering gives them.
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
                -match_weight AS distance,
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
                -match_weight AS distance,
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
                {_BITS_AWAY} AS distance,
                match_probability >= threshold AS is_edge
            FROM review_scores
            ANTI JOIN review_kept_apart USING (record_l, record_r)
            WHERE veto IS NULL
                AND distance <= {float(margin)!r}
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
    """The pairs on which a person's judgement would change most.

    The kinds of pairs take turns, each with its most telling pair first: of those kept apart and
    of the vetoed ones the more certain score, since there a wrong constraint costs more; of the
    clusters the one with the greatest score; of the others the pair nearest to the threshold. A
    judgement settles two entities, so of several pairs between the same two, or inside the same
    one, only the first of a kind is asked for. What people have settled is not asked for again.

    Args:
        con: The connection of the relations, on which
            `kg_assets.matching.judgements.judged_pairs` was called.
        doubtful: What `doubtful_pairs` gives.
        clusters: Rows of ``cluster_quality``.
        limit: Pairs at most.

    Returns:
        Rows of ``review_queue``, at most one a pair.
    """
    doubtful.create_view("review_doubtful", replace=True)
    clusters.create_view("review_cluster", replace=True)
    con.sql(
        f"""
        SELECT record_l, record_r, match_probability, kind, reason, distance, entity_l, entity_r
        FROM review_doubtful

        UNION ALL
        SELECT
            record_l,
            record_r,
            match_probability,
            '{CLUSTER}' AS kind,
            reason,
            -score AS distance,
            entity_id AS entity_l,
            entity_id AS entity_r
        FROM review_cluster
        WHERE score >= {WORTH_ASKING!r}
            AND record_l IS NOT NULL
        """
    ).create_view("review_candidate", replace=True)
    unsettled(con, "review_candidate").create_view("review_open", replace=True)
    chosen = con.sql(
        f"""
        WITH first_between AS (
            SELECT *
            FROM review_open
            QUALIFY row_number() OVER (
                PARTITION BY
                    kind,
                    least(entity_l, entity_r),
                    greatest(entity_l, entity_r)
                ORDER BY distance, record_l, record_r
            ) = 1
        ),
        ranked AS (
            SELECT
                *,
                list_position({list(KINDS)!r}, kind) AS kind_place,
                row_number() OVER (
                    PARTITION BY kind
                    ORDER BY distance, record_l, record_r
                ) AS kind_turn
            FROM first_between
        ),
        once AS (
            -- A bridge may be near the threshold as well.
            SELECT *
            FROM ranked
            QUALIFY row_number() OVER (
                PARTITION BY record_l, record_r
                ORDER BY kind_turn, kind_place
            ) = 1
        )
        SELECT
            record_l,
            record_r,
            match_probability,
            kind,
            reason,
            row_number() OVER (ORDER BY kind_turn, kind_place) AS turn
        FROM once
        QUALIFY turn <= {int(limit)}
        ORDER BY record_l, record_r
        """
    ).to_arrow_table()
    return chosen.cast(tables.review_queue("any").schema)
