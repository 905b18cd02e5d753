"""The steps of one type's chain, run one after another with their checks, and timed."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kg_assets.matching import tables
from kg_assets.matching.block_keys import run_block_keys
from kg_assets.matching.blocking import run_blocked_pairs
from kg_assets.matching.checks import entity_checks, score_checks
from kg_assets.matching.drift import drift_check
from kg_assets.matching.entities import run_resolved_entities
from kg_assets.matching.frozen import run_match_thresholds
from kg_assets.matching.models import MODELS
from kg_assets.matching.records import run_records
from kg_assets.matching.scoring import run_match_scores
from kg_assets.matching.training import run_match_model
from kg_assets.partitions import shard_keys
from resources.lake import Lake

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import ProcessPoolExecutor
    from contextlib import AbstractContextManager

    from kg_assets.checks import Check
    from kg_assets.matching.model import MatchSpec
    from resources.lake import Step
    from resources.settings import Settings

SHARDED = ("pairs", "scores")
"""Stages whose steps have a partition for each shard."""

_CHECKS: dict[str, Callable[[MatchSpec], Iterable[Check]]] = {
    "scores": score_checks,
    "thresholds": lambda spec: [drift_check(spec)],
    "clusters": entity_checks,
}

_CHAIN: dict[str, tuple[str, Callable[..., None]]] = {
    "records": ("records", run_records),
    "model": ("match_model", run_match_model),
    "keys": ("block_keys", run_block_keys),
    "pairs": ("blocked_pairs", run_blocked_pairs),
    "scores": ("match_scores", run_match_scores),
    "thresholds": ("match_thresholds", run_match_thresholds),
    "clusters": ("resolved_entities", run_resolved_entities),
}
"""The first table and the function of each stage's step."""


@dataclass
class Seconds:
    """Seconds of each stage: as the clock shows them, and of all processors together."""

    wall: dict[str, float] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)

    def add(self, stage: str, wall: float, cpu: float) -> None:
        """Add to a stage."""
        self.wall[stage] = self.wall.get(stage, 0.0) + wall
        self.cpu[stage] = self.cpu.get(stage, 0.0) + cpu

    def of(self, stages: tuple[str, ...]) -> tuple[float, float]:
        """Wall and processor seconds of some stages."""
        return sum(self.wall[one] for one in stages), sum(self.cpu[one] for one in stages)


def run(lake: Lake, spec: MatchSpec, pool: ProcessPoolExecutor, code_version: str = "0") -> Seconds:
    """Run one type's chain and return the seconds of its stages.

    Args:
        lake: The lake.
        spec: The type's match model.
        pool: Runs the steps, those of shards side by side, as the workers of a build do.
        code_version: Another one than before makes everything again, under the same model and
            from the same identities.
    """
    seconds = Seconds()
    for stage in _CHAIN:
        sharded = stage in SHARDED and spec.shards > 1
        wall = time.perf_counter()
        begun = [
            pool.submit(_make, lake.settings, spec.entity_type, stage, shard, code_version)
            for shard in (shard_keys(spec.shards) if sharded else [None])
        ]
        made = [one.result() for one in begun]
        wall = time.perf_counter() - wall
        golden, golden_cpu = sum(one.golden for one in made), sum(one.golden_cpu for one in made)
        if stage == "clusters":
            seconds.add("golden", golden, golden_cpu)
        seconds.add(stage, wall - golden, sum(one.cpu for one in made) - golden_cpu)
    return seconds


@dataclass(frozen=True)
class _Made:
    """Processor seconds of a step, and its seconds for golden records, of which entities have some.

    Attributes:
        cpu: Of the processors, golden records included.
        golden: By the clock, for golden records.
        golden_cpu: Of the processors, for golden records.
    """

    cpu: float
    golden: float
    golden_cpu: float


def _make(settings: Settings, kind: str, stage: str, shard: str | None, code_version: str) -> _Made:
    """Run a step in a process of the pool."""
    started, spec = time.process_time(), MODELS[kind]
    with _step(Lake(settings), spec, stage, shard, code_version) as step:
        _CHAIN[stage][1](step, spec)
        _look(step, spec, stage)
    return _Made(
        cpu=time.process_time() - started,
        golden=float(step.figures.get("golden_seconds", 0)),
        golden_cpu=float(step.figures.get("golden_processor_seconds", 0)),
    )


def _step(
    lake: Lake, spec: MatchSpec, stage: str, shard: str | None, code_version: str
) -> AbstractContextManager[Step]:
    name = f"{spec.entity_type}/{_CHAIN[stage][0]}"
    return lake.step(name, partition=shard, code_version=code_version, expected=_expected(spec))


def _look(step: Step, spec: MatchSpec, stage: str) -> None:
    """Look at the checks that come before the step's tables count; they are part of its time."""
    for check in _CHECKS[stage](spec) if stage in _CHECKS else ():
        check.look(step)


def _expected(spec: MatchSpec) -> dict[str, list[str]]:
    shards = shard_keys(spec.shards)
    pairs, scores = tables.blocked_pairs(spec.entity_type), tables.match_scores(spec.entity_type)
    return {pairs.name: shards, scores.name: shards}
