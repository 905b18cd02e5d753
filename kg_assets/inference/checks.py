"""Promises of the inference stage: exact chunks, and facts whose quotes and ends hold."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from kg_assets.checks import Check, Verdict, none_of
from kg_assets.inference.tables import CHUNKS, DOCUMENTS, inferred_relations

if TYPE_CHECKING:
    from resources.lake import Step


def document_checks() -> tuple[Check, ...]:
    """Promises about the documents of an entity type."""
    return (
        Check(
            name="exact_chunks",
            table=CHUNKS,
            description="Each chunk is what its document holds between its offsets, and each "
            "document's hash is that of its text.",
            look=_exact_chunks,
        ),
    )


def fact_checks(entity_type: str) -> tuple[Check, ...]:
    """Promises about the facts of a shard."""
    table = inferred_relations(entity_type)
    return (
        Check(
            name="quote_found",
            table=table,
            description="The quote of every fact, accepted or rejected, stands in its document "
            "between its offsets, and the document is the one that was read.",
            look=partial(_quote_found, entity_type=entity_type),
        ),
        Check(
            name="domain_and_range",
            table=table,
            description="The relation of every accepted fact is in the ontology, and its ends "
            "are of the types that it allows.",
            look=partial(_domain_and_range, entity_type=entity_type),
        ),
    )


def _exact_chunks(step: Step) -> Verdict:
    step.staged(DOCUMENTS).create_view("checked_documents", replace=True)
    step.staged(CHUNKS).create_view("checked_chunks", replace=True)
    return none_of(
        step.con.sql(
            """
            SELECT chunk_id, 'chunk is not in its document' AS problem
            FROM checked_chunks AS chunk
            LEFT JOIN checked_documents AS document USING (document_id)
            WHERE substring(document.text, chunk.start + 1, chunk."end" - chunk.start)
                  IS DISTINCT FROM chunk.text
            UNION ALL
            SELECT document_id, 'hash is not that of the text'
            FROM checked_documents
            WHERE sha256(text) <> sha256
            """
        )
    )


def _quote_found(step: Step, entity_type: str) -> Verdict:
    step.staged(inferred_relations(entity_type)).create_view("checked_facts", replace=True)
    step.view("checked_documents", DOCUMENTS, entity_type)
    return none_of(
        step.con.sql(
            """
            SELECT fact.fact_id, fact.status, fact.quote
            FROM checked_facts AS fact
            LEFT JOIN checked_documents AS document
                   ON document.document_id = fact.document_id
                  AND document.sha256 = fact.document_sha256
            WHERE substring(document.text, fact.start + 1, fact."end" - fact.start)
                  IS DISTINCT FROM fact.quote
            """
        )
    )


def _domain_and_range(step: Step, entity_type: str) -> Verdict:
    from ontology.schema import load_ontology

    ontology = load_ontology()
    ends = (
        step.staged(inferred_relations(entity_type))
        .filter("status = 'accepted'")
        .project("relation, subject_type, object_type, object_id IS NULL")
        .distinct()
        .order("ALL")
    )
    wrong = []
    for relation, subject, target, unlinked in ends.fetchall():
        if unlinked:
            wrong.append(f"{relation}: accepted without an object")
        elif relation not in ontology.relations:
            wrong.append(f"{relation} is not in the ontology")
        elif (reason := ontology.check(relation, subject, target)) is not None:
            wrong.append(reason)
    return Verdict(not wrong, {"wrong": wrong} if wrong else {})
