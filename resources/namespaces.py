"""The namespaces of a lake: listing them, and forgetting one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from resources import catalog_rows as rows
from resources.catalog_schema import COMMITS, ENTRIES, FILES, HEADS, NAMESPACES
from resources.errors import refuse_production
from resources.production import promotions, require
from resources.team_settings import PRODUCTION

if TYPE_CHECKING:
    from collections.abc import Iterable

    from resources.catalog import Catalog
    from resources.entries import Context, Head


@dataclass(frozen=True)
class Namespace:
    """A namespace.

    Attributes:
        name: Its name.
        pin: The commit of production that it reads through to.
        behind: Promotions and rollbacks since its pin.
        tables: How many tables it has built itself.
        time: When something was last committed in it; None: never.
    """

    name: str
    pin: int
    behind: int
    tables: int
    time: str | None


def namespaces(catalog: Catalog) -> list[Namespace]:
    """All namespaces but production, by name."""
    changes = [one.commit_id for one in promotions(catalog)]
    with catalog.reading() as connection:
        counted = sa.func.count(sa.distinct(HEADS.c.table_name)).label("tables")
        by_heads = sa.select(HEADS.c.namespace, counted).group_by(HEADS.c.namespace)
        tables = {row.namespace: row.tables for row in connection.execute(by_heads)}
        last = sa.select(COMMITS.c.namespace, sa.func.max(COMMITS.c.time).label("last"))
        last = last.group_by(COMMITS.c.namespace)
        times = {row.namespace: row.last for row in connection.execute(last)}
        query = sa.select(NAMESPACES).where(NAMESPACES.c.name != PRODUCTION)
        return [
            Namespace(
                row.name,
                row.pin,
                sum(commit > row.pin for commit in changes),
                tables.get(row.name, 0),
                times.get(row.name),
            )
            for row in connection.execute(query.order_by(NAMESPACES.c.name))
        ]


def remove(
    catalog: Catalog, namespace: str, *, history: bool = True, context: Context | None = None
) -> list[str]:
    """Forget a namespace. Its files go when they are too old and nothing else needs them.

    Args:
        catalog: The catalog.
        namespace: The namespace.
        history: Whether its history stays, and with it its files for a time. Of a scratch
            namespace, in which nobody has worked, neither does.
        context: Code and configuration of the program that does it.

    Returns:
        Paths of the files that nothing needs any more from now on; none where the history stays.

    Raises:
        PromotionError: There is no such namespace.
        ProductionError: The namespace is production.
    """
    refuse_production(namespace)
    with catalog.writing() as connection:
        require(connection, namespace)
        # Also without history commits stay: SQLite would give the number of the last one to the
        # next commit, and who has read up to that number would not see it.
        rows.add_commit(connection, namespace, "remove", context=context)
        rows.drop_tables(connection, namespace, None)
        connection.execute(sa.delete(NAMESPACES).where(NAMESPACES.c.name == namespace))
        return [] if history else _forget_history(connection, namespace)


def _forget_history(connection: sa.Connection, namespace: str) -> list[str]:
    """Forget what a namespace had; give the paths of the files that only it needed."""
    own = sa.select(ENTRIES.c.version).where(ENTRIES.c.namespace == namespace)
    digests = sa.select(FILES.c.digest).where(FILES.c.version.in_(own))
    every = sa.select(ENTRIES.c.version)
    # A layer that was compacted has no entry, and the digest of what swallowed it.
    swallowed = sa.select(FILES.c.version).where(
        FILES.c.digest.in_(digests), FILES.c.version.not_in(every)
    )
    versions = set(connection.execute(own).scalars())
    versions |= set(connection.execute(swallowed).scalars())
    connection.execute(sa.delete(ENTRIES).where(ENTRIES.c.namespace == namespace))
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


def take_over(
    catalog: Catalog, namespace: str, heads: Iterable[Head], *, context: Context | None = None
) -> None:
    """Let a namespace have partitions of its own that it has read through until now.

    A table of which a namespace makes some partitions is its own, all of it: what production has
    of it is read no more. Partitions that it would make just so need not be made for that.

    Args:
        catalog: The catalog.
        namespace: The namespace.
        heads: The partitions; those of tables that it has built itself are passed over.
        context: Code and configuration of the program that does it.
    """
    refuse_production(namespace)
    heads = list(heads)
    if not heads:
        return
    with catalog.writing() as connection:
        given = [each for each in heads if not rows.has_built(connection, namespace, each.table)]
        if given:
            commit_id = rows.add_commit(connection, namespace, "read through", context=context)
            tables = sorted({each.table for each in given})
            rows.replace_tables(connection, commit_id, namespace, tables, given)
