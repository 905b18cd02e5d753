"""The extractor of the reader: patterns propose, the filter judges, quotes are whole sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kg_assets.inference.chunking import Span, chunks, sentences
from kg_assets.inference.extractors import UNLINKED, CandidateFact, Context, OneByOne
from kg_assets.inference.gazetteer import name_key
from kg_assets.inference.reading import VERSION
from kg_assets.inference.reading.filter import Candidate, Filter, candidates, load_filter
from kg_assets.inference.reading.propose import proposals
from kg_assets.inference.reading.view import View, view
from ontology.schema import Ontology

LONGEST_SENTENCE = 1_000
"""Characters above which a sentence is read in pieces: what is longer is a list or no sentence, and
the time that patterns take grows faster than the text."""

_DATE = "publication_date"


class Reader(OneByOne):
    """Every relation of films that a sentence of an encyclopedia states.

    It needs no key, no network and no candidates. An object that has the name of exactly one
    candidate is linked to it.

    Args:
        ontology: Says which relations a subject can have, and which are attributes.
        precise: Keep only what the filter is surer of.
        weights: The filter; the one that ships with the project unless another is given.
    """

    name = "reader"
    version = VERSION
    model: str | None = None

    def __init__(
        self, ontology: Ontology, *, precise: bool = False, weights: Filter | None = None
    ) -> None:
        self._domains = {each.name: each.domain for each in ontology.relations.values()}
        self._domains |= {each.name: each.domain for each in ontology.attributes.values()}
        self._ranges = {each.name: each.range for each in ontology.relations.values()}
        self._precise = precise
        self._filter = weights or load_filter()

    def extract(self, context: Context) -> Sequence[CandidateFact]:
        """Propose facts about the context's subject, in the order of the text."""
        best: dict[tuple[str, str], CandidateFact] = {}
        for span in _pieces(context.text):
            text = context.text[span.start : span.end]
            seen = view(text, context.name, context.alternate_names, context.entity_type)
            start = context.start + span.start
            for fact in self._facts(context, seen, text, start):
                key = (fact.relation, fact.object_name.casefold())
                if key not in best or fact.confidence > best[key].confidence:
                    best[key] = fact
        dates = {fact.object_name for fact in best.values() if fact.relation == _DATE}
        found = [
            fact
            for fact in best.values()
            if fact.relation != _DATE or not _is_less_precise(fact.object_name, dates)
        ]
        return sorted(found, key=lambda fact: fact.start or 0)

    def _facts(
        self, context: Context, seen: View, text: str, start: int
    ) -> Iterator[CandidateFact]:
        for found in candidates(proposals(seen)):
            if context.entity_type not in self._domains.get(found.relation, ()):
                continue
            probability = self._filter.probability(found.features)
            if probability < self._filter.threshold(found.relation, precise=self._precise):
                continue
            object_id, object_type = self._link(context, found)
            attribute = found.relation not in self._ranges
            yield CandidateFact(
                relation=found.relation,
                object_name=found.name,
                quote=text,
                start=start,
                end=start + len(text),
                confidence=round(probability, 4),
                object_id=object_id,
                object_type=object_type,
                problem=None if object_id or attribute else UNLINKED,
            )

    def _link(self, context: Context, found: Candidate) -> tuple[str | None, str | None]:
        kinds = self._ranges.get(found.relation)
        if kinds is None or not context.candidates:
            return None, None
        key = name_key(found.name)
        same = {
            (each.entity_id, each.entity_type)
            for each in context.candidates
            if each.entity_type in kinds
            and each.entity_id != context.entity_id
            and key in {name_key(name) for name in (each.name, *each.names)}
        }
        return next(iter(same)) if len(same) == 1 else (None, None)


def _is_less_precise(date: str, dates: set[str]) -> bool:
    """Whether another date says the same and more ("1990" beside "07 March 1990")."""
    return any(other != date and other.endswith(date) for other in dates)


def _pieces(text: str) -> Iterator[Span]:
    """The sentences of a text; one that is too long to be a sentence comes in pieces."""
    for span in sentences(text):
        if span.end - span.start <= LONGEST_SENTENCE:
            yield span
            continue
        for piece in chunks(text[span.start : span.end], LONGEST_SENTENCE):
            yield Span(span.start + piece.start, span.start + piece.end)
