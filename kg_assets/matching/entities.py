"""The last step of matching: clusters, lasting ids, golden records and the review queue."""

# ruff: noqa: S608 - values in statements are numbers of ours.

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import pyarrow as pa

from kg_assets.matching import tables
from kg_assets.matching.clustering import Clusters, cluster, threshold_weight
from kg_assets.matching.golden import golden_records
from kg_assets.matching.identity import assign_ids

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

    from kg_assets.matching.model import MatchSpec
    from resources.lake import Step

REVIEW_MARGIN = 2.0
"""Bits of match weight to either side of the threshold within which a pair is doubtful.

Two bits are odds of four to one for or against what was decided.
"""

REVIEW_LIMIT = 1_000
"""Pairs in the review queue: more than a person judges before the next build."""


def run_resolved_entities(
    step: Step,
    spec: MatchSpec,
    *,
    ranks: Mapping[str, int] | None = None,
    duplicate_free: Collection[str] | None = None,
) -> None:
    """Resolve the records of an entity type into entities.

    Reads the records, all shards of the match scores, the model's threshold and this step's own
    version before; writes resolved_entities, entity_members, identity_events and review_queue.

    Args:
        step: The step.
        spec: The match model.
        ranks: Rank by source, lower is better; default: what the adapters declare.
        duplicate_free: Sources without duplicates; default: those whose records say so.

    Raises:
        ValueError: Records, scores and members of the version before do not fit together.
    """
    from kg_assets.matching.normalise import create_macros
    from kg_assets.matching.records import records
    from kg_assets.matching.vetoes import veto_pairs

    con, kind = step.con, spec.entity_type
    create_macros(con)
    step.view("resolution_records", records(spec))
    step.view("resolution_scores", tables.match_scores(kind))
    frozen = step.read(tables.match_model(kind)).project("threshold").fetchall()
    threshold = float(frozen[0][0]) if frozen else spec.threshold
    declared = dict(
        con.sql(
            """
            SELECT source, bool_or(duplicate_free)
            FROM resolution_records
            GROUP BY source
            ORDER BY source
            """
        ).fetchall()
    )
    if ranks is None:
        ranks = declared_ranks(declared)
    if duplicate_free is None:
        duplicate_free = {source for source, free in declared.items() if free}

    def cannot_link(pairs: DuckDBPyRelation) -> DuckDBPyRelation:
        pairs.create_view("resolution_pairs", replace=True)
        return veto_pairs(con, spec, "resolution_pairs", "resolution_records")

    clusters = cluster(
        con,
        con.sql("SELECT record_id, source FROM resolution_records"),
        con.sql("FROM resolution_scores"),
        threshold=threshold,
        duplicate_free=duplicate_free,
        cannot_link=cannot_link,
    )
    con.register("resolution_clusters", clusters.assignment)
    previous_events = step.previous(tables.identity_events(kind)).to_arrow_table()
    con.register("resolution_events", previous_events)
    identities = assign_ids(
        con,
        kind,
        con.sql(
            """
            SELECT r.source, r.source_id, c.cluster
            FROM resolution_records AS r
            JOIN resolution_clusters AS c USING (record_id)
            """
        ),
        step.previous(tables.entity_members(kind)),
        con.sql("FROM resolution_events"),
    )
    con.register("resolution_members", identities.members)
    con.register("resolution_new_events", identities.events)
    entities = step.write(
        tables.resolved_entities(kind),
        golden_records(con, "resolution_records", "resolution_members", ranks),
    )
    step.write(tables.entity_members(kind), con.sql("FROM resolution_members"))
    step.write(
        tables.identity_events(kind),
        con.sql(
            """
            FROM resolution_events
            UNION ALL BY NAME
            FROM resolution_new_events
            """
        ),
    )
    queue, doubtful = review_pairs(
        con, con.sql("FROM resolution_scores"), clusters, threshold=threshold
    )
    step.write(tables.review_queue(kind), queue)
    figures = clusters.counts
    step.report(
        entities=entities,
        records=figures.records,
        threshold=threshold,
        largest_cluster=figures.largest_cluster,
        singletons=figures.singletons,
        components_resolved=figures.components_resolved,
        components_divided=figures.components_divided,
        kept_apart=figures.kept_apart,
        weak_bridges_cut=figures.weak_bridges_cut,
        duplicate_free_sources=", ".join(sorted(set(duplicate_free) & set(declared))) or "none",
        duplicates_refused=_count_reason(clusters, "duplicate-free source"),
        born=identities.born,
        merged=identities.merged,
        split=identities.split,
        retired=identities.retired,
        review_queue=queue.num_rows,
        review_doubtful=doubtful,
        review_limit=REVIEW_LIMIT,
    )


