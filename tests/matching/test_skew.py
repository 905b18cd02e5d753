"""A shard that has far more pairs than the others is named, with the key that is the cause."""

import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg_assets.matching.blocking import run_blocked_pairs
from kg_assets.matching.model import BlockingRule
from kg_assets.matching.skew import hashes_of_shard, largest_blocks, skew_check
from kg_assets.matching.tables import block_keys
from resources.lake import Lake
from resources.settings import Settings
from tests.matching.update_worlds import LAYERS, SPEC, World

BY_TITLE = replace(SPEC, blocking=(BlockingRule("title", "[title]", "[year_of::VARCHAR]"),))


def world(home, cap, untitled=12, twins=16):
    spec = replace(BY_TITLE, block_cap=cap)
    made = World(home, spec)
    crowd = [{"id": f"u{n:02}", "name": "Untitled", "year": 1990 + n % 2} for n in range(untitled)]
    pairs = [{"id": f"t{n:03}", "name": f"Twin {n // 2}"} for n in range(twins)]
    made.deliver("a", crowd + pairs)
    made.update(but=3)
    return made


def verdict(made, fewest):
    made.run(run_blocked_pairs, "01")
    with made.lake.step("look") as step:
        return skew_check(made.spec, 2, fewest).look(step)


@pytest.mark.parametrize(("cap", "said"), [(100, "'untitled': 12 rec"), (8, "'untitled' (cut): 6")])
def test_the_key_that_fills_a_shard_is_named_also_where_its_block_was_cut(tmp_path, cap, said):
    found = verdict(world(tmp_path, cap), 10)
    assert not found.passed
    assert found.figures["pairs"] > 2 * found.figures["mean_of_others"]
    assert said in found.figures["largest_blocks"][0]
    assert found.figures["largest_blocks"][0].startswith("rule title, key ")


def test_a_shard_with_few_pairs_is_not_too_large_however_few_the_others_have(tmp_path):
    assert verdict(world(tmp_path, 100), 1_000).passed


def test_shards_of_which_none_stands_out_are_even(tmp_path):
    assert verdict(world(tmp_path, 100, untitled=0, twins=200), 0).passed


def test_a_partition_reports_its_largest_block_also_after_an_update(tmp_path):
    made = world(tmp_path, 100)
    reports = [made.run(run_blocked_pairs, shard)["largest_block"] for shard in ("00", "01")]
    assert {"rule": "title", "records": 12, "pairs": 66} in reports
    made.deliver("b", [{"id": "1", "name": "Untitled", "year": 1990}])
    made.update(but=1)
    reports = [made.run(run_blocked_pairs, shard)["largest_block"] for shard in ("00", "01")]
    assert {"rule": "title", "records": 13, "pairs": 78} in reports


KEYS = block_keys("film")
KEY_SETS = st.sets(st.tuples(st.integers(0, 5), st.integers(0, 9)), max_size=40)


def keys_of(found):
    """Rows of the keys in order: of each pair a block, at both ends of all hashes, and a record."""
    rows = [
        {
            "block": number << 8 if number < 3 else (1 << 64) - (number << 8),
            "rule_number": 0,
            "record_id": f"a:{record}",
            "record": record,
            "source": "a",
            "duplicate_free": False,
        }
        for number, record in found
    ]
    rows.sort(key=lambda row: (row["block"], row["record_id"]))
    return pa.Table.from_pylist(rows, schema=KEYS.schema)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(st.lists(KEY_SETS, min_size=1, max_size=3), st.integers(1, 12), st.integers(1, 4))
def test_the_largest_blocks_are_those_of_a_count_whatever_layers_lie_over_the_file(
    versions, at_once, count
):
    """However many rows of the file lie together, and whatever of a block came or went since."""
    with tempfile.TemporaryDirectory() as home:
        lake = Lake(Settings(home=Path(home), threads=1, **LAYERS))
        first, *later = map(keys_of, versions)
        with lake.step("keys") as step:
            step.write(KEYS, first.to_batches(at_once))
        for rows in later:
            with lake.step("keys") as step:
                step.patch(KEYS, step.previous(KEYS), step.con.from_arrow(rows))
        blocks = [first, *later][-1]["block"].to_pylist()
        for shard in range(2):
            begin, end = hashes_of_shard(shard, 2)
            sizes = Counter(block for block in blocks if begin <= block <= end)
            most = sorted((-size, block) for block, size in sizes.items() if size > 1)[:count]
            with lake.step("look") as step:
                found = largest_blocks(step, SPEC, shard, 2, count)
            assert [(-one.records, one.number) for one in found] == most
