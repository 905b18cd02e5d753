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
    from resources.catalog import Catalog
    from resources.entries import Context


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
