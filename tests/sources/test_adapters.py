"""The adapters of the real sources: what they make of a row, one oddity each."""

from __future__ import annotations

import datetime
import tempfile
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from kg_assets.sources.adapter import Adapter, Rhythm
from kg_assets.sources.codes import normalise_codes, register_codes
from kg_assets.sources.demo import director_links, imdb_links, same_director_links
from kg_assets.sources.names import register_macros
from kg_assets.sources.record import POSITION_FIELDS
from kg_assets.sources.registry import ADAPTERS, adapter_for
from kg_assets.sources.selecting import make_rows
from kg_assets.sources.tables import RAW_BLOBS, SOURCE_RECORDS


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"threads": 1})
    register_macros(connection)
    register_codes(connection)
    return connection


def _records(con: duckdb.DuckDBPyConnection, source: str, *rows: dict, table=None) -> list[dict]:
    adapter = adapter_for(source)
    places = [
        {"file": "f", "table": table, "position": place * 10, "sha256": "0" * 64}
        for place in range(len(rows))
    ]
    schema = pa.schema([*POSITION_FIELDS, *adapter.fields])
    parsed = [{**place, **row} for place, row in zip(places, rows, strict=True)]
    con.register("parsed_blobs", pa.Table.from_pylist(parsed, schema=schema))
    raw = [{**place, "bytes": 1, "blob": b"", "problem": None} for place in places]
    con.register("raw", pa.Table.from_pylist(raw, schema=RAW_BLOBS.schema))
    with tempfile.TemporaryDirectory() as scratch:
        make_rows(con, adapter, source, Path(scratch))
        normalise_codes(con, "selected", "coded")
        return con.sql("FROM coded ORDER BY position").to_arrow_table().to_pylist()


def _wikidata(con, **row) -> dict:
    full = {"ID": 372, "imdbID": "tt1", "Title": "Up", "Year": 2009, "Released": "2009-05-13"}
    [record] = _records(con, "wikidata_films", {**full, **row}, table="omdb")
    return record


def _cannes(con, **row) -> dict:
    full = {
        "year": "1946",
        "title": "The Lovers",
        "original_title": "Amanti in fuga",
        "director": "Giacomo Gentilomo",
        "languages": "it",
        "countries_of_origin": "IT",
        "run_time": "1h 30m",
        "imdb_url": "https://www.imdb.com/title/tt0038297/",
    }
    [record] = _records(con, "cannes_films", {**full, **row})
    return record


def test_a_film_of_wikidata(con):
    record = _wikidata(
        con,
        Runtime=90.0,
        Genre="Sci-Fi, Drama",
        Director="Ann Lee",
        Writer="Ann Lee, Bo Li",
        Cast="Robert Downey, Jr., Cy Mo",
        Language="English, French",
        Country="United States, West Germany",
    )
    assert record["entity_type"] == "film"
    assert (record["source"], record["source_id"]) == ("wikidata_films", "372")
    assert (record["name"], record["year"]) == ("Up", 2009)
    assert record["date"] == datetime.date(2009, 5, 13)
    assert record["runtime_minutes"] == 90
    assert record["genres"] == ["sci-fi", "drama"]
    assert record["countries"] == ["US", "DE"]
    assert record["languages"] == ["en", "fr"]
    assert [
        (credit["role"], credit["position"], credit["name"]) for credit in record["credits"]
    ] == [
        ("director", 1, "Ann Lee"),
        ("writer", 1, "Ann Lee"),
        ("writer", 2, "Bo Li"),
        ("actor", 1, "Robert Downey, Jr."),
        ("actor", 2, "Cy Mo"),
    ]
    assert record["problem"] is None


def test_the_first_of_january_means_that_the_day_is_not_known(con):
    assert _wikidata(con, Released="2009-01-01")["date"] is None


@pytest.mark.parametrize("released", [None, "", "soon", "2009-02-30"])
def test_a_date_that_is_none_is_null(con, released):
    assert _wikidata(con, Released=released)["date"] is None


@pytest.mark.parametrize(
    ("minutes", "kept"),
    [(0.0, None), (1.0, None), (-5.0, None), (7.0, 7.0), (776.0, 776.0), (99999.0, None)],
)
def test_a_running_time_that_cannot_be_is_null(con, minutes, kept):
    assert _wikidata(con, Runtime=minutes)["runtime_minutes"] == kept


def test_a_film_of_cannes(con):
    record = _cannes(con)
    assert record["source_id"] == "1"
    assert record["alternate_names"] == ["Amanti in fuga"]
    assert (record["name"], record["year"]) == ("The Lovers", 1946)
    assert record["runtime_minutes"] == 90
    assert (record["countries"], record["languages"]) == (["IT"], ["it"])
    assert [credit["name"] for credit in record["credits"]] == ["Giacomo Gentilomo"]


def test_the_id_of_a_film_of_cannes_is_the_number_of_its_row(con):
    row = {"year": "1946", "title": "x"}
    records = _records(con, "cannes_films", row, row, row)
    assert [record["source_id"] for record in records] == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("1h 46m", 106),
        ("2h", 120),
        ("46m", 46),
        ("106 min", 106),
        ("106", 106),
        ("", None),
        (None, None),
        ("0m", None),
        ("long", None),
        ("1h 46x", None),
    ],
)
def test_a_running_time_in_words_becomes_minutes(con, text, minutes):
    assert _cannes(con, run_time=text)["runtime_minutes"] == minutes


