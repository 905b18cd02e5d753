"""The way of every request: store, budget, rates, the attempts, and what is done about faults.

It is a middleware of the Anthropic client, so it sees each request of whatever uses that client,
re-asks included. The modes:

- record: a stored answer is given again; what has none is sent, and stored.
- live: everything is sent and stored, but what was refused is never asked again.
- replay: what the store says happened last, failures included. Nothing is sent; a request that is
  not stored stops the build.
- only-stored: stored answers are given. Nothing is sent; what has no answer is "not yet tried".
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from resources.llm import attempts, ledger, store
from resources.llm.errors import (
    BuildStopped,
    CapReached,
    CutOff,
    Deferred,
    KeyDenied,
    LanguageModelError,
    NotStored,
    Refused,
    ReplayIncomplete,
)
from resources.llm.exchange import Answer, Exchange, current
from resources.llm.ledger import Full, Limits, Reservation
from resources.llm.outcomes import NOTHING, Counts, Outcome
from resources.llm.prices import Prices, bound, dollars
from resources.llm.store import Attempt, Request

if TYPE_CHECKING:
    import sqlalchemy as sa

    from resources.llm.database import Database
    from resources.settings import Settings

POLL = 0.1
"""Seconds between looks at a full budget in which others still have money in the air."""


@dataclass(frozen=True)
class Store:
    """An effect: run an operation of the database."""

    operation: Callable[[sa.Connection], Any]
    writes: bool = True


@dataclass(frozen=True)
class Sleep:
    """An effect: wait so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Send:
    """An effect: one HTTP attempt. Its result is a response or the error instead of one."""


Effect: TypeAlias = Store | Sleep | Send
Steps: TypeAlias = Generator[Effect, Any, Attempt]


