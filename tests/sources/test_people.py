"""Credits become person records: whom a list names, what their ids are, which works they have."""

from __future__ import annotations

import tempfile
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg_assets.sources.names import register_macros
from kg_assets.sources.people import PART_CREDITS, add_people, register_person_macros
from kg_assets.sources.tables import SOURCE_RECORDS


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    return _connection()


def _connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"threads": 1})
    register_macros(connection)
    register_person_macros(connection)
    return connection


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Joel Coen, Ethan Coen", ["Joel Coen", "Ethan Coen"]),
        ("Robert Downey, Jr., Jude Law", ["Robert Downey, Jr.", "Jude Law"]),
        ("Ed Begley, Jr., John Cothran, Jr.", ["Ed Begley, Jr.", "John Cothran, Jr."]),
        ("Loudon Wainwright, III", ["Loudon Wainwright, III"]),
        (
            "David Cholmondeley, 7th Marquess of Cholmondeley, Ann Lee",
            ["David Cholmondeley, 7th Marquess of Cholmondeley", "Ann Lee"],
        ),
        ("Ann Lee,, ,Bo Li", ["Ann Lee", "Bo Li"]),
        ("Ann Lee, Ann Lee", ["Ann Lee"]),
        ("  Ann   Lee ", ["Ann Lee"]),
        ("Ann\x00Lee", ["Ann Lee"]),
        ("Ann Lee (uncredited), Bo Li (1940-2013)", ["Ann Lee", "Bo Li"]),
        ("Sergei (Sergey) Kostin", ["Sergei (Sergey) Kostin"]),
        ("Will Speck and Josh Gordon", ["Will Speck", "Josh Gordon"]),
        ("Tom Petty and the Heartbreakers", ["Tom Petty and the Heartbreakers"]),
        ("Paolo and Vittorio Taviani", ["Paolo and Vittorio Taviani"]),
        (
            "Princess Theodora of Greece and Denmark",
            ["Princess Theodora of Greece and Denmark"],
        ),
        ("Various", []),
        ("N/A", []),
        ("list of Harry Potter cast members, Ann Lee", ["Ann Lee"]),
        ("Van Various", ["Van Various"]),
        ("", None),
    ],
)
def test_a_list_of_names_becomes_people(con, text, names):
    [(found,)] = con.execute("SELECT split_names(?)", [text]).fetchall()
    assert (found or None) == (names or None)


def _records(
    con: duckdb.DuckDBPyConnection, *rows: dict, part_credits: int = PART_CREDITS
) -> list[dict]:
    full = [
        {
            "entity_type": "film",
            "source": "s",
            "file": "a.jsonl",
            "position": place,
            "sha256": "0" * 64,
            **row,
        }
        for place, row in enumerate(rows)
    ]
    con.register("works", pa.Table.from_pylist(full, schema=SOURCE_RECORDS.schema))
    with tempfile.TemporaryDirectory() as scratch:
        add_people(con, "works", "records", Path(scratch), part_credits=part_credits)
        found = con.sql("FROM records ORDER BY entity_type, source_id").to_arrow_table()
    return found.select(SOURCE_RECORDS.schema.names).cast(SOURCE_RECORDS.schema).to_pylist()


def _credit(name: str | None, role: str | None = "director", person_id: str | None = None) -> dict:
    return {"name": name, "role": role, "person_id": person_id}


def _people(records: list[dict]) -> list[dict]:
    return [record for record in records if record["entity_type"] == "person"]


def test_a_name_in_a_work_is_one_person_with_all_roles(con):
    credits = [_credit("Ann Lee"), _credit("Ann Lee", "Screenplay"), _credit("ANN  LEE", "actress")]
    work, person = _records(con, {"source_id": "7", "name": "Up", "credits": credits})
    assert (person["source_id"], person["name"]) == ("7/ann lee", "Ann Lee")
    assert person["professions"] == ["actor", "director", "writer"]
    assert person["credits"] is None
    assert {credit["person_id"] for credit in work["credits"]} == {"7/ann lee"}
    assert [credit["role"] for credit in work["credits"]] == ["director", "Screenplay", "actress"]


def test_a_person_lies_where_its_work_lies(con):
    work, person = _records(con, {"source_id": "7", "name": "Up", "credits": [_credit("Ann Lee")]})
    place = ("file", "table", "position", "sha256", "source")
    assert [person[name] for name in place] == [work[name] for name in place]


