"""Requests in batches: half the price, answers within a day, found again after a restart.

A batch is written down before it is sent and its id after. A process that is killed in between
leaves a batch whose id is not known; the next one looks for it in the provider's list, so that
nothing is paid twice. Answers go to the response store. Whoever wanted them asks again through the
client and gets them from there, so they are validated as all others are.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa

from resources.llm import attempts, ledger, store
from resources.llm.batch_parts import Collected, Submitted, as_attempt, parts
from resources.llm.errors import CapReached
from resources.llm.lane import cap_message, today
from resources.llm.ledger import Full, Reservation
from resources.llm.outcomes import Outcome
from resources.llm.prices import bound
from resources.llm.schema import BATCHES, REQUESTS, RESERVATIONS
from resources.llm.store import Attempt, Request
from resources.lock import lake_lock

if TYPE_CHECKING:
    from anthropic.types.messages import MessageBatch, MessageBatchIndividualResponse

    from resources.llm.model import LanguageModel

T = TypeVar("T")

SLICE = 500
"""Requests that are reserved or settled in one transaction."""

KEPT_SECONDS = 30 * 86400.0
"""How long money for a batch stays reserved; results can be fetched for 29 days."""

CLOCKS = 300
"""Seconds by which our clock and the provider's may differ."""


class Batches:
    """The batch lane of a language model.

    One process of a KG_HOME at a time works with batches; others wait for it.
    """

    def __init__(self, model: LanguageModel) -> None:
        self._model = model
        self._database = model.database
        self._settings = model.settings

    def submit(self, requests: Iterable[Request]) -> Submitted:
        """Send requests that have no answer and are in no batch.

        Args:
            requests: Such as `LanguageModel.deferring` noted.

        Raises:
            CapReached: There was no room for all. Those for which there was have been sent.
        """
        done = Submitted()
        rest = iter({request.key: request for request in requests}.values())
        with lake_lock(self._settings, "llm-batches"):
            self._find_unsent()
            for part in parts(self._wanted(rest, done)):
                full = self._send(part, done)
                if full is not None:
                    raise self._model.lane.stop(full)
        return done

    def collect(self, *, wait: bool = False) -> Collected:
        """Fetch the answers of batches that have ended, also those of processes that are gone.

        Args:
            wait: Whether to wait until all have ended.
        """
        collected = Collected()
        while True:
            with lake_lock(self._settings, "llm-batches"):
                self._find_unsent()
                collected.open = [
                    remote for remote in self._open() if not self._ended(remote, collected)
                ]
            if not collected.open or not wait:
                return collected
            time.sleep(self._model.settings.llm_batch_poll_seconds)

    def cancel(self) -> list[str]:
        """Ask the provider to end all open batches; `collect` then fetches what there is."""
        with lake_lock(self._settings, "llm-batches"):
            self._find_unsent()
            remotes = self._open()
            for remote in remotes:
                self._call(partial(self._api.cancel, remote))
        return remotes

    @property
    def _api(self) -> Any:
        return self._model.plain_client.messages.batches

    def _wanted(self, requests: Iterator[Request], done: Submitted) -> Iterator[Request]:
        while part := list(islice(requests, SLICE)):
            keys = [request.key for request in part]

            def known(
                connection: sa.Connection, keys: list[str] = keys
            ) -> tuple[set[str], set[str]]:
                query = sa.select(RESERVATIONS.c.key).where(
                    RESERVATIONS.c.batch.is_not(None), RESERVATIONS.c.key.in_(keys)
                )
                waiting = set(connection.execute(query).scalars())
                return store.stored_keys(connection, keys), waiting

            stored, waiting = self._database.run(known, writes=False)
            done.stored += len(stored)
            done.waiting += len(waiting - stored)
            yield from (r for r in part if r.key not in stored and r.key not in waiting)

    def _send(self, part: list[Request], done: Submitted) -> CapReached | None:
        """Reserve, write down, send, and write down the id."""
        from anthropic import APIStatusError

        ours = uuid.uuid4().hex
        kept, full = self._reserve(ours, part)
        if kept:
            items = [{"custom_id": request.key, "params": request.body} for request in kept]
            try:
                batch: MessageBatch = self._call(lambda: self._api.create(requests=items))
            except APIStatusError as error:
                if error.status_code < 500:
                    self._void(ours)
                raise
            self._sent(ours, batch.id)
            done.sent += len(kept)
            done.batches.append(batch.id)
        return full

    def _reserve(self, ours: str, part: list[Request]) -> tuple[list[Request], CapReached | None]:
        kept: list[Request] = []
        limits = self._model.limits
        for start in range(0, len(part), SLICE):
            slice_ = part[start : start + SLICE]

            def reserve(
                connection: sa.Connection, slice_: list[Request] = slice_, before: int = len(kept)
            ) -> tuple[list[Request], CapReached | None]:
                now = self._database.now(connection)
                taken: list[Request] = []
                full = None
                for request in slice_:
                    most = bound(request.body, request.size)
                    price = self._model.prices.of(request.model, today())
                    amount = price.most(most.prompt, most.output, cached=most.cached, batch=True)
                    got = ledger.reserve(
                        connection,
                        limits,
                        now=now,
                        key=request.key,
                        model=request.model,
                        amount=amount,
                        tokens=0,
                        seconds=KEPT_SECONDS,
                        batch=ours,
                    )
                    if isinstance(got, Full):
                        full = CapReached(cap_message(limits, got, amount))
                        break
                    store.write_request(connection, request)
                    taken.append(request)
                row = sa.select(BATCHES.c.id).where(BATCHES.c.id == ours)
                if connection.execute(row).first() is None:
                    connection.execute(
                        sa.insert(BATCHES).values(
                            id=ours, budget=limits.budget, state="intended", made=now, requests=0
                        )
                    )
                size = sa.update(BATCHES).where(BATCHES.c.id == ours)
                connection.execute(size.values(requests=before + len(taken)))
                return taken, full

            taken, full = self._database.run(reserve)
            kept += taken
            if full is not None:
                if not kept:
                    self._void(ours)
                return kept, full
        return kept, None

    def _sent(self, ours: str, remote: str) -> None:
        update = sa.update(BATCHES).where(BATCHES.c.id == ours)
        self._database.run(lambda c: c.execute(update.values(remote=remote, state="sent")) and None)

    def _void(self, ours: str) -> None:
        """Give back the money of a batch that is not and will not be answered."""

        def void(connection: sa.Connection) -> None:
            held = sa.select(RESERVATIONS).where(RESERVATIONS.c.batch == ours)
            for row in connection.execute(held).all():
                ledger.settle(connection, Reservation(row.id, row.budget, row.amount), cost=0)
            update = sa.update(BATCHES).where(BATCHES.c.id == ours)
            connection.execute(update.values(state="void"))

        self._database.run(void)

    def _find_unsent(self) -> None:
        """Find the batch of a process that was killed before it wrote down the id."""
        query = sa.select(BATCHES).where(BATCHES.c.state == "intended").order_by(BATCHES.c.made)
        unsent = self._database.run(lambda c: c.execute(query).all(), writes=False)
        for row in unsent:
            remote = self._look_for(row)
            if remote is None:
                self._void(row.id)
            else:
                self._sent(row.id, remote)

    def _look_for(self, row: Any) -> str | None:
        known = self._database.run(
            lambda c: set(c.execute(sa.select(BATCHES.c.remote)).scalars()), writes=False
        )
        listed: Iterable[MessageBatch] = self._call(lambda: self._api.list(limit=100))
        for batch in listed:
            if batch.created_at.timestamp() < row.made / ledger.SECOND - CLOCKS:
                return None
            counts = batch.request_counts
            total = sum(
                (
                    counts.processing,
                    counts.succeeded,
                    counts.errored,
                    counts.canceled,
                    counts.expired,
                )
            )
            if batch.id not in known and total == row.requests and self._may_be(batch, row.id):
                return batch.id
        return None

    def _may_be(self, batch: MessageBatch, ours: str) -> bool:
        """Whether a batch holds our requests; only one that has ended tells which it holds."""
        if batch.processing_status != "ended":
            return True
        line = next(iter(self._call(lambda: self._api.results(batch.id))), None)
        return line is not None and self._holds(ours, line.custom_id)

    def _holds(self, ours: str, key: str) -> bool:
        query = sa.select(RESERVATIONS.c.id).where(
            RESERVATIONS.c.batch == ours, RESERVATIONS.c.key == key
        )
        return self._database.run(lambda c: c.execute(query).first() is not None, writes=False)

    def _open(self) -> list[str]:
        query = sa.select(BATCHES.c.remote).where(BATCHES.c.state == "sent")
        ordered = query.order_by(BATCHES.c.made)
        return self._database.run(lambda c: list(c.execute(ordered).scalars()), writes=False)

    def _ended(self, remote: str, collected: Collected) -> bool:
        """Fetch a batch if it has ended."""
        from anthropic import NotFoundError

        try:
            batch: MessageBatch = self._call(lambda: self._api.retrieve(remote))
            if batch.processing_status != "ended":
                return False
            lines = iter(self._call(lambda: self._api.results(remote)))
        except NotFoundError:
            collected.lost.append(remote)
            self._void(self._ours(remote))
            return True
        while part := list(islice(lines, SLICE)):
            for attempt in self._database.run(self._storing(remote, part)):
                for counts in (collected.counts, self._model.counts):
                    counts.add(
                        attempt.outcome, stored=False, usage=attempt.usage, cost=attempt.cost
                    )
        # What the results do not name was not answered, and is free to be sent again.
        self._void(self._ours(remote))
        done = sa.update(BATCHES).where(BATCHES.c.remote == remote).values(state="collected")
        self._database.run(lambda c: c.execute(done) and None)
        return True

    def _ours(self, remote: str) -> str:
        query = sa.select(BATCHES.c.id).where(BATCHES.c.remote == remote)
        return self._database.run(lambda c: str(c.execute(query).scalar_one()), writes=False)

    def _storing(
        self, remote: str, lines: list[MessageBatchIndividualResponse]
    ) -> Callable[[sa.Connection], list[Attempt]]:
        """Store results and settle what they cost; those that were stored before are left out."""

        def write(connection: sa.Connection) -> list[Attempt]:
            now = self._database.now(connection)
            batch = sa.select(BATCHES.c.id).where(BATCHES.c.remote == remote).scalar_subquery()
            written = []
            for line in lines:
                held = connection.execute(
                    sa.select(RESERVATIONS, REQUESTS.c.model)
                    .join(REQUESTS, REQUESTS.c.key == RESERVATIONS.c.key)
                    .where(RESERVATIONS.c.batch == batch, RESERVATIONS.c.key == line.custom_id)
                ).first()
                if held is None:
                    continue
                attempt = as_attempt(line, remote)
                price = self._model.prices.of(held.model, today())
                attempt = replace(attempt, cost=price.cost(attempt.usage, batch=True))
                reserved = Reservation(held.id, held.budget, held.amount)
                ledger.settle(connection, reserved, cost=attempt.cost)
                store.write_attempt(
                    connection, line.custom_id, attempt, budget=held.budget, now=now
                )
                written.append(attempt)
            return written

        return write

    def _call(self, function: Callable[[], T]) -> T:
        """Call the API, again after faults that pass."""
        from anthropic import APIStatusError

        settings = self._model.settings
        for times in range(1, settings.llm_retries + 2):
            try:
                return function()
            except APIStatusError as error:
                outcome = attempts.fault(error.status_code)
                passing = outcome in (Outcome.RATE_LIMITED, Outcome.OVERLOADED)
                if not passing or times > settings.llm_retries:
                    raise
                time.sleep(attempts.delay(error.response, outcome, times, settings.llm_backoff))
        raise AssertionError("the last try returns or raises")
