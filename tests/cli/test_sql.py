"""`kg sql`: answers for people and programs, and no way out of the published graph."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kg_assets.cli.sql import sql
from resources.settings import Settings
from tests.graph.small_graph import record
from tests.graph.small_lake import fill, run


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    made = fill(
        tmp_path_factory.mktemp("home"),
        [record("film", "a:1", "Her", year=2013), record("film", "a:2", "Up", year=2009)],
        {"film-1": ["a:1"], "film-2": ["a:2"]},
    )
    run(made)
    return made


def test_a_table_for_people(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert sql(settings, "SELECT title, year FROM films ORDER BY year") == 0
    printed = capsys.readouterr().out
    assert printed.index("Up") < printed.index("Her")


def test_json_holds_all_rows_and_nothing_else(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sql(settings, "SELECT title, year FROM films ORDER BY year", limit=1, json=True) == 0
    assert json.loads(capsys.readouterr().out) == [
        {"title": "Up", "year": 2009},
        {"title": "Her", "year": 2013},
    ]


def test_no_rows_are_an_empty_list(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert sql(settings, "SELECT * FROM films WHERE false", json=True) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_the_limit_is_said(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert sql(settings, "SELECT title FROM films ORDER BY title", limit=1) == 0
    printed = capsys.readouterr().out
    assert "Her" in printed
    assert "Up" not in printed
    assert "--limit" in printed


def test_many_columns_stand_under_each_other(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sql(settings, "SELECT * FROM films WHERE title = 'Her'") == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["title", "Her"] in lines
    assert ["year", "2013"] in lines


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 AS a, 2 AS a", {"a": 1, "a_1": 2}),
        ("'nan'::DOUBLE AS x", {"x": "nan"}),
        ("DATE '2019-11-27' AS day", {"day": "2019-11-27"}),
        ("[1.5, 'inf'::DOUBLE] AS xs", {"xs": [1.5, "inf"]}),
        ("'\x1b[31m[bold]' AS s", {"s": "\x1b[31m[bold]"}),
        ("NULL AS nothing", {"nothing": None}),
    ],
)
def test_json_has_a_word_for_every_value(
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
    expression: str,
    expected: dict[str, object],
) -> None:
    assert sql(settings, f"SELECT {expression}", json=True) == 0
    printed = capsys.readouterr().out
    assert json.loads(printed) == [expected]
    assert "\x1b" not in printed


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_text('{secret}')",
        "SELECT * FROM '{secret}'",
        "SELECT * FROM glob('{folder}/*')",
        "COPY films TO '{folder}/out.csv'",
        "EXPORT DATABASE '{folder}/out'",
        "ATTACH '{folder}/other.duckdb' AS other",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "CREATE TABLE t AS SELECT 1",
        "DELETE FROM nodes",
        "INSTALL httpfs",
        "SELECT 1; SELECT 2",
        "SELECT * FROM settings",
        "SELECT * FROM statements",
        "selec 1",
        "",
    ],
)
def test_a_query_cannot_leave_the_graph_or_change_it(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str], query: str
) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("word\nopensesame\n")
    before = settings.published.read_bytes()
    assert sql(settings, query.format(secret=secret, folder=tmp_path)) == 2
    printed = capsys.readouterr()
    assert "opensesame" not in printed.out + printed.err
    assert printed.err.strip()
    assert settings.published.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["secret.csv"]


def test_a_limit_below_one_is_refused(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sql(settings, "SELECT 1", limit=0) == 2
    assert "--limit" in capsys.readouterr().err


def test_without_a_published_graph_it_says_how_to_make_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sql(Settings(home=tmp_path), "SELECT 1") == 1
    assert "kg build" in capsys.readouterr().err
