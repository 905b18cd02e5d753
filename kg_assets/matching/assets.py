"""The door of the matching stage: one chain of steps for each entity type."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from kg_assets.matching import tables
from kg_assets.matching.blocking import run_blocked_pairs
from kg_assets.matching.checks import entity_checks, score_checks
from kg_assets.matching.entities import run_resolved_entities
from kg_assets.matching.model import MatchSpec
from kg_assets.matching.records import records, run_records
from kg_assets.matching.scoring import run_match_scores
from kg_assets.matching.training import run_match_model
from kg_assets.partitions import shards
from kg_assets.policies import resource_tags
from kg_assets.shell import StepAsset
from kg_assets.sources.tables import DELIVERIES, SOURCE_RECORDS

CODE = "1"


def matching_steps(spec: MatchSpec, shard_count: int) -> Sequence[StepAsset]:
    """The chain of one entity type, from its records to its entities.

    Args:
        spec: The type's match model, as declared in `kg_assets.matching.models`.
        shard_count: Into how many shards its candidate pairs are cut.
    """
    kind = spec.entity_type
    version = f"{CODE}-{spec.version}"
    common = {
        "group": "matching",
        "code_version": version,
        "entity_type": kind,
        "tags": resource_tags(heavy=shard_count > 1),
    }
    # A type with one shard is one table, and its whole chain is one run.
    partitions = shards(shard_count) if shard_count > 1 else None
    lanes = {
        part: f"{kind}/{part}" if shard_count > 1 else kind
        for part in ("records", "pairs", "entities")
    }
    upstream = tuple(tables.entity_members(other) for other in spec.depends_on)
    record_table = records(spec)
    model, frequencies = tables.match_model(kind), tables.term_frequencies(kind)
    pairs, scores = tables.blocked_pairs(kind), tables.match_scores(kind)
    entities, members = tables.resolved_entities(kind), tables.entity_members(kind)
    return (
        StepAsset(
            outputs=(record_table,),
            inputs=(DELIVERIES, SOURCE_RECORDS, *upstream),
            run=partial(run_records, spec=spec),
            lane=lanes["records"],
            **common,
        ),
        StepAsset(
            outputs=(model, frequencies),
            inputs=(record_table,),
            run=partial(run_match_model, spec=spec),
            lane=lanes["records"],
            kinds=frozenset({"splink", "duckdb"}),
            settled=True,
            **common,
        ),
        StepAsset(
            outputs=(pairs,),
            inputs=(record_table,),
            run=partial(run_blocked_pairs, spec=spec, shard_count=shard_count),
            lane=lanes["pairs"],
            partitions=partitions,
            **common,
        ),
        StepAsset(
            outputs=(scores,),
            inputs=(pairs, record_table, model, frequencies),
            run=partial(run_match_scores, spec=spec),
            lane=lanes["pairs"],
            kinds=frozenset({"splink", "duckdb", "parquet"}),
            partitions=partitions,
            checks=score_checks(spec),
            **common,
        ),
        StepAsset(
            outputs=(
                entities,
                members,
                tables.identity_events(kind),
                tables.review_queue(kind),
            ),
            inputs=(record_table, scores, model, DELIVERIES),
            run=partial(run_resolved_entities, spec=spec),
            lane=lanes["entities"],
            checks=entity_checks(spec),
            **common,
        ),
    )
