"""The journal: how the last run of each partition went, and each build; kept beside the catalog.

The catalog says what is current and why, the journal how long it took and what went wrong. It
decides nothing but that what failed need not be made again before a promotion. Dagster's event log
holds the same run by run, but has to be asked for each partition alone; here the last word on all
of them is one indexed read. Of earlier runs the last failed one is kept.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from resources.catalog_engine import begin_writing, open_engine
from resources.processes import is_alive, this_process

RUNNING, DONE, FAILED = "running", "done", "failed"
"""States of a partition's last run."""

METADATA = sa.MetaData()

PARTITIONS = sa.Table(
    "journal_partitions",
    METADATA,
    sa.Column("namespace", sa.String, primary_key=True),
    sa.Column("step", sa.String, primary_key=True),
    sa.Column("partition", sa.String, primary_key=True),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("run_id", sa.String),
    sa.Column("host", sa.String, nullable=False),
    sa.Column("process", sa.String, nullable=False, comment="Process id and start time"),
    sa.Column("started", sa.String, nullable=False),
    sa.Column("ended", sa.String),
    sa.Column("seconds", sa.Float, comment="Of the last run that was done"),
    sa.Column("peak_memory", sa.BigInteger, comment="Bytes, of the last run that was done"),
    sa.Column("figures", sa.Text, nullable=False, comment="JSON, of the last run that was done"),
    sa.Column("warnings", sa.Text, nullable=False, comment="JSON list of [table, check, figures]"),
    sa.Column("error", sa.Text),
)
FAILURES = sa.Table(
    "journal_failures",
    METADATA,
    sa.Column("namespace", sa.String, primary_key=True),
    sa.Column("step", sa.String, primary_key=True),
    sa.Column("partition", sa.String, primary_key=True),
    sa.Column("run_id", sa.String),
    sa.Column("started", sa.String, nullable=False),
    sa.Column("error", sa.Text),
    comment="The last failed run of each partition, also where a later one was done",
)
BUILDS = sa.Table(
    "journal_builds",
    METADATA,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("namespace", sa.String, nullable=False, index=True),
    sa.Column("host", sa.String, nullable=False),
    sa.Column("process", sa.String, nullable=False),
    sa.Column("started", sa.String, nullable=False),
    sa.Column("ended", sa.String),
    sa.Column("seconds", sa.Float),
    sa.Column("runs", sa.Integer, nullable=False),
    sa.Column("failed", sa.Integer, nullable=False),
    sa.Column("blocked", sa.Integer, nullable=False),
)

_INSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


@dataclass(frozen=True)
class Place:
    """A partition of a step in a namespace."""

    namespace: str
    step: str
    partition: str


@dataclass(frozen=True)
class Entry:
    """The last run of a partition.

    Attributes:
        place: The partition.
        state: ``running``, ``done`` or ``failed``; a run whose process is gone has failed.
        run_id: The Dagster run.
        started: When it started, ISO 8601 in UTC.
        ended: When it ended; None while it runs.
        seconds: How long the last run took that was done; None: there was none.
        peak_memory: Most bytes that the process held during that run.
        figures: What the step reported in that run.
        warnings: Checks of that run that were not passed: table, check and figures.
        error: Why it failed.
    """

    place: Place
    state: str
    run_id: str | None
    started: str
    ended: str | None
    seconds: float | None
    peak_memory: int | None
    figures: Mapping[str, Any]
    warnings: Sequence[tuple[str, str, Mapping[str, Any]]]
    error: str | None


@dataclass(frozen=True)
class Failure:
    """The last failed run of a partition.

    Attributes:
        place: The partition.
        run_id: The Dagster run.
        started: When it started, ISO 8601 in UTC.
        error: Why it failed.
        stands: Whether no later run of the partition was done.
    """

    place: Place
    run_id: str | None
    started: str
    error: str | None
    stands: bool


