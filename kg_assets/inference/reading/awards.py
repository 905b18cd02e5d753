"""Names of awards, cut out of the lists in which texts give them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kg_assets.inference.reading.spans import TOKEN

_PIECE = rf"(?:{TOKEN}(?:['’]s?)?|\d{{1,2}}(?:st|nd|rd|th)|d['’](?:Or|or|oro|argento)|de|di|du|des|do|del|of|the|and(?= (?:Hairstyling|Animated|Editing|Costume))|for(?= \w)|&|-|or(?= (?:Comedy|Musical|Television)))"
_NAME = re.compile(
    rf"(?:(?:{TOKEN})(?:['’]s(?= [A-Z]))?)(?:,? ?(?:['’]Or)|(?: ?-)? (?:of (?:the )?|de |d['’]|du |di |do |for (?:the |a )?|and (?=Hairstyling|Costume|Theatre|Television|Radio|Screenplay\b(?!,))|& |or (?=Comedy|Musical)|in (?:a |an )?(?=Leading|Supporting|Foreign|Motion|Literature|Film|Direction)|by (?:a |an )(?=Actor|Actress)|a (?=Leading|Supporting|Motion|Comedy)|in a (?=Motion)|on (?=Other|Best|Family|Social|National)|-? ?)?(?:{TOKEN}|d['’][oO]r\w*|(?<=Best )\w+|d'oro))*"
)
_AWARD_WORD = re.compile(
    r"\b(?:Awards?|Prizes?|Prix|Premio|Oscars?|Palme|Golden|Silver|Bronze|Crystal|Bear|Lion|Leopard|"
    r"Globes?|BAFTAs?|César|Cesar|Goya|Goyas|Emmys?|Grammys?|Tonys?|Annie|Donatello|Trophy|Medal|"
    r"Donostia|Volpi|Coppa|Grand|Caméra|Camera|Palm|Horse|Rooster|Swan|Peacock|Jury|Nandi|Filmfare|"
    r"Genie|Juno|Guldbagge|Amanda|Bodil|Robert|Lola|Platinum|Hugo|Nebula|Saturn|Ariel|Félix|Felix|"
    r"Cup|Best|Teddy|Ribbon|Razzies|Raspberry|Magnolia|Eagle|Gopher|Certificate|Tiger|Laurel)\b"
)
_YEAR = re.compile(
    r"(?:(?:the|a|an|its|her|his|their|another|one|two|three|four|five|six|seven|eight|nine|ten|eleven|\d+|several|first|second|only|posthumous|honorary|prestigious|coveted|special|inaugural|both|\d{4}|\d+(?:st|nd|rd|th)|such as|fourteen|numerous|many|multiple|major|honou?rs?|nominations?) )*",
    re.I,
)
_INCLUDING = re.compile(
    r"(?:(?:[a-z-]+|\d+),? ){0,5}?(?:awards|prizes|honou?rs|accolades|nominations|categories|Awards)(?:[^,.;]{0,40})?,? (?:including|such as|among them|like|:)(?: for)? "
)
_SEPARATOR = re.compile(
    r"[\s\x02]*(?:(?:at|in|during) (?:the )?[^,.;]{3,70}?(?=,| and | as well)|\([^)]*\)|from (?:the )?[A-Z][^,.;]{3,50}?(?=,| and )|for \x01+|in \d{4}|for [A-Z]\w+(?: [A-Z]\w+)?(?=,| and))?[\s\x02]*"
    r"(?:,? and (?:won |was awarded )?(?:for )?|, (?:for )?|; |,? as well as |,? along with |,? plus )"
)
_BRANCH = re.compile(
    r", (?:Color|Black-and-White|Drama|Comedy or Musical)\b| in (?:Gujarati|Hindi|Tamil|Telugu|Malayalam|Kannada|Marathi|Bengali|Punjabi|Assamese|Odia|English|Konkani|Tulu)\b"
)
_BARE = frozenset({"Award", "Awards", "Prize", "Best", "Grand", "Cup", "Jury"})
_FAR = 120
_NOMINATIONS = re.compile(
    rf"(?P<org>(?:{TOKEN} )+Award)s? (?:nominations?|nods?|wins?)(?: for| including|:)? $"
)
_HOST = re.compile(rf"(?:{TOKEN} )+Festival['’]s (?:top (?:prize|award),? )?(?:the )?")
_BEST = re.compile(
    r"(?:(?:[Aa]ward|[Pp]rize|nod|trophy) for )?(?:the )?(?P<best>[Bb]est [A-Za-z][\w ]+?)(?: award| prize)?(?= at | in |,|\.|$| and | for |\x02)"
)
_ORGANISATION = re.compile(
    rf"(?P<org>(?:{TOKEN} )*?(?:{TOKEN} )?(?:Awards?|Globes?|Oscars|BAFTAs|BAFTA|Donatello))\b"
)
_AT = re.compile(
    rf" (?:at|in|from|by) (?:the )?(?:\d{{4}} |\d+(?:st|nd|rd|th) )?(?:annual )?(?P<org>(?:{TOKEN} )*Awards)\b"
)


@dataclass(frozen=True, slots=True)
class Award:
    """An award that a text names.

    Attributes:
        start: First character in the repaired text.
        end: One past the last.
        name: Its name, in the singular and with its organisation.
        whole: Whether the text has the whole name in one piece.
        place: Its place in its list, from 0.
    """

    start: int
    end: int
    name: str
    whole: bool
    place: int = 0


def awards(text: str, position: int) -> list[Award]:
    """Read the awards after words such as "won" or "nominated for".

    Args:
        text: The sentence with title and parentheses masked.
        position: Where those words end.
    """
    found: list[Award] = []
    organisation = ""
    if match := _INCLUDING.match(text, position):
        position = match.end()
    if match := _NOMINATIONS.search(text, max(0, position - _FAR), position):
        organisation = _singular(match["org"])
    while len(found) < 8:
        for passed in (_YEAR, _HOST):
            if match := passed.match(text, position):
                position = match.end()
        award, organisation = _award(text, position, organisation)
        if award is None:
            break
        found.append(Award(award.start, award.end, award.name, award.whole, len(found)))
        separator = _SEPARATOR.match(text, award.end)
        if separator is None:
            break
        position = separator.end()
    return found


def _award(text: str, position: int, organisation: str) -> tuple[Award | None, str]:
    """Read one award; also returns the organisation for those that only say "Best Picture"."""
    best = _BEST.match(text, position)
    if best:
        return _category(text, best, organisation)
    match = _NAME.match(text, position)
    if match is None or not _AWARD_WORD.search(match.group()) or match.group() in _BARE:
        return None, organisation
    name = re.sub(r" (?:for|of|in|and|the|at)(?: the)?$", "", match.group().rstrip(" -,"))
    end = match.start() + len(name)
    name = re.sub(r"['’]s$", "", name)
    if twice := re.match(r"(.+? for .+?) for ", name):
        name, end = twice.group(1), match.start() + len(twice.group(1))
    if text[end:].startswith(" awards"):
        return None, organisation
    if more := _BRANCH.match(text, end):
        name, end = name + more.group(), more.end()
    singular = _singular(name)
    if owner := _ORGANISATION.match(name):
        organisation = _singular(owner["org"])
    return Award(match.start(), end, singular, singular == name), organisation


def _category(text: str, best: re.Match[str], organisation: str) -> tuple[Award, str]:
    """Complete a category by the organisation that stands after it or before."""
    at = _AT.match(text, best.end()) or _AT.search(text, best.end(), best.end() + _FAR)
    owner = _singular(at["org"]) if at else organisation
    name = best["best"][0].upper() + best["best"][1:]
    if name.split(" ", 1)[1].islower():
        name = name.title()
    whole = f"{owner} for {name}" if owner else name
    return Award(*best.span("best"), whole, False), organisation or owner


def _singular(name: str) -> str:
    name = re.sub(r"\bAwards\b(?= for|$)", "Award", name)
    name = re.sub(r"\bOscars?\b(?= for)", "Academy Award", name)
    name = re.sub(r"\bGlobes\b", "Globe", name)
    return name
