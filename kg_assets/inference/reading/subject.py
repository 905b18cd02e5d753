"""The subject of a text that names none: the first stretch of it that looks like a title."""

from __future__ import annotations

import re

from kg_assets.inference.reading.repair import repair
from kg_assets.inference.reading.spans import UPPER

_SAYS = (
    r"(?:is|was|are|were|will be|stars?|tells|follows|won|received|features?|premiered|debuted|"
    r"has|had|takes|took|centers|centres|revolves|depicts|chronicles|documents|focuses|opened|"
    r"earned|concerns|recounts|explores|spanned|aired|began|became|also|contains|marks|marked|"
    r"holds|grossed|garnered|narrates|portrays|examines|dramatizes|deals|brings|shows)"
)
_OPENING = re.compile(
    rf"[\"“'«*_]*(?P<title>[{UPPER}0-9¡¿.][^\n]{{0,110}}?)[\"”'»*_]*(?=,? \(|,? {_SAYS} |, (?:also|known|better|or|"
    r"released|originally|formerly|subtitled|stylized|titled|internationally) )"
)
_NO_TITLE = re.compile(
    r"(?:The|This|That|These|It|Its|His|Her|He|She|They|Their|A|An|Both|All|Some|Many|There|In the|Another|Each)"
    r"(?: (?:[a-z][\w'’-]*|English|Japanese|American|British|French|German|Italian|Spanish))*(?:['’]s)?$"
)
_PHRASE = re.compile(
    r"(?:Directed by|Written by|Produced by|Set in|Set during|Based (?:up)?on|Filmed|Shot|On \w+ \d+|"
    r"Filming|Principal photography|Production|An? [a-z]+|For \w+['’]s|The following|Using an?|During the|"
    r"Some|Many|Several|Particular|Critics)\b"
)
_LEADING = re.compile(
    r"(?:Directed|Written|Produced|Set|Based|Starring|Released|Filmed|Shot|Made|Loosely|In|On|At|Taking|"
    r"Following|Like|Although|While|After|During|Originally|As|Since|For|Using|Often|Unlike|An?|With|"
    r"The following year)\b"
)
_THEN = re.compile(
    rf",? (?P<title>[{UPPER}0-9][^,;()]{{1,90}}?)(?:['’]s? (?:narrative|story|plot|title))? {_SAYS} "
)
_CLAUSE = re.compile(r", (?:[a-z]|and )")
_PERSON_WON = re.compile(
    r"(?:won|was nominated|were nominated|received)\b(?:(?! and )[^.,]){0,60}? Best (?:\w+ )?Act"
)


def find_subject(text: str) -> str | None:
    """Find the title of the work that a text is about.

    Args:
        text: The text; its beginning is looked at.

    Returns:
        The title as the text has it, or None where the text begins otherwise ("The film was ...").
    """
    head = repair(text[:2_000]).text.strip()
    match = _OPENING.match(head)
    if match and not _is_title(match["title"]):
        match = None
    if match is None and _LEADING.match(head):
        match = _THEN.search(head)
    if match is None or _PERSON_WON.match(head, match.end("title") + 1):
        return None
    title = match["title"].strip(' ,"“”')
    title = re.sub(r"['’]s (?:narrative|story|plot|title)$", "", title)
    return title if title and _is_title(title) else None


def _is_title(title: str) -> bool:
    """Whether it is no phrase such as "The film", "In 1990" or "Set in Rome, the story"."""
    if _NO_TITLE.match(title) or _CLAUSE.search(title):
        return False
    if "," in title and _LEADING.match(title):
        return False
    return not (_PHRASE.match(title) or title.islower())
