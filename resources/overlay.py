"""A lake that reads what another namespace reads, and writes to one of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from resources.catalog_schema import ENTRIES, FILES, HEADS, NAMESPACES
from resources.errors import refuse_production
from resources.lake import Lake

if TYPE_CHECKING:
    from resources.catalog import Catalog
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
        self.storage.drop(drop_namespace(self.catalog, self.namespace))


def drop_namespace(catalog: Catalog, namespace: str) -> list[str]:
    """Forget a namespace and its history at once, as nobody has worked in it.

    Args:
        catalog: The catalog.
        namespace: A scratch namespace.

    Returns:
        Paths of the files that nothing else needs.

    Raises:
        ProductionError: The namespace is production.
    """
    refuse_production(namespace)
    with catalog.writing() as connection:
        own = sa.select(ENTRIES.c.version).where(ENTRIES.c.namespace == namespace)
        digests = sa.select(FILES.c.digest).where(FILES.c.version.in_(own))
        every = sa.select(ENTRIES.c.version)
        # A layer that was compacted has no entry, and the digest of what swallowed it.
        swallowed = sa.select(FILES.c.version).where(
            FILES.c.digest.in_(digests), FILES.c.version.not_in(every)
        )
        versions = set(connection.execute(own).scalars())
        versions |= set(connection.execute(swallowed).scalars())
        # Its commits stay: SQLite would give the number of the last one to the next commit, and who
        # has read up to that number would not see it.
        for table in (HEADS, ENTRIES):
            connection.execute(sa.delete(table).where(table.c.namespace == namespace))
        connection.execute(sa.delete(NAMESPACES).where(NAMESPACES.c.name == namespace))
        paths: list[str] = []
        for version in sorted(versions):
            needed = sa.or_(
                sa.exists().where(ENTRIES.c.version == version),
                sa.exists().where(FILES.c.base == version),
            )
            if connection.execute(sa.select(needed)).scalar_one():
                continue
            gone = sa.delete(FILES).where(FILES.c.version == version).returning(FILES.c.path)
            paths += connection.execute(gone).scalars()
        return paths
