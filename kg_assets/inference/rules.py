"""The extractor `rules`: patterns over sentences; it needs no key and no network.

It reads English. A fact needs words that state it (`triggers`), a sentence that speaks of the
subject (`subjects`), an object phrase (`objects`, `about`) and one candidate that the phrase can
mean (`naming`). Its quote is the whole sentence. Where the caller gives no candidates at all, the
object is the name that the text gives it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from kg_assets.inference.about import EVENT, SUBJECTS, about, may_tell
from kg_assets.inference.chunking import sentences
from kg_assets.inference.doubts import LOOSELY, denies, hedges
from kg_assets.inference.extractors import UNLINKED, Candidate, CandidateFact, Context, OneByOne
from kg_assets.inference.franchises import FRANCHISE_GATE, FRANCHISE_TRIGGERS
from kg_assets.inference.gazetteer import name_key
from kg_assets.inference.naming import CandidateNames, Hints, Link, NamesInText, link
from kg_assets.inference.nearby import CONFIDENCE, nearby
from kg_assets.inference.objects import ObjectPhrase
from kg_assets.inference.reading.repair import repair
from kg_assets.inference.statements import (
    INTO_SUBJECT,
    NUMBERED,
    OWN_FOLLOW_UP,
    REVERSE,
    first_phrase,
    fits,
    names_subject_inside,
    phrases,
    scope,
)
from kg_assets.inference.subjects import Sentence, mask_subject
from kg_assets.inference.triggers import LITERARY, TRIGGERS, Trigger
from kg_assets.inference.wordlists import Needles, holds
from ontology.schema import Ontology

NEGATED = "negated"
HEDGED = "hedged"
INSPIRED = "hedged: inspired by, not based on"

_PREFERRED: dict[str, frozenset[str]] = {"based_on": LITERARY, "main_subject": SUBJECTS}

_ADAPTED = frozenset({"based_on", "remake_of"})
"""Relations whose object most often has the subject's title."""

_WEAKER_BY_LOOSENESS = 0.8
_UNNAMED_CERTAINTY = 0.75
_UNLINKED_CERTAINTY = 0.5


