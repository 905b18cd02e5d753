"""Assembles the Definitions: the steps of all stages, and what runs them."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import dagster as dg
from dagster_duckdb import DuckDBResource

from kg_assets.freshness import landing_zone, source_freshness, sources_are_fresh
from kg_assets.graph.assets import graph_steps
from kg_assets.inference.assets import inference_steps
from kg_assets.inference.review.tables import FACT_JUDGEMENTS
from kg_assets.jobs import promote, read_texts, rollback, update
from kg_assets.matching.assets import matching_steps
from kg_assets.matching.frozen import check_configured
from kg_assets.matching.models import MODELS, configured_models
from kg_assets.matching.tables import JUDGEMENTS
from kg_assets.policies import OWNER
from kg_assets.sensors import (
    new_deliveries,
    nightly_update,
    promote_after_update,
    texts_that_wait,
)
from kg_assets.shell import LakeResource, StepAsset, external_asset, step_assets
from kg_assets.sources.assets import sources_steps
from resources.settings import Settings


@dataclass(frozen=True)
class Assembly:
    """All steps, in an order in which each follows what it reads.

    Attributes:
        steps: The steps.
        fixed: Partition keys of each table that has a fixed set of them.
    """

    steps: tuple[StepAsset, ...]
    fixed: Mapping[str, Sequence[str]]


def assemble(settings: Settings) -> Assembly:
    """Put the steps of all stages together.

    Args:
        settings: Where things lie and how many shards there are.

    Raises:
        ThresholdsError: A threshold is configured for an entity type that does not exist.
    """
    check_configured(settings.thresholds, MODELS)
    steps = [*sources_steps(settings)]
    for spec in configured_models(settings).values():
        steps += matching_steps(
            spec,
            settings.shards_of(spec.entity_type, spec.shards),
            thresholds=settings.thresholds,
            reports=settings.reports,
        )
    steps += inference_steps(settings)
    steps += graph_steps(settings)
    fixed = {
        table.name: step.partitions.get_partition_keys()
        for step in steps
        if isinstance(step.partitions, dg.StaticPartitionsDefinition)
        for table in step.outputs
    }
    return Assembly(tuple(steps), fixed)


def build_definitions(
    *,
    settings: Settings | None = None,
    resources: Mapping[str, object] | None = None,
) -> dg.Definitions:
    """Make the Definitions.

    Args:
        settings: Overrides what the environment says.
        resources: Overrides resources by name.
    """
    settings = settings or Settings()
    assembly = assemble(settings)
    with warnings.catch_warnings():
        # Checks of partitioned assets are a preview and backfill policies are beta; both hold
        # what we use of them, which a test of the real UI shows.
        warnings.simplefilter("ignore", dg.PreviewWarning)
        warnings.simplefilter("ignore", dg.BetaWarning)
        assets = [step_assets(step, fixed=assembly.fixed, owner=OWNER) for step in assembly.steps]
    return dg.Definitions(
        assets=[
            landing_zone,
            *assets,
            external_asset(JUDGEMENTS, "matching", OWNER),
            external_asset(FACT_JUDGEMENTS, "inference", OWNER),
        ],
        asset_checks=[sources_are_fresh],
        jobs=[update, read_texts, promote, rollback],
        sensors=[new_deliveries, texts_that_wait, promote_after_update, source_freshness],
        schedules=[nightly_update],
        # A process for each step would take seconds to start and its work is often a tenth of
        # one: steps share their run's process, and runs stand side by side.
        executor=dg.in_process_executor,
        resources={
            "lake": LakeResource(),
            "database": DuckDBResource(database=str(settings.published)),
            **(resources or {}),
        },
    )
