"""Parsing raw blobs: each is a record or in quarantine, by itself, with a reason in plain words."""

from __future__ import annotations

import datetime
import json
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kg_assets.sources.blobs import read_blobs
from kg_assets.sources.parsing import parse_blobs
from kg_assets.sources.pieces import Piece, pieces_batch
from kg_assets.sources.record import RECORD_SCHEMA
from kg_assets.sources.tables import QUARANTINED_BLOBS, RAW_BLOBS

FIELDS = pa.schema([field for field in RECORD_SCHEMA if field.name != "source"])
Outcome = tuple[dict[int, dict[str, Any]], dict[int, tuple[str, str]]]


def parse(blobs: Sequence[bytes], fields: pa.Schema = FIELDS, *, size: int = 10**9) -> Outcome:
    """Parses blobs in batches of a size; returns records and (stage, reason), by position."""
    pieces = [Piece(position, blob) for position, blob in enumerate(blobs)]
    batches = [
        pieces_batch("f", pieces[start : start + size]) for start in range(0, len(pieces), size)
    ]
    records: dict[int, dict[str, Any]] = {}
    problems: dict[int, tuple[str, str]] = {}
    for batch, parsed in zip(batches, parse_blobs(batches, fields), strict=True):
        parsed.records.validate(full=True)
        parsed.problems.validate(full=True)
        assert parsed.problems.schema.equals(QUARANTINED_BLOBS.schema)
        assert batch.num_rows == parsed.records.num_rows + parsed.problems.num_rows
        digests = dict(zip(batch["position"].to_pylist(), batch["sha256"].to_pylist(), strict=True))
        for row in parsed.records.to_pylist():
            assert (row.pop("file"), row.pop("table")) == ("f", None)
            position = row.pop("position")
            assert row.pop("sha256") == digests.pop(position)
            records[position] = row
        for row in parsed.problems.to_pylist():
            assert row["sha256"] == digests.pop(row["position"])
            assert row["reason"]
            assert not any(unicodedata.category(c) == "Cc" for c in row["reason"] + row["head"])
            problems[row["position"]] = (row["stage"], row["reason"])
        assert not digests, "a blob is in neither"
    return records, problems


def one(blob: bytes, fields: pa.Schema = FIELDS) -> dict[str, Any]:
    records, problems = parse([blob], fields)
    assert not problems
    return {name: value for name, value in records[0].items() if value is not None}


GOOD = {
    "entity_type": "film",
    "source_id": "1",
    "name": "Mother – 마더",
    "alternate_names": ["Madeo", ""],
    "year": 2009,
    "date": "2009-05-28",
    "runtime_minutes": 128,
    "credits": [{"name": "Bong Joon-ho", "role": "director", "position": 1}, None, {}],
    "external_ids": {"imdb": "tt1216496", 'a,"b': "{"},
    "unknown": {"deep": [1, {"x": None}], "external_ids": 3},
}


def test_fields_come_typed_and_unknown_ones_are_ignored() -> None:
    for ascii_only in (True, False):
        found = one(json.dumps(GOOD, ensure_ascii=ascii_only).encode())
        assert found["date"] == datetime.date(2009, 5, 28)
        assert found["runtime_minutes"] == 128.0
        assert found["external_ids"] == sorted(GOOD["external_ids"].items())
        assert [c and c["name"] for c in found["credits"]] == ["Bong Joon-ho", None, None]
        assert "unknown" not in found and "season" not in found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"external_ids":{"imdb":"tt1"}}', [("imdb", "tt1")]),
        ('{"external_ids":{}}', []),
        ('{"external_ids":null}', None),
        ("{}", None),
        ('{"external_ids":{"b":"2","a":"1"}}', [("a", "1"), ("b", "2")]),
        ('{"external_ids":{"a":"1","b":null}}', [("a", "1")]),
        ('{"external_ids":{"}":"{","x":"1"}}', [("x", "1"), ("}", "{")]),
        ('{"external_ids":{"x":"a,",":y":"b"}}', [(":y", "b"), ("x", "a,")]),
        ('{"external_ids":{"\\u0041":"1"}}', [("A", "1")]),
        ('{"external_ids":{"\\"":"1"}}', [('"', "1")]),
        ('{"external\\u005fids":{"a":"1"},"z":{"external_ids":{"q":"1"}}}', [("a", "1")]),
        ('{"z":"\\"external_ids\\":{","external_ids" : {"a" : "1"}}', [("a", "1")]),
        ('{"z":{"external_ids":[1]},"external_ids":{"a":"1"}}', [("a", "1")]),
    ],
)
def test_a_map_holds_all_names_whatever_they_are(
    text: str, expected: list[tuple[str, str]] | None
) -> None:
    # Alone, and beside blobs that make the engine look for names in its other ways.
    others = [
        '{"external_ids":{"seen":"1"}}',
        '{"z":1}',
        '{"external_ids":{"\\\\":"1"}}',
        '{"z":1}',
    ]
    for others_first in range(len(others) + 1):
        blobs = [text.encode() for text in (*others[:others_first], text)]
        records, problems = parse(blobs)
        assert not problems
        assert records[others_first]["external_ids"] == expected


