"""Questions of `kg review` about facts that were read from texts."""

from __future__ import annotations

from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text

from kg_assets.cli.asking import typed
from kg_assets.cli.render import cell, clean, console, plain
from kg_assets.inference.review.finding import NEW, find_object
from kg_assets.inference.review.log import FACTS
from kg_assets.inference.review.shown import (
    FactAsked,
    FactShown,
    Told,
    open_questions,
    shown,
    standing_things,
)
from kg_assets.inference.review.things import Thing
from kg_assets.inference.review.values import FactJudgement, fact_judgement
from kg_assets.inference.tables import INFERENCE_TYPES
from kg_assets.judging.values import JudgementError
from ontology.schema import load_ontology
from resources.lake import Lake

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import duckdb

    from resources.settings import Settings

_TOGETHER = 200
"""Facts whose texts are in memory at once."""


class FactDesk:
    """Asks about facts.

    Args:
        settings: Where the lake is, and who judges.
        con: The connection that reads it.
    """

    kind = FACTS
    types = INFERENCE_TYPES
    answers: ClassVar[Mapping[str, str]] = {
        "a": "accept", "c": "correct", "r": "reject",
        **{word: word for word in ("accept", "correct", "reject")},
    }  # fmt: skip
    prompt = "(a)ccept, (c)orrect, (r)eject, undo, s(k)ip, (q)uit, and why: "

    def __init__(self, settings: Settings, con: duckdb.DuckDBPyConnection) -> None:
        self._settings = settings
        self._lake = Lake(settings)
        self._con = con
        self._queues: dict[str, list[FactAsked]] = {}

    def open(self, entity_type: str) -> list[FactAsked]:
        """Facts of a type's queue that nobody settled, in the order in which they are asked."""
        if entity_type not in self._queues:
            self._queues[entity_type] = open_questions(self._lake, self._con, entity_type)
        queue = self._queues[entity_type]
        if not queue:
            return []
        stands = standing_things(self._lake, self._con, entity_type)
        return [one for one in queue if stands.get(one.thing) in (None, one.judgement)]

    def change(self, _one: FactAsked) -> float:
        """The same of every fact: each changes itself, and types are asked one after another."""
        return 0.0

    def told(self, queue: Sequence[FactAsked]) -> list[FactAsked]:
        """The questions as they are."""
        return list(queue)

    def explained(self, queue: Sequence[FactAsked]) -> Iterator[tuple[FactAsked, FactShown]]:
        """The questions with what is shown of them, many of a type at a time."""
        for _, same in groupby(queue, key=lambda one: one.entity_type):
            asked = list(same)
            for start in range(0, len(asked), _TOGETHER):
                yield from shown(self._lake, self._con, asked[start : start + _TOGETHER])

    def show(self, one: FactAsked, found: FactShown, progress: str) -> None:
        """Print a question."""
        fact = found.fact
        console.rule(f"{progress}: a fact about a {clean(one.entity_type)}", align="left")
        _print_told(fact)
        for rival in found.rivals:
            console.print("Against it:")
            _print_told(rival)
        console.print(
            f"Found by {clean(fact.extractor)}, confidence {fact.confidence:.2f}, "
            f"{clean(fact.status)}. Asked because: {clean(one.reason)}",
            soft_wrap=True,
        )

    def judged(self, one: FactAsked, found: FactShown, answer: str, why: str) -> FactJudgement:
        """Make the judgement of an answer; a correction is asked for."""
        correction = self._correction(one, found) if answer == "correct" else {}
        return fact_judgement(
            **line_of(one, found), verdict=answer, who=self._settings.user, why=why, **correction
        )

    def _correction(self, one: FactAsked, found: FactShown) -> dict[str, Any]:
        ontology = load_ontology()
        fact = found.fact
        console.print(
            "Relations: " + ", ".join(each.name for each in ontology.inferred_for(one.entity_type)),
            soft_wrap=True,
        )
        for number, each in enumerate(found.candidates, start=1):
            console.print(f"  {number}: {clean(words_of(each))}", soft_wrap=True)
        relation = _typed(f"Relation, empty for {fact.relation}: ") or fact.relation
        if relation not in ontology.relations:
            raise JudgementError(f"there is no relation {relation!r}")
        said = _typed(
            f"Object: a number, an id, a name, {NEW}type name for a new one, empty for "
            f"{plain(fact.object.name)}: "
        )
        correction: dict[str, Any] = {}
        if relation != fact.relation:
            correction["new_relation"] = relation
        if said:
            if said.isdecimal() and 0 < int(said) <= len(found.candidates):
                chosen = found.candidates[int(said) - 1]
                target = (chosen.record, chosen.kind, chosen.name)
            else:
                kinds = ontology.relations[relation].range
                target = find_object(self._lake, self._con, said, kinds)
            names = ("new_object", "new_object_type", "new_object_name")
            correction |= dict(zip(names, target, strict=True))
        return correction

    def as_dict(self, one: FactAsked, found: FactShown) -> dict[str, Any]:
        """A question for a program to read, with the line of which a judgement is made."""
        return {
            "question": "fact",
            "entity_type": one.entity_type,
            "fact_id": one.fact_id,
            "kind": one.kind,
            "reason": one.reason,
            **asdict(found),
            "line": {"kind": FACTS.name, **line_of(one, found)},
        }


def line_of(one: FactAsked, found: FactShown) -> dict[str, Any]:
    """The fields of a judgement of a fact, but for the verdict and who gives it."""
    fact = found.fact
    return {
        **dict(zip(FactJudgement.about, one.thing, strict=True)),
        "subject_name": fact.subject.name,
        "passage": fact.before + fact.quote + fact.after,
        "extractor": fact.extractor,
    }


def words_of(thing: Thing) -> str:
    """What identifies an entity, in a line."""
    parts = [thing.kind or "of no known type"]
    if thing.year is not None:
        parts.append(str(thing.year))
    if thing.makers:
        parts.append("by " + ", ".join(thing.makers))
    if thing.names:
        parts.append("also " + ", ".join(thing.names))
    parts.append(thing.entity_id or "not known yet")
    if thing.sources:
        parts.append("in " + ", ".join(thing.sources))
    return f"{thing.name} ({'; '.join(parts)})"


def _print_told(told: Told) -> None:
    console.print(Text("Subject   "), cell(words_of(told.subject)), soft_wrap=True)
    relation = load_ontology().relations.get(told.relation)
    meaning = "" if relation is None else f": {relation.definition}"
    denied = "is denied to be " if told.negated else ""
    console.print(Text("Relation  "), cell(f"{denied}{told.relation}{meaning}"), soft_wrap=True)
    console.print(Text("Object    "), cell(words_of(told.object)), soft_wrap=True)
    quoted = Text.assemble(
        plain(told.before), (plain(told.quote), "bold reverse"), plain(told.after)
    )
    console.print(Text("Text      "), quoted, soft_wrap=True)
    if told.why is not None:
        console.print(Text("          "), cell(f"{told.status}: {told.why}"), soft_wrap=True)


def _typed(prompt: str) -> str:
    line = typed(prompt)
    if line is None:
        raise JudgementError("the correction was broken off; nothing was judged")
    return line
