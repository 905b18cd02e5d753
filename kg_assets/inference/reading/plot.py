"""The reader of plots: names in a sentence that tells a story and credits nobody."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kg_assets.inference.reading.patterns import Pattern
from kg_assets.inference.reading.places import CITIES, REGIONS
from kg_assets.inference.reading.proposals import Proposal
from kg_assets.inference.reading.spans import is_company, is_people
from kg_assets.inference.reading.traits import OPENERS, is_making
from kg_assets.inference.reading.view import View
from kg_assets.inference.reading.words import MONTHS, WEEKDAYS
from kg_assets.inference.wordlists import listed, whole_words

_CREDITS = re.compile(
    whole_words(
        r"directed|written|stars|starring|featur(?:es|ing)|based on|novel|novels|film by|voiced|voice|voices|"
        r"adaptations?|adapted|performance|cast|actor|actress|music|animated|animation|cartoon|series|sequel|soundtrack|"
        r"album|song|songs|reviews?|critic|role|screenplay|screenwriter|collaboration|author|writer|director|producer|producers|composer|"
        r"documentary|documenting|concert|tour|band|video|plays?|played|portrays?|portrayed|interviews?|footage|production|audience|english title|titles?|commercial|success\w*|acclaimed|recounts?|release|budget|band|album|manga|character|characters|franchise"
    )
)

_PLOT_NOT = frozenset(
    (
        *MONTHS,
        *WEEKDAYS,
        *listed(
            """
God Earth Christmas American English World War II Nazi Nazis Allied Western FBI CIA NASA Internet
Principal Following Taking Locations Meanwhile However Upon Soon Later There Here Now Only Many
Most Some One Two Three Once Filmmaker Bible Halloween Army Navy Police King Queen President
Academy America Europe Africa Asia
"""
        ),
    )
)

_TOLD = re.compile(
    whole_words(
        r"who|whom|story|follows|tells|plot|journey|meets?|kidnap\w*|kills?|killed|killing|fights?|fighting|sav(?:es?|ing)|"
        r"rescues?|escapes?|escaping|loves?|father|mother|sons?|daughter|brothers?|sisters?|friends?|wife|husband|boy|girl|"
        r"man|woman|enemy|enemies|army|battles?|discovers?|learns?|tries|attempts?|reunited|wizard|villain\w*|prison|"
        r"murder\w*|marr(?:y|ies|ied)|dreams?|fiancé\w*|lovers?|girlfriend|boyfriend|cop|detective|thief|soldiers?|"
        r"returns?|destroy\w*|defeats?|captur\w+|revenge|crew|recruit\w*|hires?|finds?|death|assassin\w*|party|house|"
        r"in the (?:film|short|story|cartoon)"
    )
)

_NO_CHARACTER = re.compile(
    r"\b(?:War|Battle|Book|Film|Award|Academy|Festival|Revolution|City|Street|Island|River|Mountain|Forest|Castle|Party|"
    r"University|School|Church|Hospital|Hotel|Prison|Court|Department|Corporation|Industries|Force|Bridge|Empire)\b"
)

_SHORTEST = 3
_OWN_WORK = re.compile(
    r"(?:\b(?:based (?:up)?on|known as|role in|known for|novel|novels)\b[^.;,]*|['’]s? )$"
)
_LAST_WORD = re.compile(r"(?P<word>[a-z]+) $")
_NEXT_WORD = re.compile(r"['’]?s? (?P<word>[a-z]+)")
_PREPOSITION = re.compile(r"\b(?:in|at|near|on|the|to|from|of) $")
_SETTING = re.compile(r"\b(?:in|at|near|on|the) $")


def is_told(text: str) -> bool:
    """Whether a sentence tells a story and credits nobody."""
    if is_making(text) or _CREDITS.search(text):
        return False
    return _TOLD.search(text) is not None


def known_characters(view: View, pattern: Pattern, match: re.Match[str]) -> Iterator[Proposal]:
    """Propose a character that is known beyond one work, wherever a sentence names it."""
    span = match.span("object")
    if _OWN_WORK.search(view.plain, max(0, span[0] - 40), span[0]):
        # "Known for his role in the Dick Tracy serials" speaks of a career.
        return
    before = _LAST_WORD.search(view.lower, max(0, span[0] - 20), span[0])
    after = _NEXT_WORD.match(view.lower, span[1])
    traits = (
        f"before={before['word'] if before else ''}",
        f"after={after['word'] if after else ''}",
    )
    yield Proposal(pattern.relation, *span, match["object"], pattern.key, traits)


def plot_names(view: View, pattern: Pattern, match: re.Match[str]) -> Iterator[Proposal]:
    """Propose a name of a plot that may be somebody's."""
    start, end = match.span("object")
    name = view.plain[start:end]
    first = name.split(" ")[0]
    while (first in OPENERS or is_people(first)) and " " in name:
        start += len(first) + 1
        name = name[len(first) + 1 :]
        first = name.split(" ")[0]
    if first in OPENERS or first in _PLOT_NOT or _is_no_character(name):
        return
    if name.endswith("ing") and start == 0:
        return
    before = view.plain[:start]
    preposition = is_company(name) or _PREPOSITION.search(before) is not None
    if preposition and start > 0 and _SETTING.search(before):
        return
    traits = (
        f"words={min(name.count(' ') + 1, 4)}",
        "after preposition" if preposition else "free",
        "opens" if start < 2 else "inside",
        "owns" if view.plain[end : end + 1] in ("'", "’") else "plain",
    )
    yield Proposal(pattern.relation, start, end, name, pattern.key, traits)


def _is_no_character(name: str) -> bool:
    if len(name) < _SHORTEST or name.isupper() or name.startswith("d'") or name.endswith("-era"):
        return True
    if name in CITIES or name in REGIONS or is_people(name):
        return True
    return _NO_CHARACTER.search(name) is not None
