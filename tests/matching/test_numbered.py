"""Pairs as numbers of records: sorted, however they and the records come; unknown ids left out."""

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg_assets.matching.scorers.numbered import Numbered

IDS = st.lists(st.text("abc", min_size=1, max_size=4), min_size=1, max_size=12, unique=True)


def numbered(ids, pairs, hashing="hash"):
    con = duckdb.connect(config={"threads": 2})
    # Of ids without a dot it makes one hash, and Numbered adds a dot where hashes are equal.
    con.execute(
        "CREATE MACRO weak(text) AS CASE WHEN contains(text, '.') THEN hash(text) ELSE hash(1) END"
    )
    schema = pa.schema([(name, pa.string()) for name in ("record_l", "record_r", "rule")])
    rows = [dict(zip(schema.names, pair, strict=True)) for pair in pairs]
    con.from_arrow(pa.Table.from_pylist(rows, schema=schema)).create("pair")
    records = Numbered.of(con, pa.chunked_array([ids], pa.string()), hashing)
    batches, rules = records.pairs(con, "pair", 2)
    named = records.ids.to_pylist()
    numbers = range(len(ids)) if records.number is None else records.number.tolist()
    assert [ids[number] for number in numbers] == named
    return [
        (named[left], named[right], rules[rule])
        for batch in batches
        for left, right, rule in zip(*(column.to_pylist() for column in batch.columns), strict=True)
    ]


@settings(max_examples=60, deadline=None)
@given(IDS, st.data())
def test_pairs_come_sorted_each_with_its_rule(ids, data):
    every = [
        (left, right, rule)
        for left in ids
        for right in ids
        if left < right
        for rule in (data.draw(st.sampled_from(["first", "second"])),)
    ]
    shuffled = data.draw(st.permutations(every))
    assert numbered(ids, shuffled) == sorted(every)


@pytest.mark.parametrize("hashing", ["hash", "weak"])
def test_ids_of_one_hash_are_told_apart(hashing):
    pairs = [("a", "b", "r"), ("a", "c", "r"), ("b", "c", "r")]
    assert numbered(["c", "a", "b"], pairs, hashing) == pairs


def test_pairs_of_records_that_are_not_there_are_left_out():
    pairs = [("a", "b", "r"), ("a", "gone", "r"), ("gone", "was", "r")]
    assert numbered(["a", "b"], pairs) == pairs[:1]


def test_no_pairs_give_none():
    assert numbered(["a"], []) == []
