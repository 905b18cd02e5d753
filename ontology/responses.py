"""The form of a language model's answer: a pydantic model for each type of subject.

There is one schema for each entity type and version of the ontology. What belongs to one document,
such as the ids of candidates, is no part of it; a validator looks at it instead. Structured output
allows neither recursion nor bounds of lengths and numbers, and wants additionalProperties to be
false everywhere; so bounds are validators too.

Validation checks the form alone. Within `answering` it also checks what can be checked against the
document, and its messages are written for the model that is asked again.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    create_model,
    model_validator,
)

from ontology.schema import Ontology

LONGEST_QUOTE = 1_500
"""Code points of a quote at most: three long sentences of an encyclopedia."""

LONGEST_NAME = 300
"""Code points of a new thing's name at most."""

MOST_FACTS = 60
"""Facts of one answer at most; a text that is one window holds far fewer."""

YEARS = (-3000, 2200)
"""First and last year that a new thing can have; the oldest written works are of about -2600."""

_ANSWERING: ContextVar[AnswerContext | None] = ContextVar("kg_answering", default=None)


@dataclass(frozen=True)
class AnswerContext:
    """What an answer is checked against.

    Attributes:
        candidates: Entity type of each candidate, by id.
        has_quote: Whether a quote stands in the text.
    """

    candidates: Mapping[str, str]
    has_quote: Callable[[str], bool]


@contextmanager
def answering(context: AnswerContext | None) -> Iterator[None]:
    """Let answers that are validated in this block, and in tasks it starts, be checked further.

    Pydantic's own validation context is not used: Instructor takes one as a sign that the messages
    are Jinja templates, and would carry out what a document has between braces.
    """
    token = _ANSWERING.set(context)
    try:
        yield
    finally:
        _ANSWERING.reset(token)


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class KnownObject(_Closed):
    """One of the candidates."""

    id: str = Field(description="Id of the candidate, exactly as given.")


class NewObject(_Closed):
    """A thing that is not among the candidates."""

    name: str = Field(description="Its name, as the text gives it.")
    type: str
    year: int | None = Field(description="Its first year, where the text gives one; else null.")


class AnsweredFact(_Closed):
    """A fact of an answer, whatever the type of subject.

    Attributes:
        quote: Sentences that state it.
        relation: Name of the relation.
        object: A candidate, or something new.
        denied: Whether the text denies it.
    """

    quote: str
    relation: str
    object: KnownObject | NewObject
    denied: bool


class Answer(_Closed):
    """An answer, whatever the type of subject.

    Attributes:
        facts: What the text states, possibly nothing.
    """

    facts: list[AnsweredFact]

    schema_text: ClassVar[str] = ""

    @classmethod
    def model_json_schema(cls, *args: Any, **options: Any) -> dict[str, Any]:
        """As pydantic's own, but made once: Instructor asks for it twice with each request."""
        if cls.schema_text:
            found: dict[str, Any] = json.loads(cls.schema_text)
            return found
        return super().model_json_schema(*args, **options)


@functools.cache
def response_model(ontology: Ontology, subject_type: str) -> type[Answer]:
    """Make the model of answers about a type of subject.

    Args:
        ontology: Says which relations its subjects have, and with which objects.
        subject_type: The type of the subject.

    Returns:
        A subclass of `Answer`, whose relations are those that are inferred for the type and whose
        new objects have the types that these can lead to. Its JSON schema is the same for the same
        arguments.

    Raises:
        UnknownNameError: There is no such entity type.
        ValueError: No relation is inferred for the type.
    """
    relations = {each.name: each for each in ontology.inferred_for(subject_type)}
    if not relations:
        raise ValueError(f"no relation is inferred for a {subject_type}, so there is no answer")
    kinds = tuple(each.name for each in ontology.objects_for(subject_type))
    title = "".join(part.capitalize() for part in subject_type.split("_"))

    new = create_model(
        f"New{title}Object",
        __base__=NewObject,
        __doc__=NewObject.__doc__,
        __validators__=_after(_bounded_object),
        type=_field(Literal[kinds], "One of the types that the relation allows."),
    )

    def within_ontology(fact: AnsweredFact) -> AnsweredFact:
        """Check a fact against the ontology and, where there is one, the document."""
        allowed = relations[fact.relation].range
        answer = _ANSWERING.get()
        kind: str | None
        if isinstance(fact.object, NewObject):
            kind = fact.object.type
        elif answer is None:
            kind = None
        elif fact.object.id not in answer.candidates:
            raise ValueError(
                f"{fact.object.id!r} is no candidate; give the id of one, or a new thing with "
                "name, type and year"
            )
        else:
            kind = answer.candidates[fact.object.id]
        if answer is not None and kind is not None and kind not in allowed:
            raise ValueError(
                f"the object of {fact.relation} cannot be a {kind}; it must be one of "
                f"{', '.join(sorted(allowed))}; leave the fact out if there is none"
            )
        if answer is not None and not answer.has_quote(fact.quote):
            raise ValueError(
                "the quote does not stand in the text; copy it character for character, or leave "
                "the fact out"
            )
        return fact

    quote = Annotated[str, AfterValidator(_bounded_quote)]
    fact = create_model(
        f"{title}Fact",
        __base__=AnsweredFact,
        __doc__="A fact that the text states or denies of the subject.",
        __validators__=_after(within_ontology),
        quote=_field(quote, "Whole sentences of the text that state the fact, verbatim."),
        relation=_field(Literal[tuple(relations)], "Subject, relation, object."),
        object=_field(KnownObject | new, "What the relation leads to."),
        denied=_field(bool, "True where the text says that the fact is not so."),
    )
    facts = Annotated[list[fact], AfterValidator(_bounded_facts)]  # type: ignore[valid-type]
    answer = create_model(
        f"{title}Facts",
        __base__=Answer,
        __doc__=f"What a text states about a {subject_type}; often nothing.",
        facts=_field(facts, "The facts in the order of the text; empty where there is none."),
    )
    answer.schema_text = json.dumps(answer.model_json_schema())
    return answer


def _field(kind: Any, meaning: str) -> Any:
    # Types that are made here are nothing that the type checker can follow.
    return (kind, Field(description=meaning))


def _after(check: Callable[..., Any]) -> dict[str, Any]:
    return {check.__name__: model_validator(mode="after")(check)}


def answer_schema(model: type[Answer]) -> dict[str, Any]:
    """Return the JSON schema of answers, in the order in which the fields were declared."""
    return model.model_json_schema()


def _bounded_quote(quote: str) -> str:
    if not quote.strip():
        raise ValueError("the quote is empty; copy the sentence that states the fact")
    if len(quote) > LONGEST_QUOTE:
        raise ValueError(
            f"the quote has {len(quote)} characters; at most {LONGEST_QUOTE} are allowed, so take "
            "only the sentences that state the fact"
        )
    return quote


def _bounded_object(found: NewObject) -> NewObject:
    if not found.name.strip():
        raise ValueError("a new thing needs the name that the text gives it; else leave it out")
    if len(found.name) > LONGEST_NAME:
        raise ValueError(f"a name has at most {LONGEST_NAME} characters; give the name alone")
    first, last = YEARS
    if found.year is not None and not first <= found.year <= last:
        raise ValueError(f"the year must lie between {first} and {last}, or be null")
    return found


def _bounded_facts(facts: list[Any]) -> list[Any]:
    if len(facts) > MOST_FACTS:
        raise ValueError(f"there are {len(facts)} facts; at most {MOST_FACTS} are allowed")
    return facts
