"""The titles of works: what a film is based on, cut free of its kind, its year and its author."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kg_assets.inference.kind_words import SOURCE_KINDS
from kg_assets.inference.peoples import PEOPLES
from kg_assets.inference.reading.spans import TOKEN, UPPER

_SMALL = (
    r"(?:of|the|and|in|to|a|an|at|for|on|with|from|de|la|le|les|du|des|der|die|das|el|&|or|is|"
    r"vs\.?|upon|into|under|over|by the|no|ni|wa|ga|des|und|et|y|e|il|lo)"
)
_PIECE = rf"(?:{TOKEN}(?:['’]s|(?<=s)['’])?[!?]?|\d[\d,.]*\d|\d+(?:st|nd|rd|th)?)"
CAPITALISED = rf"{_PIECE}(?:(?::| -)? (?:{_SMALL} ){{0,3}}{_PIECE})*"
"""A title that only its capitals set off."""

_TITLE = re.compile(CAPITALISED)
_QUOTED = re.compile(
    r"[\"“„«](?P<title>[^\"”»a-zà-ÿ][^\"”»]{1,80}?)[,.]?[\"”»]|(?<!\w)['‘](?P<single>[A-Z0-9][^'’]{2,60}?)[,.]?['’](?!\w)"
)
_OWNER_WORD = rf"(?:{TOKEN}|(?:de|van|von|le|la|of|the|and)(?! [{UPPER}])|[a-z]+(?= [{UPPER}]))"
_POSSESSOR = re.compile(rf"(?P<owner>{_OWNER_WORD}(?: {_OWNER_WORD}){{0,7}}?)(?:['’]s|(?<=s)['’]) ")
_WORD = r"(?:[a-zà-ÿ][\w'’-]*|\d{4}(?:[-–]\d+)?|\d+(?:st|nd|rd|th)(?:-century| century)?)"
_KIND = re.compile(
    rf"(?P<words>(?:(?:{_WORD}|[{UPPER}][\w-]*(?= )),? )*?)(?:{SOURCE_KINDS})(?![\w-])"
    r"(?:[,:]? (?:also )?(?:titled|entitled|called|named|known as)| of the same (?:name|title)|[,:])?"
)
_BY = re.compile(
    r",? (?:written |published |created |illustrated |co-written )?(?:and illustrated )?by "
)
_ARTICLE = re.compile(
    r"(?:the|a|an|his|her|their|its|two|three|several|some|both|portions of the|parts of the) "
)
_OF = re.compile(
    r"(?:the )?(?:(?:title |main )?(?:story|stories|characters?(?: and settings?)?|character of [\w ]+|"
    r"events?|plot|works?|first|second|third|last|final|original|volumes?|chapters?|episode|part|"
    r"appendices|books?|legend|tale|tales|series|exploits|adventures|short stories|novels?|crux)"
    r"(?: (?:chapter|novel|book|part|half|volume|arc|episode|story|series|chapters|books|volumes))?"
    r"(?: [a-z]+)? (?:of|from|in) )"
)
_YEAR = re.compile(r"\d{4}(?:[-–]\d+)? [a-z]")
_GAP = re.compile(
    r"[\s\x02]*(?:,? and|,| and|, and|;) (?:(?:on|its|his|her|the|from|also) )?(?:the )?"
)
_WORKS_WORD = re.compile(rf"\b(?:{SOURCE_KINDS})\b")


@dataclass(frozen=True, slots=True)
class Work:
    """A work that a text names.

    Attributes:
        start: First character of its title in the repaired text.
        end: One past the last.
        name: The title.
        kind: The word for what it is ("novel"), or "".
        quoted: Whether quotation marks set it off.
        owned: Whether its author stands before it ("Homer's Iliad").
        place: Its place in its list, from 0.
    """

    start: int
    end: int
    name: str
    kind: str = ""
    quoted: bool = False
    owned: bool = False
    place: int = 0


def works(text: str, position: int) -> list[Work]:
    """Read the works that stand after words such as "based on".

    Args:
        text: The sentence with title and parentheses masked.
        position: Where those words end.
    """
    found: list[Work] = []
    kind = ""
    while len(found) < 6:
        work = _work(text, position, kind)
        if work is None:
            break
        found.append(
            Work(work.start, work.end, work.name, work.kind, work.quoted, work.owned, len(found))
        )
        kind = work.kind
        gap = _GAP.match(text, _after(text, work.end))
        if gap is None or not (
            _QUOTED.match(text, gap.end())
            or (
                kind and _TITLE.match(text, gap.end()) and text[gap.end() - 4 : gap.end()] == "and "
            )
        ):
            break
        position = gap.end()
    return found


def _after(text: str, end: int) -> int:
    while end < len(text) and text[end] in "\"”'’ \x02":
        end += 1
    return end if text[end : end + 1] in ",;" else end - (1 if text[end - 1] == " " else 0)


def _work(text: str, position: int, inherited: str, depth: int = 0) -> Work | None:
    kind, owned = inherited, False
    for _ in range(6):
        if quoted := _QUOTED.match(text, position):
            group = "title" if quoted["title"] else "single"
            name = quoted[group].rstrip(",.")
            return Work(
                quoted.start(group), quoted.start(group) + len(name), name, kind, True, owned
            )
        if match := _OF.match(text, position):
            position = match.end()
            continue
        if match := _ARTICLE.match(text, position):
            position = match.end()
            continue
        owner = _POSSESSOR.match(text, position)
        if owner and _is_owner(text, owner):
            position, owned = owner.end(), True
            continue
        match = _KIND.match(text, position)
        low = text[position : position + 1].islower() or _YEAR.match(text, position)
        if match and low:
            kind = _last_kind(match.group())
            by = _BY.match(text, match.end())
            if by or match.end() >= len(text) or text[match.end()] not in " \x02":
                return None
            position = match.end() + 1
            while position < len(text) and text[position] in "\x02 ":
                position += 1
            continue
        if match and match["words"]:
            # "German fairy tale "Rapunzel"": words that say what it is come first.
            head = match["words"].split()[0]
            if head in PEOPLES or not head[0].isupper():
                kind, position = _last_kind(match.group()), match.end()
                while position < len(text) and text[position] in "\x02 ":
                    position += 1
                continue
        title = _TITLE.match(text, position)
        if title is None:
            word = re.compile(r"[a-zà-ÿ][\w'’-]* |\d{4}(?:[-–]\d+)? ").match(text, position)
            if word and word.group().strip() not in (
                "that",
                "which",
                "who",
                "what",
                "by",
                "real",
                "of",
                "life",
                "lives",
                "experiences",
                "saying",
            ):
                position = word.end()
                continue
            return None
        return _cut(text, title, kind, owned, depth)
    return None


def _is_owner(text: str, owner: re.Match[str]) -> bool:
    """Whether a possessive is an author's and no part of a title ("Ryan's Daughter")."""
    name = owner["owner"]
    following = text[owner.end() :]
    if _WORKS_WORD.match(following) or re.match(r"[\"“'‘]|\d{4}|[a-z]", following):
        return True
    return name.count(" ") >= 1 or name.istitle()


