"""`kg cluster up` as a person uses it: a run goes through, all of it listens on loopback, and when
it is stopped nothing of it is left."""

import ipaddress
import json
import os
import shlex
import signal
import socket
import stat
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
import sqlalchemy as sa

from kg_assets.cluster.servers import free_port
from tests.flow.test_ui import SELECTOR, ask
from tests.homes import ENVIRONMENT
from tests.opened import open_to_others
from tests.waiting import until

STARTED = "Everything has started"
LAUNCH = """
mutation ($selector: JobOrPipelineSelector!) {
  launchPipelineExecution(executionParams: {selector: $selector, mode: "default"}) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}
"""
RUN = """
query ($id: ID!) {
  runOrError(runId: $id) { ... on Run { status tags { key value } } }
}
"""
ENDED = ("SUCCESS", "FAILURE", "CANCELED")
LISTENING = (psutil.CONN_LISTEN, psutil.CONN_NONE)
"""States of a socket that others may reach: it takes connections, or datagrams."""


class Cluster:
    """`kg cluster up` in a home, and the processes that belong to it."""

    def __init__(self, home, *options):
        self.home, self.port = home, free_port()
        self.said = home.parent / "said.txt"
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("KG_", "DAGSTER_"))}
        self._environment = {
            **inherited,
            **ENVIRONMENT,
            "KG_HOME": str(home),
            "KG_PORT": str(self.port),
        }
        command = [sys.executable, "-m", "kg_assets.cli.main", "cluster", "up", *options]
        with self.said.open("w") as output:
            self.process = subprocess.Popen(
                command,
                env=self._environment,
                stdout=output,
                stderr=output,
                # A terminal of its own: what Ctrl-C reaches is this group.
                start_new_session=True,
            )

    def has_started(self):
        assert self.process.poll() is None, self.said.read_text()
        return STARTED in self.said.read_text()

    def processes(self):
        """All that it has started, also what has lost its parent."""
        found = set(psutil.Process(self.process.pid).children(recursive=True))
        return found | set(self.left())

    def left(self):
        """Processes that work in its home."""
        for process in psutil.process_iter():
            try:
                if process.environ().get("KG_HOME") == str(self.home):
                    yield process
            except psutil.Error:
                continue

    def pids(self, name):
        """Processes in whose command line a word stands, the oldest first."""
        found = []
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):  # Postgres has one for each connection
                if name in " ".join(process.cmdline()):
                    found.append((process.create_time(), process.pid))
        return [psutil.Process(pid) for _, pid in sorted(found)]

    def variables(self):
        """What it tells other shells."""
        words = shlex.split((self.home / "cluster" / "settings.sh").read_text())
        return dict(word.split("=", 1) for word in words if word != "export")

    def ended(self):
        """Its exit code, once it has ended."""
        return self.process.wait(timeout=300)


