"""A lake that reads what another namespace reads, and writes to one of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resources.lake import Lake
from resources.namespaces import remove

if TYPE_CHECKING:
    from resources.entries import Head
    from resources.settings import Settings
    from resources.table import Table


class Overlay(Lake):
    """A scratch namespace over another one.

    Unlike namespaces that people work in, it lays single partitions over those below: a step that
    is tried again finds its own last version, its inputs and what it has just written as the step
    that failed would.

    Args:
        settings: Their namespace is the one that is written.
        below: The namespace that is read, which may be production.
    """

    def __init__(self, settings: Settings, below: str) -> None:
        super().__init__(settings)
        self._below = below

    def heads(self, table: Table, partition: str | None = None) -> dict[str, Head]:
        """Current files of a table by partition, of all or of one."""
        own = {
            place: head
            for (name, place), head in self.catalog.own_heads_since(self.namespace, 0).items()
            if name == table.name and partition in (None, place)
        }
        return self.below(table, partition) | own

    def below(self, table: Table, partition: str | None = None) -> dict[str, Head]:
        """The same as the namespace below sees them."""
        return self.catalog.heads(self._below, table.name, partition)

    def remove(self) -> None:
        """Forget the scratch namespace, with all files that only it needed."""
        self.storage.drop(remove(self.catalog, self.namespace, history=False))
