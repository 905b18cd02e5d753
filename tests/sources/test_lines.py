"""Cutting lines: machine code and Python give the same, and lines are the same as in the text."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg_assets.sources.lines import lines_batch

BOTH = pytest.mark.parametrize("compiled", [False, True], ids=["python", "compiled"])
# What begins, goes on and ends wrongly in UTF-8 (Unicode, table 3-7), and what is next to it.
SEQUENCES = [
    b"\x7f",
    *(bytes.fromhex(code) for code in ("c280", "dfbf", "e0a080", "ed9fbf", "ee8080", "efbfbf")),
    *(bytes.fromhex(code) for code in ("f0908080", "f3bfbfbf", "f48fbfbf")),
    *(bytes.fromhex(code) for code in ("80", "bf", "c0", "c080", "c1bf", "e09fbf", "eda080")),
    *(bytes.fromhex(code) for code in ("f08fbfbf", "f4908080", "f5808080", "ff", "c2", "e6", "f0")),
    *(bytes.fromhex(code) for code in ("e69d", "f09f", "f09f8e", "c2c2", "e69d41", "f09f8e41")),
]
LINES = st.lists(
    st.one_of(
        st.sampled_from([b"", b" ", b"[", b"]", b"[ ", b" ]\t", b"{},", b'{"a":1},', b"},", b","]),
        st.binary(max_size=8).map(lambda data: data.replace(b"\n", b"")),
        st.builds(
            lambda before, odd, after: b"a" * before + odd + b"b" * after,
            st.integers(0, 70),
            st.sampled_from(SEQUENCES),
            st.integers(0, 40),
        ),
    ),
    min_size=1,
    max_size=6,
)


def cut(parts: Sequence[bytes], in_array: bool, compiled: bool) -> list[dict[str, Any]]:
    batch = lines_batch("f", parts, 100, in_array=in_array, compiled=compiled)
    if batch is None:
        return []
    batch.validate(full=True)
    return list(batch.to_pylist())


@BOTH
@settings(max_examples=100, deadline=None)
@given(
    lines=LINES,
    ending=st.sampled_from([b"\n", b"\r\n"]),
    in_array=st.booleans(),
    cuts=st.lists(st.integers(0, 300), max_size=4),
)
def test_lines_are_those_of_the_text_however_it_arrives(
    compiled: bool, lines: list[bytes], ending: bytes, in_array: bool, cuts: list[int]
) -> None:
    expected = []
    position = 100
    for line in lines:
        line += ending
        blob = line[:-1].removesuffix(b"\r")
        if in_array and blob.endswith(b"},"):
            blob = blob[:-1]
        if blob.strip(b" \t\r\n") not in ((b"", b"[", b"]") if in_array else (b"",)):
            try:
                blob.decode()
            except UnicodeDecodeError:
                is_text = False
            else:
                is_text = True
            expected.append((position, blob, is_text))
        position += len(line)
    text = b"".join(line + ending for line in lines)
    places = [0, *sorted(min(place, len(text)) for place in cuts), len(text)]
    parts = [text[start:end] for start, end in pairwise(places)]
    found = cut(parts, in_array, compiled)
    assert [(row["position"], row["blob"], row["problem"] is None) for row in found] == expected
    for row in found:
        assert row["bytes"] == len(row["blob"])
        assert row["sha256"] == hashlib.sha256(row["blob"]).hexdigest()


@BOTH
@pytest.mark.parametrize("before", [0, 1, 2, 3, 29, 30, 31, 32, 33, 63])
@pytest.mark.parametrize("sequence", SEQUENCES, ids=bytes.hex)
def test_a_sequence_is_judged_alike_wherever_it_stands(
    sequence: bytes, before: int, compiled: bool
) -> None:
    lines = [
        b"x" * before + sequence,
        "é".encode() * before + sequence + b"x" * 40,
        b"x" * before + sequence + "é".encode() * 20,
    ]
    found = cut([b"".join(line + b"\n" for line in lines)], False, compiled)
    for row, line in zip(found, lines, strict=True):
        try:
            line.decode()
        except UnicodeDecodeError as error:
            assert f"at byte {error.start + 1} of the blob" in row["problem"]
        else:
            assert row["problem"] is None


@BOTH
def test_a_bracket_with_a_blank_behind_it_is_no_blob_whatever_its_neighbours(
    compiled: bool,
) -> None:
    found = cut([b'[ \n{"a":1},\n{"a":2}\n]\t\n'], True, compiled)
    assert [row["blob"] for row in found] == [b'{"a":1}', b'{"a":2}']


@BOTH
def test_many_short_lines_find_room(compiled: bool) -> None:
    found = cut([b"1\n" * 5_000, b"22\n" * 5_000], False, compiled)
    assert [row["position"] for row in found[-2:]] == [100 + 10_000 + 14_994, 100 + 10_000 + 14_997]
    assert len(found) == 10_000