def test_a_map_may_have_more_names_than_a_table_has_columns() -> None:
    blobs = [
        json.dumps({"external_ids": {f"n{n}": "1", f"m{n}": "2"}}).encode() for n in range(1500)
    ]
    records, problems = parse(blobs)
    assert not problems
    assert all(records[n]["external_ids"] == [(f"m{n}", "2"), (f"n{n}", "1")] for n in range(1500))


@pytest.mark.parametrize(
    ("blob", "words"),
    [
        (b'{"name":"x"', "it ends too early, at column 12"),
        (b'{"name":"x",}', "column 1"),
        (b'{"name":x}', "column 9"),
        (b"not JSON at all", "column 1"),
        (b"<html>", "column 1"),
        (b"}{", "column 1"),
        (b'{"name":"a"}{"name":"b"}', "more than one JSON value"),
        (b'{"name":"a"} {"name":"b"}', "more than one JSON value"),
        (b'{"name":"a"}\n{"name":"b"}', "more than one JSON value"),
        (b'{"name":"a"} }', "more than one JSON value"),
        (b"null", "expected a JSON object, found null"),
        (b"[{}]", "expected a JSON object, found an array"),
        (b"7", "found the number 7"),
        (b"", "the blob is empty"),
        (b" \n", "the blob is empty"),
        (
            b'{"year":"19x4"}',
            "year: expected a whole number (int32, without point or exponent), found the text",
        ),
        (b'{"year":1994.5}', "found the number 1994.5"),
        (b'{"year":1994.0}', "found the number 1994.0"),
        (b'{"year":1e3}', "found the number 1000.0"),
        (b'{"year":99999999999}', "found the number 99999999999"),
        (b'{"year":' + b"9" * 5000 + b"}", "too long"),
        (b'{"year":true}', "found the truth value true"),
        (b'{"name":7}', "name: expected text, found the number 7"),
        (b'{"name":["x"]}', "name: expected text, found an array"),
        (b'{"credits":{}}', "credits: expected an array, found an object"),
        (b'{"credits":[{"position":1},{"position":"2"}]}', "credits[1].position: expected a whole"),
        (b'{"genres":["a",1]}', "genres[1]: expected text"),
        (b'{"external_ids":{"imdb":5}}', "external_ids.imdb: expected text, found the number 5"),
        (b'{"external_ids":["imdb"]}', "external_ids: expected an object"),
        (b'{"external_ids":{"a":"1","a":"2"}}', 'the field "a" stands twice'),
        (b'{"name":"a","name":"b"}', 'the field "name" stands twice'),
        (b'{"date":"2020-13-01"}', "date: expected a day as YYYY-MM-DD"),
        (b'{"date":"2023-02-29"}', "date: expected a day as YYYY-MM-DD"),
        (b'{"date":"1.2.2020"}', "date: expected a day as YYYY-MM-DD"),
        (b'{"date":""}', "date: expected a day as YYYY-MM-DD"),
        (b'{"date":18000}', "date: expected a day as text"),
        (b'{"runtime_minutes":NaN}', "NaN is no number"),
        (b'{"runtime_minutes":-Infinity}', "-Infinity is no number"),
        (b'{"runtime_minutes":1e999}', "too large"),
        (b'{"name":"\\ud800"}', "half a character"),
        (b'{"name":"\\udc00x"}', "half a character"),
        (b'{"name":"\\ud800\\u0041"}', "half a character"),
        (b'{"name":"a\x00b"}', "not JSON"),
        (b'{"name":"a\nb"}', "not JSON"),
        (b'{"name":"a"}\x00', "more than one JSON value"),
        (b'{"x":' + b"[" * 10_000 + b"}", "nested too deep"),
        (b'{"name":' + b"[" * 10_000 + b"]" * 10_000 + b"}", "nested too deep"),
        (b"[" * 10_000 + b"]" * 10_000, "nested too deep"),
    ],
)
def test_a_bad_blob_gets_a_reason_and_its_neighbours_are_kept(blob: bytes, words: str) -> None:
    good = json.dumps(GOOD).encode()
    for blobs in ([blob], [good, blob, good], [good] * 40 + [blob] * 3 + [good] * 9):
        records, problems = parse(blobs)
        bad = {place for place, given_blob in enumerate(blobs) if given_blob is blob}
        assert set(problems) == bad
        assert set(records) == set(range(len(blobs))) - bad
        for stage, reason in problems.values():
            assert stage == "parse"
            assert words in reason


