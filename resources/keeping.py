"""What the catalog forgets after a time: old versions that nobody needs any more.

A version is kept while it is current in a namespace, for `Settings.keep_days` after it ceased to
be, while a namespace's pin or one of the last `Settings.keep_promotions` promotions names it, and
while a version that is kept lies over it. The history says of the others when they were removed.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import sqlalchemy as sa

from resources import catalog_rows as rows
from resources.catalog_schema import COMMITS, ENTRIES, FILES, NAMESPACES, PROMOTIONS
from resources.team_settings import PRODUCTION

if TYPE_CHECKING:
    from resources.catalog import Catalog
    from resources.entries import Head

KEEPS = "keeps"
"""Name under which the figures of a promotion say how long production is kept at the least: the
``days`` and ``promotions`` of who promoted, whatever others have configured."""

_AT_ONCE = 500
"""Versions named in one statement; SQLite allows 32,766 parameters."""


def forget(catalog: Catalog, *, keep_seconds: float, keep_promotions: int) -> set[str]:
    """Note versions that nobody needs as removed; their files are then those of nobody.

    Args:
        catalog: The catalog.
        keep_seconds: For how long after it ceased to be current a version is kept, and layers
            that were compacted after they were written.
        keep_promotions: How many of production's last promotions can be gone back to.

    Returns:
        Names of the folders of what was published with promotions that are kept.
    """
    horizon = datetime.now(UTC) - timedelta(seconds=keep_seconds)
    ended = horizon.isoformat(timespec="milliseconds")
    with catalog.writing() as connection:
        kept, folders = _kept_production(connection, ended, keep_promotions)
        others = sa.and_(ENTRIES.c.namespace == PRODUCTION, ENTRIES.c.commit_id.not_in(kept))
        connection.execute(sa.delete(ENTRIES).where(others))
        needed = sa.select(ENTRIES.c.version).where(
            sa.or_(
                ENTRIES.c.namespace == PRODUCTION,
                ENTRIES.c.ended.is_(None),
                ENTRIES.c.ended > ended,
            )
        )
        every = sa.select(FILES.c.version, FILES.c.base)
        there = connection.execute(every.where(FILES.c.removed.is_(None))).fetchall()
        base = {row.version: row.base for row in there}
        wanted = set(connection.execute(needed).scalars()) & set(base)
        # Versions begin with the time at which they were written.
        young = f"{horizon:%Y%m%dT%H%M%S%f}"
        wanted |= {row.version for row in there if row.base is not None and row.version > young}
        waiting = list(wanted)
        while waiting:
            below = base.get(waiting.pop())
            if below is not None and below not in wanted:
                wanted.add(below)
                waiting.append(below)
        gone = [row.version for row in there if row.version not in wanted and row.version <= young]
        moment = rows.now()
        for first in range(0, len(gone), _AT_ONCE):
            marked = sa.update(FILES).where(FILES.c.version.in_(gone[first : first + _AT_ONCE]))
            connection.execute(marked.values(removed=moment))
        return folders


def kept(catalog: Catalog, table: str) -> list[Head]:
    """Every version of a table whose file is kept, of whatever namespace, each once."""
    with catalog.reading() as connection:
        query = rows.entries().where(ENTRIES.c.table_name == table, FILES.c.removed.is_(None))
        found = {each.file.version: each for each in map(rows.head, connection.execute(query))}
        return rows.with_below(connection, found.values())


def _kept_production(
    connection: sa.Connection, ended: str, keep_promotions: int
) -> tuple[set[int], set[str]]:
    """Commits of production that are needed, and the folders of what was published with them."""
    history = connection.execute(sa.select(PROMOTIONS).order_by(PROMOTIONS.c.id)).fetchall()
    declared = json.loads(history[-1].figures).get(KEEPS, {}) if history else {}
    keep_promotions = max(keep_promotions, declared.get("promotions", 1))
    days = datetime.now(UTC) - timedelta(days=declared.get("days", 0))
    ended = min(ended, days.isoformat(timespec="milliseconds"))
    commits = list(
        connection.execute(
            sa.select(COMMITS.c.id, COMMITS.c.time)
            .where(COMMITS.c.namespace == PRODUCTION)
            .order_by(COMMITS.c.id)
        )
    )
    kept = {commits[-1].id} if commits else set()
    # What ceased to be production at the time of the next commit.
    kept |= {one.id for one, after in pairwise(commits) if after.time > ended}
    pins = sa.select(NAMESPACES.c.pin).where(NAMESPACES.c.name != PRODUCTION)
    for pin in connection.execute(pins).scalars():
        kept |= set([one.id for one in commits if one.id <= pin][-1:])
    last = [row for row in history if row.back_to is None][-keep_promotions:]
    kept |= {row.commit_id for row in last}
    return kept, {row.files for row in history if row.commit_id in kept}
