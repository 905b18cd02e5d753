"""The extractor `rules`: patterns over sentences; it needs no key and no network.

It reads English. A fact needs words that state it (`triggers`), a sentence that speaks of the
subject (`subjects`), an object phrase (`objects`) and one candidate that the phrase can mean
(`naming`). Its quote is the whole sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from kg_assets.inference.chunking import sentences
from kg_assets.inference.extractors import Candidate, CandidateFact, Context, OneByOne
from kg_assets.inference.gazetteer import name_key
from kg_assets.inference.naming import CandidateNames, Hints, Link, NamesInText, link
from kg_assets.inference.objects import ObjectPhrase, parse_object
from kg_assets.inference.subjects import Sentence, mask_subject
from kg_assets.inference.triggers import HEDGE, LITERARY, LOOSELY, NEGATION, TRIGGERS, Trigger
from ontology.schema import Ontology

NEGATED = "negated"
HEDGED = "hedged"
INSPIRED = "hedged: inspired by, not based on"

_SCOPE_CUT = re.compile(
    r",\s+(?:it|the\s+(?:film|movie|series|novel|book)|\x01+|this|and|but|which|who|that)\b|\bbut\b|"
    r"\band\s+(?=is|was|has|based|adapted|serves|it\b)|;",
    re.IGNORECASE,
)
_NOT = re.compile(r"\s+not\s+(?:(?:on|of|to|from)\s+)?")
_ANOTHER = re.compile(
    r"[\"”’*_]?(?:\s*\([^)]*\))?\s*(?:,\s*(?:and\s+)?|(?:and|&)\s+)(?:the\s+)?(?:its\s+sequels?,?\s+)?"
)
_CONTRAST = re.compile(
    r"[\"”’*_]?(?:\s*\([^)]*\))?,?\s+(?:but|and)(?:\s+also)?(?:\s+\w+ly)?\s+(?:up)?(?:on|of|to|from)\s+",
    re.I,
)
_RATHER = re.compile(
    r"[\"”’*_]?(?:\s*\([^)]*\))?,?\s+(?:rather\s+than|instead\s+of|and\s+not|not)\s+(?:(?:on|of|to|from)\s+)?",
    re.I,
)
_MEMBER = re.compile(
    r"[\"”’*_]?\s+(?:film|movie|picture|novel|book|adventure|story|instal?lment|entry|series|show|"
    r"feature|mystery|thriller|outing)\b(?!\s+series)",
)
_TO_SCREEN = re.compile(
    r"[\"”’*_]?(?:\s*\([^)]*\))?\s+(?:in)?to\s+(?:the\s+)?(?:(?:big|small|silver)\s+)?(?:screen|cinema|film|television|stage)",
    re.I,
)
_INTO = re.compile(r"[\"”’*_]?(?:\s*\([^)]*\))?\s+(?:in)?to\s+(?:a|an|the|this|[A-Z])\b")
_PAUSE = re.compile(r"[\"”’*_]?(?:\s*\([^)]*\))?\s*(?:[.,;!?]|$|and\s|in\s+\d)")
_INTO_SUBJECT = r"[\"”’*_]?(?:\s*\([^)]*\))?\s+(?:into|for|as|to\s+make)\s+(?:a\s+)?"
_MAKING = re.compile(
    r"\b(?:written|directed|script(?:ed)?|screenplay|adapted|made|film(?:ed)?|movie|drama|comedy|"
    r"thriller|produced|musical|story)\b",
    re.IGNORECASE,
)
_BORROWED_PART = re.compile(
    r"\b(?:line|quote|quotation|scene|character|title|name|phrase|dialogue|music|song|word|sequence|"
    r"excerpt|passage|poem)s?(?:\s+(?:is|was|comes?|came|taken|are|were))*\s*$",
    re.IGNORECASE,
)
_OWN_FOLLOW_UP = re.compile(r"(?:\b(?:his|her|their|my)|['’]s?)\s+(?:[\w-]+\s+){0,3}$", re.I)
_REVERSE: tuple[tuple[str, re.Pattern[str], float], ...] = (
    (
        "based_on",
        re.compile(
            r"\s+(?:was|is|has\s+been|had\s+been)\s+(?:\w+ly\s+|also\s+|first\s+)?(?:adapted|filmed|"
            r"turned|made)(?:\s+by\s+[^,;]{1,50}?)?\s+(?:into|as)\s+"
        ),
        0.85,
    ),
    (
        "based_on",
        re.compile(
            r"\s+(?:is|was|serves?|served|forms?|formed|provides?|provided)\s+(?:as\s+)?(?:the\s+)?"
            r"(?:main\s+)?(?:basis|source|source\s+material|source\s+novel)\s+(?:for|of|to)\s+"
        ),
        0.85,
    ),
    (
        "sequel_of",
        re.compile(
            r"\s+(?:was|is)\s+followed\s+(?:[\w,]+\s+){0,5}?by\s+(?:(?:the|a)\s+sequel,?\s+)?"
        ),
        0.8,
    ),
)
_PREFERRED: dict[str, frozenset[str]] = {
    "based_on": LITERARY,
    "main_subject": frozenset({"event", "person"}),
}
_WEAKER_BY_LOOSENESS = 0.8
_UNNAMED_CERTAINTY = 0.75


class Rules(OneByOne):
    """Patterns over sentences.

    Args:
        ontology: Says which types of object a relation can have.
    """

    name = "rules"
    version = "1"
    model: str | None = None

    def __init__(self, ontology: Ontology) -> None:
        self._ontology = ontology

    def extract(self, context: Context) -> Sequence[CandidateFact]:
        """Propose facts about the context's subject, in the order of the text."""
        candidates = CandidateNames(context.candidates)
        best: dict[tuple[str, str, int, bool], CandidateFact] = {}
        for ordinal, span in enumerate(sentences(context.text)):
            text = context.text[span.start : span.end]
            names = NamesInText(text, candidates)
            masked = mask_subject(text, context, names)
            opening = ordinal == 0 and context.start == 0
            sentence = Sentence(text, masked, context.entity_type, opening, names)
            start = context.start + span.start
            for fact in self._facts(context, sentence, candidates):
                placed = replace(fact, quote=text, start=start, end=start + len(text))
                name = placed.object_id or name_key(placed.object_name)
                key = (placed.relation, name, start, placed.negated)
                if key not in best or _rank(placed) > _rank(best[key]):
                    best[key] = placed
        return list(best.values())

    def _facts(
        self, context: Context, sentence: Sentence, candidates: CandidateNames
    ) -> Iterator[CandidateFact]:
        for trigger in TRIGGERS:
            if self._has_no_such_relation(trigger.relation, context):
                continue
            for match in trigger.pattern.finditer(sentence.masked):
                yield from self._after(context, sentence, candidates, trigger, match)
        for relation, pattern, confidence in _REVERSE:
            if self._has_no_such_relation(relation, context):
                continue
            for match in pattern.finditer(sentence.masked):
                if sentence.reference_follows(match.end(), ""):
                    phrase = _first_phrase(context, sentence, match.start())
                    if phrase and phrase.named:
                        trigger = Trigger(relation, pattern, confidence, linked=True)
                        yield from self._fact(
                            context, sentence, candidates, trigger, phrase, match.end()
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
        if "follow" in match.group().lower() and _OWN_FOLLOW_UP.search(left):
            # "Fincher's follow-up to Se7en" is the order of a career.
            return
        for phrase, negated in _phrases(context, sentence, position):
            if not _fits(trigger, phrase, sentence, left):
                continue
            end = phrase.end
            ours = sentence.speaks_of_subject(match.start(), end) or sentence.reference_follows(
                end, _INTO_SUBJECT
            )
            if not ours and not _names_subject_inside(match):
                continue
            found = (
                replace(trigger, relation="main_subject", linked=True)
                if (phrase.real_life and trigger.relation == "based_on")
                else trigger
            )
            yield from self._fact(
                context, sentence, candidates, found, phrase, match.start(), negated=negated
            )

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
        if own and not said:
            return
        found = self._link(context, candidates, trigger, phrase)
        if found.candidate is None and (trigger.linked or not (phrase.named or phrase.makers)):
            return
        if trigger.franchise and found.candidate is None and not phrase.franchise_word:
            return
        scope = _scope(sentence.masked, sentence.clause(position), max(position, phrase.start))
        denied = negated or bool(NEGATION.search(scope))
        problem = (
            NEGATED
            if denied
            else INSPIRED
            if trigger.borrowed
            else HEDGED
            if HEDGE.search(scope)
            else found.problem
        )
        weaker = _WEAKER_BY_LOOSENESS if LOOSELY.search(scope[-40:]) else 1.0
        certainty = found.certainty if found.candidate else 0.5
        kinds = sorted(phrase.kinds)
        yield CandidateFact(
            relation=trigger.relation,
            object_name=phrase.name,
            quote="",
            start=0,
            end=0,
            confidence=round(trigger.confidence * certainty * weaker, 4),
            object_id=found.candidate.entity_id if found.candidate else None,
            object_type=found.candidate.entity_type
            if found.candidate
            else kinds[0]
            if len(kinds) == 1
            else None,
            negated=denied,
            problem=problem,
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
            if trigger.relation == "main_subject" and candidate.entity_type not in (
                "event",
                "person",
            ):
                return False
            if trigger.kinds and candidate.entity_type not in trigger.kinds:
                return False
            problem = self._ontology.check(
                trigger.relation, context.entity_type, candidate.entity_type
            )
            return problem is None

        dated = trigger.relation not in ("main_subject", "part_of_franchise")
        kinds = phrase.kinds
        if trigger.relation in ("main_subject", "part_of_franchise"):
            kinds = frozenset()
        hints = Hints(
            kinds=kinds,
            year=phrase.year if dated else None,
            makers=phrase.makers if dated else (),
            latest=context.year + 1 if context.year is not None and dated else None,
            preferred=_PREFERRED.get(trigger.relation, frozenset({context.entity_type})),
        )
        if phrase.named:
            return link(phrase.name, candidates, hints, allowed)
        # "the novel by Peter Benchley": most often it has the film's name, and its maker or
        # kind must then be confirmed by what is known of the candidate.
        found = link(context.name, candidates, hints, allowed)
        return replace(found, certainty=found.certainty * _UNNAMED_CERTAINTY)


def _rank(fact: CandidateFact) -> tuple[bool, bool, float]:
    return (fact.problem is None, fact.object_id is not None, fact.confidence)


def _scope(masked: str, clause: int, position: int) -> str:
    """The words that a negation or hedge before an object must stand in."""
    left = masked[clause:position]
    cuts = list(_SCOPE_CUT.finditer(left))
    if not cuts:
        return left
    last = cuts[-1]
    # The conjunction goes, the subject that may carry the negation stays.
    word = last.group().lstrip(", ")
    keep = (
        last.end() - len(word) if word.lower().startswith(("which", "who", "that")) else last.end()
    )
    return left[keep:]


def _phrases(
    context: Context, sentence: Sentence, position: int
) -> Iterator[tuple[ObjectPhrase, bool]]:
    """Read one object or several, each with whether it alone is denied."""
    text, names = sentence.text, sentence.names
    denial = _NOT.match(text, position)
    negated = denial is not None
    if denial:
        position = denial.end()
    phrase = parse_object(text, position, names, context.name)
    while phrase is not None:
        yield phrase, negated
        negated = False
        following: ObjectPhrase | None = None
        if match := _RATHER.match(text, phrase.end):
            following, negated = parse_object(text, match.end(), names, context.name), True
        elif match := _CONTRAST.match(text, phrase.end):
            following = parse_object(text, match.end(), names, context.name)
        elif match := _ANOTHER.match(text, phrase.end):
            known = names.starting_at(match.end())
            quoted = re.match(r"[\"“*_‘](?=\w)", text[match.end() :])
            if known or quoted:
                following = parse_object(text, match.end(), names, context.name)
                if following and not following.kinds:
                    following = replace(following, kinds=phrase.kinds)
        if following is None or following.end <= phrase.end:
            return
        phrase = following


def _fits(trigger: Trigger, phrase: ObjectPhrase, sentence: Sentence, left: str) -> bool:
    if sentence.is_reference(phrase.start, phrase.end) and not (
        phrase.kinds or phrase.year or phrase.makers or phrase.same_name
    ):
        return False
    if trigger.pattern.pattern.startswith(r"\bbr(?:ings"):
        return bool(_TO_SCREEN.match(sentence.text, phrase.end))
    if trigger.told and not (phrase.kinds or phrase.makers or phrase.year):
        return False
    if trigger.into:
        return bool((phrase.kinds or phrase.makers) and _INTO.match(sentence.text, phrase.end))
    if trigger.closed:
        return phrase.named and bool(_PAUSE.match(sentence.text, phrase.end))
    if trigger.member:
        return bool(_MEMBER.match(sentence.text, phrase.end))
    if trigger.typed:
        if _BORROWED_PART.search(left) or not phrase.kinds & LITERARY:
            return False
        return bool(_MAKING.search(left))
    return True


def _names_subject_inside(match: re.Match[str]) -> bool:
    """Whether the subject stands within the words ("based the film on")."""
    inside = re.search(r"(?:\x01+|\b(?:it|the (?:film|movie|series|show))\b)", match.group())
    return inside is not None


def _first_phrase(context: Context, sentence: Sentence, end: int) -> ObjectPhrase | None:
    """The phrase in the place of the grammatical subject, which must end at a position."""
    start = sentence.clause(end)
    phrase = parse_object(sentence.text, start, sentence.names, context.name)
    if phrase is None or phrase.end > end:
        return None
    between = sentence.text[phrase.end : end]
    return (
        phrase if re.fullmatch(r"[\"”*_’]?(?:\s*\([^)]*\)|,? by [^;]+|,[^;]*,)?", between) else None
    )
