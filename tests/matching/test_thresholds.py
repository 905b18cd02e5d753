"""Thresholds without labels: what each method finds, and what is frozen."""

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from kg_assets.matching import thresholds as found
from kg_assets.matching.thresholds import (
    BORROWED,
    DECLARED,
    ONE_TO_ONE,
    VALLEY,
    choose,
    make_evidence,
    read_evidence,
)


def evidence(pairs, free=("a", "b")):
    """Evidence of pairs (left, right, weight) of records such as "a:1"."""
    con = duckdb.connect(config={"threads": 1})
    con.register(
        "score",
        pa.table(
            {
                "record_l": [pair[0] for pair in pairs],
                "record_r": [pair[1] for pair in pairs],
                "match_weight": [float(pair[2]) for pair in pairs],
                "veto": pa.array([None] * len(pairs), pa.string()),
            }
        ),
    )
    con.register(
        "source",
        pa.table({"source": ["a", "b", "c"], "duplicate_free": [one in free for one in "abc"]}),
    )
    make_evidence(con, "score", "source", 0.5)
    names = con.sql("SELECT DISTINCT source_l, source_r FROM threshold_evidence ORDER BY ALL")
    return {pair: read_evidence(con, *pair) for pair in names.fetchall()}


def world(*, shift=0.0, spurious=0, left="a", right="b"):
    """200 matches at 12 bits; for each a sure non-match, and some false pairs at 5 bits."""
    pairs = []
    for n in range(200):
        pairs.append((f"{left}:{n}", f"{right}:{n}", 12 + shift + n % 5))
        pairs.append((f"{left}:{n}", f"{right}:{(n + 1) % 200}", -20 + shift + n % 7))
    for n in range(spurious):
        pairs.append((f"{left}:{n}", f"{right}:{(n + 7) % 200}", 5 + shift))
    return pairs


def test_a_second_partner_in_a_source_without_duplicates_shows_false_pairs():
    (one,) = evidence(world(spurious=80)).values()
    assert one.contested[found.edges() == 5].tolist() == [80]
    cut, notes = found.one_to_one(one, 0.0)
    assert 5 < cut <= 12
    assert "meet a better one" in notes


def test_scores_that_run_high_or_low_move_the_threshold():
    for shift in (-4.0, 0.5):
        (one,) = evidence(world(spurious=80, shift=shift)).values()
        (choice,) = choose({("a", "b"): one}, 0.5).values()
        assert choice.method == ONE_TO_ONE
        assert choice.threshold > found.probability_of(5 + shift)


def test_without_contradiction_the_declared_threshold_stays_where_it_is():
    (one,) = evidence(world()).values()
    assert found.one_to_one(one, 0.0)[0] == 0.0


def test_a_source_with_duplicates_shows_nothing_about_false_pairs():
    (one,) = evidence(world(spurious=80), free=()).values()
    assert one.contested.sum() == 0
    assert found.one_to_one(one, 0.0) == (None, "neither source is free of duplicates")


def test_only_the_source_without_duplicates_contests():
    pairs = [("a:1", "b:1", 9), ("a:2", "b:1", 5), ("a:3", "b:2", 9), ("a:3", "b:3", 5)]
    (one,) = evidence(pairs, free=("a",)).values()
    assert one.contested.sum() == 1


def test_where_nothing_contests_the_valley_bounds_the_threshold():
    pairs = [("a:1", f"b:{n}", weight) for n, weight in enumerate([-14, -13, -12] * 90)]
    pairs += [("a:2", f"b:{n}", weight) for n, weight in enumerate([2, 3, 4, 5] * 60)]
    (one,) = evidence(pairs, free=()).values()
    (choice,) = choose({("a", "b"): one}, found.probability_of(4.0)).values()
    assert choice.method == VALLEY
    assert choice.threshold < found.probability_of(3.0)


def test_one_hill_has_no_valley_and_the_declared_threshold_stays():
    pairs = [("a:1", f"b:{n}", 4 + n % 3) for n in range(300)]
    (one,) = evidence(pairs, free=()).values()
    (choice,) = choose({("a", "b"): one}, 0.8).values()
    assert (choice.threshold, choice.method) == (0.8, DECLARED)
    assert "1 hills" in choice.notes


def test_sources_without_evidence_of_their_own_borrow_the_offset():
    pairs = world(spurious=80) + [
        (f"c:{n}", f"c:{n + 1000}", weight) for n, weight in enumerate([-20.0, 13.0] * 100)
    ]
    chosen = choose(evidence(pairs), 0.5)
    assert chosen["c", "c"].method == BORROWED
    assert chosen["c", "c"].threshold == pytest.approx(chosen["a", "b"].threshold)


@pytest.mark.parametrize("pairs", [[], [("a:1", "b:1", 9.0)]])
def test_too_few_pairs_keep_the_declared_threshold(pairs):
    for choice in choose(evidence(pairs), 0.8).values():
        assert (choice.threshold, choice.method) == (0.8, DECLARED)
        assert "too few pairs" in choice.notes


def test_a_measured_threshold_stays_near_the_declared_one():
    (one,) = evidence(world(spurious=150, shift=10.0)).values()
    (choice,) = choose({("a", "b"): one}, 0.5).values()
    assert choice.threshold <= found.probability_of(found.MOST_BITS)


def test_weights_beyond_the_histogram_count_at_its_ends():
    (one,) = evidence([("a:1", "b:1", 400.0), ("a:2", "b:2", -400.0)]).values()
    assert np.flatnonzero(one.pairs).tolist() == [0, len(found.edges()) - 1]
