"""Dagster's SQLite storage of runs with one engine, for the runs of a build.

Dagster's own class makes an engine for every question, which compiles each statement anew. The file
is the same, so the UI reads it with Dagster's own class.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from dagster._core.storage.runs.sqlite.sqlite_run_storage import SqliteRunStorage


class WarmRunStorage(SqliteRunStorage):
    """A storage of runs whose statements stay compiled."""

    @classmethod
    def from_config_value(cls, inst_data, config_value):
        """Make it from a Dagster configuration."""
        return cls.from_local(inst_data=inst_data, **config_value)

    @contextmanager
    def connect(self) -> Iterator[sa.Connection]:
        """A connection of its own, in a transaction."""
        engine: sa.Engine | None = self.__dict__.get("_engine")
        if engine is None:
            # Connections are not kept: those of a parent must not be used in its children.
            engine = sa.create_engine(self._conn_string, poolclass=sa.pool.NullPool)
            self.__dict__["_engine"] = engine
        with engine.connect() as connection, connection.begin():
            yield connection
