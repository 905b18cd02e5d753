"""The phrases that tell what kind of thing a text or a name speaks of, with their points.

Points are natural logarithms of odds, as `kg_assets.inference.thing_types` adds them up. They were
set by hand, by how seldom a word is said of another kind.
"""

from __future__ import annotations

import re

from kg_assets.inference.wordlists import listed

STOPS = frozenset(
    listed(
        """
of by about from in with that which who whom whose for and or on to at set directed written based
starring featuring produced created where when inside during between among against around through
invented published released , ; : ( )
"""
    )
)
"""Words at which the phrase with the head noun ends."""


def _compiled(
    *rows: tuple[str, dict[str, float], str],
) -> tuple[tuple[re.Pattern[str], dict[str, float], str], ...]:
    return tuple((re.compile(pattern), points, reason) for pattern, points, reason in rows)


PHRASES = _compiled(
    (r"(?i)\bfictional\b|\bappears in .{0,60}\bplayed by\b", {"character": 4.0}, "it is invented"),
    (
        r"(?i)\bwho (?:was invented|appears in)\b|\bprotagonist of\b",
        {"character": 4.0, "person": -3.0},
        "that it is invented",
    ),
    (
        r"(?i)\bdirected (?:and \w+ )?by\b",
        {"film": 2.0, "series": 0.5, "episode": 1.0},
        "who directed it",
    ),
    (r"(?i)\bstarring\b", {"film": 1.5, "series": 1.0, "play": 0.5}, "who stars in it"),
    (
        r"(?i)\b(?:opens|closes|ends|concludes|begins) the \w+ (?:season|series)\b",
        {"episode": 5.0},
        "its place in a season",
    ),
    (r"(?i)\bepisode of (?:the )?\b", {"episode": 3.0}, "that it is an episode"),
    (
        r"\b(?:ran|aired) on [A-Z][\w ]+ (?:from|between|for)\b",
        {"series": 4.0},
        "how long it was on the air",
    ),
    (r"^[^()]{2,80}\((?:[^()]*?\b)?(?:born|b\.|né|née)\s", {"person": 6.0}, "when it was born"),
    (
        r"^[^()]{2,80}\([^()]*\b\d{4}\s*[–-]\s*[^()]*\b\d{4}\)",
        {"person": 2.5, "series": 1.0, "organisation": 1.0},
        "from when to when it was",
    ),
    (r"(?i)\b(?:was|is) born (?:on|in)\b", {"person": 5.0}, "when it was born"),
    (
        r"(?i)\b(?:was )?founded (?:in|by|as)\b|\bheadquartered\b",
        {"organisation": 3.0},
        "when it was founded",
    ),
)
"""Points by what the first sentence of a text says."""

NAME_PATTERNS = _compiled(
    (r"(?i)\((?:\d{4} )?(?:film|movie)\)\s*$", {"film": 6.0}, "it ends with (film)"),
    (
        r"(?i)\((?:\d{4} )?(?:tv|television|web)?\s?(?:mini-?)?series\)\s*$",
        {"series": 6.0},
        "it ends with (series)",
    ),
    (r"(?i)\((?:novel|novella|book)\)\s*$", {"book": 6.0}, "it ends with (novel)"),
    (r"(?i)\((?:play|opera|musical)\)\s*$", {"play": 5.0}, "it ends with (play)"),
    (r"(?i)\((?:video )?game\)\s*$", {"game": 6.0}, "it ends with (game)"),
    (r"(?i)\((?:comics?|manga|graphic novel)\)\s*$", {"comic": 6.0}, "it ends with (comic)"),
    (r"(?i)\((?:actor|actress|director|writer|singer)\)\s*$", {"person": 6.0}, "a profession"),
    (r"(?i)\((?:character)\)\s*$", {"character": 6.0}, "it ends with (character)"),
    (r"(?i)\((?:franchise|film series|book series)\)\s*$", {"franchise": 6.0}, "a franchise"),
    (
        r"\b(?:Trilogy|Saga|Franchise|Cinematic Universe|film series)\s*$",
        {"franchise": 2.5},
        "it is that of several works",
    ),
    (
        r"\b(?:Pictures|Studios?|Entertainment|Productions?|Broadcasting|Corporation|Company|"
        r"Animation|Films|Filmproduktion|Distribution|Network)\s*$",
        {"organisation": 2.0},
        "it sounds like a company's",
    ),
    (
        r"\b(?:Inc|Ltd|LLC|GmbH|S\.?A|S\.?r\.?l|Pty|Corp|AB|plc|Limited)\.?\s*$",
        {"organisation": 4.0},
        "it has a legal form",
    ),
    (r"\b[Ss]\d{1,2}\s?[Ee]\d{1,3}\b", {"episode": 5.0}, "it has a season and an episode"),
    (r"^Episode #?\d+(?:\.\d+)?$", {"episode": 4.0}, "it is an episode's number"),
    (
        r"^(?:The )?(?:Battle|Siege|Attack|Assassination|Sinking) (?:of|on) ",
        {"event": 1.0},
        "it may be an event's",
    ),
)
"""Points by what a name looks like; none but marks in brackets and legal forms decides alone."""
