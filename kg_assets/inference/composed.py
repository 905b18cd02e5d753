"""The default extractor `rules`: the rules for relations between works, the reader for the rest."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from kg_assets.inference.extractors import CandidateFact, Context, OneByOne
from kg_assets.inference.gazetteer import name_key
from kg_assets.inference.reading.extractor import NOT_LINKED, Reader
from kg_assets.inference.reading.filter import Filter
from kg_assets.inference.rules import Rules
from ontology.schema import Ontology

_OF_BOTH = frozenset({"based_on", "main_subject"})
"""Relations for which both have patterns. The rules link objects to candidates and know denials and
hedges, the reader finds more objects: on the benchmark's sentences 11 of 17 sources, two names
wrong, against 8 and four."""

_NEED_RULES = (
    "sequel", "prequel", "remak", "re-mak", "remade", "reboot", "reimagin", "spin", "spun",
    "franchise", "trilogy", "tetralogy", "saga", "universe", "instal", "follow-up",
    "follow up", "followup", "offshoot", "series", "continuation", "inspired", "parody", "spoof",
)  # fmt: skip
"""Words of which one is in every statement of a relation that only the rules read, where there is
no candidate that an object could be linked to. They save time."""


class ComposedRules(OneByOne):
    """Rules and reader as one extractor; where both speak of one fact, it is given once.

    Args:
        ontology: Says which relations a subject can have.
        precise: Keep only what the reader's filter is surer of.
        relations: What is looked for; everything unless given.
        weights: The reader's filter; the one that ships with the project unless given.
    """

    name = "rules"
    version = f"{Rules.version}.{Reader.version}"
    model: str | None = None

    def __init__(
        self,
        ontology: Ontology,
        *,
        precise: bool = False,
        relations: Collection[str] | None = None,
        weights: Filter | None = None,
    ) -> None:
        self._rules = Rules(ontology)
        self._reader = Reader(ontology, precise=precise, weights=weights)
        self._relations = None if relations is None else frozenset(relations)

    def extract(self, context: Context) -> Sequence[CandidateFact]:
        """Propose facts about the context's subject: those of the rules, then of the reader."""
        of_rules: Sequence[CandidateFact] = ()
        lower = context.text.lower()
        if context.candidates or any(word in lower for word in _NEED_RULES):
            of_rules = self._rules.extract(context)
        of_reader = [
            fact
            for fact in self._reader.extract(context)
            if self._relations is None or fact.relation in self._relations
        ]
        if context.candidates:
            return [*of_rules, *self._new(of_rules, of_reader, linked=True)]
        spoken = [fact for fact in of_rules if not _is_left_to_reader(fact)]
        return [*spoken, *self._new(spoken, of_reader, linked=False)]

    def _new(
        self, known: Sequence[CandidateFact], found: Sequence[CandidateFact], *, linked: bool
    ) -> Iterator[CandidateFact]:
        """Choose the reader's facts of which the rules do not speak.

        Args:
            known: Facts of the rules.
            found: Facts of the reader.
            linked: Whether a relation of both counts only with an object that is linked.
        """
        for fact in found:
            if fact.relation in _OF_BOTH and linked and fact.object_id is None:
                continue
            if not any(_same(fact, other) for other in known):
                yield fact


def _is_left_to_reader(fact: CandidateFact) -> bool:
    return fact.relation in _OF_BOTH and not fact.negated and fact.problem in (None, NOT_LINKED)


def _same(fact: CandidateFact, other: CandidateFact) -> bool:
    """Whether two facts speak of one thing, affirming or denying it."""
    if fact.relation != other.relation:
        return False
    if fact.object_id is not None and fact.object_id == other.object_id:
        return True
    ours, theirs = name_key(fact.object_name), name_key(other.object_name)
    return bool(ours and theirs) and (ours in theirs or theirs in ours)
