"""What holds across stages: who owns assets, and how much of a machine they need."""

from __future__ import annotations

from collections.abc import Mapping

OWNER = "team:knowledge-graph"
"""Who answers for an asset; shown in the UI."""

_HEAVY = {"kg/cpu": "2", "kg/memory": "2GB"}
_LIGHT = {"kg/cpu": "1", "kg/memory": "1GB"}


def resource_tags(*, heavy: bool) -> Mapping[str, str]:
    """Tags that say what a step needs of a machine.

    Args:
        heavy: Whether it works over all records of a large type.

    Returns:
        Tags for the assets and their runs.
    """
    return dict(_HEAVY if heavy else _LIGHT)
