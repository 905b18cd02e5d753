"""What an update would make now, and a hash of that state, by which it is told from others."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kg_assets.build import assemble
from kg_assets.current_state import partition_keys, state_of
from kg_assets.planning import lanes
from kg_assets.sources.landing import LandingError, fingerprint, is_complete, list_deliveries
from kg_assets.sources.tables import DELIVERIES
from kg_assets.summary import SOURCES
from resources.lake import Lake

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kg_assets.sources.landing import Delivery, Refused
    from resources.settings import Settings


@dataclass(frozen=True)
class Pending:
    """What is out of date.

    Attributes:
        deliveries: Keys of complete deliveries that have to be read, or read again.
        others: What else has to be made, as labels of ``kg build --only``.
        complete: How many deliveries are complete.
        incomplete: How many are still being written.
        refused: What in the landing zone is not read, and why.
        state: Hash of all that decides what an update would do: an update that ends in the state
            in which it began would do the same again.
    """

    deliveries: tuple[str, ...]
    others: tuple[str, ...]
    complete: int
    incomplete: int
    refused: tuple[Refused, ...]
    state: str

    @property
    def is_any(self) -> bool:
        """Whether anything is out of date."""
        return bool(self.deliveries or self.others)

    def __str__(self) -> str:
        """In words, for people."""
        named = [f"the delivery {key}" for key in self.deliveries] + list(self.others)
        more = len(named) - _NAMED
        return ", ".join(named[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")


_NAMED = 8
"""How many are named."""


def pending(settings: Settings) -> Pending:
    """Look what is out of date; nothing is written and no table is opened.

    Texts that wait for the language model do not count: they have a sensor of their own.

    Args:
        settings: Where things lie, and the namespace.
    """
    lake = Lake(settings)
    deliveries, refused = list_deliveries(settings.landing_path, settings.namespace)
    now = time.time()
    complete = {one.key: one for one in deliveries if is_complete(one, now, settings.quiet_seconds)}
    assembly = assemble(settings.with_paused_model())
    heads = lake.catalog.all_heads(settings.namespace)
    own = lake.catalog.own_tables(settings.namespace)
    state = state_of(heads, assembly, lake.storage, complete, own=own)
    versions = {step.name: step.code_version for step in assembly.steps}
    unread: set[str] = set()
    others = []
    told = [f"{table}\t{part}\t{head.file.digest}" for (table, part), head in sorted(heads.items())]
    for lane in lanes(assembly.steps).values():
        for key in partition_keys(lane, complete):
            for name, why in state.reasons(lane, key).items():
                label = name if key is None else f"{name}@{key}"
                told.append(f"{label}\t{why}\t{versions[name]}")
                if lane.name == SOURCES:
                    unread.add(str(key))
                else:
                    others.append(label)
    if not complete and not any(table == DELIVERIES.name for table, _ in heads):
        others = []  # before anything was delivered there is nothing to make a graph of
    told += [f"{key}\t{_fingerprint(complete, key)}" for key in sorted(unread)]
    return Pending(
        deliveries=tuple(sorted(unread)),
        others=tuple(others),
        complete=len(complete),
        incomplete=len(deliveries) - len(complete),
        refused=tuple(refused),
        state=hashlib.sha256("\n".join(told).encode()).hexdigest(),
    )


def _fingerprint(deliveries: Mapping[str, Delivery], key: str) -> str:
    try:
        return fingerprint(deliveries[key])
    except LandingError as error:
        return str(error)
