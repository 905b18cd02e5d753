"""From a folder of files to records: whatever is wrong with one blob, the rest is kept."""

# ruff: noqa: S608 - the statements are those of the adapters under test.

from __future__ import annotations

import gzip
import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from kg_assets.sources.adapter import Adapter
from kg_assets.sources.landing import LandingError, land
from kg_assets.sources.steps import LostRowsError, run_raw_blobs
from kg_assets.sources.tables import DELIVERIES, QUARANTINED_BLOBS, RAW_BLOBS, SOURCE_RECORDS
from resources.facets import GOVERNS
from tests.sources.deliveries import Stage


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path / "home")


def _line(source_id: str, name: str | None = "Up", **fields: object) -> str:
    return (
        json.dumps({"entity_type": "film", "source_id": source_id, "name": name, **fields}) + "\n"
    )


def test_a_delivery_of_canonical_records(stage):
    credits = [{"name": "Ann Lee", "role": "director", "position": 1}]
    stage.deliver(
        a__jsonl=_line("1", credits=credits, external_ids={"imdb": "tt1"}, source="other"),
        delivery__json='{"sequence": 4, "mode": "full", "duplicate_free": true}',
    )
    stage.run()
    film, person = stage.rows(SOURCE_RECORDS)
    assert (film["source"], film["source_id"], film["name"]) == ("mine", "1", "Up")
    assert film["external_ids"] == [("imdb", "tt1")]
    assert (film["file"], film["table"], film["position"]) == ("a.jsonl", None, 0)
    assert film["credits"][0]["person_id"] == person["source_id"] == "1/ann lee"
    assert person["professions"] == ["director"]
    [delivery] = stage.rows(DELIVERIES)
    assert len(delivery.pop("fingerprint")) == 64
    assert delivery == {
        "source": "mine",
        "delivery": "d",
        "sequence": 4,
        "mode": "full",
        "duplicate_free": True,
        "expect": None,
        "files": 1,
        "blobs": 1,
        "bytes": len(_line("1", credits=credits, external_ids={"imdb": "tt1"}, source="other")) - 1,
    }
    assert stage.figures == {
        "read": 1,
        "kept": 1,
        "quarantined": 0,
        "skipped": 0,
        "texts": 0,
        "people": 1,
        "unknown_codes": 0,
        "records_without_type": 0,
    }


GOOD = _line("good", "Good")

BAD_BLOBS = {
    "a line that is no JSON": (b'{"entity_type": \n', "parse"),
    "a line that is no object": (b"[1, 2]\n", "parse"),
    "bytes that are not UTF-8": (b'{"name": "\xff"}\n', "blob"),
    "JSON nested 10,000 deep": (b"[" * 10_000 + b"]" * 10_000 + b"\n", "parse"),
    "a field nested 10,000 deep": (
        b'{"name": ' + b"[" * 10_000 + b"]" * 10_000 + b"}\n",
        "parse",
    ),
    "a number where a string was": (_line("1", 9).encode(), "parse"),
    "a string where a number was": (_line("1", year="19x4").encode(), "parse"),
    "no name": (_line("1", None).encode(), "record"),
    "an empty name": (_line("1", "  ").encode(), "record"),
    "a NUL in the id": (_line("a\0b").encode(), "record"),
    "an unknown type": (_line("1", entity_type="movie").encode(), "record"),
    "a year that cannot be": (_line("1", year=20144).encode(), "record"),
    "an id that was there": (_line("good", "Other").encode(), "record"),
    "a line over the limit": (_line("1", "x" * 5000).encode(), "blob"),
}


@pytest.mark.parametrize("fault", BAD_BLOBS)
def test_a_bad_blob_is_quarantined_and_the_rest_is_kept(stage, fault):
    bad, step = BAD_BLOBS[fault]
    stage.deliver(a__jsonl=GOOD.encode() + bad + _line("last", "Last").encode())
    limit = {"max_blob_bytes": 4096} if fault == "a line over the limit" else {}
    stage.run(**limit)
    assert stage.names() == ["Good", "Last"]
    [row] = stage.quarantined()
    assert (row["file"], row["position"], row["stage"]) == ("a.jsonl", len(GOOD), step)
    assert row["reason"]
    assert row["bytes"] == len(bad) - 1
    assert stage.figures["read"] == 3
    assert stage.figures["quarantined"] == 1


