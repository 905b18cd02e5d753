"""What is out of date, and in which order it can be made current.

A partition is current when what it was made from, as the catalog recorded it, is what is there
now. Contents are compared, not times: a table that was made again with the same content makes
nothing downstream stale.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from resources.entries import digest
from resources.facets import facets_at, holding
from resources.table import WHOLE

if TYPE_CHECKING:
    from kg_assets.shell import StepAsset
    from resources.entries import Head

LANDING = "landing:"
"""Prefix of inputs that are deliveries in the landing zone."""

MISSING = "never made"
OUTSIDE = "what it makes outside the lake is gone, or is not finished"
CODE = "its code or its configuration is another"
LOST = "a file of it is gone from the lake"
CHANGED = "{} changed"
DELIVERED = "its delivery changed"
FOLLOWS = "follows {}"


@dataclass(frozen=True)
class Lane:
    """Steps that share partitions and follow each other, and so share runs.

    Attributes:
        name: Name of the lane.
        steps: Its steps, in order.
        upstream: Lanes that must be done before it starts.
    """

    name: str
    steps: tuple[StepAsset, ...]
    upstream: frozenset[str]

    @property
    def light(self) -> bool:
        """Whether one run takes all partitions, since a run costs more than their work."""
        return all(step.light for step in self.steps)


def lanes(steps: Sequence[StepAsset]) -> dict[str, Lane]:
    """Group steps into lanes.

    Args:
        steps: Steps in an order in which each follows what it reads.

    Returns:
        Lanes by name, each after the lanes that it depends on.

    Raises:
        ValueError: Two steps of a lane are partitioned differently, or lanes wait for each other.
    """
    maker = {table.name: step.lane for step in steps for table in step.outputs}
    members: dict[str, list[StepAsset]] = defaultdict(list)
    for step in steps:
        members[step.lane].append(step)
    upstream = {
        name: frozenset(
            maker[table.name] for step in group for table in step.inputs if table.name in maker
        )
        - {name}
        for name, group in members.items()
    }
    for name, group in members.items():
        if any(step.partitions != group[0].partitions for step in group):
            raise ValueError(f"the steps of lane {name} are partitioned differently")
    ordered: dict[str, Lane] = {}
    while len(ordered) < len(members):
        ready = [name for name in members if name not in ordered and upstream[name] <= set(ordered)]
        if not ready:
            raise ValueError(f"lanes wait for each other: {sorted(set(members) - set(ordered))}")
        ordered |= {name: Lane(name, tuple(members[name]), upstream[name]) for name in ready}
    return ordered


class State:
    """The current files of a namespace, to be asked what is stale.

    Args:
        heads: Current file of each table and partition.
        fixed: Partition keys of each table that has a fixed set of them.
        fingerprint: Gives the fingerprint of a delivery as it lies in the landing zone now.
        is_there: Whether a file that the catalog names is in the lake.
        read_through: Tables that the namespace has not built itself. What stands beside the lake
            of them is production's.
    """

    def __init__(
        self,
        heads: Mapping[tuple[str, str], Head],
        fixed: Mapping[str, Sequence[str]],
        fingerprint: Callable[[str], str | None],
        is_there: Callable[[Head], bool],
        read_through: Collection[str] = (),
    ) -> None:
        self._tables: dict[str, dict[str, Head]] = defaultdict(dict)
        for (table, partition), head in heads.items():
            self._tables[table][partition] = head
        self._fixed = fixed
        self._fingerprint = fingerprint
        self._is_there = is_there
        self._read_through = read_through
        self._digests: dict[tuple[str, str], str] = {}

    def why(self, step: StepAsset, partition: str | None) -> str | None:
        """Why a step has to run; None where its outputs are what it would write now."""
        why = self.why_in_lake(step, partition)
        built = any(table.name not in self._read_through for table in step.outputs)
        if why is not None or not built or step.stands is None:
            return why
        return None if self.is_left_out(step) or step.stands() else OUTSIDE

    def why_in_lake(self, step: StepAsset, partition: str | None) -> str | None:
        """The same of its outputs in the lake alone, whatever it makes beside the lake."""
        if self.is_left_out(step):
            return None
        key = partition or WHOLE
        for table in step.outputs:
            head = self._tables[table.name].get(key)
            if head is None:
                return MISSING
            if head.code_version != step.code_version:
                return CODE
            if not self._is_there(head):
                return LOST
            for i in head.inputs:
                if self._now(i.table, i.partition) != i.digest:
                    return DELIVERED if i.table.startswith(LANDING) else CHANGED.format(i.table)
        return None

    def is_left_out(self, step: StepAsset) -> bool:
        """Whether a step was never made and has nothing to do, as for a type without records.

        Where one of its partitions was made, all are: who reads a table needs the whole of it.
        """
        return (
            bool(step.only_with)
            and not any(self._tables[table.name] for table in step.outputs)
            and not any(self._has_any(table.name, place) for table, place in step.only_with)
        )

    def _has_any(self, table: str, place: str) -> bool:
        """Whether a partition is there, or one that holds some facets."""
        heads, facets = self._tables[table], facets_at(place)
        return place in heads if facets is None else bool(holding(heads, facets))

    def is_frozen(self, step: StepAsset, partition: str | None) -> bool:
        """Whether nothing that comes in makes a step stale: it is settled, and lacked nothing."""
        return step.settled and not self._read(step, partition)

    def _read(self, step: StepAsset, partition: str | None) -> list[str]:
        """Tables from which a step follows; of a settled one those that were recorded as inputs."""
        if not step.settled:
            return [table.name for table in step.inputs]
        heads = (self._tables[table.name].get(partition or WHOLE) for table in step.outputs)
        return [i.table for head in heads if head is not None for i in head.inputs]

    def _now(self, table: str, partition: str) -> str:
        if table.startswith(LANDING):
            return self._fingerprint(table.removeprefix(LANDING)) or ""
        place = (table, partition)
        if place not in self._digests:
            heads: Mapping[str, Head] = self._tables[table]
            if partition == "*" and table in self._fixed:
                heads = {key: heads[key] for key in self._fixed[table] if key in heads}
            self._digests[place] = digest(heads, partition) or ""
        return self._digests[place]

    def reasons(self, lane: Lane, partition: str | None) -> dict[str, str]:
        """Why steps of a lane have to run, by their names.

        Those are the stale ones, and those that follow from them.
        """
        found: dict[str, str] = {}
        touched: dict[str, str] = {}
        for step in lane.steps:
            why = self.why(step, partition)
            if why is None:
                follows = [touched[name] for name in self._read(step, partition) if name in touched]
                why = FOLLOWS.format(follows[0]) if follows else None
            if why is not None:
                found[step.name] = why
                touched |= {table.name: step.name for table in step.outputs}
        return found

    def stale(self, lane: Lane, partition: str | None) -> tuple[StepAsset, ...]:
        """The steps of a lane that have to run: the stale ones, and what follows from them."""
        reasons = self.reasons(lane, partition)
        return tuple(step for step in lane.steps if step.name in reasons)
