"""Executing tasks, each a Dagster run that the UI shows: in warm processes, or on a cluster."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager, redirect_stderr, suppress
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context, parent_process
from typing import TYPE_CHECKING, Any, TextIO

import dagster as dg
from dagster._core.errors import DagsterExecutionInterruptedError

from kg_assets.failures import damaged_place, first_error, was_refused
from kg_assets.instance import BUILDER_TAG, open_instance
from kg_assets.matching.reporting import drawing
from kg_assets.matching.reporting.tables import REPORT
from resources.databases import LostDatabaseError, in_one_line
from resources.logs import configure
from resources.processes import give_memory_back, this_process
from resources.progress import heard_by
from resources.settings import Settings

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from pathlib import Path

_PRELOADED = "kg_assets.preloading"
_LONGEST_LINE = 1_000  # characters; 4,096 bytes are written at once
ALLOCATORS = {"MALLOC_ARENA_MAX": "2"}
"""Environment of the workers. By default the C library keeps up to eight heaps for each core, each
holding what was freed in it and may not be used again for long."""


@dataclass(frozen=True)
class Task:
    """A run to be made: some steps of a lane, for one partition.

    Attributes:
        lane: The lane.
        steps: Names of the steps.
        assets: Names of the assets that the steps make.
        partitions: The partitions, following each other; none where the steps have but one.
        retrain: Whether frozen models are trained again.
    """

    lane: str
    steps: tuple[str, ...]
    assets: tuple[str, ...]
    partitions: tuple[str, ...] = ()
    retrain: bool = False

    @property
    def label(self) -> str:
        """What ``kg build --only`` takes to run just this."""
        if len(self.partitions) == 1:
            return f"{self.lane}@{self.partitions[0]}"
        return self.lane


@dataclass(frozen=True)
class Result:
    """What became of a task.

    Attributes:
        task: The task.
        run_id: The Dagster run.
        seconds: How long it took.
        error: What went wrong, None where nothing did.
        damaged: Table and partition that it could not read, since a file is not as it was written.
        refused: Whether it failed of what it was given, such as a delivery, and would fail again.
    """

    task: Task
    run_id: str
    seconds: float
    error: str | None
    damaged: tuple[str, str] | None = None
    refused: bool = False


@contextmanager
def runner(
    settings: Settings, said: Callable[[str], None] | None = None
) -> Iterator[Callable[[Task], Future[Result]]]:
    """Give a function that runs tasks, side by side if there is more than one worker.

    Args:
        settings: Who executes them: the workers of a cluster, or so many processes of this
            machine; with one, runs happen in this process.
        said: Hears the progress of long steps, with the label of the task before it, from a thread
            of its own. On a cluster it is in the logs of the runs alone.

    Yields:
        A function from a task to its future result.
    """
    if settings.launcher == "celery":
        from kg_assets.cluster.submitting import cluster_runner

        with cluster_runner(settings) as submit:
            yield submit
        return
    tag = this_process()
    logs = settings.home.absolute() / "logs" / settings.namespace
    logs.mkdir(parents=True, exist_ok=True)
    if settings.workers == 1:
        with _log(logs) as stream:
            yield lambda task: _done(_heard(task, tag, said, stream))
        return
    for name, value in ALLOCATORS.items():
        os.environ.setdefault(name, value)
    # Children of this process would share its threads and database connections. They are forked of
    # one that has neither, which has imported what all of them need.
    processes = get_context("forkserver")
    processes.set_forkserver_preload([_PRELOADED])
    heard, told = processes.Pipe(duplex=False)
    pool = ProcessPoolExecutor(
        settings.workers,
        mp_context=processes,
        initializer=_start_worker,
        initargs=(dict(os.environ), logs, None if said is None else told),
    )
    if said is not None:
        threading.Thread(target=_pass_on, args=(heard, said), daemon=True).start()
    try:
        yield lambda task: _submitted(pool, task, tag)
    except BaseException:
        # Who is told of the error finds no worker that still writes. The interpreter would wait for
        # them at its end, and, where they end just then, print a traceback of its own.
        pool.shutdown(wait=True, cancel_futures=True)
        raise
    finally:
        # What is open in the workers ends with them, and then the thread.
        told.close()
    pool.shutdown()


def execute(task: Task, tag: str) -> Result:
    """Execute a task as a Dagster run in this process.

    Args:
        task: What to run.
        tag: Marks the run as this build's, so that it can be recognised if the build is killed.

    Returns:
        The result; an error in an asset is part of it and is not raised.

    Raises:
        KeyboardInterrupt: The run was stopped by Ctrl-C.
    """
    started = time.perf_counter()
    settings = Settings()
    job, instance = assets_job(settings), _instance(settings)
    assets = [dg.AssetKey(name.split("/")) for name in task.assets]
    # With each run Dagster notes the job that it is a part of, here of no more than itself: the
    # whole graph takes longer than a small run.
    part = job.get_subset(asset_selection=frozenset(assets))
    result = part.execute_in_process(
        instance=instance,
        asset_selection=assets,
        partition_key=task.partitions[0] if len(task.partitions) == 1 else None,
        run_config=run_config(task),
        tags={BUILDER_TAG: tag, **run_tags(task)},
        raise_on_error=False,
    )
    if not result.success and _is_interrupted(result):
        # Dagster takes Ctrl-C for a failure of the step; the build would go on with the next one.
        raise KeyboardInterrupt
    error = None if result.success else first_error(result.all_events)
    seconds = time.perf_counter() - started
    damaged, refused = damaged_place(result.all_events), was_refused(result.all_events)
    return Result(task, result.run_id, seconds, error, damaged, refused)


def outcome(future: Future[Result], task: Task) -> Result:
    """The result of a task whose future is done, also where its worker died.

    Args:
        future: What `runner` gave for the task.
        task: The task.
    """
    try:
        return future.result()
    except BrokenProcessPool:
        message = (
            "a worker process died, killed or out of memory; fewer KG_WORKERS or a smaller "
            "KG_MEMORY_LIMIT need less"
        )
        return Result(task, "", 0.0, message)


def run_config(task: Task) -> Mapping[str, Any]:
    """Configuration of a task's run."""
    return {
        "ops": {
            name.replace("/", "__"): {"config": {"retrain": task.retrain}} for name in task.steps
        },
        "loggers": {"console": {"config": {"log_level": "INFO"}}},
    }


