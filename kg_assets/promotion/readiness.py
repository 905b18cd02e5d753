"""Whether a namespace can be promoted: it is whole, current, and what its checks said."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kg_assets.build import assemble
from kg_assets.current_state import partition_keys, state_of
from kg_assets.inference.steps import waiting
from kg_assets.inference.tables import INFERENCE_TYPES
from kg_assets.planning import CODE, LOST, lanes
from kg_assets.sources.landing import list_deliveries
from kg_assets.sources.tables import DELIVERIES
from kg_assets.summary import SOURCES
from resources.journal import FAILED, Journal

if TYPE_CHECKING:
    from kg_assets.planning import Lane, State
    from resources.entries import Head
    from resources.lake import Lake


@dataclass(frozen=True)
class Readiness:
    """The state of a namespace.

    Attributes:
        stale: What ``kg build`` would make again, as labels of ``kg build --only``.
        warnings: Checks that did not pass and do not block, with their figures.
        waiting: Texts by entity type that wait for the language model.
        failed: Why deliveries failed, by their keys: they are left out, or count as before.
    """

    stale: tuple[str, ...]
    warnings: tuple[Mapping[str, Any], ...]
    waiting: Mapping[str, int]
    failed: Mapping[str, str]


def readiness(lake: Lake) -> Readiness:
    """Look at a namespace.

    Of deliveries it is asked what counts. What has come into the landing zone since, or is gone
    from it, or was read and failed, does not make the namespace stale: a promotion need not wait
    for the next delivery, nor for one that nobody mends. Nor do texts that the language model has
    yet to read; they are counted, and what failed is named.

    Args:
        lake: The lake of the namespace.
    """
    settings = lake.settings
    assembly = assemble(settings)
    heads = lake.catalog.all_heads(lake.namespace)
    landed = {one.key: one for one in list_deliveries(settings.landing_path, lake.namespace)[0]}
    state = state_of(heads, assembly, lake.storage, landed)
    found = lanes(assembly.steps)
    failed = _failed(lake, state, found[SOURCES], sorted(landed))
    stale = []
    for lane in found.values():
        if lane.name == SOURCES:
            counting = sorted(part for table, part in heads if table == DELIVERIES.name)
            stale += _stale_deliveries(state, lane, counting, landed.keys() - failed.keys())
            continue
        for step in lane.steps:
            for key in partition_keys(lane, ()):
                if state.why_in_lake(step, key) is not None:
                    stale.append(step.name if key is None else f"{step.name}@{key}")
    return Readiness(
        stale=tuple(stale),
        warnings=tuple(_warnings(lake, heads)),
        waiting={kind: count for kind in INFERENCE_TYPES if (count := waiting(settings, kind))},
        failed=failed,
    )


def _failed(lake: Lake, state: State, lane: Lane, landed: list[str]) -> dict[str, str]:
    """Why deliveries that lie in the landing zone failed when they were read last."""
    with closing(Journal(lake.settings.catalog_url, create=False)) as journal:
        errors = {
            (entry.place.step, entry.place.partition): entry.error or "it failed"
            for entry in journal.entries(lake.namespace)
            if entry.state == FAILED
        }
    return {
        key: errors[step.name, key]
        for key in landed
        for step in reversed(lane.steps)
        if (step.name, key) in errors and state.why_in_lake(step, key) is not None
    }


def _stale_deliveries(
    state: State, lane: Lane, counting: list[str], readable: set[str]
) -> list[str]:
    """What has to be made again of deliveries that count.

    Args:
        state: The state of the namespace.
        lane: The lane that reads deliveries.
        counting: Those that count.
        readable: Those that lie in the landing zone and did not fail. Of the others what an earlier
            code made of them goes on counting, since this one cannot make it again.
    """
    return [
        f"{step.name}@{key}"
        for step in lane.steps
        for key in counting
        if (why := state.why_in_lake(step, key)) == LOST or (why == CODE and key in readable)
    ]


def _warnings(lake: Lake, heads: Mapping[tuple[str, str], Head]) -> list[Mapping[str, Any]]:
    """What checks warned of when what is current was made; of production's it is no news."""
    made = {one.commit_id: one for one in lake.catalog.commits(h.commit_id for h in heads.values())}
    return [
        {**check, "partition": partition}
        for (table, partition), head in sorted(heads.items())
        for check in made[head.commit_id].details.get("checks", ())
        if check["table"] == table and not check["passed"]
    ]
