"""`kg rerun`: a failed partition again, with its inputs, into a namespace of its own."""

import json
import os
import subprocess
import sys

import pytest

from kg_assets.building import build
from kg_assets.cli.rerun import rerun
from kg_assets.rerun import RerunError, find
from kg_assets.sources.landing import land
from resources.journal import Journal, Outcome, Place
from resources.lake import Lake
from resources.namespaces import remove
from resources.production import promote
from tests.flow.conftest import ALPHA, lines

LABEL = "raw_blobs@gamma|first"
HOW = {"debug": False, "stop": False, "keep": False, "json": True}


@pytest.fixture
def failed(built, tmp_path):
    """A home in which a delivery could not be read."""
    manifest = tmp_path / "delivery.json"
    manifest.write_text('{"mode": "sometimes"}')
    land(built.landing_path, "gamma", [lines(tmp_path / "x.jsonl", ALPHA[:1]), manifest], "first")
    assert build(built, only=["sources@gamma|first"]).failed
    return built


def told(settings, name, capsys, **how):
    code = rerun(settings, name, **(HOW | how))
    return code, json.loads(capsys.readouterr().out)


def there(settings):
    lake = Lake(settings)
    files = sorted(path.name for path in settings.lake_path.rglob("*.parquet"))
    return lake.catalog.all_heads("dev"), files


def test_a_failed_partition_fails_with_the_same_error_and_leaves_nothing_behind(failed, capsys):
    before = there(failed)
    code, said = told(failed, LABEL, capsys)
    assert (code, said["same_error"]) == (1, True)
    assert "is not a delivery.json" in said["error"]
    assert there(failed) == before


def test_a_run_is_found_by_the_beginning_of_its_id(failed, capsys):
    (entry,) = (e for e in Journal(failed.catalog_url).entries("dev") if e.state == "failed")
    code, said = told(failed, entry.run_id[:8], capsys)
    assert (code, said["label"]) == (1, LABEL)


def test_what_was_mended_succeeds_and_the_namespace_stays_as_it_was(failed, capsys):
    (failed.landing_path / "gamma" / "first" / "delivery.json").write_text("{}")
    before = there(failed)
    code, said = told(failed, LABEL, capsys)
    assert (code, said["error"]) == (0, None)
    assert said["outputs"]["landed_deliveries"] == "1 rows, and there was none"
    assert there(failed) == before


def test_what_did_not_fail_comes_out_as_it_is_there(built, capsys):
    code, said = told(built, "film/resolved_entities", capsys)
    assert code == 0
    assert set(said["outputs"].values()) == {"equal to what is there"}


def test_productions_inputs_are_read_and_what_was_written_can_be_kept(built, monkeypatch, capsys):
    lake = Lake(built)
    promote(lake.catalog, "dev")
    production = built.model_copy(update={"namespace": "prod"})
    code, said = told(production, "film/records", capsys, keep=True)
    equal = "equal to what is there"
    assert (code, said["outputs"]) == (
        0,
        {"film/records": equal, "film/replaced_records": equal},
    )
    assert ("film/records", "all") in lake.catalog.own_heads_since(said["scratch"], 0)
    for path in remove(lake.catalog, said["scratch"], history=False):
        assert (built.lake_path / path).is_file()
    assert lake.catalog.own_heads_since(said["scratch"], 0) == {}


def test_the_last_failed_run_is_taken_where_a_later_one_succeeded(failed, capsys):
    (before,) = Journal(failed.catalog_url).failures("dev")
    (failed.landing_path / "gamma" / "first" / "delivery.json").write_text("{}")
    assert not build(failed, only=["sources@gamma|first"]).failed
    for name in (LABEL, "sources@gamma|first", before.run_id[:8]):
        code, said = told(failed, name, capsys)
        assert (code, said["label"], said["error"]) == (0, LABEL, None)
        assert said["failed_run"]["run_id"] == before.run_id
        assert not said["failed_run"]["stands"]
        assert "is not a delivery.json" in said["error_before"]
    assert rerun(failed, LABEL, **(HOW | {"json": False})) == 0
    assert f"It failed in run {before.run_id[:8]} of " in capsys.readouterr().out