@contextmanager
def cluster(folder, *options):
    open_to_others(folder)
    running = Cluster(folder / "home", *options)
    try:
        until(running.has_started, 0.1)
        yield running
    finally:
        if running.process.poll() is None:
            running.process.terminate()
            running.ended()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A cluster of one worker, with UI and daemon."""
    with cluster(tmp_path_factory.mktemp("whole"), "--workers", "1") as running:
        yield running


def answers(cluster):
    try:
        return ask(cluster.port, "{ version }", {})
    except OSError:
        return None


def test_a_run_goes_from_the_ui_through_the_daemon_to_a_worker(whole):
    until(lambda: answers(whole), 0.2)
    selector = {
        **SELECTOR,
        "pipelineName": "__ASSET_JOB",
        "assetSelection": [{"path": ["ontology_versions"]}],
    }
    launched = ask(whole.port, LAUNCH, {"selector": selector})["launchPipelineExecution"]
    assert launched["__typename"] == "LaunchRunSuccess", launched

    def run():
        return ask(whole.port, RUN, {"id": launched["run"]["runId"]})["runOrError"]

    until(lambda: run()["status"] in ENDED, 0.5)
    found = run()
    assert found["status"] == "SUCCESS"
    assert "dagster-celery/task_id" in {tag["key"] for tag in found["tags"]}


def test_another_shell_uses_the_cluster_with_the_settings_that_it_wrote(whole):
    script = whole.home / "cluster" / "settings.sh"
    assert stat.S_IMODE(script.stat().st_mode) == 0o600
    variables = whole.variables()
    assert set(variables) == {
        "KG_HOME",
        "KG_NAMESPACE",
        "KG_LAUNCHER",
        "KG_BROKER",
        "KG_CATALOG",
        "KG_LLM_STORE",
        "KG_DAGSTER_STORAGE",
    }
    done = subprocess.run(
        f". {shlex.quote(str(script))}; {shlex.quote(sys.executable)} -m kg_assets.cli.main history"
        " ontology_versions --json",
        shell=True,
        env={k: v for k, v in os.environ.items() if not k.startswith("KG_")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)) == 1


def listening(processes):
    """Addresses on which processes listen: sockets of the network, and paths."""
    network, paths = set(), set()
    for process in processes:
        found = []
        with suppress(psutil.NoSuchProcess):
            found = process.net_connections(kind="all")
        for one in found:
            if one.family == socket.AF_UNIX:
                paths |= {one.laddr} if str(one.laddr).startswith("/") else set()
            elif one.laddr and not one.raddr and one.status in LISTENING:
                network.add((one.laddr.ip, one.laddr.port))
    return network, paths


def test_webserver_broker_postgres_and_code_servers_listen_on_loopback_alone(whole):
    until(lambda: answers(whole), 0.2)
    until(lambda: whole.pids("dagster api grpc"), 0.2)
    network, paths = listening(whole.processes())
    variables = whole.variables()
    expected = {whole.port}
    for name in ("KG_BROKER", "KG_CATALOG"):
        expected.add(int(variables[name].rpartition(":")[2].partition("/")[0]))
    assert {port for _, port in network} >= expected
    assert [place for place in network if not ipaddress.ip_address(place[0]).is_loopback] == []
    # The code servers listen on paths, which nobody else may write to, and so not connect to.
    modes = {path: stat.S_IMODE(Path(path).stat().st_mode) for path in paths if Path(path).exists()}
    assert [path for path, mode in modes.items() if mode & 0o022] == []
    assert len(network) + len(modes) > len(expected), "no code server listens"


def test_ctrl_c_ends_all_of_it_and_leaves_nothing(whole):
    processes = whole.processes()
    assert whole.pids("-worker-1@")
    assert whole.pids("-builds@")
    os.killpg(whole.process.pid, signal.SIGINT)
    assert whole.ended() == 0
    assert [one for one in processes if one.is_running() and one.status() != "zombie"] == []
    assert list(whole.left()) == []
    assert not (whole.home / "cluster" / "settings.sh").exists()
    assert answers(whole) is None


def test_a_stopped_cluster_begins_again_with_what_it_holds(tmp_path):
    passwords = set()
    for _ in range(2):
        with cluster(tmp_path, "--workers", "0", "--no-ui") as running:
            passwords.add(sa.make_url(running.variables()["KG_CATALOG"]).password)
            running.process.send_signal(signal.SIGTERM)
            assert running.ended() == 0
            assert list(running.left()) == []
    assert len(passwords) == 1


def test_a_worker_that_ends_by_itself_ends_the_cluster_with_its_last_words(tmp_path):
    with cluster(tmp_path, "--workers", "1", "--no-ui") as running:
        processes = running.processes()
        running.pids("-worker-1@")[0].kill()
        assert running.ended() == 1
        assert "worker-1 ended by itself" in running.said.read_text()
        assert [one for one in processes if one.is_running() and one.status() != "zombie"] == []
        assert list(running.left()) == []
