"""Object phrases: what a rule finds after "based on", cut into title, kind, year and makers."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from kg_assets.inference.gazetteer import name_key
from kg_assets.inference.kind_words import KINDS
from kg_assets.inference.kinds import (
    AUTHORS,
    COMPANIES,
    FOR_A_PEOPLE,
    FRANCHISE_WORD,
    KIND,
    NATIONAL,
)
from kg_assets.inference.naming import NamesInText
from kg_assets.inference.wordlists import any_of, listed

_SPACE = re.compile(r"[\s,]+")
_SAME_NAME = re.compile(
    r"(?:,?\s*also\s+(?:called|titled|named)\b(?=[.,;])|of\s+(?:the\s+same|that|its|"
    r"the\s+identical)|by\s+the\s+same|with\s+the\s+same)\s+"
    r"(?:name|title)\b",
    re.IGNORECASE,
)
_SAME_NAME_ADJECTIVE = re.compile(
    r"(?:eponymous|same-named|same-titled|identically\s+titled|like-named|self-titled)\b", re.I
)
_QUOTED = re.compile(r"[\"“«‘*_]([^\"“”«»*_\n]{1,80}?)[,.]?[\"”»’*_](?!\w)")
_YEAR = re.compile(r"\(?((?:1[6-9]|20)\d\d)(?:\)?(?![\w’':])|['’]s(?=\s))")
_NAME_WORD = r"(?:[A-ZÀ-ÖØ-Þ][\w’'.\-]*\.?|de|la|le|van|von|der|den|du|di|da|al|el|ten)"
_PERSON = rf"[A-ZÀ-ÖØ-Þ][\w.\-]*(?:\s+{_NAME_WORD}){{0,4}}"
_OWNER_WORD = (
    r"(?:[A-ZÀ-ÖØ-Þ](?:[\w.\-]|['’](?!s?\s))*|de|la|le|van|von|der|den|du|di|da|al|el|ten)"
)
_POSSESSOR = re.compile(
    rf"([A-ZÀ-ÖØ-Þ](?:[\w.\-]|['’](?!s?\s))*(?:\s+{_OWNER_WORD}){{0,4}}?)(?:['’]s|(?<=s)['’])\s+"
)
_DECADE = re.compile(r"(?:1[6-9]|20)\d0s\s+(?=[a-z])")
_OWNERS = re.compile(
    rf"([A-ZÀ-ÖØ-Þ][\w.\-]*(?:\s+{_OWNER_WORD}){{1,3}}?)\s+(?:and|&)\s+"
    rf"(?=[A-ZÀ-ÖØ-Þ][\w.\-]*(?:\s+{_OWNER_WORD}){{1,3}}?['’]s\s+(?:\d{{4}}\s+)?[a-z])"
)
"""The first of two makers ("Mel Brooks and Buck Henry's series")."""

_BY = re.compile(
    rf"(?:,?\s*)?(?:written\s+|created\s+|directed\s+|penned\s+)?by\s+(?:[a-z-]+\s+){{0,4}}?"
    rf"({_PERSON}(?:(?:,|\s+and|\s*&)\s+{_PERSON})*)"
)
_MAKER_NOVEL = re.compile(
    rf"({_PERSON}?)(?<!['’]s)(?<!['’])\s+(?=(?:short\s+story|graphic\s+novel|comic\s+book|novels?|novellas?|books?|plays?|memoir|"
    r"stories|manga|musical)\s+(?-i:[A-ZÀ-Þ\"“]))"
)
_CALLED = re.compile(r"(?:called|titled|entitled|named)\b")
_TITLE_WORD = r"(?:\d{1,3}(?:,\d{3})+|[A-ZÀ-ÖØ-Þ0-9][\w’'\-./]*[!?]?)"
_JOINER = (
    r"(?:of|the|and|a|an|in|on|to|for|with|from|at|de|la|le|les|du|des|der|aux|au|di|da|del|della|"
    r"y|e|il|lo|und|dem|zu|&|or|vs\.?)"
)
_CAPITALS = re.compile(
    rf"{_TITLE_WORD}(?:(?::|,(?=\s+(?:the|and)\s+[A-Z]))?\s+(?:{_JOINER}\s+){{0,3}}{_TITLE_WORD})*"
)
_OF_COMPANY = re.compile(
    r"(?:[A-Z][\w.&-]*\s+){1,3}(?:Productions|Pictures|Studios|Films|Entertainment)\s+(?=[A-Z])"
)
_TWO = re.compile(r"\s+and\s+(?=[A-Z])")
_CLOSING = re.compile(r"[\"”’»*_]")
_THAT_OF = re.compile(
    r"(?:(?:that|those|characters|the\s+characters|elements)\s+(?:of|from|in|created\s+for)|"
    r"(?:(?:the|an?|several|some|parts?\s+of)\s+)?(?:(?:first|last|second|opening|closing|final|earlier|early)\s+"
    r"(?:half\s+of\s+|part\s+of\s+)?)?(?:plot|chapters?|episodes?|appendices|parts?|portions?|sections?|storyline|"
    r"half|pages)\s+(?:of|from|in))\s+"
)
_ARTICLE = re.compile(r"(?:The|A|An|His|Her|Their|Its|Another)\s+(?=[a-z\"“])")
_LOWER = re.compile(r"[a-zà-öø-þ][\w’'\-]*|[A-Z]\w*(?:[ -][A-Z]\w*)*-[a-z]\w+")
_STOP = frozenset(
    listed(
        """
