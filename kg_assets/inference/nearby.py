"""The second look: a known work named beside a telling word, where no pattern fits the sentence.

Reviews and press texts state in many ways what few patterns hold: "Behind it stands King's
novella The Body". Where the context has candidates, their types, years and makers say what the
words leave open. What the patterns found, denied or doubted is left to them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kg_assets.inference.doubts import denies, hedges
from kg_assets.inference.extractors import Candidate, Context
from kg_assets.inference.gazetteer import COMMON_WORDS, name_key, words
from kg_assets.inference.naming import CandidateNames
from kg_assets.inference.subjects import Sentence
from kg_assets.inference.triggers import LITERARY
from kg_assets.inference.wordings import MASK
from ontology.schema import Ontology

CONFIDENCE = 0.5
"""Below every pattern: a judgement, not measured."""

_KIND_OF_SOURCE = (
    r"(?:novels?|novellas?|books?|bestsellers?|best-sellers?|plays?|short\s+story|stories|comics?|"
    r"graphic\s+novel|manga|memoirs?|musical|video\s+games?|games?|biography|autobiography|opera|"
    r"stage\s+(?:hit|show|musical)|poem|tale|classic|fairy\s+tale)"
)
_BEFORE_SOURCE = re.compile(
    rf"\b{_KIND_OF_SOURCE}(?:\s+(?:called|titled|entitled|named|of))?,?\s+[\"“‘*_]?$", re.IGNORECASE
)
_AFTER_SOURCE = re.compile(
    rf"[\"”’*_]?(?:\s*\([^)]*\))?,?\s+(?:(?:a|an|the|his|her|"
    rf"their)\s+(?:[\w’'-]+\s+){{0,4}}?{_KIND_OF_SOURCE}\b)"
)
_BY = re.compile(r"[\"”’*_]?(?:\s*\([^)]*\))?,?\s+(?:written\s+)?by\s+((?:[A-ZÀ-Þ][\w.’'-]*\s?)+)")
_OWNER = re.compile(r"([A-ZÀ-Þ][\w.-]*)(?:['’]s|(?<=s)['’])\s+(?:[\w’'-]+\s+){0,4}?[\"“‘*_]?$")
_NEAR = 60
"""How far a telling word may stand from a name, in characters."""

_OWN_FOLLOW_UP = re.compile(
    r"(?:(?<!\x01)['’]s|\b(?:his|her|their))\s+(?:[\w-]+\s+){0,2}follow-?up\b", re.IGNORECASE
)
_STATES = re.compile(r"[\"”’*_]?(?:\s*\([^)]*\))?(?:,\s+|\s+(?:is|was|are|were|had)\b)")
_CUES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("prequel_of", re.compile(r"\bprequels?\b|\borigin\s+story\b", re.IGNORECASE)),
    ("spin_off_of", re.compile(r"\bspin-?\s?offs?\b|\bspun\s+off\b|\boffshoot\b", re.IGNORECASE)),
    ("remake_of", re.compile(r"\bre-?(?:make|making|made|makes|imagin\w+)\b", re.IGNORECASE)),
    (
        "sequel_of",
        re.compile(
            r"\bsequels?\b|\bfollow-?up\b|\bpicks?\s+up\b|\bcontinues?\b|\byears?\s+(?:after|"
            r"later|on)\b|"
            r"\bpart\s+two\b|\bsecond\s+(?:part|chapter|half)\b|\breturns?\s+to\b|\bcarries\s+on\b",
            re.IGNORECASE,
        ),
    ),
)
_FRANCHISE_BEFORE = re.compile(
    r"\b(?:film|movie|instal?lment|entry|chapter|part|adventure|addition|outing|series|episode|"
    r"first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|last|final|latest|new|next)"
    r"\s+(?:[\w’'-]+\s+){0,4}?[\"“‘*_]?$",
    re.IGNORECASE,
)
_FRANCHISE_AFTER = re.compile(
    r"[\"”’*_]?\s+(?:film\s+|movie\s+|book\s+|cinematic\s+)?(?:series|franchise|saga|universe|"
    r"trilogy|films?|movies?|"
    r"adventure|instal?lment|entry|chapter|story|cycle|outing|world)\b",
    re.IGNORECASE,
)
_ELSEWHERE = re.compile(
    r"\b(?:inspired|parod(?:y|ies)|spoofs?|send-?up|sends\s+up|homage|tribute|reminds?|recalls?|"
    r"echo(?:es)?|next\s+film|previous\s+film|earlier\s+film|other\s+film|first\s+film|last\s+film|"
    r"film\s+before|best\s+known|known\s+for|directed|also\s+made|whose|who\s+(?:made|wrote|played|"
    r"starred)|tit(?:le|led)|name[ds]?|song|confused|mistaken|followed|was\s+made|went\s+on|"
    r"later|next|already|had\s+(?:made|directed|written|been)|starred|quot(?:e|es|ed)|line|"
    r"unrelated|"
    r"shares?|in\s+common|compare[ds]?|alongside|double\s+bill|fans?|reminiscent|style|vein|"
    r"spirit)\b",
    re.IGNORECASE,
)
_ASIDE = re.compile(
    r"\b(?:like|unlike|than|as\s+in|besides|after\s+making|beside|of\s+course|"
    r"from\s+the\s+makers\s+of|director\s+of|author\s+of|writer\s+of|star\s+of|makers?\s+of|"
    r"team\s+behind|"
    r"behind)\s+(?:the\s+)?(?:\w+\s+)?[\"“‘*_]?$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Nearby:
    """A relation that a sentence suggests.

    Attributes:
        relation: Its name.
        candidate: The object.
        name: The object as the sentence names it.
        ordinal: Which of the sentences.
    """

    relation: str
    candidate: Candidate
    name: str
    ordinal: int


def nearby(
    context: Context,
    read: Sequence[Sentence],
    candidates: CandidateNames,
    settled: frozenset[str],
    ontology: Ontology,
) -> Iterator[Nearby]:
    """Look at the names of candidates in sentences that no pattern read.

    Args:
        context: The context, with candidates.
        read: Its sentences in order.
        candidates: Its candidates by name.
        settled: Keys of the names of which the patterns found, denied or doubted something.
        ontology: Says which types of object a relation can have.
    """
    for ordinal, sentence in enumerate(read):
        for start, end in sentence.names.spans:
            name = sentence.text[start:end]
            if name_key(name) in settled or not _may_be_meant(sentence, candidates, start, end):
                continue
            found: dict[str, list[Candidate]] = defaultdict(list)
            for candidate in candidates.called(name):
                relation = _relation(context, sentence, candidate, start, end)
                if relation and not ontology.check(
                    relation, context.entity_type, candidate.entity_type
                ):
                    found[relation].append(candidate)
            for relation, all_called in found.items():
                same = [each for each in all_called if each.entity_type == context.entity_type]
                meant = same if relation != "based_on" and same else all_called
                if len(meant) == 1 and meant[0].entity_id != context.entity_id:
                    yield Nearby(relation, meant[0], name, ordinal)


def _may_be_meant(sentence: Sentence, candidates: CandidateNames, start: int, end: int) -> bool:
    """Whether nothing before a name turns the sentence away from the subject."""
    around = sentence.masked[max(0, start - 2) : start] + sentence.masked[end : end + 2]
    if MASK in around:
        # A part of the subject's own name.
        return False
    left = sentence.masked[sentence.clause(start) : start]
    if _ELSEWHERE.search(left) or _ASIDE.search(left) or denies(left) or hedges(left):
        return False
    if sentence.speaks_of_another(start):
        return False
    # "Yojimbo is a remake of Alien" and "Yojimbo, based on Emma" are said of Yojimbo.
    return not any(
        last <= start
        and MASK not in sentence.masked[first:last]
        and _STATES.match(sentence.text, last)
        and any(
            each.entity_type not in ("person", "franchise", "organisation", "event")
            for each in candidates.called(sentence.text[first:last])
        )
        for first, last in sentence.names.spans
    )


def _relation(
    context: Context, sentence: Sentence, candidate: Candidate, start: int, end: int
) -> str | None:
    older = candidate.year is None or context.year is None or candidate.year <= context.year
    text = sentence.text
    if not older:
        return None
    if candidate.entity_type in LITERARY and context.entity_type in ("film", "series"):
        return "based_on" if _is_source(candidate, text, start, end) else None
    if MASK in sentence.masked[start:end] or name_key(text[start:end]) in COMMON_WORDS:
        return None
    after_franchise = _FRANCHISE_AFTER.match(text, end)
    if candidate.entity_type == "franchise":
        before = _FRANCHISE_BEFORE.search(text[:start])
        return "part_of_franchise" if after_franchise and before else None
    if candidate.entity_type in ("film", "series", "book") and not after_franchise:
        clause = sentence.clause(start)
        if not sentence.masked[clause:start].strip(' "“*_') and _STATES.match(text, end):
            return None
        near = sentence.masked[max(clause, start - _NEAR) : end + _NEAR]
        if denies(near) or hedges(near) or _OWN_FOLLOW_UP.search(near):
            return None
        return next((relation for relation, cue in _CUES if cue.search(near)), None)
    return None


def _is_source(candidate: Candidate, text: str, start: int, end: int) -> bool:
    """Whether the words beside a name say that it is a book, or whose."""
    by = _BY.match(text, end)
    owner = _OWNER.search(text[:start])
    makers = {words(name)[-1] for name in candidate.creators if words(name)}
    told = [found.group(1) for found in (by, owner) if found]
    if told and makers:
        return any(makers & set(words(name)) for name in told)
    return bool(_BEFORE_SOURCE.search(text[:start]) or _AFTER_SOURCE.match(text, end))
