"""Worked examples of the prompt: passages that people have reviewed, never those under test."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
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
        review_id: Identifies what was decided on.
        subject_id: The subject.
        subject_type: Its type.
        quote: The words that the decision is about.
        example: The passage and what it states or does not state.
    """

    review_id: str
    subject_id: str
    subject_type: str
    quote: str
    example: WorkedExample


class Examples:
    """Chooses the examples of a prompt.

    Nearly all documents of a type get the same ones, so that the prompt cache holds them; only what
    is itself among them gets the next in their place.

    Args:
        reviewed: What people have decided.
        ontology: The relations of the type, in whose order the examples stand.
        subject_type: The type of the subjects.
    """

    def __init__(
        self, reviewed: Iterable[ReviewedFact], ontology: Ontology, subject_type: str
    ) -> None:
        groups: dict[tuple[str, bool], list[ReviewedFact]] = {}
        for fact in reviewed:
            if fact.subject_type == subject_type:
                groups.setdefault((fact.example.relation, fact.example.holds), []).append(fact)
        # A hash is an order that neither time nor alphabet decides, and that a new review hardly
        # moves.
        self._groups = [
            sorted(groups.get((relation.name, holds), ()), key=_rank)
            for relation in ontology.inferred_for(subject_type)
            for holds in (True, False)
        ]

    def of(self, text: str = "", subject_id: str | None = None) -> tuple[WorkedExample, ...]:
        """The examples for a text that is under test.

        Args:
            text: The text: none from it is chosen, wherever else the same words may stand.
            subject_id: Its subject: none about it is chosen.
        """
        chosen: list[WorkedExample] = []
        for group in self._groups:
            left = EACH
            for fact in group:
                if not left:
                    break
                if fact.subject_id != subject_id and fact.quote not in text:
                    chosen.append(fact.example)
                    left -= 1
        return tuple(chosen)


def _rank(fact: ReviewedFact) -> str:
    return hashlib.sha256(fact.review_id.encode()).hexdigest()