def test_a_problem_that_came_with_the_blob_stays_its_problem() -> None:
    batch = pieces_batch(
        "f", [Piece(0, b"{}", "too odd"), Piece(5, b'{"name":"\xff"}'), Piece(9, b"{}")]
    )
    (parsed,) = parse_blobs([batch], FIELDS)
    assert parsed.records["position"].to_pylist() == [9]
    assert [(row["stage"], row["reason"][:9]) for row in parsed.problems.to_pylist()] == [
        ("blob", "too odd"),
        ("blob", "not UTF-8"),
    ]


def test_a_blob_may_hold_white_space_and_line_ends() -> None:
    blobs = [b'{\n  "name": "a",\r\n "year":\n1\n}', b' \t{"name":"b"}\r\n ', b'{"name":"c"}']
    records, problems = parse(blobs)
    assert not problems
    assert [records[place]["name"] for place in range(3)] == ["a", "b", "c"]


def test_an_ignored_field_may_be_nested_ten_thousand_deep() -> None:
    assert one(b'{"name":"a","x":' + b'[{"y":' * 10_000 + b"1" + b"}]" * 10_000 + b"}") == {
        "name": "a"
    }


def test_the_reason_does_not_tell_what_was_read_beside_the_blob() -> None:
    # Too deep for Python to say more of it, so the engine's own message stays.
    deep = b'{"x":' + b"[" * 3_000 + b"]" * 3_000 + b'}{"name":"b"}'
    reasons = {
        reason
        for blobs in ([deep], [b"{}", deep, b"{}"], [deep] * 9)
        for _, reason in parse(blobs)[1].values()
    }
    assert len(reasons) == 1


def test_days_and_numbers_are_checked_below_the_top_level() -> None:
    fields = pa.schema(
        [
            ("releases", pa.list_(pa.struct([("day", pa.date32()), ("score", pa.float64())]))),
            ("about", pa.struct([("born", pa.date32()), ("count", pa.int64())])),
        ]
    )
    records, problems = parse(
        [
            b'{"releases":[{"day":"2001-02-03","score":1},{"day":null}],"about":{"born":"1999-01-01"}}',
            b'{"releases":[{"day":"2001-02-33"}]}',
            b'{"about":{"born":"x"}}',
            b'{"releases":[{"score":NaN}]}',
            b'{"about":{"count":9223372036854775807}}',
            b'{"about":{"count":9223372036854775808}}',
        ],
        fields,
    )
    assert set(problems) == {1, 2, 3, 5}
    assert "releases[0].day" in problems[1][1]
    assert records[0]["releases"][0] == {"day": datetime.date(2001, 2, 3), "score": 1.0}
    assert records[4]["about"]["count"] == 2**63 - 1


