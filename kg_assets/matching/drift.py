"""Drift: whether scores and records still look as they did when the model was frozen.

What is compared are shares: of the levels of each comparison (a missing value is one), of match
weights in steps of four bits, and of frequent terms. The figure is the population stability index,
the sum over buckets of (now - then) * ln(now / then); from 0.1 a shift is worth a look and from
0.25 a model is out of date (Siddiqi, Credit Risk Scorecards, 2006). Shares of few pairs differ by
chance: the index then is about chi-square over the numbers (Yurdakul and Naranjo, 2020), and only
what exceeds the 99 % quantile of that counts.
"""

# ruff: noqa: S608 - what is put into statements is declared in our own model files.

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kg_assets.checks import Check, Verdict
from kg_assets.matching import tables
from kg_assets.matching.record_counts import OTHER, TERM, record_counts
from kg_assets.matching.want_of_data import ENOUGH

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb

    from kg_assets.matching.model import MatchSpec
    from resources.lake import Step

OUT_OF_DATE = 0.25
"""Population stability index from which a model should be trained again (Siddiqi, 2006)."""

WEIGHT_STEP = 4
"""Bits of match weight of a bucket; beyond 24 bits to either side all is one bucket."""

FEWEST = 200
"""Pairs or records on either side below which nothing is said."""

_WEIGHTS = ("weight", "match weight")
"""Kind and item of the match weights: they count all pairs."""


@dataclass(frozen=True)
class Drift:
    """How far the shares of one item have moved.

    Attributes:
        kind: ``level``, ``weight`` or ``term``.
        item: The comparison, or the column of the terms.
        index: Population stability index.
        limit: Index from which the model should be trained again, chance allowed for.
        bucket: The bucket that moved most.
        then: Its share when the model was frozen.
        now: Its share now.
    """

    kind: str
    item: str
    index: float
    limit: float
    bucket: str
    then: float
    now: float

    @property
    def out_of_date(self) -> bool:
        """Whether the model should be trained again."""
        return self.index > self.limit


def counted_scores(scores_view: str, sign: int = 1) -> str:
    """SQL for rows of the table score_counts.

    Args:
        scores_view: Name of a view of rows of the table match_scores.
        sign: -1 to take them away from others.
    """
    return f"""
        SELECT array_to_string(levels, ',') AS levels,
               least(
                   greatest(floor(match_weight / {WEIGHT_STEP}) * {WEIGHT_STEP}, -24), 24
               )::INTEGER AS bucket,
               {sign} * count(*) AS pairs
        FROM {scores_view}
        GROUP BY ALL
        """


