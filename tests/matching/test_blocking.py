"""Each candidate pair is made once, whatever the number of shards, and none is missing."""

from dataclasses import fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg_assets.matching.block_index import BlockIndex
from kg_assets.matching.block_keys import make_keys
from kg_assets.matching.blocking import pairs_of_shard
from kg_assets.matching.model import BlockingRule, Comparison, Feature, Level, MatchSpec
from kg_assets.matching.normalise import create_macros
from kg_assets.matching.rule_keys import raw_keys

SPEC = MatchSpec(
    entity_type="film",
    features=(),
    blocking=(
        BlockingRule("first", keys="a", refine="c"),
        BlockingRule("second", keys="b", refine="c", across_sources=True),
        BlockingRule("third", keys="c", refine="a"),
    ),
    comparisons=(Comparison("name", "FALSE", (Level("any", "ELSE", 0.5, 0.5),)),),
)
SCHEMA = pa.schema(
    [
        ("record_id", pa.string()),
        ("source", pa.string()),
        ("name", pa.string()),
        ("duplicate_free", pa.bool_()),
        *((name, pa.list_(pa.string())) for name in "abc"),
    ]
)

TEXTS = pa.list_(pa.string())

KEYS = st.one_of(st.none(), st.lists(st.one_of(st.none(), st.sampled_from("pqrst")), max_size=4))
ROWS = st.lists(
    st.fixed_dictionaries({"source": st.sampled_from(["x", "y"]), "a": KEYS, "b": KEYS, "c": KEYS}),
    max_size=12,
)


def connection(rows, free=()):
    con = duckdb.connect(config={"threads": 1})
    create_macros(con)
    filled = [
        {
            "record_id": f"{row['source']}:{place}",
            "name": row.get("name", f"n{place}"),
            "duplicate_free": row["source"] in free,
            "a": None,
            "b": None,
            "c": None,
        }
        | row
        for place, row in enumerate(rows)
    ]
    con.register("rows", pa.Table.from_pylist(filled, schema=SCHEMA))
    return con, filled


def pairs(con, spec, shards):
    make_keys(con, spec, "rows")
    return [
        row
        for shard in range(shards)
        for row in con.from_arrow(pairs_of_shard(con, spec, shard, shards)).fetchall()
    ]


def expected(rows):
    found = {}
    for left in rows:
        for right in rows:
            if left["record_id"] >= right["record_id"]:
                continue
            inside = left["source"] == right["source"]
            for rule, column in (("first", "a"), ("second", "b"), ("third", "c")):
                shared = (set(left[column] or ()) & set(right[column] or ())) - {None}
                free = left["duplicate_free"] and right["duplicate_free"]
                if shared and not (inside and (free or rule == "second")):
                    found[left["record_id"], right["record_id"]] = rule
                    break
    return found


@settings(max_examples=40, deadline=None)
@given(ROWS, st.integers(1, 5), st.sets(st.sampled_from(["x", "y"])))
def test_all_shards_together_make_each_pair_once_by_the_first_rule_that_holds(rows, shards, free):
    con, filled = connection(rows, free)
    made = pairs(con, SPEC, shards)
    assert {(left, right): rule for left, right, rule in made} == expected(filled)
    assert len({pair[:2] for pair in made}) == len(made)


@settings(max_examples=25, deadline=None)
@given(ROWS, st.integers(2, 5), st.integers(2, 4))
def test_blocks_that_are_cut_give_the_same_pairs_for_any_number_of_shards(rows, shards, cap):
    con, _ = connection(rows)
    ordered = replace(SPEC.blocking[0], orders=("b[1]", "c[-1]"))
    spec = replace(SPEC, block_cap=cap, blocking=(ordered, *SPEC.blocking[1:]))
    whole = sorted(pairs(con, spec, 1))
    assert sorted(pairs(con, spec, shards)) == whole
    assert len({pair[:2] for pair in whole}) == len(whole)


def test_a_block_over_the_cap_is_cut_by_the_refining_keys_and_reported():
    con, _ = connection([{"source": "x", "a": ["k"], "c": [part]} for part in "ppqqrr"])
    spec = replace(SPEC, blocking=SPEC.blocking[:1], block_cap=4)
    (cut,) = make_keys(con, spec, "rows")
    assert (cut.rule, cut.key, cut.records, cut.largest, cut.neighbourhoods) == (
        "first",
        "k",
        6,
        2,
        0,
    )
    assert len(pairs(con, spec, 2)) == 3


def test_what_cannot_be_refined_is_compared_with_its_neighbours_by_name():
    con, filled = connection([{"source": "x", "a": ["k"], "name": f"{n:02}"} for n in range(20)])
    spec = replace(SPEC, blocking=SPEC.blocking[:1], block_cap=6)
    (cut,) = make_keys(con, spec, "rows")
    assert cut.neighbourhoods == 1
    assert cut.largest <= 6
    name = {row["record_id"]: int(row["name"]) for row in filled}
    distances = [abs(name[left] - name[right]) for left, right, _ in pairs(con, spec, 3)]
    # All within half the cap; each of the 20 meets its next neighbours.
    assert {d: distances.count(d) for d in (1, 2, 3)} == {1: 19, 2: 18, 3: 17}


