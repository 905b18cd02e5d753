"""Dagster's Postgres storage with connections that stay open.

Dagster's own class makes a connection for every event: a process of the server, and a login. For
small tables that costs more than their work.
"""

from __future__ import annotations

from typing import Any, Self

import sqlalchemy as sa
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage
from dagster_postgres.utils import pg_url_from_config

from resources.databases import DAGSTER, named

_MOST_CONNECTIONS = 20


class WarmPostgresStorage(DagsterPostgresStorage):
    """The same tables, through a pool of connections that are tried before they are used."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        engine = sa.create_engine(
            self.postgres_url,
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
        return cls(postgres_url=pg_url_from_config(config_value), inst_data=inst_data)
