"""A person's judgement of a fact that was read from a text, made of values that may be wrong.

A judgement is of what a quote says, and it has to outlast what is made again: entities merge and
split, extractors change, texts are delivered again. So it names no fact and no entity:

- the subject by the record whose text was read, since records stay where ids of entities are
  merged or split; the judgement goes to the entity that holds the record now;
- the relation by its name;
- the object by one of its records for the same reason, or by its name and type where it was none
  of the known entities;
- the text by the quote itself. It binds as long as a text about the subject holds it, also where
  the rest of the text is another one, where another record brings it, and whichever extractor
  reads it. Where no text holds it any more, the judgement rests: it is kept, and binds nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from kg_assets.inference.tables import INFERENCE_TYPES
from kg_assets.judging.values import (
    JudgementError,
    Said,
    checked,
    is_record,
    somebody,
    utc,
)
from ontology.schema import Ontology, UnknownNameError, load_ontology

FactVerdict = Literal["accept", "correct", "reject"]

VERDICTS: tuple[FactVerdict, ...] = ("accept", "correct", "reject")

_LONGEST: Mapping[str, int] = {
    "record": 1_000, "object": 1_000, "new_object": 1_000, "relation": 100, "new_relation": 100,
    "object_name": 500, "new_object_name": 500, "subject_name": 1_000, "extractor": 200,
    "quote": 10_000, "passage": 20_000,
}  # fmt: skip
"""Characters of a value at most; a text that is read has 8,000."""


@dataclass(frozen=True, kw_only=True)
class FactJudgement(Said):
    """What a person said of a fact.

    Attributes:
        record: The record whose text was read, source:source_id; entity_type is its type.
        relation: Relation of the fact, name in the ontology.
        object: A record of its object; None where the object is no known entity.
        object_type: Type of the object.
        object_name: The object as the text names it.
        quote: The words that are said to state it.
        verdict: accept, correct or reject.
        new_relation: Of a correction: the relation that the quote states; None: the same.
        new_object: Of a correction: a record of the object that it names.
        new_object_type: Its type.
        new_object_name: Its name; without new_object, of an entity that is not known yet.
        subject_name: Name of the subject when it was judged, for people and for examples.
        passage: The sentences around the quote then.
        extractor: Who had found the fact.
    """

    record: str
    relation: str
    object: str | None = None
    object_type: str | None = None
    object_name: str
    quote: str
    verdict: FactVerdict
    new_relation: str | None = None
    new_object: str | None = None
    new_object_type: str | None = None
    new_object_name: str | None = None
    subject_name: str = ""
    passage: str = ""
    extractor: str = ""

    about: ClassVar[tuple[str, ...]] = (
        "entity_type", "record", "relation", "object", "object_type", "object_name", "quote",
    )  # fmt: skip
    says: ClassVar[tuple[str, ...]] = (
        "verdict", "new_relation", "new_object", "new_object_type", "new_object_name",
    )  # fmt: skip
    hashed: ClassVar[tuple[str, ...]] = (*about, *says, "who", "time", "why", "undoes")

    @property
    def words(self) -> str:
        """The fact."""
        target = f"{self.object_name} ({self.object or 'not known'})"
        return f"{self.subject_name or self.record} {self.relation} {target}"

    @property
    def claimed(self) -> tuple[str, str | None, str | None, str]:
        """What the judgement takes to hold: relation, and the object's record, type and name."""
        relation = self.new_relation or self.relation
        if self.new_object_name is None:
            return relation, self.object, self.object_type, self.object_name
        return relation, self.new_object, self.new_object_type, self.new_object_name

    @property
    def sentence(self) -> str:
        """What is said of it."""
        if self.verdict != "correct":
            return f"{self.words}: {self.verdict}"
        relation, record, _, name = self.claimed
        return f"{self.words}: correct to {relation} {name} ({record or 'not known'})"


def fact_judgement(
    entity_type: str,
    record: str,
    relation: str,
    object_name: str,
    quote: str,
    verdict: str,
    *,
    who: str,
    object: str | None = None,
    object_type: str | None = None,
    new_relation: str | None = None,
    new_object: str | None = None,
    new_object_type: str | None = None,
    new_object_name: str | None = None,
    subject_name: str = "",
    passage: str = "",
    extractor: str = "",
    why: str = "",
    time: str = "",
    undoes: str | None = None,
    id: str = "",
) -> FactJudgement:
    """Make a judgement of values that may be wrong; see `FactJudgement` for what they are.

    Raises:
        JudgementError: A value cannot be, or what is taken to hold breaks the ontology; the
            message names it.
    """
    if entity_type not in INFERENCE_TYPES:
        raise JudgementError(
            f"no facts are read of {entity_type!r}; there are {', '.join(INFERENCE_TYPES)}"
        )
    said = next((each for each in VERDICTS if each == verdict), None)
    if said is None:
        raise JudgementError(f"verdict {verdict!r} is none of {', '.join(VERDICTS)}")
    for each in (record, object, new_object):
        if each is not None and not is_record(each):
            raise JudgementError(f"{each!r} is no record: write source:source_id")
    if not quote.strip():
        raise JudgementError("the quote is empty: a judgement is of what words say")
    if not object_name.strip():
        raise JudgementError("the object has no name")
    made = FactJudgement(
        entity_type=entity_type,
        record=record,
        relation=relation,
        object=object,
        object_type=object_type,
        object_name=object_name.strip(),
        quote=quote,
        verdict=said,
        new_relation=new_relation,
        new_object=new_object,
        new_object_type=new_object_type,
        new_object_name=None if new_object_name is None else new_object_name.strip(),
        subject_name=subject_name,
        passage=passage,
        extractor=extractor,
        who=somebody(who),
        why=why.strip(),
        time=utc(time),
        undoes=undoes,
        id=id,
    )
    checked(made, _LONGEST)
    _look_at_correction(made)
    if made.verdict != "reject":
        _look_at_claim(made, load_ontology())
    return made


def _look_at_correction(made: FactJudgement) -> None:
    """Refuse a correction that changes nothing or half of an object, and one of no correction."""
    given = [name for name in FactJudgement.says[1:] if getattr(made, name) is not None]
    if made.verdict != "correct":
        if given:
            raise JudgementError(f"{', '.join(given)}: only a correction has that")
        return
    named, typed = made.new_object_name, made.new_object_type
    if (named is None) != (typed is None) or (made.new_object and named is None):
        raise JudgementError(
            "a correction to another object needs new_object_name and new_object_type, and "
            "new_object where it is known"
        )
    if named == "":
        raise JudgementError("the corrected object has no name")
    if made.claimed == (made.relation, made.object, made.object_type, made.object_name):
        raise JudgementError("the correction says what the fact says: accept it, or change it")


def _look_at_claim(made: FactJudgement, ontology: Ontology) -> None:
    """Refuse what the graph could not hold."""
    relation, record, kind, name = made.claimed
    if relation not in ontology.relations:
        raise JudgementError(
            f"relation {relation!r} is not in the ontology; show them with: kg ontology show"
        )
    if kind is None or kind not in ontology.entity_types:
        raise JudgementError(
            f"{name!r} has no entity type of the ontology: say what it is in a correction"
        )
    try:
        problem = ontology.check(relation, made.entity_type, kind)
    except UnknownNameError as error:
        raise JudgementError(str(error)) from None
    if problem is not None:
        raise JudgementError(problem)
    if record == made.record:
        raise JudgementError(f"{record} would be its own {relation}")
