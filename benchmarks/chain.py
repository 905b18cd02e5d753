"""One type's chain of matching steps outside of Dagster, with trained weights or shaken ones."""

from __future__ import annotations

import json
import math
import random
import time
from typing import TYPE_CHECKING, Any

from kg_assets.matching.block_keys import run_block_keys
from kg_assets.matching.blocking import run_blocked_pairs
from kg_assets.matching.entities import run_resolved_entities
from kg_assets.matching.frozen import run_match_thresholds
from kg_assets.matching.records import run_records
from kg_assets.matching.scoring import run_match_scores
from kg_assets.matching.tables import match_model, term_frequencies
from kg_assets.matching.training import run_match_model
from kg_assets.partitions import shard_keys

if TYPE_CHECKING:
    from kg_assets.matching.model import MatchSpec
    from resources.lake import Lake


def resolve(lake: Lake, spec: MatchSpec, *, settings: dict[str, Any] | None = None) -> float:
    """Run one type's chain of matching steps.

    Args:
        lake: The lake.
        spec: The type's model.
        settings: Splink settings that replace the trained ones.

    Returns:
        Seconds.
    """
    started, name = time.perf_counter(), spec.entity_type
    with lake.step(f"{name}/records") as step:
        run_records(step, spec)
    with lake.step(f"{name}/match_model") as step:
        if settings is None:
            run_match_model(step, spec)
        else:
            _replace_settings(step, spec, settings)
    with lake.step(f"{name}/block_keys") as step:
        run_block_keys(step, spec)
    for shard in shard_keys(spec.shards):
        with lake.step(f"{name}/blocked_pairs", partition=shard) as step:
            run_blocked_pairs(step, spec, shard_count=spec.shards)
        with lake.step(f"{name}/match_scores", partition=shard) as step:
            run_match_scores(step, spec)
    with lake.step(f"{name}/match_thresholds") as step:
        run_match_thresholds(step, spec)
    with lake.step(f"{name}/resolved_entities") as step:
        run_resolved_entities(step, spec)
    return time.perf_counter() - started


def _replace_settings(step: Any, spec: MatchSpec, settings: dict[str, Any]) -> None:
    table = match_model(spec.entity_type)
    row = step.previous(table).to_arrow_table()
    place = row.schema.get_field_index("settings")
    step.write(table, row.set_column(place, row.field(place), [[json.dumps(settings)]]))
    frequencies = term_frequencies(spec.entity_type)
    step.write(frequencies, step.previous(frequencies))


def trained_settings(lake: Lake, spec: MatchSpec) -> dict[str, Any]:
    """The trained Splink settings of a type."""
    import duckdb

    with duckdb.connect() as con:
        found: str = (
            lake.relation(con, match_model(spec.entity_type)).project("settings").fetchall()[0][0]
        )
    parsed: dict[str, Any] = json.loads(found)
    return parsed


def shaken(settings: dict[str, Any], seed: int, spread: float) -> dict[str, Any]:
    """Settings with the weight of every level multiplied by a random factor.

    Args:
        settings: Trained Splink settings.
        seed: Of the factors.
        spread: A factor lies between 1 - spread and 1 + spread.
    """
    draw = random.Random(seed)
    copy: dict[str, Any] = json.loads(json.dumps(settings))
    for comparison in copy["comparisons"]:
        for level in comparison["comparison_levels"]:
            if level.get("is_null_level"):
                continue
            weight = math.log2(level["m_probability"] / level["u_probability"])
            factor = 1 + draw.uniform(-spread, spread)
            # The weight is log2(m / u): u is moved, and m where u would leave its range.
            level["u_probability"] = level["m_probability"] / 2 ** (weight * factor)
            if level["u_probability"] >= 1:
                level["m_probability"] *= 0.999 / level["u_probability"]
                level["u_probability"] = 0.999
    return copy
