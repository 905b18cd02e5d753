"""What the program infers comes back by the front door: typed things and proposed entities."""

import json

import duckdb
import pytest

from kg_assets.building import build
from kg_assets.cli.status import show_status
from kg_assets.inference.tables import INFERRED_TYPES
from kg_assets.sources.landing import LandingError, land
from kg_assets.status import status
from resources.lake import Lake
from tests.flow.conftest import lines

RECORDS = [
    {
        "entity_type": "film",
        "source_id": "1",
        "name": "Harbour Lights",
        "year": 1990,
        "description": "It is based on the novel The Keeper of Lamps by Ann Reed.",
    },
    {
        "entity_type": "thing",
        "source_id": "2",
        "name": "Quiet Water",
        "description": "Quiet Water is a novel by Bo Lind.",
    },
    {"entity_type": "thing", "source_id": "3", "name": "Annie Hall"},
]
ABOUT_HALL = {
    "document_id": "on-hall",
    "text": "It is based on the novel Quiet Water by Bo Lind.",
    "about": [{"entity_type": "thing", "source_id": "3"}],
}


def nodes(settings, kind):
    with duckdb.connect(str(settings.published), read_only=True) as con:
        return con.execute(
            "SELECT name FROM nodes WHERE node_type = $1 ORDER BY name", [kind]
        ).fetchall()


def deliveries(settings):
    folder = settings.landing_path / "inferred"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@pytest.fixture
def told(built, tmp_path):
    files = [
        lines(tmp_path / "tales.jsonl", RECORDS),
        lines(tmp_path / "documents.jsonl", [ABOUT_HALL]),
    ]
    land(built.landing_path, "tales", files, "first")
    assert [result.error for result in build(built).failed] == []
    return built


def test_things_and_proposals_enter_in_one_round_leave_when_unsupported_and_never_waver(
    told, tmp_path, capsys
):
    assert nodes(told, "book") == [("Quiet Water",), ("The Keeper of Lamps",)]
    with duckdb.connect(str(told.published), read_only=True) as con:
        [(relation,)] = con.sql("SELECT relation FROM edges WHERE relation = 'based_on'").fetchall()
    assert relation == "based_on"
    assert deliveries(told) == ["dev.000001"]
    with Lake(told).step("look") as step:
        kept = step.read(INFERRED_TYPES).order("source_id").to_arrow_table().to_pylist()
    assert [(row["source_id"], row["status"], row["entity_type"]) for row in kept] == [
        ("2", "inferred", "book"),
        ("3", "undecided", None),
    ]
    assert kept[0]["quote"] == "Quiet Water is a novel by Bo Lind."

    # A text about what has no known type waits, and is named.
    waits = status(told).waiting_texts
    assert (waits["waiting"], waits["about"]) == (1, 1)
    assert waits["named"][0].startswith("Annie Hall (tales:3): ")
    show_status(told)
    assert "1 texts wait, since the entity type" in " ".join(capsys.readouterr().out.split())

    # Nothing is new, so nothing is delivered and nothing runs.
    assert build(told).results == []
    assert deliveries(told) == ["dev.000001"]

    # The source says itself what the thing is, and the text that named the book is gone.
    changed = [{**RECORDS[0], "description": "A film."}, {**RECORDS[1], "entity_type": "play"}]
    land(told.landing_path, "tales", [lines(tmp_path / "more.jsonl", changed)], "second")
    assert build(told).failed == []
    assert nodes(told, "book") == []
    assert nodes(told, "play") == [("Quiet Water",)]
    assert deliveries(told) == ["dev.000001", "dev.000002"]
    [line] = (told.landing_path / "inferred/dev.000002/records.json").read_text().split()[:1]
    assert json.loads(line + "]") == []
    assert build(told).results == []


def test_the_programs_own_source_takes_no_files_of_others(home, tmp_path):
    with pytest.raises(LandingError, match="the program's own"):
        land(home.landing_path, "inferred", [lines(tmp_path / "a.jsonl", RECORDS)])