@pytest.mark.parametrize("year", ["19x4", "MCMXLVI", "1946-47"])
def test_a_year_that_is_no_number_is_a_problem(con, year):
    assert _cannes(con, year=year)["problem"] == f"year is not a number: {year}"


@pytest.mark.parametrize("title", ["", None, "The Lovers"])
def test_an_original_title_that_says_nothing_new_is_left_out(con, title):
    assert _cannes(con, original_title=title)["alternate_names"] is None


def test_imdb_ids_stand_with_the_external_ids_and_nowhere_else(con):
    for record in (_wikidata(con, imdbID="tt0038297"), _cannes(con)):
        assert dict(record["external_ids"])["imdb"] == "tt0038297"
        rest = {name: value for name, value in record.items() if name != "external_ids"}
        assert "tt0038297" not in repr(rest)


def test_a_source_without_an_adapter_is_read_as_canonical_records(con):
    [record] = _records(con, "mine", {"entity_type": "book", "source_id": "7", "name": "Emma"})
    assert (record["source"], record["source_id"], record["name"]) == ("mine", "7", "Emma")


def test_a_field_may_not_hide_the_place_of_a_blob():
    with pytest.raises(ValueError, match="position"):
        Adapter("s", "t", "l", "h", pa.schema([("position", pa.int64())]), "SELECT 1")


def _film(source: str, source_id: str, imdb: str, *directors: str) -> dict:
    return {
        "entity_type": "film",
        "source": source,
        "source_id": source_id,
        "name": "x",
        "file": "f",
        "position": 0,
        "sha256": "",
        "external_ids": [("imdb", imdb)],
        "credits": [
            {"name": name, "role": "director", "person_id": f"{source_id}/{name.lower()}"}
            for name in directors
        ],
    }


def _relation(con, *rows: dict) -> duckdb.DuckDBPyRelation:
    con.register("labelled_records", pa.Table.from_pylist(list(rows), schema=SOURCE_RECORDS.schema))
    return con.table("labelled_records")


def test_films_that_share_an_id_are_linked_across_sources(con):
    rows = _relation(
        con,
        _film("a", "1", "tt1"),
        _film("b", "9", "tt1"),
        _film("b", "8", "tt1"),
        _film("b", "7", "tt2"),
    )
    assert imdb_links(rows) == [("a:1", "b:8"), ("a:1", "b:9")]


def test_directors_of_a_film_are_paired_by_the_words_of_their_names(con):
    rows = _relation(
        con,
        _film("a", "1", "tt1", "Zhang Yimou", "Yang Fengliang"),
        _film("b", "2", "tt1", "Fengliang Yang", "Yimou Zhang"),
    )
    assert director_links(rows) == [
        ("a:1/yang fengliang", "b:2/fengliang yang"),
        ("a:1/zhang yimou", "b:2/yimou zhang"),
    ]


def test_a_single_director_is_paired_whatever_the_names(con):
    rows = _relation(con, _film("a", "1", "tt1", "Steno"), _film("b", "2", "tt1", "S. Vanzina"))
    assert director_links(rows) == [("a:1/steno", "b:2/s. vanzina")]


def test_films_with_different_numbers_of_directors_give_no_labels(con):
    rows = _relation(
        con, _film("a", "1", "tt1", "Ann Lee"), _film("b", "2", "tt1", "Ann Lee", "Bo")
    )
    assert director_links(rows) == []


def test_a_director_of_two_films_is_linked_across_them_and_not_to_another(con):
    rows = _relation(
        con,
        _film("a", "1", "tt1", "Akira Kurosawa"),
        _film("b", "2", "tt1", "Kurosawa Akira"),
        _film("a", "3", "tt2", "Akira Kurosawa"),
        _film("b", "4", "tt2", "A. Kurosawa"),
        _film("a", "5", "tt3", "Kiyoshi Kurosawa"),
        _film("b", "6", "tt3", "Kiyoshi Kurosawa"),
    )
    assert same_director_links(rows) == [
        ("a:1/akira kurosawa", "b:2/kurosawa akira"),
        ("a:1/akira kurosawa", "b:4/a. kurosawa"),
        ("a:3/akira kurosawa", "b:2/kurosawa akira"),
        ("a:3/akira kurosawa", "b:4/a. kurosawa"),
        ("a:5/kiyoshi kurosawa", "b:6/kiyoshi kurosawa"),
    ]


def test_each_adapter_says_when_its_source_delivers_and_why():
    unsaid = Adapter("x", "", "", "", pa.schema([]), "").rhythm
    assert all(adapter.rhythm != unsaid for adapter in ADAPTERS.values())
    found = {name: adapter.rhythm.days for name, adapter in ADAPTERS.items()}
    assert {name: days for name, days in found.items() if days} == {
        "imdb": 1.5,
        "tmdb": 1.5,
        "wikidata": 9,
    }
    with pytest.raises(ValueError, match="not after 0 days"):
        Rhythm(0, "never")
