"""Broker and database are killed and started again while a cluster works; nothing is lost."""

import os
import shutil
import signal
import threading
import time
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from dagster import DagsterRunStatus, RunsFilter
from dagster._core.execution.backfill import BulkActionStatus

from kg_assets.build import assemble
from kg_assets.building import build
from kg_assets.cluster.local import local_servers, running, worker_command
from kg_assets.cluster.servers import broker, postgres
from kg_assets.instance import open_instance
from resources.lake import Lake
from resources.settings import Settings
from tests.faults.conftest import strangers, tables
from tests.flow.test_ui import ADD_PARTITION, ASSETS, BACKFILL, SELECTOR, SENSORS, STOP_SENSOR
from tests.flow.test_ui import servers as servers_of_the_ui
from tests.flow.test_ui import until as until_answered
from tests.lengths import FULL
from tests.opened import open_to_others
from tests.waiting import until

LANES = ("sources", "film", "series", "episode", "person") if FULL else ("sources", "film")
ROUNDS = 6 if FULL else 1
UNFINISHED = [
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]
TRIES = 3
"""Builds after which all must be there."""


class Servers:
    """Broker and Postgres of a cluster, each of which can be killed and comes again."""

    def __init__(self, folder, variables):
        self._folder = folder
        self._broker = variables["KG_BROKER"]
        self._postgres = sa.make_url(variables["KG_CATALOG"])
        self._again = []

    def kill_broker(self):
        import redis

        with redis.Redis.from_url(self._broker) as client:
            self._kill(client.info("server")["process_id"])

    def start_broker(self):
        place = sa.make_url(self._broker)
        self._enter(broker(self._folder / "broker", password=place.password, port=place.port))

    def restart_broker(self):
        self.kill_broker()
        self.start_broker()

    def restart_postgres(self):
        place, folder = self._postgres, self._folder / "postgres"
        self._kill(int((folder / "data/postmaster.pid").read_text().split()[0]))
        open_to_others(folder)  # another session of pytest may have closed its folder
        self._enter(postgres(folder, password=place.password, durable=False, port=place.port))

    def _kill(self, pid):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        time.sleep(1)  # what belongs to it ends with it

    def _enter(self, server):
        server.__enter__()
        self._again.append(server)

    def stop(self):
        for server in reversed(self._again):
            server.__exit__(None, None, None)


@contextmanager
def cluster(home, landing, monkeypatch):
    """Settings of a cluster with two workers, and its servers."""
    open_to_others(home.parent)
    shutil.copytree(landing, home / "landing")
    with (
        local_servers(home / "cluster", durable=False) as variables,
        monkeypatch.context() as patch,
    ):
        ones = dict.fromkeys(("KG_THREADS", "KG_SHARDS", "KG_WORKERS"), "1")
        for name, value in {**variables, **ones, "KG_HOME": str(home)}.items():
            patch.setenv(name, value)
        settings, servers = Settings(), Servers(home / "cluster", variables)
        commands = {name: worker_command(settings, name) for name in ("one", "two")}
        try:
            with running(commands, home / "cluster"):
                yield settings, servers
        finally:
            servers.stop()


def runs(settings, *statuses):
    with open_instance(settings) as instance:
        return instance.get_runs(RunsFilter(statuses=list(statuses)))


def until_a_run_is(statuses, settings, building, seen):
    """Wait until a run that was not seen before has a status, or the build has ended."""
    while building.is_alive():
        found = {run.run_id for run in runs(settings, *statuses)} - seen
        if found:
            seen |= found
            return
        time.sleep(0.05)


