"""`kg build`: does what is out of date, all of it and nothing else."""

import json

from dagster._core.workspace.load_target import WorkspaceFileTarget

from kg_assets.building import build
from kg_assets.cli.ui import WORKSPACE
from kg_assets.instance import open_instance
from kg_assets.matching.models import MODELS
from kg_assets.sources.landing import land
from kg_assets.status import status
from resources.lake import Lake
from resources.settings import Settings
from tests.flow.conftest import ALPHA, lines
from tests.flow.graph import content


def commits(settings):
    return {key: head.commit_id for key, head in Lake(settings).catalog.all_heads("dev").items()}


def names(settings, node_type="film"):
    return sorted(row["name"] for row in nodes(settings) if row["node_type"] == node_type)


def nodes(settings):
    import duckdb

    with duckdb.connect(str(settings.published), read_only=True) as con:
        return con.sql("FROM nodes").to_arrow_table().to_pylist()


def test_two_sources_become_one_graph(built):
    assert names(built) == ["Glass Onion", "Knives Out", "Mother", "Mother"]
    assert names(built, "episode") == ["Pilot"]


def test_runs_of_a_build_name_the_code_location_so_that_the_timeline_shows_them(built):
    (location,) = WorkspaceFileTarget([str(WORKSPACE)]).create_origins()
    with open_instance(built) as instance:
        origins = {run.remote_job_origin for run in instance.get_runs()}
    assert [one.repository_origin.code_location_origin.location_name for one in origins] == [
        location.location_name
    ]


def test_with_one_worker_the_log_of_runs_goes_to_a_file_as_well(landed, capfd):
    (landed.landing_path / "alpha" / "first" / "delivery.json").write_text('{"mode": "delte"}')
    assert len(build(landed, only=["sources"]).failed) == 1
    assert capfd.readouterr().err == ""
    (log,) = (landed.home / "logs" / landed.namespace).iterdir()
    assert "source_records" in log.read_text()
    assert "failed: LandingError" in log.read_text()


def test_a_second_build_runs_nothing_and_changes_nothing(built):
    before, file = commits(built), built.published.stat()
    summary = build(built)
    assert summary.results == []
    assert commits(built) == before
    assert built.published.stat().st_mtime_ns == file.st_mtime_ns


def test_running_everything_again_on_the_same_input_changes_no_content(built):
    before = content(built)
    lake = Lake(built)
    hashes = {key: head.file.sha256 for key, head in lake.catalog.all_heads("dev").items()}
    summary = build(
        built, only=["sources", "film", "person", "documents", "film/inference", "graph"]
    )
    assert summary.failed == []
    assert len(summary.results) >= 6
    assert content(built) == before
    again = {key: head.file.sha256 for key, head in lake.catalog.all_heads("dev").items()}
    assert again == hashes


def test_a_new_delivery_changes_what_it_touches_and_keeps_other_ids(built, tmp_path):
    before = {row["name"]: row["node_id"] for row in nodes(built) if row["year"] != 2009}
    added = [{"entity_type": "film", "source_id": "4", "name": "Paprika", "year": 2006}]
    land(built.landing_path, "alpha", [lines(tmp_path / "more.jsonl", added)], "second")
    summary = build(built)
    assert summary.failed == []
    after = {row["name"]: row["node_id"] for row in nodes(built) if row["year"] != 2009}
    assert after.pop("Paprika")
    assert after == before
    # People are made from the credits of works; of no other type can a film change a record.
    assert set(summary.untouched) == set(MODELS) - {"film", "person"}
    ran = {result.task.lane for result in summary.results}
    assert ran.isdisjoint(summary.untouched)
    assert [one.label for one in status(built).partitions if one.state != "fresh"] == []
    assert build(built).results == []


def test_runs_can_be_seen_in_the_instance_with_their_materialisations(built):
    import dagster as dg

    with open_instance(built) as instance:
        runs = instance.get_runs()
        assert runs
        assert {run.status for run in runs} == {dg.DagsterRunStatus.SUCCESS}
        event = instance.get_latest_materialization_event(dg.AssetKey(["film", "match_scores"]))
        shown = event.asset_materialization.metadata
    assert {"dagster/row_count", "dagster/uri", "preview", "seconds", "peak_memory_mb"} <= set(
        shown
    )


def test_a_broken_delivery_does_not_hold_up_the_others(built, tmp_path):
    manifest = tmp_path / "delivery.json"
    manifest.write_text('{"mode": "sometimes"}')
    record = lines(tmp_path / "records.jsonl", ALPHA[:1])
    added = lines(tmp_path / "more.jsonl", [{**ALPHA[2], "name": "Up", "year": 2009}])
    land(built.landing_path, "gamma", [record, manifest], "first")
    land(built.landing_path, "zeta", [added], "first")
    summary = build(built, types=["film"])
    assert [result.task.label for result in summary.failed] == ["sources@gamma|first"]
    assert "mode" in summary.failed[0].error
    assert names(built) == ["Glass Onion", "Knives Out", "Mother", "Mother", "Up"]


def test_a_changed_delivery_folder_is_read_again(built):
    file = built.landing_path / "alpha" / "first" / "alpha.jsonl"
    records = [json.loads(line) for line in file.read_text().splitlines()]
    records.append({"entity_type": "film", "source_id": "9", "name": "Up", "year": 2009})
    lines(file, records)
    assert build(built, types=["film"]).failed == []
    assert "Up" in names(built)


def test_an_empty_landing_zone_builds_an_empty_graph(home):
    # Beside what was landed the template has the other types without a record.
    summary = build(home, types=["film", "person"])
    assert summary.failed == []
    assert nodes(home) == []


def test_two_processes_build_the_same_graph_as_one(built, tmp_path, monkeypatch):
    monkeypatch.setenv("KG_HOME", str(tmp_path / "other"))
    monkeypatch.setenv("KG_LANDING", str(built.landing_path))
    monkeypatch.setenv("KG_WORKERS", "2")
    other = Settings()
    # Of the other types there are no records.
    types = ["film", "series", "episode", "person", "character"]
    assert build(other, types=types).failed == []
    assert content(other) == content(built)


def test_nothing_but_the_home_is_written(template):
    beside = sorted(path.name for path in template.parent.iterdir())
    assert beside == ["alpha.jsonl", "beta.jsonl", "home"]
