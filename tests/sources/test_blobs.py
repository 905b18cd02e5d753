"""Reading delivered files as raw blobs: what is kept, where it stood, and what is wrong with it."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import json
import os
import sqlite3
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from kg_assets.sources.blobs import read_blobs
from kg_assets.sources.tables import RAW_BLOBS

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "": lambda data: data,
    ".gz": gzip.compress,
    ".bz2": lambda data: bz2.compress(data, 1),
    ".zst": zstandard.ZstdCompressor(write_checksum=True).compress,
}


def rows(path: Path, data: bytes | None = None, **options: Any) -> list[dict[str, Any]]:
    if data is not None:
        path.write_bytes(data)
    batches = list(read_blobs(path, name=path.name, **options))
    for batch in batches:
        assert batch.schema.equals(RAW_BLOBS.schema)
        batch.validate(full=True)
    found = pa.Table.from_batches(batches, RAW_BLOBS.schema).to_pylist()
    places = [(row["table"], row["position"]) for row in found]
    assert len(set(places)) == len(places), "a position is given twice"
    for row in found:
        if row["bytes"] == len(row["blob"]):
            assert row["sha256"] == hashlib.sha256(row["blob"]).hexdigest()
    return found


def summary(found: list[dict[str, Any]]) -> list[tuple[int, bytes, bool]]:
    return [(row["position"], row["blob"], row["problem"] is not None) for row in found]


@pytest.mark.parametrize("packing", COMPRESS)
@pytest.mark.parametrize("suffix", [".jsonl", ".ndjson"])
def test_a_line_is_a_blob_at_its_byte_offset(tmp_path: Path, suffix: str, packing: str) -> None:
    text = '{"a":"é"}\n\n{"b":2}\r\n  \n{"c":3}'.encode()
    found = rows(tmp_path / f"x{suffix}{packing}", COMPRESS[packing](text))
    assert summary(found) == [
        (0, '{"a":"é"}'.encode(), False),
        (12, b'{"b":2}', False),
        (24, b'{"c":3}', False),
    ]


@pytest.mark.parametrize(
    ("name", "text", "first"),
    [("x.jsonl", b'{"a":1}\n', 3), ("x.json", b'[{"a":1}]', 4), ("x.csv", b"a\n1\n", 5)],
)
def test_a_byte_order_mark_is_no_part_of_a_blob_but_counts(
    tmp_path: Path, name: str, text: bytes, first: int
) -> None:
    assert [row["position"] for row in rows(tmp_path / name, b"\xef\xbb\xbf" + text)] == [first]


@settings(max_examples=60, deadline=None)
@given(
    lines=st.lists(st.binary(max_size=40).map(lambda b: b.replace(b"\n", b"").strip(b" \t\r"))),
    batch_bytes=st.integers(1, 60),
    ends_with_feed=st.booleans(),
)
def test_positions_lead_back_to_the_bytes(
    tmp_path_factory: pytest.TempPathFactory,
    lines: list[bytes],
    batch_bytes: int,
    ends_with_feed: bool,
) -> None:
    data = b"\n".join(lines) + b"\n" * ends_with_feed
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or data[:3] == b"\xef\xbb\xbf":
        return
    if next(filter(None, lines), b"").strip(b" \t\r") == b"[":
        return  # what an array has beside its elements is no part of them
    found = rows(tmp_path_factory.mktemp("d") / "x.jsonl", data, batch_bytes=batch_bytes)
    if any(lines):
        assert [row["blob"] for row in found] == [line for line in lines if line]
        for row in found:
            assert data[row["position"] :].startswith(row["blob"])
    else:
        assert len(found) == 1 and found[0]["problem"]


def test_what_is_not_utf8_is_kept_with_the_place_of_the_fault(tmp_path: Path) -> None:
    found = rows(tmp_path / "x.jsonl", b'{"a":1}\n{"b":"\xff"}\n{"c":3}\n')
    assert summary(found) == [
        (0, b'{"a":1}', False),
        (8, b'{"b":"\xff"}', True),
        (18, b'{"c":3}', False),
    ]
    assert "not UTF-8: byte 0xff at byte 7" in found[1]["problem"]


@pytest.mark.parametrize("position", ["first", "last", "middle"])
@pytest.mark.parametrize("limit", [20, 1000])
def test_a_line_that_is_too_long_is_told_by_length_and_digest(
    tmp_path: Path, position: str, limit: int
) -> None:
    long = b'{"x":"' + b"y" * 10_000 + b'"}'
    short = [b'{"a":1}', b'{"b":2}']
    place = {"first": 0, "middle": 1, "last": 2}[position]
    lines = [*short[:place], long, *short[place:]]
    found = rows(tmp_path / "x.jsonl", b"\n".join(lines), max_blob_bytes=limit)
    assert [row["problem"] is not None for row in found] == [line is long for line in lines]
    told = found[place]
    assert (told["bytes"], told["sha256"]) == (len(long), hashlib.sha256(long).hexdigest())
    assert told["blob"] == long[:4096]
    assert found[-1]["position"] == sum(len(line) + 1 for line in lines[:-1])


def test_a_long_line_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"a":1}\n' + b"x" * 50_000_000 + b'\n{"b":2}\n')
    tracemalloc.start()
    before = pa.total_allocated_bytes()
    found = rows(path, max_blob_bytes=1 << 20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [row["bytes"] for row in found] == [7, 50_000_000, 7]
    assert peak < 12 << 20
    assert pa.total_allocated_bytes() - before < 1 << 20


@pytest.mark.parametrize("packing", [".gz", ".bz2", ".zst"])
@pytest.mark.parametrize("cut", [0.3, 0.6, 0.95])
def test_of_a_truncated_file_everything_before_the_cut_is_kept(
    tmp_path: Path, packing: str, cut: float
) -> None:
    lines = [json.dumps({"n": os.urandom(40).hex()}).encode() for _ in range(30_000)]
    packed = COMPRESS[packing](b"\n".join(lines))
    found = rows(tmp_path / f"x.jsonl{packing}", packed[: int(len(packed) * cut)])
    *whole, last = found
    assert "in the middle of its" in last["problem"]
    assert [row["problem"] for row in whole] == [None] * len(whole)
    assert [row["blob"] for row in whole] == lines[: len(whole)]
    assert lines[len(whole)].startswith(last["blob"])
    assert len(whole) > 0.1 * len(lines) * cut


@pytest.mark.parametrize("packing", [".gz", ".bz2", ".zst"])
def test_damage_inside_the_compression_is_told_once(tmp_path: Path, packing: str) -> None:
    lines = b"\n".join(json.dumps({"n": os.urandom(40).hex()}).encode() for _ in range(9_000))
    packed = bytearray(COMPRESS[packing](lines))
    packed[len(packed) // 2 : len(packed) // 2 + 50] = b"\0" * 50
    found = rows(tmp_path / f"x.jsonl{packing}", bytes(packed))
    assert any("damaged" in (row["problem"] or "") for row in found)
    # Bytes that decompress to something else are lines that parsing refuses, or not UTF-8.
    assert sum("compression" in (row["problem"] or "") for row in found) == 1


@pytest.mark.parametrize("packing", [".gz", ".bz2", ".zst"])
def test_a_file_of_several_members_is_read_to_its_end(tmp_path: Path, packing: str) -> None:
    pack = COMPRESS[packing]
    found = rows(tmp_path / f"x.jsonl{packing}", pack(b'{"a":1}\n{"b"') + pack(b":2}\n"))
    assert [row["blob"] for row in found] == [b'{"a":1}', b'{"b":2}']


@pytest.mark.parametrize("packing", [".gz", ".bz2", ".zst"])
def test_a_compression_bomb_is_given_up_in_bounded_memory(tmp_path: Path, packing: str) -> None:
    path = tmp_path / f"x.jsonl{packing}"
    path.write_bytes(COMPRESS[packing](b"\0" * (100 << 20)))
    tracemalloc.start()
    found = rows(path, ratio_free_bytes=1 << 20, max_ratio=100, max_blob_bytes=1 << 20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "compression bomb" in found[-1]["problem"] or len(found[-1]["blob"]) == 4096
    assert sum("compression bomb" in (row["problem"] or "") for row in found) == 1
    assert peak < 80 << 20


def test_a_file_larger_than_the_limit_is_read_up_to_it(tmp_path: Path) -> None:
    found = rows(tmp_path / "x.jsonl", b'{"a":1}\n' * 1_000_000, max_file_bytes=3 << 20)
    assert "max_file_bytes" in found[-1]["problem"]
    assert len(found) > 200_000


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("x.jsonl", b"", "is empty"),
        ("x.json", b"", "is empty"),
        ("x.csv", b"", "is empty"),
        ("x.db", b"", "is empty"),
        ("x.jsonl.gz", gzip.compress(b"", mtime=0), "is empty"),
        ("x.db.gz", gzip.compress(b"", mtime=0), "is empty"),
        ("x.jsonl", b"\n \n", "white space"),
        ("x.json", b" \n", "white space"),
        ("x.jsonl", '{"a":1}'.encode("utf-16"), "UTF-16"),
        ("x.jsonl.gz", b"no gzip", "damaged"),
        ("x.jsonl.zst", b"no zstandard", "damaged"),
        ("x.xml", b"<a/>", "format is not known"),
        ("noname", b"a", "format is not known"),
        ("x.gz", b"a", "format is not known"),
        ("x.db", b"SQLite format 3\0" + b"junk" * 999, "SQLite"),
        ("x.sqlite", b"not a database", "SQLite"),
    ],
)
def test_a_file_without_blobs_is_one_row_that_says_why(
    tmp_path: Path, name: str, data: bytes, words: str
) -> None:
    found = rows(tmp_path / name, data)
    assert summary(found) == [(0, b"", True)]
    assert words in found[0]["problem"]


@pytest.mark.parametrize("kind", ["link", "folder", "pipe", "missing"])
def test_only_a_regular_file_is_opened(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x.jsonl"
    if kind == "link":
        (tmp_path / "secret").write_text('{"password":1}\n')
        path.symlink_to(tmp_path / "secret")
    elif kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    found = rows(path)
    assert summary(found) == [(0, b"", True)]


@pytest.mark.parametrize("what", ["vanishes", "grows", "is replaced"])
def test_a_file_that_changes_while_it_is_read_is_told(tmp_path: Path, what: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"a":1}\n' * 300_000)
    batches = read_blobs(path, name="x.jsonl", batch_bytes=1 << 16)
    found = [next(batches)]
    if what == "vanishes":
        path.unlink()
    elif what == "grows":
        with path.open("ab") as file:
            file.write(b'{"b":2}\n')
    else:
        (tmp_path / "new").write_bytes(b'{"c":3}\n')
        (tmp_path / "new").replace(path)
    found += batches
    problems = [row for batch in found for row in batch.to_pylist() if row["problem"]]
    assert [row["bytes"] for row in problems] == [0]
    assert "while it was read" in problems[0]["problem"]
    assert sum(batch.num_rows for batch in found) >= 300_001


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b'{\n "a": 1\n}\n', [(0, b'{\n "a": 1\n}', False)]),
        (b"[]", []),
        (b' [ {"a":"],[\\"{\\\\"} , 2 ]', [(3, b'{"a":"],[\\"{\\\\"}', False), (22, b"2", False)]),
        (b'[{"a":[1,{"b":2}]},\n{}]', [(1, b'{"a":[1,{"b":2}]}', False), (20, b"{}", False)]),
        (b'[{"a":1},]', [(1, b'{"a":1}', False), (9, b"", True)]),
        (b'[{"a":1},{"b"', [(1, b'{"a":1}', False), (9, b'{"b"', True)]),
        (b'[{"a":1}] {"b":2}', [(1, b'{"a":1}', False), (10, b'{"b":2}', True)]),
        (b'[{"a":1}}', [(1, b'{"a":1}', False), (8, b"}", True)]),
        (b'[{"a":nope},{"b":2}]', [(1, b'{"a":nope}', False), (12, b'{"b":2}', False)]),
        (b"[" * 10_000, [(1, b"[" * 9_999, True)]),
    ],
)
def test_a_document_is_cut_into_the_elements_of_its_array(
    tmp_path: Path, text: bytes, expected: list[tuple[int, bytes, bool]]
) -> None:
    assert summary(rows(tmp_path / "x.json", text)) == expected


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=80, deadline=None)
@given(st.lists(json_values, max_size=8), st.sampled_from([None, 1]), st.booleans())
def test_cutting_an_array_agrees_with_parsing_it(
    tmp_path_factory: pytest.TempPathFactory,
    values: list[Any],
    indent: int | None,
    ascii_only: bool,
) -> None:
    text = json.dumps(values, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "replace")
    found = rows(tmp_path_factory.mktemp("d") / "x.json", text)
    assert [json.loads(row["blob"]) for row in found] == values
    assert all(text[row["position"] :].startswith(row["blob"]) for row in found)


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_an_array_is_cut_alike_however_it_arrives(size: int) -> None:
    from kg_assets.sources.documents import document_pieces
    from kg_assets.sources.framing import Reader
    from kg_assets.sources.opening import Limits

    text = b'\xef\xbb\xbf [{"a":"\\\\\\"]"} ,\n["}"], "\\\\", {"b":{}}] '
    parts = [text[start : start + size] for start in range(0, len(text), size)]
    pieces = list(document_pieces(Reader(parts), Limits()))
    assert [piece.blob for piece in pieces] == [
        b'{"a":"\\\\\\"]"}',
        b'["}"]',
        b'"\\\\"',
        b'{"b":{}}',
    ]
    assert all(text[piece.position :].startswith(piece.blob) for piece in pieces)


def test_rows_of_a_table_are_objects_of_verbatim_text(tmp_path: Path) -> None:
    text = b'name,year\r\n"Up, ""again""\nand again",2009\r\n,007\r\n\r\nIt,\r\n'
    found = rows(tmp_path / "x.csv", text)
    assert [(row["position"], json.loads(row["blob"])) for row in found] == [
        (11, {"name": 'Up, "again"\nand again', "year": "2009"}),
        (text.index(b",007"), {"name": None, "year": "007"}),
        (text.index(b"It,"), {"name": "It", "year": None}),
    ]


@pytest.mark.parametrize(
    ("name", "text", "words", "kept"),
    [
        ("x.csv", b"a,b\n1\n2,3\n", "1 cells", 1),
        ("x.tsv", b"a\tb\n1\t2\t3\n2\t3\n", "3 cells", 1),
        ("x.csv", b'a,b\n"1,2\n3,4\n5,6\n', "never closed", 2),
        ("x.csv", b"a,a\n1,2\n", "two columns", 0),
        ("x.csv", b"a,b\n\xff,1\n2,3\n", "not UTF-8", 1),
        ("x.csv", b'a,b\n"1"x,1\n2,3\n', "not well quoted", 1),
    ],
)
def test_a_row_that_does_not_fit_its_header_is_kept_as_it_is(
    tmp_path: Path, name: str, text: bytes, words: str, kept: int
) -> None:
    found = rows(tmp_path / name, text)
    assert any(words in (row["problem"] or "") for row in found)
    assert sum(row["problem"] is None for row in found) == kept


@pytest.mark.parametrize("packing", COMPRESS)
def test_each_row_of_each_table_of_a_database_is_a_blob(tmp_path: Path, packing: str) -> None:
    plain = tmp_path / "plain"
    with sqlite3.connect(plain) as con:
        con.execute('CREATE TABLE "a ""b""; DROP" (x, "y z")')
        con.execute(
            'INSERT INTO "a ""b""; DROP" VALUES (1, \'é\'), (NULL, X\'FF00\'), (0.5, 9e999)'
        )
        con.execute("CREATE TABLE keyed (k TEXT PRIMARY KEY) WITHOUT ROWID")
        con.execute("INSERT INTO keyed VALUES ('p'), ('q')")
        con.execute("CREATE VIEW seen AS SELECT 1")
        con.execute("CREATE TABLE text (t)")
        con.execute("INSERT INTO text VALUES (CAST(X'41FF' AS TEXT))")
    con.close()
    found = rows(tmp_path / f"x.db{packing}", COMPRESS[packing](plain.read_bytes()))
    assert [(row["table"], row["position"], row["blob"]) for row in found] == [
        ('a "b"; DROP', 1, '{"x":1,"y z":"é"}'.encode()),
        ('a "b"; DROP', 2, b'{"x":null,"y z":"/wA="}'),
        ('a "b"; DROP', 3, b'{"x":0.5,"y z":"inf"}'),
        ("keyed", 1, b'{"k":"p"}'),
        ("keyed", 2, b'{"k":"q"}'),
        ("text", 1, b'{"t":"A\xff"}'),
    ]
    assert [row["problem"] is not None for row in found] == [False] * 5 + [True]


def test_a_value_that_is_too_large_costs_its_row_only(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with sqlite3.connect(path) as con:
        con.execute("CREATE TABLE t (v)")
        values = ["a", "x" * 3_000_000, "b", "y" * 3_000_000, "c"]
        con.executemany("INSERT INTO t VALUES (?)", [(value,) for value in values])
    con.close()
    found = rows(path, max_blob_bytes=1 << 20)
    assert [row["position"] for row in found] == [1, 2, 3, 4, 5]
    assert [row["problem"] is not None for row in found] == [False, True, False, True, False]


def test_a_truncated_database_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with sqlite3.connect(path) as con:
        con.execute("CREATE TABLE t (v)")
        con.executemany("INSERT INTO t VALUES (?)", [(str(n) * 50,) for n in range(5000)])
    con.close()
    found = rows(path, path.read_bytes()[:40_000])
    assert found[-1]["problem"] is not None


def test_changes_that_are_not_in_the_database_yet_are_told(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    con = sqlite3.connect(path)
    con.execute("PRAGMA journal_mode = WAL")
    con.execute("CREATE TABLE t (v)")
    con.commit()
    found = rows(path)
    con.close()
    assert "x.db-wal" in found[0]["problem"]


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(
        ["x.json", "x.jsonl", "x.csv", "x.tsv", "x.db", "x.jsonl.gz", "x.json.bz2", "x.csv.zst"]
    ),
    st.binary(max_size=200) | st.text(alphabet='[]{}",\\\n\r:a1 ', max_size=60).map(str.encode),
)
def test_no_bytes_make_reading_fail(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: bytes
) -> None:
    for row in rows(tmp_path_factory.mktemp("d") / name, data):
        assert row["file"] == name


def test_a_limit_that_makes_no_sense_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="max_blob_bytes"):
        rows(tmp_path / "x.jsonl", b"{}", max_blob_bytes=0)
