"""Repaired text: broken encodings mended, every character still leading to its original place."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

# What bytes 0x80 to 0x9f stand for in Windows' code page 1252, where they stand for anything.
_CP1252 = {
    character: bytes([byte])
    for byte in range(0x80, 0xA0)
    for character in [bytes([byte]).decode("cp1252", errors="replace")]
    if character != "\ufffd"
}
_HIGH = "".join(map(re.escape, _CP1252)) + "\x80-\x9f"
_ANY = _HIGH + "\xa0-\xbf"

# UTF-8 that was read as Latin-1 or code page 1252. After the leads of Western and Central European
# letters any continuation is broken text; after others ("É»") only one that nobody types.
_BROKEN = re.compile(
    rf"(?<=\s)\s+|[\xc2-\xc5][{_ANY}]|[\xc6-\xdf][{_HIGH}]|[\xe0-\xef][{_ANY}]{{2}}|[\xf0-\xf4][{_ANY}]{{3}}"
)
_WIDE = re.compile(r"\s\s")
_BLANKS = re.compile("[\xa0\u2000-\u200a\u202f\u3000\t\r\n\x0b\x0c\x00-\x07]")


@dataclass(frozen=True, slots=True)
class Repaired:
    """A text that can be read, and where its characters come from.

    Attributes:
        text: The text, with one blank for each blank of any kind.
        starts: For each character of `text`, and for its end, the place in the original text;
            None where both have the same places.
    """

    text: str
    starts: tuple[int, ...] | None

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Return the span of the original text that a span of the repaired text stands for."""
        if self.starts is None:
            return start, end
        return self.starts[start], self.starts[end]


@functools.lru_cache(maxsize=16)
def repair(text: str) -> Repaired:
    """Mend a text's encoding where it is plainly broken.

    Args:
        text: Any text.

    Returns:
        The text with UTF-8 that had been taken for Latin-1 or code page 1252 decoded, and each
        run of blanks made one plain blank. A text that is whole keeps all its places. The last
        texts are kept, since several readers ask for them.
    """
    if text.isascii() and text.isprintable() and "  " not in text:
        return Repaired(text, None)
    if text.isascii() and not _WIDE.search(text):
        return Repaired(_BLANKS.sub(" ", text), None)
    parts: list[str] = []
    starts: list[int] = []
    done = 0
    for match in _BROKEN.finditer(text):
        found = match.group()
        try:
            decoded = "" if found.isspace() else _bytes(found).decode("utf-8")
        except UnicodeDecodeError:
            continue
        parts += [text[done : match.start()], decoded]
        starts += range(done, match.start())
        starts += [match.start()] * len(decoded)
        done = match.end()
    if not parts:
        return Repaired(_BLANKS.sub(" ", text), None)
    parts.append(text[done:])
    starts += range(done, len(text) + 1)
    return Repaired(_BLANKS.sub(" ", "".join(parts)), tuple(starts))


def _bytes(text: str) -> bytes:
    return b"".join(_CP1252.get(each) or each.encode("latin-1") for each in text)
