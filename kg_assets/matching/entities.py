"""The last step of matching: clusters, lasting ids, golden records, quality and review queue."""

# ruff: noqa: S608 - what is put into statements are constants of ours.

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from kg_assets.matching import tables
from kg_assets.matching.affected import gather_affected, view_judged
from kg_assets.matching.clustering import Clusters, cluster
from kg_assets.matching.component_scores import component_scores, scores_inside
from kg_assets.matching.current_model import model_if_any
from kg_assets.matching.golden import golden_records
from kg_assets.matching.identity import assign_ids
from kg_assets.matching.quality import IN_DOUBT, cluster_quality
from kg_assets.matching.review import REVIEW_LIMIT, doubtful_pairs, maybe_doubtful, review_pairs
from kg_assets.matching.thresholds import with_thresholds
from kg_assets.sources.tables import DELIVERIES

if TYPE_CHECKING:
    from duckdb import DuckDBPyRelation

    from kg_assets.matching.model import MatchSpec
    from resources.lake import Step
    from resources.table import Table


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
    component_scores, doubtful_pairs, cluster_quality and review_queue. Where only some records or
    scores changed, the components that they touch are resolved again, and all others stay.

    Args:
        step: The step.
        spec: The match model.
        ranks: Rank by source, lower is better; default: what the adapters declare.
        duplicate_free: Sources without duplicates; default: those whose records say so.

    Raises:
        ValueError: Records, scores and members of the version before do not fit together.
        ContradictionError: People's judgements contradict each other.
        OutdatedModelError: The model is of another version of the specification.
    """
    from kg_assets.matching.normalise import create_macros
    from kg_assets.matching.vetoes import veto_pairs

    con, kind = step.con, spec.entity_type
    create_macros(con, spec.vetoes)
    judged = view_judged(step, spec)
    model = model_if_any(step, spec)
    threshold = spec.threshold if model is None else float(model["threshold"])
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
    doubtful = _write_doubtful(step, spec, clusters, threshold, part=part)
    _write_scores(step, spec, clusters, part=part)
    quality = _write_quality(step, spec, threshold, part=part)
    queue = review_pairs(con, doubtful, quality)
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
        clusters_in_doubt=len(quality.filter(f"score >= {IN_DOUBT!r}")),
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
    if part:
        step.patch(members, con.table("resolution_before"), con.sql("FROM resolution_members"))
        step.patch(
            events, con.sql("FROM resolution_events LIMIT 0"), con.sql("FROM resolution_new_events")
        )
    else:
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
    started = time.perf_counter(), time.process_time()
    # A source that changed the order of its deliveries may say something else of any entity.
    reordered = _reordered(step, entities) and part
    if reordered:
        step.staged(members).create_view("golden_member", replace=True)
        con.table("every_record").create_view("golden_input", replace=True)
    else:
        con.sql("FROM resolution_members").create_view("golden_member", replace=True)
        con.sql("FROM resolution_records").create_view("golden_input", replace=True)
    delivered = step.read(DELIVERIES, tracked=False)
    golden_records(con, "golden_input", "golden_member", ranks, delivered).create_view(
        "golden_record", replace=True
    )
    con.execute("CREATE OR REPLACE TEMP TABLE golden_entity AS SELECT * FROM golden_record")
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE resolution_entities AS
        SELECT *
        FROM golden_entity
        SEMI JOIN resolution_members USING (entity_id)
        """
    )
    step.report(
        golden_seconds=round(time.perf_counter() - started[0], 3),
        golden_processor_seconds=round(time.process_time() - started[1], 3),
    )
    if not part:
        return step.write(entities, con.table("golden_entity"))
    if reordered:
        return step.update(entities, con.table("golden_entity"))
    return step.patch(
        entities,
        step.previous(entities, "entity_id IN (FROM affected_entity)"),
        con.table("golden_entity"),
    )


def _reordered(step: Step, output: Table) -> bool:
    """Whether deliveries of the records are others than an output was made from, or elsewhere.

    Those that came since changed the records that they speak of, and no order of others.
    """
    rows = step.con.sql("SELECT DISTINCT source, delivery FROM every_record ORDER BY ALL")
    keys = [f"{source}|{delivery}" for source, delivery in rows.fetchall()]
    found = step.parts(output, DELIVERIES, keys)
    if found is None:
        return True
    then, now = found
    return any(digest != then.get(key, digest) for key, digest in now.items())


def _write_doubtful(
    step: Step, spec: MatchSpec, clusters: Clusters, threshold: float, *, part: bool
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
            f"""
            CREATE OR REPLACE TEMP TABLE outside_record AS
            SELECT record_id, substr(record_id, strpos(record_id, ':') + 1) AS source_id
            FROM (
                SELECT unnest([record_l, record_r]) AS record_id
                FROM resolution_touching
                WHERE {maybe_doubtful()}
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
    con.register("edge_kept_apart", clusters.kept_apart)
    found = doubtful_pairs(
        con,
        con.sql("FROM resolution_touching"),
        with_thresholds(con, "edge_kept_apart", "resolution_threshold", threshold),
        con.table("entity_of"),
    )
    if part:
        step.patch(table, con.table("doubtful_before"), found)
    else:
        step.write(table, found)
    return step.staged(table)


def _write_scores(step: Step, spec: MatchSpec, clusters: Clusters, *, part: bool) -> None:
    """Write the scores inside components: all, or those of records that were resolved again.

    Leaves them on the connection as ``score_inside``, with their threshold.
    """
    con, table = step.con, component_scores(spec.entity_type)
    found = scores_inside(con, "known_score" if part else "every_score", clusters, part=part)
    if part:
        step.patch(table, con.table("component_before"), found)
    else:
        step.write(table, found)


def _write_quality(
    step: Step, spec: MatchSpec, threshold: float, *, part: bool
) -> DuckDBPyRelation:
    """Write how well clusters hang together: all, or those that were resolved again.

    What is inside a cluster changes only where its records, its scores or judgements of them do,
    and then it is resolved again.
    """
    con, kind = step.con, spec.entity_type
    table = tables.cluster_quality(kind)
    members, scores = con.sql("FROM resolution_members"), con.table("score_inside")
    patched = part and step.intact(table)
    if part and not patched:
        members = step.staged(tables.entity_members(kind))
        step.staged(component_scores(kind)).create_view("score_of_component", replace=True)
        scores = with_thresholds(con, "score_of_component", "resolution_threshold", threshold)
    found = cluster_quality(
        con,
        members.project("source || ':' || source_id AS record_id, entity_id"),
        scores,
        con.table("judged_same"),
        con.table("judged_thing"),
    )
    if patched:
        step.patch(table, step.previous(table, "entity_id IN (FROM affected_entity)"), found)
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
