"""All that the patterns find in a sentence: proposals, which the filter then judges."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from kg_assets.inference.reading.awards import awards
from kg_assets.inference.reading.companies import companies
from kg_assets.inference.reading.headline import headline
from kg_assets.inference.reading.patterns import PATTERNS, Pattern
from kg_assets.inference.reading.people import before_words, people
from kg_assets.inference.reading.plot import is_told, known_characters, plot_names
from kg_assets.inference.reading.proposals import Proposal
from kg_assets.inference.reading.scenes import is_story, scenes, shootings, story_places
from kg_assets.inference.reading.spans import UPPER, country_of
from kg_assets.inference.reading.titles import works
from kg_assets.inference.reading.topics import topics
from kg_assets.inference.reading.traits import denied, left
from kg_assets.inference.reading.values import DATE, date_name
from kg_assets.inference.reading.view import View
from kg_assets.inference.wordlists import Needles

_PATTERNS = Needles((each, each.needles) for each in PATTERNS)
_DATE = re.compile(DATE)

_COUNTRY_ITEM = re.compile(
    rf"(?:the |and |companies |in |from )*(?P<name>[{UPPER}][\w.]*(?: [{UPPER}][\w.]*)*)(?:['’]s [A-Z][\w. ]*)?(?P<gap>,? and |, )?"
)

_NEAR = 30
_NOMINATIONS = re.compile(r"(?: award)? nominations?\b|[^.,;]{0,25}nominations? ")


def proposals(view: View) -> Iterator[Proposal]:
    """Propose facts about the subject of a sentence, likely and unlikely ones."""
    yield from headline(view)
    yield from topics(view)
    for pattern in _PATTERNS.within(view.lower):
        if pattern.core and not pattern.core.search(view.plain):
            continue
        if pattern.objects in _STORIES and not _STORIES[pattern.objects](view.lower):
            continue
        reader = _READERS[pattern.objects]
        for match in pattern.expression.finditer(view.plain):
            if denied(view.plain, match.start(), pattern.relation):
                continue
            yield from reader(view, pattern, match)
            if pattern.first:
                break


def _works(view: View, pattern: Pattern, match: re.Match[str]) -> Iterator[Proposal]:
    around = left(view, match.start())
    own = view.subject.casefold()
    for work in works(view.open, match.end()):
        same = work.name.casefold() == own
        if same and not work.kind:
            continue
        traits = (
            f"kind={work.kind.rstrip('s')}",
            "quoted" if work.quoted else "unquoted",
            "owned" if work.owned else "unowned",
            f"words={min(work.name.count(' ') + 1, 5)}",
            f"place={work.place}",
            "same name" if same else "another name",
            *around,
        )
        if "\x02" in work.name:
            continue
        yield Proposal(pattern.relation, work.start, work.end, work.name, pattern.key, traits)


def _awards(view: View, pattern: Pattern, match: re.Match[str]) -> Iterator[Proposal]:
    clause = view.lower[match.start() : match.end() + 120]
    for award in awards(view.plain, match.end()):
        relation = pattern.relation
        rest = view.lower[award.end : award.end + 40]
        if _NOMINATIONS.match(rest) or "nominat" in view.lower[match.end() : award.start]:
            relation = "nominated_for"
        traits = (
            "whole" if award.whole else "in parts",
            "best" if "Best" in award.name or "Worst" in award.name else "no best",
            "for" if " for " in award.name else "no for",
            "festival" if "festival" in clause else "no festival",
            f"place={min(award.place, 2)}",
            f"words={min(award.name.count(' ') + 1, 5)}",
        )
        yield Proposal(relation, award.start, award.end, award.name, pattern.key, traits)


def _countries(view: View, pattern: Pattern, match: re.Match[str]) -> Iterator[Proposal]:
    position = match.end()
    while item := _COUNTRY_ITEM.match(view.plain, position):
        country = country_of(item["name"])
        if country is None:
            return
        yield Proposal(pattern.relation, *item.span("name"), country, pattern.key, ())
        if not item["gap"]:
            return
        position = item.end()


def _before(view: View, pattern: Pattern, match: re.Match[str]) -> Iterator[Proposal]:
    """Propose what a pattern has in its group `object`: a date, a sum of money or a name."""
    start, end = match.span("object")
    if pattern.relation == "cost":
        yield Proposal("cost", start, end, view.plain[start:end].strip(), pattern.key)
    elif pattern.relation == "publication_date":
        date = _DATE.match(view.plain, start)
        if date is None:
            return
        whole = "day" if date["day"] or date["day2"] else "month" if date["month3"] else "year"
        verb = match.group().split(" ")[0].lower()[:7]
        gap = "near" if start - match.start() < _NEAR else "far"
        traits = (f"verb={verb}", gap, *left(view, match.start()))
        key = f"{pattern.key}, {whole}"
        yield Proposal("publication_date", start, end, date_name(date), key, traits)
    else:
        yield from before_words(view, pattern, match)


_READERS: dict[str, Callable[[View, Pattern, re.Match[str]], Iterator[Proposal]]] = {
    "people": people,
    "companies": companies,
    "works": _works,
    "awards": _awards,
    "places": scenes,
    "story places": story_places,
    "countries": _countries,
    "shooting places": shootings,
    "plot": plot_names,
    "known": known_characters,
    "before": _before,
}

_STORIES: dict[str, Callable[[str], bool]] = {"plot": is_told, "story places": is_story}
