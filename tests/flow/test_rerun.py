"""`kg rerun`: a failed partition again, with its inputs, into a namespace of its own."""

import json
import os
import subprocess
import sys

import pytest

from kg_assets.building import build
from kg_assets.cli.rerun import rerun
from kg_assets.sources.landing import land
from resources.journal import Journal
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
    assert said["outputs"]["deliveries"] == "1 rows, and there was none"
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
    assert (code, said["outputs"]) == (0, {"film/records": "equal to what is there"})
    assert ("film/records", "all") in lake.catalog.own_heads_since(said["scratch"], 0)
    for path in remove(lake.catalog, said["scratch"], history=False):
        assert (built.lake_path / path).is_file()
    assert lake.catalog.own_heads_since(said["scratch"], 0) == {}


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