def make_profile(
    con: duckdb.DuckDBPyConnection, spec: MatchSpec, counts_view: str, terms: str
) -> duckdb.DuckDBPyRelation:
    """Count levels and weights, beside terms that are counted already.

    Args:
        con: The connection.
        spec: The type's match model.
        counts_view: Name of a view of the table score_counts.
        terms: SQL for the counts of terms: kind, item, bucket, count.

    Returns:
        Rows of kind, item, bucket and count.
    """
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE profiled_score AS
        SELECT string_split(levels, ',') AS levels, bucket, pairs
        FROM {counts_view}
        """
    )
    parts = [
        """
        SELECT 'weight' AS kind, 'match weight' AS item, bucket::VARCHAR AS bucket,
               sum(pairs)::BIGINT AS count
        FROM profiled_score
        GROUP BY ALL
        """
    ]
    parts += [
        f"""
        SELECT 'level', '{one.name}', levels[{place}], sum(pairs)::BIGINT
        FROM profiled_score
        GROUP BY ALL
        """
        for place, one in enumerate(spec.comparisons, 1)
    ]
    return con.sql("\nUNION ALL\n".join((*parts, f"({terms})")))


def compare_profiles(
    then: Mapping[tuple[str, str], Mapping[str, int]],
    now: Mapping[tuple[str, str], Mapping[str, int]],
) -> list[Drift]:
    """How far each item has moved, the furthest first.

    Args:
        then: Counts by bucket, by kind and item, when the model was frozen.
        now: Those of today. Terms that were not frequent then count as the others.
    """
    found = []
    for (kind, item), before in then.items():
        after = dict(now.get((kind, item), {}))
        if kind == TERM:
            other = sum(count for bucket, count in after.items() if bucket not in before)
            after = {bucket: after.get(bucket, 0) for bucket in before}
            after[OTHER] = after.get(OTHER, 0) + other
        if sum(before.values()) >= FEWEST and sum(after.values()) >= FEWEST:
            found.append(_moved(kind, item, before, after))
    return sorted(found, key=lambda one: (one.limit - one.index, one.kind, one.item))


def _moved(kind: str, item: str, before: Mapping[str, int], after: Mapping[str, int]) -> Drift:
    from scipy.stats import chi2

    buckets = sorted({*before, *after})
    # Half a pair in each, so that an empty bucket has a logarithm.
    sizes = [sum(counts.values()) + 0.5 * len(buckets) for counts in (before, after)]
    parts = {}
    for bucket in buckets:
        then, now = (
            (counts.get(bucket, 0) + 0.5) / size
            for counts, size in zip((before, after), sizes, strict=True)
        )
        parts[bucket] = ((now - then) * math.log(now / then), then, now)
    chance = float(chi2.ppf(0.99, max(1, len(buckets) - 1))) * sum(1 / size for size in sizes)
    most = max(buckets, key=lambda bucket: parts[bucket][0])
    return Drift(
        kind=kind,
        item=item,
        index=sum(part for part, _, _ in parts.values()),
        limit=max(OUT_OF_DATE, chance),
        bucket=most,
        then=parts[most][1],
        now=parts[most][2],
    )


def drift_check(spec: MatchSpec) -> Check:
    """The check that says when the model should be trained again."""
    return Check(
        name="drift",
        table=tables.score_profile(spec.entity_type),
        description="Comparison levels, match weights and frequent terms have the shares that "
        "they had when the model was frozen; else train it again: kg build --retrain "
        f"--types {spec.entity_type}.",
        look=lambda step: _look(step, spec),
        blocking=False,
    )


def _look(step: Step, spec: MatchSpec) -> Verdict:
    step.view("drift_counts", tables.score_counts(spec.entity_type))
    step.staged(record_counts(spec.entity_type)).create_view("drift_records", replace=True)
    then = _counts(step.staged(tables.score_profile(spec.entity_type)))
    terms = f"SELECT kind, item, bucket, count FROM drift_records WHERE kind = '{TERM}'"
    now = _counts(make_profile(step.con, spec, "drift_counts", terms))
    found = compare_profiles(then, now)
    few = _too_few(then, now)
    if not found:
        return Verdict(not few, {"compared": 0, "why": f"fewer than {FEWEST} pairs"} | few)
    most = found[0]
    return Verdict(
        not few and not any(one.out_of_date for one in found),
        few
        | {
            "compared": len(found),
            "moved_most": f"{most.kind} {most.item}: {_named(spec, most)} from {most.then:.1%} to "
            f"{most.now:.1%}",
            "index": {f"{one.kind} {one.item}": round(one.index, 4) for one in found},
            "limit": {f"{one.kind} {one.item}": round(one.limit, 4) for one in found},
            "advice": f"kg build --retrain --types {spec.entity_type}"
            if any(one.out_of_date for one in found)
            else "none needed",
        },
    )


def _too_few(
    then: Mapping[tuple[str, str], Mapping[str, int]],
    now: Mapping[tuple[str, str], Mapping[str, int]],
) -> dict[str, str]:
    """What is to be said where there are scores and those of before were too few to compare."""
    before, after = (sum(counts.get(_WEIGHTS, {}).values()) for counts in (then, now))
    if not after or before >= FEWEST:
        return {}
    return {
        "too_few": f"of {before:,} pairs levels and weights say nothing; what they look like is "
        f"counted again by itself once there are {ENOUGH * FEWEST:,}, and a threshold is measured "
        "once its two sources have enough pairs"
    }


def _named(spec: MatchSpec, one: Drift) -> str:
    """A bucket for people: levels have labels, and are numbered from the last."""
    if one.kind == "weight":
        return f"from {one.bucket} bits"
    if one.kind == "term":
        return repr(one.bucket) if one.bucket else "all other terms"
    level = int(one.bucket)
    (comparison,) = (each for each in spec.comparisons if each.name == one.item)
    return "missing" if level < 0 else repr(comparison.levels[-1 - level].label)


def _counts(rows: duckdb.DuckDBPyRelation) -> dict[tuple[str, str], dict[str, int]]:
    counts: dict[tuple[str, str], dict[str, int]] = {}
    for kind, item, bucket, count in rows.project("kind, item, bucket, count").fetchall():
        counts.setdefault((kind, item), {})[bucket] = count
    return counts
