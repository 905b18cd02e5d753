"""What is out of date in a namespace, from its catalog, its files and the landing zone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import dagster as dg

from kg_assets.planning import State
from kg_assets.sources.landing import LandingError, fingerprint

if TYPE_CHECKING:
    from kg_assets.build import Assembly
    from kg_assets.planning import Lane
    from kg_assets.sources.landing import Delivery
    from resources.entries import Head
    from resources.storage import Storage


def partition_keys(lane: Lane, deliveries: Iterable[str]) -> Sequence[str | None]:
    """The partitions of a lane, None for its only one.

    Args:
        lane: The lane.
        deliveries: Keys of what lies in the landing zone.
    """
    partitions = lane.steps[0].partitions
    if partitions is None:
        return [None]
    if isinstance(partitions, dg.DynamicPartitionsDefinition):
        return sorted(deliveries)
    return partitions.get_partition_keys()


def state_of(
    heads: Mapping[tuple[str, str], Head],
    assembly: Assembly,
    storage: Storage,
    deliveries: Mapping[str, Delivery],
    *,
    made: Collection[str] | None = None,
    damaged: Collection[tuple[str, str]] = (),
    own: Collection[str] | None = None,
) -> State:
    """What can be asked of what is out of date.

    Args:
        heads: Current version of each table and partition.
        assembly: All steps.
        storage: Where the files of the lake lie.
        deliveries: What lies in the landing zone, by key.
        made: Names of the tables whose steps are asked about; all by default.
        damaged: Tables and partitions whose files are there, but not as they were committed.
        own: Names of the tables that the namespace has built itself, and not production; all by
            default.
    """
    # Asked for all at once: in a bucket each question is a request.
    missing = storage.missing(
        {
            file.path
            for head in heads.values()
            if made is None or head.table in made
            for file in head.files
        }
    )

    def fingerprint_now(key: str) -> str | None:
        try:
            return fingerprint(deliveries[key])
        except (KeyError, LandingError):
            # A folder that is gone leaves what was read of it.
            return None

    def is_there(head: Head) -> bool:
        if (head.table, head.partition) in damaged:
            return False
        return missing.isdisjoint(file.path for file in head.files)

    read_through = set() if own is None else {table for table, _ in heads}.difference(own)
    return State(heads, assembly.fixed, fingerprint_now, is_there, read_through)
