"""The namespaces of a lake: listing them, and forgetting one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from resources import catalog_rows as rows
from resources.catalog_schema import COMMITS, HEADS, NAMESPACES
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


def remove(catalog: Catalog, namespace: str, *, context: Context | None = None) -> None:
    """Forget a namespace. Its files go when they are too old and nothing else needs them.

    Raises:
        PromotionError: There is no such namespace.
    """
    refuse_production(namespace)
    with catalog.writing() as connection:
        require(connection, namespace)
        rows.add_commit(connection, namespace, "remove", context=context)
        rows.drop_tables(connection, namespace, None)
        connection.execute(sa.delete(NAMESPACES).where(NAMESPACES.c.name == namespace))


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
