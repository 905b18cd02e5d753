"""Promises about the facts after review: people decide, the queue is short, confidence is true."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from kg_assets.checks import Check, Verdict, none_of
from kg_assets.inference.confidence import calibration_error, reliability
from kg_assets.inference.review.decisions import DISAGREE
from kg_assets.inference.review.scores import judged_facts
from kg_assets.inference.review.tables import fact_queue, reviewed_relations

if TYPE_CHECKING:
    from resources.lake import Step

MOST_OFF = 0.1
"""Mean gap of confidence and truth above which confidence is not to be trusted: a fact of 0.8 may
hold as seldom as one of 0.7."""

FEWEST_REVIEWED = 50
"""Reviewed facts below which the gap says little: with 50, chance alone makes about 0.1 of it."""


def review_checks(entity_type: str) -> tuple[Check, ...]:
    """Promises about the reviewed facts of a type."""
    table = reviewed_relations(entity_type)
    return (
        Check(
            name="judgements_bind",
            table=table,
            description="No fact that a person rejected or corrected stands, and each that a "
            "person accepted does, unless people disagree on it.",
            look=partial(_judgements_bind, entity_type=entity_type),
        ),
        Check(
            name="people_agree",
            table=table,
            description="No two facts that people accepted exclude each other, which may come to "
            "pass where entities are merged. Such facts do not stand and are asked for first.",
            look=partial(_people_agree, entity_type=entity_type),
            blocking=False,
        ),
        Check(
            name="confidence_is_reliable",
            table=table,
            description=f"Over {FEWEST_REVIEWED} or more reviewed facts the mean gap of confidence "
            f"and truth is at most {MOST_OFF}. Else fit it again: kg calibrate.",
            look=partial(_reliable, entity_type=entity_type),
            blocking=False,
        ),
        Check(
            name="reviews_open",
            table=fact_queue(entity_type),
            description="How many facts wait for a person, by kind, and how many are decided.",
            look=partial(_open, entity_type=entity_type),
            blocking=False,
        ),
    )


def _judgements_bind(step: Step, entity_type: str) -> Verdict:
    step.staged(reviewed_relations(entity_type)).create_view("checked_facts", replace=True)
    return none_of(
        step.con.sql(
            f"""
            SELECT
                fact.fact_id,
                fact.status,
                judgement.verdict
            FROM checked_facts AS fact
            JOIN resolved_judgement AS judgement
                ON judgement.id = fact.judgement
            WHERE NOT starts_with(coalesce(fact.reason, ''), '{DISAGREE}')
                AND CASE
                    WHEN fact.extractor = 'review' OR judgement.verdict = 'accept'
                        THEN fact.status = 'rejected' AND fact.start IS NOT NULL
                            AND fact.object_type IS NOT NULL
                    ELSE fact.status <> 'rejected'
                END
            """  # noqa: S608 - constants of ours
        )
    )


def _people_agree(step: Step, entity_type: str) -> Verdict:
    step.staged(reviewed_relations(entity_type)).create_view("checked_facts", replace=True)
    return none_of(
        step.con.sql(
            f"""
            SELECT
                relation,
                subject_id,
                object_name,
                reason,
                reviewer,
                judgement
            FROM checked_facts
            WHERE starts_with(coalesce(reason, ''), '{DISAGREE}')
            ORDER BY subject_id, relation, object_name, fact_id
            """  # noqa: S608 - constants of ours
        )
    )


def _reliable(step: Step, entity_type: str) -> Verdict:
    judged = [one for one in judged_facts(step.con, "fact") if one.counts]
    curve = reliability([(one.confidence, one.holds) for one in judged])
    error = calibration_error(curve)
    figures = {
        "entity_type": entity_type,
        "reviewed": len(judged),
        "gap": round(error, 4),
        "curve": [
            {
                "facts": each.facts,
                "confidence": round(each.confidence, 4),
                "correct": round(each.correct, 4),
            }
            for each in curve
        ],
    }
    return Verdict(len(judged) < FEWEST_REVIEWED or error <= MOST_OFF, figures)


def _open(step: Step, entity_type: str) -> Verdict:
    kinds = step.staged(fact_queue(entity_type)).aggregate("kind, count(*)").order("kind")
    decided = step.staged(reviewed_relations(entity_type)).aggregate(
        "count(*) FILTER (reviewer IS NOT NULL)"
    )
    counts = dict(kinds.fetchall())
    [(done,)] = decided.fetchall()
    return Verdict(True, {"open": sum(counts.values()), **counts, "decided": done})
