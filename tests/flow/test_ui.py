"""The UI's way: the real webserver, the real daemon, one click for the whole graph."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from kg_assets.building import build
from kg_assets.instance import prepare_home
from resources.settings import Settings
from tests.flow.graph import content

ROOT = Path(__file__).parents[2]
SECONDS = 400
SELECTOR = {"repositoryName": "__repository__", "repositoryLocationName": "dramatis"}


@contextmanager
def servers(settings, tmp_path):
    """The webserver and the daemon over workspace.yaml; gives a function that asks GraphQL."""
    prepare_home(settings)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    workspace = ["-w", str(ROOT / "workspace.yaml")]
    commands = [
        ["-m", "dagster_webserver", *workspace, "-h", "127.0.0.1", "-p", str(port)],
        [str(ROOT / "tests/flow/quick_daemon.py"), *workspace],
    ]
    processes = []
    with (tmp_path / "servers.log").open("w") as log:
        try:
            for command in commands:
                processes.append(
                    subprocess.Popen([sys.executable, *command], cwd=ROOT, stdout=log, stderr=log)
                )
            yield lambda query, **variables: ask(port, query, variables)
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait(timeout=60)


def ask(port, query, variables):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql",
        json.dumps({"query": query, "variables": variables}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        answer = json.load(response)
    assert "errors" not in answer, answer
    return answer["data"]


def until(question, accepts):
    """Ask until the answer is accepted; return it."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        try:
            answer = question()
        except OSError:
            answer = None
        if answer is not None and accepts(answer):
            return answer
        time.sleep(1)
    raise TimeoutError(f"last answer: {answer}")


ASSETS = "{ assetNodes { assetKey { path } isPartitioned description } }"
ADD_PARTITION = """
mutation ($selector: RepositorySelector!, $key: String!) {
  addDynamicPartition(
    repositorySelector: $selector, partitionsDefName: "deliveries", partitionKey: $key
  ) { __typename }
}
"""
BACKFILL = """
mutation ($keys: [AssetKeyInput!]) {
  launchPartitionBackfill(backfillParams: {assetSelection: $keys, allPartitions: true}) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}
"""
STATUS = """
query ($id: String!) {
  partitionBackfillOrError(backfillId: $id) {
    ... on PartitionBackfill { status error { message } }
  }
}
"""


@pytest.fixture
def elsewhere(landed, tmp_path, monkeypatch):
    """Settings of a second home over the same landing zone."""
    monkeypatch.setenv("KG_LANDING", str(landed.landing_path))
    monkeypatch.setenv("KG_HOME", str(tmp_path / "clicked"))
    return Settings()


def test_one_click_builds_the_graph_that_kg_build_builds(landed, elsewhere, tmp_path, monkeypatch):
    with servers(elsewhere, tmp_path) as graphql:
        nodes = until(lambda: graphql(ASSETS), lambda a: a["assetNodes"])["assetNodes"]
        assert all(node["description"] for node in nodes)
        for key in ("alpha|first", "beta|first"):
            graphql(ADD_PARTITION, selector=SELECTOR, key=key)
        keys = [node["assetKey"] for node in nodes]
        launched = graphql(BACKFILL, keys=keys)["launchPartitionBackfill"]
        assert launched["__typename"] == "LaunchBackfillSuccess", launched
        done = until(
            lambda: graphql(STATUS, id=launched["backfillId"])["partitionBackfillOrError"],
            lambda answer: answer["status"] not in ("REQUESTED", "CANCELING"),
        )
        assert done["status"] == "COMPLETED_SUCCESS", done
    clicked = content(elsewhere)
    assert build(elsewhere).results == []
    monkeypatch.setenv("KG_HOME", os.environ["KG_HOME"].replace("clicked", "home"))
    assert build(landed).failed == []
    assert clicked == content(landed)