def _last_kind(words: str) -> str:
    found = _WORKS_WORD.findall(words)
    return found[-1] if found else ""


_FOLLOWING_KIND = re.compile(rf" (?:[a-z-]+ ){{0,2}}?(?P<kind>{SOURCE_KINDS})(?![\w-])")


def _cut(text: str, title: re.Match[str], kind: str, owned: bool, depth: int) -> Work | None:
    start, end = title.span()
    name = text[start:end]
    name = re.sub(r"['’]s$", "", name)
    head = name.split(" ")[0]
    if head in PEOPLES and (" " not in name):
        return None
    if head in PEOPLES and not kind:
        start += len(head) + 1
        name = name[len(head) + 1 :]
    after = _FOLLOWING_KIND.match(text, start + len(name))
    if after and depth < 2:
        rest = text[after.end() :]
        if re.match(r" of (?:the same|that) (?:name|title)| by that name", rest):
            return None
        if re.match(
            rf"(?: titled| entitled| called|,)? ?[{UPPER}0-9\"“]", rest
        ) and not rest.startswith((". ", ", ")):
            # "the Wu Cheng'en novel Journey to the West": the author comes first.
            return _work(text, start + len(name) + 1, kind, depth + 1)
        kind = kind or after["kind"]
        if name.endswith("ian") and " " not in name:
            name = text[start : after.end()]
    return Work(start, start + len(name), name, kind, False, owned) if len(name) > 1 else None
