"""Dagster's SQLite event log with connections that stay open, for the runs of a build.

Dagster's own class makes an engine and a connection for every event, which compiles each statement
anew, and runs its migrations for the file of each run: for small tables that costs more than their
work. The files are the same, so the UI reads them with Dagster's own class.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import sqlalchemy as sa
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.sqlite.sqlite_event_log import (
    INDEX_SHARD_NAME,
    SqliteEventLogStorage,
)

_OPEN_SHARDS = 4
"""Engines kept: the index, and the runs that are being executed."""

_BUSY_SECONDS = 60

BATCH_SIZE = {"DAGSTER_EVENT_BATCH_SIZE": "1000"}
"""What Dagster reads from the environment: how many events it stores at once where it can, which
are those that a run plans. By default it stores each by itself."""


class WarmEventLog(SqliteEventLogStorage):
    """An event log whose connections stay open while a run is written."""

    @classmethod
    def from_config_value(cls, inst_data, config_value):
        """Make it from a Dagster configuration."""
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[sa.Connection]:
        held: dict[str, sa.Connection] = self.__dict__.get("_together", {})
        if held and self.__dict__["_owner"] == threading.get_ident():
            yield held[shard]
            return
        with self._db_lock, self._opened(shard) as connection:
            yield connection

    @contextmanager
    def _opened(self, shard: str) -> Iterator[sa.Connection]:
        if shard not in self._initialized_dbs:
            self._make_shard(shard)
        engine = self._engine(shard)
        if shard not in self._initialized_dbs:
            self._initdb(engine)
            self._initialized_dbs.add(shard)
        with engine.connect() as connection, connection.begin():
            yield connection

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store events of a run in one transaction of each file, and not in one for each event."""
        (run_id,) = {event.run_id for event in events}
        with self._db_lock, ExitStack() as opened:
            self.__dict__["_owner"] = threading.get_ident()
            self.__dict__["_together"] = {
                shard: opened.enter_context(self._opened(shard))
                for shard in (run_id, INDEX_SHARD_NAME)
            }
            try:
                super().store_event_batch(events)
            finally:
                self.__dict__["_together"] = {}

    def has_table(self, table_name: str) -> bool:
        """Whether a table is there; none is ever removed."""
        known: set[str] = self.__dict__.setdefault("_tables", set())
        if table_name not in known and super().has_table(table_name):
            known.add(table_name)
        return table_name in known

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

    def _make_shard(self, shard: str) -> None:
        """Make the file of a run as a copy of an empty one, where it is not there."""
        path = Path(self.path_for_shard(shard))
        if shard == INDEX_SHARD_NAME or path.exists():
            return
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.write_bytes(self._empty_shard())
        try:
            # Not a rename: another process may have made it meanwhile, and written to it.
            path.hardlink_to(draft)
        except FileExistsError:
            return
        finally:
            draft.unlink()
        self._initialized_dbs.add(shard)

    def _empty_shard(self) -> bytes:
        """The content of a run's file without events, with Dagster's tables and their version."""
        if "_empty" not in self.__dict__:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "empty.db"
                engine = sa.create_engine(f"sqlite:///{path}", poolclass=sa.pool.NullPool)
                self._initdb(engine)
                engine.dispose()
                # The last connection that closes leaves all in the one file.
                self.__dict__["_empty"] = path.read_bytes()
        return self.__dict__["_empty"]

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
