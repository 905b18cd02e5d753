"""What people decided of facts as labels of texts, and how well extractors agree with them.

Only what people judged counts: a text is not labelled whole, so a fact that nobody judged is
neither right nor wrong. Recall is that of the facts that people say hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kg_assets.inference.evidence import ACCEPTED, PROPOSED
from kg_assets.inference.gazetteer import name_key
from kg_assets.inference.paired import Comparison, Estimate, Scores, compare_facts

if TYPE_CHECKING:
    import duckdb

Claim = tuple[str, str]
"""A relation and its object: an entity, or the key of a name where none is known."""


@dataclass(frozen=True)
class Labelled:
    """Claims that people judged in texts.

    Attributes:
        holds: By text and claim, whether it holds.
    """

    holds: Mapping[str, Mapping[Claim, bool]]

    @property
    def claims(self) -> int:
        """How many there are."""
        return sum(len(claims) for claims in self.holds.values())

    def claim_of(self, fact: Mapping[str, Any]) -> Claim | None:
        """The judged claim that a fact makes, None where nobody judged it.

        Args:
            fact: document_id, relation, object_id and object_name.
        """
        judged = self.holds.get(fact["document_id"], {})
        for target in (fact["object_id"], name_key(fact["object_name"])):
            if target is not None and (fact["relation"], target) in judged:
                return fact["relation"], target
        return None

    def compare(
        self, first: Sequence[Mapping[str, Any]], second: Sequence[Mapping[str, Any]]
    ) -> Comparison:
        """Score two extractors on the same claims, with intervals over texts.

        Args:
            first: Facts of the first in the labelled texts (`facts_in`).
            second: Those of the second.
        """
        right = {
            document: [claim for claim, holds in claims.items() if holds]
            for document, claims in self.holds.items()
        }
        return compare_facts(right, self._kept(first), self._kept(second))

    def _kept(self, facts: Sequence[Mapping[str, Any]]) -> dict[str, set[Claim]]:
        kept: dict[str, set[Claim]] = {}
        for fact in facts:
            claim = self.claim_of(fact)
            if claim is not None and fact["status"] in (ACCEPTED, PROPOSED):
                kept.setdefault(fact["document_id"], set()).add(claim)
        return kept


def labelled(con: duckdb.DuckDBPyConnection) -> Labelled:
    """Read what people judged; it is as much as people can judge.

    A rejected fact does not hold, an accepted one does, and of a corrected one the correction
    does. The later of two judgements of a claim counts.

    Args:
        con: Connection with `context` and what `binding.bind` leaves.
    """
    rows = con.sql(
        """
        SELECT
            document_id,
            verdict,
            relation,
            coalesce(object_id, object_key) AS object,
            claim_relation,
            coalesce(claim_id, claim_key) AS claim
        FROM placed_judgement
        WHERE document_id IN (SELECT document_id FROM context)
        ORDER BY time, id, document_id
        """
    ).fetchall()
    holds: dict[str, dict[Claim, bool]] = {}
    for document, verdict, relation, target, claimed, claim in rows:
        judged = holds.setdefault(document, {})
        if verdict != "accept":
            judged[relation, target] = False
        if verdict != "reject":
            judged[claimed, claim] = True
    return Labelled(holds)


def facts_in(con: duckdb.DuckDBPyConnection, facts: str, labels: Labelled) -> list[dict[str, Any]]:
    """Read the facts of an extractor in labelled texts.

    Args:
        con: The connection.
        facts: Name of a view of ours with rows of inferred_relations.
        labels: Which texts are labelled.
    """
    return list(
        con.sql(
            f"""
            SELECT
                context_id,
                document_id,
                relation,
                object_id,
                object_name,
                status
            FROM {facts}
            WHERE list_contains($documents, document_id)
                AND NOT negated
            ORDER BY fact_id
            """,  # noqa: S608 - our own name
            params={"documents": sorted(labels.holds)},
        )
        .to_arrow_table()
        .to_pylist()
    )


def figures(labels: Labelled, compared: Comparison) -> dict[str, Any]:
    """The scores for an asset's metadata: each with the ends of its 95 % interval."""
    return {
        "texts": len(labels.holds),
        "facts": labels.claims,
        "hold": sum(sum(claims.values()) for claims in labels.holds.values()),
        "first": dict(_scores(compared.first)),
        "second": dict(_scores(compared.second)),
        "second_less_first": dict(_scores(compared.difference)),
    }


def _scores(given: Scores) -> Iterator[tuple[str, list[float]]]:
    for name in ("precision", "recall", "f1"):
        each: Estimate = getattr(given, name)
        yield name, [round(value, 4) for value in (each.value, each.low, each.high)]
