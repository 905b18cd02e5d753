"""The compiled reader: whatever it is given, it and the engine alone give the same."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kg_assets.sources.compiled.reader import CompiledReader
from kg_assets.sources.parsing import parse_blobs
from kg_assets.sources.pieces import Piece, pieces_batch

NEVER = 1 << 60
STRUCT = pa.struct(
    {"t": pa.string(), "i": pa.int32(), "r": pa.float64(), "a name of many letters": pa.string()}
)
FIELDS = pa.schema(
    {
        "t": pa.string(),
        "b": pa.bool_(),
        "d": pa.date32(),
        "i8": pa.int8(),
        "i16": pa.int16(),
        "i": pa.int32(),
        "w": pa.int64(),
        "u8": pa.uint8(),
        "u": pa.uint64(),
        "r": pa.float64(),
        "m": pa.map_(pa.string(), pa.string()),
        "s": STRUCT,
        "texts": pa.list_(pa.string()),
        "days": pa.list_(pa.date32()),
        "grid": pa.list_(pa.list_(pa.int64())),
        "structs": pa.list_(pa.struct({"s": STRUCT, "parts": pa.list_(STRUCT)})),
    }
)
EMPTIES = ("s", "m", "texts")


def outcome(
    blobs: Sequence[bytes], fields: pa.Schema, compiled_from: int, size: int = 10**9
) -> tuple[list[Any], list[Any]]:
    """Parses blobs in batches of a size; returns records and problems."""
    pieces = [Piece(position, blob) for position, blob in enumerate(blobs)]
    batches = [
        pieces_batch("f", pieces[start : start + size]) for start in range(0, len(pieces), size)
    ]
    records: list[Any] = []
    problems: list[Any] = []
    for parsed in parse_blobs(batches, fields, empties=EMPTIES, compiled_from=compiled_from):
        parsed.records.validate(full=True)
        records += parsed.records.to_pylist()
        problems += parsed.problems.to_pylist()
    return records, problems


def same(blobs: Sequence[bytes], fields: pa.Schema = FIELDS, size: int = 10**9) -> list[Any]:
    """Asserts that both readers give the same; returns the records."""
    compiled = outcome(blobs, fields, 0, size)
    # As text: else 0.0 and -0.0, and 1 and True, would be the same.
    assert repr(compiled) == repr(outcome(blobs, fields, NEVER, size))
    return compiled[0]


def taken(blob: bytes, fields: pa.Schema = FIELDS) -> bool:
    """Whether the compiled reader itself reads a blob."""
    found = CompiledReader(fields, EMPTIES).read(pa.array([blob], pa.binary()))[1]
    return bool(found[0])


NAMES = st.sampled_from([*FIELDS.names, "x", "parts", "a name of many letters", "a name of", ""])
TEXTS = st.one_of(
    st.text(max_size=12),
    st.text(alphabet='"\\/\n\t\x01é東🎬\ud800\udc00 ', max_size=6),
    st.text(alphabet="ab é", min_size=28, max_size=70),
    st.dates().map(str),
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-300, 300),
    st.integers(-(2**66), 2**66),
    st.sampled_from([2**k + d for k in (7, 8, 15, 31, 53, 63, 64) for d in (-1, 0, 1)]),
    st.floats(),
    st.decimals(-1000, 1000, places=3).map(float),
    TEXTS,
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.one_of(NAMES, TEXTS), inner, max_size=4)
    ),
    max_leaves=12,
)


def fitting(kind: pa.DataType) -> st.SearchStrategy[Any]:
    """Values of a type, and sometimes others."""
    if pa.types.is_struct(kind):
        value: st.SearchStrategy[Any] = st.fixed_dictionaries(
            {}, optional={field.name: fitting(field.type) for field in kind} | {"x": SCALARS}
        )
    elif pa.types.is_list(kind):
        value = st.lists(fitting(kind.value_type), max_size=4)
    elif pa.types.is_map(kind):
        value = st.dictionaries(TEXTS, st.one_of(TEXTS, st.none()), max_size=5)
    elif pa.types.is_string(kind):
        value = TEXTS
    elif pa.types.is_date(kind):
        value = st.dates().map(str)
    elif pa.types.is_boolean(kind):
        value = st.booleans()
    elif pa.types.is_integer(kind):
        value = st.integers(0, 127)
    else:
        value = st.one_of(st.floats(allow_nan=False), st.integers(-9, 9))
    return st.integers(0, 40).flatmap(
        lambda chance: VALUES if chance == 0 else st.none() if chance == 1 else value
    )


RECORDS = st.one_of(
    fitting(pa.struct(list(FIELDS))), st.dictionaries(NAMES, VALUES, max_size=5), VALUES
)


MARKS = [b"", b"null", *(bytes([code]) for code in b'"{}[],:\\-0.e \n')]
STYLES: list[dict[str, Any]] = [
    {"ensure_ascii": True},
    {"ensure_ascii": False, "separators": (",", ":")},
    {"ensure_ascii": True, "indent": 1},
    {"ensure_ascii": False},
]


@st.composite
def written(draw: st.DrawFn) -> bytes:
    """A record as JSON in some style, perhaps with a fault."""
    record = draw(RECORDS)
    style = draw(st.sampled_from(STYLES))
    blob = json.dumps(record, **style).encode("utf-8", "surrogatepass")
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        at = draw(st.integers(0, len(blob)))
        end = draw(st.sampled_from([at, at + 1, at + 5]))
        insert = draw(
            st.one_of(
                st.sampled_from([*MARKS, b'"t":"q",', b"\\u0041", b"\\ud83c\\udfac", b"\\ud83c"]),
                st.binary(max_size=2),
            )
        )
        blob = blob[:at] + insert + blob[end:]
    return blob


@given(st.lists(written(), max_size=8), st.integers(1, 8))
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_all_json_whole_or_broken_is_read_as_by_the_engine(blobs: list[bytes], size: int) -> None:
    same(blobs, size=size)


@pytest.mark.parametrize(
    "text",
    [
        '{"t":"a\\"b\\\\c\\/d\\b\\f\\n\\r\\t\\u00e9\\u6771\\ud83c\\udfac"}',
        '{ "t" :\t"x" , "i" : 1 }',
        '{"t":"' + "long " * 30 + '\\n","i":1}',
        '{"x":[{"y":[1,-2.5e-3,true,null,"\\u0041"]},[]],"t":"é"}',
        '{"r":0.1234567890123456789,"s":{"r":1e-7}}',
        '{"r":-0.0,"w":-999999999999999999,"u8":255,"i8":-128}',
        '{"m":{"b":"2","a":null,"c":"\\n"},"d":"2000-02-29"}',
        '{"m":[],"s":[]}',
        '{"structs":[{"s":{"t":"a"},"parts":[{"i":1},null,{}]},null,{"parts":[]}]}',
        '{"grid":[[1,2],[],null,[null]],"days":["1999-12-31",null]}',
        '{"a name of many letters":1,"s":{"a name of many letters":"x"}}',
        "{}",
    ],
)
def test_what_is_usual_is_read_by_the_compiled_reader(text: str) -> None:
    assert taken(text.encode())
    assert len(same([text.encode()])) == 1


@pytest.mark.parametrize(
    "text",
    [
        '{"t":"a","t":"b"}',
        '{"t":"a","t":null}',
        '{"t":null,"t":null}',
        '{"s":{"i":1,"i":2}}',
        '{"m":{"a":"1","a":null}}',
        '{"\\u0074":"a"}',
        '{"x":"\\ud800"}',
        '{"t":"\\u0000"}',
        '{"i":2147483648}',
        '{"i":-2147483649}',
        '{"u8":-1}',
        '{"u8":256}',
        '{"i":01}',
        '{"i":-0}',
        '{"i":1.0}',
        '{"w":9223372036854775807}',
        '{"u":18446744073709551615}',
        '{"r":1e999}',
        '{"r":.5}',
        '{"r":1.}',
        '{"x":1e999}',
        '{"x":-}',
        '{"x":01}',
        '{"x":[1,]}',
        '{"x":{"a":1,}}',
        '{"x":{"a" 1}}',
        '{"x":[1}',
        '{"x":tru}',
        '{"x":"\\x"}',
        '{"x":"a\tb"}',
        '{"t":"a\tb"}',
        '{"texts":[]}',
        '{"s": [ ]}',
        '{"d":"2001-02-29"}',
        '{"d":"1900-02-29"}',
        '{"d":"0001-01-01"}',
        '{"d":"2001-1-1"}',
        '{"d":"2001-01-01 "}',
        '{"t":"a"}}',
        '{"t":"a"}{"t":"b"}',
        '{"t":"a"',
        '{"t":"a",}',
        '{"t"}',
        '{"x":' + "[" * 100 + "]" * 100 + "}",
    ],
)
def test_what_is_wrong_or_rare_is_left_to_the_engine(text: str) -> None:
    assert not taken(text.encode())
    good = b'{"t":"good","structs":[{"parts":[{"t":"x"}]}]}'
    for blobs in ([text.encode()], [good, text.encode(), good], [text.encode(), good, good]):
        same(blobs)


def test_a_row_that_is_left_leaves_nothing_in_the_lists() -> None:
    broken = b'{"texts":["a","b"],"m":{"k":"v"},"structs":[{"parts":[{"t":"x"},{"t":"y"}]},7]}'
    good = b'{"texts":["c"],"m":{"q":"w"},"structs":[{"parts":[{"i":1}]}]}'
    records = same([good, broken, good, broken, good])
    assert [record["texts"] for record in records] == [["c"]] * 3


def test_lists_may_be_longer_than_those_of_the_rows_before() -> None:
    chance = random.Random(5)
    blobs = []
    for row in range(300):
        parts = [{"t": f"{row}-{k}", "i": k} for k in range(chance.randint(0, 3))]
        structs = [{"s": {"r": k / 8}, "parts": parts} for k in range(chance.randint(0, 6))]
        texts = ["text é" * chance.randint(0, 9) for _ in range(2000 if row == 250 else 2)]
        blobs.append(json.dumps({"texts": texts, "structs": structs}).encode())
    for size in (300, 7):
        assert len(same(blobs, size=size)) == 300


def test_rows_that_need_more_memory_than_their_text_are_left_to_the_engine() -> None:
    fields = pa.schema({"a": pa.list_(pa.struct({f"f{k}": pa.int64() for k in range(200)}))})
    blob = b'{"a":[' + b",".join([b"{}"] * 60_000) + b"]}"
    found, took = CompiledReader(fields).read(pa.array([blob, b'{"a":[{"f7":1}]}'], pa.binary()))
    assert took.tolist() == [False, True]
    assert found[0].to_pylist() == [[{f"f{k}": 1 if k == 7 else None for k in range(200)}]]


def test_fields_that_it_does_not_know_are_read_by_the_engine() -> None:
    fields = pa.schema({"f": pa.float32(), "t": pa.large_string()})
    assert not CompiledReader.supports(fields)
    assert same([b'{"f":1.5,"t":"x"}'], fields)[0]["f"] == 1.5


def test_a_field_is_found_whatever_came_before_it_in_other_objects() -> None:
    wanted = pa.struct({"n": pa.string(), "a name of many letters": pa.string(), "na": pa.string()})
    fields = pa.schema({"n": pa.string(), "x": wanted, "y": wanted, "list": pa.list_(wanted)})
    objects = [
        {"n": "1", "na": "2"},
        {"na": "1", "n": "2"},
        {"other": "1", "n": "2", "a name of many letters": "3"},
        {"other": "1", "a name of mani letters": "2", "na": "3"},
        {"a name of many letters": "1", "a name": "2", "n": "3"},
    ]
    rows = [
        {first: one, "other": 1, second: other, "list": [other, one], "n": "4"}
        for first, second in (("x", "y"), ("y", "x"))
        for one in objects
        for other in objects
    ]
    records = same([json.dumps(row).encode() for row in rows], fields)
    for record, row in zip(records, rows, strict=True):
        for name in ("x", "y"):
            value = row[name]
            assert isinstance(value, dict)
            assert record[name] == {field.name: value.get(field.name) for field in wanted}


def test_a_name_with_a_quote_in_it_is_no_end_of_another() -> None:
    fields = pa.schema({"a": pa.string(), 'a":"b': pa.string()})
    blobs = [b'{"a":"b","x":1}', rb'{"a\":\"b":"1"}', b'{"a":"b":"1"}', b'{"a":"b"}']
    assert [record["a"] for record in same(blobs, fields)] == ["b", None, "b"]


def test_many_names_are_told_apart() -> None:
    names = [f"P{k}" for k in range(400)] + ["a" * k for k in range(1, 40)]
    fields = pa.schema(dict.fromkeys(names, pa.int64()))
    blob = json.dumps({name: k for k, name in enumerate(names)} | {"a" * 41: 0, "P": 0}).encode()
    assert taken(blob, fields)
    found = same([blob], fields)[0]
    assert [found[name] for name in names] == list(range(len(names)))
