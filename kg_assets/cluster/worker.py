"""The Celery application of a worker: what it does around each run.

Started by ``kg cluster worker``; Celery imports this module by its name.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import Any

from celery.signals import task_postrun, task_prerun
from dagster import DagsterInstance
from dagster._grpc.types import ExecuteRunArgs, ResumeRunArgs
from dagster._serdes import unpack_value
from dagster_celery.make_app import make_app
from dagster_celery.tasks import create_execute_job_task, create_resume_job_task

from kg_assets.cluster.configuration import CELERY, queue
from kg_assets.cluster.launcher import run_lock
from resources.llm.builds import VARIABLE
from resources.lock import lake_lock
from resources.settings import Settings

BUILD_TAG = "kg/build"
"""Tag of a run that a build has launched: the name of the build."""

_settings = Settings()
_address = _settings.broker.get_secret_value() if _settings.broker else None

app = make_app(
    {
        "broker": _address,
        "backend": _address,
        "config_source": CELERY,
        "task_default_queue": queue(_settings),
    }
)
execute_job = create_execute_job_task(app)
resume_job = create_resume_job_task(app)

_held: dict[str, ExitStack] = {}


@task_prerun.connect
def _begin(task_id: str, kwargs: dict[str, Any], **_others: Any) -> None:
    if "execute_job_args_packed" not in kwargs:
        return
    found = unpack_value(kwargs["execute_job_args_packed"], (ExecuteRunArgs, ResumeRunArgs))
    held = _held[task_id] = ExitStack()
    # Where another worker has this run, this one waits and then finds it finished.
    held.enter_context(lake_lock(Settings(), run_lock(found.run_id)))
    with DagsterInstance.get() as instance:
        run = instance.get_run_by_id(found.run_id)
    # What the run spends on the language model counts for its build.
    build = run.tags.get(BUILD_TAG) if run is not None else None
    if build is None:
        os.environ.pop(VARIABLE, None)
    else:
        os.environ[VARIABLE] = build


@task_postrun.connect
def _end(task_id: str, **_others: Any) -> None:
    held = _held.pop(task_id, None)
    if held is not None:
        held.close()
