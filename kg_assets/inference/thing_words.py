"""The words that tell what kind of thing a text or a name speaks of, with their points.

Points are natural logarithms of odds, as `kg_assets.inference.thing_types` adds them up. They were
set by hand, by how seldom a word is said of another kind.
"""

from __future__ import annotations

import re

from kg_assets.inference.wordlists import listed

_SURE = 5.0
_LIKELY = 3.0


def _scored(points: dict[str, float], text: str) -> dict[str, dict[str, float]]:
    return {" ".join(phrase.split()): points for phrase in text.split(",")}


HEADS: dict[str, dict[str, float]] = {
    **_scored(
        {"film": _SURE},
        "film, movie, biopic, short film, feature film, television film, tv film, musical film, "
        "documentary film, film adaptation, animated feature, motion picture, telefilm",
    ),
    **_scored({"film": _LIKELY, "series": 1.0}, "documentary, thriller, romantic comedy"),
    **_scored({"film": 2.0, "series": 1.0, "play": 1.0}, "comedy, drama, adaptation, remake"),
    **_scored(
        {"series": _SURE},
        "television series, tv series, miniseries, mini-series, sitcom, telenovela, soap opera, "
        "web series, docuseries, television show, tv show, anime series, television sitcom, "
        "television drama, television programme, television program, drama series, crime series, "
        "limited series, reality show, talk show, game show",
    ),
    **_scored({"series": _LIKELY, "franchise": 2.0}, "series"),
    **_scored({"series": _LIKELY}, "show, programme"),
    **_scored({"episode": _SURE}, "episode, pilot, season finale, season premiere"),
    **_scored(
        {"person": _SURE, "character": 2.0},
        "actor, actress, director, filmmaker, film-maker, screenwriter, writer, author, novelist, "
        "producer, composer, singer, comedian, cinematographer, poet, playwright, dramatist, "
        "journalist, musician, animator, photographer, choreographer, film director, "
        "film producer, television producer, television presenter, film editor, film actor, "
        "film actress, voice actor, voice actress, stuntman, film critic, historian",
    ),
    **_scored(
        {"book": _SURE},
        "novel, novella, book, memoir, autobiography, short story, children's book, "
        "non-fiction book, novelette, picture book, biography, short-story collection",
    ),
    **_scored({"play": _SURE}, "play, stage play, opera, tragedy, stage musical, one-act play"),
    **_scored({"play": _LIKELY, "film": 2.0}, "musical, musical comedy"),
    **_scored(
        {"comic": _SURE},
        "comic, comic book, graphic novel, manga, webtoon, manhwa, comic strip, webcomic, "
        "manga series, comic book series, comic series",
    ),
    **_scored({"game": _SURE}, "game, video game, videogame, computer game, board game"),
    **_scored(
        {"event": _SURE},
        "battle, war, attack, massacre, film festival, earthquake, uprising, revolution, siege, "
        "disaster, surprise strike, assassination, riot, mutiny, military campaign, strike, "
        "rebellion, invasion, famine, kidnapping, hijacking, murder case",
    ),
    **_scored(
        {"organisation": _SURE},
        "company, studio, film studio, animation studio, broadcaster, corporation, publisher, "
        "production company, distributor, television network, television channel, record label, "
        "organisation, organization, agency, foundation, university, developer, maker, "
        "film company, media company, publishing house, rock band, band, conglomerate",
    ),
    **_scored({"organisation": _LIKELY}, "network, channel, group, label"),
    **_scored(
        {"franchise": _SURE},
        "franchise, media franchise, film series, book series, trilogy, saga, tetralogy, "
        "shared universe, fictional universe, novel series, series of novels, film trilogy, "
        "video game series, film franchise",
    ),
    **_scored(
        {"character": _SURE},
        "character, fictional character, superhero, supervillain, title character, protagonist, "
        "antagonist, cartoon character",
    ),
}
"""Points by what a text calls its subject, in lower case; the longest phrase counts."""

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