def test_what_the_refining_keys_part_meets_in_an_order_of_the_rule():
    parts = [chr(ord("a") + place) for place in range(20)]
    con, filled = connection(
        [{"source": "x", "a": ["k"], "b": [f"{n // 2}"], "c": [parts[n]]} for n in range(20)]
    )
    alone = replace(SPEC, blocking=SPEC.blocking[:1], block_cap=10)
    assert pairs(con, alone, 1) == []
    rule = replace(SPEC.blocking[0], orders=("b[1]",))
    made = {row[:2] for row in pairs(con, replace(alone, blocking=(rule,)), 2)}
    ids = [row["record_id"] for row in filled]
    assert {tuple(sorted(ids[n : n + 2])) for n in range(0, 20, 2)} <= made
    assert len(made) <= 19


@settings(max_examples=40, deadline=None)
@given(ROWS, st.integers(1, 3))
def test_records_whose_hashes_are_equal_lose_no_pair(rows, hashes):
    con, filled = connection(rows)
    make_keys(con, SPEC, "rows")
    con.execute("UPDATE block_key_record SET record = hash(record % $hashes)", {"hashes": hashes})
    made = con.from_arrow(pairs_of_shard(con, SPEC, 0, 1)).fetchall()
    assert {pair[:2] for pair in made} >= expected(filled).keys()
    assert len({pair[:2] for pair in made}) == len(made)


@settings(max_examples=20, deadline=None)
@given(ROWS, st.integers(1, 4))
def test_blocks_of_known_records_in_mapped_files_give_the_pairs_of_those_in_memory(rows, shards):
    con, _ = connection(rows)
    make_keys(con, SPEC, "rows")
    with TemporaryDirectory() as name:
        BlockIndex.of(con, "block_key", Path(name), records="block_key_record")
        index = BlockIndex.mapped(Path(name))
        for shard in range(shards):
            mapped = pairs_of_shard(con, SPEC, shard, shards, index=index).read_all()
            assert mapped.equals(pairs_of_shard(con, SPEC, shard, shards).read_all())
            order = mapped.sort_by([("record_l", "ascending"), ("record_r", "ascending")])
            assert mapped.equals(order)


@settings(max_examples=15, deadline=None)
@given(ROWS, st.integers(1, 4), st.integers(1, 4))
def test_blocks_of_records_are_the_same_in_any_number_of_passes(rows, hashes, in_pass):
    con, _ = connection(rows)
    make_keys(con, SPEC, "rows")
    con.execute("UPDATE block_key_record SET record = hash(record % $hashes)", {"hashes": hashes})
    once, often = (BlockIndex.of(con, "block_key", in_pass=size) for size in (1 << 20, in_pass))
    assert [getattr(once, each.name).tolist() for each in fields(once)] == [
        getattr(often, each.name).tolist() for each in fields(often)
    ]


@settings(max_examples=15, deadline=None)
@given(ROWS, st.integers(1, 4))
def test_of_how_many_records_keys_are_held_at_once_changes_nothing(rows, at_once):
    con, _ = connection(rows)
    for name, how in (("whole", {}), ("parted", {"at_once": at_once})):
        raw_keys(con, SPEC, "rows", name, **how)
    whole, parted = (sorted(con.table(name).fetchall(), key=repr) for name in ("whole", "parted"))
    assert whole == parted


NAMES = st.lists(st.sampled_from(["ann lee", "bo", "", None]), max_size=8)


@settings(max_examples=15, deadline=None)
@given(NAMES)
def test_keys_that_follow_from_one_column_are_those_of_each_record(names):
    """Where a feature says of which column it is, keys are made once for each of its values."""
    con, _ = connection(
        [
            {"source": "x", "name": name, "a": name and name.split(" "), "c": [f"{place // 2}"]}
            for place, name in enumerate(names)
        ]
    )
    rules = BlockingRule("words", keys="a || [name, name]", refine="c"), SPEC.blocking[2]
    plain = replace(SPEC, blocking=rules)
    shared = replace(plain, features=(Feature("a", "string_split(name, ' ')", TEXTS, of="name"),))
    made = []
    for spec in (plain, shared):
        make_keys(con, spec, "rows")
        made.append(con.sql("FROM block_key ORDER BY ALL").fetchall())
    assert made[0] == made[1]
    assert len(set(made[0])) == len(made[0])


def test_a_record_with_many_keys_has_each_of_them_once():
    keys = [f"{place % 40}" for place in range(100)]
    con, filled = connection([{"source": "x", "a": keys}, {"source": "y", "a": keys[:1]}])
    assert [row[:2] for row in pairs(con, SPEC, 1)] == [
        tuple(record["record_id"] for record in filled)
    ]
    assert con.sql("SELECT count(*) FROM block_key").fetchall() == [(41,)]


def test_a_shard_that_does_not_exist_is_an_error():
    con, _ = connection([])
    make_keys(con, SPEC, "rows")
    with pytest.raises(ValueError, match="shard 2 of 2"):
        pairs_of_shard(con, SPEC, 2, 2)
