"""How well scores, and entities, agree with what people judged of pairs.

Labels are the standing judgements of records that are there: ``same`` is a link, ``different`` a
pair that must not be one, ``unsure`` counts neither way. What follows from several judgements is
not added. Two things are compared with them:

- the scores: whether the pair was a candidate, reaches the threshold of its pair of sources and has
  no veto. Judgements have no part in this, so it measures the model. The classifier, which learns
  from them, is cross-validated: it scores each pair as it learns from others;
- the entities: whether both records are in one. Judgements bind these, so after a build they agree
  by construction. What differs was judged since.

Judged pairs are no sample of all pairs: those are asked for on which a judgement would change most.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

from kg_assets.matching.judgements import judged_pairs
from kg_assets.matching.thresholds import with_thresholds

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Agreement:
    """How often a decision agrees with judgements; numbers of pairs.

    Attributes:
        true_positives: Joined and judged same.
        false_positives: Joined and judged different.
        false_negatives: Not joined and judged same.
        true_negatives: Not joined and judged different.
    """

    true_positives: int = 0
    false_positives: int = 0
    false_negatives: int = 0
    true_negatives: int = 0

    @property
    def precision(self) -> float | None:
        """Share of the joined pairs that are the same; None where none is joined."""
        return _share(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> float | None:
        """Share of the same pairs that are joined; None where none is the same."""
        return _share(self.true_positives, self.true_positives + self.false_negatives)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of both; None where no pair is joined or the same."""
        wrong = self.false_positives + self.false_negatives
        return _share(2 * self.true_positives, 2 * self.true_positives + wrong)

    def as_dict(self) -> dict[str, object]:
        """All figures by name."""
        shares = {"precision": self.precision, "recall": self.recall, "f1": self.f1}
        return {**asdict(self), **shares}


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


@dataclass(frozen=True)
class JudgedScores:
    """Agreement with the judgements of an entity type, or of all.

    Attributes:
        scores: What the scores say of the judged pairs.
        entities: What the entities do with them.
        unsure: Pairs that were judged unsure.
        gone: Judgements of records that are not there.
        missed_no_candidates: Of the pairs judged same that scores miss, those never paired.
        missed_vetoed: Those that reach the threshold and that a veto keeps apart.
        missed_below: Those under the threshold.
        taught: Judgements from which the classifier that scores learnt; 0 without one.
        held_out: Whether it scored these pairs as it learns from others.
        shadow: The scorer in the shadow, which decides nothing; None where there is none.
        shadow_scores: What its scores say of the judged pairs, by the same thresholds.
        shadow_silent: Why it says nothing; None where it does.
    """

    scores: Agreement = Agreement()
    entities: Agreement = Agreement()
    unsure: int = 0
    gone: int = 0
    missed_no_candidates: int = 0
    missed_vetoed: int = 0
    missed_below: int = 0
    taught: int = 0
    held_out: bool = False
    shadow: str | None = None
    shadow_scores: Agreement = Agreement()
    shadow_silent: str | None = None

    @property
    def judged(self) -> int:
        """Pairs that count: judged same or different."""
        return sum(asdict(self.scores).values())

    def as_dict(self) -> dict[str, object]:
        """All figures by name."""
        return {
            **asdict(self),
            "scores": self.scores.as_dict(),
            "entities": self.entities.as_dict(),
            "shadow_scores": self.shadow_scores.as_dict(),
        }


def together(parts: Iterable[JudgedScores]) -> JudgedScores:
    """The figures of several entity types, pairs counted together."""
    parts = list(parts)

    def added(side: str) -> Agreement:
        each = [getattr(part, side) for part in parts]
        return Agreement(
            *(sum(getattr(one, field.name) for one in each) for field in fields(Agreement))
        )

    numbers = [field.name for field in fields(JudgedScores) if field.type == "int"]
    return JudgedScores(
        added("scores"),
        added("entities"),
        *(sum(getattr(part, name) for part in parts) for name in numbers),
    )


def score_against_judgements(
    con: duckdb.DuckDBPyConnection,
    judgements: duckdb.DuckDBPyRelation,
    records: duckdb.DuckDBPyRelation,
    scores: duckdb.DuckDBPyRelation,
    thresholds: duckdb.DuckDBPyRelation,
    members: duckdb.DuckDBPyRelation,
    *,
    declared: float,
) -> JudgedScores:
    """Compare scores and entities of one type with its judgements.

    Args:
        con: The connection of the relations; views and temporary tables are made on it.
        judgements: Rows of the table judgements of the type.
        records: record_id of its current records.
        scores: Rows of match_scores.
        thresholds: Rows of match_thresholds.
        members: Rows of entity_members.
        declared: Threshold of a pair of sources that has none of its own.

    Raises:
        ContradictionError: What stands contradicts itself.
    """
    counts = judged_pairs(con, judgements, records)
    scores.create_view("judged_any_score", replace=True)
    con.sql("FROM judged_any_score SEMI JOIN judged USING (record_l, record_r)").create_view(
        "judged_score", replace=True
    )
    thresholds.create_view("judged_threshold", replace=True)
    members.create_view("judged_member", replace=True)
    with_thresholds(con, "judged_score", "judged_threshold", declared).create_view(
        "judged_decision", replace=True
    )
    names = ("true_positives", "false_positives", "false_negatives", "true_negatives")
    row = con.sql(_COUNTS).fetchall()[0]
    return JudgedScores(
        scores=Agreement(**dict(zip(names, row[:4], strict=True))),
        entities=Agreement(**dict(zip(names, row[4:8], strict=True))),
        unsure=counts.unsure,
        gone=counts.gone,
        missed_no_candidates=row[8],
        missed_vetoed=row[9],
        missed_below=row[10],
    )


_COUNTS = """
WITH member AS (
    SELECT source || ':' || source_id AS record_id, entity_id
    FROM judged_member
),
pair AS (
    SELECT
        j.verdict = 'same' AS same,
        d.record_l IS NOT NULL AS candidate,
        coalesce(d.match_probability >= d.threshold, false) AS reached,
        d.veto IS NOT NULL AS vetoed,
        coalesce(l.entity_id = r.entity_id, false) AS together
    FROM judged AS j
    LEFT JOIN judged_decision AS d USING (record_l, record_r)
    LEFT JOIN member AS l ON l.record_id = j.record_l
    LEFT JOIN member AS r ON r.record_id = j.record_r
    WHERE j.verdict <> 'unsure'
),
decided AS (
    SELECT *, reached AND NOT vetoed AS joined
    FROM pair
)
SELECT
    count(*) FILTER (joined AND same),
    count(*) FILTER (joined AND NOT same),
    count(*) FILTER (NOT joined AND same),
    count(*) FILTER (NOT joined AND NOT same),
    count(*) FILTER (together AND same),
    count(*) FILTER (together AND NOT same),
    count(*) FILTER (NOT together AND same),
    count(*) FILTER (NOT together AND NOT same),
    count(*) FILTER (same AND NOT candidate),
    count(*) FILTER (same AND reached AND vetoed),
    count(*) FILTER (same AND candidate AND NOT reached)
FROM decided
"""
