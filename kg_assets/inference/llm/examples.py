"""Worked examples of the prompt: passages that people have reviewed, never those under test."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from ontology.prompts import WorkedExample
from ontology.schema import Ontology

EACH = 1
"""Passages of each relation that state it, and as many that do not. More make the prefix dearer for
every text; the ontology has examples of its own."""


@dataclass(frozen=True)
class ReviewedFact:
    """A fact on which a person has decided.

    Attributes:
        review_id: Identifies the decision.
        subject_id: The subject.
        subject_type: Its type.
        document_sha256: SHA-256 of the document that it was read from.
        example: The passage and what it states or does not state.
    """

    review_id: str
    subject_id: str
    subject_type: str
    document_sha256: str
    example: WorkedExample


def worked_examples(
    reviewed: Iterable[ReviewedFact],
    ontology: Ontology,
    subject_type: str,
    *,
    without_documents: Collection[str] = (),
    without_subjects: Collection[str] = (),
) -> tuple[WorkedExample, ...]:
    """Choose the examples of a prompt.

    Nearly all documents of a type get the same ones, so that the prompt cache holds them; only what
    is itself among them gets the next in their place.

    Args:
        reviewed: What people have decided.
        ontology: The relations of the type, in whose order the examples stand.
        subject_type: The type of the subjects.
        without_documents: SHA-256 of the documents that are under test.
        without_subjects: Ids of the subjects that are under test.
    """
    names = [each.name for each in ontology.inferred_for(subject_type)]
    groups: dict[tuple[str, bool], list[ReviewedFact]] = {}
    for fact in reviewed:
        if (
            fact.subject_type == subject_type
            and fact.document_sha256 not in without_documents
            and fact.subject_id not in without_subjects
        ):
            groups.setdefault((fact.example.relation, fact.example.holds), []).append(fact)
    # A hash is an order that neither time nor alphabet decides, and that a new review hardly moves.
    return tuple(
        fact.example
        for name in names
        for holds in (True, False)
        for fact in sorted(groups.get((name, holds), ()), key=_rank)[:EACH]
    )


def _rank(fact: ReviewedFact) -> str:
    return hashlib.sha256(fact.review_id.encode()).hexdigest()
