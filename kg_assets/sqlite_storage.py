"""Dagster's SQLite storage of a namespace, quick enough for many small runs and for the UI.

Dagster's own classes make an engine for every question, which compiles each statement anew: for
small tables that costs more than their work, and a page of the UI asks hundreds of questions. The
files are the same, and Dagster's own classes can read them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa
from dagster._core.storage.base_storage import DagsterStorage
from dagster._core.storage.runs.sqlite.sqlite_run_storage import SqliteRunStorage
from dagster._core.storage.schedules.sqlite.sqlite_schedule_storage import SqliteScheduleStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData

from kg_assets.asked_once import AskedOnce
from kg_assets.event_log import WarmEventLog


class _OneEngine:
    """A storage whose statements stay compiled."""

    _conn_string: str

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


class WarmRunStorage(_OneEngine, AskedOnce, SqliteRunStorage):
    """Runs and their tags."""

    def has_run_stats_index_cols(self) -> bool:
        """Whether the table of runs has the columns of their start and end."""
        return self.once("start and end", super().has_run_stats_index_cols)

    def has_backfill_id_column(self) -> bool:
        """Whether the table of runs has the column of their backfill."""
        return self.once("backfill", super().has_backfill_id_column)


class WarmScheduleStorage(_OneEngine, SqliteScheduleStorage):
    """Ticks and states of sensors and schedules."""


class WarmSqliteStorage(DagsterSqliteStorage):
    """The files that Dagster would write into its folder, through engines that stay."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        # Not Dagster's own, which would open the files with its own classes first.
        DagsterStorage.__init__(self)
        self.base_dir = base_dir
        self._inst_data = inst_data
        folder = Path(base_dir)
        self._run_storage = WarmRunStorage.from_local(str(folder / "history"))
        self._event_log_storage = WarmEventLog(str(folder / "history" / "runs"))
        self._schedule_storage = WarmScheduleStorage.from_local(str(folder / "schedules"))

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> Self:
        """Make it from a Dagster configuration."""
        return cls.from_local(inst_data=inst_data, **config_value)
