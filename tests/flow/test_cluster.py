"""Many machines: two workers, a lake in a bucket, Postgres; the same tables as of one process."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import closing, contextmanager

import pytest
import redis
import sqlalchemy as sa
from dagster import AssetKey, DagsterRunStatus, RunsFilter
from dagster._core.definitions.reconstruct import ReconstructableRepository
from dagster_celery.tags import DAGSTER_CELERY_TASK_ID_TAG

from kg_assets.build import assemble, build_definitions
from kg_assets.building import build
from kg_assets.cluster.configuration import Takes, queues_of
from kg_assets.cluster.local import local_servers, running, worker_command
from kg_assets.instance import open_instance
from kg_assets.planning import lanes
from resources.lake import Lake
from resources.settings import Settings
from tests.echoing_servers import Redis, echoing
from tests.opened import open_to_others
from tests.s3_server import KEYS, make_bucket, s3_server
from tests.waiting import until

LANES = ("sources", "film", "series", "documents")
"""What is built here: a part, since a whole build would take longer than all other tests."""

PLANTED = {
    name: f"planted-{name.lower()}"
    for name in ("KG_LLM_KEY", "KG_EMBEDDING_KEY", "KG_S3_SECRET", "KG_S3_TOKEN")
}
"""Keys that workers and builds have, and tell nobody."""

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
        for name, value in (variables | more | ones | PLANTED).items():
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


def waiting(settings):
    """Which runs wait at the broker, by queue: the steps of each."""
    found = {}
    with closing(redis.Redis.from_url(settings.broker.get_secret_value())) as broker:
        for takes in (Takes.ANY, Takes.BUILDS):
            found |= {name: broker.llen(name) for name in queues_of(settings, takes)}
    return found


@contextmanager
def launched(settings, job, **asked):
    """A run that was launched, and its instance."""
    origin = ReconstructableRepository.for_module("kg_assets.definitions", "defs")
    origin = origin.get_reconstructable_job(job.name).get_python_origin()
    with open_instance(settings) as instance:
        run = instance.create_run_for_job(job, job_code_origin=origin, **asked)
        try:
            instance.launch_run(run.run_id, None)
            yield run, instance
        finally:
            if not instance.get_run_by_id(run.run_id).is_finished:
                instance.report_run_canceled(run)


def gained(settings, job, **asked):
    """How many runs more wait in each queue after one was launched."""
    before = waiting(settings)
    with launched(settings, job, **asked):
        pass
    return {name: count - before[name] for name, count in waiting(settings).items()}


def test_two_workers_that_take_the_same_delivery_leave_it_once(cluster):
    settings, _ = cluster
    before = digests(settings)
    definitions = build_definitions(settings=settings)
    job = definitions.resolve_implicit_global_asset_job_def()
    steps = lanes(assemble(settings).steps)["sources"].steps
    asked = {
        "asset_selection": {
            AssetKey(table.name.split("/")) for step in steps for table in step.outputs
        },
        "tags": {"dagster/partition": "alpha|first"},
    }
    with (
        launched(settings, job, **asked) as (one, instance),
        launched(settings, job, **asked) as (
            two,
            _,
        ),
    ):

        def both():
            return [instance.get_run_by_id(run.run_id) for run in (one, two)]

        until(lambda: all(run.is_finished for run in both()), 0.1)
        assert [run.status for run in both()] == [DagsterRunStatus.SUCCESS] * 2
        tasks = [run.tags[DAGSTER_CELERY_TASK_ID_TAG] for run in both()]
    logs = [(settings.home / "cluster" / f"{name}.log").read_text() for name in ("one", "two")]
    assert sorted(sum(task in log for task in tasks) for log in logs) == [1, 1]
    assert digests(settings) == before


def test_a_worker_that_takes_any_run_takes_a_large_one(cluster):
    settings, _ = cluster
    job = build_definitions(settings=settings).resolve_implicit_global_asset_job_def()
    asked = {"tags": {"kg/machine": "large"}, "asset_selection": {AssetKey("ontology_versions")}}
    with launched(settings, job, **asked) as (run, instance):
        until(lambda: instance.get_run_by_id(run.run_id).is_finished, 0.1)
        assert instance.get_run_by_id(run.run_id).status is DagsterRunStatus.SUCCESS


def test_a_run_whose_worker_was_killed_fails_and_says_so(cluster):
    settings, workers = cluster
    before = digests(settings)

    def kill_when_it_runs():
        with open_instance(settings) as instance:
            started = RunsFilter(statuses=[DagsterRunStatus.STARTED])
            until(lambda: instance.get_runs(started), 0.1)
        for worker in workers.values():
            os.killpg(worker.pid, signal.SIGKILL)

    killer = threading.Thread(target=kill_when_it_runs)
    killer.start()
    summary = build(settings, only=["film"])
    killer.join()
    assert ["is gone" in result.error for result in summary.failed] == [True]
    # What was there before stays, or is there again with the same content.
    assert digests(settings) == before


@pytest.mark.parametrize(
    ("steps", "tags", "queue"),
    [
        (("nodes",), {}, "kg-dev.large"),
        (("ontology_versions",), {}, "kg-dev"),
        (("ontology_versions", "nodes"), {}, "kg-dev.large"),
        (("nodes",), {"kg/machine": "any"}, "kg-dev"),
        (("ontology_versions",), {"kg/machine": "large"}, "kg-dev.large"),
    ],
)
def test_a_run_waits_for_machines_of_the_kind_that_its_steps_or_its_own_tag_name(
    cluster, steps, tags, queue
):
    settings, _ = cluster
    job = build_definitions(settings=settings).resolve_implicit_global_asset_job_def()
    assets = {AssetKey(name) for name in steps}
    found = gained(settings, job, tags=tags, asset_selection=assets)
    assert found == {name: int(name == queue) for name in found}


@pytest.mark.parametrize("name", ["update", "read_texts", "promote", "rollback"])
def test_a_job_that_launches_runs_or_waits_for_them_takes_no_place_of_theirs(cluster, name):
    settings, _ = cluster
    found = gained(settings, build_definitions(settings=settings).resolve_job_def(name))
    assert found == {queue: int(queue == "kg-dev.builds") for queue in found}


def test_a_run_whose_tag_names_no_kind_of_machine_is_refused(cluster):
    settings, _ = cluster
    job = build_definitions(settings=settings).resolve_implicit_global_asset_job_def()
    before = waiting(settings)
    assets = {AssetKey("ontology_versions")}
    with pytest.raises(ValueError, match="'huge'; it can say any, large, builds"):
        gained(settings, job, tags={"kg/machine": "huge"}, asset_selection=assets)
    assert waiting(settings) == before


def held_by_databases(address):
    """All rows of all databases of a server, as text."""
    server = sa.make_url(address)
    with closing(sa.create_engine(server).connect()) as connection:
        names = connection.exec_driver_sql("SELECT datname FROM pg_database WHERE datallowconn")
        names = [name for name in names.scalars() if name != "template1"]
    for name in names:
        with closing(sa.create_engine(server.set(database=name)).connect()) as connection:
            tables = connection.exec_driver_sql(
                "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT LIKE 'pg_%%'"
            ).all()
            for schema, table in tables:
                whole = f'SELECT t::text FROM "{schema}"."{table}" AS t'  # noqa: S608 - names of ours
                rows = connection.exec_driver_sql(whole)
                yield from rows.scalars()


def held_by_broker(address):
    """All that a broker holds, as it would write it to a file."""
    with closing(redis.Redis.from_url(address)) as broker:
        yield from (broker.dump(key) for key in broker.scan_iter())


def test_no_secret_of_a_cluster_is_written_or_said(cluster):
    settings, _ = cluster
    catalog, real = settings.catalog_url, settings.broker.get_secret_value()
    password = sa.make_url(catalog).password
    with echoing(Redis) as port:
        refusing = f"redis://:planted-broker%40x@127.0.0.1:{port}/0"
        done = subprocess.run(
            [sys.executable, "-m", "kg_assets.cli.main", "build", "--only", "ontology"],
            env=os.environ | {"KG_BROKER": refusing, "KG_LOG_LEVEL": "DEBUG"},
            capture_output=True,
            text=True,
            check=False,
        )
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert "could not be handed to the broker of KG_BROKER" in said
    assert "[hidden]" in said
    # The password of the servers has its own file, and a file for the shell of who starts them.
    own = {"password", "settings.sh"}
    files = [
        path.read_bytes()
        for path in settings.home.rglob("*")
        if path.is_file() and path.name not in own
    ]
    rows = [row.encode() for row in held_by_databases(catalog)]
    kept = [*files, *rows, *held_by_broker(real), said.encode()]
    assert any(b"PipelineEvent" in row or b"EventLogEntry" in row for row in rows)
    for secret in ("planted-", password):
        assert [text[:2_000] for text in kept if secret.encode() in text] == []
