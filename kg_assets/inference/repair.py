"""Texts whose encoding was broken, made whole again, with the way back to their offsets."""

from __future__ import annotations

import re

_CP1252 = "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
_TRAIL = rf"[\x80-\xbf{_CP1252}]"
_BROKEN = re.compile(
    rf"[Â-ß]{_TRAIL}|[à-ï]{_TRAIL}{{2}}|[ð-ô]{_TRAIL}{{3}}",
)
"""UTF-8 that was read as Windows-1252 or Latin-1: a lead byte and its trail bytes as letters."""


def repair(text: str) -> tuple[str, list[int] | None]:
    """Make a text whole whose UTF-8 was read as Windows-1252 ("Ã©" for "é", "â€™" for "’").

    Args:
        text: Any text.

    Returns:
        The repaired text, and for each place in it, with the place past its end, the place in the
        given text; None where nothing was broken and the text is the same.
    """
    if _BROKEN.search(text) is None:
        return text, None
    pieces: list[str] = []
    back: list[int] = []
    position = 0
    for match in _BROKEN.finditer(text):
        try:
            whole = bytes(map(_byte, match.group())).decode()
        except (UnicodeDecodeError, UnicodeEncodeError):
            continue
        pieces += [text[position : match.start()], whole]
        back += [*range(position, match.start()), *[match.start()] * len(whole)]
        position = match.end()
    pieces.append(text[position:])
    back += range(position, len(text) + 1)
    return "".join(pieces), back


def _byte(letter: str) -> int:
    return ord(letter) if ord(letter) < 256 else letter.encode("cp1252")[0]
