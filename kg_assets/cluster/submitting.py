"""Executing runs on a cluster: they are launched, and looked at until they have ended."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dagster as dg
from dagster._core.definitions.reconstruct import ReconstructableRepository
from dagster._core.launcher import WorkerStatus
from dagster_postgres.utils import DagsterPostgresException
from sqlalchemy.exc import SQLAlchemyError

from kg_assets.cluster.configuration import Takes, queues_of
from kg_assets.cluster.worker import BUILD_TAG, app
from kg_assets.failures import damaged_place, first_error, was_refused
from kg_assets.instance import open_instance
from kg_assets.running import Result, Task, run_config, run_tags
from resources.databases import CATALOG, DAGSTER, named
from resources.llm.builds import VARIABLE
from resources.logs import redact

if TYPE_CHECKING:
    from resources.settings import Settings

_LOOK_SECONDS = 0.5
_HEALTH_SECONDS = 10.0
_ANSWER_SECONDS = 2.0
_JOB = "__ASSET_JOB"
_STARTED = "SELECT pg_postmaster_start_time()"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Launched:
    task: Task
    future: Future[Result]
    started: float
    databases: tuple[str, ...]


class _Cluster:
    """Runs that were launched and have not ended."""

    def __init__(self, settings: Settings) -> None:
        from kg_assets.build import build_definitions

        self._settings = settings
        self._instance = open_instance(settings)
        self._job = build_definitions(settings=settings).resolve_implicit_global_asset_job_def()
        self._origin = (
            ReconstructableRepository.for_module("kg_assets.definitions", "defs")
            .get_reconstructable_job(_JOB)
            .get_python_origin()
        )
        self._runs: dict[str, _Launched] = {}
        self._lock = threading.Lock()
        self._launching = threading.Lock()
        self._ended = threading.Event()
        self._healthy_until = time.monotonic() + _HEALTH_SECONDS
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def submit(self, task: Task) -> Future[Result]:
        """Launch a task's run; the result comes when it has ended."""
        future: Future[Result] = Future()
        self._launch(task, future, time.perf_counter())
        return future

    def _launch(self, task: Task, future: Future[Result], started: float) -> None:
        build = {BUILD_TAG: os.environ[VARIABLE]} if VARIABLE in os.environ else {}
        with self._launching:
            launched = _Launched(task, future, started, _databases(self._settings))
            run = self._instance.create_run_for_job(
                self._job,
                run_config=run_config(task),
                tags={**run_tags(task), **build},
                asset_selection={dg.AssetKey(name.split("/")) for name in task.assets},
                job_code_origin=self._origin,
            )
            try:
                # The launcher needs no workspace: a worker finds the code by its origin.
                self._instance.launch_run(run.run_id, None)
            except (DagsterPostgresException, SQLAlchemyError):
                # Not a failure of this task, which others could go on without.
                raise
            except Exception as error:
                reason = redact(str(error))
                message = f"the run could not be handed to the broker of KG_BROKER: {reason}"
                future.set_result(Result(task, run.run_id, 0.0, message))
                return
        with self._lock:
            self._runs[run.run_id] = launched

    def _watch(self) -> None:
        while not self._ended.wait(_LOOK_SECONDS):
            with self._lock:
                waiting = dict(self._runs)
            if not waiting:
                continue
            try:
                self._look(waiting)
            except Exception:
                # The database may be restarting. What was launched goes on meanwhile.
                _log.warning("the state of runs could not be read; trying again", exc_info=True)

    def _look(self, waiting: dict[str, _Launched]) -> None:
        runs = self._instance.get_runs(dg.RunsFilter(run_ids=list(waiting)))
        if time.monotonic() > self._healthy_until:
            self._healthy_until = time.monotonic() + _HEALTH_SECONDS
            for run in runs:
                self._examine(run)
        for run in runs:
            if run.is_finished:
                launched = waiting[run.run_id]
                if run.status is dg.DagsterRunStatus.FAILURE and self._was_away(launched):
                    _log.warning(
                        "run %s failed while a database was restarted; it is launched anew",
                        run.run_id,
                    )
                    self._launch(launched.task, launched.future, launched.started)
                    with self._lock:
                        del self._runs[run.run_id]
                    continue
                seconds = time.perf_counter() - launched.started
                failed = () if run.is_success else self._failures(run)
                error = None if run.is_success else first_error(failed)
                with self._lock:
                    del self._runs[run.run_id]
                launched.future.set_result(
                    Result(
                        launched.task,
                        run.run_id,
                        seconds,
                        error,
                        damaged_place(failed),
                        was_refused(failed),
                    )
                )

    def _was_away(self, launched: _Launched) -> bool:
        """Whether a database was restarted since a run was launched.

        Then its worker lost its lock and could commit nothing, or note nothing of what it did. A
        delivery whose run failed of it must not be left out as a broken one is: what is trained
        without it stays so.
        """
        return launched.databases != _databases(self._settings)

    def _examine(self, run: dg.DagsterRun) -> None:
        if run.status is not dg.DagsterRunStatus.STARTED:
            return
        found = self._instance.run_launcher.check_run_worker_health(run)
        if found.status is WorkerStatus.FAILED:
            # The run may have ended between the two looks.
            now = self._instance.get_run_by_id(run.run_id)
            if now is not None and not now.is_finished:
                self._instance.report_run_failed(now, found.msg or "its worker is gone")

    def _failures(self, run: dg.DagsterRun) -> Sequence[dg.DagsterEvent]:
        """The events that tell what a run failed of."""
        logs = self._instance.all_logs(
            run.run_id,
            of_type={
                dg.DagsterEventType.STEP_FAILURE,
                dg.DagsterEventType.RUN_FAILURE,
                dg.DagsterEventType.RUN_CANCELED,
            },
        )
        return [log.dagster_event for log in logs if log.dagster_event]

    def close(self, *, cancel: bool) -> None:
        """Stop looking; cancel what has not ended, if asked to."""
        self._ended.set()
        self._thread.join()
        if cancel:
            for run_id in self._runs:
                _cancel(self._instance, run_id)


