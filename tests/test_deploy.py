"""The files of deploy/ fit the image, the chart, Kubernetes and the settings, and ask for what the
tags say; they name secrets only, and listen on loopback."""

import json
import re
import sys
from importlib.metadata import entry_points, version
from pathlib import Path

import pytest
import yaml
from pydantic import AliasChoices

from kg_assets.build import assemble
from kg_assets.cluster.deployment import write_files
from kg_assets.instance import configuration
from kg_assets.memory_cap import bytes_of
from resources.settings import Settings
from tests.chart_schema import WRITTEN, commands, faults

DEPLOY = Path(__file__).parents[1] / "deploy"
SETTINGS = Settings(shards=None)
REQUIRED = {"KG_BROKER", "KG_CATALOG", "KG_LLM_STORE", "KG_DAGSTER_STORAGE"}
"""Keys of the secret without which no pod begins."""


def documents(name):
    return list(yaml.safe_load_all((DEPLOY / name).read_text()))


def values(name):
    [found] = documents(name)
    return found


def deployments():
    return {one["metadata"]["name"]: one for one in documents("workers.yaml")}


def pods():
    return {name: one["spec"]["template"]["spec"] for name, one in deployments().items()}


def servers():
    """What the chart gives its webserver, daemon and code server."""
    chart = values("values.yaml")
    [code] = chart["dagster-user-deployments"]["deployments"]
    return [chart["dagsterWebserver"], chart["dagsterDaemon"], code]


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


@pytest.mark.parametrize("name", ["compose.yaml", "values.yaml", "workers.yaml"])
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
    assert worker["command"][:5] == ["kg", "cluster", "worker", "--takes", "any"]
    assert (int(reserved["cpus"]), bytes_of(reserved["memory"] + "B")) == needed(lambda _tags: True)


@pytest.mark.parametrize(("name", "takes"), [("worker", "small"), ("worker-large", "large")])
def test_small_and_large_workers_request_what_their_own_assets_need(name, takes):
    [container] = pods()[f"dramatis-{name}"]["containers"]
    assert container["args"] == ["kg", "cluster", "worker", "--takes", takes, "--name", name]
    asked = container["resources"]["requests"]
    assert (int(asked["cpu"]), bytes_of(asked["memory"] + "B")) == needed(
        lambda tags: (tags.get("kg/machine") == "large") is (takes == "large")
    )


def test_workers_together_take_every_run_that_there_is():
    taken = {one["containers"][0]["args"][4] for one in pods().values()}
    assert taken == {"small", "large", "builds"}


def image(instruction):
    """The words of an instruction of the Dockerfile, none where it has none."""
    found = re.findall(rf"^{instruction} (\[.*\])$", (DEPLOY / "Dockerfile").read_text(), re.M)
    return json.loads(found[-1]) if found else []


def command_lines():
    """What runs in each container of our image."""
    entry = image("ENTRYPOINT")
    yield entry + image("CMD")
    for service in values("compose.yaml")["services"].values():
        if service["image"] == "dramatis":
            yield entry + service["command"]
    for pod in pods().values():
        for container in pod["containers"]:
            yield container.get("command", entry) + container["args"]
    webserver, daemon, code, probe = commands(values("values.yaml"))
    # The chart gives the first two as command, the third as arguments; a probe has no entry point.
    yield from (webserver, daemon, entry + code, probe)


@pytest.mark.parametrize("line", list(command_lines()), ids=" ".join)
def test_what_a_container_runs_is_a_command_with_these_options(line, monkeypatch, capsys):
    scripts = {one.name: one for one in entry_points(group="console_scripts")}
    assert line[0] in scripts
    monkeypatch.setattr(sys, "argv", [*line, "--help"])
    with pytest.raises(SystemExit) as ended:
        scripts[line[0]].load()()
    assert ended.value.code == 0, capsys.readouterr()


def test_the_chart_has_a_place_for_every_value():
    assert list(faults(values("values.yaml"))) == []


def test_a_value_that_the_chart_does_not_have_is_told():
    wrong = {"extraManifests": [], "telemetry": {"enabled": "no"}}
    assert list(faults(wrong)) == [
        "values.extraManifests: the chart has no such key",
        "values.telemetry.enabled: str instead of bool",
    ]


def snake(section):
    """A section of the values with the names of dagster.yaml."""
    if not isinstance(section, dict):
        return section
    return {
        re.sub("[A-Z]", lambda at: "_" + at[0].lower(), name): snake(value)
        for name, value in section.items()
    }


def test_the_chart_writes_the_dagster_yaml_that_other_machines_have():
    chart = values("values.yaml")
    wanted = configuration(SETTINGS.model_copy(update={"launcher": "celery", "namespace": "dev"}))
    # The chart writes it of what its values say of Postgres.
    wanted.pop("storage")
    assert chart["computeLogManager"] == {"type": wanted.pop("compute_logs")["class"]}
    assert chart["concurrency"]["enabled"]
    assert chart["retention"]["enabled"]
    more = chart["additionalInstanceConfig"]
    assert not more.keys() & WRITTEN
    made = {
        "run_launcher": chart["runLauncher"]["config"]["customRunLauncher"],
        "run_monitoring": snake(chart["dagsterDaemon"]["runMonitoring"]),
        "telemetry": chart["telemetry"],
        "concurrency": snake({k: v for k, v in chart["concurrency"].items() if k != "enabled"}),
        "retention": snake({k: v for k, v in chart["retention"].items() if k != "enabled"}),
        **more,
    }
    assert made == wanted
    assert made["concurrency"]["runs"] == {"max_concurrent_runs": -1}


