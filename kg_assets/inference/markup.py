"""Mark-up of HTML and Markdown as edits of a text; every pass looks at each character once.

Not Python's html.parser: it keeps no offsets in the text and, on hostile input, goes over the rest
of it again for each comment that is not closed. Nothing here nests, so nothing nests too deep.
"""

from __future__ import annotations

import html
import re

from kg_assets.inference.tracked import Edit, Tracked

PARAGRAPH = "\u2029"
"""Unicode's paragraph separator, which stands for the end of a block until blanks are tidied."""

LINE = "\u2028"
"""Unicode's line separator, likewise for a break within a block."""

_BLOCKS_TEXT = """
address article aside blockquote body caption center dd details dialog div dl dt fieldset
figcaption figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr html legend li main menu nav ol
option p pre section summary table tbody tfoot thead title tr ul
"""
_BLOCKS = frozenset(_BLOCKS_TEXT.split())
_INLINE_TEXT = """
a abbr acronym b bdi bdo big br cite code data del dfn em font i img ins kbd label link mark meta
nobr q rp rt ruby s samp small span strike strong sub sup td th time tt u var wbr
"""
_HIDDEN = frozenset(
    [
        "script",
        "style",
        "head",
        "noscript",
        "template",
        "svg",
        "math",
        "iframe",
        "object",
        "textarea",
    ]
)
"""Elements whose content is no prose."""

_RAW = frozenset(["script", "style"])
"""Elements that hide everything up to the end of the page where they are not closed."""

_KNOWN = _BLOCKS | _HIDDEN | frozenset(_INLINE_TEXT.split())
_BREAKS = {"br": LINE, "hr": PARAGRAPH, "td": " ", "th": " "}
_PARTS = re.compile(r"[<&]")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_TAG = re.compile(r"</?([a-zA-Z][a-zA-Z0-9-]{0,39})(?=[\s/>])")
_MOST_QUOTED = 2_000

LOOKS_LIKE_HTML = re.compile(
    r"</(?:p|b|i|em|strong|a|div|span|ul|ol|li|cite|blockquote|h[1-6])>|<br ?/?>", re.IGNORECASE
)
"""What a text holds that is HTML although nobody says so."""


def without_html(text: Tracked) -> None:
    """Take tags, comments and what is no prose out of a text, and read its entities.

    What has the form of a tag and no name that HTML knows ("<Untitled>", "<3") stays.
    """
    text.edit(list(_Scanner(text.text).edits()))


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._missing: set[str] = set()

    def edits(self) -> list[Edit]:
        found: list[Edit] = []
        at = 0
        while (part := _PARTS.search(self._text, at)) is not None:
            at = part.start()
            edit = self._entity(at) if part.group() == "&" else self._tag(at)
            if edit is None:
                at += 1
            else:
                found.append(edit)
                at = edit[1]
        return found

    def _entity(self, at: int) -> Edit | None:
        match = _ENTITY.match(self._text, at)
        if match is None:
            return None
        read = html.unescape(match.group())
        return None if read == match.group() else (at, match.end(), read)

    def _tag(self, at: int) -> Edit | None:
        text = self._text
        if text.startswith("<!--", at):
            end = self._after("-->", at + 4)
            return (at, end or at + 4, "")
        if text.startswith(("<!DOCTYPE", "<!doctype", "<?xml", "<![CDATA["), at):
            end = self._after(">", at)
            return None if end is None else (at, end, "")
        match = _TAG.match(text, at)
        if match is None or (name := match[1].lower()) not in _KNOWN:
            return None
        end = self._after(">", at)
        if end is None:
            return None
        if text.count('"', at, end) % 2:
            # A ">" within a quoted attribute does not end the tag.
            quote = text.find('"', end, end + _MOST_QUOTED)
            close = -1 if quote < 0 else text.find(">", quote, quote + _MOST_QUOTED)
            if close >= 0 and "<" not in text[end:close]:
                end = close + 1
        closing = text[at + 1] == "/"
        if name in _HIDDEN and not closing and text[end - 2] != "/":
            closed = self._after_closing(name, end)
            if closed is not None:
                return (at, closed, PARAGRAPH)
            if name in _RAW:
                return (at, len(text), PARAGRAPH)
        return (at, end, _BREAKS.get(name, PARAGRAPH if name in _BLOCKS else ""))

    def _after(self, what: str, at: int) -> int | None:
        """Return the place after a string; one that is not there is looked for once."""
        if what in self._missing:
            return None
        found = self._text.find(what, at)
        if found < 0:
            self._missing.add(what)
            return None
        return found + len(what)

    def _after_closing(self, name: str, at: int) -> int | None:
        if name in self._missing:
            return None
        match = re.compile(rf"</{name}\s*>", re.IGNORECASE).search(self._text, at)
        if match is None:
            self._missing.add(name)
            return None
        return match.end()


