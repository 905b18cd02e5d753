"""Mutated blobs through every adapter: each is read or quarantined, whatever happened to it."""

# ruff: noqa: S608 - names in statements are those of our own adapters.

from __future__ import annotations

import json
import os
import random
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from kg_assets.sources.blobs import read_blobs
from kg_assets.sources.registry import ADAPTERS, adapter_for
from kg_assets.sources.steps import make_records, quarantined_rows
from kg_assets.sources.tables import RAW_BLOBS
from tests.faults.mutations import ODD_VALUES, of_bytes, of_values
from tests.lengths import FULL
from tests.sources.test_imdb import BASICS, FILM
from tests.sources.test_tmdb import FILM as TMDB_FILM
from tests.sources.wikidata_entities import amount, entity, item, statement, text
from tests.sources.wikidata_entities import time as moment

BLOBS, TOGETHER = (10_000, 1_000) if FULL else (60, 60)
"""Mutated blobs for each adapter, and how many are delivered at once."""

CANONICAL: dict[str, Any] = {
    "entity_type": "film",
    "source_id": "1",
    "name": "Il Gattopardo",
    "alternate_names": ["The Leopard"],
    "year": 1963,
    "date": "1963-03-27",
    "runtime_minutes": 186.5,
    "countries": ["Italy", "FR"],
    "credits": [{"name": "Luchino Visconti", "role": "director", "position": 1}],
    "external_ids": {"imdb": "tt0057091"},
}
ENTITY = entity(
    "Q1",
    {"en": "The Leopard", "it": "Il Gattopardo"},
    aliases={"en": ["Leopard, The"]},
    description="1963 film",
    P31=item("Q11424"),
    P577=moment("+1963-03-27T00:00:00Z"),
    P161=statement("P161", item("Q3"), P1545=text("2"), P453=item("Q4")),
    P2047=amount("+186", "Q7727"),
    P345=text("tt0057091"),
)
Writer = Callable[[Path, random.Random, int], list[Path]]


def _json_lines(record: dict[str, Any], name: str, opening: bytes = b"") -> Writer:
    def write(folder: Path, chance: random.Random, blobs: int) -> list[Path]:
        whole = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()
        path = folder / name
        with path.open("wb") as out:
            out.write(opening)
            for _ in range(blobs):
                blob = (
                    of_values(record, chance) if chance.random() < 0.6 else of_bytes(whole, chance)
                )
                out.write(blob + (b",\n" if opening else b"\n"))
        return [path]

    return write


def _rows(header: str, row: str, name: str) -> Writer:
    def write(folder: Path, chance: random.Random, blobs: int) -> list[Path]:
        path = folder / name
        with path.open("wb") as out:
            out.write(header.encode() + b"\n")
            for _ in range(blobs):
                out.write(of_bytes(row.encode(), chance) + b"\n")
        return [path]

    return write


def _database(folder: Path, chance: random.Random, blobs: int) -> list[Path]:
    names = ["ID", "imdbID", "Title", "Year", "Runtime", "Genre", "Released", "Cast", "Country"]
    path = folder / "movies.db"
    path.unlink(missing_ok=True)
    with sqlite3.connect(path) as con:
        con.execute(f"CREATE TABLE omdb ({', '.join(names)})")
        for _ in range(blobs):
            row: list[Any] = [372, "tt1", "Up", 2009, 90.0, "Drama", "2009-05-13", "Ann Lee", "US"]
            for _ in range(chance.randint(1, 3)):
                odd = chance.choice(ODD_VALUES)
                if isinstance(odd, int) and abs(odd) >= 1 << 63:
                    odd = 9e999
                if isinstance(odd, list | dict) or odd == "\ud800":
                    odd = of_bytes(b"Il Gattopardo", chance)
                row[chance.randrange(len(row))] = odd
            con.execute(f"INSERT INTO omdb VALUES ({', '.join('?' * len(row))})", row)
    con.close()
    damaged = folder / "damaged.db"
    damaged.write_bytes(of_bytes(path.read_bytes(), chance))
    return [path, damaged]


