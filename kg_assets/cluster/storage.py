"""Dagster's Postgres storage with connections that stay open.

Dagster's own class makes a connection for every event: a process of the server, and a login. For
small tables that costs more than their work.
"""

from __future__ import annotations

from typing import Any, Self

import sqlalchemy as sa
from dagster._core.storage.base_storage import DagsterStorage
from dagster._serdes import ConfigurableClassData
from dagster_postgres import (
    DagsterPostgresStorage,
    PostgresEventLogStorage,
    PostgresRunStorage,
    PostgresScheduleStorage,
)
from dagster_postgres.utils import pg_url_from_config, set_pg_statement_timeout

from resources.databases import DAGSTER, named

_MOST_CONNECTIONS = 20


class _Kept:
    """A part of the storage that keeps the engine that it was given, also in the webserver."""

    _engine: sa.Engine

    def optimize_for_webserver(
        self, statement_timeout: int, pool_recycle: int, max_overflow: int
    ) -> None:
        """Limit how long a statement may take, in milliseconds.

        Dagster makes a new engine here, whose connections are not tried before they are used: after
        a restart of the database each would fail once. What it would have of that engine is ours.
        """
        del pool_recycle, max_overflow
        sa.event.listen(
            self._engine,
            "connect",
            lambda connection, _: set_pg_statement_timeout(connection, statement_timeout),
        )


class _Runs(_Kept, PostgresRunStorage):
    """Runs and their tags."""


class _Events(_Kept, PostgresEventLogStorage):
    """Events of runs."""


class _Schedules(_Kept, PostgresScheduleStorage):
    """Ticks and states of sensors and schedules."""


class WarmPostgresStorage(DagsterPostgresStorage):
    """The same tables, through a pool of connections that are tried before they are used."""

    def __init__(self, postgres_url: str, inst_data: ConfigurableClassData | None = None) -> None:
        # Not Dagster's own, which would make other parts.
        DagsterStorage.__init__(self)
        self.postgres_url = postgres_url
        self.should_autocreate_tables = True
        self._inst_data = inst_data
        self._run_storage = _Runs(postgres_url)
        self._event_log_storage = _Events(postgres_url)
        self._schedule_storage = _Schedules(postgres_url)
        engine = sa.create_engine(
            postgres_url,
            isolation_level="AUTOCOMMIT",
            pool_size=1,
            max_overflow=_MOST_CONNECTIONS,
            # The database may have been restarted since.
            pool_pre_ping=True,
        )
        for part in (self._run_storage, self._event_log_storage, self._schedule_storage):
            part._engine = named(engine, DAGSTER)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> Self:
        """Make it from a Dagster configuration."""
        return cls(pg_url_from_config(config_value), inst_data)
