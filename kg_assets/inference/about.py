"""What a work is about: the person or event whose life or course a sentence says that it tells."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kg_assets.inference.extractors import Candidate, Context
from kg_assets.inference.naming import CandidateNames
from kg_assets.inference.peoples import NATIONALITIES
from kg_assets.inference.subjects import Sentence
from kg_assets.inference.wordlists import holds

SUBJECTS = frozenset({"person", "event", "organisation"})
"""Entity types that a work is taken to be about; books and films are spoken of for other "
"reasons."""

_WORK = (
    r"(?:(?:feature|short|silent|biographical|television|TV|musical|historical|war|crime|sports|"
    r"drama|documentary|period|epic|romantic|legal|political|comedy|thriller)[\s-]+)*"
    r"(?:film|movie|drama|series|miniseries|book|novel|account|picture|story|play|musical|"
    r"docudrama|portrait|chronicle|documentary|biopic|biography|comedy|western|thriller|study)"
)
_TELLS = re.compile(
    rf"\b(?P<life>biopic|biography|biographical\s+{_WORK}|docudrama|documentary(?:\s+(?:film|"
    rf"series))?)"
    rf"\s+(?:of|about|on)\b|\b{_WORK}\s+(?:about|on)\b|\bportrait\s+of\b|"
    r"\b(?:about|account\s+of|chronicle\s+of|dramati[sz]ation\s+of)(?=\s+the\s+(?:life|lives|career)\b)|"
    r"\b[Bb]ased\s+(?:\w+ly\s+)?(?:up)?on(?=\s+(?:the\s+)?(?:\w+\s+){0,2}?(?:life|lives|events?|story|"
    r"stories|experiences|career|accounts?|case|exploits|crimes|trial|murders?|death|sinking|"
    r"battle)\b"
    r"(?!\s+by\b))|\b(?:centred|centered|focused|focuses|centres|centers)\s+(?:up)?on\b|"
    r"\b(?:tell(?:s|ing)|chronicl(?:es|ing)|depict(?:s|ing)|recount(?:s|ing)|re-?enact(?:s|ing)|"
    r"re-?creat(?:es|ing)|dramati[sz](?:es|ing)|portray(?:s|ing)|explor(?:es|ing)|cover(?:s|ing)|"
    r"trac(?:es|ing)|chart(?:s|ing)|deal(?:s|ing)\s+with|is\s+about|examin(?:es|ing)|"
    r"follow(?:s|ing)(?=\s+the\s+(?:life|lives|story|career|true|real|rise|early))|"
    r"document(?:s|ing)|retell(?:s|ing)|relat(?:es|ing)|shows(?!\s+how)|narrat(?:es|ing)|"
    r"concerns|surrounds|revolves\s+around|reconstructs|celebrates)\b",
)
_TELLING = (
    "account of", "bio", "docudrama", "documentary", "about", " on", "portrait of", "ased",
    "entred", "entered", "focus", "entres", "enters", "tell", "chronicl", "depict", "recount",
    "enact", "creat", "dramati", "portray", "explor", "cover", "trac", "chart", "deal", "examin",
    "follow", "document", "relat", "shows", "narrat", "concerns", "surrounds", "revolves",
    "reconstructs", "celebrates",
)  # fmt: skip
"""Of these one stands in every sentence in which `_TELLS` finds something."""

_PLAYED = re.compile(r"\b(?:is|as|plays?|played|playing|portrays?|becomes?)\s+$")
_LIFE_FILM = re.compile(
    r"\b(?:biopic|biographical|portrait|life\s+story|true\s+story|real\s+life|based\s+on\s+the\s+life|"
    r"biography)\b",
    re.IGNORECASE,
)
_WHOSE_LIFE = re.compile(
    r",?\s+(?:[^.;]{0,60},\s+)?whose\s+(?:[\w-]+\s+){0,3}?(?:life|story|career|rise|fall|years|case|trial|crimes)\b"
    r"\s+(?:it|the\s+(?:film|movie|series)|this|\x01+)\s",
)
_WORD = rf"(?:[a-z][\w’'-]*|\d{{4}}s?|(?:{NATIONALITIES})(?=\s+[a-z]|\s+[A-Z]\w+\s+[A-Z]))"
_LEAD = re.compile(rf"(?:\s+{_WORD}){{0,9}}?\s+(?=[A-ZÀ-Þ])")
_STOPS = re.compile(
    r"\s(?:who|whom|which|that|by|from|with|but|as|after|before|when|how|to|for|"
    r"fictional|fictitious|whose|directed|written|adapted|novel|book|play|film|song)\s"
)
_NAME = re.compile(
    r"(?:[A-ZÀ-Þ][\w’'.-]*|[IVX]+)(?:\s+(?:(?:of|the|de|la|von|van|al|bin|"
    r"&)\s+)*(?:[A-ZÀ-Þ0-9][\w’'.-]*))*"
)
_HAPPENING = re.compile(
    r"(?:sinking|death|assassination|murders?|battle|siege|attack|crash|trial|evacuation|founding|"
    r"kidnapping|execution|fall|hijacking|rescue|massacre|invasion|bombing|disappearance|"
    r"liberation|discovery|conquest|retreat|raid|capture|creation|launch)\s+(?:of|on|at|from|"
    r"in)\s+(?:the\s+)?$"
)
_REAL = re.compile(
    r"\b(?:(?:auto)?biograph|life\s+and\s+(?:career|times|work|music|legacy|crimes)\b|biopic|docudrama|documentary|histor(?:y|ical)|true\s+story|real[\s-]life|"
    r"real\s+events|true\s+events|based\s+on\s+the\s+(?:life|true|events|real)|war\s+film|"
    r"World\s+War|"
    r"actual\s+events)",
    re.IGNORECASE,
)
_CHRONICLES = re.compile(r"(?:account|chronicl|recount|document|dramati[sz])")
_LIFE = re.compile(r"\b(?:life|lives|true|real|career|events?|biograph\w*)\b")
EVENT = re.compile(
    r"\b(?:War|Wars|Battle|Massacre|Disaster|Revolution|Crisis|Uprising|Attacks?|Incident|"
    r"Riots?|Scandal|Trials?|Affair|Rebellion|Holocaust|Siege|Expedition|Murders?|Bombing|"
    r"Evacuation|Flight\s+\d+)$"
)
_EVENT_OF = re.compile(
    r"(?:Battle|Siege|Massacre|Fall|Invasion|Raid|Attack|Retreat|Liberation|Trial|Death|Murder)\s+(?:of|on)\s"
)
_EVENT_AFTER = re.compile(
    r"\s+(?:evacuation|massacre|murders|disaster|uprising|riots|hijacking|bombing|attacks|"
    r"scandal|mutiny|shootings?|assassination|rebellion|kidnapping|hostage\s+crisis|trials?|"
    r"crash)\b"
)
_PERSON = re.compile(r"[A-ZÀ-Þ][\w’'.-]*\s+\S")
_AFTERMATH = re.compile(
    r"[\"”’]?\s*(?:['’]s?\s+(?!(?:[\w-]+\s+){0,2}(?:life|story|career|rise|fall|years|death|murder|fight|"
    r"struggle|trial|journey|days|childhood|youth)\b)|as\s|(?:films?|movies?|series|character|novel)\b)"
)


