"""The database of the catalog: SQLite for one machine, Postgres for several."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

import sqlalchemy as sa

from resources.databases import CATALOG, named, prepare_sqlite
from resources.lock import lock_key

_WRITER = lock_key("catalog")


def open_engine(url: str) -> sa.Engine:
    """Open a catalog's database.

    Args:
        url: SQLAlchemy address. The file of a SQLite database is made if it does not exist.
    """
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite":
        # A lake is opened anew for each step, and a connection takes long to make.
        return _shared_engine(url, os.getpid())
    if parsed.database not in (None, "", ":memory:"):
        Path(str(parsed.database)).parent.mkdir(parents=True, exist_ok=True)
    engine = named(sa.create_engine(parsed), CATALOG)
    sa.event.listen(engine, "connect", prepare_sqlite)
    return engine


def begin_writing(connection: sa.Connection) -> None:
    """Begin a transaction that holds the write lock from its start."""
    if connection.dialect.name == "sqlite":
        # A transaction that reads first and then writes would fail, rather than wait, when
        # another process has written in between.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        return
    connection.begin()
    # One writer at a time, as in SQLite: readers go by the order of commits.
    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (_WRITER,))


@lru_cache(maxsize=8)
def _shared_engine(url: str, _process: int) -> sa.Engine:
    """The engine of a database, one a process: a child must not use its parent's connections."""
    # A connection may have ended since it was last used: the database was restarted.
    return named(sa.create_engine(url, pool_pre_ping=True), CATALOG)
