"""Confidence moves with signals that we own, and its curve shows how far it is off."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg_assets.inference.confidence import (
    BY_HAND,
    HIGHEST,
    Signals,
    calibration_error,
    confidence,
    reliability,
    wilson,
)

BASE = Signals(0.8)


def test_without_a_signal_the_base_stays() -> None:
    assert confidence(BASE, "exact", BY_HAND) == 0.8
    assert confidence(Signals(1.0), "exact", BY_HAND) == HIGHEST


@pytest.mark.parametrize(
    ("signals", "quote", "higher"),
    [
        (BASE, "normalised", False),
        (replace(BASE, margin=0.5), "exact", False),
        (replace(BASE, reasks=1), "exact", False),
        (replace(BASE, asked=2), "exact", False),
        (replace(BASE, asked=2, agreeing=2), "exact", True),
    ],
)
def test_a_signal_moves_the_confidence_its_way(signals: Signals, quote: str, higher: bool) -> None:
    plain = confidence(BASE, "exact")
    found = confidence(signals, quote)
    assert found > plain if higher else found < plain


@given(
    st.builds(
        Signals,
        st.floats(0, 1),
        st.floats(0, 1),
        st.integers(0, 9),
        st.integers(1, 5),
        st.integers(1, 5),
    )
)
def test_a_confidence_is_a_share(signals: Signals) -> None:
    assert 0.0 <= confidence(signals, "normalised") <= 1.0


def test_the_curve_has_bins_of_equal_size_and_equal_confidences_share_one() -> None:
    judged = [(0.5, True), (0.5, False), (0.5, False), (0.9, True), (0.95, True), (0.99, False)]
    curve = reliability(judged, bins=3)
    assert [(each.lower, each.upper, each.facts) for each in curve] == [
        (0.5, 0.5, 3),
        (0.9, 0.95, 2),
        (0.99, 0.99, 1),
    ]
    assert [each.correct for each in curve] == pytest.approx([1 / 3, 1.0, 0.0])
    assert all(each.low <= each.correct <= each.high for each in curve)
    gaps = 3 * (0.5 - 1 / 3) + 2 * (1 - 0.925) + 0.99
    assert calibration_error(curve) == pytest.approx(gaps / 6)


def test_nothing_judged_is_no_curve() -> None:
    assert reliability([]) == []
    assert calibration_error([]) == 0.0
    with pytest.raises(ValueError, match="at least one bin"):
        reliability([], bins=0)


def test_the_interval_is_wilsons() -> None:
    # Brown, Cai and DasGupta (2001), Interval Estimation for a Binomial Proportion.
    assert wilson(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
