"""What texts about a thing tell of its type, each with the sentence that tells it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kg_assets.inference.chunking import sentences
from kg_assets.inference.cleaning import clean
from kg_assets.inference.gazetteer import name_key
from kg_assets.inference.kind_words import HEADS
from kg_assets.inference.thing_types import FAIR, Signal, head_noun, speaks_at_once
from kg_assets.inference.thing_words import NAME_PATTERNS, PHRASES

MOST_TEXTS = 4
"""Texts of a thing that are looked at, in order of their ids; bounds the memory."""

LONGEST_HEAD = 16_384
"""Code points of a text that are looked at: only its first sentence is read."""

_OPENING = "\"“”„«»‘’'*_ "
_GOES_ON = re.compile(r"[\"“”«»’'*_\s]*(?:\(|,|(?:is|was|are|were)\b)")
_ENDS = re.compile(r"[.!?…][\"”»’')\]]*$")
_OPENING_LINES = 3
"""Lines of which the first sentence is one: a heading and a line below it may come before."""
_BRACKET = re.compile(r"\s*\([^()]*\)\s*$")


@dataclass(frozen=True)
class Told:
    """A text about a thing.

    Attributes:
        source: Who delivered the text.
        document_id: The text.
        heading: What the text itself is called, None where nothing says so.
        text: The text as it is kept, or its beginning.
        alone: Whether the text is about this thing and nothing else.
    """

    source: str
    document_id: str
    heading: str | None
    text: str
    alone: bool


def told(row: Mapping[str, Any]) -> Told:
    """Read a text as the table texts holds it, cleaned as its document will be.

    Args:
        row: source, document_id, title, text, format, body_start and alone.
    """
    kept = clean(row["text"], row["format"], row["body_start"] or 0)
    return Told(row["source"], row["document_id"], row["title"], kept.text, row["alone"])


def text_signals(names: Sequence[str], texts: Iterable[Told]) -> Iterator[Signal]:
    """What texts tell of the type of what they are about.

    A text is another's word on the thing, and may begin with what it is made from. So it counts
    where its first sentence begins with the thing's name and says what that is. Texts repeat each
    other: of those that speak for the same type the one that says it best counts.

    Args:
        names: The thing's names.
        texts: The texts, in the order that decides between equals.
    """
    best: dict[str, tuple[float, list[Signal]]] = {}
    for text in texts:
        found = list(_signals(names, text))
        points: dict[str, float] = defaultdict(float)
        for signal in found:
            for kind, value in signal.points.items():
                points[kind] += value
        if not points:
            continue
        kind = max(sorted(points), key=points.__getitem__)
        if kind not in best or points[kind] > best[kind][0]:
            best[kind] = points[kind], found
    for kind in sorted(best):
        yield from best[kind][1]


def _signals(names: Sequence[str], text: Told) -> Iterator[Signal]:
    place = (text.source, text.document_id)
    keys = {name_key(name) for name in names}
    if text.heading and name_key(_BRACKET.sub("", text.heading)) in keys:
        for pattern, points, reason in NAME_PATTERNS:
            if reason.startswith("it ends with") and pattern.search(text.heading):
                yield Signal(points, f"the name of a text about it: {reason}", text=place)
    # A text may open with what it is called; what lacks an end is no sentence, or was cut.
    first = next(
        (
            span
            for span in sentences(text.text)[:_OPENING_LINES]
            if _ENDS.search(text.text, span.start, span.end)
        ),
        None,
    )
    if first is None:
        return
    quote = text.text[first.start : first.end]
    if _begins_with(quote, names):
        head = head_noun(quote, keys)
        if head is not None:
            said = f"a text about it calls it “{head}”"
            yield Signal(HEADS[head], said, quote, first.start, place)
        for pattern, points, reason in PHRASES:
            if pattern.search(quote):
                yield Signal(points, f"a text about it says {reason}", quote, first.start, place)
    elif text.alone:
        word = speaks_at_once(quote)
        if word is not None:
            kind = max(HEADS[word], key=HEADS[word].__getitem__)
            said = f"a text about it speaks of “the {word}”"
            yield Signal({kind: FAIR}, said, quote, first.start, place)


def _begins_with(sentence: str, names: Iterable[str]) -> bool:
    """Whether a sentence is about what it begins with: "X (1990) is", not "The star of X is"."""
    stripped = sentence.lstrip(_OPENING)
    return any(
        stripped.casefold().startswith(name.casefold()) and _GOES_ON.match(stripped, len(name))
        for name in names
        if name
    )