def test_a_line_of_fifty_megabytes_is_quarantined(stage):
    folder = stage.deliver(b__jsonl=GOOD)
    with (folder / "a.jsonl").open("wb") as file:
        file.write(b'{"entity_type": "film", "source_id": "1", "name": "')
        for _ in range(50):
            file.write(b"x" * (1 << 20))
        file.write(b'"}\n' + _line("last", "Last").encode())
    stage.run()
    assert stage.names() == ["Good", "Last"]
    [row] = stage.quarantined()
    assert (row["file"], row["position"], row["stage"]) == ("a.jsonl", 0, "blob")
    assert row["bytes"] > 50 << 20


def _truncated() -> bytes:
    lines = "".join(_line(str(number), os.urandom(40).hex()) for number in range(2000))
    return gzip.compress(lines.encode())[:-4000]


BAD_FILES = {
    "an empty file": ("b.jsonl", b"", "empty"),
    "a truncated gzip": ("b.jsonl.gz", _truncated(), "compression"),
    "a file of no known format": ("b.exe", b"MZ", "format"),
    "a database that is none": ("b.sqlite", b"not a database at all", ""),
}


@pytest.mark.parametrize("fault", BAD_FILES)
def test_a_bad_file_is_quarantined_and_the_others_are_kept(stage, fault):
    name, content, told = BAD_FILES[fault]
    folder = stage.deliver(a__jsonl=GOOD)
    (folder / name).write_bytes(content)
    stage.run()
    assert "Good" in stage.names()
    rows = [row for row in stage.quarantined() if row["file"] == name]
    assert any(told in row["reason"] for row in rows)
    assert {row["stage"] for row in rows} == {"blob"} or fault == "a truncated gzip"


def test_what_a_truncated_gzip_holds_is_kept(stage):
    folder = stage.deliver()
    (folder / "a.jsonl.gz").write_bytes(_truncated())
    stage.run()
    assert len(stage.names()) > 100


def test_a_byte_order_mark_is_no_part_of_the_first_record(stage):
    stage.deliver(a__jsonl=b"\xef\xbb\xbf" + GOOD.encode())
    stage.run()
    assert (stage.names(), stage.quarantined()) == (["Good"], [])


ENTRIES: dict[str, Callable[[Path], None]] = {
    "a link": lambda path: path.symlink_to("/etc/passwd"),
    "a folder": lambda path: path.mkdir(),
    "a pipe": lambda path: os.mkfifo(path),
}


@pytest.mark.parametrize("kind", ENTRIES)
def test_an_entry_that_is_no_file_is_quarantined(stage, kind):
    folder = stage.deliver(a__jsonl=GOOD)
    ENTRIES[kind](folder / "b.jsonl")
    stage.run()
    assert stage.names() == ["Good"]
    [row] = stage.quarantined()
    assert (row["file"], row["stage"]) == ("b.jsonl", "blob")
    assert "is a" in row["reason"]


def test_a_row_that_cannot_be_read_does_not_shift_the_numbers_of_the_others(stage):
    header = "year,title,original_title,director,languages,countries_of_origin,run_time,imdb_url\n"
    rows = ["1946,A,,,,,,\n", "19x4,B,,,,,,\n", "1948,\xff,,,,,,\n", "1949,D,,,,,,\n"]
    stage.deliver("cannes_films", films__csv=(header + "".join(rows)).encode("latin-1"))
    stage.run("cannes_films|d")
    found = {row["source_id"]: row["name"] for row in stage.rows(SOURCE_RECORDS)}
    assert found == {"1": "A", "4": "D"}
    year, encoding = sorted(stage.quarantined(), key=lambda row: row["position"])
    assert (year["stage"], year["reason"]) == ("record", "year is not a number: 19x4")
    assert "B" in year["head"]
    assert encoding["stage"] == "blob"


def test_tables_that_the_adapter_does_not_read_are_skipped_and_counted(stage):
    folder = stage.deliver("wikidata_films")
    with sqlite3.connect(folder / "movies.db") as database:
        database.execute("CREATE TABLE omdb (ID INTEGER, Title TEXT, Year INTEGER, Director TEXT)")
        database.execute("INSERT INTO omdb VALUES (372, 'Up', 2009, 'Ann Lee'), (3, '', 2009, '')")
        database.execute("CREATE TABLE tomatoes (ID INTEGER, Rating REAL)")
        database.execute("INSERT INTO tomatoes VALUES (372, 7.2), (3, 1.0), (4, 1.0)")
    database.close()
    stage.run("wikidata_films|d")
    assert [(row["entity_type"], row["source_id"]) for row in stage.rows(SOURCE_RECORDS)] == [
        ("film", "372"),
        ("person", "372/ann lee"),
    ]
    [row] = stage.quarantined()
    assert (row["table"], row["reason"]) == ("omdb", "name is missing or empty")
    assert stage.figures == {
        "read": 5,
        "kept": 1,
        "quarantined": 1,
        "skipped": 3,
        "texts": 0,
        "people": 1,
        "unknown_codes": 0,
        "records_without_type": 0,
    }


