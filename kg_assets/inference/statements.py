"""The build of a statement: its scope, the objects that follow it, and those before it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from kg_assets.inference.extractors import Context
from kg_assets.inference.objects import ObjectPhrase, parse_object
from kg_assets.inference.subjects import Sentence
from kg_assets.inference.triggers import LITERARY, Trigger

_SCOPE_CUT = re.compile(
    r",\s+(?:it|the\s+(?:film|movie|series|novel|book)|\x01+|this|and|but|which|who|that)\b|"
    r"\bbut\b|"
    r"\band\s+(?=is|was|has|based|adapted|serves|it\b)|;",
    re.IGNORECASE,
)
_NOT = re.compile(r"\s+not\s+(?:(?:on|of|to|from)\s+)?")
_ANOTHER = re.compile(
    r"[\"”’*_]?(?:\s*\([^)]*\))?\s*(?:,\s*(?:and\s+)?|(?:and|"
    r"&)\s+)(?:the\s+)?(?:its\s+sequels?,?\s+)?"
)
_LISTED = re.compile(
    r"(?![A-Z]\w+['’]s\b)[A-Z][^,.;()]{0,60}?(?:\s+\((?:1[89]|20)\d\d\)|(?=\.$|;)|(?=,\s+(?:and|"
    r"it|the\s+film)\s))"
)
"""A further title where no candidates are known: one with a year, or one that ends the clause."""

_CONTRAST = re.compile(
    r"[\"”’*_]?(?:\s*\([^)]*\))?,?\s+(?:but|and)(?:\s+also)?(?:\s+\w+ly)?\s+(?:up)?(?:on|of|to|"
    r"from)\s+",
    re.I,
)
_RATHER = re.compile(
    r"[\"”’*_]?(?:\s*\([^)]*\))?,?\s+(?:rather\s+than|instead\s+of|and\s+not|not)\s+(?:(?:on|of|"
    r"to|from)\s+)?",
    re.I,
)
_MEMBER = re.compile(
    r"[\"”’*_]?\s+(?:(?:anthology|live-action|animated|feature|theatrical|spin-off|horror|"
    r"spy)\s+)?(?:film|movie|picture|novel|book|adventure|story|instal?lment|entry|series|show|"
    r"feature|mystery|thriller|outing)\b(?!\s+series)",
)
_TO_SCREEN = re.compile(
    r"[\"”’*_]?(?:\s*\([^)]*\))?(?:,?\s+(?:the\s+\w+\s+)?by\s+[^,;.]{3,50}?)?,?\s+(?:in)?to\s+(?:the\s+)?(?:(?:big|small|silver)\s+)?(?:screen|cinema|film|television|stage)",
    re.I,
)
_INTO = re.compile(
    r"[\"”’*_]?(?:\s*\([^)]*\))?(?:,[^,]{3,50},)?\s+(?:from\s+[^,;.]{3,40}?\s+)?(?:in)?to\s+(?:a|an|the|this|[A-Z])\b"
)
NUMBERED = re.compile(
    r"(?:[\s,]*(?:is|was|as|being|becomes|became))?[\s,]*the\s+(?:second|third|fourth|fifth|"
    r"sixth|seventh|eighth|"
    r"ninth|tenth|\w+teenth|twent\w+(?:-\w+)?|\d+(?:st|nd|rd|th))\b",
    re.IGNORECASE,
)
"""A place beyond the first, which makes "the fifth Mad Max film" one of a series."""

_PAUSE = re.compile(r"[\"”’*_]?(?:\s*\([^)]*\))?\s*(?:[.,;!?]|$|and\s|in\s+\d)")
INTO_SUBJECT = r"[\"”’*_]?(?:\s*\([^)]*\))?\s+(?:into|for|as|to\s+make)\s+(?:a\s+)?"
_OF_A_SOURCE = re.compile(
    r"\b(?:based\s+(?:up)?on|adapt\w*(?:\s+(?:of|from))?|adaptation\s+of|version\s+of)\s+"
    r"(?:the\s+)?(?:\w+\s+)?$",
    re.IGNORECASE,
)
"""What follows is said of the source ("based on the first book in a series")."""

_MAKING = re.compile(
    r"\b(?:written|directed|script(?:ed)?|screenplay|adapted|made|film(?:ed)?|movie|drama|comedy|"
    r"thriller|produced|musical|story|scenario|plot|libretto)\b",
    re.IGNORECASE,
)
_BORROWED_PART = re.compile(
    r"\b(?:line|quote|quotation|scene|character|title|name|phrase|dialogue|music|song|word|"
    r"sequence|"
    r"excerpt|passage|poem)s?(?:\s+(?:is|was|comes?|came|taken|are|were))*\s*$",
    re.IGNORECASE,
)
OWN_FOLLOW_UP = re.compile(r"(?:\b(?:his|her|their|my)|['’]s?)\s+(?:[\w-]+\s+){0,3}$", re.I)
REVERSE: tuple[Trigger, ...] = (
    Trigger(
        "based_on",
        ("adapted", "filmed", "turned", "made"),
        re.compile(
            r"\s+(?:was|is|has\s+been|had\s+been)\s+(?:\w+ly\s+|also\s+|first\s+)?(?:adapted|"
            r"filmed|turned|made)(?:\s+by\s+[^,;]{1,50}?)?\s+(?:into|as)\s+"
        ),
        0.85,
        linked=True,
        before=True,
    ),
    Trigger(
        "based_on",
        ("basis", "source"),
        re.compile(
            r"\s+(?:is|was|serves?|served|forms?|formed|provides?|provided)\s+(?:as\s+)?(?:the\s+)?"
            r"(?:main\s+)?(?:basis|source|source\s+material|source\s+novel)\s+(?:for|of|to)\s+"
        ),
        0.85,
        linked=True,
        before=True,
    ),
    Trigger(
        "sequel_of",
        ("followed",),
        re.compile(
            r"\s+(?:was|is)\s+followed\s+(?:[\w,]+\s+){0,5}?by\s+(?:(?:the|a)\s+sequel,?\s+)?"
        ),
        0.8,
        linked=True,
        before=True,
    ),
)
"""Words that state a relation of which the object stands before them ("Emma was filmed as")."""


def scope(masked: str, clause: int, position: int) -> str:
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


def phrases(
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
            dated = not context.candidates and _LISTED.match(text, match.end())
            again = re.match(r"[A-Z]", text[match.end() :]) and text.startswith(
                phrase.name, match.end()
            )
            if known or quoted or dated or again:
                following = parse_object(text, match.end(), names, context.name)
                if following and not following.kinds:
                    following = replace(following, kinds=phrase.kinds)
        if following is None or following.end <= phrase.end:
            return
        phrase = following


def fits(trigger: Trigger, phrase: ObjectPhrase, sentence: Sentence, left: str) -> bool:
    """Whether an object phrase has what its trigger asks for.

    Args:
        trigger: The trigger.
        phrase: What follows it.
        sentence: Their sentence.
        left: What stands before the trigger, masked.
    """
    if sentence.is_reference(phrase.start, phrase.end) and not (
        phrase.kinds or phrase.year or phrase.makers or phrase.same_name or phrase.franchise_word
    ):
        return False
    if trigger.pattern.pattern.startswith(r"\bbr(?:ings"):
        return bool(_TO_SCREEN.match(sentence.text, phrase.end))
    if trigger.franchise and _OF_A_SOURCE.search(left):
        return False
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


def names_subject_inside(match: re.Match[str]) -> bool:
    """Whether the subject stands within the words ("based the film on")."""
    inside = re.search(
        r"(?:^(?:plot|story|screenplay|script|premise)\b|\x01+|\b(?:it|the (?:film|movie|series|"
        r"show))\b)",
        match.group(),
    )
    return inside is not None


def first_phrase(context: Context, sentence: Sentence, end: int) -> ObjectPhrase | None:
    """The phrase in the place of the grammatical subject, which must end at a position."""
    start = sentence.clause(end)
    phrase = parse_object(sentence.text, start, sentence.names, context.name)
    if phrase is None or phrase.end > end:
        return None
    between = sentence.text[phrase.end : end]
    return (
        phrase if re.fullmatch(r"[\"”*_’]?(?:\s*\([^)]*\)|,? by [^;]+|,[^;]*,)?", between) else None
    )
