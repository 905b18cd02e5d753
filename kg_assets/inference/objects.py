"""Object phrases: what a rule finds after "based on", cut into title, kind, year and makers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from kg_assets.inference.gazetteer import name_key
from kg_assets.inference.naming import NamesInText

KINDS: Mapping[str, frozenset[str]] = {
    word: frozenset(kinds.split())
    for kinds, group in {
        "book": "novel|novella|novelette|book|short story|story|stories|short stories|memoir|"
        "memoirs|autobiography|biography|fairy tale|tale|poem|epic|diary|light novel|trilogy of "
        "novels|children's book|source novel",
        "play": "play|stage play|stage musical|opera|tragedy|operetta",
        "comic": "comic|comics|comic book|comic strip|graphic novel|manga|webcomic|comic series|"
        "comic book series|manga series|bande dessinée",
        "game": "video game|game|computer game|board game|arcade game|role-playing game",
        "film": "film|movie|picture|motion picture|feature|short film|short|silent film|western|"
        "classic|thriller|horror film|blockbuster|documentary",
        "series": "television series|tv series|television show|tv show|show|sitcom|miniseries|"
        "mini-series|anime series|soap opera|web series|programme|television programme|serial",
        "film play": "musical",
        "film series": "anime|cartoon",
        "film play series": "comedy|drama",
        "series franchise": "series",
        "franchise": "film series|franchise|saga|trilogy|universe|book series|novel series|"
        "tetralogy|quadrilogy|duology|film trilogy|series of films|series of novels|cycle|"
        "media franchise|film franchise|shared universe|cinematic universe",
        "event": "war|battle|trial|disaster|massacre|siege",
    }.items()
    for word in group.split("|")
}
"""Which entity types a word in front of a title speaks of."""

_KIND = re.compile(
    r"\b(?:" + "|".join(sorted(map(re.escape, KINDS), key=lambda w: (-len(w), w))) + r")(s?)\b",
    re.IGNORECASE,
)
FRANCHISE_WORD = re.compile(
    r"\s*[\"”’']?\s+(?:(?:film|book|novel|comic|media|movie|video game)s?\s+)?"
    r"(?:series|franchise|saga|trilogy|universe|tetralogy|quadrilogy|cycle|duology)\b",
    re.IGNORECASE,
)

_SPACE = re.compile(r"[\s,]+")
_SAME_NAME = re.compile(
    r"(?:of\s+(?:the\s+same|that|its|the\s+identical)|by\s+the\s+same|with\s+the\s+same)\s+"
    r"(?:name|title)\b",
    re.IGNORECASE,
)
_SAME_NAME_ADJECTIVE = re.compile(
    r"(?:eponymous|same-named|same-titled|identically\s+titled|like-named|self-titled)\b", re.I
)
_QUOTED = re.compile(r"[\"“«‘*_]([^\"“”«»*_\n]{1,80}?)[,.]?[\"”»’*_](?!\w)")
_YEAR = re.compile(r"\(?((?:1[6-9]|20)\d\d)\)?(?![\w’'])")
_NAME_WORD = r"(?:[A-ZÀ-ÖØ-Þ][\w’'.\-]*\.?|de|la|le|van|von|der|den|du|di|da|al|el|ten)"
_PERSON = rf"[A-ZÀ-ÖØ-Þ][\w.\-]*(?:\s+{_NAME_WORD}){{0,4}}"
_POSSESSOR = re.compile(rf"({_PERSON}?)(?:['’]s|(?<=s)['’])\s+")
_BY = re.compile(
    rf"(?:,?\s*)?(?:written\s+|created\s+|directed\s+|penned\s+)?by\s+(?:[a-z-]+\s+){{0,4}}?"
    rf"({_PERSON}(?:(?:,|\s+and|\s*&)\s+{_PERSON})*)"
)
_CALLED = re.compile(r"(?:called|titled|entitled|named)\b")
_TITLE_WORD = r"[A-ZÀ-ÖØ-Þ0-9][\w’'\-./]*[!?]?"
_JOINER = r"(?:of|the|and|a|an|in|on|to|for|with|from|at|de|la|le|les|du|des|der|&|or|vs\.?)"
_CAPITALS = re.compile(
    rf"{_TITLE_WORD}(?:(?::|,(?=\s+(?:the|and)\s+[A-Z]))?\s+(?:{_JOINER}\s+){{0,3}}{_TITLE_WORD})*"
)
_CLOSING = re.compile(r"[\"”’»*_]")
_THAT_OF = re.compile(
    r"(?:that|those|characters|the\s+characters|elements)\s+(?:of|from|in|created\s+for)\s+"
)
_ARTICLE = re.compile(r"(?:The|A|An|His|Her|Their|Its|Another)\s+(?=[a-z\"“])")
_LOWER = re.compile(r"[a-zà-öø-þ][\w’'\-]*|[A-Z]\w*(?:[ -][A-Z]\w*)*-[a-z]\w+")
_NATIONAL = re.compile(
    r"(?:[A-Z][a-z]+(?:ish|ese|an|ic)|French|Dutch|Greek|Czech|Thai|Welsh|Broadway|Hollywood|"
    r"Academy Award|Oscar|Pulitzer Prize|Booker Prize|BBC|Netflix|West End|Victorian|Gothic)\s+"
)
_STOP_TEXT = """
by and but which who whom that is was are were be been has had have starring directed in at
for with from to as about when where while after before because since so or nor than then he
she it they we you i rather instead not
"""
_STOP = frozenset(_STOP_TEXT.split())
_SKIP_TEXT = """
the a an his her their its this these those both own one of
"""
_SKIP = frozenset(_SKIP_TEXT.split())
_WORDS_BEFORE = 12
_FOLLOWING_YEAR = re.compile(r"[\"”’»*_]?\s*\(((?:1[6-9]|20)\d\d)(?:[\s,][^)]{0,40})?\)")
_FOLLOWING_KIND = re.compile(r"[\"”’»*_]?\s*\((?:(?:1[6-9]|20)\d\d\s+)?([a-z -]{3,30})\)", re.I)
_REAL_LIFE = re.compile(
    r"(?:the\s+)?(?:(?:real|true)[\s-]+(?:life\s+)?)?(?:life(?:\s+story)?|story|stories|events?|"
    r"experiences|career|exploits|true\s+story|real\s+events)\s+(?:and\s+(?:career|times|crimes)\s+)?"
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


@dataclass
class _Found:
    kinds: frozenset[str] = frozenset()
    year: int | None = None
    makers: list[str] = field(default_factory=list)
    same_name: bool = False


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
        title = _title(text, position, names)
        if title:
            name, start, end = title
            return _complete(text, found, name, start, end, bool(real_life))
        following = _qualifier(text, position, found)
        # After a comma the title itself may follow ("the novel, Emma"), but no further words.
        if following is None or "," in text[before:position]:
            position = before
            break
        position = following
    if found.same_name:
        return _complete(text, found, subject_name, first, position, bool(real_life))
    if found.kinds and position > first:
        phrase = text[first:position].strip(" ,")
        unnamed = _complete(text, found, phrase, first, first + len(phrase), bool(real_life))
        return ObjectPhrase(**{**vars(unnamed), "named": False})
    return None


def _past_space(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


def _title(text: str, position: int, names: NamesInText) -> tuple[str, int, int] | None:
    quoted = _QUOTED.match(text, position)
    if quoted:
        return quoted.group(1), quoted.start(1), quoted.end(1)
    known = names.starting_at(position)
    if known is not None and not _is_qualifier(text, known):
        return text[position:known], position, known
    if _NATIONAL.match(text, position) or _YEAR.match(text, position):
        return None
    possessor = _POSSESSOR.match(text, position)
    if possessor and _kind_within(text, possessor.end(), 45):
        return None
    if possessor and names.starting_at(possessor.end()) is not None:
        return None
    if possessor and " " in possessor.group(1) and text[possessor.end()].isupper():
        # "Anne Frank's The Diary of a Young Girl"; a single word is kept: "Ender's Game".
        return None
    capitals = _CAPITALS.match(text, position)
    if capitals is None:
        return None
    end = capitals.end()
    if text[end - 1] == "." and not re.search(r"\.[A-Z]\.$", text[position:end]):
        end -= 1
    if possessor and possessor.end() <= end and not text[possessor.end() : end].strip():
        return None
    return _without_possessive(text, position, end)


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
    kind = _KIND.match(text, place)
    if kind is None:
        return possessive and bool(_kind_within(text, place, 40))
    after = _past_space(text, kind.end())
    titled = bool(_QUOTED.match(text, after) or re.match(r"[A-ZÀ-Þ]", text[after : after + 1]))
    return titled and not FRANCHISE_WORD.match(text, end)


def _kind_within(text: str, position: int, characters: int) -> re.Match[str] | None:
    return _KIND.search(text, position, min(len(text), position + characters))


def _qualifier(text: str, position: int, found: _Found) -> int | None:
    """Pass over one word or phrase before a title; None where there is none."""
    if match := _SAME_NAME.match(text, position) or _SAME_NAME_ADJECTIVE.match(text, position):
        found.same_name = True
        return match.end()
    if match := _YEAR.match(text, position):
        found.year = int(match.group(1))
        return match.end()
    if match := _KIND.match(text, position):
        word = match.group().lower()
        kinds = KINDS.get(word) or KINDS.get(word.removesuffix("s")) or frozenset()
        found.kinds = kinds
        return match.end()
    if match := _CALLED.match(text, position):
        return match.end()
    if found.kinds and (match := _BY.match(text, position)):
        found.makers += _people(match.group(1))
        return match.end()
    if match := _NATIONAL.match(text, position):
        return match.end()
    if match := _POSSESSOR.match(text, position):
        found.makers.append(match.group(1))
        return match.end()
    if match := _LOWER.match(text, position):
        word = match.group().lower()
        return None if word in _STOP else match.end()
    return None


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
        franchise_word=bool(franchise)
        or name_key(name).split(" ")[-1:]
        in (["trilogy"], ["saga"], ["universe"], ["franchise"], ["series"]),
    )