def journalled(settings, *runs):
    """Note runs of steps: their id, the step, and whether it failed."""
    journal = Journal(settings.catalog_url)
    for run_id, step, error in runs:
        place = Place("dev", step, "all")
        journal.start(place, run_id)
        if error is None:
            journal.done(place, Outcome(seconds=1.0, peak_memory=1))
        else:
            journal.failed(place, error)
    journal.close()


RECORDS, MODEL, SCORES = "film/records", "film/match_model", "film/match_scores"


@pytest.mark.parametrize(
    ("runs", "taken"),
    [
        ([("one", MODEL, "no room"), ("two", RECORDS, None), ("two", MODEL, None)], MODEL),
        ([("one", RECORDS, "a"), ("two", RECORDS, None), ("two", SCORES, "b")], SCORES),
        ([("one", SCORES, "a"), ("two", RECORDS, "b"), ("three", RECORDS, None)], SCORES),
        (
            [
                *[("one", SCORES, "a"), ("two", SCORES, None)],
                *[("three", MODEL, "b"), ("four", MODEL, None)],
            ],
            MODEL,
        ),
    ],
    ids=["mended", "only-one-stands", "an-older-one-stands", "the-last-of-those-mended"],
)
def test_a_lane_goes_on_from_the_step_that_failed(home, runs, taken):
    journalled(home, *runs)
    assert find(home, "film").label == taken


@pytest.mark.parametrize("mended", [False, True])
def test_steps_that_failed_each_by_itself_are_listed_and_one_is_asked_for(home, mended):
    runs = [("4711-a", MODEL, "no room\non disk"), ("4711-a", SCORES, "no memory")]
    journalled(home, *runs, *([("b", MODEL, None), ("b", SCORES, None)] if mended else []))
    for name in ("film", "4711"):
        with pytest.raises(RerunError) as refused:
            find(home, name)
        first, *listed = str(refused.value).splitlines()
        assert first == f"{name} failed in 2 places; name one:"
        assert [line.split("  run ")[0].strip() for line in listed] == [
            f"kg rerun '{MODEL}'",
            f"kg rerun '{SCORES}'",
        ]
        assert [line.rpartition(": ")[2] for line in listed] == ["no room", "no memory"]
    target = find(home, SCORES)
    assert (target.label, target.error) == (SCORES, "no memory")


def test_the_partitions_that_failed_in_one_run_are_listed(home):
    sharded = home.model_copy(update={"shards": 2})
    journal = Journal(home.catalog_url)
    for shard in ("0", "1"):
        place = Place("dev", SCORES, shard)
        journal.start(place, "4711")
        journal.failed(place, "no memory")
    journal.close()
    with pytest.raises(RerunError, match="4711 failed in 2 places; name one:") as refused:
        find(sharded, "4711")
    assert f"kg rerun '{SCORES}@1'" in str(refused.value)
    assert find(sharded, f"{SCORES}@1").partition == "1"


def test_a_name_that_is_a_lanes_and_a_tables_means_the_table(home):
    sharded = home.model_copy(update={"shards": 2})
    assert [step.name for step in find(sharded, RECORDS).steps] == [RECORDS]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("flim/records", "There are the lanes sources,"),
        ("raw_blobs", "raw_blobs has partitions: name one as raw_blobs@PARTITION"),
        ("film/records@03", "film/records has none: write film/records"),
    ],
)
def test_what_there_is_not_is_refused(built, capsys, name, said):
    with pytest.raises(SystemExit):
        rerun(built, name, **HOW)
    assert said in capsys.readouterr().err


def test_the_debugger_stops_where_the_error_arises_and_all_is_logged(failed):
    command = [sys.executable, "-m", "kg_assets.cli.main", "rerun", LABEL, "--debug", "--pdb"]
    done = subprocess.run(
        command, input="p 6 * 7\nq\n", capture_output=True, text=True, env=os.environ, check=False
    )
    assert done.returncode == 1, done.stderr
    assert "(Pdb) 42" in done.stdout
    assert "The same error" in done.stdout
    assert "step=raw_blobs partition=gamma|first" in done.stderr
