"""What holds across stages: who owns assets, and how much of a machine they need."""

from __future__ import annotations

from collections.abc import Mapping

OWNER = "team:knowledge-graph"
"""Who answers for an asset; shown in the UI."""

CPU, MEMORY = "kg/cpu", "kg/memory"
"""Tags of an asset: cores, and memory of the process."""

MACHINE = "kg/machine"
"""Tag of an asset, an op or a run: the machines that may make it, one of `MACHINES`."""

ANY, LARGE, BUILDS = "any", "large", "builds"
MACHINES = (ANY, LARGE, BUILDS)
"""What the tag says: any machine; a large one, since a step sees all records of a large type; or
one that does nothing else, since a build launches runs, or a promotion waits for builds, and would
take the place of those that it waits for. What has no such tag may be made on any machine."""

_HEAVY = {CPU: "2", MEMORY: "2GB"}
_LIGHT = {CPU: "1", MEMORY: "1GB"}
_HEAVY_TYPES = {"person": {CPU: "2", MEMORY: "3GB"}}
"""Types that need more than others: a million people took 2 GB, a million films 1.1 GB
(`python -m benchmarks.scoring --records 1000000 --only entities`)."""


def resource_tags(
    *, heavy: bool, entity_type: str | None = None, shard: bool = False
) -> Mapping[str, str]:
    """Tags that say what a step needs of a machine.

    They are requests: deploy/ gives them to the workers' containers. On a cluster they also say
    which workers take a run. A run may be given other limits in its configuration
    (`kg_assets.shell.StepConfig`), and other machines by its own tag `MACHINE`.

    Args:
        heavy: Whether it works over the records of a large type.
        entity_type: The type, None for all of them.
        shard: Whether it makes one of several shards, and so a part of the work.

    Returns:
        Tags for the assets.
    """
    if not heavy:
        return dict(_LIGHT)
    if shard:
        return dict(_HEAVY)
    return {**_HEAVY_TYPES.get(entity_type or "", _HEAVY), MACHINE: LARGE}