@dataclass(frozen=True)
class BuildEntry:
    """A build.

    Attributes:
        name: Its name, which is that of its budget too.
        started: When it started, ISO 8601 in UTC.
        ended: When it ended; None while it runs, or where it was killed.
        seconds: How long it took.
        runs: Runs that have ended.
        failed: Those of them that failed.
        blocked: Lanes that could not start because of that.
        running: Whether it still runs.
    """

    name: str
    started: str
    ended: str | None
    seconds: float | None
    runs: int
    failed: int
    blocked: int
    running: bool


@dataclass(frozen=True)
class Outcome:
    """What a run of a partition came to.

    Attributes:
        seconds: How long it took.
        peak_memory: Most bytes that the process held.
        figures: What the step reported.
        warnings: Checks that were not passed: table, check and figures.
    """

    seconds: float
    peak_memory: int
    figures: Mapping[str, Any] = field(default_factory=dict)
    warnings: Sequence[tuple[str, str, Mapping[str, Any]]] = ()


class Journal:
    """The journal in the catalog's database.

    Args:
        url: SQLAlchemy address.
        create: Whether its tables are made if they are not there; without them nothing is found.
    """

    def __init__(self, url: str, *, create: bool = True) -> None:
        parsed = sa.make_url(url)
        self._sqlite = parsed.get_backend_name() == "sqlite"
        self._known = create or not self._sqlite or Path(parsed.database or "").exists()
        if not self._known:
            return
        self._engine = open_engine(url)
        if create:
            with self._engine.connect() as connection:
                begin_writing(connection)
                METADATA.create_all(connection)
                connection.commit()
        else:
            self._known = sa.inspect(self._engine).has_table(PARTITIONS.name)

    @contextmanager
    def _write(self) -> Iterator[sa.Connection]:
        with self._engine.connect() as connection:
            if self._sqlite:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                connection.begin()
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    def close(self) -> None:
        """Close its connections; those to Postgres are the process's, for all that ask it."""
        if self._known and self._sqlite:
            self._engine.dispose()

    def start(self, place: Place, run_id: str | None) -> None:
        """Note that a partition is being made; what the run before came to stays beside it."""
        began = {
            "state": RUNNING,
            "run_id": run_id,
            "host": socket.gethostname(),
            "process": this_process(),
            "started": _now(),
            "ended": None,
            "error": None,
        }
        values = {**vars(place), **began, "figures": "{}", "warnings": "[]"}
        with self._write() as connection:
            before = connection.execute(sa.select(PARTITIONS).where(*_met(place))).first()
            if before is not None:
                # A run that was killed could not say so itself.
                _remember(connection, _entry(before))
            _put(connection, PARTITIONS, place, values, began)

    def done(self, place: Place, outcome: Outcome) -> None:
        """Note that a partition was made."""
        self._end(
            place,
            state=DONE,
            seconds=outcome.seconds,
            peak_memory=outcome.peak_memory,
            figures=json.dumps(outcome.figures, default=str, sort_keys=True),
            warnings=json.dumps(list(outcome.warnings), default=str),
        )

    def failed(self, place: Place, error: str) -> None:
        """Note that it was not, and why."""
        self._end(place, state=FAILED, error=error)

    def _end(self, place: Place, **values: Any) -> None:
        with self._write() as connection:
            here = _met(place)
            connection.execute(sa.update(PARTITIONS).where(*here).values(ended=_now(), **values))
            for row in connection.execute(sa.select(PARTITIONS).where(*here)).all():
                _remember(connection, _entry(row))

    def entries(self, namespace: str | None = None) -> list[Entry]:
        """The last run of each partition, of one namespace or of all."""
        if not self._known:
            return []
        query = sa.select(PARTITIONS).order_by(*PARTITIONS.primary_key.columns)
        if namespace is not None:
            query = query.where(PARTITIONS.c.namespace == namespace)
        with self._engine.connect() as connection:
            return [_entry(row) for row in connection.execute(query)]

    def failures(self, namespace: str | None = None) -> list[Failure]:
        """The last failed run of each partition that ever failed, of one namespace or of all."""
        last = {entry.place: entry for entry in self.entries(namespace)}
        found = {
            place: Failure(place, entry.run_id, entry.started, entry.error, stands=True)
            for place, entry in last.items()
            if entry.state == FAILED
        }
        # A catalog that no step has written to since an earlier version has no such table yet.
        if self._known and sa.inspect(self._engine).has_table(FAILURES.name):
            query = sa.select(FAILURES).order_by(*FAILURES.primary_key.columns)
            if namespace is not None:
                query = query.where(FAILURES.c.namespace == namespace)
            with self._engine.connect() as connection:
                for row in connection.execute(query):
                    place = Place(row.namespace, row.step, row.partition)
                    before = Failure(place, row.run_id, row.started, row.error, stands=False)
                    found.setdefault(place, before)
        return [found[place] for place in sorted(found, key=lambda one: tuple(vars(one).values()))]

    def forget(self, namespace: str) -> None:
        """Remove all that is said of a namespace."""
        with self._write() as connection:
            for table in (PARTITIONS, FAILURES, BUILDS):
                connection.execute(sa.delete(table).where(table.c.namespace == namespace))

    def start_build(self, name: str, namespace: str) -> None:
        """Note that a build has started."""
        values = {
            "name": name,
            "namespace": namespace,
            "host": socket.gethostname(),
            "process": this_process(),
            "started": _now(),
            "runs": 0,
            "failed": 0,
            "blocked": 0,
        }
        with self._write() as connection:
            connection.execute(sa.insert(BUILDS).values(**values))

    def note_build(
        self, name: str, *, runs: int, failed: int, blocked: int, seconds: float | None = None
    ) -> None:
        """Note how far a build has come; with its seconds it has ended."""
        values: dict[str, Any] = {"runs": runs, "failed": failed, "blocked": blocked}
        if seconds is not None:
            values |= {"seconds": seconds, "ended": _now()}
        with self._write() as connection:
            connection.execute(sa.update(BUILDS).where(BUILDS.c.name == name).values(**values))

    def last_build(self, namespace: str) -> BuildEntry | None:
        """The newest build of a namespace; None: there was none."""
        if not self._known:
            return None
        query = sa.select(BUILDS).where(BUILDS.c.namespace == namespace)
        with self._engine.connect() as connection:
            row = connection.execute(query.order_by(BUILDS.c.started.desc()).limit(1)).first()
        if row is None:
            return None
        return BuildEntry(
            name=row.name,
            started=row.started,
            ended=row.ended,
            seconds=row.seconds,
            runs=row.runs,
            failed=row.failed,
            blocked=row.blocked,
            running=row.ended is None and _lives(row),
        )


