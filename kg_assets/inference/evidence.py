"""The gate: what a fact must show before it is kept, and the reason where it does not."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from kg_assets.inference.confidence import WEIGHTS, Signals, Weights, confidence
from kg_assets.inference.extractors import UNLINKED, CandidateFact, Context, Extraction
from kg_assets.inference.gazetteer import name_key
from kg_assets.inference.quotes import EXACT, Place, find_quote
from ontology.schema import Ontology
from ontology.validation import order_in_time

ACCEPTED = "accepted"
REJECTED = "rejected"

PROPOSED = "proposed"
"""Status of a fact that would be kept if its object, a new entity, were known."""

UNSURE = "confidence below the threshold"
"""Begins the reason of a fact that is not sure enough."""

NO_QUOTE = "quote not found in the document"
NO_CANDIDATE = "object is not among the candidates"


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
        ontology: Relations with domain and range, and with the order of their ends in time.

    Returns:
        The reason, or None where the fact holds. Everything that can be checked without trusting
        the extractor comes first.
    """
    if document is None:
        return "document not found"
    if document.sha256 != context.document_sha256 or _sha256(document.text) != document.sha256:
        return "document changed since it was read"
    if locate(context, fact, document) is None:
        return NO_QUOTE
    return _problem(context, fact, ontology)


def locate(context: Context, fact: CandidateFact, document: Document) -> Place | None:
    """Find the quote of a fact in the part of the document that the extractor was given.

    Returns:
        Its place in the document, None where the document does not hold it.
    """
    if fact.start is not None and fact.end is not None:
        if fact.quote and document.text[fact.start : fact.end] == fact.quote:
            return Place(fact.start, fact.end, EXACT)
        return None
    window = document.text[context.start : context.start + len(context.text)]
    found = find_quote(window, fact.quote)
    if found is None:
        return None
    return Place(context.start + found.start, context.start + found.end, found.match)


def _problem(context: Context, fact: CandidateFact, ontology: Ontology) -> str | None:
    if fact.relation not in ontology.relations:
        return f"relation {fact.relation} is not in the ontology"
    if context.entity_type not in ontology.relations[fact.relation].domain:
        return f"domain does not hold: {fact.relation} of a {context.entity_type}"
    if fact.negated:
        return "negated"
    if fact.problem is not None:
        return fact.problem
    if fact.object_id is None:
        if not fact.new or fact.object_type is None:
            return UNLINKED
        return _ends(context, fact.relation, fact.object_type, fact.object_year, ontology)
    if fact.object_id == context.entity_id:
        return "object is the subject itself"
    candidates = {candidate.entity_id: candidate for candidate in context.candidates}
    if fact.object_id not in candidates:
        return NO_CANDIDATE
    candidate = candidates[fact.object_id]
    return _ends(context, fact.relation, candidate.entity_type, candidate.year, ontology)


def _ends(
    context: Context, relation: str, kind: str, year: int | None, ontology: Ontology
) -> str | None:
    if kind not in ontology.entity_types:
        return f"range does not hold: the ontology has no type {kind}"
    problem = ontology.check(relation, context.entity_type, kind)
    if problem:
        return f"range does not hold: {problem}"
    return order_in_time(ontology, relation, context.year, year)


def rows(
    extraction: Extraction,
    document: Document | None,
    ontology: Ontology,
    threshold: float = 0.0,
    weights: Weights = WEIGHTS,
) -> list[dict[str, object]]:
    """Make a row of the table inferred_relations of each fact, whether it is kept or not.

    Args:
        extraction: What an extractor found in a context.
        document: The document as it is now, None where it is gone.
        ontology: As for `judge`.
        threshold: Confidence below which a fact is not kept.
        weights: What each signal counts.
    """
    context, extractor = extraction.context, extraction.by
    found: list[dict[str, object]] = []
    for fact in extraction.facts:
        reason = judge(context, fact, document, ontology)
        status = REJECTED if reason else ACCEPTED if fact.object_id else PROPOSED
        place = locate(context, fact, document) if document else None
        signals = Signals(
            fact.confidence, fact.margin, extraction.reasks, fact.agreeing, fact.asked
        )
        sure = confidence(signals, place.match if place else None, weights)
        if reason is None and sure < threshold:
            status, reason = REJECTED, f"{UNSURE}: {threshold}"
        quote = fact.quote
        if place is not None and document is not None:
            # As the document has it, where the quote was found only after normalisation.
            quote = document.text[place.start : place.end]
        identity = (
            fact.relation,
            context.entity_id,
            fact.object_id or name_key(fact.object_name),
            context.document_id,
            str(place.start if place else quote),
            str(place.end if place else context.start),
            extractor.name,
            str(fact.negated),
            # The sides of a conflict can have one quote.
            fact.problem or "",
        )
        found.append(
            {
                "fact_id": _sha256("\x1f".join(identity))[:32],
                "context_id": context.context_id,
                "relation": fact.relation,
                "subject_id": context.entity_id,
                "subject_type": context.entity_type,
                "object_id": fact.object_id,
                "object_type": fact.object_type,
                "object_name": fact.object_name,
                "object_year": fact.object_year,
                "document_id": context.document_id,
                "document_sha256": context.document_sha256,
                "quote": quote,
                "quote_match": place.match if place else None,
                "start": place.start if place else None,
                "end": place.end if place else None,
                "extractor": extractor.name,
                "extractor_version": extractor.version,
                "model": extractor.model,
                "ontology": ontology.hash,
                "confidence": sure,
                "signals": {
                    "base": signals.base,
                    "margin": signals.margin,
                    "reasks": signals.reasks,
                    "agreeing": signals.agreeing,
                    "asked": signals.asked,
                },
                "negated": fact.negated,
                "status": status,
                "reason": reason,
            }
        )
    return found


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