def test_the_chart_that_is_named_is_that_of_the_installed_dagster():
    named = f"--version {version('dagster')} -f deploy/values.yaml"
    for name in ("values.yaml", "README.md"):
        assert named in (DEPLOY / name).read_text(), name


@pytest.mark.parametrize("name", [one["metadata"]["name"] for one in documents("workers.yaml")])
def test_a_deployment_is_what_kubernetes_demands(name):
    found = deployments()[name]
    assert (found["apiVersion"], found["kind"]) == ("apps/v1", "Deployment")
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", name)
    spec = found["spec"]
    assert spec["replicas"] >= 1
    labels = spec["template"]["metadata"]["labels"]
    assert spec["selector"]["matchLabels"]
    assert spec["selector"]["matchLabels"].items() <= labels.items()
    assert all(re.fullmatch(r"[a-z0-9-]{1,63}", value) for value in labels.values())
    pod = spec["template"]["spec"]
    volumes = {one["name"] for one in pod["volumes"]}
    [container] = pod["containers"]
    assert {one["name"] for one in container["volumeMounts"]} == volumes
    assert re.fullmatch(r"[a-z0-9-]{1,63}", container["name"])
    assert container["image"] == "dramatis:latest"
    assert container["envFrom"] == [{"secretRef": {"name": "dramatis"}}]
    assert re.fullmatch(r"[0-9]+", container["resources"]["requests"]["cpu"])
    assert re.fullmatch(r"[0-9]+M", container["resources"]["requests"]["memory"])


def test_no_deployment_takes_the_pods_of_another():
    selectors = [one["spec"]["selector"]["matchLabels"] for one in deployments().values()]
    assert len({tuple(sorted(one.items())) for one in selectors}) == len(selectors)


def test_pods_that_share_a_volume_run_as_the_user_of_the_image():
    made = re.search(r"useradd .*--uid ([0-9]+) kg", (DEPLOY / "Dockerfile").read_text())
    user = int(made[1])
    contexts = [pod["securityContext"] for pod in pods().values()]
    contexts += [server["podSecurityContext"] for server in servers()]
    assert contexts == [{"runAsNonRoot": True, "runAsUser": user, "fsGroup": user}] * len(contexts)


def test_the_image_has_the_folders_that_pods_write_to():
    [made] = re.findall(r"install -d -o kg (.+)", (DEPLOY / "Dockerfile").read_text())
    mounts = {one["mountPath"] for found in inside(servers(), "volumeMounts") for one in found}
    home = values("values.yaml")["global"]["dagsterHome"]
    assert set(made.split()) == {*mounts, home}


def test_every_variable_that_is_given_is_a_setting():
    known = {f"KG_{name.upper()}" for name in Settings.model_fields}
    for field in Settings.model_fields.values():
        if isinstance(field.validation_alias, AliasChoices):
            known |= set(map(str, field.validation_alias.choices))
    services = values("compose.yaml")["services"]
    given = {
        name
        for service in services.values()
        if service["image"] == "dramatis"
        for name in service["environment"]
    }
    for found in [*servers(), *inside(documents("workers.yaml"), "containers")]:
        given |= {one["name"] for env in inside(found, "env") for one in env}
    assert given >= REQUIRED
    assert given <= known
    table = re.findall(r"`((?:KG|AWS|ANTHROPIC)_\w+)`", (DEPLOY / "README.md").read_text())
    assert set(table) <= known | {"KG_PASSWORD"}


def test_what_must_be_there_before_is_written_down():
    said = (DEPLOY / "README.md").read_text()
    chart = values("values.yaml")
    claims = {
        one["claimName"] for one in inside([*servers(), *pods().values()], "persistentVolumeClaim")
    }
    [code] = chart["dagster-user-deployments"]["deployments"]
    keys = {one["key"] for one in inside([code, *pods().values()], "secretKeyRef")}
    assert keys == REQUIRED
    for name in (*claims, *keys, "postgresql-password", chart["postgresql"]["postgresqlHost"]):
        assert f"`{name}`" in said or f"{name}=" in said, name


def test_nothing_is_reachable_from_other_machines():
    found = values("compose.yaml")
    assert list(inside(found, "ports")) == [["127.0.0.1:3000:3000"]]
    chart = values("values.yaml")
    assert chart["dagsterWebserver"]["service"]["type"] == "ClusterIP"
    assert chart["ingress"] == {"enabled": False}
    assert not {"NodePort", "LoadBalancer"} & set(map(str, inside(chart, "type")))
    assert list(inside(documents("workers.yaml"), "ports")) == []


def test_the_webserver_listens_where_a_user_who_is_not_root_may_and_where_it_is_looked_for():
    webserver = values("values.yaml")["dagsterWebserver"]
    assert webserver["service"]["port"] >= 1024
    assert webserver["readinessProbe"]["httpGet"]["port"] == webserver["service"]["port"]


def test_secrets_are_named_and_not_written():
    found = values("compose.yaml")
    for environment in inside(found, "environment"):
        for name, value in environment.items():
            if re.search("PASSWORD|SECRET_|BROKER|CATALOG|STORE|STORAGE", name):
                assert "${" in value, name
    containers = [*servers(), *(pod["containers"][0] for pod in pods().values())]
    for container in containers:
        written = {one["name"] for one in container["env"] if "value" in one}
        assert written == {"KG_HOME", "KG_LOCAL", "KG_NAMESPACE", "KG_LAUNCHER", "KG_THREADS"}
    assert values("values.yaml")["global"]["postgresqlSecretName"] == "dramatis"


def test_the_image_installs_packages_by_their_hashes():
    assert "--require-hashes --no-deps -r requirements.txt" in (DEPLOY / "Dockerfile").read_text()
