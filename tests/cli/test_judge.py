"""`kg judge`: a file of judgements is taken whole or not at all, and comes out as it went in."""

import json

import pytest
from typer.testing import CliRunner

from kg_assets.cli.main import app

GOOD = {"entity_type": "film", "record_l": "b:1", "record_r": "a:1", "verdict": "same"}


@pytest.fixture
def kg(tmp_path, monkeypatch):
    monkeypatch.setenv("KG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KG_USER", "ann")
    monkeypatch.setenv("KG_THREADS", "1")
    return lambda *call: CliRunner().invoke(app, [str(each) for each in call])


def lines(path, *given):
    path.write_text("".join(json.dumps(one) + "\n" for one in given))
    return path


def test_what_is_exported_can_be_imported_and_is_known(kg, tmp_path):
    assert kg("judge", "import", lines(tmp_path / "in.jsonl", GOOD)).exit_code == 0
    assert kg("judge", "export", tmp_path / "out.jsonl").exit_code == 0
    (row,) = map(json.loads, (tmp_path / "out.jsonl").read_text().splitlines())
    assert (row["record_l"], row["record_r"], row["who"]) == ("a:1", "b:1", "ann")
    again = kg("judge", "import", tmp_path / "out.jsonl")
    assert "0 judgements added, 1 were there already" in again.output


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({**GOOD, "verdict": "different"}, "no times say which is newer"),
        ({**GOOD, "entity_type": "thing"}, "no entity type"),
        ({**GOOD, "extra": "x"}, "unknown fields"),
        ({**GOOD, "why": 1}, "not a text"),
        ([], "not a JSON object"),
    ],
)
def test_a_bad_line_keeps_the_whole_file_out(kg, tmp_path, bad, message):
    result = kg("judge", "import", lines(tmp_path / "in.jsonl", GOOD, bad))
    assert result.exit_code == 2
    assert "in.jsonl:2" in result.output
    assert message in result.output
    assert kg("judge", "export", tmp_path / "out.jsonl").exit_code == 1
