"""How facts that extractors found agree with what people judged of them.

A fact is right if its judgement accepts it; a corrected one is wrong as it was read. What is
measured is what the gate decided, before people did: judgements bind what is published, so that
agrees with them by construction. Judged facts are no sample of all facts: those are asked for on
which a judgement would change most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kg_assets.inference.confidence import Signals, wilson

if TYPE_CHECKING:
    import duckdb

_DISPUTED = ("conflict", "cardinality", "cycle")
"""Reasons of facts of which confidence says nothing: they fell for another one."""


@dataclass(frozen=True)
class JudgedFact:
    """A fact as its extractor found it, and whether it holds.

    Attributes:
        entity_type: Type of the subject.
        extractor: Who found it.
        relation: Its relation.
        document_id: The text.
        kept: Whether the gate kept it, also as a proposal.
        counts: Whether its confidence says how sure it is: it did not fall for another fact.
        confidence: As the build computed it.
        signals: What that was computed from.
        quote_match: exact or normalised.
        holds: Whether a person accepted it.
    """

    entity_type: str
    extractor: str
    relation: str
    document_id: str
    kept: bool
    counts: bool
    confidence: float
    signals: Signals
    quote_match: str | None
    holds: bool


def judged_facts(con: duckdb.DuckDBPyConnection, facts: str) -> list[JudgedFact]:
    """Read the judged facts of a type; they are as many as people can judge.

    Args:
        con: Connection with what `binding.bind` leaves.
        facts: Name of the view of inferred_relations that it was given.
    """
    rows = con.sql(
        f"""
        SELECT
            fact.subject_type,
            fact.extractor,
            fact.relation,
            fact.document_id,
            fact.status IN ('accepted', 'proposed') AS kept,
            split_part(coalesce(fact.reason, ''), ':', 1) AS reason,
            fact.confidence,
            fact.signals,
            fact.quote_match,
            judgement.verdict = 'accept' AS holds
        FROM {facts} AS fact
        JOIN binding USING (fact_id)
        JOIN resolved_judgement AS judgement
            ON judgement.id = binding.judgement
        WHERE NOT fact.negated
            AND fact.start IS NOT NULL
        ORDER BY fact.fact_id
        """  # noqa: S608 - our own name
    ).to_arrow_table()
    return [_fact(row) for row in rows.to_pylist()]


def _fact(row: Mapping[str, Any]) -> JudgedFact:
    return JudgedFact(
        entity_type=row["subject_type"],
        extractor=row["extractor"],
        relation=row["relation"],
        document_id=row["document_id"],
        kept=row["kept"],
        counts=row["reason"] not in _DISPUTED,
        confidence=row["confidence"],
        signals=Signals(**row["signals"]),
        quote_match=row["quote_match"],
        holds=row["holds"],
    )


@dataclass(frozen=True)
class FactPrecision:
    """How many judged facts of an extractor and a relation are right.

    Attributes:
        extractor: The extractor; all: of all.
        relation: The relation; all: of all.
        judged: Facts that people judged.
        right: Those that hold.
        kept: Those that the gate kept.
        kept_right: Of these those that hold.
    """

    extractor: str
    relation: str
    judged: int
    right: int
    kept: int
    kept_right: int

    @property
    def precision(self) -> float | None:
        """Share of the kept facts that hold; None where none was kept."""
        return self.kept_right / self.kept if self.kept else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of that share (Wilson)."""
        return wilson(self.kept_right, self.kept) if self.kept else None

    def as_dict(self) -> dict[str, Any]:
        """All figures by name."""
        return {
            "extractor": self.extractor,
            "relation": self.relation,
            "judged": self.judged,
            "right": self.right,
            "kept": self.kept,
            "kept_right": self.kept_right,
            "precision": self.precision,
            "interval": self.interval,
        }


def precisions(judged: Sequence[JudgedFact]) -> list[FactPrecision]:
    """Count by extractor and relation, by extractor, and in all."""
    groups: dict[tuple[str, str], list[JudgedFact]] = {}
    for one in judged:
        for key in ((one.extractor, one.relation), (one.extractor, "all"), ("all", "all")):
            groups.setdefault(key, []).append(one)
    return [
        FactPrecision(
            extractor,
            relation,
            judged=len(facts),
            right=sum(one.holds for one in facts),
            kept=sum(one.kept for one in facts),
            kept_right=sum(one.kept and one.holds for one in facts),
        )
        for (extractor, relation), facts in sorted(
            groups.items(), key=lambda item: (item[0][0] == "all", item[0][1] == "all", item[0])
        )
    ]