def run_tags(task: Task) -> Mapping[str, str]:
    """Tags of a task's run: its lane, and its partitions."""
    tags = {"kg/lane": task.lane}
    if not task.partitions:
        return tags
    if len(task.partitions) == 1:
        return {**tags, "dagster/partition": task.partitions[0]}
    return {
        **tags,
        "dagster/asset_partition_range_start": task.partitions[0],
        "dagster/asset_partition_range_end": task.partitions[-1],
    }


def _is_interrupted(result: dg.ExecuteInProcessResult) -> bool:
    for event in result.all_events:
        error = event.step_failure_data.error if event.is_step_failure else None
        while error is not None:
            # DuckDB, when it is stopped inside a query, raises an error of its own instead.
            if error.cls_name == DagsterExecutionInterruptedError.__name__ or (
                error.cls_name == "RuntimeError" and "Query interrupted" in error.message
            ):
                return True
            error = error.cause
    return False


@lru_cache(maxsize=1)
def assets_job(settings: Settings) -> dg.JobDefinition:
    """The job of all assets, which takes a second to make and is kept while a process lives."""
    from kg_assets.build import build_definitions

    return build_definitions(settings=settings).resolve_implicit_global_asset_job_def()


@lru_cache(maxsize=1)
def _instance(settings: Settings) -> dg.DagsterInstance:
    return open_instance(settings)


def _submitted(pool: ProcessPoolExecutor, task: Task, tag: str) -> Future[Result]:
    try:
        return pool.submit(_heard_by_parent, task, tag)
    except BrokenProcessPool as error:
        future: Future[Result] = Future()
        future.set_exception(error)
        return future


def _done(result: Result) -> Future[Result]:
    future: Future[Result] = Future()
    future.set_result(result)
    return future


def _heard(
    task: Task, tag: str, said: Callable[[str], None] | None, log: TextIO | None = None
) -> Result:
    """Execute a task so that the progress of its long steps is heard.

    Args:
        task: What to run.
        tag: Marks the run as this build's.
        said: Hears the progress.
        log: Where goes what Dagster and our loggers say of it, None where stderr leads there
            already.
    """
    with ExitStack() as around:
        if said is not None:
            around.enter_context(heard_by(lambda line: said(f"{task.label}: {line}")))
        if log is not None:
            settings = Settings()
            around.callback(configure, settings)
            around.enter_context(redirect_stderr(log))
            configure(settings, log)
        return execute(task, tag)


def _heard_by_parent(task: Task, tag: str) -> Result:
    if not any(name.endswith(REPORT) for name in task.assets):
        drawing.rest()
    try:
        return _heard(task, tag, None if _parent is None else _tell_parent)
    except Exception as error:
        lost = in_one_line(error)
        if lost is None:
            raise
        raise LostDatabaseError(lost) from None
    finally:
        # The next task may be of another worker, which needs what this one keeps.
        give_memory_back()


def _tell_parent(line: str) -> None:
    assert _parent is not None
    # A line is short enough to be written at once, so no lock is needed that a killed worker would
    # hold for ever. Where the build has ended nobody listens.
    with suppress(OSError):
        _parent.send(line[:_LONGEST_LINE])


def _pass_on(heard: Connection, said: Callable[[str], None]) -> None:
    with heard, suppress(EOFError):
        while True:
            said(heard.recv())


_parent: Connection | None = None
"""Where a worker says how far it has come, to the build that it works for."""


def _log(logs: Path) -> TextIO:
    """This process's log: what Dagster prints of each event would tear the progress bar apart."""
    return (logs / f"worker-{os.getpid()}.log").open("a", buffering=1)


def _start_worker(environment: Mapping[str, str], logs: Path, told: Connection | None) -> None:
    global _parent
    _parent = told
    # The process that it is forked of may have been started for an earlier build of this one.
    os.environ.clear()
    os.environ.update(environment)
    stream = _log(logs)
    os.dup2(stream.fileno(), sys.stdout.fileno())
    os.dup2(stream.fileno(), sys.stderr.fileno())
    configure(Settings())
    threading.Thread(target=_end_with_build, daemon=True).start()


def _end_with_build() -> None:
    # A worker whose build was killed must not go on writing beside the next build.
    build = parent_process()
    assert build is not None
    build.join()
    os._exit(1)