def test_a_build_goes_on_after_broker_and_database_were_killed(
    template, tmp_path, monkeypatch, chance
):
    expected = tables(Settings(home=template))
    for number in range(ROUNDS):
        with cluster(tmp_path / f"home-{number}", template / "landing", monkeypatch) as given:
            settings, servers = given
            summaries = []
            building = threading.Thread(
                target=lambda: summaries.append(build(settings, only=LANES)),  # noqa: B023
                daemon=True,
            )
            servers.kill_broker()
            building.start()
            until_a_run_is(UNFINISHED, settings, building, set())
            time.sleep(2)  # it cannot be handed to the broker meanwhile
            servers.start_broker()
            seen = set()
            for restart in (servers.restart_broker, servers.restart_postgres):
                until_a_run_is([DagsterRunStatus.STARTED], settings, building, seen)
                time.sleep(chance.uniform(0, 1))
                restart()
            building.join(timeout=900)
            assert not building.is_alive(), "the build hangs"
            for _ in range(TRIES):
                # What failed because of the database is not made otherwise by the next build.
                if summaries and not summaries[-1].failed and not summaries[-1].blocked:
                    break
                summaries.append(build(settings, only=LANES))
            assert [result.error for result in summaries[-1].failed] == []
            errors = [result.error for summary in summaries for result in summary.failed]
            assert [error for error in errors if "broker" in error] == [], "it was away for seconds"
            made = tables(settings)
            assert ("film/resolved_entities", "all") in made
            assert made == {place: expected[place] for place in made}
            assert runs(settings, *UNFINISHED) == []
            Lake(settings).collect(older_than_seconds=0)
            assert strangers(settings) == set()


STEPS = ("raw_blobs", "source_records", "film/records")
"""What is made of two partitions, each in a run, and what waits for both."""


def backfilled(settings):
    """Tables that the backfill makes."""
    steps = assemble(settings).steps
    return [table.name for step in steps if step.name in STEPS for table in step.outputs]


@contextmanager
def clicked(settings, folder):
    """A function that starts a backfill as the UI does, for the daemon to work off; its id."""
    with servers_of_the_ui(settings, folder) as ui:
        until_answered(lambda: ui.graphql(ASSETS), lambda answer: answer["assetNodes"])
        for sensor in ui.graphql(SENSORS, selector=SELECTOR)["sensorsOrError"]["results"]:
            ui.graphql(STOP_SENSOR, id=sensor["id"])
        for key in ("alpha|first", "beta|first"):
            ui.graphql(ADD_PARTITION, selector=SELECTOR, key=key)
        ui.start_daemon()

        def click():
            keys = [{"path": name.split("/")} for name in backfilled(settings)]
            answer = ui.graphql(BACKFILL, keys=keys)["launchPartitionBackfill"]
            assert answer["__typename"] == "LaunchBackfillSuccess"
            return answer["backfillId"]

        yield click


def state(settings, backfill):
    with open_instance(settings) as instance:
        return instance.get_backfill(backfill).status


def is_going_on(settings, backfill):
    return state(settings, backfill) in (BulkActionStatus.REQUESTED, BulkActionStatus.FAILING)


def has_ended_or_a_new_run_has_started(settings, backfill, seen):
    started = {run.run_id for run in runs(settings, DagsterRunStatus.STARTED)} - seen
    seen |= started
    return started or not is_going_on(settings, backfill)


@pytest.mark.skipif(not FULL, reason="takes minutes: make test-faults runs it")
def test_a_backfill_goes_on_after_broker_and_database_were_killed(template, tmp_path, monkeypatch):
    expected = tables(Settings(home=template))
    with (
        cluster(tmp_path / "home", template / "landing", monkeypatch) as (settings, servers),
        clicked(settings, tmp_path) as click,
    ):
        backfill, seen = click(), set()
        for restart in (servers.restart_broker, servers.restart_postgres):
            until(lambda: has_ended_or_a_new_run_has_started(settings, backfill, seen), 0.05)
            restart()
        assert seen, "nothing ran while they were killed"
        for _ in range(TRIES):
            until(lambda: not is_going_on(settings, backfill), 0.5)  # noqa: B023
            if state(settings, backfill) is BulkActionStatus.COMPLETED_SUCCESS:
                break
            # What failed because of the database is not made otherwise by the next.
            backfill = click()
        assert state(settings, backfill) is BulkActionStatus.COMPLETED_SUCCESS
        made = tables(settings)
        assert {name for name, _ in made} >= {*backfilled(settings)}
        assert made == {place: expected[place] for place in made}
        assert runs(settings, *UNFINISHED) == []
        Lake(settings).collect(older_than_seconds=0)
        assert strangers(settings) == set()