@pytest.mark.parametrize("share", [2, 3, 50])
def test_many_bad_lines_among_many_good_ones(share: int) -> None:
    bad = [
        b'{"year":"x"}',
        b'{"year":1.5}',
        b'{"name":"a"}{"name":"b"}',
        b'{"name":',
        b'{"date":"x"}',
    ]
    blobs = [
        bad[n // share % len(bad)] if n % share == 0 else json.dumps({**GOOD, "year": n}).encode()
        for n in range(3000)
    ]
    records, problems = parse(blobs, size=1000)
    assert set(problems) == set(range(0, 3000, share))
    assert all(record["year"] == n for n, record in records.items())


@pytest.mark.parametrize("share", [1, 2, 70])
def test_braces_inside_a_text_are_no_two_objects(share: int) -> None:
    braces = b'{"name":"}{"}'
    blobs = [braces if n % share == 0 else json.dumps(GOOD).encode() for n in range(200)]
    blobs[150] = b'{"name":"a"}{"name":"b"}'
    blobs[170] = b'{"name":"}{","year":"x"}'
    records, problems = parse(blobs)
    assert set(problems) == {150, 170}
    assert all((records[n]["name"] == "}{") == (blobs[n] == braces) for n in records)


@pytest.mark.parametrize(
    "bad", [b'{"name":"\\ud800"}', b'{"year":1.5}', b'{"year":99999999999}', b'{"name":7}']
)
def test_a_lost_line_end_does_not_hide_which_other_line_is_bad(bad: bytes) -> None:
    blobs = [json.dumps({**GOOD, "year": n}).encode() for n in range(400)]
    blobs[100] += blobs[100]
    blobs[200] += b" " + blobs[200]
    blobs[300] = bad
    records, problems = parse(blobs)
    assert set(problems) == {100, 200, 300}
    assert all(record["year"] == n for n, record in records.items())


MUTATIONS = [
    "flip",
    "cut",
    "join",
    "split",
    "nest",
    "text for number",
    "NaN",
    "overflow",
    "fraction",
    "duplicate",
    "not UTF-8",
    "surrogate",
    "NUL",
    "control",
    "brace",
    "none",
]


@st.composite
def mutated(draw: st.DrawFn) -> list[bytes]:
    record = {**GOOD, "name": draw(st.text(max_size=5)), "year": draw(st.integers(-5, 9999))}
    line = json.dumps(record, ensure_ascii=draw(st.booleans())).encode("utf-8", "replace")
    place = draw(st.integers(0, len(line) - 1))
    match draw(st.sampled_from(MUTATIONS)):
        case "flip":
            flipped = bytearray(line)
            flipped[place] ^= 1 << draw(st.integers(0, 7))
            return [bytes(flipped)]
        case "cut":
            return [line[:place]]
        case "join":
            return [line + draw(st.sampled_from([b"", b" ", b",", b"\n"])) + line]
        case "split":
            return [line[:place], line[place:]]
        case "nest":
            return [
                b'{"name":' + b"[" * 10_000 + draw(st.sampled_from([b"", b"]" * 10_000])) + b"}"
            ]
        case "text for number":
            return [json.dumps({**record, "year": "1994"}).encode()]
        case "NaN":
            return [b'{"runtime_minutes":NaN}', b'{"other":NaN}']
        case "overflow":
            return [json.dumps({**record, "year": 2**40}).encode()]
        case "fraction":
            return [json.dumps({**record, "year": 1.5}).encode()]
        case "duplicate":
            return [b'{"name":"a","name":"b"}', b'{"z":1,"z":2}']
        case "not UTF-8":
            return [line[:place] + b"\xff" + line[place:]]
        case "surrogate":
            return [b'{"name":"\\ud800"}', b'{"other":"\\ud800"}', b'{"name":"\\ud83d\\ude00"}']
        case "NUL":
            return [line[:place] + b"\0" + line[place:]]
        case "control":
            return [line[:place] + b"\x07" + line[place:]]
        case "brace":
            return [
                line[:place] + draw(st.sampled_from([b"{", b"}", b"}{", b"}\n{"])) + line[place:]
            ]
        case _:
            return [line]


@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    st.lists(mutated(), min_size=1, max_size=8).map(
        lambda groups: [blob for group in groups for blob in group]
    )
)
@example([b'{"name":"a"}{"name":"b"}', b'{"name":', b'"c"}'])
def test_no_blob_is_lost_and_each_is_judged_by_itself(blobs: list[bytes]) -> None:
    together, refused = parse(blobs)
    assert set(together) | set(refused) == set(range(len(blobs)))
    assert not set(together) & set(refused)
    alone, refused_alone = parse(blobs, size=1)
    assert (together, refused) == (alone, refused_alone)
    for place, blob in enumerate(blobs):
        assert parse([blob])[0] == ({0: together[place]} if place in together else {})


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.binary(max_size=60) | st.text('{}[]",:\\ \n1a', max_size=20).map(str.encode), max_size=6
    )
)
def test_no_bytes_make_parsing_fail(blobs: list[bytes]) -> None:
    records, problems = parse(blobs)
    assert len(records) + len(problems) == len(blobs)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.builds(
            lambda name, year, ids: {"name": name, "year": year, "external_ids": ids},
            st.none() | st.text(max_size=8),
            st.none() | st.integers(-(2**31), 2**31 - 1),
            st.none() | st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=3),
        ),
        min_size=1,
        max_size=10,
    ),
    st.booleans(),
)
def test_what_is_written_is_read(records: list[dict[str, Any]], ascii_only: bool) -> None:
    blobs = [json.dumps(record, ensure_ascii=ascii_only).encode() for record in records]
    found, problems = parse(blobs)
    assert not problems
    for place, record in enumerate(records):
        assert (found[place]["name"], found[place]["year"]) == (record["name"], record["year"])
        ids = record["external_ids"]
        assert found[place]["external_ids"] == (None if ids is None else sorted(ids.items()))


