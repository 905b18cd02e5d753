"""Scores of facts against labels, and two extractors compared on the same texts, with intervals.

Intervals are percentile bootstraps over documents (Efron and Tibshirani 1993, chapter 13): facts of
one document are not independent, so documents are drawn and not facts. Two extractors are drawn
together, so that what is hard in a document is hard for both and does not widen the interval of
their difference.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

RESAMPLES = 2_000
"""Samples of the bootstrap; the interval's ends then move by less than 0.005."""

SEED = 1

Numbers: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class Counts:
    """Facts of a document, or of several, against the labels.

    Attributes:
        right: Found and labelled.
        wrong: Found and not labelled.
        missing: Labelled and not found.
    """

    right: int = 0
    wrong: int = 0
    missing: int = 0

    @property
    def scores(self) -> tuple[float, float, float]:
        """Precision, recall and F1; 0 where nothing was found or labelled."""
        precision, recall, f1 = _scores(np.array([[self.right, self.wrong, self.missing]], float))
        return float(precision[0]), float(recall[0]), float(f1[0])


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """The figure and its interval, with three decimals."""
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


@dataclass(frozen=True, slots=True)
class Scores:
    """Precision, recall and F1 over all documents, or the difference of two of each."""

    precision: Estimate
    recall: Estimate
    f1: Estimate


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two extractors on the same documents.

    Attributes:
        first: Scores of the first.
        second: Scores of the second.
        difference: Those of the second less those of the first.
    """

    first: Scores
    second: Scores
    difference: Scores


def tally(labelled: Collection[Hashable], found: Collection[Hashable]) -> Counts:
    """Compare what was found in a document with its labels."""
    wanted, given = set(labelled), set(found)
    right = len(wanted & given)
    return Counts(right, len(given) - right, len(wanted) - right)


def total(counts: Iterable[Counts]) -> Counts:
    """Add the counts of several documents."""
    rows = [(each.right, each.wrong, each.missing) for each in counts]
    return Counts(*(sum(column) for column in zip(*rows, strict=True))) if rows else Counts()


def scores(counts: Sequence[Counts], *, resamples: int = RESAMPLES, seed: int = SEED) -> Scores:
    """Score an extractor.

    Args:
        counts: Its counts in each document.
        resamples: Samples of the bootstrap.
        seed: Decides which documents are drawn.
    """
    drawn = _drawn([_table(counts)], resamples, seed)
    return _estimates(counts, drawn[0])


def compare(
    first: Sequence[Counts],
    second: Sequence[Counts],
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Comparison:
    """Compare two extractors.

    Args:
        first: Counts of the first in each document.
        second: Counts of the second in the same documents, in the same order.
        resamples: Samples of the bootstrap.
        seed: Decides which documents are drawn, the same for both.

    Raises:
        ValueError: They were not counted in the same number of documents.
    """
    if len(first) != len(second):
        raise ValueError(
            f"the first extractor was counted in {len(first)} documents and the second in "
            f"{len(second)}: let both read the same"
        )
    one, other = _drawn([_table(first), _table(second)], resamples, seed)
    before, after = total(first).scores, total(second).scores
    difference = Scores(
        *(
            _estimate(new - old, sample)
            for old, new, sample in zip(before, after, other - one, strict=True)
        )
    )
    return Comparison(_estimates(first, one), _estimates(second, other), difference)


def compare_facts(
    labelled: Mapping[str, Collection[Hashable]],
    first: Mapping[str, Collection[Hashable]],
    second: Mapping[str, Collection[Hashable]],
) -> Comparison:
    """Compare two extractors by their facts.

    Args:
        labelled: For each document that is labelled whole, also one without facts, its facts.
        first: Facts of the first extractor by document; those of other documents do not count.
        second: Facts of the second.
    """
    documents = sorted(labelled)
    return compare(
        *(
            [tally(labelled[each], found.get(each, ())) for each in documents]
            for found in (first, second)
        )
    )


def dollars_for_each(dollars: float, accepted: int) -> float | None:
    """What each accepted fact cost; None where none was accepted."""
    return round(dollars / accepted, 6) if accepted else None


def _table(counts: Sequence[Counts]) -> Numbers:
    rows = [(each.right, each.wrong, each.missing) for each in counts]
    return np.array(rows, np.float64).reshape(-1, 3)


def _drawn(tables: Sequence[Numbers], resamples: int, seed: int) -> list[Numbers]:
    """Draw documents again and again; precision, recall and F1 of each sample, for each table."""
    size = len(tables[0])
    if not size:
        return [np.zeros((3, resamples)) for _ in tables]
    # How often each document is drawn is all that counts, and small enough for many documents.
    draw = np.random.default_rng(seed)
    sums: list[list[Numbers]] = [[] for _ in tables]
    for _ in range(resamples):
        times = np.bincount(draw.integers(0, size, size), minlength=size)
        for table, rows in zip(tables, sums, strict=True):
            rows.append(times @ table)
    return [np.stack(_scores(np.stack(rows))) for rows in sums]


def _scores(sums: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    right, wrong, missing = sums.T
    precision = right / np.maximum(1, right + wrong)
    recall = right / np.maximum(1, right + missing)
    f1 = 2 * right / np.maximum(1, 2 * right + wrong + missing)
    return precision, recall, f1


def _estimates(counts: Sequence[Counts], samples: Numbers) -> Scores:
    values = total(counts).scores
    return Scores(*(_estimate(value, each) for value, each in zip(values, samples, strict=True)))


def _estimate(value: float, samples: Numbers) -> Estimate:
    low, high = np.percentile(samples, [2.5, 97.5])
    return Estimate(value, float(low), float(high))
