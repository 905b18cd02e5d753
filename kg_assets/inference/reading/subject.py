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
_LEADING = re.compile(
    r"(?:Directed|Written|Produced|Set|Based|Starring|Released|Filmed|Shot|Made|Loosely|In|On|At|Taking|"
    r"Following|Like|Although|While|After|During|Originally|As|Since|For)\b[^,]{3,160}, "
)
_THEN = re.compile(rf"(?P<title>[{UPPER}0-9][^,;()]{{0,90}}?) {_SAYS} ")


def find_subject(text: str) -> str | None:
    """Find the title of the work that a text is about.

    Args:
        text: The text; its first sentence is looked at.

    Returns:
        The title as the text has it, or None where the text begins otherwise ("The film was ...").
    """
    head = repair(text[:2_000]).text.strip()
    match = _OPENING.match(head)
    if match is None or _LEADING.match(head):
        leading = _LEADING.match(head)
        match = _THEN.match(head, leading.end()) if leading else None
    if match is None:
        return None
    title = match["title"].strip(' ,"“”')
    return None if _NO_TITLE.match(title) or title.islower() else title or None
