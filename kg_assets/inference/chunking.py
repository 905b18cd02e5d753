"""Sentences and chunks with exact offsets; cutting loses no character.

The splitter is a handful of rules for English and its neighbours. It prefers a missed boundary to
a false one: a chunk or quote that holds two sentences still says what the text says, half a
sentence does not.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from kg_assets.inference.wordlists import listed

CHUNK_CHARACTERS = 1_000
"""Longest chunk, in code points, unless told otherwise. A passage of this length holds the
handful of sentences that speak of one matter."""

_ABBREVIATIONS = frozenset(
    listed(
        """
mr mrs ms dr prof sr jr st mt rev hon capt col gen lt sgt maj cmdr adm gov sen rep pres vs v
etc eg ie cf al approx ca c ed eds vol no nos pt pp p ch fig op dir prod trans est feat inc
ltd co corp bros dept univ assn jan feb mar apr jun jul aug sep sept oct nov dec
"""
    )
)
"""Words that carry a full stop of their own. Where one of those that can end a sentence stands
before a capital ("Warner Bros. The film"), the boundary is missed on purpose."""

# It begins with a set of characters, so that the others are passed over at once.
_ENDING = re.compile(
    r"[.!?…。！？\n](?:(?:(?<=[.!?])[.!?]*|(?<=[…。！？]))[\"'”’»)\]]*(?=\s|$)|"
    r"(?<=[。！？])(?=\S)|(?<=\n)\s*\n)"
)
_OPENING = re.compile(r"\s*[\"'“‘«(\[]*")
_LAST_WORD = re.compile(r"([^\W\d_]+)$")
_LONGEST_ABBREVIATION = max(map(len, _ABBREVIATIONS))
_INITIALS = re.compile(r"(?:^|[^\w.])(?:[^\W\d_]\.)*[^\W\d_]$")


@dataclass(frozen=True)
class Span:
    """A stretch of a text, in code points.

    Attributes:
        start: First character, from 0.
        end: One past the last character.
    """

    start: int
    end: int


@functools.lru_cache(maxsize=16)
def sentences(text: str) -> tuple[Span, ...]:
    """Find the sentences of a text.

    Args:
        text: Any text.

    Returns:
        Spans in order, without overlap, none empty and none with white space at its ends. What
        lies between them is white space. Those of the last texts are kept, since several readers
        ask for them.
    """
    spans: list[Span] = []
    start, last = 0, len(text.rstrip())
    for match in _ENDING.finditer(text):
        if match.end() >= last:
            break
        if match.end() > start and _ends_sentence(text, match):
            _append(spans, text, start, match.end())
            start = match.end()
    _append(spans, text, start, len(text))
    return tuple(spans)


def chunks(text: str, limit: int = CHUNK_CHARACTERS) -> list[Span]:
    """Cut a text into chunks of whole sentences.

    Args:
        text: Any text.
        limit: Longest chunk in code points. A sentence that is longer by itself is cut at white
            space, or within a word where there is none.

    Returns:
        Spans as of `sentences`, none longer than the limit.

    Raises:
        ValueError: The limit is below 1.
    """
    if limit < 1:
        raise ValueError(f"a chunk needs at least one character, not {limit}")
    spans: list[Span] = []
    for sentence in sentences(text):
        for piece in _pieces(text, sentence, limit):
            if spans and piece.end - spans[-1].start <= limit:
                spans[-1] = Span(spans[-1].start, piece.end)
            else:
                spans.append(piece)
    return spans


def _append(spans: list[Span], text: str, start: int, end: int) -> None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        spans.append(Span(start, end))


def _ends_sentence(text: str, match: re.Match[str]) -> bool:
    mark = match.group()
    if mark[0] not in ".!?…":
        return True
    following = text[_end_of_opening(text, match.end()) :][:1]
    # A capital, a digit or a script without case can begin a sentence; "Mother! is" goes on.
    if following and following.islower():
        return False
    if not mark.startswith(".") or mark.startswith(".."):
        return True
    before = text[max(0, match.start() - 40) : match.start()]
    if not before[-2:-1].isalnum() and _INITIALS.search(before):
        # "J. R. R. Tolkien", "E.T. the Extra-Terrestrial", "the U.S. Army"; "I" is a pronoun.
        return bool(re.search(r"(?:^|[^\w.])I$", before))
    word = _LAST_WORD.search(before[-_LONGEST_ABBREVIATION - 1 :])
    return not (word and word.group(1).lower() in _ABBREVIATIONS and following)


def _end_of_opening(text: str, position: int) -> int:
    match = _OPENING.match(text, position)
    return match.end() if match else position


def _pieces(text: str, sentence: Span, limit: int) -> Iterator[Span]:
    start = sentence.start
    while sentence.end - start > limit:
        window = text[start : start + limit + 1]
        cut = max((i for i, char in enumerate(window) if char.isspace() and i), default=limit)
        end = start + cut
        stop = end
        while stop > start and text[stop - 1].isspace():
            stop -= 1
        yield Span(start, stop)
        start = end
        while text[start].isspace():
            start += 1
    yield Span(start, sentence.end)
