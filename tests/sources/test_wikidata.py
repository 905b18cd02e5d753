"""The adapter of Wikidata: dumps and what the API writes, one oddity each."""

from __future__ import annotations

import bz2
import datetime
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import zstandard

from kg_assets.sources.blobs import read_blobs
from kg_assets.sources.tables import SOURCE_RECORDS
from kg_assets.sources.wikidata import MOST_NAMES
from kg_assets.sources.wikidata_items import CLASSES
from tests.sources.deliveries import Stage
from tests.sources.wikidata_entities import (
    amount,
    compact,
    dump,
    entity,
    item,
    phrase,
    statement,
    text,
    time,
)

FILM, PERSON = item("Q11424"), item("Q5")


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path / "home")


def read(stage: Stage, *entities: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Delivers a dump; gives the records by their id."""
    stage.deliver("wikidata", dump__json=dump(*entities))
    stage.run("wikidata|d")
    return {row["source_id"]: row for row in stage.rows(SOURCE_RECORDS)}


def test_a_film_with_all_that_is_read_of_it(stage):
    found = read(
        stage,
        entity(
            "Q1",
            {"en": "The Leopard", "it": "Il Gattopardo", "xx": "-"},
            aliases={"en": ["Leopard, The"], "de": ["Der Leopard"]},
            description="1963 film by Luchino Visconti",
            P31=FILM,
            P577=[time("+1963-03-27T00:00:00Z"), time("+1964-00-00T00:00:00Z", 9)],
            P2047=amount("+186", "Q7727"),
            P57=item("Q2"),
            P161=[
                statement("P161", item("Q3"), P1545=text("2"), P453=item("Q4")),
                statement("P161", item("Q5"), P1545=text("1"), P4633=text("Don Fabrizio")),
            ],
            P495=[item("Q38"), item("Q142")],
            P364=item("Q652"),
            P136=[item("Q6"), item("Q7")],
            P345=text("tt0057091"),
            P4947=text("1040"),
            P4983=text("7"),  # of a series
            P8345=item("Q8"),
        ),
        entity("Q2", "Luchino Visconti"),
        entity("Q3", {"mul": "Claudia Cardinale"}),
        entity("Q4", "Angelica"),
        entity("Q6", "drama film"),
        entity("Q7", "silent film"),
        entity("Q8", "The Leopard franchise"),
    )
    film = {name: value for name, value in found["Q1"].items() if value is not None}
    assert film.pop("credits") == [
        _credit("director", "Q2", "Luchino Visconti", 1),
        # Not in the delivery: the id stays, and no name is made up.
        _credit("actor", "Q5", None, 1, "Don Fabrizio"),
        _credit("actor", "Q3", "Claudia Cardinale", 2, "Angelica"),
    ]
    assert [film.pop(name) for name in ("file", "position", "sha256")][:2] == ["dump.json", 2]
    assert film == {
        "entity_type": "film",
        "source": "wikidata",
        "source_id": "Q1",
        "name": "The Leopard",
        "alternate_names": ["Leopard, The", "Il Gattopardo", "Der Leopard"],
        "year": 1963,
        "date": datetime.date(1963, 3, 27),
        "runtime_minutes": 186.0,
        "genres": ["drama", "silent film"],
        "countries": ["IT", "FR"],
        "languages": ["it"],
        "external_ids": [("wikidata", "Q1"), ("imdb", "tt0057091"), ("tmdb", "1040")],
        "parent_id": "Q8",
        "parent_name": "The Leopard franchise",
        "description": "1963 film by Luchino Visconti",
        "url": "https://www.wikidata.org/wiki/Q1",
    }
    assert (stage.figures["kept"], stage.figures["skipped"]) == (1, 6)
    assert stage.quarantined() == []
    assert {name for name in found if name != "Q1"} == {"Q2", "Q3"}  # people of the credits


def _credit(role, person_id, name, position, character=None):
    return {
        "name": name,
        "person_id": person_id,
        "role": role,
        "character": character,
        "position": position,
    }


def test_a_television_special_is_a_film_unless_it_is_an_episode_too(stage):
    special = item("Q1261214")
    found = read(
        stage,
        entity("Q1", "A Charlie Brown Christmas", P31=special),
        entity("Q2", "The Christmas Invasion", P31=[special, item("Q21191270")]),
    )
    assert [found[name]["entity_type"] for name in ("Q1", "Q2")] == ["film", "episode"]


def test_an_episode_stands_in_its_season_and_its_series(stage):
    found = read(
        stage,
        entity(
            "Q1",
            "Ozymandias",
            P31=item("Q21191270"),
            P179=statement("P179", item("Q3"), P1545=text("60")),
            P4908=statement("P4908", item("Q2"), P1545=text("14")),
            P577=time("+2013-09-15T00:00:00Z"),
        ),
        entity(
            "Q2",
            "season 5",
            P31=item("Q3464665"),
            P179=statement("P179", item("Q3"), P1545=text("5")),
        ),
        entity("Q3", "Breaking Bad", P31=item("Q5398426"), P580=time("+2008-01-20T00:00:00Z"),
               P582=time("+2013-09-29T00:00:00Z")),
        entity("Q4", "Felina", P31=item("Q21191270"), P4908=item("Q2")),
    )  # fmt: skip
    series, episode, other = found["Q3"], found["Q1"], found["Q4"]
    assert [episode[name] for name in ("season", "episode", "parent_id", "parent_name")] == [
        5, 14, "Q3", "Breaking Bad",
    ]  # fmt: skip
    assert (other["season"], other["episode"], other["parent_id"]) == (5, None, "Q3")
    assert (series["year"], series["end_year"]) == (2008, 2013)
    assert series["date"] == datetime.date(2008, 1, 20)
    assert set(found) == {"Q1", "Q3", "Q4"}  # a season is no record


def test_a_person(stage):
    found = read(
        stage,
        entity(
            "Q1",
            "Sophocles",
            P31=PERSON,
            P569=time("-0496-00-00T00:00:00Z", 9),
            P570=time("-0406-00-00T00:00:00Z", 9),
            P106=[item("Q214917"), item("Q2"), item("Q10800557"), item("Q33999")],
        ),
        entity("Q2", "Tragedy writer"),
    )["Q1"]
    assert (found["birth_year"], found["death_year"]) == (-496, -406)
    assert found["professions"] == ["playwright", "tragedy writer", "actor"]
    assert (found["year"], found["credits"]) == (None, None)


DATES = [
    ([time("+1999-05-02T00:00:00Z")], 1999, datetime.date(1999, 5, 2)),
    ([time("+00000001999-05-02T00:00:00Z")], 1999, datetime.date(1999, 5, 2)),
    ([time("+1999-05-00T00:00:00Z", 10)], 1999, None),
    ([time("+1999-00-00T00:00:00Z", 9)], 1999, None),
    ([time("+1990-00-00T00:00:00Z", 8)], None, None),
    ([time("+1999-02-30T00:00:00Z")], 1999, None),
    ([time("+1998-00-00T00:00:00Z", 9), time("+1999-05-02T00:00:00Z")], 1998, None),
    ([time("soon")], None, None),
    (["somevalue"], None, None),
    (["novalue", time("+1999-05-02T00:00:00Z")], 1999, datetime.date(1999, 5, 2)),
    ([], None, None),
]


def test_a_date_is_as_precise_as_it_says(stage):
    found = read(
        stage,
        *(
            entity(f"Q{place}", "Up", P31=FILM, P577=given)
            for place, (given, *_) in _numbered(DATES)
        ),
    )
    for place, (given, year, date) in _numbered(DATES):
        assert (found[f"Q{place}"]["year"], found[f"Q{place}"]["date"]) == (year, date), given


def _numbered(cases):
    return list(enumerate(cases, start=1))


RANKS = [
    ({"a": "normal", "b": "normal"}, ["a", "b"]),
    ({"a": "normal", "b": "preferred"}, ["b"]),
    ({"a": "normal", "b": "deprecated"}, ["a"]),
    ({"a": "deprecated"}, []),
    ({"a": "preferred", "b": "deprecated", "c": "preferred"}, ["a", "c"]),
]


def test_the_best_rank_counts_and_a_deprecated_one_never(stage):
    people = {"a": "Q1002", "b": "Q1003", "c": "Q1004"}
    found = read(
        stage,
        *(
            entity(
                f"Q{place}",
                "Up",
                P31=FILM,
                P57=[statement("P57", item(people[name]), rank) for name, rank in ranks.items()],
            )
            for place, (ranks, _) in _numbered(RANKS)
        ),
    )
    for place, (ranks, taken) in _numbered(RANKS):
        credits = found[f"Q{place}"]["credits"] or []
        assert [one["person_id"] for one in credits] == [people[name] for name in taken], ranks


DURATIONS = [
    (amount("+90", "Q7727"), 90.0),
    (amount("+5400", "Q11574"), 90.0),
    (amount("+1.5", "Q25235"), 90.0),
    (amount("+90", "Q573"), None),
    ("somevalue", None),
]


def test_a_duration_is_read_in_its_unit(stage):
    found = read(
        stage,
        *(
            entity(f"Q{place}", "Up", P31=FILM, P2047=given)
            for place, (given, _) in _numbered(DURATIONS)
        ),
    )
    for place, (given, minutes) in _numbered(DURATIONS):
        assert found[f"Q{place}"]["runtime_minutes"] == minutes, given


def test_each_type_is_told_by_its_classes(stage):
    kinds = [(name, kind) for kind, classes in CLASSES.items() for name in classes]
    found = read(
        stage,
        *(entity(f"Q{place}", "Up", P31=item(name)) for place, (name, _) in _numbered(kinds)),
    )
    assert [found[f"Q{place}"]["entity_type"] for place, _ in _numbered(kinds)] == [
        kind for _, kind in kinds
    ]


def test_no_class_has_two_types():
    classes = [one for listed in CLASSES.values() for one in listed]
    assert len(set(classes)) == len(classes)


def test_of_several_types_the_declared_order_decides(stage):
    both = {
        "Q1": ["Q5398426", "Q21191270"],
        "Q2": ["Q196600", "Q11424"],
        "Q3": ["Q999", "Q8261"],
    }
    found = read(
        stage, *(entity(name, "Up", P31=[item(one) for one in of]) for name, of in both.items())
    )
    assert [found[name]["entity_type"] for name in both] == ["episode", "film", "book"]


def test_what_is_of_no_known_class_is_skipped_and_not_quarantined(stage):
    found = read(
        stage,
        entity("Q1", "Up", P31=FILM),
        entity("Q2", "Douglas", P31=item("Q16521")),
        entity("Q3", "Nothing"),
        {"type": "property", "datatype": "time", "id": "P577", "labels": {}, "claims": {}},
        {"type": "lexeme", "id": "L1", "lemmas": {}, "claims": []},
    )
    assert set(found) == {"Q1"}
    assert stage.quarantined() == []
    assert (stage.figures["read"], stage.figures["skipped"]) == (5, 4)


NAMES = [
    ({"de": "Oben", "en": "Up"}, {}, "Up"),
    ({"de": "Oben", "mul": "Up"}, {}, "Up"),
    ({"de": "Oben", "fr": "Là-haut"}, {}, "Là-haut"),
    ({"sms": "Jiâŋ"}, {}, "Jiâŋ"),
    ({"sms": "Jiâŋ"}, {"P1476": phrase("Up", "en")}, "Up"),
    ({}, {"P1476": phrase("Up", "en")}, "Up"),
]


def test_english_names_come_first_then_a_declared_order_then_any(stage):
    found = read(
        stage,
        *(
            entity(f"Q{place}", labels, P31=FILM, **more)
            for place, (labels, more, _) in _numbered(NAMES)
        ),
    )
    assert [found[f"Q{place}"]["name"] for place, _ in _numbered(NAMES)] == [
        name for *_, name in NAMES
    ]


def test_an_entity_without_any_name_is_quarantined(stage):
    assert read(stage, entity("Q1", P31=FILM)) == {}
    [row] = stage.quarantined()
    assert row["reason"] == "name is missing or empty"


def test_alternate_names_are_bounded_and_english_ones_come_first(stage):
    many = {"fr": [f"nom {number}" for number in range(100)], "en": ["one"]}
    found = read(stage, entity("Q1", "Up", aliases=many, P31=FILM))["Q1"]["alternate_names"]
    assert len(found) == MOST_NAMES
    assert found[:2] == ["one", "nom 0"]


def test_countries_and_languages_are_codes_where_the_delivery_or_a_table_has_them(stage):
    found = read(
        stage,
        entity("Q1", "Up", P31=FILM, P495=[item("Q90001"), item("Q145"), item("Q90002")],
               P364=[item("Q90003"), item("Q1860")]),
        entity("Q90001", "Åland", P297=text("AX")),
        entity("Q90003", "Sámi", P220=text("sme")),
    )["Q1"]  # fmt: skip
    assert found["countries"] == ["AX", "GB"]
    assert found["languages"] == ["se", "en"]


def test_a_redirect_is_known_by_both_of_its_ids(stage):
    person = entity("Q2", "Ann Lee", P31=PERSON)
    found = read(
        stage,
        entity("Q1", "Up", P31=FILM, P57=item("Q3")),
        person | {"redirects": {"from": "Q3", "to": "Q2"}},
    )
    assert found["Q1"]["credits"][0]["name"] == "Ann Lee"
    assert found["Q2"]["name"] == "Ann Lee"


def test_a_value_of_another_type_costs_its_entity_only_and_says_where(stage):
    bad = entity("Q2", "It", P31=FILM, P57=text("Ann Lee"))
    assert set(read(stage, entity("Q1", "Up", P31=FILM), bad)) == {"Q1"}
    [row] = stage.quarantined()
    assert row["stage"] == "parse"
    assert row["reason"].startswith("claims.P57[0].mainsnak.datavalue.value: expected an object")


def test_an_entity_that_is_there_twice_is_kept_once_with_its_credits(stage):
    film = entity("Q1", "Up", P31=FILM, P57=item("Q2"), P495=item("Q30"))
    found = read(stage, film, film)
    assert len(found["Q1"]["credits"]) == 1
    assert found["Q1"]["countries"] == ["US"]
    [row] = stage.quarantined()
    assert "was given before, with equal content" in row["reason"]


def test_what_versions_of_an_entity_say_stands_in_an_order_of_its_own(stage):
    targets = ["Q8", "Q6", "Q9", "Q7", "Q5"]
    versions = [
        entity("Q1", "Up", P31=FILM, P57=item(one), P136=item(one), P364=item(one))
        for one in targets
    ]
    told = [entity(one, f"the {one}") for one in targets]
    found = read(stage, *versions, *told)["Q1"]
    assert [credit["person_id"] for credit in found["credits"]] == sorted(targets)
    assert found["genres"] == [f"the {one}".lower() for one in sorted(targets)]
    assert found["languages"] == found["genres"]


DUMP = dump(entity("Q1", "Up", P31=FILM), entity("Q2", "It", P31=FILM))
ENTITIES = {row["id"]: row for row in json.loads(DUMP)}
FORMS = {
    "d.json": DUMP.encode(),
    "d.jsonl": DUMP.encode(),
    "d.json.gz": gzip.compress(DUMP.encode()),
    "d.json.bz2": bz2.compress(DUMP.encode()),
    "d.jsonl.zst": zstandard.compress(DUMP.encode()),
    "lines-with-carriage-returns.json": DUMP.replace("\n", "\r\n").encode(),
    "blank-lines-at-the-end.json": DUMP.encode() + b"\n" * 200,
    "lines-without-brackets.jsonl": DUMP[2:-3].encode(),
    "pretty.json": json.dumps(json.loads(DUMP), indent=1).encode(),
    "entity-data.json": compact({"entities": ENTITIES}).encode(),
    "answer.json": json.dumps({"entities": ENTITIES, "success": 1}, indent=2).encode(),
}


@pytest.mark.parametrize("name", FORMS)
def test_all_forms_in_which_entities_come_are_cut_into_them(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(FORMS[name])
    rows = [row for batch in read_blobs(path, name=name) for row in batch.to_pylist()]
    assert [row["problem"] for row in rows] == [None, None]
    assert [json.loads(row["blob"]) for row in rows] == list(ENTITIES.values())


def test_a_printed_entity_is_read_as_a_compact_one(stage):
    stage.deliver_files("wikidata", {"pretty.json": FORMS["pretty.json"]})
    stage.run("wikidata|d")
    assert sorted(stage.names()) == ["It", "Up"]


@pytest.mark.parametrize("name", ["d.json", "d.jsonl", "entity-data.json"])
def test_the_position_of_an_entity_leads_to_its_bytes(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(FORMS[name])
    rows = [row for batch in read_blobs(path, name=name) for row in batch.to_pylist()]
    assert [json.loads(row["blob"])["id"] for row in rows] == ["Q1", "Q2"]
    for row in rows:
        assert FORMS[name][row["position"] :].startswith(row["blob"])


def test_a_dump_that_broke_off_is_read_as_far_as_it_goes_and_told(tmp_path):
    (tmp_path / "d.json").write_text(DUMP[:-2])
    rows = [
        row for batch in read_blobs(tmp_path / "d.json", name="d.json") for row in batch.to_pylist()
    ]
    *read_rows, told = rows
    assert [json.loads(row["blob"])["id"] for row in read_rows] == ["Q1", "Q2"]
    assert "is not closed" in told["problem"]


def test_a_line_that_broke_costs_no_other(stage):
    lines = DUMP.split("\n")
    lines.insert(2, lines[1][:200])
    stage.deliver("wikidata", d__jsonl="\n".join(lines))
    stage.run("wikidata|d")
    assert sorted(stage.names()) == ["It", "Up"]
    assert len(stage.quarantined()) == 1


def test_a_title_that_is_the_name_is_no_other_name(stage):
    found = read(stage, entity("Q1", P31=FILM, P1476=phrase("Nur Titel", "de")))["Q1"]
    assert (found["name"], found["alternate_names"]) == ("Nur Titel", None)
