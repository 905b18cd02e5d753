"""The UI's way: the real webserver, the real daemon, one click for the whole graph."""

import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from kg_assets.building import build
from kg_assets.inference.steps import waiting
from kg_assets.instance import prepare_home
from kg_assets.promotion.readiness import readiness
from kg_assets.sources.landing import land
from resources.lake import Lake
from resources.settings import Settings
from tests.flow.conftest import lines
from tests.flow.graph import content
from tests.llm_server import LlmServer, tool_use

ROOT = Path(__file__).parents[2]
SECONDS = 1_500
SELECTOR = {"repositoryName": "__repository__", "repositoryLocationName": "dramatis"}


class Servers:
    """The webserver over workspace.yaml, and the daemon when it is asked for."""

    def __init__(self, log):
        self._log = log
        self._processes = []
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._start("-m", "dagster_webserver", "-h", "127.0.0.1", "-p", str(self.port))

    def _start(self, *command):
        workspace = ["-w", str(ROOT / "workspace.yaml")]
        self._processes.append(
            subprocess.Popen(
                [sys.executable, *command, *workspace], cwd=ROOT, stdout=self._log, stderr=self._log
            )
        )

    def start_daemon(self):
        self._start(str(ROOT / "tests/flow/quick_daemon.py"))

    def stop_sensors(self, *names):
        """As a click does; all of them, where none is named."""
        until(lambda: self.graphql(ASSETS), lambda found: found["assetNodes"])
        for sensor in self.graphql(SENSORS, selector=SELECTOR)["sensorsOrError"]["results"]:
            if not names or sensor["name"] in names:
                stopped = self.graphql(STOP_SENSOR, id=sensor["id"])["stopSensor"]
                assert stopped["__typename"] == "StopSensorMutationResult", stopped

    def graphql(self, query, **variables):
        return ask(self.port, query, variables)

    def stop(self):
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait(timeout=300)


@contextmanager
def servers(settings, tmp_path):
    prepare_home(settings)
    with (tmp_path / "servers.log").open("w") as log:
        running = Servers(log)
        try:
            yield running
        finally:
            running.stop()


def ask(port, query, variables):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql",
        json.dumps({"query": query, "variables": variables}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=300) as response:
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


ASSETS = "{ assetNodes { assetKey { path } isPartitioned isMaterializable description } }"
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


SENSORS = """
query ($selector: RepositorySelector!) {
  sensorsOrError(repositorySelector: $selector) { ... on Sensors { results { id name } } }
}
"""
START_SENSOR = """
mutation ($sensor: SensorSelector!) { startSensor(sensorSelector: $sensor) { __typename } }
"""
STOP_SENSOR = "mutation ($id: String!) { stopSensor(id: $id) { __typename } }"
RUNS = "{ runsOrError { ... on Runs { results { jobName status } } } }"
CHECKED = """
{
  assetCheckExecutions(assetKey: {path: ["landing"]}, checkName: "fresh", limit: 9) {
    status evaluation { success severity description }
  }
}
"""
MATERIALISED = (
    "{ assetNodes { assetKey { path } isMaterializable "
    "assetMaterializations(limit: 1) { runId } } }"
)


def test_one_click_builds_the_graph_that_kg_build_builds(home, template, tmp_path, monkeypatch):
    shutil.copytree(template / "landing", home.landing_path)
    with servers(home, tmp_path) as running:
        nodes = until(lambda: running.graphql(ASSETS), lambda a: a["assetNodes"])["assetNodes"]
        assert all(node["description"] for node in nodes)
        # The sensor would be quicker than the click.
        running.stop_sensors()
        for key in ("alpha|first", "beta|first"):
            running.graphql(ADD_PARTITION, selector=SELECTOR, key=key)
        running.start_daemon()
        # As the UI does: what only people add to, it does not offer to materialise.
        keys = [node["assetKey"] for node in nodes if node["isMaterializable"]]
        launched = running.graphql(BACKFILL, keys=keys)["launchPartitionBackfill"]
        assert launched["__typename"] == "LaunchBackfillSuccess", launched
        done = until(
            lambda: running.graphql(STATUS, id=launched["backfillId"])["partitionBackfillOrError"],
            lambda answer: answer["status"] not in ("REQUESTED", "CANCELING"),
        )
        assert done["status"] == "COMPLETED_SUCCESS", done
        missing = [
            "/".join(node["assetKey"]["path"])
            for node in running.graphql(MATERIALISED)["assetNodes"]
            if node["isMaterializable"] and not node["assetMaterializations"]
        ]
        assert missing == []
    assert build(home).results == []
    clicked = content(home)
    monkeypatch.setenv("KG_HOME", str(template))
    assert clicked == content(Settings())


def test_a_landed_delivery_reaches_production_by_itself(built, tmp_path, monkeypatch):
    """Beside one that cannot be read, and while the language model is paused, by a click.

    After another click the model reads the texts.
    """
    film = {"entity_type": "film", "source_id": "7", "name": "Paprika", "year": 2006}
    told = {"description": "A machine lets doctors see what their patients dream."}
    with LlmServer(lambda _: tool_use({"facts": []})) as model:
        for name, value in {
            "KG_PROMOTE": "auto",
            "KG_EXPECTED_EVERY_DAYS": '{"gamma": 1}',
            "KG_EXTRACTORS": '{"film": ["llm", "rules"]}',
            "KG_LLM_BASE_URL": model.url,
            "KG_LLM_KEY": "test",
        }.items():
            monkeypatch.setenv(name, value)
        with servers(built, tmp_path) as running:
            running.stop_sensors("texts_that_wait")
            running.start_daemon()
            manifest, bad = tmp_path / "delivery.json", tmp_path / "bad.jsonl"
            manifest.write_text('{"mode": "full"}')
            bad.write_text("not json\n")
            land(built.landing_path, "beta", [bad, manifest], "second")
            more = lines(tmp_path / "more.jsonl", [film | told])
            land(built.landing_path, "alpha", [more], "second")

            def runs(job):
                results = running.graphql(RUNS)["runsOrError"]["results"]
                return [run["status"] for run in results if run["jobName"] == job]

            def ends(job):
                until(lambda: runs(job), lambda found: found[:1] in (["SUCCESS"], ["FAILURE"]))

            ends("update")
            ends("promote")
            # Later ticks start nothing more.
            time.sleep(10)
            assert [runs("update"), runs("promote")] == [["SUCCESS"], ["SUCCESS"]]
            # What the source delivered before still counts, and what failed is named.
            published = content(built.in_namespace("prod"))["nodes"]
            assert {"Paprika", "Rounds"} <= {row[2] for row in published}
            assert list(readiness(Lake(built)).failed) == ["beta|second"]
            assert (runs("read_texts"), model.messages()) == ([], [])
            assert waiting(Settings(), "film") == 2
            running.graphql(START_SENSOR, sensor=SELECTOR | {"sensorName": "texts_that_wait"})
            ends("read_texts")
            assert runs("read_texts") == ["SUCCESS"]
            assert waiting(Settings(), "film") == 0
            # Of a source that does nothing the daemon tells by itself.
            checked = running.graphql(CHECKED)["assetCheckExecutions"]
    assert len(model.messages()) == 2
    assert checked
    assert {one["status"] for one in checked} == {"FAILED"}
    assert {one["evaluation"]["severity"] for one in checked} == {"WARN"}
    assert checked[0]["evaluation"]["description"].endswith("sources are late: gamma")
