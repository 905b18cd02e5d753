"""What kind of thing a record speaks of, told by its own fields and words; undecided in doubt.

Each signal is a declared rule that gives points to entity types. A type is inferred where its
points reach `LEAST_POINTS` and lead the next type's by `LEAST_LEAD`. A name alone never decides:
"Annie Hall" is a film and "Ann Hall" a person.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kg_assets.inference.chunking import sentences
from kg_assets.inference.gazetteer import name_key
from kg_assets.inference.kind_words import HEADS
from kg_assets.inference.thing_words import NAME_PATTERNS, PHRASES, STOPS
from kg_assets.sources.record import ENTITY_TYPES

VERSION = "kinds-3"
"""Changes whenever a record may get another type."""

LEAST_POINTS = 3.0
"""Points from which a type is inferred: one strong signal, or two fair ones."""

LEAST_LEAD = 2.0
"""Points by which it must lead: odds of seven to one, points being natural logarithms of odds."""

CERTAIN, STRONG, FAIR, WEAK = 6.0, 4.0, 2.0, 1.0

LONGEST_EPISODE = 59.0
"""Minutes; what runs longer and has a director is a film unless something else speaks."""

LONGEST_SLOT = 75.0
"""Minutes; what runs longer without a number in a season is hardly on television every week."""

_COPULA = re.compile(r"\b(?:is|was|are|were)\b")
_DETERMINERS = frozenset({"a", "an", "the", "another", "one"})
_SUBJECT = re.compile(
    r"(?:The|This) (film|movie|documentary|series|show|sitcom|miniseries|episode|novel|book|play|"
    r"manga|comic|game|company|studio|franchise)\b(?! of\b)",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*|[,;:()]")


@dataclass(frozen=True)
class Signal:
    """Why a record may be of a type.

    Attributes:
        points: Points by entity type; negative ones speak against it.
        reason: What was seen, in words.
        quote: The sentence of the description, or of a text about the thing, that says so; None
            for a signal of another field.
        start: Where the quote starts in the description or the text, in code points.
        text: Source and id of the text; None: it is the description.
    """

    points: Mapping[str, float]
    reason: str
    quote: str | None = None
    start: int = 0
    text: tuple[str, str] | None = None


@dataclass(frozen=True)
class Verdict:
    """What became of a record.

    Attributes:
        entity_type: The inferred type, None where it is undecided.
        confidence: Share of the best type if points are logarithms of odds, from 0 to 1.
        reason: Why it is undecided, else None.
        signals: What was seen.
    """

    entity_type: str | None
    confidence: float
    reason: str | None
    signals: tuple[Signal, ...]

    @property
    def told_by(self) -> Signal | None:
        """The signal with a quote that gave the type most points, if there is one."""
        if self.entity_type is None:
            return None
        kind = self.entity_type
        quoted = [s for s in self.signals if s.quote is not None and s.points.get(kind, 0) > 0]
        return max(quoted, key=lambda signal: signal.points[kind], default=None)


def judge_kind(record: Mapping[str, Any], told: Iterable[Signal] = ()) -> Verdict:
    """Infer the entity type of a canonical record; its own ``entity_type`` is not read.

    Args:
        record: Fields of the canonical record; missing ones are null.
        told: What else speaks of its type: texts about it (`thing_texts.text_signals`).
    """
    signals = (*_signals(record), *told)
    points: dict[str, float] = defaultdict(float)
    for signal in signals:
        for kind, value in signal.points.items():
            points[kind] += value
    if not signals:
        return Verdict(None, 0.0, "nothing but a name speaks of a type", signals)
    ranked = sorted(ENTITY_TYPES, key=lambda kind: (-points[kind], kind))
    best, second = ranked[:2]
    total = sum(math.exp(points[kind] - points[best]) for kind in ENTITY_TYPES)
    confidence = round(1.0 / total, 4)
    if points[best] < LEAST_POINTS:
        return Verdict(None, confidence, f"too little speaks for {best}", signals)
    if points[best] - points[second] < LEAST_LEAD:
        return Verdict(None, confidence, f"may be {best} or {second}", signals)
    return Verdict(best, confidence, None, signals)


def _signals(record: Mapping[str, Any]) -> Iterator[Signal]:
    yield from _fields(record)
    yield from _credits(record)
    for pattern, points, reason in NAME_PATTERNS:
        if pattern.search(record["name"]):
            yield Signal(points, f"name: {reason}")
    if record.get("description"):
        yield from _description(record)


def _fields(record: Mapping[str, Any]) -> Iterator[Signal]:
    def has(name: str) -> bool:
        return record.get(name) not in (None, [], {})

    if has("birth_year") or has("death_year"):
        yield Signal({"person": CERTAIN}, "it has a year of birth or death")
    if has("professions"):
        yield Signal({"person": STRONG}, "it has professions")
    if has("season") or has("episode"):
        yield Signal({"episode": CERTAIN}, "it has a number in a season")
    if has("end_year"):
        points = {"series": 1.5, "organisation": 1.5, "franchise": WEAK, "film": -STRONG}
        yield Signal({**points, "episode": -STRONG}, "it has a last year")


def _credits(record: Mapping[str, Any]) -> Iterator[Signal]:
    roles = {each["role"] for each in record.get("credits") or () if each.get("role")}
    minutes = record.get("runtime_minutes")
    if "director" in roles:
        if minutes is not None and minutes > LONGEST_EPISODE:
            yield Signal({"film": STRONG}, "it is directed and runs longer than an episode")
        elif minutes is not None:
            yield Signal({"film": FAIR, "episode": FAIR}, "it is directed and has a running time")
        else:
            yield Signal({"film": FAIR, "episode": WEAK, "series": WEAK}, "it has a director")
    elif minutes is not None and minutes > LONGEST_SLOT:
        yield Signal({"film": 3.0, "series": WEAK, "episode": WEAK}, "it runs as long as a film")
    elif minutes is not None:
        yield Signal({"film": WEAK, "episode": WEAK, "series": WEAK}, "it has a running time")
    if "actor" in roles:
        yield Signal({"film": WEAK, "series": WEAK, "episode": WEAK}, "it has actors")
    if roles & {"author", "novelist"}:
        yield Signal({"book": FAIR, "play": WEAK, "comic": WEAK}, "it has an author")
    if "playwright" in roles:
        yield Signal({"play": STRONG}, "it has a playwright")
    if roles & {"penciller", "inker", "colorist", "colourist", "mangaka"}:
        yield Signal({"comic": STRONG}, "it is drawn")
    if "creator" in roles:
        yield Signal({"series": 1.5, "franchise": WEAK, "character": WEAK}, "it has a creator")


def _description(record: Mapping[str, Any]) -> Iterator[Signal]:
    text = record["description"]
    spans = sentences(text)
    if not spans:
        return
    # What a text says of its subject's kind it says at once; later sentences speak of others.
    first = spans[0]
    quote = text[first.start : first.end]
    spoken = speaks_at_once(quote)
    if spoken is not None:
        kind = max(HEADS[spoken], key=HEADS[spoken].__getitem__)
        yield Signal({kind: STRONG}, f"its text speaks of “the {spoken}”", quote, first.start)
        return
    for later in spans[1:3]:
        subject = _SUBJECT.match(text, later.start)
        if subject is not None:
            # Fair and no more: "The film" in the text of a book is another thing.
            word = subject.group(1).lower()
            kind = max(HEADS[word], key=HEADS[word].__getitem__)
            sentence = text[later.start : later.end]
            yield Signal(
                {kind: FAIR}, f"its text goes on about “the {word}”", sentence, later.start
            )
            break
    names = {name_key(name) for name in (record["name"], *(record.get("alternate_names") or ()))}
    head = head_noun(quote, names)
    if head is not None:
        yield Signal(HEADS[head], f"its text calls it “{head}”", quote, first.start)
    for pattern, points, reason in PHRASES:
        if pattern.search(quote) and _speaks_of(quote, names):
            yield Signal(points, f"its text says {reason}", quote, first.start)


def speaks_at_once(sentence: str) -> str | None:
    """The kind of thing that a sentence begins with: "The film follows" gives "film"."""
    subject = _SUBJECT.match(sentence)
    return None if subject is None else subject.group(1).lower()


def _speaks_of(words_before: str, names: Collection[str]) -> bool:
    """Whether a sentence, or its part before the verb, names the subject or says "it"."""
    key = f" {name_key(words_before)} "
    return key.startswith((" it ", " this ")) or any(f" {name} " in key for name in names if name)


def head_noun(sentence: str, names: Collection[str]) -> str | None:
    """Find what a sentence calls its subject: "X is a 1990 American drama film by" gives "film".

    Args:
        sentence: The first sentence of a description.
        names: Keys of the subject's names. "Adam Troy is a war veteran" speaks of no series.

    Returns:
        A key of `HEADS`, or None.
    """
    for copula in _COPULA.finditer(sentence):
        words = [match.group().lower() for match in _WORD.finditer(sentence, copula.end())]
        # "It is based on the novel" says nothing of its own kind, "It is the novel" does.
        if words and words[0] in _DETERMINERS:
            return _head_of(words) if _speaks_of(sentence[: copula.start()], names) else None
    return None


def _head_of(words: Sequence[str]) -> str | None:
    best: str | None = None
    for place, word in enumerate(words[:24]):
        if word in STOPS:
            of = word == "of" and best is None and place > 0
            if best is not None and not (word == "of" and best in {"series", "trilogy", "name"}):
                return best
            if word == "of" and best == "series":
                return _series_of(words[place + 1 :])
            if not of and best is None and word not in {",", "and"} and place > 1:
                return None
            continue
        for length in (3, 2, 1):
            phrase = " ".join(words[place : place + length])
            # A longer phrase that ends here is the better one: "graphic novel" and not "novel".
            if phrase in HEADS and not (best is not None and best.endswith(" " + phrase)):
                best = phrase
                break
    return best


def _series_of(words: Sequence[str]) -> str:
    """What "a series of ..." is: of films and books a franchise, else a series."""
    for word in words[:6]:
        if word in STOPS:
            break
        if word in {"novels", "books", "games", "comics"}:
            return "franchise"
        if word in {"films", "movies"}:
            # A run of short films is a series, a row of feature films a franchise.
            return "series" if "short" in words[:6] else "franchise"
    return "series"
