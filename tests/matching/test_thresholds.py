"""Thresholds without labels: what each method finds, and what is frozen."""

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from kg_assets.matching import thresholds as found
from kg_assets.matching.thresholds import (
    CALIBRATED,
    DECLARED,
    ONE_TO_ONE,
    choose,
    make_evidence,
    read_evidence,
)

PRIOR = 0.005
"""One of the 200 pairs that a record of `world` makes: what is so in truth."""


def evidence(pairs, free=("a", "b"), records=200):
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
        pa.table(
            {
                "source": ["a", "b", "c"],
                "duplicate_free": [one in free for one in "abc"],
                "records": [records] * 3,
            }
        ),
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


def chosen(pairs, threshold=0.5, prior=PRIOR, *, trained=True, **more):
    return choose(evidence(pairs, **more), threshold, prior, trained=trained)


@pytest.mark.parametrize("shift", [-4.0, 0.5])
def test_scores_that_run_high_or_low_move_the_threshold(shift):
    (choice,) = chosen(world(spurious=80, shift=shift)).values()
    assert choice.method == ONE_TO_ONE
    assert choice.threshold > found.probability_of(5 + shift)


@pytest.mark.parametrize("wrong", [-5.0, 3.0, 5.0])
def test_a_wrong_prior_changes_no_decision(wrong):
    right = found.weight_of(PRIOR)
    cuts = [
        found.calibrated(next(iter(evidence(world(shift=bits)).values())), 2.0, right + bits)[0]
        for bits in (0.0, wrong)
    ]
    assert cuts[1] - wrong == pytest.approx(cuts[0], abs=0.01)


def test_the_share_of_matches_is_found_in_the_weights():
    # A prior that is right moves nothing.
    (one,) = evidence(world()).values()
    cut, notes = found.calibrated(one, 2.0, found.weight_of(PRIOR))
    assert cut == pytest.approx(2.0, abs=0.1)
    assert "200 of 40000 pairs match" in notes


def test_a_source_in_which_nothing_matches_needs_more_evidence_inside():
    inside = [(f"a:{n}", f"a:{n + 1}", 3.0 if n < 2 else -12.0) for n in range(0, 120)]
    choices = chosen(world() + inside, free=())
    assert choices["a", "a"].method == CALIBRATED
    assert choices["a", "a"].threshold > found.probability_of(3.0)
    assert choices["a", "b"].threshold < found.probability_of(1.0)


def test_weights_that_were_never_trained_lower_no_threshold():
    many = [(f"a:{n}", f"b:{n}", 4.0) for n in range(190)]
    (trained,) = chosen(many, 0.8, 1e-6, free=()).values()
    (declared,) = chosen(many, 0.8, 1e-6, free=(), trained=False).values()
    assert trained.threshold < 0.8
    assert declared.threshold == pytest.approx(0.8)


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


@pytest.mark.parametrize("pairs", [[], [("a:1", "b:1", 9.0)]])
def test_too_few_pairs_keep_the_declared_threshold(pairs):
    for choice in chosen(pairs, 0.8).values():
        assert (choice.threshold, choice.method) == (0.8, DECLARED)
        assert "too few pairs" in choice.notes


@pytest.mark.parametrize(("shift", "most"), [(-30.0, found.MOST_UP), (30.0, found.MOST_DOWN)])
def test_a_measured_threshold_stays_near_the_declared_one(shift, most):
    (choice,) = chosen(world(spurious=150, shift=shift)).values()
    assert abs(found.weight_of(choice.threshold)) <= most + 1e-6


def test_weights_beyond_the_histogram_count_at_its_ends():
    (one,) = evidence([("a:1", "b:1", 400.0), ("a:2", "b:2", -400.0)]).values()
    assert np.flatnonzero(one.pairs).tolist() == [0, len(found.edges()) - 1]
