"""A sentence as the patterns see it: repaired, its subject's title and its parentheses masked."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass

from kg_assets.inference.reading.repair import Repaired, repair

TITLE = "\x01"
"""Stands for each character of the subject's title."""

ASIDE = "\x02"
"""Stands for each character of a parenthesis."""

_PARENTHESIS = re.compile(r"\([^()]*(?:\([^()]*\)[^()]*)*\)")
_ORPHAN = re.compile(r"^[^()]{0,200}\)")
_PIECES = re.compile(r"\w+|[^\w\s]")
_CONTINUES = re.compile(r" (?=[A-Z][a-z])")
_PARTS = re.compile(r"\s*[:–—]\s+|\s+[-–—]\s+")
_SHORTEST_PART = 6


@dataclass(frozen=True, slots=True)
class View:
    """A sentence in three forms of the same length.

    Attributes:
        repaired: The sentence, repaired.
        text: Its text.
        masked: The text with the subject's title masked.
        plain: The same with parentheses masked too.
        lower: `plain` in lower case.
        subject: The subject's name.
        entity_type: Its type.
    """

    repaired: Repaired
    text: str
    masked: str
    plain: str
    lower: str
    subject: str
    entity_type: str

    @property
    def open(self) -> str:
        """The text with parentheses masked, and the title as it is."""
        if TITLE not in self.plain:
            return self.plain
        pairs = zip(self.text, self.plain, strict=True)
        return "".join(there if there == ASIDE else here for here, there in pairs)


def view(sentence: str, subject: str, other_names: tuple[str, ...], entity_type: str) -> View:
    """Look at a sentence about a subject."""
    repaired = repair(sentence)
    text = masked = repaired.text
    for name in (subject, *other_names):
        if name and (pattern := _title(name)):
            masked = pattern.sub(_mask(text), masked)
    plain = masked
    if ")" in plain:
        plain = _PARENTHESIS.sub(_as_aside, plain)
        plain = _ORPHAN.sub(_as_aside, plain)
    return View(repaired, text, masked, plain, plain.lower(), subject, entity_type)


def _as_aside(match: re.Match[str]) -> str:
    return ASIDE * len(match.group())


def _mask(text: str) -> Callable[[re.Match[str]], str]:
    def replace(match: re.Match[str]) -> str:
        found = match.group()
        if " " not in found and _CONTINUES.match(text, match.end()) and match.start() > 0:
            # "Rocky" in "Rocky Balboa" is somebody's name.
            return found
        return TITLE * len(found)

    return replace


@functools.lru_cache(maxsize=4096)
def _title(name: str) -> re.Pattern[str] | None:
    """The pattern of a title, with blanks around its punctuation, and of its long parts."""
    name = repair(name).text
    forms = [name]
    parts = _PARTS.split(name)
    if len(parts) > 1:
        forms += [part for part in parts if len(part) >= _SHORTEST_PART and " " in part]
    patterns = [_spaced(form) for form in forms if _PIECES.search(form)]
    return re.compile(rf"(?<!\w)(?:{'|'.join(patterns)})(?!\w)") if patterns else None


def _spaced(form: str) -> str:
    words = []
    for word in form.split():
        pieces = _PIECES.findall(word)
        words.append(r"\s*".join(re.escape(piece) for piece in pieces))
    return r"\s+".join(words) if words else r"(?!)"
