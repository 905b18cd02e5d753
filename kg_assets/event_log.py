"""Dagster's SQLite event log with connections that stay open, for runs and for the UI.

Dagster's own class makes an engine and a connection for every event and every question, which
compiles each statement anew, and runs its migrations for the file of each run. For small tables
that costs more than their work, and a page of the UI asks hundreds of questions. The files are the
same.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import sqlalchemy as sa
from dagster._core.event_api import EventHandlerFn
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.base import AssetRecord
from dagster._core.storage.event_log.sqlite.sqlite_event_log import (
    INDEX_SHARD_NAME,
    SqliteEventLogStorage,
    SqliteEventLogStorageWatchdog,
)
from watchdog.events import FileSystemEvent
from watchdog.observers import Observer

from kg_assets.asked_once import AskedOnce

_OPEN_SHARDS = 4
"""Engines kept: the index, and the runs that are being executed."""

_BUSY_SECONDS = 60

BATCH_SIZE = {"DAGSTER_EVENT_BATCH_SIZE": "1000"}
"""What Dagster reads from the environment: how many events it stores at once where it can, which
are those that a run plans. By default it stores each by itself."""


class WarmEventLog(AskedOnce, SqliteEventLogStorage):
    """An event log whose connections stay open, and that asks only once what will not change."""

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
        return self.once(f"table {table_name}", partial(super().has_table, table_name))

    def has_asset_key_col(self, column_name: str) -> bool:
        """Whether the table of assets has a column; none is ever removed."""
        return self.once(f"column {column_name}", partial(super().has_asset_key_col, column_name))

    def has_secondary_index(self, name: str) -> bool:
        """Whether a migration of Dagster's was made; none is ever taken back."""
        return self.once(f"migration {name}", partial(super().has_secondary_index, name))

    def get_asset_records(
        self, asset_keys: Sequence[dg.AssetKey] | None = None
    ) -> Sequence[AssetRecord]:
        """Records of assets, each read once until something in the index changes.

        To tell whether an asset is stale the UI asks for the record of each of its parents, one by
        one, and documents alone have 37 of them.
        """
        if asset_keys is None:
            return super().get_asset_records()
        known = self._since_change()
        unknown = [key for key in asset_keys if key not in known]
        if unknown:
            found = {
                each.asset_entry.asset_key: each for each in super().get_asset_records(unknown)
            }
            known |= {key: found.get(key) for key in unknown}
        # In Dagster's order.
        keys = sorted({*asset_keys}, key=dg.AssetKey.to_string)
        return [record for key in keys if (record := known[key]) is not None]

    def get_dynamic_partitions(self, partitions_def_name: str) -> Sequence[str]:
        """Keys of partitions, read once until something in the index changes."""
        known = self._since_change()
        if partitions_def_name not in known:
            known[partitions_def_name] = super().get_dynamic_partitions(partitions_def_name)
        return list(known[partitions_def_name])

    def _since_change(self) -> dict[Any, Any]:
        """What was read of the index since anybody last wrote to it; what is read is added to it.

        It is as large as the number of assets and partitions.
        """
        with self.index_connection() as connection:
            own = connection.connection.dbapi_connection.total_changes
            # Says whether another connection, also of another process, has written.
            others = connection.exec_driver_sql("PRAGMA data_version").scalar_one()
            kept = connection.info
            if kept.get("changes") != (own, others):
                # Anew, since another thread may still add what it has read before.
                kept["changes"], kept["read"] = (own, others), {}
            return kept["read"]

    def watch(self, run_id: str, cursor: str | None, callback: EventHandlerFn) -> None:
        """Call back for each event of a run that is written from now on."""
        if not self._obs:
            self._obs = Observer()
            self._obs.start()
        watchdog = _Watchdog(self, run_id, callback, cursor)
        self._watchers[run_id][callback] = (
            watchdog,
            self._obs.schedule(watchdog, self._base_dir, recursive=True),
        )

    def delete_events(self, run_id: str) -> None:
        """Remove a run's events, and the file that held them, which Dagster would leave."""
        with self.index_connection() as connection:
            self.delete_events_for_run(connection, run_id)
        self.free_concurrency_slots_for_run(run_id)
        with self._db_lock:
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


class _Watchdog(SqliteEventLogStorageWatchdog):
    """Sees what is written to a run's file while the writer keeps it open.

    Then it is in the write-ahead log alone, which Dagster's own class does not look at.
    """

    @property
    def patterns(self) -> list[str]:
        """Paths that are looked at."""
        return [self._log_path, f"{self._log_path}-wal"]

    def on_modified(self, _event: FileSystemEvent) -> None:
        """Pass on what is new."""
        self._process_log()


def _relax(connection, _record) -> None:
    # In write-ahead mode a killed process loses nothing; only a power cut can lose last events.
    connection.execute("PRAGMA synchronous = NORMAL")