def test_one_name_in_two_works_is_two_people(con):
    records = _records(
        con,
        {"source_id": "1", "name": "Up", "credits": [_credit("Ann Lee")]},
        {"source_id": "2", "name": "It", "credits": [_credit("Ann Lee")]},
    )
    assert [person["source_id"] for person in _people(records)] == ["1/ann lee", "2/ann lee"]


def test_works_of_two_types_with_one_number_have_people_of_their_own(con):
    records = _records(
        con,
        {"source_id": "1", "name": "Up", "credits": [_credit("Ann Lee")]},
        {
            "entity_type": "series",
            "source_id": "1",
            "name": "Up",
            "credits": [_credit("Ann Lee")],
        },
    )
    assert [person["source_id"] for person in _people(records)] == [
        "1/ann lee",
        "series:1/ann lee",
    ]


def test_a_person_id_joins_the_credits_of_several_works(con):
    records = _records(
        con,
        {"source_id": "1", "name": "Up", "credits": [_credit("Ann Lee", person_id="p1")]},
        {"source_id": "2", "name": "It", "credits": [_credit("A. Lee", "actor", person_id="p1")]},
    )
    [person] = _people(records)
    assert (person["source_id"], person["name"]) == ("p1", "Ann Lee")
    assert person["professions"] == ["actor", "director"]


def test_works_of_one_blob_in_any_order_give_the_same_person(con):
    works = [
        {"source_id": str(n), "name": "Up", "position": 0, "credits": [_credit(name, None, "p1")]}
        for n, name in enumerate(["Ann Lee", "A. Lee", "Lee Ann", "Annie Lee"])
    ]
    [person] = _people(_records(con, *works))
    assert [person] == _people(_records(con, *reversed(works)))


def test_the_sources_own_person_record_is_the_only_one(con):
    own = {"entity_type": "person", "source_id": "p1", "name": "Ann Mary Lee", "birth_year": 1970}
    records = _records(
        con,
        own,
        {"source_id": "1", "name": "Up", "credits": [_credit("Ann Lee", person_id="p1")]},
    )
    [person] = _people(records)
    assert (person["name"], person["birth_year"]) == ("Ann Mary Lee", 1970)


@pytest.mark.parametrize("name", [None, "", "  ", "\u00a0"])
def test_a_credit_without_a_name_stays_and_makes_nobody(con, name):
    records = _records(con, {"source_id": "1", "name": "Up", "credits": [_credit(name)]})
    [work] = records
    assert [credit["person_id"] for credit in work["credits"]] == [None]


def test_a_name_in_two_normal_forms_is_one_person(con):
    credits = [_credit("Zoe\u0308 Lee"), _credit("Zoë Lee", "writer")]
    records = _records(con, {"source_id": "1", "name": "Up", "credits": credits})
    [person] = _people(records)
    assert person["source_id"] == "1/zoë lee"


def test_an_id_stays_short(con):
    credits = [_credit("a" * 5000), _credit("a" * 5001)]
    records = _records(con, {"source_id": "x" * 512, "name": "Up", "credits": credits})
    ids = [person["source_id"] for person in _people(records)]
    assert len(set(ids)) == 2
    assert all(len(source_id) <= 512 for source_id in ids)


_NAMES = st.lists(
    st.one_of(st.none(), st.text(max_size=6), st.sampled_from(["a/b", "A/B", "b", "Ann Lee"])),
    max_size=4,
)


@settings(max_examples=60, deadline=None)
@given(works=st.lists(_NAMES, max_size=4), ids=st.permutations(["1", "1/a", "2", "a"]))
def test_each_named_credit_has_exactly_one_person(works, ids):
    con = _connection()
    records = _records(
        con,
        *(
            {"source_id": source_id, "name": "x", "credits": [_credit(name) for name in names]}
            for source_id, names in zip(ids, works, strict=False)
        ),
    )
    people = [person["source_id"] for person in _people(records)]
    credited = {
        (record["source_id"], credit["person_id"])
        for record in records
        for credit in record["credits"] or []
        if credit["person_id"] is not None
    }
    assert len(people) == len(set(people))
    # No two works share a person, and every person comes from a credit.
    assert sorted(people) == sorted(person for _, person in credited)
    con.close()


def test_people_made_in_parts_are_those_that_are_made_at_once(con):
    works = [
        {
            "source_id": str(number),
            "name": "Up",
            "credits": [
                *(_credit("Ann Lee", role, f"nm{number % 5}") for role in ("director", "actor")),
                _credit(f"Bo Li {number}"),
            ],
        }
        for number in range(12)
    ]
    whole = _records(con, *works)
    assert len(whole) == 12 + 5 + 12
    assert _records(con, *works, part_credits=3) == whole