def _count_reason(clusters: Clusters, reason: str) -> int:
    import pyarrow.compute as pc

    return int(pc.sum(pc.equal(clusters.kept_apart["reason"], reason)).as_py() or 0)


def declared_ranks(sources: Collection[str]) -> dict[str, int]:
    """Rank of each source, as its adapter declares it."""
    from kg_assets.sources.registry import adapter_for

    return {source: adapter_for(source).rank for source in sources}


def review_pairs(
    con: DuckDBPyConnection,
    scores: DuckDBPyRelation,
    clusters: Clusters,
    *,
    threshold: float,
    margin: float = REVIEW_MARGIN,
    limit: int = REVIEW_LIMIT,
) -> tuple[pa.Table, int]:
    """The pairs on which a person's judgement would change most.

    Three kinds take turns, each with its most telling pair first: pairs joined by score but kept
    apart by a constraint, and vetoed pairs above the threshold (the more certain the score, the
    more a wrong constraint costs), and pairs within ``margin`` bits of the threshold (the
    nearest first). A judgement settles two clusters, so of several pairs between the same two
    clusters, or inside the same one, only the first of a kind is asked for.

    Args:
        con: The connection of the scores.
        scores: record_l, record_r, match_weight, match_probability, veto.
        clusters: What the clustering found in them.
        threshold: Match probability from which a pair is an edge.
        margin: Bits of match weight.
        limit: Pairs at most.

    Returns:
        Rows of ``review_queue``, at most one a pair; and how many pairs there were to choose from.
    """
    scores.create_view("review_scores", replace=True)
    con.register("review_assignment", clusters.assignment)
    con.register("review_kept_apart", clusters.kept_apart)
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE review_chosen AS
        WITH doubtful AS (
            SELECT
                record_l,
                record_r,
                match_probability,
                reason,
                1 AS kind,
                -match_weight AS distance
            FROM review_kept_apart

            UNION ALL
            SELECT
                record_l,
                record_r,
                match_probability,
                'veto: ' || veto AS reason,
                2 AS kind,
                -match_weight AS distance
            FROM review_scores
            WHERE veto IS NOT NULL
                AND match_probability >= {float(threshold)!r}

            UNION ALL
            SELECT
                record_l,
                record_r,
                match_probability,
                'near the threshold' AS reason,
                3 AS kind,
                abs(match_weight - {threshold_weight(threshold)!r}) AS distance
            FROM review_scores
            ANTI JOIN review_kept_apart USING (record_l, record_r)
            WHERE veto IS NULL
                AND abs(match_weight - {threshold_weight(threshold)!r}) <= {float(margin)!r}
        ),
        first_between AS (
            SELECT d.*
            FROM doubtful AS d
            JOIN review_assignment AS l ON l.record_id = d.record_l
            JOIN review_assignment AS r ON r.record_id = d.record_r
            -- Inside a cluster a pair below the threshold is outvoted by others.
            WHERE l.cluster <> r.cluster
                OR d.match_probability >= {float(threshold)!r}
            QUALIFY row_number() OVER (
                PARTITION BY
                    d.kind,
                    least(l.cluster, r.cluster),
                    greatest(l.cluster, r.cluster)
                ORDER BY d.distance, d.record_l, d.record_r
            ) = 1
        )
        SELECT
            record_l,
            record_r,
            match_probability,
            reason,
            row_number() OVER (
                PARTITION BY kind
                ORDER BY distance, record_l, record_r
            ) AS turn,
            kind
        FROM first_between
        """
    )
    total = int(con.sql("SELECT count(*) FROM review_chosen").fetchall()[0][0])
    chosen = con.sql(
        f"""
        SELECT record_l, record_r, match_probability, reason
        FROM (FROM review_chosen ORDER BY turn, kind LIMIT {int(limit)})
        ORDER BY record_l, record_r
        """
    ).to_arrow_table()
    con.execute("DROP TABLE review_chosen; DROP VIEW review_scores")
    return chosen.cast(tables.review_queue("any").schema), total
