"""The Dagster instance of a namespace: its folder, its configuration, and its broken runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import yaml
from dagster._core.instance.ref import InstanceRef

from resources.processes import is_alive

if TYPE_CHECKING:
    from resources.settings import Settings

BUILDER_TAG = "kg/builder"
"""Tag of a run that `kg build` executes: process id and start time of the build."""

_CONFIGURATION = """\
# Written by kg where there is none; change it as you like.
telemetry:
  enabled: false
nux:
  enabled: false
concurrency:
  pools:
    default_limit: 1
    granularity: op
  runs:
    max_concurrent_runs: {workers}
run_monitoring:
  enabled: true
  free_slots_after_run_end_seconds: 60
# Ticks; runs and their logs go after KG_KEEP_RUN_DAYS.
retention:
  sensor:
    purge_after_days:
      skipped: 7
      started: 90
      failure: 90
      success: 90
  schedule:
    purge_after_days:
      skipped: 7
      started: 90
      failure: 90
      success: 90
  auto_materialize:
    purge_after_days:
      skipped: 7
      started: 90
      failure: 90
      success: 90
"""


def prepare_home(settings: Settings) -> Path:
    """Make the namespace's Dagster folder and point DAGSTER_HOME to it.

    Returns:
        The folder.
    """
    home = settings.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    configuration = home / "dagster.yaml"
    if not configuration.exists():
        draft = home / f"dagster.yaml.{os.getpid()}"
        draft.write_text(_CONFIGURATION.format(workers=settings.workers))
        draft.replace(configuration)
    os.environ["DAGSTER_HOME"] = str(home)
    return home


def open_instance(settings: Settings) -> dg.DagsterInstance:
    """Open the namespace's Dagster instance for runs in this process.

    What these runs print is not captured: that takes four more processes for each run, and a
    build's workers write to files of their own.
    """
    home = str(prepare_home(settings))
    overrides: dict[str, Any] = {
        "compute_logs": {
            "module": "dagster._core.storage.noop_compute_log_manager",
            "class": "NoOpComputeLogManager",
        }
    }
    history = InstanceRef.from_dir(home).event_storage_data
    if history is not None and history.class_name == "SqliteEventLogStorage":
        overrides["event_log_storage"] = {
            "module": "kg_assets.event_log",
            "class": "WarmEventLog",
            "config": yaml.safe_load(history.config_yaml),
        }
    return dg.DagsterInstance.from_ref(InstanceRef.from_dir(home, overrides=overrides))


def report_killed_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark runs as failed whose build was killed: nobody else will.

    Returns:
        Ids of the runs.
    """
    unfinished = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING])
    killed = []
    for run in instance.get_runs(unfinished):
        tag = run.tags.get(BUILDER_TAG)
        if tag is not None and not is_alive(tag):
            instance.report_run_failed(run, "the build that executed this run was killed")
            # A slot of a pool outlives its run, and a build has no daemon that would free it.
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
            killed.append(run.run_id)
    return killed