def _met(place: Place) -> list[sa.ColumnElement[bool]]:
    return [PARTITIONS.c[name] == value for name, value in vars(place).items()]


def _put(
    connection: sa.Connection,
    table: sa.Table,
    place: Place,
    values: Mapping[str, Any],
    changed: Mapping[str, Any],
) -> None:
    """Write the row of a place, or change it where there is one."""
    statement = _INSERT[connection.dialect.name](table).values(**values)
    connection.execute(
        statement.on_conflict_do_update(index_elements=list(vars(place)), set_=changed)
    )


def _remember(connection: sa.Connection, entry: Entry) -> None:
    """Keep a failed run apart from what the next one will say."""
    if entry.state == FAILED:
        told = {"run_id": entry.run_id, "started": entry.started, "error": entry.error}
        _put(connection, FAILURES, entry.place, {**vars(entry.place), **told}, told)


def _entry(row: Any) -> Entry:
    state, error = row.state, row.error
    if state == RUNNING and not _lives(row):
        state, error = FAILED, "its process was killed, or ran out of memory"
    return Entry(
        place=Place(row.namespace, row.step, row.partition),
        state=state,
        run_id=row.run_id,
        started=row.started,
        ended=row.ended,
        seconds=row.seconds,
        peak_memory=row.peak_memory,
        figures=json.loads(row.figures),
        warnings=[(table, check, figures) for table, check, figures in json.loads(row.warnings)],
        error=error,
    )


def _lives(row: Any) -> bool:
    # Of a process on another machine it is not known, and it is taken at its word.
    return bool(row.host != socket.gethostname() or is_alive(row.process))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