def _adapter(select: str) -> Adapter:
    return Adapter("mine", "t", "l", "h", pa.schema([("name", pa.string())]), select)


_COLUMNS = """file, "table", position, sha256, 'film' AS entity_type, name AS source_id, name"""


def test_a_blob_that_an_adapter_leaves_out_is_quarantined(stage):
    stage.deliver(a__jsonl='{"name": "Up"}\n{"name": "It"}\n')
    stage.run(adapter=_adapter(f"SELECT {_COLUMNS} FROM blobs WHERE name = 'Up'"))
    assert stage.names() == ["Up"]
    [row] = stage.quarantined()
    assert "made no record of it" in row["reason"]


def test_an_adapter_that_doubles_blobs_is_an_error(stage):
    stage.deliver(a__jsonl='{"name": "Up"}\n')
    with pytest.raises(LostRowsError, match="one row for each"):
        stage.run(
            adapter=_adapter(
                f"""
                SELECT {_COLUMNS} FROM blobs
                UNION ALL
                SELECT file, "table", position, sha256, 'book', name, name FROM blobs
                """
            )
        )
    assert stage.rows(SOURCE_RECORDS) == []


def test_records_of_a_deletion_need_no_name(stage):
    stage.deliver(
        a__jsonl='{"entity_type": "film", "source_id": "1"}\n',
        delivery__json='{"mode": "delete"}',
    )
    stage.run()
    assert [(row["source_id"], row["name"]) for row in stage.rows(SOURCE_RECORDS)] == [("1", "1")]


def test_a_folder_that_vanished_is_an_error_that_says_so(stage):
    folder = stage.deliver(a__jsonl=GOOD)
    shutil.rmtree(folder)
    with pytest.raises(LandingError, match="is not there"):
        stage.run()


@pytest.mark.parametrize("key", ["../../etc|d", "mine|../../d", "mine"])
def test_a_key_that_leads_elsewhere_is_an_error(stage, key):
    with stage.lake.step("raw_blobs", partition=key) as step, pytest.raises(LandingError):
        run_raw_blobs(step, stage.landing)


def test_an_empty_delivery_has_no_records(stage):
    stage.deliver(delivery__json="{}")
    stage.run()
    assert stage.rows(SOURCE_RECORDS) == []
    assert stage.rows(DELIVERIES)[0]["blobs"] == 0


@pytest.mark.parametrize(
    ("manifest", "facets"),
    [
        ("{}", {"film", "person"}),
        ('{"mode": "full"}', {"film", "person", GOVERNS}),
        ('{"duplicate_free": false}', {"film", "person", GOVERNS}),
    ],
)
def test_the_catalog_notes_the_types_of_a_delivery_and_whether_it_bears_on_others(
    stage, manifest, facets
):
    credits = [{"name": "Ann Lee", "role": "director", "position": 1}]
    stage.deliver(a__jsonl=_line("1", credits=credits), delivery__json=manifest)
    stage.run()
    assert stage.lake.heads(SOURCE_RECORDS)["mine|d"].facets == facets


def test_a_file_that_was_only_touched_changes_no_table(stage, tmp_path):
    file = tmp_path / "a.jsonl"
    file.write_text(GOOD)
    landed = land(stage.landing, "mine", [file], delivery="d")
    stage.run()
    tables = (DELIVERIES, RAW_BLOBS, SOURCE_RECORDS, QUARANTINED_BLOBS)
    before = [stage.lake.heads(table)["mine|d"].file.version for table in tables]
    os.utime(landed.delivery.path / "a.jsonl", (1, 1))
    stage.run()
    assert [stage.lake.heads(table)["mine|d"].file.version for table in tables] == before


def test_nothing_is_written_outside_the_home(stage, tmp_path):
    stage.deliver(a__jsonl=GOOD)
    stage.run()
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_blobs_of_very_different_sizes_are_all_read(stage):
    sizes = [1, 3_000, 100_000, 10, 200_000, 5_000]
    lines = [_line(str(size), "Up", description="x" * size) for size in sizes]
    stage.deliver(a__jsonl="".join(lines))
    stage.run()
    found = {row["source_id"]: len(row["description"]) for row in stage.rows(SOURCE_RECORDS)}
    assert found == {str(size): size for size in sizes}
