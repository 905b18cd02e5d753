"""Where names end: patterns for names with capitals, and the lists that they stand in."""

from __future__ import annotations

import functools
import re
from typing import NamedTuple

from kg_assets.inference.peoples import COUNTRIES, PEOPLES
from kg_assets.inference.reading.words import (
    COMPANY,
    HEROES,
    MONTHS,
    SENTENCE_OPENERS,
    WEEKDAYS,
)
from kg_assets.inference.wordlists import any_of, listed

UPPER = "A-Z" + "".join(chr(c) for c in range(0xC0, 0x250) if chr(c).isupper())
"""Capital letters of the Latin script, for a class of characters."""

_APOSTROPHE = r"['’ʼ]"
_ABBREVIATION = (
    r"(?:Dr|Mr|Mrs|Ms|St|Jr|Sr|Lt|Capt|Sgt|Col|Gen|Prof|Rev|Bros|Inc|Ltd|Co|Corp|No|Vol)\."
)
_WORD = rf"[{UPPER}](?:[\w·]|-(?!who|which|and|in|as|the|a\b)(?=\w))*(?:{_APOSTROPHE}(?!s\b)\w+(?:-\w+)*)*(?:\.(?=[A-Z]\b)[A-Z])?"
TOKEN = rf"(?:{_ABBREVIATION}|[{UPPER}]\.(?:-?[{UPPER}]\.)*|{_WORD})"
"""One word of a name."""

PERSON = (
    # Few letters begin a name, and a look at one is quicker than a try.
    rf"(?=[{UPPER}dae])(?:(?:[dD]|al|el)[-{_APOSTROPHE[1:-1]}])?{TOKEN}"
    rf"(?: (?:[\"“][^\"”]{{1,25}}[\"”] )?(?:(?:de|del|della|di|da|do|dos|du|des|la|le|van|von|der|"
    rf"den|el|al|bin|ibn|ten|ter|zu|af|av|dei|degli|y) ){{0,3}}{TOKEN}){{0,5}}"
    r"(?:,? (?:Jr\.|Sr\.|I{2,3}\b|IV\b))?"
)
"""A name of a person or character, in one piece."""

_LOWER = r"[a-zà-ÿ][\w'’-]*"
_STOP = frozenset(
    listed(
        """
by is was were are be been being stars starring star features featuring feature written directed
produced released distributed based has had have that which who whom whose with in on for from
about as tells follows won received nominated made shot filmed set animated edited scored composed
adapted co-written co-directed co-produced narrated voiced played portrayed it its he she they this
these those when where while after before during to at of then also not or if because since until
but so called titled entitled named premiered aired published music cinematography tell follow
takes took place stories
"""
    )
)
_NAME = re.compile(PERSON)
_PROFESSION = re.compile(r" (?P<words>(?:(?:and |-)?[a-zà-ÿ][a-zà-ÿ-]* ){1,3})(?=[A-Z])")
_NO_PROFESSION = re.compile(
    r"(?:ing|ed)$|^(?:and|or|opposite|alongside|against|plus|versus|then|also|both|de|del|della|di|da|do|"
    r"dos|du|des|la|le|van|von|der|den|el|al|bin|ibn|ten|ter|zu|af|av|dei|degli|y|is|was|has|had|who|"
    r"an|a|the|meets?|marries|plays|stars|loves|kills|finds|helps|wins|won|wrote|made|respectively)$"
)
_WORDS = re.compile(rf"(?:{_LOWER}|[{UPPER}][\w.-]*)[,/]? ")
_SEPARATOR = re.compile(
    r"(?:[\s\x02]*(?:,\s*(?:and\s+|&\s+|with\s+|as\s+well\s+as\s+|along\s+with\s+|plus\s+|or\s+)?|;\s*(?:and\s+)?|"
    r"/)|[\s\x02]+(?:and|&|as\s+well\s+as|along\s+with|together\s+with|plus|or)\s+)(?:also\s+|by\s+)?"
)
_AS = re.compile(r"[\s\x02]+as\s+(?:the |a |an |his |her )?")
_HEROES = re.compile(rf"{any_of(HEROES)}(?![\w-]| [A-Z])")
_DOTTED = re.compile(r"(?:Jr|Sr|Bros|Inc|Ltd|Co|D\.C)\.$")
_POSSESSIVE = re.compile(rf"{_APOSTROPHE}s?\b")
_COMPANY = re.compile(rf"\b{COMPANY}\b")
_NOT_NAMES = frozenset(
    (
        *MONTHS,
        *WEEKDAYS,
        *SENTENCE_OPENERS,
        *listed(
            """
His Her Those Of Or If English Film Films Guild Oscar OVA DVD TV Academy Technicolor CGI Best Set
"""
        ),
    )
)
LONGEST_LIST = 20


