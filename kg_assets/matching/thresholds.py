"""Thresholds without labels: for each pair of sources, found in the scores themselves.

Three methods look at a histogram of match weights, one bin each half bit:

- ``one_to_one``: a source without duplicates holds at most one partner of a record. Of two pairs
  above the cut the lesser is false, so the share of such pairs says how many are false at each
  weight, also among those that nothing contradicts.
- ``valley``: matches and the rest make two hills; the threshold lies where they meet.
- ``calibrated``: the model's own probabilities, with the share of matches estimated anew for this
  pair of sources.

`choose` says in which order they are asked. Where none has enough to go by, the declared threshold
stays, and the method says so.
"""

# ruff: noqa: S608 - names of views are ours.

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import duckdb

    Numbers: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

STEP = 0.5
"""Bits of match weight of one bin."""

REACH = 40.0
"""Weights beyond so many bits to either side count with those at it."""

FEWEST_PAIRS = 100
"""Scored pairs of a pair of sources from which its threshold is measured."""

FEWEST_MATCHES = 30
"""Pairs above the declared threshold from which it is: fewer make no hill and no share."""

MOST_BITS = 6.0
"""How far a measured threshold may lie from the declared one: odds of 64 to one."""

LEAST_COVERAGE = 0.1
"""Share of sure non-matches whose record has a partner elsewhere, below which that two pairs meet
in one record says too little."""

SURE_BITS = 10.0
"""Bits below the declared threshold from which a pair surely is no match: odds of 1,000 to one."""

VALLEY_DEPTH = 0.5
"""Height of the valley at most, as a share of the lower of the two hills."""

DECLARED = "declared"
CONFIGURED = "configured"
ONE_TO_ONE = "one_to_one"
BORROWED = "borrowed"
VALLEY = "valley"
CALIBRATED = "calibrated"


@dataclass(frozen=True)
class Choice:
    """A threshold, and how it was found.

    Attributes:
        threshold: Match probability.
        method: The method that it was found with.
        notes: What speaks for it, or why it could not be measured.
    """

    threshold: float
    method: str
    notes: str


@dataclass(frozen=True)
class Evidence:
    """What the scores of one pair of sources hold, by bin of match weight.

    Attributes:
        pairs: Scored pairs without veto in each bin.
        contested: Those of them of whose records one has a better partner in the other source,
            which is free of duplicates.
        covered: Those with a partner at or above the declared threshold.
        contestable: Whether one of the two sources is free of duplicates.
    """

    pairs: Numbers
    contested: Numbers
    covered: Numbers
    contestable: bool


def edges() -> Numbers:
    """Lower edge of each bin in bits of match weight; the first and last bins are open."""
    return np.arange(-REACH, REACH, STEP)


def weight_of(probability: float) -> float:
    """The match weight (log2 of the odds) of a match probability."""
    return math.log2(probability / (1 - probability))


def probability_of(weight: float) -> float:
    """The match probability of a match weight."""
    return float(1 / (1 + 2.0**-weight))


Pair: TypeAlias = tuple[str, str]
"""Two sources, the smaller name first; both may be the same."""


def choose(found: Mapping[Pair, Evidence], threshold: float) -> dict[Pair, Choice]:
    """Choose the threshold of each pair of sources.

    Args:
        found: Evidence by pair of sources.
        threshold: The declared threshold.

    Returns:
        The choices: `one_to_one` where it can be told, what it found elsewhere (``borrowed``), a
        clear `valley`, else the declared threshold.
    """
    declared = weight_of(threshold)
    chosen: dict[Pair, Choice] = {}
    offsets: list[tuple[float, float]] = []
    waiting: dict[Pair, str] = {}
    for pair, evidence in found.items():
        matches = evidence.pairs[edges() >= declared].sum()
        if evidence.pairs.sum() < FEWEST_PAIRS or matches < FEWEST_MATCHES:
            chosen[pair] = Choice(
                threshold,
                DECLARED,
                f"too few pairs: {evidence.pairs.sum():.0f}, {matches:.0f} of them above",
            )
            continue
        cut, notes = one_to_one(evidence, declared)
        if cut is None:
            waiting[pair] = notes
            continue
        cut = _within(cut, declared)
        offsets.append((cut - declared, matches))
        chosen[pair] = Choice(probability_of(cut), ONE_TO_ONE, notes)
    for pair, why in waiting.items():
        if offsets:
            offset = _weighted_median(offsets)
            chosen[pair] = Choice(
                probability_of(declared + offset),
                BORROWED,
                f"{why}; {offset:+.1f} bits as between other sources",
            )
            continue
        cut, notes = valley(found[pair], declared)
        if cut is None:
            chosen[pair] = Choice(threshold, DECLARED, f"{why}; {notes}")
        else:
            chosen[pair] = Choice(probability_of(_within(cut, declared)), VALLEY, notes)
    return chosen


