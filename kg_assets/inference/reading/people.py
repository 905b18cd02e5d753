"""Readers of people: lists after words such as "starring", and names before words such as "stars in"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from kg_assets.inference.reading.patterns import Pattern
from kg_assets.inference.reading.proposals import Proposal
from kg_assets.inference.reading.spans import PERSON, UPPER, Name, is_company, is_people, names
from kg_assets.inference.reading.traits import OPENERS, left, of_source, shape
from kg_assets.inference.reading.view import View
from kg_assets.inference.reading.words import HEROES

_ACTOR = re.compile(rf" ?\((?:played by |portrayed by |voiced by )?(?P<name>{PERSON})\)")

_NOVELS = re.compile(r"\b(?:novels?|books?|stories|comics?|plays?|games?) $")
_WITH_MATES = frozenset({"they star", "awarded actor"})
_MOST_MATES = 5
_LONGEST_GIVEN = 40
_GIVEN = re.compile(rf"(?<![\w.’'-])(?P<first>[{UPPER}][\w.’'-]+)(?: [{UPPER}][\w.’'-]*){{0,2}}$")
_MATE = re.compile(rf"(?<![\w-])(?P<name>{PERSON})(?:\x02| )*(?:,|,? and|,? &) $")


def people(view: View, pattern: Pattern, match: re.Match[str]) -> Iterator[Proposal]:
    """Propose the people or characters after words such as "starring"."""
    around = left(view, match.start())
    if _NOVELS.search(view.plain, max(0, match.start() - 12), match.start()):
        return
    if pattern.relation == "written_by" and of_source(view.plain, match.start()):
        return
    found = names(view.plain, match.end(), roles=pattern.roles)
    if pattern.key == "as character":
        found = found[:1]
    if pattern.relation == "has_performer" and any(each.name in HEROES for each in found):
        # "features Bugs Bunny and Hiawatha": they are all in the story, not in the cast.
        pattern = replace(pattern, key=f"{pattern.key} (heroes)", relation="has_character")
    for name in found:
        yield from _person(view, pattern, name, around)


def before_words(view: View, pattern: Pattern, match: re.Match[str]) -> Iterator[Proposal]:
    """Propose the name that stands before words such as "stars in", or is a part of them."""
    start, end = match.span("object")
    name = view.plain[start:end]
    first = name.split(" ")[0]
    while (is_people(first) or first in OPENERS) and " " in name:
        start += len(first) + 1
        name = name[len(first) + 1 :]
        first = name.split(" ")[0]
    if "\x01" in name or is_people(name) or first in OPENERS:
        return
    around = left(view, start)
    if pattern.relation == "production_company":
        traits = (*shape(name), *around)
        yield Proposal(pattern.relation, start, end, name, pattern.key, traits)
        return
    if pattern.key == "before actor":
        actor = _ACTOR.match(view.masked, end)
        if actor is None or "Best " in view.plain[max(0, start - 25) : end]:
            return
        span, played = actor.span("name"), actor["name"]
        yield Proposal("has_performer", *span, played, "in parentheses", shape(played))
    yield from _person(view, pattern, Name(start, end, name), around)
    if pattern.key in _WITH_MATES:
        yield from _mates(view, pattern, start)


def _mates(view: View, pattern: Pattern, start: int) -> Iterator[Proposal]:
    """Propose the names that lead up to a name: "Voight and Hoffman play ..."."""
    for _ in range(_MOST_MATES):
        mate = _MATE.search(view.plain, max(0, start - 60), start)
        if mate is None or mate["name"].split(" ")[0] in OPENERS:
            return
        start = mate.start("name")
        name = Name(*mate.span("name"), mate["name"])
        yield from _person(view, pattern, name, left(view, start))


def _person(
    view: View, pattern: Pattern, name: Name, around: tuple[str, ...]
) -> Iterator[Proposal]:
    if is_people(name.name):
        return
    full = _full_name(view, name)
    traits = (
        *shape(full),
        *around,
        f"place={min(name.place, 3)}",
        f"skipped={min(name.skipped, 2)}",
    )
    if is_company(full) and pattern.relation in ("directed_by", "written_by"):
        return
    yield Proposal(pattern.relation, name.start, name.end, full, pattern.key, traits)
    if name.role:
        start, end = name.role
        yield Proposal("has_character", start, end, view.plain[start:end], "role", traits)


def _full_name(view: View, name: Name) -> str:
    """Complete a family name by the one full name that stands elsewhere in the sentence."""
    text, family = view.plain, name.name
    if " " in family:
        return family
    fulls = set()
    at = text.find(f" {family}")
    while at >= 0:
        end = at + 1 + len(family)
        given = _GIVEN.search(text, max(0, at - _LONGEST_GIVEN), at)
        if given and not text[end : end + 1].isalnum() and not is_people(given["first"]):
            fulls.add(text[given.start() : end])
        at = text.find(f" {family}", end)
    return fulls.pop() if len(fulls) == 1 else family
