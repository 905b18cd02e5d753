"""The last step of matching: clusters, lasting ids, golden records and the review queue."""

# ruff: noqa: S608 - values in statements are numbers of ours.

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import pyarrow as pa

from kg_assets.matching import tables
from kg_assets.matching.affected import KEPT_APART, gather_affected, view_judged
from kg_assets.matching.clustering import Clusters, cluster
from kg_assets.matching.golden import golden_records
from kg_assets.matching.identity import assign_ids
from kg_assets.matching.judgements import unsettled

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

    from kg_assets.matching.model import MatchSpec
    from resources.lake import Step

REVIEW_MARGIN = 2.0
"""Bits of match weight to either side of the threshold within which a pair is doubtful.

Two bits are odds of four to one for or against what was decided.
"""

_VETOED = "veto"
_NEAR = "threshold"

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

    Reads the records, all shards of the match scores, the thresholds, people's judgements
    and this step's own version before; writes resolved_entities, entity_members, identity_events,
    doubtful_pairs and review_queue. Where only some records or scores changed, the components that
    they touch are resolved again, and all others stay.

    Args:
        step: The step.
        spec: The match model.
        ranks: Rank by source, lower is better; default: what the adapters declare.
        duplicate_free: Sources without duplicates; default: those whose records say so.

    Raises:
        ValueError: Records, scores and members of the version before do not fit together.
        ContradictionError: People's judgements contradict each other.
    """
    from kg_assets.matching.normalise import create_macros
    from kg_assets.matching.vetoes import veto_pairs

    con, kind = step.con, spec.entity_type
    create_macros(con)
    judged = view_judged(step, spec)
    frozen = step.read(tables.match_model(kind)).project("threshold").fetchall()
    threshold = float(frozen[0][0]) if frozen else spec.threshold
    step.view("resolution_threshold", tables.match_thresholds(kind))
    part = gather_affected(step, spec, threshold)
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
        duplicate_free=duplicate_free,
        cannot_link=cannot_link,
        same=con.table("judged_same"),
        different=con.table("judged_different"),
    )
    con.register("resolution_clusters", clusters.assignment)
    step.previous(tables.identity_events(kind)).create_view("resolution_events", replace=True)
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
        con.sql("FROM resolution_before"),
        con.sql("FROM resolution_events"),
        taken=con.sql("SELECT entity_id FROM every_member") if part else None,
    )
    con.register("resolution_members", identities.members)
    con.register("resolution_new_events", identities.events)
    changed = _write(step, spec, part=part, ranks=ranks)
    _write_doubtful(step, spec, clusters, part=part).create_view(
        "resolution_doubtful", replace=True
    )
    queue = review_pairs(con, unsettled(con, "resolution_doubtful"))
    step.write(tables.review_queue(kind), queue)
    figures = clusters.counts
    step.report(
        entities=step.rows(tables.resolved_entities(kind)),
        records=step.rows(tables.entity_members(kind)),
        records_resolved=figures.records,
        entities_changed=changed,
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
        review_doubtful=step.rows(tables.doubtful_pairs(kind)),
        review_limit=REVIEW_LIMIT,
        judged_same=judged.same,
        judged_different=judged.different,
        judged_unsure=judged.unsure,
        judged_of_records_that_are_gone=judged.gone,
    )


def _write(step: Step, spec: MatchSpec, *, part: bool, ranks: Mapping[str, int]) -> int:
    """Write entities, members and events: all, or what changed of them.

    Returns:
        How many entities differ from what they were.
    """
    con, kind = step.con, spec.entity_type
    entities, members = tables.resolved_entities(kind), tables.entity_members(kind)
    events = tables.identity_events(kind)
    started = time.perf_counter(), time.process_time()
    golden = golden_records(con, "resolution_records", "resolution_members", ranks)
    golden.create_view("golden_record", replace=True)
    con.execute("CREATE OR REPLACE TEMP TABLE resolution_entities AS SELECT * FROM golden_record")
    step.report(
        golden_seconds=round(time.perf_counter() - started[0], 3),
        golden_processor_seconds=round(time.process_time() - started[1], 3),
    )
    if not part:
        step.write(members, con.sql("FROM resolution_members"))
        step.write(
            events,
            con.sql(
                """
                FROM resolution_events
                UNION ALL BY NAME
                FROM resolution_new_events
                """
            ),
        )
        return step.write(entities, con.table("resolution_entities"))
    changed = step.patch(
        entities,
        step.previous(entities, "entity_id IN (FROM affected_entity)"),
        con.table("resolution_entities"),
    )
    step.patch(members, con.table("resolution_before"), con.sql("FROM resolution_members"))
    step.patch(
        events, con.sql("FROM resolution_events LIMIT 0"), con.sql("FROM resolution_new_events")
    )
    return changed


def _write_doubtful(
    step: Step, spec: MatchSpec, clusters: Clusters, *, part: bool
) -> DuckDBPyRelation:
    """Write the doubtful pairs: all, or those of records that were resolved again."""
    con = step.con
    table = tables.doubtful_pairs(spec.entity_type)
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE entity_of AS
        SELECT source || ':' || source_id AS record_id, entity_id
        FROM resolution_members
        """
    )
    if part:
        con.execute(
            """
            CREATE OR REPLACE TEMP TABLE outside_record AS
            SELECT record_id, substr(record_id, strpos(record_id, ':') + 1) AS source_id
            FROM (
                SELECT record_l AS record_id FROM resolution_touching
                UNION
                SELECT record_r FROM resolution_touching
            )
            WHERE record_id NOT IN (FROM affected_record)
            """
        )
        step.previous(
            tables.entity_members(spec.entity_type),
            "source_id IN (SELECT source_id FROM outside_record)",
        ).create_view("outside_member", replace=True)
        con.execute(
            """
            INSERT INTO entity_of
            SELECT record_id, entity_id
            FROM (SELECT source || ':' || source_id AS record_id, entity_id FROM outside_member)
            SEMI JOIN outside_record USING (record_id)
            """
        )
    found = doubtful_pairs(
        con,
        con.sql("FROM resolution_touching"),
        con.from_arrow(clusters.kept_apart),
        con.table("entity_of"),
    )
    if part:
        replaced = step.previous(
            table, "record_l IN (FROM affected_record) OR record_r IN (FROM affected_record)"
        )
        step.patch(table, replaced, found)
    else:
        step.write(table, found)
    return step.staged(table)