_MARKDOWN: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"!\[[^\[\]\n]{0,500}\]\([^()\n]{0,2000}\)"), ""),
    (re.compile(r"^ {0,3}\[[^\[\]\n]{1,200}\]:[ \t]+\S.*$", re.MULTILINE), ""),
    (re.compile(r"^ {0,3}(?:```|~~~).*$", re.MULTILINE), PARAGRAPH),
    (re.compile(r"^ {0,3}(?:={3,}|-{3,}|\*{3,}|_{3,})[ \t]*$", re.MULTILINE), PARAGRAPH),
    (re.compile(r"^ {0,3}>[ \t]?", re.MULTILINE), ""),
    (re.compile(r"^[ \t]{0,8}(?:[-*+]|\d{1,3}[.)])[ \t]+", re.MULTILINE), PARAGRAPH),
)
_HEADING = re.compile(r"^( {0,3}#{1,6}[ \t]+)(.*?)([ \t]+#+)?([ \t]*(?:\n|\Z))", re.MULTILINE)
# A mark, what it marks (kept), and the mark's end.
_MARKED = (
    re.compile(
        r"(\[)([^\[\]\n]{1,500})(\]\([^()\n]{0,2000}(?:\([^()\n]{0,200}\)[^()\n]{0,200})?\))"
    ),
    re.compile(r"(\[)([^\[\]\n]{1,500})(\]\[[^\[\]\n]{0,200}\])"),
    re.compile(r"(?<![\w`])(`)([^`\n]{1,500})(`)(?![\w`])"),
    re.compile(r"(?<![\w*\\])(\*\*)(?=[^\s*])([^*\n]{1,1000})(?<=[^\s\\])(\*\*)(?![\w*])"),
    re.compile(r"(?<![\w_\\])(__)(?=[^\s_])([^_\n]{1,1000})(?<=[^\s\\])(__)(?![\w_])"),
    re.compile(r"(?<![\w*\\])(\*)(?=[^\s*])([^*\n]{1,1000})(?<=[^\s\\])(\*)(?![\w*])"),
    re.compile(r"(?<![\w_\\])(_)(?=[^\s_])([^_\n]{1,1000})(?<=[^\s\\])(_)(?![\w_])"),
)
_ESCAPE = re.compile(r"(\\)([!-/:-@\[-`{-~])")


def without_markdown(text: Tracked) -> None:
    """Take the marks of Markdown out of a text; marks inside words ("M*A*S*H") are none."""
    for pattern, new in _MARKDOWN:
        text.replace(pattern, new)
    edits: list[Edit] = []
    for match in _HEADING.finditer(text.text):
        edits.append((match.start(1), match.end(1), PARAGRAPH))
        start = match.start(3) if match[3] else match.start(4)
        if match.end() > start:
            edits.append((start, match.end(), PARAGRAPH))
    text.edit(edits)
    for pattern in _MARKED:
        text.edit(
            [
                (match.start(group), match.end(group), "")
                for match in pattern.finditer(text.text)
                for group in (1, 3)
            ]
        )
    text.edit([(m.start(1), m.end(1), "") for m in _ESCAPE.finditer(text.text)])
