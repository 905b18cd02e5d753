"""The interface of extractors: contexts in, candidate facts with their evidence out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

ANSWERED = "answered"
"""State of a context in which facts were found."""

EMPTY = "empty"
"""State of a context that was read and states nothing; an answer like any other."""

REFUSED = "refused"
"""State of a context that the model declined to read; it is not asked again."""

FAILED = "failed"
"""State of a context that could not be read: cut off, broken, or no answer at all."""

NOT_TRIED = "not tried"
"""State of a context that has not been read yet, such as where money ran out before it."""

UNLINKED = "object not linked"
"""Problem of a fact that holds but for its object, which is none of the context's candidates."""


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
        quote: The words that state the fact.
        start: Where the quote starts in the document, in code points; None where the gate has to
            find it.
        end: One past its last character, or None.
        confidence: Share of such facts that hold, between 0 and 1; the gate weighs it with the
            other signals (see `confidence`).
        object_id: One of the context's candidates, None where none was linked.
        object_type: Its type, or the one that the text says.
        negated: Whether the text denies the fact.
        problem: Why the extractor itself would not keep it, or None.
        object_year: Year of an object that is no candidate, where the text gives one.
        new: Whether the object is proposed as a new entity.
        margin: Lead of the linked candidate over the next, between 0 and 1.
        agreeing: Extractors that found the fact.
        asked: Extractors that read the text.
    """

    relation: str
    object_name: str
    quote: str
    start: int | None
    end: int | None
    confidence: float
    object_id: str | None = None
    object_type: str | None = None
    negated: bool = False
    problem: str | None = None
    object_year: int | None = None
    new: bool = False
    margin: float = 1.0
    agreeing: int = 1
    asked: int = 1


@dataclass(frozen=True)
class Extraction:
    """What came of reading a context.

    Attributes:
        context: What was read.
        by: The extractor that read it.
        state: ``answered``, ``empty``, ``refused``, ``failed`` or ``not tried``.
        facts: What was found; only where the state is ``answered``.
        detail: Why it was refused, failed or not tried, for people.
        final: Whether reading it again would give the same; else the next build tries again.
        last: Whether nothing more follows of this context.
        reasks: How often a wrong answer was asked for again.
        input_tokens: Tokens that were sent, those of a prompt cache included.
        output_tokens: Tokens that were answered.
        cost: What the answer cost, in US dollars, also where it came from the store.
    """

    context: Context
    by: Extractor
    state: str
    facts: tuple[CandidateFact, ...] = ()
    detail: str | None = None
    final: bool = True
    last: bool = True
    reasks: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0


class Extractor(Protocol):
    """Reads facts about known subjects from texts.

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

    def extract_many(self, contexts: Iterable[Context]) -> Iterator[Extraction]:
        """Read contexts and propose facts about the subject of each.

        Contexts are taken as they are needed, and what came of each is given as soon as it is
        known, in any order. A context that cannot be read never keeps the others from being read;
        an error that is raised is a fault of the extractor and stops the step.

        Yields:
            At least one extraction of each context; several where more than one extractor had
            to be asked.
        """
        ...


class OneByOne:
    """What an extractor that reads one context after another shares with the others."""

    def extract(self, context: Context) -> Sequence[CandidateFact]:
        """Propose facts about the context's subject; none is an answer too."""
        raise NotImplementedError

    def extract_many(self: _Single, contexts: Iterable[Context]) -> Iterator[Extraction]:
        """Read contexts one after another; see `Extractor`."""
        for context in contexts:
            facts = tuple(self.extract(context))
            yield Extraction(context, self, ANSWERED if facts else EMPTY, facts)


class _Single(Extractor, Protocol):
    def extract(self, context: Context) -> Sequence[CandidateFact]: ...


def identity(extractor: Extractor) -> str:
    """Return what tells the answers of one extractor from those of another."""
    return "/".join((extractor.name, extractor.version, extractor.model or ""))
