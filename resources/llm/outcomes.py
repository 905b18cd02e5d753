"""How an attempt at a request can end, how often each happened, and what a request used."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """How one attempt ended.

    An answer is the end of its request: it is kept and given again. After anything else the
    request is asked again, as often as its retries allow, or fails.
    """

    ANSWERED = "answered"
    """A complete answer."""
    BROKEN = "broken"
    """A complete answer that breaks the schema; whoever validates it says so."""
    CUT_OFF = "cut_off"
    """An answer that reached max_tokens or the end of the model's context."""
    REFUSED = "refused"
    """The model declined. It is never asked the same again."""
    RATE_LIMITED = "rate_limited"
    """429: everyone pauses for Retry-After, then it is asked again."""
    OVERLOADED = "overloaded"
    """529: everyone pauses a little, twice as long each time, then it is asked again."""
    SERVER_ERROR = "server_error"
    """Another 5xx, 408 or 409: this request waits, twice as long each time, and is asked again."""
    TIMED_OUT = "timed_out"
    """No answer in time. It may have been paid for, so it is asked again only once."""
    CONNECTION_CUT = "connection_cut"
    """The connection ended before the answer did. Handled like a time-out."""
    UNREACHABLE = "unreachable"
    """No connection, so nothing was paid; this request waits and is asked again."""
    INVALID = "invalid"
    """The request is refused as wrong (400, 404, 413 ...). Asking again would not help."""
    DENIED = "denied"
    """The key is not accepted (401, 402, 403). The build stops."""
    EXPIRED = "expired"
    """A batch ended before it came to the request."""
    CANCELED = "canceled"
    """The batch was canceled before it came to the request."""

    @property
    def is_answer(self) -> bool:
        """Whether the model answered; only then something is there to be given again."""
        return self in ANSWERS

    @property
    def may_be_paid(self) -> bool:
        """Whether the provider may count tokens that no answer reports."""
        return self in (Outcome.TIMED_OUT, Outcome.CONNECTION_CUT)


ANSWERS = frozenset({Outcome.ANSWERED, Outcome.BROKEN, Outcome.CUT_OFF, Outcome.REFUSED})


@dataclass(frozen=True)
class Usage:
    """Tokens that one answer, or several together, used.

    Attributes:
        input: Prompt tokens at the full price.
        cache_read: Prompt tokens read from the prompt cache.
        cache_write_5m: Prompt tokens written to the cache for five minutes.
        cache_write_1h: Prompt tokens written to the cache for an hour.
        output: Tokens of the answer.
    """

    input: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    output: int = 0

    @property
    def prompt(self) -> int:
        """All tokens of the prompt; the price of some models depends on it."""
        return self.input + self.cache_read + self.cache_write_5m + self.cache_write_1h

    def __add__(self, other: Usage) -> Usage:
        """The tokens of both."""
        return Usage(
            self.input + other.input,
            self.cache_read + other.cache_read,
            self.cache_write_5m + other.cache_write_5m,
            self.cache_write_1h + other.cache_write_1h,
            self.output + other.output,
        )

    @classmethod
    def of(cls, message: dict[str, Any]) -> Usage:
        """What a message of the API says that it used."""
        reported = message.get("usage") or {}
        written = reported.get("cache_creation_input_tokens") or 0
        hour = (reported.get("cache_creation") or {}).get("ephemeral_1h_input_tokens") or 0
        return cls(
            input=reported.get("input_tokens") or 0,
            cache_read=reported.get("cache_read_input_tokens") or 0,
            cache_write_5m=max(written - hour, 0),
            cache_write_1h=hour,
            output=reported.get("output_tokens") or 0,
        )


NOTHING = Usage()
"""No tokens."""


@dataclass
class Counts:
    """What happened in a process or to a context.

    Attributes:
        sent: Attempts that were sent, by outcome.
        stored: Answers that came from the store, by outcome.
        usage: Tokens of the answers that were sent for.
        cost: Cost of what was sent, in nano-dollars.
    """

    sent: dict[Outcome, int] = field(default_factory=dict)
    stored: dict[Outcome, int] = field(default_factory=dict)
    usage: Usage = NOTHING
    cost: int = 0

    def add(self, outcome: Outcome, *, stored: bool, usage: Usage = NOTHING, cost: int = 0) -> None:
        """Count an attempt."""
        group = self.stored if stored else self.sent
        group[outcome] = group.get(outcome, 0) + 1
        if not stored:
            self.usage += usage
            self.cost += cost

    def change(self, before: Outcome, after: Outcome, *, stored: bool) -> None:
        """Count an attempt under another outcome than it was."""
        group = self.stored if stored else self.sent
        group[before] -= 1
        group[after] = group.get(after, 0) + 1
        if not group[before]:
            del group[before]

    def as_dict(self) -> dict[str, int]:
        """Flat figures, sorted by name, for metadata."""
        figures = {f"sent_{outcome}": count for outcome, count in self.sent.items()}
        figures |= {f"stored_{outcome}": count for outcome, count in self.stored.items()}
        return dict(sorted(figures.items()))
