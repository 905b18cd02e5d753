"""Whether a namespace can be promoted: it is whole, current, and what its checks said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kg_assets.build import assemble
from kg_assets.inference.steps import waiting
from kg_assets.inference.tables import INFERENCE_TYPES
from kg_assets.planning import LANDING, State, lanes
from kg_assets.sources.tables import RAW_BLOBS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kg_assets.build import Assembly
    from resources.entries import Head
    from resources.lake import Lake


@dataclass(frozen=True)
class Readiness:
    """The state of a namespace.

    Attributes:
        stale: What ``kg build`` would make again, as labels of ``kg build --only``.
        warnings: Checks that did not pass and do not block, with their figures.
        waiting: Texts by entity type that wait for the language model.
    """

    stale: tuple[str, ...]
    warnings: tuple[Mapping[str, Any], ...]
    waiting: Mapping[str, int]


def readiness(lake: Lake) -> Readiness:
    """Look at a namespace.

    What has come into the landing zone since, or is gone from it, does not make it stale: a
    promotion need not wait for the next delivery. Nor do texts that the language model has yet to
    read; they are counted.

    Args:
        lake: The lake of the namespace.
    """
    assembly = assemble(lake.settings)
    heads = lake.catalog.all_heads(lake.namespace)
    return Readiness(
        stale=tuple(_stale(lake, assembly, heads)),
        warnings=tuple(_warnings(lake, heads)),
        waiting={
            kind: count for kind in INFERENCE_TYPES if (count := waiting(lake.settings, kind))
        },
    )


def _stale(lake: Lake, assembly: Assembly, heads: Mapping[tuple[str, str], Head]) -> list[str]:
    read = {
        recorded.table.removeprefix(LANDING): recorded.digest
        for head in heads.values()
        if head.table == RAW_BLOBS.name
        for recorded in head.inputs
        if recorded.table.startswith(LANDING)
    }
    missing = lake.storage.missing({file.path for head in heads.values() for file in head.files})
    state = State(
        heads,
        assembly.fixed,
        read.get,
        lambda head: missing.isdisjoint(file.path for file in head.files),
    )
    deliveries = sorted(head.partition for head in heads.values() if head.table == RAW_BLOBS.name)
    stale = []
    for lane in lanes(assembly.steps).values():
        partitions = lane.steps[0].partitions
        keys: list[str | None] = [None]
        if partitions is not None:
            fixed = assembly.fixed.get(lane.steps[0].outputs[0].name)
            keys = list(deliveries if fixed is None else fixed)
        for step in lane.steps:
            for key in keys:
                if state.why_in_lake(step, key) is not None:
                    stale.append(step.name if key is None else f"{step.name}@{key}")
    return stale


def _warnings(lake: Lake, heads: Mapping[tuple[str, str], Head]) -> list[Mapping[str, Any]]:
    """What checks warned of when what is current was made; of production's it is no news."""
    made = {one.commit_id: one for one in lake.catalog.commits(h.commit_id for h in heads.values())}
    return [
        {**check, "partition": partition}
        for (table, partition), head in sorted(heads.items())
        for check in made[head.commit_id].details.get("checks", ())
        if check["table"] == table and not check["passed"]
    ]
