"""A shard that has far more pairs than the others is named, with the key that is the cause."""

from dataclasses import replace

import pytest

from kg_assets.matching.blocking import run_blocked_pairs
from kg_assets.matching.model import BlockingRule
from kg_assets.matching.skew import skew_check
from tests.matching.update_worlds import SPEC, World

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
