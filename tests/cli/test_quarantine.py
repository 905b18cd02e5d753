"""`kg quarantine`: what did not become a record can be seen, with its place and the reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kg_assets.cli.quarantine import quarantine
from kg_assets.sources.landing import land
from kg_assets.sources.steps import run_raw_blobs, run_source_records
from resources.lake import Lake
from resources.settings import Settings

GOOD = '{"entity_type": "film", "source_id": "1", "name": "Up", "year": 2009}\n'
BAD_YEAR = '{"entity_type": "film", "source_id": "2", "name": "Her", "year": "19x4"}\n'
NO_NAME = '{"entity_type": "film", "source_id": "\\u001b[31m"}\n'


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(home=tmp_path / "home", threads=1)
    lake = Lake(made)
    for source, content in (("alpha", GOOD + BAD_YEAR), ("beta", NO_NAME), ("gamma", GOOD)):
        file = tmp_path / f"{source}.jsonl"
        file.write_text(content)
        key = land(made.landing_path, source, [file], "first").delivery.key
        with lake.step("raw_blobs", partition=key) as step:
            run_raw_blobs(step, made.landing_path)
        with lake.step("source_records", partition=key) as step:
            run_source_records(step)
    return made


def told(settings: Settings, capsys: pytest.CaptureFixture[str], *delivery: str) -> list[object]:
    assert quarantine(settings, *(delivery or (None,)), json=True) == 0
    return [
        (each["delivery"], each["file"], each["position"])
        for each in json.loads(capsys.readouterr().out)
    ]


def test_all_deliveries_are_listed_with_file_and_position(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(settings, capsys) == [
        ("alpha|first", "alpha.jsonl", len(GOOD)),
        ("beta|first", "beta.jsonl", 0),
    ]


@pytest.mark.parametrize("delivery", ["beta", "beta|first"])
def test_a_source_or_a_delivery_can_be_asked_for(
    settings: Settings, capsys: pytest.CaptureFixture[str], delivery: str
) -> None:
    assert told(settings, capsys, delivery) == [("beta|first", "beta.jsonl", 0)]


def test_people_read_the_reason_and_how_many_there_are(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert quarantine(settings, None, limit=1) == 0
    printed = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "alpha|first" in printed
    assert "19x4" in printed
    assert "the first 1 of 2" in printed


def test_that_nothing_is_quarantined_is_said(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(settings, capsys, "gamma") == []
    assert quarantine(settings, "gamma") == 0
    assert "Nothing is quarantined" in capsys.readouterr().out


def test_an_unknown_delivery_is_no_empty_quarantine(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert quarantine(settings, "alpha|../../etc") == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "kg build" in captured.err