WRITERS: dict[str, Writer] = {
    "mine": _json_lines(CANONICAL, "a.jsonl"),
    "inferred": _json_lines(CANONICAL, "records.json", b"["),
    "wikidata": _json_lines(ENTITY, "dump.jsonl", b"[\n"),
    "wikidata_films": _database,
    "cannes_films": _rows(
        "year,title,original_title,director,languages,countries_of_origin,run_time,imdb_url",
        '1946,"Lovers, The",Amanti in fuga,Giacomo Gentilomo,it,IT,1h 30m,https://imdb.com/tt1/',
        "films.csv",
    ),
    "imdb": _rows(BASICS, FILM.replace("|", "\t"), "title.basics.tsv"),
    "tmdb": _json_lines(TMDB_FILM, "films.jsonl"),
    "movielens": _rows(
        "movieId,title,genres", '1,"Matrix, The (1999)",Action|Sci-Fi', "movies.csv"
    ),
}
"""Source to what writes files of so many mutated blobs in its format."""

JSON = ("mine", "inferred", "wikidata", "tmdb")
BETWEEN_BLOBS = b" \t\r\n[],\xef\xbb\xbf"


def test_no_adapter_is_left_out():
    assert set(WRITERS) == {*ADAPTERS, "mine"}


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"threads": 1})


@pytest.mark.parametrize("source", WRITERS)
def test_every_mutated_blob_is_read_or_quarantined(con, tmp_path, source, request):
    seed = int(os.environ.get("KG_TEST_SEED", "20261126"))
    print(f"{request.node.name}: KG_TEST_SEED={seed}")
    chance = random.Random(f"{seed} {source}")
    slowest = 0.0
    for _ in range(0, BLOBS, TOGETHER):
        files = WRITERS[source](tmp_path, chance, TOGETHER)
        started = time.process_time()
        batches = [
            batch
            for path in files
            for batch in read_blobs(path, name=path.name, cut=_cut_of(source, path.name))
        ]
        raw = pa.Table.from_batches(batches, RAW_BLOBS.schema)
        con.register("raw", raw)
        make_records(con, adapter_for(source), source, tmp_path)
        slowest = max(slowest, time.process_time() - started)
        _assert_each_is_accounted_for(con, source)
        if source in JSON:
            _assert_each_byte_is_in_a_blob(files[0], raw)
    print(f"{source}: at most {slowest:.1f} s of processor time for {TOGETHER} blobs")
    assert slowest < TOGETHER, "a blob may take a second"


def _cut_of(source: str, name: str) -> Any:
    found = adapter_for(source).input_of(name)
    return "suffix" if found is None else found.cut


def _assert_each_is_accounted_for(con: duckdb.DuckDBPyConnection, source: str) -> None:
    """Each blob is in one of: a record, quarantine, skipped, added to another's record."""
    quarantined_rows(con).create_view("quarantined", replace=True)
    added = "".join(
        f"""
        UNION ALL
        SELECT DISTINCT file, "table", position
        FROM parsed_{each.name}
        ANTI JOIN orphans USING (file, position)
        """
        for each in adapter_for(source).all_inputs
        if each.adds_to is not None
    )
    wrong = con.sql(
        f"""
        SELECT raw.file, raw.position, count(found.file)
        FROM raw
        LEFT JOIN (
            SELECT DISTINCT file, "table", position FROM contract_kept
            UNION ALL
            SELECT file, "table", position
            FROM (SELECT DISTINCT file, "table", position FROM quarantined)
            ANTI JOIN contract_kept USING (file, position)
            UNION ALL
            SELECT file, "table", position FROM skipped
            UNION ALL
            SELECT file, "table", position FROM recordless
            {added}
        ) AS found
          ON found.file = raw.file
         AND found."table" IS NOT DISTINCT FROM raw."table"
         AND found.position = raw.position
        GROUP BY ALL
        HAVING count(found.file) <> 1
        """
    ).fetchall()
    assert wrong == []
    reasons = con.sql("SELECT count(*) FROM quarantined WHERE coalesce(reason, '') = ''").fetchall()
    assert reasons == [(0,)]


def _assert_each_byte_is_in_a_blob(path: Path, raw: pa.Table) -> None:
    content = np.frombuffer(path.read_bytes(), np.uint8)
    covered = np.zeros(len(content), np.bool_)
    for position, size in zip(raw["position"].to_pylist(), raw["bytes"].to_pylist(), strict=True):
        assert not covered[position : position + size].any(), "a byte is in two blobs"
        covered[position : position + size] = True
    left = bytes(content[~covered])
    assert set(left) <= set(BETWEEN_BLOBS)
