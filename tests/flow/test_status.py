"""`kg status`: what is fresh, stale and failed, and what a build would do; nothing is written."""

import json
import sqlite3
from contextlib import closing

import pytest

from kg_assets.building import build
from kg_assets.cli.status import show_status
from kg_assets.inference.review.log import FACTS
from kg_assets.inference.review.values import fact_judgement
from kg_assets.judging.log import add
from kg_assets.sources.landing import land
from kg_assets.status import status
from resources.journal import Journal, Place
from resources.lake import Lake
from resources.settings import Settings
from tests.flow.conftest import ALPHA, lines


def files(home):
    # Whoever closes a SQLite database last tidies it, so of that one the rows are compared.
    with closing(sqlite3.connect(home / "catalog.sqlite")) as catalog:
        rows = list(catalog.iterdump())
    return rows, {
        path.relative_to(home): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in home.rglob("*")
        if path.is_file() and not path.name.startswith("catalog.sqlite")
    }


def states(found):
    return {one.state for one in found.partitions}


def test_after_a_build_everything_is_fresh_and_a_build_would_do_nothing(built):
    found = status(built)
    assert states(found) == {"fresh"}
    assert (found.next.runs, found.next.may_follow) == (0, 0)
    assert found.build.failed == 0
    assert found.build.runs > 0
    assert [(one.name, one.deliveries, one.records) for one in found.sources[:1]] == [
        ("alpha", 1, 6)
    ]
    assert all(one.seconds is not None and one.peak_memory for one in found.partitions)


def test_inference_is_counted_with_why_others_were_skipped(built):
    (film,) = (one for one in status(built).inference if one.entity_type == "film")
    assert (film.eligible, film.done, film.not_tried, film.read_by) == (1, 1, 0, "rules")
    assert film.skipped == {"no text": 3}


def test_a_delivery_that_was_not_read_makes_stale_what_it_touches(built, tmp_path):
    land(built.landing_path, "alpha", [lines(tmp_path / "more.jsonl", ALPHA[:1])], "second")
    found = status(built)
    assert {(one.label, one.state) for one in found.partitions if one.state != "fresh"} == {
        ("raw_blobs@alpha|second", "missing"),
        ("source_records@alpha|second", "missing"),
    }
    assert found.next.runs == 1
    assert found.next.may_follow > 10
    assert [one.waiting for one in found.sources if one.name == "alpha"] == [1]


def test_what_failed_is_named_with_its_error_and_how_to_run_it_again(built, tmp_path, capsys):
    manifest = tmp_path / "delivery.json"
    manifest.write_text('{"mode": "sometimes"}')
    land(built.landing_path, "gamma", [lines(tmp_path / "x.jsonl", ALPHA[:1]), manifest], "first")
    assert build(built, types=["film"]).failed
    assert show_status(built) == 1
    said = capsys.readouterr().out
    assert "kg rerun 'raw_blobs@gamma|first' --debug" in said
    assert "is not a delivery.json" in said
    (failed,) = (one for one in status(built).partitions if one.state == "failed")
    assert failed.label == "raw_blobs@gamma|first"


def test_a_partition_that_is_being_made_is_running(built):
    Journal(built.catalog_url).start(Place("dev", "film/records", "all"), "run-1")
    (running,) = (one for one in status(built).partitions if one.state == "running")
    assert running.label == "film/records"


def test_a_shadow_is_told_in_a_line_with_both_scores_on_what_people_judged(
    built, monkeypatch, capsys
):
    assert all(one.shadow is None for one in status(built).inference)
    monkeypatch.setenv("KG_SHADOW_EXTRACTORS", '{"film": "rules"}')
    assert not build(Settings(), only=["film/inference"]).failed
    beside = "film, rules in the shadow of rules: 100% of kept facts are both's; "
    show_status(Settings())
    assert f"{beside}nothing that they read was reviewed" in capsys.readouterr().out
    values = {
        "entity_type": "film",
        "record": "alpha:2",
        "relation": "sequel_of",
        "object": "alpha:1",
        "object_type": "film",
        "object_name": "Knives Out",
        "quote": "Glass Onion is a sequel to Knives Out.",
    }
    add(Lake(built), FACTS, [fact_judgement(**values, verdict="accept", who="ann")])
    assert not build(Settings(), only=["film/inference"]).failed
    show_status(Settings())
    scores = "rules 1.00 / 1.00 / 1.00"
    assert (
        f"{beside}on 1 reviewed facts, precision / recall / F1: {scores}; {scores}"
        in capsys.readouterr().out
    )
    show_status(Settings(), json=True)
    (film,) = (
        one
        for one in json.loads(capsys.readouterr().out)["inference"]
        if one["entity_type"] == "film"
    )
    assert film["shadow"]["reviewed"] == 1
    assert film["shadow"]["second"]["f1"] == [1.0, 1.0, 1.0]


def test_a_scorer_in_the_shadow_is_told_in_a_line_for_its_type(built, monkeypatch, capsys):
    assert list(status(built).shadow_scorers) == []
    monkeypatch.setenv("KG_SHADOW_SCORERS", '{"film": "splink"}')
    assert not build(Settings(), only=["film/match_scores"]).failed
    show_status(Settings())
    told = capsys.readouterr().out
    assert "film, splink in the shadow of compiled: 100.00% of " in told
    monkeypatch.setenv("KG_SHADOW_SCORERS", '{"film": "classifier"}')
    assert not build(Settings(), only=["film/match_scores"]).failed
    show_status(Settings())
    told = capsys.readouterr().out
    assert "film, classifier in the shadow of compiled: nothing is compared: " in told
    assert "the model of film holds no classifier" in told


@pytest.mark.parametrize("json_wanted", [False, True])
def test_nothing_is_written(built, capsys, json_wanted):
    before = files(built.home)
    assert show_status(built, json=json_wanted) == 0
    assert files(built.home) == before


def test_where_nothing_was_built_yet_all_is_missing_and_nothing_is_made(home, capsys):
    assert show_status(home, json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert {one["state"] for one in told["partitions"]} == {"missing"}
    assert not home.home.exists()
