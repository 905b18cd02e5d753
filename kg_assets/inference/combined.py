"""Extractors made of others: one after another where one fails, or all at once to agree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from kg_assets.inference.confidence import PRIORS
from kg_assets.inference.extractors import (
    ANSWERED,
    EMPTY,
    CandidateFact,
    Context,
    Extraction,
    Extractor,
    identity,
)
from kg_assets.inference.gazetteer import name_key

if TYPE_CHECKING:
    from kg_assets.inference.llm.examples import ReviewedFact

CONFLICT = "conflict"
"""Begins the reason of a fact that another extractor denies or doubts."""

_AT_ONCE = 256
"""Contexts that are gathered before the next extractor reads them; bounds the memory."""

_READ = (ANSWERED, EMPTY)


class InOrder:
    """Asks the first extractor, and the next for what the one before could not read.

    Facts and states carry the name of the extractor that was asked.

    Args:
        members: The extractors, at least one.
    """

    def __init__(self, members: Sequence[Extractor]) -> None:
        self._first, *rest = members
        self._rest = InOrder(rest) if rest else None
        self.name = ">".join(each.name for each in members)
        self.version = ">".join(map(identity, members))
        self.model = self._first.model

    def taught(self, reviewed: Sequence[ReviewedFact]) -> InOrder:
        """The same, whose members see examples from what people decided."""
        return InOrder([taught(each, reviewed) for each in self.members])

    @property
    def members(self) -> tuple[Extractor, ...]:
        """The extractors in their order."""
        return (self._first, *(self._rest.members if self._rest else ()))

    def extract_many(self, contexts: Iterable[Context]) -> Iterator[Extraction]:
        """Read contexts; see `Extractor`. A state of each extractor that was asked is given."""
        if self._rest is None:
            yield from self._first.extract_many(contexts)
            return
        unread: list[Context] = []
        for found in self._first.extract_many(contexts):
            if found.state in _READ or not found.last:
                yield found
                continue
            yield replace(found, last=False)
            unread.append(found.context)
            if len(unread) == _AT_ONCE:
                yield from self._rest.extract_many(unread)
                unread = []
        yield from self._rest.extract_many(unread)


class Ensemble:
    """Asks all of its members about each context, and brings what they say together.

    What several find is one fact, with the best evidence and the number of those who agree. Where
    one states what another denies or doubts, both sides are kept with their evidence, and neither
    is accepted.

    Args:
        members: The extractors, at least two.
    """

    name = "ensemble"

    def __init__(self, members: Sequence[Extractor]) -> None:
        self._members = tuple(members)
        self.version = "+".join(map(identity, members))
        self.model = next((each.model for each in members if each.model), None)

    def taught(self, reviewed: Sequence[ReviewedFact]) -> Ensemble:
        """The same, whose members see examples from what people decided."""
        return Ensemble([taught(each, reviewed) for each in self._members])

    def extract_many(self, contexts: Iterable[Context]) -> Iterator[Extraction]:
        """Read contexts; see `Extractor`."""
        waiting = iter(contexts)
        while batch := list(islice(waiting, _AT_ONCE)):
            found: dict[str, list[Extraction]] = defaultdict(list)
            for member in self._members:
                for extraction in member.extract_many(batch):
                    found[extraction.context.context_id].append(extraction)
            for context in batch:
                yield self._together(context, found[context.context_id])

    def _together(self, context: Context, given: Sequence[Extraction]) -> Extraction:
        read = [each for each in given if each.state in _READ]
        facts = tuple(agreed({each.by.name: each.facts for each in read}))
        # Without any answer, the first extractor that has none says why.
        state = (ANSWERED if facts else EMPTY) if read else given[0].state
        missing = "; ".join(
            f"{each.by.name} {each.state}: {each.detail}" for each in given if each not in read
        )
        return Extraction(
            context,
            self,
            state,
            facts,
            detail=missing or None,
            final=all(each.final for each in given),
            reasks=max(each.reasks for each in given),
            input_tokens=sum(each.input_tokens for each in given),
            output_tokens=sum(each.output_tokens for each in given),
            cost=sum(each.cost for each in given),
        )


def taught(extractor: Extractor, reviewed: Sequence[ReviewedFact]) -> Extractor:
    """Give an extractor what people decided; one that learns nothing from it stays as it is.

    Args:
        extractor: The extractor.
        reviewed: What people decided.
    """
    teach = getattr(extractor, "taught", None)
    return extractor if teach is None else teach(reviewed)


def agreed(found: Mapping[str, Sequence[CandidateFact]]) -> Iterator[CandidateFact]:
    """Bring together what extractors found in one context.

    Args:
        found: The facts of each extractor that read it, by its name.

    Yields:
        One fact of all that say the same, and each that is denied or doubted.
    """
    said: dict[tuple[str, str], dict[str, list[CandidateFact]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for name, facts in found.items():
        for fact in facts:
            key = (fact.relation, fact.object_id or name_key(fact.object_name))
            said[key][name].append(fact)
    for by_name in said.values():
        holds = {
            name: [each for each in facts if not each.negated and each.problem is None]
            for name, facts in by_name.items()
        }
        for_it = sorted(name for name, facts in holds.items() if facts)
        against = {
            name: fact
            for name, facts in by_name.items()
            if name not in for_it
            for fact in facts
            if fact.negated or fact.object_id is not None or fact.new
        }
        if for_it:
            best = max((fact for name in for_it for fact in holds[name]), key=_rank)
            problem = None
            if against:
                reasons = ", ".join(
                    f"{name}: {fact.problem or 'negated'}" for name, fact in sorted(against.items())
                )
                problem = f"{CONFLICT}: {reasons}"
            base = best.confidence if len(found) == 1 else PRIORS[Ensemble.name]
            yield replace(
                best,
                confidence=base,
                problem=problem,
                agreeing=len(for_it),
                asked=len(found),
            )
        for name in sorted(by_name):
            if name not in for_it:
                yield from (replace(fact, asked=len(found)) for fact in by_name[name])


def _rank(fact: CandidateFact) -> tuple[bool, float, float, int]:
    # A quote whose place is known before one that has to be found, then the shorter one.
    return (fact.start is not None, fact.margin, fact.confidence, -len(fact.quote))
