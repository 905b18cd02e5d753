"""The run launcher of a cluster: dagster-celery's, which also sees when a worker is gone."""

from __future__ import annotations

import warnings

from celery.exceptions import DuplicateTaskNameWarning
from dagster import DagsterRun
from dagster._core.launcher import CheckRunHealthResult, LaunchRunContext, WorkerStatus
from dagster_celery.launcher import CeleryRunLauncher
from dagster_celery.tags import DAGSTER_CELERY_QUEUE_TAG, DAGSTER_CELERY_TASK_ID_TAG

from kg_assets.cluster.configuration import builds_queue, large_queue
from kg_assets.policies import BUILDS, LARGE, MACHINE, MACHINES
from resources.lock import is_held
from resources.logs import redact, tells_a_secret
from resources.settings import Settings


def run_lock(run_id: str) -> str:
    """Name of the lock that a worker holds while it executes a run."""
    return f"run-{run_id}"


class ClusterRunLauncher(CeleryRunLauncher):
    """Starts runs as Celery tasks.

    Celery takes a task for started until its worker says otherwise, which a machine without power
    does not. A worker holds a lock in the catalog's database while it executes a run, and the lock
    ends with the worker.
    """

    def launch_run(self, context: LaunchRunContext) -> None:
        """Hand a run to the broker.

        Raises:
            ValueError: Its tag `MACHINE` names no kind of machine.
        """
        run = self._routed(context.dagster_run)
        with warnings.catch_warnings():
            # Dagster declares its task anew for each run, and Celery keeps the first declaration.
            warnings.simplefilter("ignore", DuplicateTaskNameWarning)
            try:
                super().launch_run(context._replace(dagster_run=run))
            except Exception as error:
                if tells_a_secret(error):
                    # Dagster keeps what is raised, with all that it came from.
                    raise RuntimeError(f"{type(error).__name__}: {redact(str(error))}") from None
                raise

    def _routed(self, run: DagsterRun) -> DagsterRun:
        """The run with the queue of the workers that may take it."""
        settings, machines = Settings(), self._machines(run)
        if unknown := machines - {*MACHINES}:
            raise ValueError(
                f"the tag {MACHINE} of run {run.run_id} says {min(unknown)!r}; it can say "
                f"{', '.join(MACHINES)}"
            )
        for machine, name in ((BUILDS, builds_queue), (LARGE, large_queue)):
            if machine in machines:
                return run.with_tags({**run.tags, DAGSTER_CELERY_QUEUE_TAG: name(settings)})
        return run

    def _machines(self, run: DagsterRun) -> set[str]:
        """What the run's own tag says, or else those of the steps that it executes."""
        if MACHINE in run.tags:
            return {run.tags[MACHINE]}
        if run.execution_plan_snapshot_id is None:
            return set()
        plan = self._instance.get_execution_plan_snapshot(run.execution_plan_snapshot_id)
        executed = set(plan.step_keys_to_execute)
        tags = [step.tags or {} for step in plan.steps if step.key in executed]
        return {each[MACHINE] for each in tags if MACHINE in each}

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Whether a run is being executed."""
        if DAGSTER_CELERY_TASK_ID_TAG not in run.tags:
            return CheckRunHealthResult(WorkerStatus.UNKNOWN, "not yet at the broker")
        found = super().check_run_worker_health(run)
        if found.status is WorkerStatus.RUNNING and not is_held(Settings(), run_lock(run.run_id)):
            return CheckRunHealthResult(
                WorkerStatus.FAILED,
                "the worker that executed this run is gone: it was killed, ran out of memory, or "
                "its machine is away",
            )
        return found
