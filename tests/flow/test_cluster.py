"""Many machines: the same build on two workers, with the lake in a bucket, gives the same graph."""

import shutil

from kg_assets.building import build
from kg_assets.cluster.local import local_servers, running, worker_command
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


def test_two_workers_build_what_one_process_builds(template, tmp_path, monkeypatch):
    open_to_others(tmp_path)
    monkeypatch.setenv("KG_HOME", str(template))
    for name in ("THREADS", "SHARDS", "WORKERS"):
        monkeypatch.setenv(f"KG_{name}", "1")
    alone = Settings()
    expected = digests(alone)
    home = tmp_path / "home"
    shutil.copytree(template / "landing", home / "landing")
    monkeypatch.setenv("KG_HOME", str(home))
    with local_servers(home / "cluster", durable=False) as variables, s3_server() as url:
        make_bucket(url, "lake")
        more = {"KG_LAKE": "s3://lake/kg", "KG_S3_ENDPOINT": url, **KEYS}
        for name, value in (variables | more).items():
            monkeypatch.setenv(name, value)
        settings = Settings()
        commands = {name: worker_command(settings, name) for name in ("one", "two")}
        with running(commands, home / "cluster"):
            summary = build(settings, only=LANES)
            assert [result.error for result in summary.failed] == []
            assert {run.task.lane for run in summary.results} == {*LANES}
            made = digests(settings)
            assert made.keys() >= MADE
            assert made == {place: expected[place] for place in made}
