"""The gate: what a fact must show before it is kept, and the reason where it does not."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kg_assets.inference.extractors import CandidateFact, Context, Extractor
from kg_assets.inference.gazetteer import name_key
from ontology.schema import Ontology

ACCEPTED = "accepted"
REJECTED = "rejected"


@dataclass(frozen=True)
class Document:
    """What the gate knows of a document.

    Attributes:
        text: Its text, verbatim.
        sha256: SHA-256 of the text in UTF-8.
    """

    text: str
    sha256: str


def judge(
    context: Context, fact: CandidateFact, document: Document | None, ontology: Ontology
) -> str | None:
    """Say why a fact is not kept.

    Args:
        context: What the extractor was given.
        fact: What it proposes.
        document: The document as it is now, None where it is gone.
        ontology: Relations with domain and range.

    Returns:
        The reason, or None where the fact holds. Everything that can be checked without trusting
        the extractor comes first.
    """
    if document is None:
        return "document not found"
    if document.sha256 != context.document_sha256 or _sha256(document.text) != document.sha256:
        return "document changed since it was read"
    if not fact.quote or document.text[fact.start : fact.end] != fact.quote:
        return "quote not found in the document at its offsets"
    if fact.relation not in ontology.relations:
        return f"relation {fact.relation} is not in the ontology"
    if context.entity_type not in ontology.relations[fact.relation].domain:
        return f"domain does not hold: {fact.relation} of a {context.entity_type}"
    if fact.negated:
        return "negated"
    if fact.problem is not None:
        return fact.problem
    if fact.object_id is None:
        return "object not linked"
    if fact.object_id == context.entity_id:
        return "object is the subject itself"
    candidates = {candidate.entity_id: candidate for candidate in context.candidates}
    if fact.object_id not in candidates:
        return "object is not among the candidates"
    kind = candidates[fact.object_id].entity_type
    problem = ontology.check(fact.relation, context.entity_type, kind)
    return f"range does not hold: {problem}" if problem else None


def rows(
    context: Context,
    facts: Sequence[CandidateFact],
    document: Document | None,
    extractor: Extractor,
    ontology: Ontology,
) -> list[dict[str, object]]:
    """Make a row of the table inferred_relations of each fact, accepted or rejected."""
    found: list[dict[str, object]] = []
    for fact in facts:
        reason = judge(context, fact, document, ontology)
        identity = (
            fact.relation,
            context.entity_id,
            fact.object_id or name_key(fact.object_name),
            context.document_id,
            str(fact.start),
            str(fact.end),
            extractor.name,
            str(fact.negated),
        )
        found.append(
            {
                "fact_id": _sha256("\x1f".join(identity))[:32],
                "relation": fact.relation,
                "subject_id": context.entity_id,
                "subject_type": context.entity_type,
                "object_id": fact.object_id,
                "object_type": fact.object_type,
                "object_name": fact.object_name,
                "document_id": context.document_id,
                "document_sha256": context.document_sha256,
                "quote": fact.quote,
                "start": fact.start,
                "end": fact.end,
                "extractor": extractor.name,
                "extractor_version": extractor.version,
                "model": extractor.model,
                "ontology": ontology.hash,
                "confidence": fact.confidence,
                "negated": fact.negated,
                "status": REJECTED if reason else ACCEPTED,
                "reason": reason,
            }
        )
    return found


def cycles(
    facts: Sequence[tuple[str, str, str, str, float]], acyclic: frozenset[str]
) -> frozenset[str]:
    """Find the facts that would close a cycle among those of higher confidence.

    Args:
        facts: (fact_id, relation, subject_id, object_id, confidence) of accepted facts.
        acyclic: Relations in which no entity may reach itself.

    Returns:
        Ids of the facts to reject. Facts are taken by falling confidence, then by id, and one
        that leads back to its subject is refused.
    """
    graph: Mapping[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    refused = set()
    for fact_id, relation, subject, object_, _ in sorted(facts, key=lambda f: (-f[4], f[0])):
        if relation not in acyclic:
            continue
        if _reaches(graph[relation], object_, subject):
            refused.add(fact_id)
        else:
            graph[relation][subject].add(object_)
    return frozenset(refused)


def _reaches(edges: Mapping[str, set[str]], start: str, goal: str) -> bool:
    seen, waiting = {start}, [start]
    while waiting:
        node = waiting.pop()
        if node == goal:
            return True
        following = edges.get(node, set()) - seen
        seen |= following
        waiting += sorted(following)
    return False


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
