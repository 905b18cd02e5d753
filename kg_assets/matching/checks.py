"""Promises of the matching stage: all pairs scored, one entity for a record, vetoes held."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from kg_assets.checks import Check, Verdict, none_of
from kg_assets.matching import tables
from kg_assets.matching.records import records
from kg_assets.matching.vetoes import veto_pairs

if TYPE_CHECKING:
    from kg_assets.matching.model import MatchSpec
    from resources.lake import Step


def score_checks(spec: MatchSpec) -> tuple[Check, ...]:
    """Promises about the scores of a shard."""
    return (
        Check(
            name="every_pair_scored",
            table=tables.match_scores(spec.entity_type),
            description="Each candidate pair of the shard has a score, and nothing else has.",
            look=partial(_every_pair_scored, spec=spec),
        ),
    )


def entity_checks(spec: MatchSpec) -> tuple[Check, ...]:
    """Promises about the entities."""
    return (
        Check(
            name="every_record_in_one_entity",
            table=tables.entity_members(spec.entity_type),
            description="Each current record is in exactly one entity, and each entity holds one.",
            look=partial(_every_record_in_one_entity, spec=spec),
        ),
        Check(
            name="no_vetoed_pair",
            table=tables.entity_members(spec.entity_type),
            description="No entity holds two records that a veto keeps apart, whether the pair "
            "was a candidate or not.",
            look=partial(_no_vetoed_pair, spec=spec),
        ),
    )


def _every_pair_scored(step: Step, spec: MatchSpec) -> Verdict:
    step.view("checked_pairs", tables.blocked_pairs(spec.entity_type), step.partition)
    step.staged(tables.match_scores(spec.entity_type)).create_view("checked_scores", replace=True)
    return none_of(
        step.con.sql(
            """
            SELECT coalesce(pair.record_l, score.record_l), coalesce(pair.record_r, score.record_r)
            FROM checked_pairs AS pair
            FULL JOIN checked_scores AS score
                   ON score.record_l = pair.record_l
                  AND score.record_r = pair.record_r
            WHERE pair.record_l IS NULL
               OR score.record_l IS NULL
            """
        )
    )


def _every_record_in_one_entity(step: Step, spec: MatchSpec) -> Verdict:
    kind = spec.entity_type
    step.view("checked_records", records(spec))
    step.staged(tables.entity_members(kind)).create_view("checked_members", replace=True)
    step.staged(tables.resolved_entities(kind)).create_view("checked_entities", replace=True)
    return none_of(
        step.con.sql(
            """
            SELECT 'record without an entity' AS what, source || ':' || source_id AS id
            FROM checked_records
            ANTI JOIN checked_members USING (source, source_id)
            UNION ALL
            SELECT 'member without a record', source || ':' || source_id
            FROM checked_members
            ANTI JOIN checked_records USING (source, source_id)
            UNION ALL
            SELECT 'entity without a member', entity_id
            FROM checked_entities
            ANTI JOIN checked_members USING (entity_id)
            """
        )
    )


def _no_vetoed_pair(step: Step, spec: MatchSpec) -> Verdict:
    step.view("checked_records", records(spec))
    step.staged(tables.entity_members(spec.entity_type)).create_view(
        "checked_members", replace=True
    )
    step.con.sql(
        """
        SELECT l.source || ':' || l.source_id AS record_l,
               r.source || ':' || r.source_id AS record_r
        FROM checked_members AS l
        JOIN checked_members AS r USING (entity_id)
        WHERE record_l < record_r
        """
    ).create_view("checked_pairs", replace=True)
    return none_of(veto_pairs(step.con, spec, "checked_pairs", "checked_records"))
