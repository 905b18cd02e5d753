"""What the requests of one context came to, from its first question to its last."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from resources.llm.outcomes import Counts, Outcome
from resources.llm.store import Request


@dataclass
class Answer:
    """An answer within an exchange.

    Attributes:
        key: Key of its request.
        outcome: What it is; `Exchange.reject` makes it broken.
        stored: Whether it came from the store.
    """

    key: str
    outcome: Outcome
    stored: bool


@dataclass
class Exchange:
    """The requests that one context leads to.

    Attributes:
        counts: What was sent and what came from the store.
        answers: The answers, in order.
        deferred: Requests that were noted and not sent, by key, where the exchange defers.
        deferring: Whether requests that have no stored answer are noted only.
    """

    counts: Counts = field(default_factory=Counts)
    answers: list[Answer] = field(default_factory=list)
    deferred: dict[str, Request] = field(default_factory=dict)
    deferring: bool = False
    _rejected: list[Answer] = field(default_factory=list)

    @property
    def reasks(self) -> int:
        """Answers that the schema refused and that led to another question."""
        return max(len(self.answers) - 1, 0)

    def reject(self) -> None:
        """Say that the last answer breaks the schema."""
        if self.answers:
            self._reject(self.answers[-1])

    def take_rejected(self) -> list[Answer]:
        """Answers that were found to break the schema since the last call."""
        rejected, self._rejected = self._rejected, []
        return rejected

    def add(self, answer: Answer) -> None:
        """Take an answer; that there is another question means that the one before was broken."""
        if self.answers:
            self._reject(self.answers[-1])
        self.answers.append(answer)

    def _reject(self, answer: Answer) -> None:
        if answer.outcome is Outcome.ANSWERED:
            self.counts.change(Outcome.ANSWERED, Outcome.BROKEN, stored=answer.stored)
            answer.outcome = Outcome.BROKEN
            self._rejected.append(answer)


_CURRENT: ContextVar[Exchange | None] = ContextVar("kg_llm_exchange", default=None)


def current() -> Exchange | None:
    """The exchange in which the running code is, or None."""
    return _CURRENT.get()


@contextmanager
def entered(exchange: Exchange) -> Iterator[None]:
    """Let requests of this code, and of tasks that it starts, belong to an exchange."""
    token = _CURRENT.set(exchange)
    try:
        yield
    finally:
        _CURRENT.reset(token)
