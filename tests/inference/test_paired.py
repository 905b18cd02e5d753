"""Two extractors on the same texts: what they score, and how sure the difference is."""

from __future__ import annotations

import pytest

from kg_assets.inference.paired import (
    Counts,
    compare,
    compare_facts,
    dollars_for_each,
    scores,
    tally,
)


def test_facts_are_right_wrong_or_missing() -> None:
    assert tally({"a", "b"}, ["b", "c", "d"]) == Counts(right=1, wrong=2, missing=1)
    assert Counts(1, 2, 1).scores == pytest.approx((1 / 3, 1 / 2, 0.4))
    assert Counts().scores == (0.0, 0.0, 0.0)


def test_an_interval_holds_its_figure_and_the_same_seed_gives_the_same_one() -> None:
    counts = [Counts(3, 1, 0), Counts(0, 1, 2), Counts(2, 0, 0), Counts(1, 1, 1)] * 5
    found = scores(counts)
    assert found == scores(counts)
    assert found != scores(counts, seed=2)
    for each in (found.precision, found.recall, found.f1):
        assert 0 <= each.low <= each.value <= each.high <= 1


def test_documents_in_which_both_fail_do_not_blur_that_one_is_better_everywhere() -> None:
    hard, easy = [Counts(0, 5, 5)] * 10, [Counts(9, 1, 1)] * 10
    better = [Counts(1, 4, 4)] * 10 + [Counts(10, 0, 0)] * 10
    found = compare(hard + easy, better)
    assert found.difference.f1.low > 0
    assert found.first.f1.high > found.second.f1.low
    assert found.difference.f1.value == pytest.approx(found.second.f1.value - found.first.f1.value)


def test_an_extractor_does_not_differ_from_itself() -> None:
    labels = {"one": {"a", "b"}, "two": set(), "three": {"c"}}
    given = {"one": {"a"}, "two": {"x"}, "four": {"never labelled"}}
    found = compare_facts(labels, given, given)
    assert (found.difference.f1.low, found.difference.f1.high) == (0.0, 0.0)
    assert found.first.recall.value == pytest.approx(1 / 3)
    assert found.first.precision.value == pytest.approx(1 / 2)


def test_extractors_that_read_other_texts_are_not_compared() -> None:
    with pytest.raises(ValueError, match="let both read the same"):
        compare([Counts()], [])


def test_without_documents_there_is_no_score_and_without_facts_no_price() -> None:
    assert scores([]).f1.value == 0.0
    assert (dollars_for_each(1.0, 4), dollars_for_each(1.0, 0)) == (0.25, None)
