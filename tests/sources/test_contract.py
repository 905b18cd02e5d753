"""What every record must keep to; each row is kept or refused, and told why."""

from __future__ import annotations

import tempfile
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg_assets.sources.contract import check_contract
from kg_assets.sources.tables import SOURCE_RECORDS
from resources.keyed import KEYED_ROWS

SCHEMA = pa.schema(
    [
        *(column.with_nullable(True) for column in SOURCE_RECORDS.schema),
        pa.field("problem", pa.string()),
        pa.field("item", pa.int32()),
    ]
)

RELATION = {"relation": "based_on", "source_id": "2"}


def _check(*rows: dict, part_rows: int = KEYED_ROWS) -> tuple[list[dict], list[dict]]:
    full = [
        {
            "entity_type": "film",
            "source": "s",
            "source_id": str(place),
            "name": "Up",
            "file": "a.jsonl",
            "position": place,
            "sha256": "0" * 64,
            **row,
        }
        for place, row in enumerate(rows)
    ]
    con = duckdb.connect(config={"threads": 1})
    con.register("given_rows", pa.Table.from_pylist(full, schema=SCHEMA))
    with tempfile.TemporaryDirectory() as scratch:
        check_contract(con, "given_rows", "contract", Path(scratch), part_rows=part_rows)
        kept, refused = (
            con.sql(f"FROM contract_{name} ORDER BY file, position").to_arrow_table().to_pylist()
            for name in ("kept", "refused")
        )
    con.close()
    return kept, refused


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"entity_type": None}, "entity_type is missing"),
        ({"entity_type": "movie"}, "entity_type 'movie' is not known; it is one of book,"),
        ({"entity_type": "Film"}, "'Film' is not known"),
        ({"source_id": None}, "source_id is missing"),
        ({"source_id": "  "}, "source_id is missing"),
        ({"source_id": "a\0b"}, "source_id holds a NUL"),
        ({"source_id": "x" * 513}, "513 characters long"),
        ({"name": None}, "name is missing or empty"),
        ({"name": " \t"}, "name is missing or empty"),
        ({"name": "\u200b\u0007"}, "name is missing or empty"),
        ({"name": "U\0p"}, "name holds a NUL"),
        ({"year": 1849}, "year 1849 is not plausible for a film: 1850 to 2100"),
        ({"year": 20144}, "year 20144"),
        ({"end_year": 3000}, "end_year 3000"),
        ({"entity_type": "book", "year": -3001}, "year -3001"),
        ({"entity_type": "person", "birth_year": 19455}, "birth_year 19455"),
        ({"entity_type": "person", "death_year": 20200}, "death_year 20200"),
        ({"rating": 10.5}, "rating 10.5 is not from 0 to 10"),
        ({"votes": -1}, "votes -1 is less than none"),
        ({"relations": [{"source_id": "2"}]}, "relations[1] does not say which relation it is"),
        (
            {"relations": [RELATION, {"relation": "based_on", "name": " "}]},
            "relations[2] has neither the source_id nor the name of what it leads to",
        ),
        ({"relations": [None]}, "relations[1] is null"),
        ({"relations": [RELATION | {"entity_type": "movie"}]}, "has the entity_type 'movie'"),
        ({"relations": [RELATION | {"source_id": "a\0"}]}, "relations[1] holds a NUL character"),
        ({"relations": [RELATION | {"source_id": "x" * 513}]}, "a source_id of 513 characters"),
        ({"problem": "year is not a number: 19x4"}, "year is not a number: 19x4"),
    ],
)
def test_a_record_with_one_fault_is_refused_with_the_reason(row, told):
    kept, refused = _check(row, {})
    assert [record["position"] for record in kept] == [1]
    [fault] = refused
    assert fault["position"] == 0
    assert told in fault["reason"]


@pytest.mark.parametrize(
    "row",
    [
        {"name": "$"},
        {"name": "9"},
        {"source_id": "x" * 512},
        {"year": 1850},
        {"year": None},
        {"entity_type": "play", "year": -405},
        {"entity_type": "person", "birth_year": -480, "death_year": -406},
        {"entity_type": "thing"},
    ],
)
def test_an_unusual_record_is_kept(row):
    kept, refused = _check(row)
    assert len(kept) == 1
    assert refused == []


def test_a_message_holds_nothing_that_a_terminal_acts_upon():
    _, [fault] = _check({"entity_type": "\x1b[31mred" + "x" * 5000})
    assert "\x1b" not in fault["reason"]
    assert len(fault["reason"]) < 400


def test_of_one_id_twice_the_first_is_kept_and_the_reason_names_its_place():
    kept, refused = _check(
        {"source_id": "1", "name": "It", "file": "b.jsonl"},
        {"source_id": "1", "name": "Up", "file": "a.jsonl"},
        {"source_id": "1", "name": "Up", "file": "b.jsonl"},
    )
    assert [(record["file"], record["position"]) for record in kept] == [("a.jsonl", 1)]
    different, equal = refused
    assert "with different content, at a.jsonl, position 1" in different["reason"]
    assert "with equal content, at a.jsonl, position 1" in equal["reason"]


def test_a_refused_record_does_not_take_the_id():
    kept, refused = _check({"source_id": "1", "name": ""}, {"source_id": "1", "name": "Up"})
    assert [record["position"] for record in kept] == [1]
    assert len(refused) == 1


def test_one_id_in_two_types_is_two_records():
    kept, refused = _check({"source_id": "1"}, {"source_id": "1", "entity_type": "book"})
    assert (len(kept), refused) == (2, [])


def test_the_same_credits_and_ids_are_equal_content():
    row = {
        "source_id": "1",
        "external_ids": [("imdb", "tt1")],
        "credits": [{"name": "Ann", "role": None}],
    }
    _, [fault] = _check(row, row)
    assert "equal content" in fault["reason"]


_ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "entity_type": st.sampled_from(["film", "book", "movie", None]),
            "source_id": st.one_of(
                st.none(), st.sampled_from(["1", "2", " "]), st.text(max_size=3)
            ),
            "name": st.one_of(st.none(), st.sampled_from(["Up", "It"]), st.text(max_size=3)),
            "year": st.one_of(st.none(), st.sampled_from([1800, 1999, 3000])),
            "file": st.sampled_from(["a.jsonl", "b.sqlite"]),
            "table": st.one_of(st.none(), st.sampled_from(["x", "y"])),
        }
    ),
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(rows=_ROWS)
def test_each_row_is_kept_or_refused_and_ids_are_unique(rows):
    kept, refused = _check(*rows)
    places = sorted(record["position"] for record in [*kept, *refused])
    assert places == list(range(len(rows)))
    ids = [(record["entity_type"], record["source_id"]) for record in kept]
    assert len(ids) == len(set(ids))
    assert all(fault["reason"] for fault in refused)


def test_ids_that_are_compared_in_parts_are_judged_as_all_at_once():
    rows = [{"source_id": str(n % 40), "name": f"Up {n % 3}"} for n in range(100)]
    assert _check(*rows, part_rows=7) == _check(*rows)