def _within(cut: float, declared: float) -> float:
    return min(max(cut, declared - MOST_BITS), declared + MOST_BITS)


def _weighted_median(values: Sequence[tuple[float, float]]) -> float:
    ordered = sorted(values)
    half = sum(weight for _, weight in ordered) / 2
    through = 0.0
    for value, weight in ordered:
        through += weight
        if through >= half:
            return value
    return ordered[-1][0]


def make_evidence(
    con: duckdb.DuckDBPyConnection, scores_view: str, sources_view: str, declared: float
) -> None:
    """Make the table ``threshold_evidence``: counts by pair of sources and bin.

    Args:
        con: The connection.
        scores_view: Name of a view of the table match_scores.
        sources_view: Name of a view with source and duplicate_free.
        declared: The declared threshold, a match probability.
    """
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE threshold_evidence AS
        WITH pair AS (
            SELECT score.record_l,
                   score.record_r,
                   score.match_weight AS weight,
                   l.source AS of_l,
                   r.source AS of_r,
                   l.duplicate_free AND l.source <> r.source AS free_l,
                   r.duplicate_free AND l.source <> r.source AS free_r
            FROM {scores_view} AS score
            JOIN {sources_view} AS l ON l.source = split_part(score.record_l, ':', 1)
            JOIN {sources_view} AS r ON r.source = split_part(score.record_r, ':', 1)
            WHERE score.veto IS NULL
        ),
        placed AS (
            SELECT of_l,
                   of_r,
                   weight,
                   free_l OR free_r AS contestable,
                   free_r AND row_number() OVER left_record > 1
                       OR free_l AND row_number() OVER right_record > 1 AS contested,
                   free_r AND max(weight) OVER left_record >= $strong
                       OR free_l AND max(weight) OVER right_record >= $strong AS covered
            FROM pair
            WINDOW left_record AS (
                       PARTITION BY record_l, of_r
                       ORDER BY weight DESC, record_r
                   ),
                   right_record AS (
                       PARTITION BY record_r, of_l
                       ORDER BY weight DESC, record_l
                   )
        )
        SELECT least(of_l, of_r) AS source_l,
               greatest(of_l, of_r) AS source_r,
               least(greatest(floor((weight + $reach) / $step), 0), $last)::INTEGER AS bin,
               count(*) AS pairs,
               count(*) FILTER (contested) AS contested,
               count(*) FILTER (covered) AS covered,
               bool_or(contestable) AS contestable
        FROM placed
        GROUP BY ALL
        """,
        {
            "strong": weight_of(declared),
            "reach": REACH,
            "step": STEP,
            "last": len(edges()) - 1,
        },
    )


def read_evidence(con: duckdb.DuckDBPyConnection, source_l: str, source_r: str) -> Evidence:
    """The evidence of one pair of sources, from the table that `make_evidence` made."""
    counts = np.zeros((3, len(edges())))
    contestable = False
    for place, pairs, contested, covered, can in con.sql(
        """
        SELECT bin, pairs, contested, covered, contestable
        FROM threshold_evidence
        WHERE source_l = $l
          AND source_r = $r
        """,
        params={"l": source_l, "r": source_r},
    ).fetchall():
        counts[:, place] = pairs, contested, covered
        contestable = contestable or can
    return Evidence(counts[0], counts[1], counts[2], contestable)


def one_to_one(found: Evidence, declared: float) -> tuple[float | None, str]:
    """The weight from which a pair is more likely a match than not, from what is contested.

    That a false pair is contested means that its record has its true partner elsewhere, which
    has nothing to do with the pair's own weight. So of the false pairs of a bin the same share
    is contested as of pairs that surely are false (their coverage), while true pairs are not:
    the false pairs of a bin are those contested, divided by the coverage. The estimate is that of
    learning from positive and unlabelled examples with a constant label frequency (Elkan and
    Noto, 2008). The cut is where pairs above less false pairs above are most; of cuts within one
    standard error of the best, the one nearest to the declared threshold (Breiman's rule).

    Args:
        found: The evidence.
        declared: Declared threshold in bits.

    Returns:
        The weight, None where it cannot be told, and notes.
    """
    if not found.contestable:
        return None, "neither source is free of duplicates"
    low = edges() <= declared - SURE_BITS
    sure = found.pairs[low].sum()
    if sure < FEWEST_PAIRS:
        # Blocking left few sure non-matches; those below even odds stand for them.
        low = edges() < min(0.0, declared - 2 * STEP)
        sure = found.pairs[low].sum()
    if sure < FEWEST_PAIRS:
        return None, f"only {sure:.0f} pairs that surely are no match"
    coverage = found.covered[low].sum() / sure
    if coverage < LEAST_COVERAGE:
        return None, f"only {coverage:.0%} of non-matches meet a match in one record"
    # A false pair takes away what a true one gives.
    gain = found.pairs - 2 * found.contested / coverage
    noise = 4 * found.contested / coverage**2
    cut, best = _nearest(gain, noise, declared)
    above = edges() >= cut
    false = min(1.0, found.contested[above].sum() / coverage / max(1.0, found.pairs[above].sum()))
    return cut, (
        f"{found.contested[above].sum():.0f} of {found.pairs[above].sum():.0f} pairs above meet a "
        f"better one in one record, where {coverage:.0%} of non-matches do: {false:.1%} false "
        f"before clustering; best alone {best:+.1f} bits"
    )


def _nearest(gain: Numbers, noise: Numbers, declared: float) -> tuple[float, float]:
    """Of the cuts whose gain is as good as the best but for noise, the nearest to the declared."""
    candidates = edges()
    total = np.cumsum(gain[::-1])[::-1]
    best = int(np.argmax(total))
    spread = np.concatenate([[0.0], np.cumsum(noise)])
    between = np.abs(spread[: len(candidates)] - spread[best])
    good = total >= total[best] - np.sqrt(between)
    # Cuts beyond one that is worse belong to another hill.
    first, last = best, best
    while first > 0 and good[first - 1]:
        first -= 1
    while last + 1 < len(good) and good[last + 1]:
        last += 1
    low, high = candidates[first], candidates[last]
    return float(min(max(declared, low), high)), float(candidates[best])


def valley(found: Evidence, declared: float) -> tuple[float | None, str]:
    """A weight between the hills of matches and of non-matches.

    The histogram is smoothed with a growing Gaussian until two hills are left (Silverman, 1981).
    All that is low around the lowest place between them is the valley, and where in it a cut lies
    means little: the place nearest to the declared threshold is taken.

    Args:
        found: The evidence.
        declared: Declared threshold in bits.

    Returns:
        The weight, None where there is no clear valley, and notes.
    """
    # Roots of counts have the same error everywhere; else the noise of the greater hill would
    # hide the lesser.
    roots = np.sqrt(found.pairs)
    for width in np.arange(1.0, 17.0, 1.0):
        smooth = _smooth(roots, width)
        hills = _hills(smooth)
        if len(hills) <= 2:
            break
    if len(hills) != 2:
        return None, f"{len(hills)} hills"
    first, last = hills
    place = first + int(np.argmin(smooth[first : last + 1]))
    height = (smooth / min(smooth[first], smooth[last])) ** 2
    if height[place] > VALLEY_DEPTH / 2:
        return None, f"the valley is {height[place]:.0%} as high as the lower hill"
    left = right = place
    while left > first and height[left - 1] <= VALLEY_DEPTH:
        left -= 1
    while right < last and height[right + 1] <= VALLEY_DEPTH:
        right += 1
    low, high = edges()[left], edges()[right]
    return float(min(max(declared, low), high)), (
        f"hills at {edges()[first]:+.1f} and {edges()[last]:+.1f} bits, low from {low:+.1f} to "
        f"{high:+.1f}, the lowest {height[place]:.0%} as high as the lower hill"
    )


def _smooth(values: Numbers, width: float) -> Numbers:
    reach = int(4 * width)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    return np.asarray(np.convolve(values, kernel / kernel.sum(), mode="same"))


def _hills(smooth: Numbers) -> list[int]:
    padded = np.concatenate([[0.0], smooth, [0.0]])
    higher = (padded[1:-1] > padded[:-2]) & (padded[1:-1] >= padded[2:])
    return [int(place) for place in np.flatnonzero(higher & (smooth > 0.05))]


def calibrated(found: Evidence, declared: float) -> tuple[float | None, str]:
    """The weight at which a match is as certain as declared, from two bells fitted to the weights.

    The model's probabilities are too sure of themselves, since its comparisons are not
    independent. The weights of matches and of the rest are each taken to be normal; shares, means
    and spreads come from expectation maximisation, and the calibrated probability is that of the
    upper bell (Belin and Rubin, 1995, without their transformation of the weights).

    Returns:
        The weight and notes; None where there are no two bells.
    """
    middles = edges() + STEP / 2
    pairs = found.pairs
    upper = (middles >= declared).astype(np.float64)
    for _ in range(200):
        bells = []
        for belongs in (1 - upper, upper):
            counts = pairs * belongs
            size = counts.sum()
            if size < FEWEST_MATCHES:
                return None, "one of the two bells is empty"
            mean = float((counts * middles).sum() / size)
            spread = max(1.0, float(np.sqrt((counts * (middles - mean) ** 2).sum() / size)))
            bells.append((size / pairs.sum(), mean, spread))
        logs = [
            np.log(share) - np.log(spread) - 0.5 * ((middles - mean) / spread) ** 2
            for share, mean, spread in bells
        ]
        new = 1 / (1 + np.exp(np.clip(logs[0] - logs[1], -700, 700)))
        done = np.abs(new - upper).max() < 1e-6
        upper = new
        if done:
            break
    (_, low, _), (share, high, _) = bells
    between = (middles > low) & (middles < high) & (upper >= probability_of(declared))
    if high - low < 2 * STEP or not between.any():
        return None, "the two bells lie over each other"
    cut = float(edges()[np.flatnonzero(between)[0]])
    return cut, (f"bells at {low:+.1f} and {high:+.1f} bits, {share:.1%} of pairs in the upper")


def with_thresholds(
    con: duckdb.DuckDBPyConnection, scores_view: str, thresholds_view: str, declared: float
) -> duckdb.DuckDBPyRelation:
    """Scores with the column ``threshold``: that of their pair of sources.

    Args:
        con: The connection.
        scores_view: Name of a view with record_l and record_r.
        thresholds_view: Name of a view of the table match_thresholds.
        declared: The threshold of a pair of sources that has none.
    """
    return con.sql(
        f"""
        SELECT score.*, coalesce(chosen.threshold, {float(declared)!r}) AS threshold
        FROM {scores_view} AS score
        LEFT JOIN {thresholds_view} AS chosen
          ON chosen.source_l = least(
                 split_part(record_l, ':', 1), split_part(record_r, ':', 1))
         AND chosen.source_r = greatest(
                 split_part(record_l, ':', 1), split_part(record_r, ':', 1))
        """
    )