class Rules(OneByOne):
    """Patterns over sentences.

    Args:
        ontology: Says which types of object a relation can have.
    """

    name = "rules"
    version = "4"
    model: str | None = None

    def __init__(self, ontology: Ontology) -> None:
        self._ontology = ontology
        self._of_type: dict[str, Needles[Trigger]] = {}

    def extract(self, context: Context) -> Sequence[CandidateFact]:
        """Propose facts about the context's subject, in the order of the text."""
        candidates = CandidateNames(context.candidates)
        best: dict[tuple[str, str, int, bool], CandidateFact] = {}
        read: list[Sentence] = []
        quotes: list[tuple[str, int]] = []
        for ordinal, span in enumerate(sentences(context.text)):
            quote, start = context.text[span.start : span.end], context.start + span.start
            text = repair(quote).text
            triggers = self._triggers(context, text)
            if not (context.candidates or triggers or may_tell(text)):
                continue
            names = NamesInText(text, candidates)
            masked = mask_subject(text, context, names)
            opening = ordinal == 0 and context.start == 0
            sentence = Sentence(text, masked, context.entity_type, opening, names)
            read.append(sentence)
            quotes.append((quote, start))
            for fact in self._facts(context, sentence, candidates, triggers):
                placed = replace(fact, quote=quote, start=start, end=start + len(quote))
                name = placed.object_id or name_key(placed.object_name)
                key = (placed.relation, name, start, placed.negated)
                if key not in best or _rank(placed) > _rank(best[key]):
                    best[key] = placed
        if context.candidates:
            settled = frozenset(name_key(fact.object_name) for fact in best.values())
            for seen in nearby(context, read, candidates, settled, self._ontology):
                quote, start = quotes[seen.ordinal]
                best.setdefault(
                    (seen.relation, seen.candidate.entity_id, start, False),
                    CandidateFact(
                        relation=seen.relation,
                        object_name=seen.name,
                        quote=quote,
                        start=start,
                        end=start + len(quote),
                        confidence=CONFIDENCE,
                        object_id=seen.candidate.entity_id,
                        object_type=seen.candidate.entity_type,
                    ),
                )
        return list(best.values())

    def _triggers(self, context: Context, text: str) -> list[Trigger]:
        """The triggers to try: what the type can have, and of which a word is in the sentence."""
        if context.entity_type not in self._of_type:
            self._of_type[context.entity_type] = Needles(
                (each, each.needles)
                for each in (*TRIGGERS, *FRANCHISE_TRIGGERS, *REVERSE)
                if not self._has_no_such_relation(each.relation, context)
            )
        lower = text.lower()
        found = self._of_type[context.entity_type].within(lower)
        if context.candidates or holds(lower, FRANCHISE_GATE):
            return found
        return [trigger for trigger in found if not trigger.franchise]

    def _facts(
        self,
        context: Context,
        sentence: Sentence,
        candidates: CandidateNames,
        triggers: Sequence[Trigger],
    ) -> Iterator[CandidateFact]:
        for trigger in triggers:
            read = self._before if trigger.before else self._after
            for match in trigger.pattern.finditer(sentence.masked):
                yield from read(context, sentence, candidates, trigger, match)
        if not self._has_no_such_relation("main_subject", context):
            yield from self._about(context, sentence, candidates)

    def _about(
        self, context: Context, sentence: Sentence, candidates: CandidateNames
    ) -> Iterator[CandidateFact]:
        for found in about(context, sentence, candidates):
            denied, problem = _doubt(sentence, found.start, found.object_start)
            known = found.candidate
            yield CandidateFact(
                relation="main_subject",
                object_name=found.name,
                quote="",
                start=0,
                end=0,
                confidence=found.confidence,
                object_id=known.entity_id if known else None,
                object_type=known.entity_type if known else None,
                negated=denied,
                problem=problem,
            )

    def _has_no_such_relation(self, relation: str, context: Context) -> bool:
        return context.entity_type not in self._ontology.relations[relation].domain

    def _after(
        self,
        context: Context,
        sentence: Sentence,
        candidates: CandidateNames,
        trigger: Trigger,
        match: re.Match[str],
    ) -> Iterator[CandidateFact]:
        """Read the objects that follow words which state a relation."""
        position = match.end()
        left = sentence.masked[: match.start()]
        if "follow" in match.group().lower() and OWN_FOLLOW_UP.search(left):
            # "Fincher's follow-up to Se7en" is the order of a career.
            return
        for phrase, negated in phrases(context, sentence, position):
            if phrase.real_life or not fits(trigger, phrase, sentence, left):
                continue
            end = phrase.end
            ours = sentence.speaks_of_subject(match.start(), end) or sentence.reference_follows(
                end, INTO_SUBJECT
            )
            if (
                not ours
                and not names_subject_inside(match)
                and not self._owns(context, sentence, trigger, phrase)
            ):
                continue
            yield from self._fact(
                context, sentence, candidates, trigger, phrase, match.start(), negated=negated
            )

    def _before(
        self,
        context: Context,
        sentence: Sentence,
        candidates: CandidateNames,
        trigger: Trigger,
        match: re.Match[str],
    ) -> Iterator[CandidateFact]:
        """Read the object that precedes words which state a relation to the subject."""
        if sentence.reference_follows(match.end(), ""):
            phrase = first_phrase(context, sentence, match.start())
            if phrase and phrase.named:
                yield from self._fact(context, sentence, candidates, trigger, phrase, match.end())

    def _fact(
        self,
        context: Context,
        sentence: Sentence,
        candidates: CandidateNames,
        trigger: Trigger,
        phrase: ObjectPhrase,
        position: int,
        *,
        negated: bool = False,
    ) -> Iterator[CandidateFact]:
        own = name_key(phrase.name) in {
            name_key(name) for name in (context.name, *context.alternate_names)
        }
        said = bool(phrase.kinds or phrase.year or phrase.makers)
        if own and not (said or phrase.same_name or phrase.franchise_word):
            return
        found = self._link(context, candidates, trigger, phrase)
        name = phrase.name
        if found.candidate is None:
            free = not context.candidates
            event = EVENT.search(phrase.name) and not phrase.kinds
            if free and trigger.relation == "based_on" and (phrase.modifies or event):
                return
            if not phrase.named:
                if trigger.relation not in _ADAPTED or not phrase.definite:
                    return
                if not (phrase.makers or phrase.year):
                    return
                # "King's 1986 novel": most often it has the title of what was made of it.
                name = context.name if free else name
            if trigger.linked and not (free and (said or trigger.clear)):
                return
            numbered = free and trigger.member and NUMBERED.match(sentence.masked, position)
            same = phrase.same_name and "franchise" in phrase.kinds
            if trigger.franchise and not (phrase.franchise_word or numbered or same):
                return
            if free and self._out_of_range(context, trigger, phrase):
                return
        elif not phrase.named:
            name = found.candidate.name
        denied, problem = _doubt(sentence, position, phrase.start, denied=negated)
        if problem is None:
            problem = INSPIRED if trigger.borrowed else found.problem
        if problem == UNLINKED and not context.candidates:
            problem = None
        words = scope(sentence.masked, sentence.clause(position), max(position, phrase.start))
        weaker = _WEAKER_BY_LOOSENESS if LOOSELY.search(words[-40:]) else 1.0
        certainty = found.certainty if found.candidate else _UNLINKED_CERTAINTY
        yield CandidateFact(
            relation=trigger.relation,
            object_name=name,
            quote="",
            start=0,
            end=0,
            confidence=round(trigger.confidence * certainty * weaker, 4),
            object_id=found.candidate.entity_id if found.candidate else None,
            object_type=found.candidate.entity_type if found.candidate else _kind(trigger, phrase),
            negated=denied,
            problem=problem,
        )

    def _owns(
        self, context: Context, sentence: Sentence, trigger: Trigger, phrase: ObjectPhrase
    ) -> bool:
        """Whether a book or play of the subject's name is what the subject is made from."""
        same = phrase.same_name or name_key(phrase.name) == name_key(context.name)
        return (
            trigger.relation == "based_on"
            and context.entity_type in ("film", "series")
            and same
            and bool(phrase.kinds & LITERARY)
            and not sentence.speaks_of_another(phrase.start)
        )

    def _out_of_range(self, context: Context, trigger: Trigger, phrase: ObjectPhrase) -> bool:
        """Whether the words with a name say that it cannot be an object of the relation."""
        if trigger.franchise:
            return False
        if trigger.kinds and phrase.kinds and not phrase.kinds & trigger.kinds:
            return True
        kinds = phrase.kinds or ({"franchise"} if phrase.franchise_word else set())
        return bool(kinds) and all(
            self._ontology.check(trigger.relation, context.entity_type, kind) for kind in kinds
        )

    def _link(
        self,
        context: Context,
        candidates: CandidateNames,
        trigger: Trigger,
        phrase: ObjectPhrase,
    ) -> Link:
        def allowed(candidate: Candidate) -> bool:
            if candidate.entity_id == context.entity_id:
                return False
            if trigger.kinds and candidate.entity_type not in trigger.kinds:
                return False
            problem = self._ontology.check(
                trigger.relation, context.entity_type, candidate.entity_type
            )
            return problem is None

        dated = trigger.relation != "part_of_franchise"
        preferred = _PREFERRED.get(trigger.relation, frozenset({context.entity_type}))
        hints = Hints(
            kinds=phrase.kinds if dated else frozenset(),
            year=phrase.year if dated else None,
            makers=phrase.makers if dated else (),
            latest=context.year + 1 if context.year is not None and dated else None,
            preferred=frozenset({"franchise"}) if phrase.franchise_word else preferred,
        )
        if phrase.named:
            return link(phrase.name, candidates, hints, allowed)
        # "the novel by Peter Benchley": most often it has the film's name, and its maker or
        # kind must then be confirmed by what is known of the candidate.
        found = link(context.name, candidates, hints, allowed)
        return replace(found, certainty=found.certainty * _UNNAMED_CERTAINTY)


def _doubt(
    sentence: Sentence, position: int, object_start: int, *, denied: bool = False
) -> tuple[bool, str | None]:
    """Whether a statement is denied, and why it is not kept."""
    words = scope(sentence.masked, sentence.clause(position), max(position, object_start))
    if denied or denies(words):
        return True, NEGATED
    return False, HEDGED if hedges(words) else None


def _kind(trigger: Trigger, phrase: ObjectPhrase) -> str | None:
    """The object's type, where the text leaves one."""
    if trigger.franchise or (phrase.franchise_word and not phrase.kinds):
        return "franchise"
    return next(iter(phrase.kinds)) if len(phrase.kinds) == 1 else None


def _rank(fact: CandidateFact) -> tuple[bool, bool, float]:
    return (fact.problem is None, fact.object_id is not None, fact.confidence)
