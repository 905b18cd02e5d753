"""Quotes: whether and where a text holds them, verbatim or after a declared normalisation."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

EXACT = "exact"
"""The quote stands in the text, character for character."""

NORMALISED = "normalised"
"""It stands there after both were normalised; see `normalise`."""

SHORTEST_QUOTE = 6
"""Letters and digits that a quote has at least. Fewer state no relation in any language."""

_ALIKE = {
    **dict.fromkeys("‘’‚‛′`´ʼ", "'"),
    **dict.fromkeys("“”„‟″«»", '"'),
    **dict.fromkeys("‐‑‒–—―−", "-"),
    "\u00ad": "",  # a soft hyphen shows only at the end of a line
    "\u200b": "",
    "\ufeff": "",
}
# Vowels and final consonants of Korean syllables compose with what is before them.
_JAMO = range(0x1160, 0x1200)


@dataclass(frozen=True)
class Place:
    """Where a quote stands.

    Attributes:
        start: Its first character in the text, in code points.
        end: One past its last character.
        match: ``exact`` or ``normalised``.
    """

    start: int
    end: int
    match: str


def find_quote(text: str, quote: str) -> Place | None:
    """Find a quote in a text.

    Args:
        text: The text, verbatim.
        quote: What is said to stand in it.

    Returns:
        The first place where it stands as whole words, exactly if there is one, else after both
        were normalised; the offsets are those of the verbatim text. None where there is no such
        place, or the quote is too short to state anything.
    """
    if sum(map(str.isalnum, quote)) < SHORTEST_QUOTE:
        return None
    for start in _occurrences(text, quote):
        if _whole_words(text, start, start + len(quote)):
            return Place(start, start + len(quote), EXACT)
    wanted = normalise(quote).strip()
    letters, starts, ends = _normalised(text)
    for start in _occurrences(letters, wanted):
        end = start + len(wanted)
        if _whole_words(letters, start, end):
            return Place(starts[start], ends[end - 1], NORMALISED)
    return None


def normalise(text: str) -> str:
    """Make texts equal that differ only in how they are written.

    Composed and decomposed letters are equal (NFC), and so are all kinds of single and of double
    quotation marks and of dashes, and all runs of white space. Soft hyphens and characters of no
    width go. Case, accents, punctuation and words stay.
    """
    return _normalised(text)[0]


@functools.lru_cache(maxsize=64)
def _normalised(text: str) -> tuple[str, list[int], list[int]]:
    """The normalised text, and where each of its characters starts and ends in the original."""
    letters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for start, end in _graphemes(text):
        piece = text[start:end]
        if piece.isspace():
            if letters and letters[-1] == " ":
                ends[-1] = end
                continue
            piece = " "
        else:
            piece = unicodedata.normalize("NFC", piece)
            piece = _ALIKE.get(piece, piece)
        for letter in piece:
            letters.append(letter)
            starts.append(start)
            ends.append(end)
    return "".join(letters), starts, ends


def _graphemes(text: str) -> Iterator[tuple[int, int]]:
    """Cut a text into characters with the marks that compose with them."""
    start = 0
    for position in range(1, len(text) + 1):
        if position < len(text):
            following = text[position]
            if not following.isascii() and (
                unicodedata.combining(following) or ord(following) in _JAMO
            ):
                continue
        yield start, position
        start = position


def _occurrences(text: str, wanted: str) -> Iterator[int]:
    position = text.find(wanted) if wanted else -1
    while position >= 0:
        yield position
        position = text.find(wanted, position + 1)


def _whole_words(text: str, start: int, end: int) -> bool:
    """Whether neither end of a place lies inside a word."""
    return not (_inside(text, start) or _inside(text, end))


def _inside(text: str, position: int) -> bool:
    if position in (0, len(text)):
        return False
    before, after = text[position - 1], text[position]
    return (before.isalnum() and after.isalnum()) or bool(unicodedata.combining(after))
