"""Freshness in the UI and in `kg status`: told while nothing arrives, and as a code for scripts."""

import json
import shutil
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from typer.testing import CliRunner

from kg_assets.build import build_definitions
from kg_assets.building import build
from kg_assets.cli.main import app
from kg_assets.freshness import source_freshness, sources_are_fresh
from kg_assets.instance import open_instance
from kg_assets.sources.landing import land
from kg_assets.status import status
from resources.settings import Settings
from tests.flow.conftest import ALPHA, lines


@pytest.fixture
def instance(home):
    with open_instance(home) as opened:
        yield opened


def look(instance, cursor=None):
    """Evaluate the sensor as the daemon does; return the check's evaluation and the cursor."""
    result = source_freshness(dg.build_sensor_context(instance=instance, cursor=cursor))
    if isinstance(result, dg.SkipReason):
        return None, cursor
    (evaluation,) = result.asset_events
    assert (evaluation.asset_key, evaluation.check_name) == (dg.AssetKey("landing"), "fresh")
    return evaluation, result.cursor


def read(home, tmp_path, delivery, *extra):
    file = lines(tmp_path / f"{delivery}.jsonl", ALPHA[:1])
    land(home.landing_path, "alpha", [file, *extra], delivery)
    return build(home, only=["sources"])


def expect(monkeypatch, **days):
    monkeypatch.setenv("KG_EXPECTED_EVERY_DAYS", json.dumps(days))
    return Settings()


def alpha(settings, now=None):
    return next(one for one in status(settings, now).sources if one.name == "alpha")


def test_the_daemon_tells_of_a_late_source_while_nothing_arrives(built, instance, monkeypatch):
    fresh, cursor = look(instance)
    assert fresh.passed
    assert look(instance, cursor) == (None, cursor)
    expect(monkeypatch, alpha=1e-9)
    late, cursor = look(instance, cursor)
    assert (late.passed, late.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert late.description.endswith("sources are late: alpha")
    assert look(instance, cursor) == (None, cursor)
    expect(monkeypatch, alpha=1)
    assert look(instance, cursor)[0].passed


def test_what_is_read_is_told_at_once_and_a_lost_cursor_costs_one_evaluation(
    built, instance, tmp_path
):
    _, cursor = look(instance)
    read(built, tmp_path, "second")
    evaluation, _ = look(instance, cursor)
    row = evaluation.metadata["sources"].records[0]
    assert (row.data["source"], row.data["last"], row.data["late"]) == ("alpha", "second", False)
    assert look(instance, None)[0].passed


def test_a_delivery_that_fails_keeps_no_source_fresh(built, tmp_path, monkeypatch):
    before = alpha(built)
    bad = tmp_path / "delivery.json"
    bad.write_text('{"mode": "sometimes"}')
    assert read(built, tmp_path, "second", bad).failed
    found = alpha(expect(monkeypatch, alpha=2), datetime.now(UTC) + timedelta(days=3))
    assert (found.deliveries, found.waiting) == (2, 1)
    assert (found.freshness.last, found.freshness.read) == ("first", before.freshness.read)
    assert found.freshness.is_late


def test_a_cleared_landing_zone_leaves_the_source(built):
    shutil.rmtree(built.landing_path)
    found = alpha(built)
    assert (found.deliveries, found.records, found.freshness.last) == (0, 6, "first")


def test_kg_status_ends_with_one_for_a_late_source_where_it_is_asked(built, monkeypatch):
    def said(*arguments):
        result = CliRunner().invoke(app, ["status", *arguments])
        return result.exit_code, result.output

    assert said("--check")[0] == 0
    expect(monkeypatch, alpha=1e-9)
    code, text = said("--check")
    assert code == 1
    assert "alpha: first was read" in text
    assert said()[0] == 0
    source = json.loads(said("--json")[1])["sources"][0]
    assert (source["name"], source["is_late"], source["expected_days"]) == ("alpha", True, 1e-9)
    assert source["expected_by"] == "KG_EXPECTED_EVERY_DAYS"


def test_the_check_can_be_run_by_hand_and_is_no_part_of_a_build(built, monkeypatch):
    expect(monkeypatch, alpha=1e-9)
    job = build_definitions().resolve_implicit_global_asset_job_def()
    part = job.get_subset(
        asset_selection=frozenset(), asset_check_selection=frozenset(sources_are_fresh.check_keys)
    )
    (evaluation,) = part.execute_in_process().get_asset_check_evaluations()
    assert not evaluation.passed
    records = job.asset_layer.get(dg.AssetKey("source_records")).assets_def
    assert [node.name for node in job.get_subset(asset_selection=records.keys).nodes] == [
        "source_records"
    ]
