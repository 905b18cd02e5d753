"""Fitting the weights of confidence to facts whose truth is known, and how far it then is off.

A logistic regression over the signals with a ridge that draws each weight to the one that it
starts from (the idea of Platt 1999, with a prior): a signal that the labels say nothing of keeps
its weight, and few labels move little. No weight may turn its signal round, so a surer fact stays
surer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from kg_assets.inference.confidence import (
    BY_HAND,
    DIRECTIONS,
    Bin,
    Signals,
    Weights,
    calibration_error,
    confidence,
    moves,
    reliability,
)

if TYPE_CHECKING:
    import numpy as np

    Floats = np.ndarray[Any, np.dtype[np.float64]]

RIDGE = 4.0
"""Strength of the ridge: about what four facts of even odds say outweighs it. Weights are of the
size of one, and a few dozen labels should not turn one over."""

FOLDS = 5
"""Parts of the documents for the cross-validation."""

_STEPS = 100
_NAMES = tuple(each.name for each in fields(Weights))


@dataclass(frozen=True)
class Labelled:
    """A fact whose truth is known.

    Attributes:
        document: The text that it is from: facts of one text are never on both sides of a fold.
        signals: How it was found.
        quote_match: ``exact`` or ``normalised``.
        holds: Whether it holds.
    """

    document: str
    signals: Signals
    quote_match: str | None
    holds: bool


@dataclass(frozen=True)
class Calibration:
    """Weights before and after a fit, and how far confidence is off with each.

    Attributes:
        before: The weights that it started from.
        after: The weights that fit the labels.
        facts: How many facts there were.
        documents: From how many texts.
        right: How many hold.
        curve_before: The reliability curve of the weights before.
        curve_after: That of fitted ones, each fact judged by weights that did not see its text.
        loss_before: Mean negative log likelihood of a fact, in nats.
        loss_after: The same, cross-validated.
    """

    before: Weights
    after: Weights
    facts: int
    documents: int
    right: int
    curve_before: tuple[Bin, ...]
    curve_after: tuple[Bin, ...]
    loss_before: float
    loss_after: float

    @property
    def error_before(self) -> float:
        """Expected calibration error of the weights before."""
        return calibration_error(self.curve_before)

    @property
    def error_after(self) -> float:
        """That of fitted ones, cross-validated by text."""
        return calibration_error(self.curve_after)

    @property
    def helps(self) -> bool:
        """Whether the fit is better on texts that it did not see."""
        return self.loss_after < self.loss_before

    def as_dict(self) -> dict[str, Any]:
        """All figures by name."""
        return {
            "facts": self.facts,
            "documents": self.documents,
            "right": self.right,
            "calibration_error_before": round(self.error_before, 4),
            "calibration_error_after": round(self.error_after, 4),
            "log_loss_before": round(self.loss_before, 4),
            "log_loss_after": round(self.loss_after, 4),
            "weights_before": asdict(self.before),
            "weights_after": asdict(self.after),
            "curve_before": [asdict(each) for each in self.curve_before],
            "curve_after": [asdict(each) for each in self.curve_after],
        }


def calibrate(labelled: Sequence[Labelled], before: Weights = BY_HAND) -> Calibration:
    """Fit weights to labelled facts, and measure them by cross-validation over texts.

    Args:
        labelled: The facts, in any order.
        before: The weights that the fit starts from and is drawn to.

    Raises:
        ValueError: There is no fact.
    """
    if not labelled:
        raise ValueError("no fact is labelled: there is nothing to fit to")
    ordered = sorted(labelled, key=_rank)
    given = [(sure(each, before), each.holds) for each in ordered]
    found: list[tuple[float, bool]] = []
    for fold in range(FOLDS):
        inside = [each for each in ordered if _fold(each.document) == fold]
        outside = [each for each in ordered if _fold(each.document) != fold]
        fitted = fit(outside, before) if inside else before
        found += [(sure(each, fitted), each.holds) for each in inside]
    return Calibration(
        before=before,
        after=fit(ordered, before),
        facts=len(ordered),
        documents=len({each.document for each in ordered}),
        right=sum(each.holds for each in ordered),
        curve_before=tuple(reliability(given)),
        curve_after=tuple(reliability(found)),
        loss_before=_loss(given),
        loss_after=_loss(found),
    )


def sure(one: Labelled, weights: Weights) -> float:
    """The confidence of a labelled fact under some weights."""
    return confidence(one.signals, one.quote_match, weights)


def fit(labelled: Sequence[Labelled], before: Weights) -> Weights:
    """Fit weights by Newton's method; the same facts, in whatever order, give the same weights.

    Args:
        labelled: Facts whose truth is known.
        before: What the ridge draws to; also the weights where there is no fact.

    Returns:
        Weights to three places.
    """
    import numpy as np

    start = np.array([getattr(before, name) for name in _NAMES])
    if not labelled:
        return before
    ordered = sorted(labelled, key=_rank)
    rows = np.array(
        [[moves(each.signals, each.quote_match)[name] for name in _NAMES] for each in ordered]
    )
    truth = np.array([float(each.holds) for each in ordered])
    free = np.ones(len(_NAMES), dtype=bool)
    found = start.copy()
    while True:
        found = _newton(rows, truth, start, free, found)
        # A weight that would turn its signal round counts nothing, and the others are fitted anew.
        turned = [
            at
            for at, name in enumerate(_NAMES)
            if free[at] and DIRECTIONS.get(name, 0) * found[at] < 0
        ]
        if not turned:
            break
        free[turned] = False
        found[turned] = 0.0
    return Weights(**{name: round(float(found[at]), 3) + 0.0 for at, name in enumerate(_NAMES)})


def _newton(
    rows: Floats, truth: Floats, start: Floats, free: np.ndarray[Any, Any], found: Floats
) -> Floats:
    import numpy as np

    def loss(weights: Floats) -> float:
        odds = rows @ weights
        ridge = RIDGE / 2 * float(np.sum((weights - start)[free] ** 2))
        return float(np.sum(np.logaddexp(0, odds) - truth * odds)) + ridge

    found = found.copy()
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(rows @ found, -500, 500)))
        slope = rows.T @ (chance - truth) + RIDGE * (found - start)
        curve = (rows * (chance * (1 - chance))[:, None]).T @ rows + RIDGE * np.eye(len(found))
        step = np.zeros(len(found))
        step[free] = np.linalg.solve(curve[np.ix_(free, free)], slope[free])
        size = 1.0
        while size > 1e-6 and loss(found - size * step) > loss(found):
            size /= 2
        found = found - size * step
        if np.max(np.abs(step)) < 1e-10:
            break
    return found


def _rank(one: Labelled) -> tuple[object, ...]:
    return (one.document, *asdict(one.signals).values(), one.quote_match or "", one.holds)


def _fold(document: str) -> int:
    return int(hashlib.sha256(document.encode()).hexdigest(), 16) % FOLDS


def _loss(judged: Sequence[tuple[float, bool]]) -> float:
    import math

    # A confidence is at least 0.01 and at most 0.99.
    return math.fsum(-math.log(p if holds else 1 - p) for p, holds in judged) / len(judged)
