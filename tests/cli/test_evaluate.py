"""`kg evaluate`: scores of all entity types against a file of links."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kg_assets.cli.evaluate import evaluate
from resources.settings import Settings
from tests.graph.small_graph import record
from tests.graph.small_lake import fill


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    keys = ["a:1", "b:1", "a:2", "b:2"]
    return fill(
        tmp_path_factory.mktemp("home"),
        [
            *(record("film", key, "Her") for key in keys),
            record("book", "a:3", "It"),
            record("book", "b:3", "It"),
        ],
        {"one": ["a:1", "b:1"], "two": ["a:2"], "three": ["b:2"], "book": ["a:3", "b:3"]},
    )


def test_found_and_missed_links_of_all_types_are_scored(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    links = tmp_path / "links.tsv"
    links.write_text("left\tright\na:1\tb:1\na:2\tb:2\na:3\tb:3\n")
    assert evaluate(settings, links, json=True) == 0
    scores = json.loads(capsys.readouterr().out)
    assert scores["precision"] == 1.0
    assert scores["recall"] == pytest.approx(2 / 3)
    assert scores["f1"] == pytest.approx(0.8)
    assert {"b_cubed_precision", "b_cubed_recall", "b_cubed_f1"} <= set(scores)


def test_people_see_shares_and_numbers(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    links = tmp_path / "links.tsv"
    links.write_text("a:1\tb:1\na:2\tb:2\na:9\tb:9\n")
    assert evaluate(settings, links) == 0
    printed = capsys.readouterr().out
    assert "B-cubed" in printed
    assert "3 links: 1 found, 2 missed" in printed
    assert "2 labelled records are in no entity" in printed


@pytest.mark.parametrize(
    ("content", "message"),
    [("a:1\n", "line 1"), ("", "holds no links"), ("left\tright\n", "holds no links")],
)
def test_a_file_that_holds_no_links_is_refused(
    settings: Settings,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: str,
    message: str,
) -> None:
    links = tmp_path / "links.tsv"
    links.write_text(content)
    assert evaluate(settings, links) == 2
    assert message in capsys.readouterr().err


def test_a_missing_file_is_refused(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(settings, tmp_path / "none.tsv") == 2
    assert "cannot be read" in capsys.readouterr().err


def test_without_entities_it_says_how_to_make_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    links = tmp_path / "links.tsv"
    links.write_text("a:1\tb:1\n")
    assert evaluate(Settings(home=tmp_path / "home"), links) == 1
    assert "kg build" in capsys.readouterr().err
