"""Cleaning: what of a text is kept for reading, with the place of each character in the original.

What is taken out or made plain is declared here and nowhere else: mark-up of HTML and Markdown,
broken encodings, characters that do not show, marks that refer to notes, and blanks. Words are
never changed, and navigation or advertisements are not guessed at.
"""

from __future__ import annotations

import hashlib
import html
import re
from dataclasses import dataclass

from kg_assets.inference.markup import (
    LINE,
    LOOKS_LIKE_HTML,
    PARAGRAPH,
    without_html,
    without_markdown,
)
from kg_assets.inference.reading.repair import repair
from kg_assets.inference.tracked import Edit, Run, Tracked

CLEANING = "1"
"""Version of what is declared here; each document carries it. Raised where a text would be kept
otherwise."""

HARD_WRAP = 50
"""Characters from which a line of plain text that ends without a blank line was wrapped, not ended.
Shorter lines are lists and verses."""

_UNSEEN = re.compile("[\x00-\x08\x0e-\x1f\x7f\xad\u200b\u2060\ufeff]+")
# After a word or its full stop, as encyclopedias print them; "[REC]" and "Se[7]en" are names.
_NOTE = re.compile(
    r"(?<=[^\s\[])(?:\[(?:\d{1,3}|[a-z]|(?:note|nb|n) \d{1,3}|citation needed|"
    r"when\?|who\?|which\?|clarification needed)\])+(?![\w\[])"
)
_RETURN = re.compile(r"\r\n?")
_BLANK = re.compile(r"\s+")
_NOT_ASCII = re.compile(r"[^\t\n\r ]*[^\x00-\x7f][^\t\n\r ]*")
_BLANK_LINE = re.compile(r"\n[^\S\n]*\n")
_PLAIN_ENTITY = re.compile(r"&(?:amp|quot|apos|lt|gt|nbsp|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});")
# Whatever a step below would change has one of these.
_SUSPECT = re.compile("[^\x20-\x3b\x3d-\x5a\x5c-\x7e\xa1-\xac\xae-\xbf\u0100-\u1fff\u2010-\u2027]")
_DOUBTFUL = re.compile(r"  |^ | $|&|[\xc2-\xf4][\x80-\xbf\u0100-\u2122]")


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A text as it is kept.

    Attributes:
        text: The text.
        runs: Where its characters come from; nothing where it is the original.
    """

    text: str
    runs: tuple[Run, ...]


def clean(original: str, text_format: str | None = None, start: int = 0) -> Cleaned:
    """Clean a text.

    Args:
        original: The text as the source wrote it.
        text_format: ``plain``, ``markdown`` or ``html``; None: HTML if it looks like that.
        start: Where the text itself begins, after front matter.

    Returns:
        The text without mark-up, notes' marks and characters that do not show; paragraphs are
        parted by two line feeds, other blanks are single.
    """
    text = Tracked(original, start)
    if text_format is None:
        text_format = "html" if LOOKS_LIKE_HTML.search(original) else "plain"
        lines = True
    else:
        lines = text_format != "html"
    if (
        text_format == "plain"
        and not start
        and not (_SUSPECT.search(original) or _DOUBTFUL.search(original))
    ):
        return Cleaned(original, ())
    if "\r" in text.text:
        text.replace(_RETURN, "\n")
    if text_format == "markdown":
        without_markdown(text)
    if text_format == "plain":
        text.replace(_PLAIN_ENTITY, _read_entity)
    else:
        without_html(text)
    text.edit(_repairs(text.text))
    text.replace(_UNSEEN, "")
    text.replace(_NOTE, "")
    text.edit(_blanks(text.text, lines=lines, wrapped=text_format != "plain"))
    return Cleaned(text.text, text.runs())


def sha256(text: str) -> str:
    """SHA-256 of a text in UTF-8, hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def _read_entity(match: re.Match[str]) -> str:
    return html.unescape(match.group())


def _repairs(text: str) -> list[Edit]:
    """Mend words whose encoding is broken."""
    if text.isascii():
        return []
    found: list[Edit] = []
    for match in _NOT_ASCII.finditer(text):
        piece = match.group()
        mended = repair(piece)
        if mended.starts is None:
            continue
        for place in range(len(mended.text)):
            start, end = mended.original(place, place + 1)
            new = mended.text[place]
            if end > start and piece[start:end] != new and not new.isspace():
                found.append((match.start() + start, match.start() + end, new))
    return found


def _blanks(text: str, *, lines: bool, wrapped: bool) -> list[Edit]:
    """Make blanks single, paragraphs two line feeds, and take blanks off both ends.

    Args:
        text: The text.
        lines: Whether a blank line parts paragraphs.
        wrapped: Whether a single line feed means no more than a blank.
    """
    found: list[Edit] = []
    last = 0
    for match in _BLANK.finditer(text):
        blank = match.group()
        if match.start() == 0 or match.end() == len(text):
            new = ""
        elif PARAGRAPH in blank or (lines and _BLANK_LINE.search(blank)):
            new = "\n\n"
        elif LINE in blank or (
            "\n" in blank and lines and not wrapped and match.start() - last < HARD_WRAP
        ):
            new = "\n"
        else:
            new = " "
        if "\n" in blank or "\n" in new:
            last = match.end()
        if new != blank:
            found.append((match.start(), match.end(), new))
    return found
