"""Confidence: how sure a fact is, from signals that we own; never what a model says of itself."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from kg_assets.inference.quotes import NORMALISED

PRIORS = {"llm": 0.85, "ensemble": 0.85}
"""Share of facts that hold, of an extractor that has no figure of its own for each kind of fact.
Set by hand, before any labels were scored; `reliability` shows how far off they are."""

LOWEST, HIGHEST = 0.01, 0.99
"""Bounds of a confidence: no signal here is proof."""


@dataclass(frozen=True)
class Weights:
    """What each signal adds to the log odds of a fact (natural logarithm).

    Attributes:
        intercept: What every fact gets.
        slope: By how much the log odds of the base are multiplied.
        normalised: The quote was found only after normalisation.
        margin: The link had no lead at all over the next candidate; less where it had some.
        reask: Each time that the answer had to be asked for again.
        agreement: Each other extractor that found the same fact.
        dissent: Each extractor that read the text and did not find it.
    """

    intercept: float = 0.0
    slope: float = 1.0
    normalised: float = -0.35
    margin: float = -1.5
    reask: float = -0.4
    agreement: float = 0.9
    dissent: float = -0.7


BY_HAND = Weights()
"""Set by hand as the priors are: each is about what doubles or halves the odds, but for the link,
on which a fact stands or falls. What is fitted is drawn towards these."""

WEIGHTS_FILE = Path(__file__).parent / "weights.json"
"""The weights that ship: fitted by `python -m benchmarks.calibration` to labelled documents."""


class WeightsError(ValueError):
    """A file does not hold weights; the message says what is wrong."""


def read_weights(file: Path) -> Weights:
    """Read weights.

    Args:
        file: JSON as `write_weights` writes it.

    Raises:
        WeightsError: It cannot be read, lacks a weight, or has one that is no finite number or
            turns its signal round.
    """
    try:
        given = json.loads(file.read_text(encoding="utf-8"))["weights"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{file} holds no weights: {error}") from None
    names = {each.name for each in fields(Weights)}
    if not isinstance(given, dict) or set(given) != names:
        raise WeightsError(f"{file}: weights are {', '.join(sorted(names))}, and no others")
    for name, value in given.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise WeightsError(f"{file}: {name} is no number")
        if not math.isfinite(value) or DIRECTIONS.get(name, 0) * value < 0:
            raise WeightsError(f"{file}: {name} cannot be {value}")
    return Weights(**{name: float(value) for name, value in given.items()})


def write_weights(weights: Weights, file: Path, **about: object) -> None:
    """Write weights and what is to be known of them; the same give the same bytes."""
    content = {"weights": asdict(weights), "about": about}
    file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


DIRECTIONS = {
    "slope": 1, "normalised": -1, "margin": -1, "reask": -1, "agreement": 1, "dissent": -1,
}  # fmt: skip
"""Which way a signal moves a confidence; no weight may turn it round, whatever is fitted."""


WEIGHTS = read_weights(WEIGHTS_FILE)
"""The weights that ship."""


@dataclass(frozen=True)
class Signals:
    """What is known of how a fact was found.

    Attributes:
        base: Share of such facts that hold where nothing speaks for or against one: the figure of
            the pattern and link for rules, the prior of the extractor for others.
        margin: Lead of the linked candidate over the next, between 0 and 1; 1 where only one fits.
        reasks: How often the answer had to be asked for again.
        agreeing: Extractors that found the fact.
        asked: Extractors that read the text.
    """

    base: float
    margin: float = 1.0
    reasks: int = 0
    agreeing: int = 1
    asked: int = 1


def confidence(signals: Signals, quote_match: str | None, weights: Weights = WEIGHTS) -> float:
    """Return how sure a fact is.

    Args:
        signals: How it was found.
        quote_match: ``exact`` or ``normalised``, None where the quote was not found.
        weights: What each signal counts.

    Returns:
        Between `LOWEST` and `HIGHEST`, to four places.
    """
    given = asdict(weights)
    odds = math.fsum(given[name] * value for name, value in moves(signals, quote_match).items())
    return round(min(max(1.0 / (1.0 + math.exp(-odds)), LOWEST), HIGHEST), 4)


def moves(signals: Signals, quote_match: str | None) -> dict[str, float]:
    """What each weight is multiplied with, by its name; their sum is the log odds of the fact.

    Args:
        signals: How the fact was found.
        quote_match: ``exact`` or ``normalised``, None where the quote was not found.
    """
    base = min(max(signals.base, LOWEST), HIGHEST)
    return {
        "intercept": 1.0,
        "slope": math.log(base / (1.0 - base)),
        "normalised": float(quote_match == NORMALISED),
        "margin": 1.0 - signals.margin,
        "reask": float(signals.reasks),
        "agreement": float(signals.agreeing - 1),
        "dissent": float(signals.asked - signals.agreeing),
    }


@dataclass(frozen=True)
class Bin:
    """A stretch of the reliability curve.

    Attributes:
        lower: Smallest confidence in it.
        upper: Largest confidence in it.
        facts: How many facts are in it.
        confidence: Their mean confidence.
        correct: The share of them that hold.
        low: Lower end of the 95 % interval of that share (Wilson).
        high: Its upper end.
    """

    lower: float
    upper: float
    facts: int
    confidence: float
    correct: float
    low: float
    high: float


def reliability(judged: Sequence[tuple[float, bool]], bins: int = 10) -> list[Bin]:
    """Make the reliability curve of facts whose truth is known.

    Args:
        judged: The confidence of each fact, and whether it holds.
        bins: How many bins of equally many facts there are; facts of one confidence share a bin.

    Returns:
        The bins by rising confidence; none where nothing was judged.

    Raises:
        ValueError: There is no bin.
    """
    if bins < 1:
        raise ValueError(f"a curve needs at least one bin, not {bins}")
    ordered = sorted(judged)
    size = math.ceil(len(ordered) / bins)
    found: list[Bin] = []
    start = 0
    while start < len(ordered):
        end = min(start + size, len(ordered))
        while end < len(ordered) and ordered[end][0] == ordered[end - 1][0]:
            end += 1
        part = ordered[start:end]
        right = sum(holds for _, holds in part)
        low, high = wilson(right, len(part))
        mean = math.fsum(sure for sure, _ in part) / len(part)
        found.append(Bin(part[0][0], part[-1][0], len(part), mean, right / len(part), low, high))
        start = end
    return found


def calibration_error(curve: Sequence[Bin]) -> float:
    """Return the expected calibration error: the mean gap of confidence and truth over all facts.

    See Naeini, Cooper and Hauskrecht (2015), https://doi.org/10.1609/aaai.v29i1.9602.
    """
    facts = sum(each.facts for each in curve)
    gaps = math.fsum(each.facts * abs(each.confidence - each.correct) for each in curve)
    return gaps / facts if facts else 0.0


def wilson(right: int, count: int, z: float = 1.959964) -> tuple[float, float]:
    """Return the Wilson score interval of a share.

    Args:
        right: How many hold.
        count: Out of how many, at least one.
        z: Quantile of the normal distribution; by default that of 95 %.
    """
    share = right / count
    spread = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    centre = share + z * z / (2 * count)
    scale = 1 + z * z / count
    return (centre - spread) / scale, (centre + spread) / scale
