"""Thresholds without labels: for each pair of sources, found in the scores themselves.

Two methods look at a histogram of match weights, one bin each half bit:

- ``calibrated``: the model's own probabilities, with the share of matches estimated anew for this
  pair of sources. So a source in which nothing matches itself needs more evidence for a match
  inside it, whether it is declared free of duplicates or not.
- ``one_to_one``: a source without duplicates holds at most one partner of a record. Of two pairs
  above the cut the lesser is false, so the share of such pairs says how many are false at each
  weight, also among those that nothing contradicts.

`choose` says how they are put together. Where there is too little to go by, the declared threshold
stays, and the method says so.
"""

# ruff: noqa: S608 - names of views are ours.

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb

    Numbers: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

STEP = 0.5
"""Bits of match weight of one bin."""

REACH = 40.0
"""Weights beyond so many bits to either side count with those at it."""

FEWEST_PAIRS = 50
"""Scored pairs of a pair of sources from which its threshold is measured."""

FEWEST_MATCHES = 30
"""Pairs above the declared threshold from which it is: fewer make no hill and no share."""

MOST_DOWN, MOST_UP = 6.0, 12.0
"""Bits by which a found threshold may lie below and above the declared one. Among a million records
a match is a thousand times less likely than among a thousand; below, weights are not exact."""

LEAST_COVERAGE = 0.1
"""Share of sure non-matches whose record has a partner elsewhere, below which that two pairs meet
in one record says too little."""

SURE_BITS = 10.0
"""Bits below the declared threshold from which a pair surely is no match: odds of 1,000 to one."""

DECLARED = "declared"
CONFIGURED = "configured"
ONE_TO_ONE = "one_to_one"
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
        possible: How many pairs their records make, candidates or not.
    """

    pairs: Numbers
    contested: Numbers
    covered: Numbers
    contestable: bool
    possible: float


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


def choose(
    found: Mapping[Pair, Evidence], threshold: float, prior: float, *, trained: bool
) -> dict[Pair, Choice]:
    """Choose the threshold of each pair of sources.

    Args:
        found: Evidence by pair of sources.
        threshold: The declared threshold.
        prior: The model's prior, a probability.
        trained: Whether the model's weights were trained. Where they are declared, they are right
            about how pairs rank and may be wrong about how many match: then the share that they
            say can raise a threshold and not lower it.

    Returns:
        The choices: the `calibrated` threshold, moved by what `one_to_one` finds where a source is
        free of duplicates.
    """
    declared = weight_of(threshold)
    chosen: dict[Pair, Choice] = {}
    for pair, evidence in found.items():
        if evidence.pairs.sum() < FEWEST_PAIRS:
            chosen[pair] = Choice(threshold, DECLARED, f"too few pairs: {evidence.pairs.sum():.0f}")
            continue
        cut, notes = calibrated(evidence, declared, weight_of(prior))
        if not trained:
            cut = max(cut, declared)
        method = CALIBRATED
        cut = _within(cut, declared)
        moved, why = one_to_one(evidence, cut)
        if moved is not None and evidence.pairs[edges() >= cut].sum() >= FEWEST_MATCHES:
            method, cut, notes = ONE_TO_ONE, _within(moved, declared), f"{notes}; {why}"
        chosen[pair] = Choice(probability_of(cut), method, notes)
    return chosen


def _within(cut: float, declared: float) -> float:
    return min(max(cut, declared - MOST_DOWN), declared + MOST_UP)


def make_evidence(
    con: duckdb.DuckDBPyConnection, scores_view: str, sources_view: str, declared: float
) -> None:
    """Make the table ``threshold_evidence``: counts by pair of sources and bin.

    Args:
        con: The connection.
        scores_view: Name of a view of the table match_scores.
        sources_view: Name of a view with source, duplicate_free and records: how many it has.
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
                   CASE WHEN l.source = r.source
                        THEN l.records * (l.records - 1) / 2
                        ELSE l.records * r.records END AS possible,
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
                   possible,
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
               bool_or(contestable) AS contestable,
               max(possible)::DOUBLE AS possible
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
    contestable, possible = False, 0.0
    for place, pairs, contested, covered, can, most in con.sql(
        """
        SELECT bin, pairs, contested, covered, contestable, possible
        FROM threshold_evidence
        WHERE source_l = $l
          AND source_r = $r
        """,
        params={"l": source_l, "r": source_r},
    ).fetchall():
        counts[:, place] = pairs, contested, covered
        contestable, possible = contestable or can, max(possible, most)
    return Evidence(counts[0], counts[1], counts[2], contestable, possible)


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


def calibrated(found: Evidence, declared: float, prior: float) -> tuple[float, str]:
    """The weight at which a match is as certain as declared, with the share of matches as found.

    The model's prior is the share of matches among all pairs that records can make. It differs from
    one pair of sources to the next and falls as they grow. Here it is what the weights themselves
    say: the prior under which their match probabilities add up to it (the fixed point of
    expectation maximisation with m and u held). There is one, since the sum grows more slowly than
    the prior's odds.

    Args:
        found: The evidence.
        declared: Declared threshold in bits.
        prior: Prior that is in the weights, in bits.

    Returns:
        The weight and notes.
    """
    middles = edges() + STEP / 2
    offset, matches = 0.0, 0.0
    for _ in range(200):
        matches = float((found.pairs / (1 + 2.0 ** -(middles + offset))).sum())
        share = min(0.5, (matches + 0.5) / (found.possible + 1))
        before, offset = offset, weight_of(share) - prior
        if abs(before - offset) < 1e-4:
            break
    return declared - offset, (
        f"{matches:.0f} of {found.possible:.0f} pairs match, by the weights: a prior of "
        f"{prior + offset:+.1f} bits instead of {prior:+.1f}"
    )


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
