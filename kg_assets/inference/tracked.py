"""Tracked text: a text that is edited while every character still leads to where it came from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np

Numbers: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]

Edit: TypeAlias = tuple[int, int, str]
"""Start and end of what is replaced, and by what."""


@dataclass(frozen=True, slots=True)
class Run:
    """Characters that follow each other in the edited and in the original text.

    Attributes:
        start: First character in the edited text; the run ends where the next one starts.
        original_start: First character that it stands for in the original, in code points.
        original_end: One past the last.
        verbatim: Whether the characters are the original's own; else they replace them.
    """

    start: int
    original_start: int
    original_end: int
    verbatim: bool


class Tracked:
    """A text under edits.

    Attributes:
        original: The text as it was.
        text: The text as it is now.
    """

    def __init__(self, original: str, start: int = 0) -> None:
        """Begin with the text from a place on."""
        self.original = original
        self.text = original[start:]
        self._starts: Numbers = np.arange(start, len(original), dtype=np.int64)
        self._ends: Numbers = self._starts + 1

    def edit(self, edits: Sequence[Edit]) -> None:
        """Replace spans of the text as it is now.

        Args:
            edits: In order, without overlap, none empty. What replaces a span stands for all of it.
        """
        if not edits:
            return
        parts: list[str] = []
        starts: list[Numbers] = []
        ends: list[Numbers] = []
        done = 0
        for start, end, new in edits:
            if start > done:
                parts.append(self.text[done:start])
                starts.append(self._starts[done:start])
                ends.append(self._ends[done:start])
            if new:
                parts.append(new)
                starts.append(np.full(len(new), self._starts[start], np.int64))
                ends.append(np.full(len(new), self._ends[end - 1], np.int64))
            done = end
        parts.append(self.text[done:])
        self.text = "".join(parts)
        self._starts = np.concatenate([*starts, self._starts[done:]])
        self._ends = np.concatenate([*ends, self._ends[done:]])

    def replace(self, pattern: re.Pattern[str], new: str | Callable[[re.Match[str]], str]) -> None:
        """Replace what a pattern finds."""
        self.edit(
            [
                (match.start(), match.end(), new if isinstance(new, str) else new(match))
                for match in pattern.finditer(self.text)
                if match.end() > match.start()
            ]
        )

    def runs(self) -> tuple[Run, ...]:
        """Return where the text came from; nothing where it is the original."""
        if self.text == self.original:
            return ()
        size = len(self.text)
        if not size:
            return ()
        now, then = _codes(self.text), _codes(self.original)
        verbatim = (self._ends - self._starts == 1) & (then[self._starts] == now)
        follows = verbatim[1:] & verbatim[:-1] & (np.diff(self._starts) == 1)
        same = (
            ~verbatim[1:]
            & ~verbatim[:-1]
            & (np.diff(self._starts) == 0)
            & (np.diff(self._ends) == 0)
        )
        places = [0, *(np.flatnonzero(~(follows | same)) + 1).tolist(), size]
        return tuple(
            Run(start, int(self._starts[start]), int(self._ends[end - 1]), bool(verbatim[start]))
            for start, end in pairwise(places)
        )


def original_span(runs: Iterable[Run], start: int, end: int) -> tuple[int, int]:
    """Return the span of the original that a span of the edited text came from.

    Args:
        runs: The runs of the text; none where it is the original.
        start: First character of a span that is not empty.
        end: One past its last.
    """
    first = last = None
    for run in runs:
        if run.start <= start:
            first = run
        if run.start < end:
            last = run
    if first is None or last is None:
        return start, end
    return (
        first.original_start + (start - first.start if first.verbatim else 0),
        last.original_start + end - last.start if last.verbatim else last.original_end,
    )


def _codes(text: str) -> np.ndarray[Any, np.dtype[np.uint32]]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
