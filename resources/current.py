"""What is current in a namespace, read once and then kept up to date with little reading."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resources.catalog import Catalog
    from resources.entries import Head


class CurrentHeads:
    """Current versions of all tables of a namespace.

    A build asks after each lane what is stale. Reading all that is current each time would cost
    it more, with a thousand deliveries and shards, than many a lane.

    Args:
        catalog: The catalog.
        namespace: The namespace.
    """

    def __init__(self, catalog: Catalog, namespace: str) -> None:
        self._catalog = catalog
        self._namespace = namespace
        self._pin: int | None = None
        self._newest = 0
        self._own: set[str] = set()
        self._heads: dict[tuple[str, str], Head] = {}

    def now(self) -> Mapping[tuple[str, str], Head]:
        """Current version of each table and partition, as the namespace sees it."""
        # Asked first: a commit that comes meanwhile is then read again the next time.
        newest, pin = self._catalog.newest(), self._catalog.pin(self._namespace)
        if self._pin is None or pin != self._pin:
            self._heads = self._catalog.all_heads(self._namespace)
            self._own = set()
        elif newest != self._newest:
            changed = self._catalog.own_heads_since(self._namespace, self._newest)
            for table in {table for table, _ in changed} - self._own:
                # A table that was production's until now is the namespace's own, all of it.
                whole = self._catalog.heads(self._namespace, table)
                self._heads = {key: head for key, head in self._heads.items() if key[0] != table}
                self._heads |= {(table, partition): head for partition, head in whole.items()}
                self._own.add(table)
            self._heads |= changed
        self._pin, self._newest = pin, newest
        return self._heads
