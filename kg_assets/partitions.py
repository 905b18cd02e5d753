"""The partitions of the asset graph: deliveries, shards and entity types."""

from __future__ import annotations

import dagster as dg

DELIVERIES = dg.DynamicPartitionsDefinition(name="deliveries")
"""One partition for each delivery, keyed ``source|delivery``."""


def shard_keys(count: int) -> list[str]:
    """Keys of a type's shards: ``00``, ``01`` and so on."""
    return [f"{number:02d}" for number in range(count)]


def shards(count: int) -> dg.StaticPartitionsDefinition:
    """Partitions of a sharded table."""
    return dg.StaticPartitionsDefinition(shard_keys(count))
