"""`kg ontology`: what it shows, and what has to be inferred again after a change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kg_assets.cli.ontology import diff, show, write
from kg_assets.inference.steps import run_ontology_versions
from kg_assets.inference.tables import ONTOLOGY_VERSIONS
from ontology.linkml import parse_ontology
from ontology.schema import ONTOLOGY_FILE, load_ontology
from resources.lake import Lake
from resources.settings import Settings

TEXT = ONTOLOGY_FILE.read_text(encoding="utf-8")
OLDER = TEXT.replace("appears as a character in the story", "is a character in the story")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", memory_limit="200MB", threads=1)


def test_a_type_and_a_relation_of_one_name_are_both_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert show("genre", json=True) == 0
    kind, relation = json.loads(capsys.readouterr().out)
    assert kind["wikidata"] == "Q483394"
    assert relation["range"] == ["genre"]
    assert show("tune", json=True) == 1
    assert "no type and no relation 'tune'; it has: film" in capsys.readouterr().err


def test_a_file_is_compared_with_the_ontology_of_today(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "older.yaml"
    file.write_text(OLDER, encoding="utf-8")
    assert diff(settings, str(file), None, json=True) == 0
    found = json.loads(capsys.readouterr().out)
    [change] = found["changes"]
    assert (change["name"], change["what"]) == ("has_character", "definition")
    again: list[dict[str, Any]] = found["again"]
    assert {each["entity_type"] for each in again} >= {"film", "series", "book"}
    assert all(each["because"] == ["has_character"] for each in again)


def test_a_version_that_facts_were_inferred_under_is_known_by_its_hash(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    older = parse_ontology(OLDER)
    lake = Lake(settings)
    with lake.step("versions") as step:
        rows = step.con.sql("SELECT ? AS ontology, ? AS version, ? AS text", params=[
            older.hash, older.version, OLDER
        ])  # fmt: skip
        step.write(ONTOLOGY_VERSIONS, rows)
    with lake.step("versions", code_version="2") as step:
        run_ontology_versions(step)
        assert step.rows(ONTOLOGY_VERSIONS) == 2
    assert diff(settings, older.hash[:6], load_ontology().hash, json=True) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["before"], found["after"]) == (older.hash, load_ontology().hash)
    with pytest.raises(SystemExit):
        diff(settings, "zzzz", None, json=True)
    assert "is no file, and no version" in capsys.readouterr().err


def test_a_file_that_is_no_ontology_is_refused(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text("classes: [", encoding="utf-8")
    with pytest.raises(SystemExit):
        diff(settings, str(file), None, json=False)
    assert "is no ontology" in capsys.readouterr().err


def test_the_published_files_are_written_into_a_folder(tmp_path: Path) -> None:
    assert write(tmp_path / "new") == 0
    assert {each.name for each in (tmp_path / "new").iterdir()} > {"schema.json", "README.md"}
