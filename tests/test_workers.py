"""The workers of a build are forked of one that has imported what all need, and end with it."""

import os
import signal
import subprocess
import sys
from multiprocessing import active_children
from multiprocessing.context import ForkServerProcess

import psutil
import pytest

from kg_assets.inference.tables import ONTOLOGY_VERSIONS
from kg_assets.running import Task, runner
from resources.lake import Lake
from resources.settings import Settings

NAME = ONTOLOGY_VERSIONS.name
TASK = Task("ontology", (NAME,), (NAME,))

BUILD = f"""
import psutil, time
from kg_assets.running import Task, runner
from resources.settings import Settings
with runner(Settings()) as submit:
    submit({TASK!r}).result()
    print(*(one.pid for one in psutil.Process().children(recursive=True)), flush=True)
    time.sleep({{seconds}})
"""


@pytest.fixture
def two_workers(tmp_path, monkeypatch):
    """Gives settings of a home of a name, for two workers."""

    def settings(name):
        monkeypatch.setenv("KG_HOME", str(tmp_path / name))
        monkeypatch.setenv("KG_NAMESPACE", "dev")
        monkeypatch.setenv("KG_WORKERS", "2")
        return Settings()

    return settings


def test_workers_are_forked_of_one_process_and_each_build_gives_them_its_own_environment(
    two_workers,
):
    parents = set()
    for name in ("first", "second"):
        settings = two_workers(name)
        with runner(settings) as submit:
            assert submit(TASK).result().error is None
            workers = [one for one in active_children() if isinstance(one, ForkServerProcess)]
            parents |= {psutil.Process(one.pid).ppid() for one in workers}
        assert Lake(settings).heads(ONTOLOGY_VERSIONS)
    assert len(parents) == 1
    assert parents != {os.getpid()}


def test_workers_and_what_they_are_forked_of_end_without_a_word(two_workers):
    two_workers("silent")
    done = subprocess.run(
        [sys.executable, "-c", BUILD.format(seconds=0)], capture_output=True, text=True, check=True
    )
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""


def test_workers_end_with_a_build_that_is_killed(two_workers):
    two_workers("killed")
    build = subprocess.Popen(
        [sys.executable, "-c", BUILD.format(seconds=600)], stdout=subprocess.PIPE, text=True
    )
    workers = [psutil.Process(int(one)) for one in build.stdout.readline().split()]
    assert workers
    os.kill(build.pid, signal.SIGKILL)
    build.communicate()
    _, alive = psutil.wait_procs(workers, timeout=60)
    assert alive == []


def test_a_worker_that_finds_a_database_away_says_which(two_workers, monkeypatch):
    address = "127.0.0.1:1/runs"
    monkeypatch.setenv("KG_DAGSTER_STORAGE", f"postgresql://nobody:secret@{address}")
    with runner(two_workers("lost")) as submit:
        said = str(submit(TASK).exception())
    assert said.startswith(
        "the storage of Dagster's runs and events (KG_DAGSTER_STORAGE) "
        f"at {address} cannot be used: "
    )
    assert "secret" not in said
