"""Locks between processes that end with the process that holds them."""

from __future__ import annotations

import fcntl
import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import sqlalchemy as sa

    from resources.settings import Settings

_log = logging.getLogger(__name__)

_KEEPALIVE = """
SET tcp_keepalives_idle = 30;
SET tcp_keepalives_interval = 10;
SET tcp_keepalives_count = 3
"""
"""A machine that lost its power is found out after a minute; Postgres would wait for hours."""


class Busy(Exception):
    """Another process holds the lock."""


@contextmanager
def exclusive(path: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold a lock of this machine while the block runs.

    The operating system releases it when the process ends, however it ends; a database row or a
    pool slot would stay behind after a kill and block everyone.

    Args:
        path: File that stands for the lock; made if it does not exist, never removed.
        wait: Whether to wait for another holder.

    Raises:
        Busy: Another process holds it and `wait` is false.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise Busy(str(path)) from None
        yield


@contextmanager
def lake_lock(settings: Settings, name: str, *, wait: bool = True) -> Iterator[None]:
    """Hold a lock of all machines that share a lake, while the block runs.

    With a catalog in Postgres it is an advisory lock of that database, which ends with the
    connection, and so with the process or the machine. A SQLite catalog is for one machine, and
    there it is a file.

    Args:
        settings: Which catalog, or which home.
        name: Name of the lock.
        wait: Whether to wait for another holder.

    Raises:
        Busy: Another process holds it and `wait` is false.
    """
    if not _in_postgres(settings):
        with exclusive(settings.home.absolute() / "locks" / f"{name}.lock", wait=wait):
            yield
        return
    with _connected(settings) as connection:
        if wait:
            connection.exec_driver_sql("SELECT pg_advisory_lock(%s)", (lock_key(name),))
        elif not _asked(connection, "pg_try_advisory_lock(%s)", name):
            raise Busy(name)
        try:
            yield
        except BaseException:
            # Where the database is away, the error says so, and nothing goes on beside another.
            _release(connection, name)
            raise
        if not _release(connection, name):
            # What was done is committed or is not; the lock only keeps work from being done twice.
            _log.warning(
                "the database was away while %s was locked: another process may have worked beside "
                "this one; the catalog is whole all the same",
                name,
            )


def is_held(settings: Settings, name: str) -> bool:
    """Whether some process holds a lock of all machines.

    Raises:
        ValueError: The catalog is no Postgres database.
    """
    if not _in_postgres(settings):
        raise ValueError("only locks in a Postgres catalog are seen from other machines")
    with _connected(settings) as connection:
        free = _asked(connection, "pg_try_advisory_lock_shared(%s)", name)
        if free:
            connection.exec_driver_sql("SELECT pg_advisory_unlock_shared(%s)", (lock_key(name),))
        return not free


def lock_key(name: str) -> int:
    """The number that stands for a lock in Postgres: 64 bits of a hash, with sign."""
    found = hashlib.sha256(f"dramatis/{name}".encode()).digest()
    return int.from_bytes(found[:8], "big", signed=True)


def _in_postgres(settings: Settings) -> bool:
    return settings.catalog_url.startswith("postgresql")


@contextmanager
def _connected(settings: Settings) -> Iterator[sa.Connection]:
    import sqlalchemy as sa

    from resources.databases import CATALOG, named

    # A connection of its own: the lock belongs to it, and a pool would give it to others.
    engine = sa.create_engine(
        settings.catalog_url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT"
    )
    with named(engine, CATALOG).connect() as connection:
        connection.exec_driver_sql(_KEEPALIVE)
        yield connection


def _asked(connection: sa.Connection, call: str, name: str) -> bool:
    return bool(connection.exec_driver_sql(f"SELECT {call}", (lock_key(name),)).scalar())


def _release(connection: sa.Connection, name: str) -> bool:
    """Give a lock back; say whether it was still held."""
    import sqlalchemy as sa

    try:
        connection.exec_driver_sql("SELECT pg_advisory_unlock(%s)", (lock_key(name),))
    except sa.exc.DBAPIError:
        connection.invalidate()
        return False
    return True
