"""Expectation maximisation over the levels of pairs: what matches look like, without labels.

Splink's own estimates one class only: it keeps the u probabilities of random pairs. The pairs of a
training rule are no random pairs. Films of one director share country, language and actors whether
they are one film or two, so beside random pairs all of them look like matches, and the m of "titles
differ" becomes the share of pairs whose titles differ. Here both classes are estimated. Declared
values count as some pairs of each class, which keeps every probability above nought and tells which
of the two classes holds the matches (maximum a posteriori with Dirichlet priors; Dempster, Laird
and Rubin, 1977, section 3).
"""

# ruff: noqa: S608 - what is put into statements is declared in our own model files.

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from kg_assets.matching.scorers.interface import Scoring
from kg_assets.matching.scorers.splink_predict import SplinkScorer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import duckdb

    from kg_assets.matching.model import Comparison, MatchSpec

    Numbers: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

MOST_PAIRS = 200_000
"""Pairs of a training rule above this many are thinned out by a hash of the records."""

PRIOR_MATCHES = 50.0
"""How many matching pairs the declared m probabilities count for beside those of training."""

PRIOR_OTHERS = 50.0
"""How many other pairs of a rule the u probabilities of random pairs count for."""

STEPS, CLOSE = 500, 1e-5
"""Steps at most, and the change of the share of matches below which nothing moves any more."""


@dataclass(frozen=True)
class Found:
    """What was learnt of the pairs of one training rule.

    Attributes:
        pairs: How many there are.
        matches: How many of them were taken for matches.
        m: For each comparison that the rule trains, by its place: the m probabilities of its
            levels, best first.
        seen: For the same the number of matches that had something to compare, by level.
    """

    pairs: int
    matches: float
    m: Mapping[int, Numbers]
    seen: Mapping[int, Numbers]


def count_pairs(con: duckdb.DuckDBPyConnection, rule: str) -> int:
    """Pairs of ``training_input`` that a rule makes; those of a source without duplicates none."""
    found: int = con.sql(
        f"""
        SELECT count(*)
        FROM training_input AS l
        JOIN training_input AS r
          ON {_condition(rule)}
        """
    ).fetchall()[0][0]
    return found


def _condition(rule: str) -> str:
    return (
        f"{rule} AND (l.source <> r.source OR NOT l.duplicate_free) AND l.record_id < r.record_id"
    )


def expect(
    con: duckdb.DuckDBPyConnection, spec: MatchSpec, settings: Mapping[str, Any], rule: str
) -> Found:
    """Estimate the m probabilities from the pairs of a training rule.

    Args:
        con: A connection with the tables ``training_input`` and ``counted_term``.
        spec: The type's match model.
        settings: Its Splink settings; m and u are where the search starts.
        rule: Condition over ``l`` and ``r``. Comparisons of columns that it names are not
            trained: all of its pairs agree in them.
    """
    pairs = count_pairs(con, rule)
    share = min(1.0, MOST_PAIRS / max(1, pairs))
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE training_pair AS
        SELECT l.record_id AS record_l, r.record_id AS record_r, 'training' AS rule
        FROM training_input AS l
        JOIN training_input AS r
          ON {_condition(rule)}
        WHERE {share} >= 1
           -- md5 and not DuckDB's own hash, which changes between its versions.
           OR md5_number_lower(l.record_id || '|' || r.record_id) / 18446744073709551616.0 < {share}
        """
    )
    asked = Scoring(spec, dict(settings), "training_pair", "training_input", "counted_term", None)
    with SplinkScorer().scored(con, asked) as rows:
        rows.create_view("training_score", replace=True)
        # A pair that a veto keeps apart is no match whatever else agrees.
        counted = con.sql(
            """
            SELECT levels, count(*) FILTER (veto IS NULL) AS pairs, count(veto) AS vetoed
            FROM training_score
            GROUP BY levels
            ORDER BY levels
            """
        ).fetchall()
    levels = np.array([row[0] for row in counted], dtype=np.int64)
    free, vetoed = (np.array([row[n] for row in counted], dtype=np.float64) for n in (1, 2))
    named = {name.lower() for name in re.findall(r"\b[lr]\.(\w+)", rule)}
    classes = [
        _Classes(one, place, settings, levels[:, place])
        for place, one in enumerate(spec.comparisons)
        if not _names(one, named)
    ]
    matches = _maximise(classes, free, vetoed)
    trained = [one for one in classes if "m" in one.comparison.train]
    return Found(
        pairs=pairs,
        matches=float(matches.sum()),
        m={one.place: one.m for one in trained},
        seen={one.place: one.count(matches) for one in trained},
    )


def _names(one: Comparison, columns: set[str]) -> bool:
    text = " ".join((one.missing, *(level.condition for level in one.levels)))
    return bool(columns & {name.lower() for name in re.findall(r"\b(\w+)_[lr]\b", text)})


class _Classes:
    """One comparison: its level in each pattern of levels, and its probabilities in both classes.

    Args:
        comparison: The comparison.
        place: Its place among those of the model.
        settings: Splink settings with the probabilities to start from.
        found: Its level in each pattern, as Splink numbers them: the best has the greatest
            number, -1 is missing.
    """

    def __init__(
        self, comparison: Comparison, place: int, settings: Mapping[str, Any], found: Any
    ) -> None:
        described = [
            one
            for one in settings["comparisons"][place]["comparison_levels"]
            if not one.get("is_null_level")
        ]
        self.comparison, self.place = comparison, place
        self.m, self.u = (
            _normed(np.array([one[f"{name}_probability"] for one in described]))
            for name in ("m", "u")
        )
        self._declared, self._random = PRIOR_MATCHES * self.m, PRIOR_OTHERS * self.u
        best = len(described) - 1
        self._there = found >= 0
        self._level = np.where(self._there, best - found, 0)

    def log_odds(self) -> Numbers:
        """What the comparison says for a match in each pattern, natural logarithm."""
        weights: Numbers = np.log(self.m) - np.log(self.u)
        return np.where(self._there, weights[self._level], 0.0)

    def count(self, pairs: Numbers) -> Numbers:
        """Pairs at each level, of those that have something to compare."""
        there = self._there
        counted = np.bincount(self._level[there], pairs[there], minlength=len(self.m))
        return counted.astype(np.float64)

    def learn(self, matches: Numbers, others: Numbers) -> None:
        """Take the probabilities from pairs of both classes and those that are declared."""
        self.m = _normed(self.count(matches) + self._declared)
        self.u = _normed(self.count(others) + self._random)


def _normed(values: Numbers) -> Numbers:
    shares: Numbers = values / values.sum()
    return shares


def _maximise(classes: Sequence[_Classes], free: Numbers, vetoed: Numbers) -> Numbers:
    """Matches of each pattern when nothing moves any more."""
    share = 0.5
    matches = np.zeros_like(free)
    for _ in range(STEPS):
        odds = np.log(share) - np.log1p(-share) + sum(one.log_odds() for one in classes)
        matches = free / (1 + np.exp(-np.clip(odds, -500, 500)))
        for one in classes:
            one.learn(matches, free - matches + vetoed)
        # One pair more of each class: neither is ever empty.
        new = float((matches.sum() + 1) / (free.sum() + 2))
        done = abs(new - share) < CLOSE
        share = new
        if done:
            break
    return matches
