"""Confidence is fitted to facts whose truth is known, and no fit turns a signal round."""

from __future__ import annotations

from dataclasses import astuple, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.calibration import calibration
from kg_assets.inference.calibration import Labelled, calibrate, fit
from kg_assets.inference.calibration_page import page_of
from kg_assets.inference.confidence import (
    BY_HAND,
    DIRECTIONS,
    WEIGHTS,
    Signals,
    Weights,
    WeightsError,
    confidence,
    read_weights,
    write_weights,
)

SIGNALS = st.builds(
    Signals,
    st.floats(0.05, 0.95),
    st.floats(0, 1),
    st.integers(0, 2),
    st.just(1),
    st.integers(1, 2),
)
FACTS = st.lists(
    st.builds(
        Labelled, st.sampled_from("abcdef"), SIGNALS, st.sampled_from(["exact", "normalised"]),
        st.booleans(),
    ),
    max_size=20,
)  # fmt: skip


@settings(max_examples=40, deadline=None, derandomize=True)
@given(FACTS, st.data())
def test_a_fit_keeps_every_signals_direction_and_knows_no_order(
    facts: list[Labelled], data: st.DataObject
) -> None:
    found = fit(facts, BY_HAND)
    assert all(getattr(found, name) * sign >= 0 for name, sign in DIRECTIONS.items())
    assert fit(data.draw(st.permutations(facts)), BY_HAND) == found


def test_without_labels_the_weights_stay() -> None:
    assert fit([], BY_HAND) == BY_HAND
    with pytest.raises(ValueError, match="nothing to fit"):
        calibrate([])


def test_labels_move_what_they_speak_of_and_nothing_else() -> None:
    facts = [Labelled(str(n), Signals(0.9), "exact", n % 2 == 0) for n in range(100)]
    found = calibrate(facts)
    assert confidence(Signals(0.9), "exact", found.after) == pytest.approx(0.5, abs=0.05)
    assert found.error_after < found.error_before
    assert astuple(found.after)[2:] == astuple(BY_HAND)[2:]
    assert found.helps


def test_the_weights_that_ship_are_about_those_that_the_script_makes() -> None:
    found = calibration()
    # Each change of the rules moves them a little, and is no reason to ship others.
    assert astuple(WEIGHTS) == pytest.approx(astuple(found.after), abs=0.3)
    assert found.loss_after < found.loss_before
    page = page_of(found, "A <title>", ["A line."])
    assert "<script" not in page
    assert page.count("<svg") == 2


def test_weights_go_round_a_file(tmp_path: Path) -> None:
    file = tmp_path / "weights.json"
    given_weights = replace(BY_HAND, margin=-2.0)
    write_weights(given_weights, file, facts=3)
    assert read_weights(file) == given_weights


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no weights"),
        ("[]", "holds no weights"),
        ('{"weights": {"slope": 1}}', "and no others"),
    ],
)
def test_a_file_without_weights_is_refused(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "weights.json"
    file.write_text(text)
    with pytest.raises(WeightsError, match=message):
        read_weights(file)


@pytest.mark.parametrize("weights", [Weights(slope=-1.0), Weights(margin=float("nan"))])
def test_a_weight_that_cannot_be_is_refused(tmp_path: Path, weights: Weights) -> None:
    file = tmp_path / "weights.json"
    write_weights(weights, file)
    with pytest.raises(WeightsError, match="cannot be"):
        read_weights(file)
