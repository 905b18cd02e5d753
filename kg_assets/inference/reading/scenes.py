"""Readers of places: where a story is set, and where it was filmed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kg_assets.inference.reading.patterns import Pattern
from kg_assets.inference.reading.places import places
from kg_assets.inference.reading.proposals import Proposal
from kg_assets.inference.reading.spans import is_company, is_people
from kg_assets.inference.reading.traits import is_making
from kg_assets.inference.reading.view import View
from kg_assets.inference.wordlists import whole_words

_STORY = re.compile(
    whole_words(
        r"story|follows|revolves|tells|centers|centres|focuses|lives?|living|plot|about|set|journey|travels?|"
        r"whose|who|they|young|takes place|city|town|narrative|adventures|in which|where|returns?|meets?"
    )
)

_SHOOTING = re.compile(r"\b(?:filming|shooting|photography|filmed|shot)\b[^.;]*$", re.I)

_SHOOTING_END = re.compile(
    r"(?<!\bD)(?<!\bSt)\.(?=\s|$)|;|\b(?:released|premiered|opened|dedicated|set in|starring|stars|directed|written|instead of|"
    r"based|features|featured|which at|although|where|while|because|festival|compan(?:y|ies)|by)\b|\band (?:is|was) (?!shot|filmed)"
)

_SHOOTING_IN = re.compile(
    r"\b(?:in(?: and (?:around|in the vicinity of))?|at|around|near|throughout|outside|on the island of|"
    r"moving to|moved to|between|across|both in) "
)

_LOCATIONS = re.compile(r"\b(?:in|at|around|near|includ(?:es?|ed|ing)|were|as) ")


def scenes(view: View, pattern: Pattern, match: re.Match[str]) -> Iterator[Proposal]:
    """Propose the places after words such as "set in"."""
    text, position = view.plain, match.end()
    if pattern.relation == "narrative_location" and _SHOOTING.search(view.plain, 0, match.start()):
        return
    for place in places(text, position):
        if is_company(place.name) and not place.name.endswith(("Studios", "Studio")):
            continue
        if place.region or "\x01" in place.name or (is_people(place.name) and not place.known):
            continue
        traits = (
            "known" if place.known else "unknown",
            f"place={min(place.place, 3)}",
            "skipped" if place.skipped else "at once",
            f"words={min(place.name.count(' ') + 1, 4)}",
        )
        yield Proposal(pattern.relation, place.start, place.end, place.name, pattern.key, traits)


def story_places(view: View, pattern: Pattern, match: re.Match[str]) -> Iterator[Proposal]:
    """Propose well-known places after a preposition, where a story is told."""
    for place in places(view.plain, match.end()):
        if not place.known or place.skipped or place.region:
            return
        traits = (match.group().strip(), f"place={min(place.place, 3)}")
        yield Proposal(pattern.relation, place.start, place.end, place.name, pattern.key, traits)


def shootings(view: View, pattern: Pattern, match: re.Match[str]) -> Iterator[Proposal]:
    """Read the places of a shooting, of which each has a preposition of its own."""
    end = _SHOOTING_END.search(view.plain, match.end())
    stop = end.start() if end else len(view.plain)
    words = _LOCATIONS if match.group().lower().startswith("location") else _SHOOTING_IN
    for preposition in words.finditer(view.plain, match.end(), stop):
        yield from scenes(view, pattern, preposition)


def is_story(text: str) -> bool:
    """Whether a sentence tells a story and says nothing of how it was made."""
    return not is_making(text) and _STORY.search(text) is not None
