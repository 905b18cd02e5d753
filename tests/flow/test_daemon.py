"""The real daemon: what lands reaches production by itself, also after a kill."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from kg_assets.instance import BUILDER_TAG, open_instance, prepare_home
from kg_assets.sources.landing import land
from kg_assets.sources.tables import SOURCE_RECORDS
from resources.lake import Lake
from tests.flow.conftest import lines
from tests.flow.graph import content
from tests.waiting import until

ROOT = Path(__file__).parents[2]
PATIENCE = 1_500
"""Seconds; an update is a score of runs, and the daemon looks for work every few seconds."""

FILM = {"entity_type": "film", "source_id": "7", "name": "Paprika", "year": 2006}


@contextmanager
def daemon(settings, log):
    """The daemon, with the processes that it starts, in a group of their own."""
    prepare_home(settings)
    command = [sys.executable, str(ROOT / "tests/flow/quick_daemon.py")]
    with log.open("a") as stream:
        process = subprocess.Popen(
            [*command, "-w", str(ROOT / "workspace.yaml")],
            cwd=ROOT,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(timeout=300)


def kill(process):
    """Let a machine lose its power, as far as the daemon is concerned."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=60)


def updates(settings, *statuses):
    """Runs of the job update, the newest first."""
    with open_instance(settings) as instance:
        runs = instance.get_runs(dg.RunsFilter(job_name="update", statuses=list(statuses)))
        return list(runs)


def is_in_production(settings, name):
    prod = settings.in_namespace("prod")
    return prod.published.exists() and name in [row[2] for row in content(prod)["nodes"]]


def test_an_update_that_was_killed_with_its_daemon_is_gone_on_with(built, tmp_path, monkeypatch):
    monkeypatch.setenv("KG_PROMOTE", "auto")
    monkeypatch.setenv("KG_UPDATE_RETRY_SECONDS", "0")
    land(built.landing_path, "alpha", [lines(tmp_path / "more.jsonl", [FILM])], "second")
    with daemon(built, tmp_path / "daemon.log") as first:
        until(lambda: "alpha|second" in Lake(built).heads(SOURCE_RECORDS), 0.1, PATIENCE)
        kill(first)
    (killed,) = updates(built, dg.DagsterRunStatus.STARTED)
    assert BUILDER_TAG in killed.tags
    assert not is_in_production(built, "Paprika")
    with daemon(built, tmp_path / "daemon.log"):
        until(lambda: is_in_production(built, "Paprika"), 1, PATIENCE)
    (failed,) = updates(built, dg.DagsterRunStatus.FAILURE)
    assert failed.run_id == killed.run_id
