"""What a work is said to be: "a 1942 American Donald Duck animated short film", taken apart."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kg_assets.inference.peoples import COUNTRIES
from kg_assets.inference.reading.proposals import Proposal
from kg_assets.inference.reading.spans import is_company
from kg_assets.inference.reading.view import View
from kg_assets.inference.reading.words import FORMS, GENRES, HEROES, WORKS
from kg_assets.inference.wordlists import any_of

_START = re.compile(
    r"(?:\b(?:is|was|are|were|being|as|into|remains|became)(?: (?:also|both|not|actually))?,? (?:\w+ of )?"
    r"(?:an?|the|this|one of the|\x01+['’]s?|his|her|[A-Z][\w.]+(?: [A-Z][\w.]+)*['’]s?) |\b(?:This|The|A|An) (?=\w+ ))"
)
_END = re.compile(
    r"(?<!Bros)(?<!\b[A-Z])\.|[;:\x02]|,(?! (?:short|silent|black|romantic|dark|[a-z]+ (?:drama|comedy|film|horror))\b)|"
    r"(?<![\w-])(?:directed|written|starring|about|by|of|from|produced|based|that|which|who|whose|in|released|"
    r"with|for|featuring|set|made|on|created|where|adapted|is|was|has|had|have|were|co-directed|"
    r"co-written|to|at|distributed|animated by|and (?:directed|the|is|was|a|an)|developed|shot|"
    r"filmed|following|depicting|loosely|after|stars|it|its|animated and)(?![\w-])"
)
_HEAD = re.compile(rf"\b(?:{WORKS})s?\b")
_YEAR = re.compile(r"\b(?:18|19|20)\d\d\b(?![-–]\d|s)")
_GENRE = re.compile(rf"(?<![\w-]){any_of(GENRES)}(?!\w)")
_COMPOSITE = re.compile(r"(?<![\w-])([a-z]+)[-/]([a-z]+)(?![\w-])")
_COUNTRY = re.compile(rf"(?<!\w){any_of(COUNTRIES)}(?!\w)")
_YEAR_ASIDE = re.compile(r"\x01[\"”]? \((?P<year>(?:18|19|20)\d\d)\)")
_HERO = re.compile(rf"(?<!\w){any_of(HEROES)}(?!\w)")
_STUDIO = re.compile(
    r"(?:(?:[A-Z][\w.&'’-]*|20th|of) )*?(?P<name>(?:(?:[A-Z][\w.&'’-]*|20th) )+)"
    r"(?=(?:\(|Looney|Merrie|Silly|animated|cartoon|film|short|feature|television|movie|comedy|drama|"
    r"production|musical|western|Technicolor|adventure|one-reel|two-reel|serial|mystery|horror|live))"
)
_SERIES = re.compile(
    r"(?:Looney Tunes|Merrie Melodies|Silly Symphon\w+|Blue Ribbon|Color Rhapsod\w+)"
)
_SINGLE = frozenset(GENRES)


def headline(view: View) -> Iterator[Proposal]:
    """Propose year, country, genres, studio and hero of what the subject is said to be."""
    for match in _YEAR_ASIDE.finditer(view.masked):
        yield Proposal("publication_date", *match.span("year"), match["year"], "year, aside")
    for start in _START.finditer(view.plain):
        begin = start.end()
        end = _END.search(view.plain, begin)
        stop = end.start() if end else len(view.plain)
        segment = view.plain[begin:stop]
        heads = list(_HEAD.finditer(segment))
        if not heads or len(segment) > 160:
            continue
        opening = start.group()[0].isupper()
        stop = begin + heads[-1].end()
        segment = view.plain[begin:stop]
        where = "opening" if opening else "is a"
        if opening and not _YEAR.search(segment) and len(segment.split()) > 3:
            continue
        yield from _parts(segment, begin, where, heads[-1].group())


def _parts(segment: str, begin: int, where: str, head: str) -> Iterator[Proposal]:
    words = len(segment.split())
    traits = (f"head={head.rstrip('s').lower()}", "long" if words > 6 else "short")
    year = _YEAR.search(segment)
    if year:
        yield Proposal(
            "publication_date",
            begin + year.start(),
            begin + year.end(),
            year.group(),
            f"year, {where}",
            traits,
        )
    seen_country: set[str] = set()
    for match in _COUNTRY.finditer(segment):
        if (
            segment[match.end() :].lstrip().startswith(("language", "-language"))
            or segment[match.end() : match.end() + 9] == "-language"
        ):
            continue
        country = COUNTRIES[match.group()]
        if country in seen_country:
            continue
        seen_country.add(country)
        after = segment[match.end() : match.end() + 1]
        hyphen = (
            "hyphen"
            if after == "-" or segment[match.start() - 1 : match.start()] == "-"
            else "plain"
        )
        if match.start() > 45:
            hyphen = "late"
        yield Proposal(
            "country_of_origin",
            begin + match.start(),
            begin + match.end(),
            country,
            f"people, {where}",
            (*traits, hyphen),
        )
    taken = 0
    for match in _GENRE.finditer(segment):
        name = match.group()
        if match.start() < taken:
            continue
        taken = match.end()
        following = segment[match.end() : match.end() + 1]
        if (
            following in "-/"
            and following
            and match.end() + 1 < len(segment)
            and segment[match.end() + 1].islower()
        ):
            composite = _COMPOSITE.match(segment, match.start())
            if composite and composite.group(2) in _SINGLE:
                name, taken = composite.group(), composite.end()
            else:
                continue
        elif segment[match.start() - 1 : match.start()] in ("-", "/"):
            continue
        if name.endswith(" comedy") and segment[match.end() :].startswith(" horror"):
            # "black comedy horror" is a comedy horror, and a black comedy.
            start = match.end() - len("comedy")
            taken = match.end() + len(" horror")
            both = segment[start:taken]
            yield Proposal(
                "genre",
                begin + start,
                begin + taken,
                both,
                f"genre, {where}",
                (*traits, f"genre={both}"),
            )
        if name in FORMS or name.lower() in FORMS:
            kind = "form"
        elif match.end() == len(segment):
            kind = "head genre"
        else:
            kind = "genre"
        yield Proposal(
            "genre",
            begin + match.start(),
            begin + match.start() + len(name),
            name,
            f"{kind}, {where}",
            (*traits, f"genre={name}"),
        )
    hero = _HERO.search(segment)
    if hero:
        yield Proposal(
            "has_character",
            begin + hero.start(),
            begin + hero.end(),
            hero.group(),
            f"hero, {where}",
            traits,
        )
    studio = _STUDIO.search(segment)
    if studio:
        name = studio["name"].strip()
        name = _SERIES.split(name)[0].strip()
        if name:
            first = name.split(" ")[0]
            while first in COUNTRIES and " " in name:
                name = name[len(first) + 1 :]
                first = name.split(" ")[0]
            at = segment.find(name, studio.start("name"))
            if is_company(name) and name not in COUNTRIES:
                yield Proposal(
                    "production_company",
                    begin + at,
                    begin + at + len(name),
                    name,
                    f"studio, {where}",
                    traits,
                )