@contextmanager
def cluster_runner(settings: Settings) -> Iterator[Callable[[Task], Future[Result]]]:
    """Give a function that runs tasks on the workers of a cluster.

    Args:
        settings: The broker, and the namespace whose workers are asked.

    Yields:
        A function from a task to its future result.
    """
    _warn_without_workers(settings)
    cluster = _Cluster(settings)
    try:
        yield cluster.submit
    except BaseException:
        cluster.close(cancel=True)
        raise
    cluster.close(cancel=False)


def _databases(settings: Settings) -> tuple[str, ...]:
    """When the database servers were started, by their own clocks."""
    import sqlalchemy as sa

    addresses = [(settings.catalog_url, CATALOG)]
    if settings.dagster_storage is not None:
        addresses.append((settings.dagster_storage.get_secret_value(), DAGSTER))
    found = []
    for address, what in addresses:
        engine = named(sa.create_engine(address, poolclass=sa.NullPool), what)
        with engine.connect() as connection:
            found.append(str(connection.exec_driver_sql(_STARTED).scalar_one()))
    return tuple(found)


def cancel_abandoned(instance: dg.DagsterInstance) -> list[str]:
    """Cancel what earlier builds have launched, which nobody waits for any more.

    Only who holds the lock of the namespace's builds may call this.

    Returns:
        Ids of the runs.
    """
    unfinished = dg.RunsFilter(
        statuses=[
            dg.DagsterRunStatus.NOT_STARTED,
            dg.DagsterRunStatus.STARTING,
            dg.DagsterRunStatus.STARTED,
        ]
    )
    abandoned = [run.run_id for run in instance.get_runs(unfinished) if BUILD_TAG in run.tags]
    for run_id in abandoned:
        _cancel(instance, run_id)
    return abandoned


def _cancel(instance: dg.DagsterInstance, run_id: str) -> None:
    run = instance.get_run_by_id(run_id)
    if run is None or run.is_finished:
        return
    instance.report_run_canceling(run)
    try:
        # Of a run that waits the worker learns that it need not begin; one that runs is stopped.
        instance.run_launcher.terminate(run_id)
    except Exception:
        _log.warning("run %s could not be stopped; what it writes counts", run_id, exc_info=True)
    instance.report_run_canceled(run)


def _warn_without_workers(settings: Settings) -> None:
    try:
        found = app.control.inspect(timeout=_ANSWER_SECONDS).active_queues() or {}
    except Exception as error:
        _log.warning("the broker of KG_BROKER does not answer: %s", error)
        return
    heard = {one["name"] for queues in found.values() for one in queues}
    for takes in (Takes.SMALL, Takes.LARGE):
        if not heard.issuperset(queues_of(settings, takes)):
            _log.warning(
                "no worker of the namespace %s takes %s runs: they wait until one is started with "
                "kg cluster worker, or with its option --takes %s",
                settings.namespace,
                takes,
                takes,
            )