def test_slices_and_empty_batches_are_parsed_like_others() -> None:
    batch = pieces_batch("f", [Piece(n, json.dumps({"year": n}).encode()) for n in range(9)])
    batches = [batch.slice(3, 4), batch.slice(0, 0), batch.slice(8)]
    found = [parsed.records["year"].to_pylist() for parsed in parse_blobs(batches, FIELDS)]
    assert found == [[3, 4, 5, 6], [], [8]]


def test_a_consumer_may_stop_early() -> None:
    batch = pieces_batch("f", [Piece(0, b"{}")])
    parsed = parse_blobs((batch for _ in range(10**9)), FIELDS)
    assert next(parsed).records.num_rows == 1
    parsed.close()


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        (pa.schema([("position", pa.int64())]), ValueError),
        (pa.schema([("m", pa.map_(pa.string(), pa.int64()))]), TypeError),
        (pa.schema([("m", pa.list_(pa.map_(pa.string(), pa.string())))]), TypeError),
    ],
)
def test_fields_that_cannot_be_read_are_refused(fields: pa.Schema, error: type[Exception]) -> None:
    with pytest.raises(error):
        list(parse_blobs([], fields))


def test_another_schema_is_refused() -> None:
    batch = pa.RecordBatch.from_pydict({"a": [1]})
    with pytest.raises(ValueError, match="raw_blobs"):
        list(parse_blobs([batch], FIELDS))


def test_from_file_to_records(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"name":"a"}\n{"name":7}\n\xff\n{"name":"d"}')
    batches = list(read_blobs(path, name="x.jsonl"))
    assert batches[0].schema.equals(RAW_BLOBS.schema)
    parsed = list(parse_blobs(batches, FIELDS))
    records = pa.Table.from_batches([each.records for each in parsed])
    problems = pa.Table.from_batches([each.problems for each in parsed])
    assert records.select(["position", "name"]).to_pydict() == {
        "position": [0, 26],
        "name": ["a", "d"],
    }
    assert problems["position"].to_pylist() == [13, 24]