@dataclass(frozen=True)
class About:
    """Whom or what a sentence says that its subject is about.

    Attributes:
        name: The name, as the sentence has it.
        candidate: The entity, None where the context has no candidates.
        start: Where the words that say so begin.
        object_start: Where the name begins.
        confidence: Between 0 and 1.
    """

    name: str
    candidate: Candidate | None
    start: int
    object_start: int
    confidence: float


def may_tell(text: str) -> bool:
    """Whether a sentence may say what its subject is about, by a quick look."""
    return holds(text, _TELLING)


def about(context: Context, sentence: Sentence, candidates: CandidateNames) -> Iterator[About]:
    """Find what a sentence says that the context's subject is about.

    With candidates, the name must be that of one person, event or organisation. Without, the
    text must also show that it speaks of what was, since stories have heroes with names as well.
    """
    text = sentence.text
    for match in _TELLS.finditer(sentence.masked) if may_tell(text) else ():
        lead = _LEAD.match(text, match.end())
        if lead is None or _STOPS.search(lead.group()):
            continue
        start = lead.end()
        found = _named(context, sentence, candidates, start, match, lead.group())
        if found and sentence.speaks_of_subject(match.start(), start):
            yield found
    life = _LIFE_FILM.search(sentence.masked) if sentence.names.spans else None
    for start, end in sentence.names.spans:
        known = [c for c in candidates.called(text[start:end]) if c.entity_type in SUBJECTS]
        told = _WHOSE_LIFE.match(sentence.masked, end)
        played = life and _PLAYED.search(text[:start])
        if len(known) == 1 and (told or played) and not sentence.speaks_of_another(start):
            yield About(text[start:end], known[0], start, start, 0.7)


def _named(
    context: Context,
    sentence: Sentence,
    candidates: CandidateNames,
    start: int,
    match: re.Match[str],
    lead: str,
) -> About | None:
    text = sentence.text
    if context.candidates:
        end = sentence.names.starting_at(start)
        if end is None or _AFTERMATH.match(text, end):
            return None
        known = [c for c in candidates.called(text[start:end]) if c.entity_type in SUBJECTS]
        if len(known) != 1:
            return None
        return About(text[start:end], known[0], match.start(), start, 0.8)
    name = _NAME.match(text, start)
    if name is None or _AFTERMATH.match(text, name.end()):
        return None
    end = name.end() - len(name.group()) + len(name.group().rstrip(".,"))
    happening = _HAPPENING.search(lead)
    if happening:
        tail = re.match(
            r",\s+(?:Princess|Prince|Duke|Duchess|King|Queen)\s+of\s+[A-Z]\w+", text[end:]
        )
        end += tail.end() if tail else 0
        start -= len(lead) - happening.start()
        return About(text[start:end], None, match.start(), start, 0.6)
    if after := _EVENT_AFTER.match(text, end):
        return About(text[start : after.end()], None, match.start(), start, 0.6)
    if EVENT.search(text[start:end]) or _EVENT_OF.match(text[start:end]):
        return About(text[start:end], None, match.start(), start, 0.6)
    life = match.group("life") or _LIFE.search(match.group() + lead) or not lead.strip()
    real = _REAL.search(context.text) or (_CHRONICLES.match(match.group()) and life)
    if life and real and _PERSON.match(text[start:end]):
        return About(text[start:end], None, match.start(), start, 0.7)
    return None