class Name(NamedTuple):
    """A name in a sentence.

    Attributes:
        start: First character in the repaired text.
        end: One past the last character.
        name: The name, completed where the text shortens it ("John and Faith Hubley").
        place: Its place in its list, from 0.
        role: The span of the character that is played, where the list says so.
        skipped: How many words stood before it ("basketball player Michael Jordan").
    """

    start: int
    end: int
    name: str
    place: int = 0
    role: tuple[int, int] | None = None
    skipped: int = 0


@functools.lru_cache(maxsize=1024)
def is_company(name: str) -> bool:
    """Say whether a name has a word that companies have in their names."""
    return name != "Walt Disney" and _COMPANY.search(name) is not None


def is_people(word: str) -> bool:
    """Say whether a word is an adjective such as "Canadian", hyphens included."""
    return all(part in PEOPLES for part in word.split("-")) or word in PEOPLES


def name_at(text: str, position: int, *, skip: int = 6) -> Name | None:
    """Read one name at a position, passing over words that say who it is.

    Args:
        text: The sentence with title and parentheses masked.
        position: Where it must start.
        skip: How many words may stand before it.
    """
    start, skipped = position, 0
    while True:
        hero = _HEROES.match(text, start)
        if hero:
            return Name(start, hero.end(), hero.group(), skipped=skipped)
        match = _NAME.match(text, start)
        if match:
            found = match.group()
            head = found.split(" ", 1)[0]
            more = _WORDS.match(text, start)
            if is_people(head) and more and " " not in found[: len(head) + 1].strip():
                following = text[start + len(head) + 1 : start + len(head) + 2]
                if following and (following.islower() or len(found) > len(head)):
                    if skipped >= skip:
                        return None
                    start, skipped = start + len(head) + 1, skipped + 1
                    continue
            profession = _PROFESSION.match(text, match.end())
            if profession and skipped < skip and _is_profession(profession["words"]):
                start, skipped = profession.end(), skipped + 1
                continue
            if head in _NOT_NAMES and not (head == "The" and len(found) > 4):
                return None
            end = match.end()
            if found[-1] == "." and end == len(text) and not _DOTTED.search(found):
                found, end = found[:-1], end - 1
            return Name(start, end, found, skipped=skipped)
        word = _WORDS.match(text, start)
        if word is None or skipped >= skip or word.group().rstrip(" ,/").lower() in _STOP:
            return None
        if word.group().rstrip().endswith(","):
            return None
        start, skipped = word.end(), skipped + 1


def names(text: str, position: int, *, roles: bool = False, skip: int = 6) -> list[Name]:
    """Read a list of names.

    Args:
        text: The sentence with title and parentheses masked.
        position: Where the first must start.
        roles: Whether names may carry roles ("A as B, C as D").
        skip: How many words may stand before each.
    """
    found: list[Name] = []
    while len(found) < LONGEST_LIST:
        name = name_at(text, position, skip=skip if not found else min(skip, 4))
        if name is None:
            break
        end, role = name.end, None
        owns = _POSSESSIVE.match(text, end)
        if owns and found:
            break
        if owns:
            return []
        if roles and (match := _AS.match(text, end)):
            played = name_at(text, match.end(), skip=6)
            if played is not None:
                role, end = (played.start, played.end), played.end
        found.append(Name(name.start, name.end, name.name, len(found), role, name.skipped))
        separator = _SEPARATOR.match(text, end)
        if separator is None:
            break
        position = separator.end()
    return _completed(found, text)


def _is_profession(words: str) -> bool:
    """Whether words between two names say who the second is ("quarterback Dan Marino")."""
    found = words.split()
    if any(word in _STOP or _NO_PROFESSION.search(word) for word in found if word != "and"):
        return False
    return found[0] != "and" and found[-1] != "and"


def _completed(found: list[Name], text: str) -> list[Name]:
    """Complete "John and Faith Hubley"; each of them has the family name."""
    for at in range(len(found) - 1):
        first, second = found[at], found[at + 1]
        between = text[first.end : second.start]
        if " " not in first.name and between in (" and ", " & ") and " " in second.name:
            parts = second.name.split(" ")
            if len(parts) == 2 and not is_company(second.name) and first.skipped == 0:
                found[at] = Name(
                    first.start, first.end, f"{first.name} {parts[1]}", first.place, first.role
                )
    return found


def country_of(word: str) -> str | None:
    """Return the country of an adjective or a country's name, or None."""
    return COUNTRIES.get(word)