def _count_reason(clusters: Clusters, reason: str) -> int:
    import pyarrow.compute as pc

    return int(pc.sum(pc.equal(clusters.kept_apart["reason"], reason)).as_py() or 0)


def declared_ranks(sources: Collection[str]) -> dict[str, int]:
    """Rank of each source, as its adapter declares it."""
    from kg_assets.sources.registry import adapter_for

    return {source: adapter_for(source).rank for source in sources}


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
                '{_VETOED}' AS kind,
                'veto: ' || veto AS reason,
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
                abs(match_weight - log2(threshold / (1 - threshold))) AS distance,
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
    *,
    limit: int = REVIEW_LIMIT,
) -> pa.Table:
    """The pairs on which a person's judgement would change most.

    The kinds of doubtful pairs take turns, each with its most telling pair first: of those kept
    apart and of the vetoed ones the more certain score, since there a wrong constraint costs
    more; of the others the one nearest to the threshold. A judgement settles two entities, so of
    several pairs between the same two, or inside the same one, only the first of a kind is asked
    for.

    Args:
        con: The connection of the relation.
        doubtful: What `doubtful_pairs` gives.
        limit: Pairs at most.

    Returns:
        Rows of ``review_queue``, at most one a pair.
    """
    doubtful.create_view("review_doubtful", replace=True)
    chosen = con.sql(
        f"""
        WITH first_between AS (
            SELECT *
            FROM review_doubtful
            QUALIFY row_number() OVER (
                PARTITION BY
                    kind,
                    least(entity_l, entity_r),
                    greatest(entity_l, entity_r)
                ORDER BY distance, record_l, record_r
            ) = 1
        ),
        turns AS (
            SELECT
                *,
                row_number() OVER (
                    PARTITION BY kind
                    ORDER BY distance, record_l, record_r
                ) AS turn
            FROM first_between
        )
        SELECT record_l, record_r, match_probability, reason
        FROM (
            FROM turns
            ORDER BY turn, list_position(['{KEPT_APART}', '{_VETOED}', '{_NEAR}'], kind)
            LIMIT {int(limit)}
        )
        ORDER BY record_l, record_r
        """
    ).to_arrow_table()
    return chosen.cast(tables.review_queue("any").schema)
