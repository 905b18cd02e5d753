"""Many machines: two workers, a lake in a bucket, Postgres; the same tables as of one process."""

import os
import shutil
import signal
import threading
import time

import pytest
from dagster import DagsterRunStatus, RunsFilter

from kg_assets.building import build
from kg_assets.cluster.local import local_servers, running, worker_command
from kg_assets.instance import open_instance
from resources.lake import Lake
from resources.settings import Settings
from tests.opened import open_to_others
from tests.s3_server import KEYS, make_bucket, s3_server

LANES = ("sources", "film", "series", "documents")
"""What is built here: a part, since a whole build would take longer than all other tests."""

MADE = {("film/resolved_entities", "all"), ("series/match_scores", "all"), ("chunks", "film")}


def digests(settings):
    heads = Lake(settings).catalog.all_heads(settings.namespace)
    return {place: head.file.digest for place, head in heads.items()}


@pytest.fixture(scope="module")
def cluster(template, tmp_path_factory):
    """Settings of a cluster with the deliveries of the template landed, and its workers."""
    folder = tmp_path_factory.mktemp("cluster")
    open_to_others(folder)
    home = folder / "home"
    shutil.copytree(template / "landing", home / "landing")
    with (
        pytest.MonkeyPatch.context() as patch,
        local_servers(home / "cluster", durable=False) as variables,
        s3_server() as url,
    ):
        make_bucket(url, "lake")
        more = {"KG_HOME": str(home), "KG_LAKE": "s3://lake/kg", "KG_S3_ENDPOINT": url, **KEYS}
        ones = dict.fromkeys(("KG_THREADS", "KG_SHARDS", "KG_WORKERS"), "1")
        for name, value in (variables | more | ones).items():
            patch.setenv(name, value)
        settings = Settings()
        commands = {name: worker_command(settings, name) for name in ("one", "two")}
        with running(commands, home / "cluster") as workers:
            yield settings, workers


def test_two_workers_build_what_one_process_builds(cluster, template):
    settings, _ = cluster
    expected = digests(Settings(home=template, launcher="local", lake=None, catalog=None))
    summary = build(settings, only=LANES)
    assert [result.error for result in summary.failed] == []
    assert {run.task.lane for run in summary.results} == {*LANES}
    made = digests(settings)
    assert made.keys() >= MADE
    assert made == {place: expected[place] for place in made}


def test_a_run_whose_worker_was_killed_fails_and_says_so(cluster):
    settings, workers = cluster
    before = digests(settings)

    def kill_when_it_runs():
        with open_instance(settings) as instance:
            while not instance.get_runs(RunsFilter(statuses=[DagsterRunStatus.STARTED])):
                time.sleep(0.1)
        for worker in workers.values():
            os.killpg(worker.pid, signal.SIGKILL)

    killer = threading.Thread(target=kill_when_it_runs)
    killer.start()
    summary = build(settings, only=["film"])
    killer.join()
    assert ["is gone" in result.error for result in summary.failed] == [True]
    # What was there before stays, or is there again with the same content.
    assert digests(settings) == before
