"""The default extractor `rules`: the rules for relations between works, the reader for the rest."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from kg_assets.inference.chunking import sentences
from kg_assets.inference.extractors import CandidateFact, Context, OneByOne
from kg_assets.inference.gazetteer import name_key
from kg_assets.inference.reading import VERSION as READER_VERSION
from kg_assets.inference.rules import Rules
from ontology.schema import Ontology

if TYPE_CHECKING:
    from kg_assets.inference.reading.extractor import Reader
    from kg_assets.inference.reading.filter import Filter

_OF_BOTH = frozenset({"based_on", "main_subject"})
"""Relations for which both have patterns. The rules know denials, hedges and whom a sentence speaks
of, the reader knows more kinds of objects. So the reader is heard where the rules are silent. In a
text of several sentences it is not heard on them, since it reads each sentence by itself and cannot
tell of which work it speaks."""

_BETWEEN_WORKS = frozenset({"based_on", "sequel_of", "prequel_of", "remake_of", "spin_off_of"})
"""What a text says of its subject and another work; the reader takes each for a source."""


class ComposedRules(OneByOne):
    """Rules and reader as one extractor; where both speak of one fact, it is given once.

    Args:
        ontology: Says which relations a subject can have.
        precise: Keep only what the reader's filter is surer of.
        relations: What is looked for; everything unless given.
        weights: The reader's filter; the one that ships with the project unless given.
    """

    name = "rules"
    version = f"{Rules.version}.{READER_VERSION}"
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
        self._of_reader = ontology, precise, weights
        self._relations = None if relations is None else frozenset(relations)

    @cached_property
    def _reader(self) -> Reader:
        # Its patterns take a tenth of what a process needs to know all steps, and few steps read.
        from kg_assets.inference.reading.extractor import Reader

        ontology, precise, weights = self._of_reader
        return Reader(ontology, precise=precise, weights=weights)

    def extract(self, context: Context) -> Sequence[CandidateFact]:
        """Propose facts about the context's subject: those of the rules, then of the reader."""
        of_rules = self._rules.extract(context)
        of_reader = [
            fact
            for fact in self._reader.extract(context)
            if self._relations is None or fact.relation in self._relations
        ]
        return [*of_rules, *self._new(context, of_rules, of_reader)]

    def _new(
        self, context: Context, known: Sequence[CandidateFact], found: Sequence[CandidateFact]
    ) -> Iterator[CandidateFact]:
        """Choose the reader's facts of which the rules do not speak.

        Args:
            context: What both have read. With candidates, a relation of both counts only with an
                object that is linked.
            known: Facts of the rules.
            found: Facts of the reader.
        """
        if not found:
            return
        unheard = {fact.relation for fact in known}
        if unheard & _BETWEEN_WORKS:
            unheard.add("based_on")
        if any(fact.relation in _OF_BOTH for fact in found):
            unheard |= _OF_BOTH if len(sentences(context.text)) > 1 else set()
        for fact in found:
            unlinked = bool(context.candidates) and fact.object_id is None
            if fact.relation in _OF_BOTH and (unlinked or fact.relation in unheard):
                continue
            if not any(_same(fact, other) for other in known):
                yield fact


def _same(fact: CandidateFact, other: CandidateFact) -> bool:
    """Whether two facts speak of one thing, affirming or denying it."""
    if fact.relation != other.relation:
        return False
    if fact.object_id is not None and fact.object_id == other.object_id:
        return True
    ours, theirs = name_key(fact.object_name), name_key(other.object_name)
    return bool(ours and theirs) and (ours in theirs or theirs in ours)
