"""The Dagster instance of a namespace: its folder, its configuration, and its broken runs."""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import yaml
from dagster._core.instance.ref import InstanceRef

from kg_assets.cluster.configuration import (
    STORAGE_VARIABLE,
    instance_sections,
    make_schema,
    storage_address,
)
from kg_assets.event_log import BATCH_SIZE
from resources.processes import is_alive, this_process

if TYPE_CHECKING:
    from resources.settings import Settings


class InstanceError(RuntimeError):
    """The configuration of a Dagster instance does not fit the settings."""


BUILDER_TAG = "kg/builder"
"""Tag of a run: process id and start time of the build, or of the job, that executes it."""

_HEADER = "# Written by kg; as long as nobody changes it, kg writes it anew where it must. Hash: "

_CLAIM_SECONDS = 300
"""Seconds within which a run that has started says which process it is."""

_EARLIER = "# Written by kg where there is none; change it as you like."
"""First line of the files of earlier versions, which did not tell whether somebody changed them."""

_COMMENTS = (_EARLIER, "# Ticks; runs and their logs go after KG_KEEP_RUN_DAYS.")
"""All that was ever said in files that this program wrote."""

_log = logging.getLogger(__name__)

_CONFIGURATION = """\
telemetry:
  enabled: false
nux:
  enabled: false
storage:
  custom:
    module: kg_assets.sqlite_storage
    class: WarmSqliteStorage
    config:
      base_dir:
        env: DAGSTER_HOME
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

    Raises:
        InstanceError: The folder's configuration was changed by hand, and is one for another
            launcher or another storage than the settings name.
    """
    home = settings.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    _write_configuration(home / "dagster.yaml", settings)
    address = storage_address(settings)
    if address is not None:
        make_schema(settings)
        os.environ[STORAGE_VARIABLE] = address
    os.environ["DAGSTER_HOME"] = str(home)
    return home


def configuration(settings: Settings) -> dict[str, Any]:
    """The configuration of a namespace's instance, as dagster.yaml holds it."""
    found: dict[str, Any] = yaml.safe_load(_CONFIGURATION.format(workers=settings.workers))
    for name, section in instance_sections(settings).items():
        own = found.get(name)
        found[name] = {**own, **section} if isinstance(own, dict) else section
    return found


def _write_configuration(path: Path, settings: Settings) -> None:
    wanted = configuration(settings)
    there = path.read_text() if path.exists() else None
    if there is not None:
        found = yaml.safe_load(there) or {}
        # Where nothing is said of it, Dagster takes the same files with slower classes of its own.
        storages = [wanted["storage"]] if settings.dagster_storage else [wanted["storage"], None]
        fits = (
            found.get("run_launcher") == wanted.get("run_launcher")
            and found.get("storage") in storages
        )
        missing = list(_missing(wanted, found))
        if fits and not missing:
            return
        if not _is_unchanged(there, wanted, found):
            if fits:
                _tell_once(path, missing)
                return
            raise InstanceError(
                f"{path} was changed by hand, and its sections storage and run_launcher are not "
                "those of KG_LAUNCHER and KG_DAGSTER_STORAGE: change them, or remove the file"
            )
    body = yaml.safe_dump(wanted, sort_keys=False)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(f"{_HEADER}{_hash(body)}\n{body}")
    draft.replace(path)


def _missing(wanted: Mapping[str, Any], found: Mapping[str, Any], at: str = "") -> Iterator[str]:
    """Names of what a configuration lacks; what it says otherwise is its own affair."""
    for name, value in wanted.items():
        if name not in found:
            yield f"{at}{name}"
        elif isinstance(value, dict) and isinstance(found[name], dict):
            yield from _missing(value, found[name], f"{at}{name}.")


def _is_unchanged(text: str, wanted: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    """Whether a file is as this program wrote it, or says nothing that a new one would not say.

    Args:
        text: The file.
        wanted: What would be written now.
        found: What the file says.
    """
    header, _, body = text.partition("\n")
    if header == _HEADER + _hash(body):
        return True
    comments = {line.strip() for line in text.splitlines() if line.lstrip().startswith("#")}
    return header == _EARLIER and comments <= set(_COMMENTS) and _is_part(found, wanted)


def _is_part(found: Any, wanted: Any) -> bool:
    if isinstance(found, dict) and isinstance(wanted, dict):
        return all(name in wanted and _is_part(found[name], wanted[name]) for name in found)
    return bool(found == wanted)


def _tell_once(path: Path, missing: Sequence[str]) -> None:
    """Say what a file lacks that somebody has changed, and which is therefore left alone."""
    said = ", ".join(missing)
    told = path.with_name(".told")
    if told.exists() and told.read_text() == said:
        return
    _log.warning(
        "%s was changed by hand and lacks what kg writes today: %s. It stays as it is; add what "
        "you want of it, or remove the file and kg writes it anew. This is said once",
        path,
        said,
    )
    told.write_text(said)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


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
        },
        "instance_class": {"module": "kg_assets.build_instance", "class": "BuildInstance"},
    }
    if settings.dagster_storage is None:
        for name, value in BATCH_SIZE.items():
            os.environ.setdefault(name, value)
    return dg.DagsterInstance.from_ref(InstanceRef.from_dir(home, overrides=overrides))


def claim(instance: dg.DagsterInstance, run_id: str, settings: Settings) -> None:
    """Note which process executes a run, so that it can be told when that is gone.

    On a cluster runs are other machines', and Dagster's run monitoring asks their workers.
    """
    if settings.launcher == "local":
        instance.add_run_tags(run_id, {BUILDER_TAG: this_process()})


def report_killed_runs(instance: dg.DagsterInstance, claimed: Sequence[str] = ()) -> list[str]:
    """Mark runs as failed whose process was killed: nobody else will.

    Args:
        instance: The instance.
        claimed: Jobs whose runs are claimed when they start (`claim`), on this machine. One that
            was not within five minutes was killed before it came to that.

    Returns:
        Ids of the runs.
    """
    unfinished = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING])
    killed = []
    for record in instance.get_run_records(unfinished):
        run = record.dagster_run
        tag = run.tags.get(BUILDER_TAG)
        late = record.start_time is not None and record.start_time < time.time() - _CLAIM_SECONDS
        if (run.job_name in claimed and late) if tag is None else not is_alive(tag):
            instance.report_run_failed(run, "the process that executed this run was killed")
            # A slot of a pool outlives its run, and there may be no daemon that would free it.
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
            killed.append(run.run_id)
    return killed