by and but which who whom that is was are were be been has had have starring directed in at
for with from to as about when where while after before because since so or nor than then he
she it they we you i rather instead not featuring
"""
    )
)
_WORDS_BEFORE = 12
_FOLLOWING_YEAR = re.compile(r"[\"”’»*_]?\s*\(((?:1[6-9]|20)\d\d)(?:[\s,][^)]{0,40})?\)")
_FOLLOWING_KIND = re.compile(r"[\"”’»*_]?\s*\((?:(?:1[6-9]|20)\d\d\s+)?([a-z -]{3,30})\)", re.I)
_APPOSED = re.compile(
    r"[\"”’»*_]?,\s+(?:a|an|the|his|her)\s+(?:[\w’'-]+\s+){0,3}?"
    rf"(?P<kind>{any_of(KINDS)})\b"
    r"(?!\s+(?:of|about)\b)(?:\s+(?:from|of|by[^,.;]{1,40}?from)\s+(?P<year>(?:1[6-9]|20)\d\d)\b)?",
)
_NOUN_AFTER = re.compile(
    r"\s+(?![a-z]+\s+(?:stories|books|novels|characters?|films|games|comics|series|novel|"
    r"play)\b)(?!(?:by|and|or|but|with|for|from|in|into|of|to|on|at|as|is|was|are|were|has|had|"
    r"who|which|that|starring|written|directed|published|released|created|produced|set|about|when|"
    r"where|while|after|before|than|then|also|not|again|together|once|alone|itself|himself|would|"
    r"will|did|does|could|because|although|though|if|so|until|since|through|without|featuring|"
    r"under|over|first|\w+ly|\w+ed|characters?|comics?|books?|games?|manga|novels?|stories|films?|"
    r"movies?|property|toys?|toyline|series|universe|mythos|episode|anime|musical|play|brand|"
    r"plus)\b)[a-z]{3,}"
)
_DATED = re.compile(r"[\"”’»*_]?,?\s+(?:from|of)\s+((?:1[6-9]|20)\d\d)\b")
_REAL_LIFE = re.compile(
    r"(?:the\s+)?(?:(?:real|true)[\s-]+(?:life\s+)?)?(?:life(?:\s+story)?|story|stories|events?|"
    r"experiences|career|exploits|true\s+story|real\s+events)\s+(?:and\s+(?:career|times|"
    r"crimes)\s+)?"
    r"(?:of|surrounding|behind|about)\s+",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class ObjectPhrase:
    """What a text says of an object.

    Attributes:
        name: The object as the text names it; the subject's own name where it says that they
            share it; what stands there, such as "the novel", where it has no name.
        start: Where the phrase starts in the sentence.
        end: One past its last character.
        kinds: Entity types that a word such as "novel" allows; none where there is no such word.
        year: A year that stands with it.
        makers: Whom it is said to be by.
        named: Whether the text names it.
        same_name: Whether the text says that it is called as the subject is.
        real_life: Whether it is someone's life or an event, told after life.
        franchise_word: Whether "series", "trilogy" or the like follows its name.
        modifies: Whether the name only says of what kind a following noun is ("the Selma marches").
        definite: Whether it is one certain work ("the novel", "King's novel"), and not "a novel".
    """

    name: str
    start: int
    end: int
    kinds: frozenset[str] = frozenset()
    year: int | None = None
    makers: tuple[str, ...] = ()
    named: bool = True
    same_name: bool = False
    real_life: bool = False
    franchise_word: bool = False
    definite: bool = True
    modifies: bool = False


@dataclass
class _Found:
    kinds: frozenset[str] = frozenset()
    year: int | None = None
    makers: list[str] = field(default_factory=list)
    same_name: bool = False
    several: bool = False


def parse_object(
    text: str, position: int, names: NamesInText, subject_name: str
) -> ObjectPhrase | None:
    """Read the object phrase that starts at a position of a sentence.

    Args:
        text: The sentence.
        position: Where the phrase may start; white space is passed over.
        names: Names of candidates in that sentence.
        subject_name: Name of the context's subject, for "of the same name".

    Returns:
        The phrase, or None where nothing that could name a thing stands there.
    """
    found = _Found()
    position = _past_space(text, position)
    first = position
    if match := _THAT_OF.match(text, position):
        position = match.end()
    real_life = _REAL_LIFE.match(text, position)
    if real_life:
        position = real_life.end()
    for _ in range(_WORDS_BEFORE):
        before, position = position, _past_space(text, position)
        if match := _ARTICLE.match(text, position):
            position = match.end()
        if match := _DECADE.match(text, position):
            position = match.end()
        if match := _OWNERS.match(text, position):
            found.makers.append(match.group(1))
            position = match.end()
        title = None if _MAKER_NOVEL.match(text, position) else _title(text, position, names, found)
        if title:
            name, start, end = title
            if name in COMPANIES:
                return None
            return _complete(text, found, name, start, end, bool(real_life))
        following = _maker_before(text, position, found) or _qualifier(text, position, found)
        # After a comma the title itself may follow ("the novel, Emma"), but no further words.
        if following is None or "," in text[before:position]:
            position = before
            break
        position = following
    if found.same_name:
        return _complete(text, found, subject_name, first, position, bool(real_life))
    if found.kinds and position > first:
        phrase = text[first:position].strip(" ,.")
        unnamed = _complete(text, found, phrase, first, first + len(phrase), bool(real_life))
        definite = not re.match(
            r"(?:an?|another|some|two|several|any)\s", text[first:], re.IGNORECASE
        )
        return replace(unnamed, named=False, definite=definite)
    return None


def _past_space(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


def _title(
    text: str, position: int, names: NamesInText, found: _Found
) -> tuple[str, int, int] | None:
    quoted = _QUOTED.match(text, position)
    if quoted:
        return quoted.group(1), quoted.start(1), quoted.end(1)
    known = names.starting_at(position)
    if known is not None and not _is_qualifier(text, known):
        return text[position:known], position, known
    national = NATIONAL.match(text, position)
    # "The book American Prometheus", but "the American film Prometheus".
    if national and not (found.kinds and text[national.end() : national.end() + 1].isupper()):
        return None
    if _YEAR.match(text, position):
        return None
    kind = KIND.match(text, position)
    if kind and _names_what_follows(text, kind.end()):
        return None
    possessor = _POSSESSOR.match(text, position)
    if (
        possessor
        and found.makers
        and " " not in possessor.group(1)
        and FRANCHISE_WORD.match(text, possessor.end() - 1)
    ):
        # "Soderbergh's Ocean's trilogy".
        return text[position : possessor.end()].strip(), position, possessor.end() - 1
    if possessor and _kind_within(text, possessor.end(), 45):
        return None
    if possessor and names.starting_at(possessor.end()) is not None:
        return None
    whose = possessor.group(1) if possessor else ""
    if possessor and text[possessor.end()].isupper() and (" " in whose or whose in AUTHORS):
        # "Anne Frank's The Diary of a Young Girl"; a single word is kept: "Ender's Game".
        return None
    capitals = _CAPITALS.match(text, position)
    if capitals is None:
        return None
    end = capitals.end()
    if text[end - 1] == "." and not re.search(r"\.[A-Z]\.$", text[position:end]):
        end -= 1
    if match := re.search(r"\s+(?:from|of|in)\s+(?:1[6-9]|20)\d\d$", text[position:end]):
        end = position + match.start()
    if match := FOR_A_PEOPLE.search(text, position, end):
        # "Dark Water for an American audience".
        end = match.start()
    if match := re.search(r"\s+(?:from|in)\s+[A-Z][^,]*?['’]s\b", text[position:end]):
        # "Cruella de Vil from Dodie Smith's novel".
        end = position + match.start()
    if match := _OF_COMPANY.match(text, position, end):
        # "The Eon Productions James Bond series".
        position = match.end()
    if found.several and (match := _TWO.search(text, position, end)):
        # "The autobiographies Man in Black and Cash".
        end = match.start()
    if match := re.match(r"(.{3,}?)\s+and\s+\1\b", text[position:end]):
        # "Ghostbusters and Ghostbusters II" are two.
        end = position + match.end(1)
    if possessor and possessor.end() <= end and not text[possessor.end() : end].strip():
        return None
    return _without_possessive(text, position, end)


def _names_what_follows(text: str, end: int) -> bool:
    """Whether a word such as "Western" or "Manga" only says what the title after it is."""
    return bool(re.match(r"s?\s+(?!of\b)(?:[a-z]+\s+)?(?:[\"“][A-Z]|[A-Z0-9]\w)", text[end:]))


def _without_possessive(text: str, start: int, end: int) -> tuple[str, int, int]:
    for mark in ("'s", "’s", "'", "’", ",", "-"):
        if text[start:end].endswith(mark):
            end -= len(mark)
            break
    return text[start:end], start, end


def _is_qualifier(text: str, end: int) -> bool:
    """Whether a known name only qualifies what follows ("the James Bond novel Moonraker")."""
    following = re.match(r"(?:['’]s)?\s+", text[end:])
    if following is None:
        return False
    place = end + following.end()
    possessive = following.group().startswith(("'", "’"))
    kind = KIND.match(text, place)
    if kind is None:
        return possessive and bool(_kind_within(text, place, 40))
    after = _past_space(text, kind.end())
    titled = bool(_QUOTED.match(text, after) or re.match(r"[A-ZÀ-Þ]", text[after : after + 1]))
    return titled and not FRANCHISE_WORD.match(text, end)


def _kind_within(text: str, position: int, characters: int) -> re.Match[str] | None:
    """Find a word for a kind of work, which a capital would make part of a title."""
    place = min(len(text), position + characters)
    return next((m for m in KIND.finditer(text, position, place) if m.group()[0].islower()), None)


def _qualifier(text: str, position: int, found: _Found) -> int | None:
    """Pass over one word or phrase before a title; None where there is none."""
    if match := _SAME_NAME.match(text, position) or _SAME_NAME_ADJECTIVE.match(text, position):
        found.same_name = True
        return match.end()
    if match := _YEAR.match(text, position):
        found.year = int(match.group(1))
        return match.end()
    if match := KIND.match(text, position):
        word = match.group().lower()
        kinds = KINDS.get(word) or KINDS.get(word.removesuffix("s")) or frozenset()
        found.kinds = kinds
        found.several = word.endswith("s") and not word.endswith(("series", "comics"))
        return match.end()
    if match := _CALLED.match(text, position):
        return match.end()
    if found.kinds and (match := _BY.match(text, position)):
        found.makers += _people(match.group(1))
        return match.end()
    if match := NATIONAL.match(text, position):
        return match.end()
    if match := _POSSESSOR.match(text, position):
        found.makers.append(match.group(1))
        return match.end()
    if match := _LOWER.match(text, position):
        word = match.group().lower()
        if word == "of":
            # "legends of Robin Hood" and "the memoirs of Anna Leonowens" are no titles.
            return None
        return None if word in _STOP else match.end()
    return None


def _maker_before(text: str, position: int, found: _Found) -> int | None:
    """Pass over a maker who qualifies what follows ("the Jane Austen novel Emma")."""
    match = _MAKER_NOVEL.match(text, position)
    if match is None:
        return None
    found.makers.append(match.group(1))
    return match.end(1)


def _people(names: str) -> list[str]:
    return [name.strip() for name in re.split(r",|\band\b|&", names) if name.strip()]


def _complete(
    text: str, found: _Found, name: str, start: int, end: int, real_life: bool
) -> ObjectPhrase:
    kinds, year = found.kinds, found.year
    franchise = FRANCHISE_WORD.match(text, end)
    if match := _FOLLOWING_YEAR.match(text, end):
        year = int(match.group(1))
    if (match := _FOLLOWING_KIND.match(text, end)) and not kinds:
        kinds = KINDS.get(match.group(1).strip().lower(), kinds)
    if (match := _APPOSED.match(text, end)) and not kinds and not franchise:
        # "It, a novella by Elinor Glyn", "It, the film from 2017".
        kinds = KINDS.get(match.group("kind").lower(), kinds)
        if match.group("year") and year is None:
            year = int(match.group("year"))
    elif (match := _DATED.match(text, end)) and year is None:
        year = int(match.group(1))
    after = _FOLLOWING_YEAR.match(text, end) or _CLOSING.match(text, end)
    by = _BY.match(text, after.end() if after else end)
    makers = [*found.makers, *(_people(by.group(1)) if by else [])]
    return ObjectPhrase(
        name=name.strip(" ,"),
        start=start,
        end=end,
        kinds=kinds,
        year=year,
        makers=tuple(makers),
        same_name=found.same_name or False,
        real_life=real_life,
        modifies=bool(_NOUN_AFTER.match(text, end)) and not franchise and not kinds,
        franchise_word=bool(franchise)
        or name_key(name).split(" ")[-1:]
        in (["trilogy"], ["saga"], ["universe"], ["franchise"], ["series"]),
    )
