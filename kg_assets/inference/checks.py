"""Promises of the inference stage: exact chunks, and facts whose quotes and ends hold."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from kg_assets.checks import Check, Verdict, none_of
from kg_assets.inference.evidence import NO_CANDIDATE, NO_QUOTE
from kg_assets.inference.extractors import FAILED
from kg_assets.inference.tables import (
    CHUNKS,
    DOCUMENTS,
    extraction_contexts,
    extraction_states,
    inferred_relations,
)
from kg_assets.inference.text_tables import UNTIED_TEXTS

if TYPE_CHECKING:
    from resources.lake import Step


MOST_UNFOUNDED = 0.1
"""Share of facts with an invented quote or object above which something is wrong with an extractor:
rules invent none, and a model that is told what was wrong mends nearly all."""

MOST_FAILED = 0.05
"""Share of contexts that could not be read above which a person should look."""


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
        Check(
            name="kept_as_written",
            table=DOCUMENTS,
            description="What a document keeps of its original stands there word for word, and "
            "the original's hash is that of the original.",
            look=_kept_as_written,
        ),
        Check(
            name="texts_are_tied",
            table=UNTIED_TEXTS,
            description="Every text that says that it is about a record of this type is about one "
            "that is known.",
            look=_texts_are_tied,
            blocking=False,
        ),
    )


def fact_checks(entity_type: str) -> tuple[Check, ...]:
    """Promises about the facts of a shard."""
    table = inferred_relations(entity_type)
    return (
        Check(
            name="quote_found",
            table=table,
            description="The quote of every fact stands in its document between its offsets, and "
            "the document is the one that was read. A fact whose quote was not found has no "
            "offsets and is rejected.",
            look=partial(_quote_found, entity_type=entity_type),
        ),
        Check(
            name="domain_and_range",
            table=table,
            description="The relation of every accepted fact is in the ontology, and its ends "
            "are of the types that it allows.",
            look=partial(_domain_and_range, entity_type=entity_type),
        ),
        Check(
            name="well_founded",
            table=table,
            description="Few of the facts that extractors gave had to be rejected because their "
            "quote or their object was invented; counts of all facts by status and reason.",
            look=partial(_well_founded, entity_type=entity_type),
            blocking=False,
        ),
    )


def state_checks(entity_type: str) -> tuple[Check, ...]:
    """Promises about the states of a shard's contexts."""
    table = extraction_states(entity_type)
    return (
        Check(
            name="every_context_has_a_state",
            table=table,
            description="No context is lost: each has a state, and facts only come from those "
            "that were answered.",
            look=partial(_every_context, entity_type=entity_type),
        ),
        Check(
            name="few_failed",
            table=table,
            description="Few contexts could not be read; counts of contexts by extractor and "
            "state.",
            look=partial(_few_failed, entity_type=entity_type),
            blocking=False,
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


def _kept_as_written(step: Step) -> Verdict:
    step.staged(DOCUMENTS).create_view("checked_documents", replace=True)
    return none_of(
        step.con.sql(
            """
            WITH run AS (
                SELECT document_id, text, original, unnest(runs) AS run
                FROM checked_documents
            )
            SELECT document_id, 'a run is not what stands in the original' AS problem
            FROM run
            WHERE run.verbatim
                AND substring(
                        original, run.original_start + 1, run.original_end - run.original_start
                    ) IS DISTINCT FROM substring(
                        text, run.start + 1, run.original_end - run.original_start
                    )
            UNION ALL
            SELECT document_id, 'hash is not that of the original'
            FROM checked_documents
            WHERE sha256(coalesce(original, text)) <> original_sha256
            """
        )
    )


def _texts_are_tied(step: Step) -> Verdict:
    return none_of(step.staged(UNTIED_TEXTS))


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
            WHERE CASE
                WHEN fact.start IS NULL THEN fact.status <> 'rejected'
                ELSE substring(document.text, fact.start + 1, fact."end" - fact.start)
                     IS DISTINCT FROM fact.quote
            END
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


def _well_founded(step: Step, entity_type: str) -> Verdict:
    rows = (
        step.staged(inferred_relations(entity_type))
        .aggregate("status, split_part(coalesce(reason, ''), ':', 1) AS reason, count(*)")
        .order("ALL")
        .fetchall()
    )
    facts = sum(count for *_, count in rows)
    invented = sum(count for _, reason, count in rows if reason in (NO_QUOTE, NO_CANDIDATE))
    counts = {" ".join(filter(None, (status, reason))): count for status, reason, count in rows}
    return Verdict(invented <= MOST_UNFOUNDED * facts, {"facts": facts, **counts})


def _every_context(step: Step, entity_type: str) -> Verdict:
    step.staged(inferred_relations(entity_type)).create_view("checked_facts", replace=True)
    step.staged(extraction_states(entity_type)).create_view("checked_states", replace=True)
    step.view("checked_contexts", extraction_contexts(entity_type), step.partition)
    return none_of(
        step.con.sql(
            """
            SELECT context_id, 'context without a state' AS problem
            FROM checked_contexts
            WHERE context_id NOT IN (SELECT context_id FROM checked_states)
            UNION ALL
            SELECT context_id, 'state without a context'
            FROM checked_states
            WHERE context_id NOT IN (SELECT context_id FROM checked_contexts)
            UNION ALL
            SELECT fact.context_id, 'fact of a context that was not answered'
            FROM checked_facts AS fact
            LEFT JOIN checked_states AS state USING (context_id, extractor)
            WHERE state.state IS DISTINCT FROM 'answered'
            """
        )
    )


def _few_failed(step: Step, entity_type: str) -> Verdict:
    rows = (
        step.staged(extraction_states(entity_type))
        .aggregate("extractor, state, count(*)")
        .order("ALL")
        .fetchall()
    )
    contexts = sum(count for *_, count in rows)
    failed = sum(count for _, state, count in rows if state == FAILED)
    counts = {f"{extractor} {state}": count for extractor, state, count in rows}
    return Verdict(failed <= MOST_FAILED * contexts, {"contexts": contexts, **counts})
