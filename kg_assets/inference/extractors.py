"""The interface of extractors: a context in, candidate facts with their evidence out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


class ExtractionError(Exception):
    """A context could not be read; it is counted, and the others go on."""


@dataclass(frozen=True)
class Candidate:
    """An entity that a text may be speaking of.

    Attributes:
        entity_id: A resolved entity.
        entity_type: Its type.
        name: Its name.
        year: Its first year.
        names: The other names under which the text has it.
        creators: Its directors and writers.
        retrieved: Whether it was found through similar passages only.
    """

    entity_id: str
    entity_type: str
    name: str
    year: int | None = None
    names: tuple[str, ...] = ()
    creators: tuple[str, ...] = ()
    retrieved: bool = False


@dataclass(frozen=True)
class Context:
    """What an extractor is given.

    Attributes:
        context_id: Identifies it.
        entity_id: The subject, an entity that is known.
        entity_type: Its type.
        name: Its name.
        document_id: The document that is read.
        document_sha256: SHA-256 of the document's text.
        text: The document, or a window of it.
        start: Where the window starts in the document, in code points.
        alternate_names: The subject's other names.
        year: Its first year.
        candidates: Entities that may be objects.
    """

    context_id: str
    entity_id: str
    entity_type: str
    name: str
    document_id: str
    document_sha256: str
    text: str
    start: int = 0
    alternate_names: tuple[str, ...] = ()
    year: int | None = None
    candidates: tuple[Candidate, ...] = ()


@dataclass(frozen=True)
class CandidateFact:
    """A fact that an extractor proposes; the gate decides whether it is kept.

    Attributes:
        relation: Name in the ontology; the subject is the context's entity.
        object_name: The object as the text names it.
        quote: The words that state the fact, verbatim.
        start: Where the quote starts in the document, in code points.
        end: One past its last character.
        confidence: Between 0 and 1.
        object_id: One of the context's candidates, None where none was linked.
        object_type: Its type, or the one that the text says.
        negated: Whether the text denies the fact.
        problem: Why the extractor itself would not keep it, or None.
    """

    relation: str
    object_name: str
    quote: str
    start: int
    end: int
    confidence: float
    object_id: str | None = None
    object_type: str | None = None
    negated: bool = False
    problem: str | None = None


class Extractor(Protocol):
    """Reads facts about a known subject from a text.

    Attributes:
        name: For people and for the facts it finds.
        version: Changes whenever its answers may.
        model: The language model behind it, or None.
    """

    @property
    def name(self) -> str:
        """For people and for the facts it finds."""
        ...

    @property
    def version(self) -> str:
        """Changes whenever its answers may."""
        ...

    @property
    def model(self) -> str | None:
        """The language model behind it, or None."""
        ...

    def extract(self, context: Context) -> Sequence[CandidateFact]:
        """Propose facts about the context's subject; none is an answer too.

        Raises:
            ExtractionError: The context could not be read. Any other error is a fault of the
                extractor and stops the step.
        """
        ...
