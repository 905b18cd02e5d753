"""One database, SQLite or Postgres, of which all writes go through one thread in groups."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from resources.databases import LLM_STORE, named, prepare_sqlite
from resources.llm.schema import METADATA

T = TypeVar("T")

GROUP = 256
"""Operations in one transaction at most; so many requests rarely come at once."""

WRITE_LOCK = 0x6B67_6C6C_6D00
"""Number of the Postgres lock that a writing transaction holds; the letters are "kgllm"."""


@dataclass
class _Job:
    operation: Callable[[sa.Connection], Any]
    writes: bool
    future: Future[Any] = field(default_factory=Future)


class Database:
    """The tables of the language model.

    Each commit waits for the disk. Requests that come while it does are put into one transaction,
    so that 64 of them at once pay for a few commits, and the thread of the caller never waits for
    a lock that another process holds.

    Args:
        url: SQLAlchemy address.
    """

    def __init__(self, url: str) -> None:
        parsed = sa.make_url(url)
        self.sqlite = parsed.get_backend_name() == "sqlite"
        if self.sqlite and parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        self._engine = named(sa.create_engine(parsed), LLM_STORE)
        if self.sqlite:
            sa.event.listen(self._engine, "connect", prepare_sqlite)
        with self._engine.connect() as connection:
            self._begin(connection, writes=True)
            METADATA.create_all(connection)
            connection.commit()
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def submit(self, operation: Callable[[sa.Connection], T], *, writes: bool = True) -> Future[T]:
        """Run an operation in a transaction.

        Args:
            operation: Gets the connection. It may be run again if the transaction fails.
            writes: Whether it changes anything.

        Returns:
            The future result, given when the transaction is committed.
        """
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="kg-llm-store", daemon=True)
                self._thread.start()
        job = _Job(operation, writes)
        self._jobs.put(job)
        return job.future

    def run(self, operation: Callable[[sa.Connection], T], *, writes: bool = True) -> T:
        """As `submit`, and wait for the result."""
        return self.submit(operation, writes=writes).result()

    def now(self, connection: sa.Connection) -> int:
        """Unix microseconds; by the clock of the server, where there is one for all."""
        if self.sqlite:
            return time.time_ns() // 1000
        clock = sa.text("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
        return int(connection.execute(clock).scalar_one())

    def close(self) -> None:
        """End the thread after all that was submitted, and close the connections."""
        with self._starting:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._jobs.put(None)
            thread.join()
        self._engine.dispose()

    def _begin(self, connection: sa.Connection, *, writes: bool) -> None:
        if self.sqlite:
            # A transaction that reads first and then writes would fail, rather than wait, when
            # another process has written in between.
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
            return
        connection.begin()
        if writes:
            # One writer at a time, as in SQLite: so no two can reserve the same money, and none
            # wait for each other in a ring.
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(WRITE_LOCK)))

    def _work(self) -> None:
        ended = False
        while not ended:
            jobs = [self._jobs.get()]
            while len(jobs) < GROUP and not self._jobs.empty():
                jobs.append(self._jobs.get())
            ended = None in jobs
            group = [
                job
                for job in jobs
                # Whoever stopped waiting before it began wants it no more.
                if job is not None and job.future.set_running_or_notify_cancel()
            ]
            if group and not self._together(group):
                for job in group:
                    self._alone(job)

    def _together(self, group: list[_Job]) -> bool:
        """Run operations in one transaction; if one fails, none is done."""
        try:
            with self._engine.connect() as connection:
                self._begin(connection, writes=any(job.writes for job in group))
                results = [job.operation(connection) for job in group]
                connection.commit()
        except Exception as error:
            if len(group) == 1:
                group[0].future.set_exception(error)
            return len(group) == 1
        for job, result in zip(group, results, strict=True):
            job.future.set_result(result)
        return True

    def _alone(self, job: _Job) -> None:
        """Run one operation, so that its error reaches only who submitted it."""
        self._together([job])
