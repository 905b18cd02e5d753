"""The door of the matching stage: one chain of steps for each entity type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import duckdb

from kg_assets.matching import tables
from kg_assets.matching.affected import applied_judgements, applied_thresholds
from kg_assets.matching.block_keys import run_block_keys
from kg_assets.matching.blocking import run_blocked_pairs
from kg_assets.matching.checks import (
    declaration_checks,
    entity_checks,
    model_checks,
    score_checks,
)
from kg_assets.matching.component_scores import component_scores
from kg_assets.matching.drift import drift_check
from kg_assets.matching.entities import run_resolved_entities
from kg_assets.matching.frozen import configured_for, run_match_thresholds
from kg_assets.matching.model import MatchSpec
from kg_assets.matching.record_counts import record_counts
from kg_assets.matching.records import records, replaced_records, run_records
from kg_assets.matching.reporting.step import report_stands, run_match_report
from kg_assets.matching.reporting.tables import match_report
from kg_assets.matching.scoring import run_match_scores
from kg_assets.matching.skew import skew_check
from kg_assets.matching.touched import touched_pairs, touched_records
from kg_assets.matching.training import run_match_model
from kg_assets.partitions import shards
from kg_assets.policies import resource_tags
from kg_assets.shell import StepAsset
from kg_assets.sources.tables import DELIVERIES, SOURCE_RECORDS
from resources.facets import place_of

CODE = "4"
RECORDS_CODE = "4"
KEYS_CODE = "4"
SCORING_CODE = "7"
ENTITIES_CODE = "5"
REPORT_CODE = "1"


def matching_steps(
    spec: MatchSpec, shard_count: int, *, thresholds: Mapping[str, float], reports: Path
) -> Sequence[StepAsset]:
    """The chain of one entity type, from its records to its entities.

    Args:
        spec: The type's match model, as declared in `kg_assets.matching.models`.
        shard_count: Into how many shards its candidate pairs are cut.
        thresholds: Thresholds that outrank those measured, as `KG_THRESHOLDS` gives them.
        reports: Folder of the namespace's reports.
    """
    kind = spec.entity_type
    version = f"{CODE}-{spec.version}"
    common = {
        "group": "matching",
        "code_version": version,
        "entity_type": kind,
        "tags": resource_tags(heavy=shard_count > 1, entity_type=kind),
        # A judgement of records that are not there is told to be so.
        "only_with": ((SOURCE_RECORDS, place_of([kind])), (tables.JUDGEMENTS, kind)),
    }
    # A shard needs less than what sees all records.
    sharded = {"tags": resource_tags(heavy=shard_count > 1, entity_type=kind, shard=True)}
    # A type with one shard is one table, and its whole chain is one run.
    partitions = shards(shard_count) if shard_count > 1 else None
    lanes = {
        part: f"{kind}/{part}" if shard_count > 1 else kind
        for part in ("records", "pairs", "entities", "report")
    }
    upstream = tuple(tables.entity_members(other) for other in spec.depends_on)
    record_table, replaced = records(spec), replaced_records(spec)
    model, frequencies = tables.match_model(kind), tables.term_frequencies(kind)
    keys = tables.block_keys(kind)
    touched = touched_pairs(kind), touched_records(kind)
    pairs, scores = tables.blocked_pairs(kind), tables.match_scores(kind)
    chosen, profile = tables.match_thresholds(kind), tables.score_profile(kind)
    configured = configured_for(thresholds, kind)
    even = (skew_check(spec, shard_count),) if shard_count > 1 else ()
    entities, members = tables.resolved_entities(kind), tables.entity_members(kind)
    return (
        StepAsset(
            outputs=(record_table, replaced),
            inputs=(DELIVERIES, SOURCE_RECORDS, *upstream),
            run=partial(run_records, spec=spec),
            lane=lanes["records"],
            checks=declaration_checks(spec),
            **common | {"code_version": f"{version}-{RECORDS_CODE}"},
        ),
        StepAsset(
            outputs=(model, frequencies),
            inputs=(record_table,),
            run=partial(run_match_model, spec=spec),
            lane=lanes["records"],
            kinds=frozenset({"splink", "duckdb"}),
            settled=True,
            checks=model_checks(spec),
            **common,
        ),
        StepAsset(
            outputs=(keys, tables.cut_blocks(kind), *touched),
            inputs=(record_table, replaced),
            run=partial(run_block_keys, spec=spec, shard_count=shard_count),
            lane=lanes["records"],
            nothing_of=((record_table, None), (replaced, None)),
            # The blocks are hashes of DuckDB's, which another version may compute otherwise.
            **common | {"code_version": f"{version}-{KEYS_CODE}-{duckdb.__version__}"},
        ),
        StepAsset(
            outputs=(pairs,),
            inputs=(keys, *touched),
            run=partial(run_blocked_pairs, spec=spec, shard_count=shard_count),
            lane=lanes["pairs"],
            nothing_of=tuple((table, None) for table in (keys, *touched)),
            partitions=partitions,
            # Which pairs a shard holds depends on how many there are.
            **common | sharded | {"code_version": f"{version}-{shard_count}"},
        ),
        StepAsset(
            outputs=(scores, tables.score_counts(kind), tables.scorer_comparison(kind)),
            inputs=(pairs, record_table, replaced, *touched, model, frequencies),
            run=partial(run_match_scores, spec=spec),
            lane=lanes["pairs"],
            nothing_of=((record_table, None), (replaced, None)),
            kinds=frozenset({"splink", "duckdb", "parquet"}),
            partitions=partitions,
            checks=score_checks(spec),
            **common
            | sharded
            | {"code_version": f"{version}-{SCORING_CODE}-{spec.scorer}-{spec.shadow}"},
        ),
        StepAsset(
            outputs=(chosen, profile, record_counts(kind)),
            inputs=(record_table, replaced, scores, tables.score_counts(kind), model),
            run=partial(run_match_thresholds, spec=spec, configured=configured),
            lane=lanes["entities"],
            nothing_of=((record_table, None),),
            checks=(drift_check(spec), *even),
            # What is configured is part of the version: a change of it makes the step stale.
            **common | {"code_version": f"{version}-{configured}" if configured else version},
        ),
        StepAsset(
            outputs=(
                entities,
                members,
                tables.identity_events(kind),
                component_scores(kind),
                tables.doubtful_pairs(kind),
                tables.cluster_quality(kind),
                tables.review_queue(kind),
                applied_judgements(kind),
                applied_thresholds(kind),
            ),
            inputs=(record_table, scores, model, chosen, DELIVERIES, tables.JUDGEMENTS),
            run=partial(run_resolved_entities, spec=spec),
            lane=lanes["entities"],
            # A judgement is applied, or told to be of records that are gone, by the step.
            nothing_of=((record_table, None), (tables.JUDGEMENTS, kind)),
            checks=entity_checks(spec),
            lasting=(members, tables.identity_events(kind)),
            **common | {"code_version": f"{version}-{ENTITIES_CODE}"},
        ),
        StepAsset(
            outputs=(match_report(kind),),
            inputs=(
                record_table,
                model,
                pairs,
                scores,
                chosen,
                entities,
                members,
                tables.cluster_quality(kind),
            ),
            run=partial(run_match_report, spec=spec),
            lane=lanes["report"],
            kinds=frozenset({"duckdb"}),
            stands=partial(report_stands, reports / kind),
            **common | {"code_version": f"{version}-{REPORT_CODE}"},
        ),
    )
