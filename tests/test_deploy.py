"""The files of deploy/ ask for what the tags say, name secrets only, and listen on loopback."""

import re
from pathlib import Path

import pytest
import yaml

from kg_assets.build import assemble
from kg_assets.cluster.deployment import write_files
from kg_assets.memory_cap import bytes_of
from resources.settings import Settings

DEPLOY = Path(__file__).parents[1] / "deploy"
SETTINGS = Settings(shards=None)


def values(name):
    return yaml.safe_load((DEPLOY / name).read_text())


def inside(found, key):
    """Every value of a key, wherever it stands."""
    if isinstance(found, dict):
        for name, value in found.items():
            if name == key:
                yield value
            yield from inside(value, key)
    elif isinstance(found, list):
        for value in found:
            yield from inside(value, key)


def test_every_asset_says_what_it_needs():
    for step in assemble(SETTINGS).steps:
        assert int(step.tags["kg/cpu"]) >= 1, step.name
        assert bytes_of(step.tags["kg/memory"]) >= 10**9, step.name


def test_people_need_more_than_films():
    needs = {step.name: bytes_of(step.tags["kg/memory"]) for step in assemble(SETTINGS).steps}
    assert needs["person/records"] > needs["film/records"] > needs["play/records"]


def test_what_sees_all_records_of_a_large_type_needs_a_large_machine_and_a_shard_does_not():
    large = {
        step.name for step in assemble(SETTINGS).steps if step.tags.get("kg/machine") == "large"
    }
    assert large >= {"film/records", "film/block_keys", "person/resolved_entities", "nodes"}
    assert not large & {"film/blocked_pairs", "person/match_scores", "play/records", "raw_blobs"}


@pytest.mark.parametrize("name", ["compose.yaml", "values.yaml"])
def test_the_files_are_those_that_the_command_writes(name, tmp_path):
    write_files(SETTINGS, tmp_path)
    written = (tmp_path / name).read_text()
    assert (DEPLOY / name).read_text() == written, "run kg cluster files"


def needed(taken):
    """Cores and memory of the most demanding asset among those that a worker may take."""
    tags = [step.tags for step in assemble(SETTINGS).steps if taken(step.tags)]
    return (
        max(int(each["kg/cpu"]) for each in tags),
        max(bytes_of(each["kg/memory"]) for each in tags),
    )


def test_a_worker_that_takes_any_run_requests_what_the_most_demanding_asset_needs():
    worker = values("compose.yaml")["services"]["worker"]
    reserved = worker["deploy"]["resources"]["reservations"]
    assert worker["command"] == ["cluster", "worker"]
    assert (int(reserved["cpus"]), bytes_of(reserved["memory"] + "B")) == needed(lambda _tags: True)


@pytest.mark.parametrize(("name", "takes"), [("worker", "small"), ("worker-large", "large")])
def test_small_and_large_workers_request_what_their_own_assets_need(name, takes):
    manifests = {one["metadata"]["name"]: one for one in values("values.yaml")["extraManifests"]}
    [container] = manifests[f"dramatis-{name}"]["spec"]["template"]["spec"]["containers"]
    assert container["args"] == ["cluster", "worker", "--takes", takes, "--name", name]
    asked = container["resources"]["requests"]
    assert (int(asked["cpu"]), bytes_of(asked["memory"] + "B")) == needed(
        lambda tags: (tags.get("kg/machine") == "large") is (takes == "large")
    )


def test_nothing_is_reachable_from_other_machines():
    found = values("compose.yaml")
    assert list(inside(found, "ports")) == [["127.0.0.1:3000:3000"]]
    chart = values("values.yaml")
    assert chart["dagsterWebserver"]["service"]["type"] == "ClusterIP"
    assert chart["ingress"] == {"enabled": False}
    assert not {"NodePort", "LoadBalancer"} & set(map(str, inside(chart, "type")))


def test_secrets_are_named_and_not_written():
    found = values("compose.yaml")
    for environment in inside(found, "environment"):
        for name, value in environment.items():
            if re.search("PASSWORD|SECRET_|BROKER|CATALOG|STORE|STORAGE", name):
                assert "${" in value, name
    chart = values("values.yaml")
    listed = {one["name"] for env in inside(chart, "env") if isinstance(env, list) for one in env}
    assert listed == {"KG_HOME", "KG_LOCAL", "KG_NAMESPACE", "KG_LAUNCHER", "KG_THREADS"}
    assert chart["global"]["postgresqlSecretName"] == "dramatis"


def test_the_image_installs_packages_by_their_hashes():
    assert "--require-hashes --no-deps -r requirements.txt" in (DEPLOY / "Dockerfile").read_text()
