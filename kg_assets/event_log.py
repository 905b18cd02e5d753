"""Dagster's SQLite event log with connections that stay open, for the runs of a build.

Dagster's own class makes an engine and a connection for every event, which compiles each statement
anew: for small tables that costs more than their work. The files are the same, so the UI reads
them with Dagster's own class.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from dagster._core.storage.event_log.sqlite.sqlite_event_log import (
    INDEX_SHARD_NAME,
    SqliteEventLogStorage,
)

_OPEN_SHARDS = 4
"""Engines kept: the index, and the runs that are being executed."""

_BUSY_SECONDS = 60


class WarmEventLog(SqliteEventLogStorage):
    """An event log whose connections stay open while a run is written."""

    @classmethod
    def from_config_value(cls, inst_data, config_value):
        """Make it from a Dagster configuration."""
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[sa.Connection]:
        with self._db_lock:
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.connect() as connection, connection.begin():
                yield connection

    def delete_events(self, run_id: str) -> None:
        """Remove a run's events, and the file that held them, which Dagster would leave."""
        with self.index_connection() as connection:
            self.delete_events_for_run(connection, run_id)
        self.free_concurrency_slots_for_run(run_id)
        engines: OrderedDict[str, sa.Engine] = self.__dict__.get("_engines", OrderedDict())
        if run_id in engines:
            engines.pop(run_id).dispose()
        for ending in ("", "-wal", "-shm"):
            Path(self.path_for_shard(run_id) + ending).unlink(missing_ok=True)

    def _engine(self, shard: str) -> sa.Engine:
        engines: OrderedDict[str, sa.Engine] = self.__dict__.setdefault("_engines", OrderedDict())
        if shard not in engines:
            engines[shard] = sa.create_engine(
                self.conn_string_for_shard(shard),
                poolclass=sa.pool.StaticPool,
                connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False},
            )
            sa.event.listen(engines[shard], "connect", _relax)
        engines.move_to_end(shard)
        for old in list(engines)[: max(0, len(engines) - _OPEN_SHARDS)]:
            if old != INDEX_SHARD_NAME:
                engines.pop(old).dispose()
        return engines[shard]


def _relax(connection, _record) -> None:
    # In write-ahead mode a killed process loses nothing; only a power cut can lose last events.
    connection.execute("PRAGMA synchronous = NORMAL")
