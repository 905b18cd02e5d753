"""Lists of words written as one text, the quick look for one of them, and patterns for any."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Generic, TypeVar

T = TypeVar("T")
_Tree = dict[str, Any]


def listed(text: str, mark: str | None = None) -> tuple[str, ...]:
    """Take a list apart that is written as one text.

    Args:
        text: The words; lines end where they may.
        mark: What parts them, where not white space does.
    """
    return tuple(text.split() if mark is None else text.replace("\n", "").split(mark))


def holds(text: str, needles: tuple[str, ...]) -> bool:
    """Whether a text holds one of some strings, letter for letter."""
    for needle in needles:  # noqa: SIM110 - any() takes three times as long, and it is asked often
        if needle in text:
            return True
    return False


class Needles(Generic[T]):
    """Many things, each with strings of which a text holds one where the thing can be found in it.

    One pass over a text finds the needles of all of them, as in the string matching of Aho and
    Corasick (1975).

    Args:
        things: Each with its needles; none, or an empty one, where it can be in any text.
    """

    def __init__(self, things: Iterable[tuple[T, tuple[str, ...]]]) -> None:
        given = list(things)
        self._things = [thing for thing, _ in given]
        self._always = {at for at, (_, needles) in enumerate(given) if not all(needles or ("",))}
        every = {needle for _, needles in given for needle in needles if needle}
        # Of several needles that begin at one place only the longest is seen.
        self._places = {
            seen: frozenset(
                at
                for at, (_, needles) in enumerate(given)
                if any(needle and seen.startswith(needle) for needle in needles)
            )
            for seen in every
        }
        self._pattern = re.compile(rf"(?=({any_of(every)}))")

    def within(self, text: str) -> list[T]:
        """Return the things that a text may hold, in their order."""
        found = self._always.union(*[self._places[seen] for seen in self._pattern.findall(text)])
        return [self._things[at] for at in sorted(found)]


def any_of(words: Iterable[str]) -> str:
    """Make a pattern that matches any of some words, of those that fit the longest.

    Words with a common beginning share it, so that a letter which begins none of them is enough to
    know that none stands there. A plain alternation tries one word after another at every place.

    Args:
        words: The words as texts have them; none is a pattern itself.
    """
    tree: _Tree = {}
    for word in words:
        node = tree
        for letter in word:
            node = node.setdefault(letter, {})
        node[""] = None
    return _branches(tree)


def whole_words(pattern: str) -> str:
    r"""Make of `\b(?:pattern)\b` a pattern that is only tried where a first letter stands.

    Args:
        pattern: Alternatives, each of which begins with a plain letter.

    Returns:
        The same alternatives, those with a common first letter together.

    Raises:
        ValueError: An alternative begins otherwise.
    """
    rests: dict[str, list[str]] = {}
    for alternative in _alternatives(pattern):
        if not re.match(r"[A-Za-z](?![?*{])", alternative):
            raise ValueError(f"{alternative!r} does not begin with a plain letter")
        rests.setdefault(alternative[0], []).append(alternative[1:])
    return "|".join(rf"{first}(?<!\w.)(?:{'|'.join(each)})\b" for first, each in rests.items())


def _alternatives(pattern: str) -> list[str]:
    """Cut a pattern at the bars that stand in no parentheses."""
    found, depth = [""], 0
    for letter in pattern:
        depth += (letter == "(") - (letter == ")")
        if letter == "|" and not depth:
            found.append("")
        else:
            found[-1] += letter
    return found


def _branches(node: _Tree) -> str:
    options = [re.escape(letter) + _branches(node[letter]) for letter in sorted(node) if letter]
    if not options:
        return ""
    ends = "" in node
    if len(options) == 1 and not ends:
        return options[0]
    return f"(?:{'|'.join(options)}){'?' if ends else ''}"
