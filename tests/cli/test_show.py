"""`kg show`: what a name or an id leads to, and that foreign text does no harm."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kg_assets.cli.render import clean, console, plain
from kg_assets.cli.show import show
from resources.settings import Settings
from tests.graph.small_graph import credit, inferred, record
from tests.graph.small_lake import fill, run

QUOTE = "It is a sequel to Knives Out."


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    made = fill(
        tmp_path_factory.mktemp("home"),
        [
            record("film", "a:1", "Knives Out", year=2019),
            record("film", "b:7", "Knives Out!", year=2019),
            record("film", "a:2", "Glass Onion", year=2022, description=QUOTE),
            record("film", "a:3", "Mother", year=1996),
            record("film", "a:4", "Mother", year=2009),
            record("film", "a:5", "Les Misérables", credits=[credit("actor", "5#x", "[bold]")]),
            record("film", "a:6", "\x1b[31mRed\u202e"),
            record("person", "a:5#x", "[bold]Evil[/bold]"),
        ],
        {
            "film-1": ["a:1", "b:7"],
            "film-2": ["a:2"],
            "film-3": ["a:3"],
            "film-4": ["a:4"],
            "film-5": ["a:5"],
            "film-6": ["a:6"],
            "person-1": ["a:5#x"],
        },
        [inferred("sequel_of", "film-2", "film-1", QUOTE)],
        [
            {"generation": 2, "event": "merged", "entity_id": "film-old", "other_id": "film-1",
             "members": 1},
            {"generation": 3, "event": "retired", "entity_id": "film-gone", "other_id": "",
             "members": 1},
        ],
    )  # fmt: skip
    run(made)
    return made


def answer(settings: Settings, query: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The JSON that a query gives; nothing else may be on stdout."""
    show(settings, query, json=True)
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.parametrize(
    ("query", "match", "ids"),
    [
        ("film-1", "id", ["film-1"]),
        ("Knives Out", "exact", ["film-1"]),
        ("knives  OUT", "exact", ["film-1"]),
        ("les miserables", "exact", ["film-5"]),
        ("LES MISÉRABLES", "exact", ["film-5"]),
        ("glass", "prefix", ["film-2"]),
        ("Glas Onoin", "fuzzy", ["film-2"]),
        ("mother", "exact", ["film-3", "film-4"]),
        ("b:7", "record", ["film-1"]),
        ("film-old", "redirect", ["film-1"]),
    ],
)
def test_what_is_asked_for_is_found(
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
    query: str,
    match: str,
    ids: list[str],
) -> None:
    found = answer(settings, query, capsys)
    assert (found["match"], sorted(each["node_id"] for each in found["answers"])) == (match, ids)
    assert (found["entity"] is not None) == (len(ids) == 1)


def test_several_answers_are_listed_and_that_is_no_failure(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert show(settings, "Mother") == 0
    printed = capsys.readouterr().out
    for word in ("film-3", "film-4", "1996", "2009"):
        assert word in printed


def test_an_entity_shows_its_records_its_sources_and_the_quote(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    entity = answer(settings, "Glass Onion", capsys)["entity"]
    assert [(each["source"], each["source_id"]) for each in entity["records"]] == [("a", "2")]
    year = next(each for each in entity["attributes"] if each["attribute"] == "year")
    assert year == {
        "attribute": "year",
        "value": "2022",
        "chosen": True,
        "records": [{"source": "a", "source_id": "2"}],
    }
    relation = entity["relations"][0]
    assert (relation["relation"], relation["object"]) == ("sequel_of", "Knives Out")
    assert relation["evidence"][0]["quote"] == QUOTE


def test_the_chosen_claim_comes_first(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    entity = answer(settings, "film-1", capsys)["entity"]
    names = [(c["value"], c["chosen"]) for c in entity["attributes"] if c["attribute"] == "name"]
    assert names == [("Knives Out", True), ("Knives Out!", False)]


def test_the_relation_is_seen_from_its_other_end(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    entity = answer(settings, "film-1", capsys)["entity"]
    assert [(each["relation"], each["object"]) for each in entity["relations"]] == [
        ("has_sequel", "Glass Onion")
    ]


def test_a_merged_id_says_where_it_went(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert show(settings, "film-old") == 0
    printed = capsys.readouterr().out
    assert "film-old was merged: now film-1" in printed
    assert "Knives Out" in printed


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        ("zzzzzzqqqq", 1, "nothing is called"),
        ("film-gone", 1, "retired"),
        ("   ", 2, "give a name or an id"),
        ("!!!", 1, "nothing is called"),
        ("' OR 1=1 --", 1, "nothing is called"),
    ],
)
def test_what_is_not_found_is_said_on_stderr(
    settings: Settings, capsys: pytest.CaptureFixture[str], query: str, code: int, message: str
) -> None:
    assert show(settings, query) == code
    printed = capsys.readouterr()
    assert message in printed.err
    assert printed.out == ""


def test_without_a_published_graph_it_says_how_to_make_one(
    tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert show(Settings(home=tmp_path), "x") == 1
    assert "kg build" in capsys.readouterr().err


def test_markup_and_control_characters_of_a_source_are_only_text(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    show(settings, "film-6")
    show(settings, "person-1")
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert "\u202e" not in printed
    assert "\\x1b[31mRed\\u202e" in printed
    assert "[bold]Evil[/bold]" in printed


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("[bold]", "[bold]"),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\nb\tc", "a b c"),
        ("\x9b1m", "\\x9b1m"),
        ("\u202eabc", "\\u202eabc"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("Amélie ½", "Amélie ½"),
        (":smile:", ":smile:"),
        ("back\\", "back\\"),
        ("[/]", "[/]"),
        ("\\[bold]", "\\[bold]"),
    ],
)
def test_foreign_text_is_printed_as_it_is_but_for_what_moves_the_cursor(
    capsys: pytest.CaptureFixture[str], given: str, expected: str
) -> None:
    assert plain(given) == expected
    console.print(f"[bold]{clean(given)}[/bold]|")
    assert capsys.readouterr().out == f"{expected}|\n"