class Lane:
    """What all requests of a process go through.

    The steps of a request are a generator of effects, which the asynchronous and the plain client
    each carry out in their own way.

    Args:
        settings: Mode, limits, retries.
        database: Store and ledger.
        prices: The price table.
        limits: Budget, cap and rates of the build.
    """

    def __init__(
        self, settings: Settings, database: Database, prices: Prices, limits: Limits
    ) -> None:
        self.settings = settings
        self.database = database
        self.prices = prices
        self.limits = limits
        self.counts = Counts()
        self._stopped: BuildStopped | None = None
        self._slots = asyncio.Semaphore(settings.llm_concurrency)
        self._flights: dict[str, asyncio.Lock] = {}
        self._tasks: set[asyncio.Task[Attempt]] = set()
        self._marks: list[Future[None]] = []

    async def ask_async(self, request: Request, send: attempts.AsyncSend) -> Attempt:
        """Lead a request to its answer, or raise what stands instead of one."""
        flight = self._flights.setdefault(request.key, asyncio.Lock())
        try:
            # Two equal requests at once: the second waits for the answer of the first.
            async with flight:
                found = await self._carry_out(self._find(request), send)
                if found is None:
                    async with self._slots:
                        # What was sent is waited for and stored, also when its caller is
                        # cancelled because of another request: it is paid for.
                        task = asyncio.ensure_future(self._carry_out(self._send(request), send))
                        self._tasks.add(task)
                        task.add_done_callback(self._ended)
                        found = await asyncio.shield(task)
        finally:
            if not flight.locked():
                self._flights.pop(request.key, None)
        return self._given(found)

    def ask(self, request: Request, send: attempts.Send) -> Attempt:
        """As `ask_async`, for the plain client."""
        found = self._run(self._find(request), send)
        if found is None:
            found = self._run(self._send(request), send)
        return self._given(found)

    async def finish(self) -> None:
        """Wait for what was sent and whose caller was cancelled."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def close(self) -> None:
        """Wait until everything is in the store, and close it."""
        marks, self._marks = self._marks, []
        for mark in marks:
            mark.result()
        self.database.close()

    def _ended(self, task: asyncio.Task[Attempt]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            # Nobody may wait for it any more; what came of it is in the store.
            task.exception()

    async def _carry_out(self, steps: Generator[Effect, Any, Any], send: attempts.AsyncSend) -> Any:
        result: Any = None
        while True:
            try:
                effect = steps.send(result)
            except StopIteration as end:
                return end.value
            if isinstance(effect, Store):
                future = self.database.submit(effect.operation, writes=effect.writes)
                result = await asyncio.wrap_future(future)
            elif isinstance(effect, Sleep):
                await asyncio.sleep(effect.seconds)
                result = None
            else:
                result = await attempts.try_async(send)

    def _run(self, steps: Generator[Effect, Any, Any], send: attempts.Send) -> Any:
        result: Any = None
        while True:
            try:
                effect = steps.send(result)
            except StopIteration as end:
                return end.value
            if isinstance(effect, Store):
                result = self.database.run(effect.operation, writes=effect.writes)
            elif isinstance(effect, Sleep):
                time.sleep(effect.seconds)
                result = None
            else:
                result = attempts.try_once(send)

    def _find(self, request: Request) -> Generator[Effect, Any, Attempt | None]:
        """What is stored of a request and counts in this mode, or None if it is to be sent."""
        mode = self.settings.llm_mode
        # What waits is asked by the next build after the pause.
        paused = self.settings.llm_paused and mode in ("live", "record")
        if paused:
            mode = "only-stored"
        read = store.read_last if mode == "replay" else store.read_answer
        found: Attempt | None = yield Store(lambda c: read(c, request.key), writes=False)
        if mode == "live" and found is not None and found.outcome is not Outcome.REFUSED:
            found = None
        if found is not None:
            self._count(request, found, stored=True)
            return found
        exchange = current()
        if exchange is not None and exchange.deferring:
            exchange.deferred[request.key] = request
            raise Deferred("the request was noted and not sent")
        if mode == "replay":
            raise ReplayIncomplete(
                f"request {request.key[:12]} to {request.model} is not in the store, and "
                "KG_LLM_MODE=replay sends nothing: set KG_LLM_MODE=record to ask it"
            )
        if mode == "only-stored":
            raise NotStored(
                f"request {request.key[:12]} to {request.model} has no stored answer, and "
                f"{'KG_LLM_PAUSED' if paused else 'KG_LLM_MODE=only-stored'} sends nothing"
            )
        return None

    def _send(self, request: Request) -> Steps:
        """Attempts until one is an answer or none is to follow."""
        tries: dict[Outcome, int] = {}
        while True:
            reservation = yield from self._reserve(request)
            if reservation.wait > 0:
                yield Sleep(reservation.wait / ledger.SECOND)
            got = yield Send()
            attempt = self._priced(request, attempts.judge(got, self._secret()), reservation)
            tries[attempt.outcome] = tries.get(attempt.outcome, 0) + 1
            again = self._may_follow(attempt.outcome, tries[attempt.outcome])
            delay = attempts.delay(
                got, attempt.outcome, tries[attempt.outcome], self.settings.llm_backoff
            )
            yield Store(self._settling(request, reservation, attempt, delay))
            self._count(request, attempt, stored=False)
            if attempt.outcome.is_answer or not again:
                if isinstance(got, Exception):
                    raise got
                return attempt
            if not attempts.pauses_all(attempt.outcome):
                yield Sleep(delay)

    def _reserve(self, request: Request) -> Generator[Effect, Any, Reservation]:
        price = self.prices.of(request.model, today())
        most = bound(request.body, request.size)
        amount = price.most(most.prompt, most.output, cached=most.cached, batch=False)

        def reserve(connection: sa.Connection) -> Reservation | Full:
            return ledger.reserve(
                connection,
                self.limits,
                now=self.database.now(connection),
                key=request.key,
                model=request.model,
                amount=amount,
                tokens=most.likely,
                seconds=self.settings.llm_reservation_seconds,
            )

        patience = time.monotonic() + self.settings.llm_timeout
        while True:
            if self._stopped is not None:
                raise type(self._stopped)(str(self._stopped))
            got: Reservation | Full = yield Store(reserve)
            if isinstance(got, Reservation):
                return got
            if got.for_good or time.monotonic() > patience:
                raise self.stop(CapReached(cap_message(self.limits, got, amount)))
            # A request reserves more than it will cost; others may leave room when they end.
            yield Sleep(POLL)

    def stop(self, error: BuildStopped) -> BuildStopped:
        """Let this process send nothing more; stored answers are still given."""
        self._stopped = error
        return error

    def _may_follow(self, outcome: Outcome, times: int) -> bool:
        if outcome in (Outcome.INVALID, Outcome.DENIED):
            return False
        if outcome.may_be_paid:
            return times <= min(1, self.settings.llm_retries)
        return times <= self.settings.llm_retries

    def _priced(self, request: Request, attempt: Attempt, held: Reservation) -> Attempt:
        unknown = attempt.outcome.is_answer and attempt.usage == NOTHING
        if attempt.outcome.may_be_paid or unknown:
            # Nobody says what it cost, so the cap takes it for the most.
            return replace(attempt, cost=held.amount)
        price = self.prices.of(request.model, today())
        return replace(attempt, cost=price.cost(attempt.usage))

    def _settling(
        self, request: Request, held: Reservation, attempt: Attempt, delay: float
    ) -> Callable[[sa.Connection], None]:
        def settle(connection: sa.Connection) -> None:
            now = self.database.now(connection)
            used = attempt.usage.prompt + attempt.usage.output
            ledger.settle(
                connection,
                held,
                cost=attempt.cost,
                model=request.model,
                used=used if attempt.outcome.is_answer else held.tokens,
                rate=self.limits.tokens,
            )
            store.write_request(connection, request)
            store.write_attempt(
                connection, request.key, attempt, budget=self.limits.budget, now=now
            )
            if attempts.pauses_all(attempt.outcome):
                ledger.pause(connection, request.model, now + round(delay * ledger.SECOND))

        return settle

    def _count(self, request: Request, attempt: Attempt, *, stored: bool) -> None:
        exchange = current()
        for counts in (self.counts, *([exchange.counts] if exchange else [])):
            counts.add(attempt.outcome, stored=stored, usage=attempt.usage, cost=attempt.cost)
        if exchange is not None and attempt.outcome.is_answer:
            exchange.add(Answer(request.key, attempt.outcome, stored))
            self.note_rejected(exchange)

    def note_rejected(self, exchange: Exchange) -> None:
        """Store which answers of an exchange broke the schema."""
        for answer in exchange.take_rejected():
            self.counts.change(Outcome.ANSWERED, Outcome.BROKEN, stored=answer.stored)
            mark = partial(store.mark_broken, key=answer.key)
            self._marks.append(self.database.submit(mark))

    def _given(self, attempt: Attempt) -> Attempt:
        """The answer, or the error that stands for what it is."""
        if attempt.outcome is Outcome.REFUSED:
            raise Refused("the model declined to answer")
        if attempt.outcome is Outcome.CUT_OFF:
            raise CutOff("the answer was cut off at max_tokens")
        if attempt.outcome is Outcome.DENIED:
            raise self.stop(
                KeyDenied(
                    f"the endpoint does not accept the key (HTTP {attempt.status}): set KG_LLM_KEY "
                    "or ANTHROPIC_API_KEY to one that may use the model"
                )
            )
        if attempt.status is None:
            raise attempts.as_error(attempt)
        if attempt.status < 400 and not attempt.outcome.is_answer:
            raise LanguageModelError("the endpoint sent something that is no message of the API")
        return attempt

    def _secret(self) -> str | None:
        key = self.settings.llm_key
        return None if key is None else key.get_secret_value()


def cap_message(limits: Limits, full: Full, amount: int) -> str:
    """What a person reads when the cap is reached."""
    return (
        f"the cap of {dollars(limits.cap)} for {limits.budget} is reached: {dollars(full.spent)} "
        f"spent, {dollars(full.reserved)} in the air, and the next request may cost "
        f"{dollars(amount)}. All answers are stored: the next build goes on from here, and "
        "KG_LLM_CAP raises the cap"
    )


def today() -> date:
    """The day whose prices hold (UTC)."""
    return datetime.now(UTC).date()
