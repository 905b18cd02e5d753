"""Progress of long work: how much is done of all, said every few seconds to whoever listens."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

_log = logging.getLogger(__name__)

SECONDS = 5.0
"""How long nothing is said after something was: short work says nothing at all."""


@dataclass(frozen=True)
class _Listener:
    say: Callable[[str], None]
    seconds: float
    clock: Callable[[], float]


_LISTENERS: ContextVar[tuple[_Listener, ...]] = ContextVar("kg_progress", default=())


@contextmanager
def heard_by(
    say: Callable[[str], None],
    *,
    seconds: float = SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[None]:
    """Let a function hear the progress of what is done inside, beside the log.

    Args:
        say: Is given a line at a time.
        seconds: How long nothing is said after something was.
        clock: Tells the time, in seconds.
    """
    token = _LISTENERS.set((*_LISTENERS.get(), _Listener(say, seconds, clock)))
    try:
        yield
    finally:
        _LISTENERS.reset(token)


class Reading:
    """How far bytes are read.

    Args:
        verb: What is done to them, "reads".
        size: How many bytes there are.
        things: What they hold, "blobs".
    """

    def __init__(self, verb: str, size: int, things: str) -> None:
        self._verb, self._size, self._things = verb, size, things
        own = _Listener(_log.info, SECONDS, time.monotonic)
        self._listeners = (own, *_LISTENERS.get())
        self._started = [each.clock() for each in self._listeners]
        self._said = list(self._started)
        self.bytes = 0
        self.count = 0

    def add(self, size: int = 0, count: int = 0) -> None:
        """Count what was read since the last call.

        Args:
            size: Bytes.
            count: Things that they held.
        """
        self.bytes += size
        self.count += count
        for place, each in enumerate(self._listeners):
            now = each.clock()
            if now - self._said[place] >= each.seconds:
                self._said[place] = now
                each.say(self._line(now - self._started[place]))

    def _line(self, seconds: float) -> str:
        share = f" ({self.bytes / self._size:.0%})" if self._size else ""
        rate = f", {amount(self.bytes / seconds)}/s" if seconds > 0 else ""
        return (
            f"{self._verb} {amount(self.bytes)} of {amount(self._size)}{share}, "
            f"{self.count:,} {self._things}{rate}"
        )


def amount(size: float) -> str:
    """Bytes for people: in steps of a thousand, with at most one digit behind the point."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} TB"
