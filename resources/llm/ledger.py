"""The budget and the rates of a build, shared by all of its processes.

What a request may cost is reserved before it is sent and settled after. A reservation counts
against the cap until it is settled. If its process died, it counts until its time is over
(KG_LLM_RESERVATION_SECONDS after the request was to be sent; for a batch as long as its results
can be fetched); then it is released, and its amount is kept as `lost`. What is lost counts against
the cap too: the request may have been paid.

Every function works inside a transaction of `database`, which lets in one writer at a time.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from resources.llm.schema import BUDGETS, PACES, RESERVATIONS

SECOND = 1_000_000
"""Times are Unix microseconds."""

BURST = 0.1
"""Share of a minute's requests or tokens that may be sent at once. The rest is spread over the
minute at 1 - BURST of the rate, so that no window of a minute holds more than the rate (and at most
one request more, if that one alone is larger than the burst)."""


@dataclass(frozen=True)
class Limits:
    """What a build may do.

    Attributes:
        budget: Name of the budget.
        cap: Nano-dollars.
        requests: Requests a minute, or None.
        tokens: Tokens a minute, or None.
    """

    budget: str
    cap: int
    requests: int | None = None
    tokens: int | None = None


@dataclass(frozen=True)
class Reservation:
    """Money put aside for one request.

    Attributes:
        id: Its name.
        amount: Nano-dollars.
        tokens: What was counted against the rate.
        wait: Microseconds from now after which the request may be sent.
    """

    id: str
    amount: int
    tokens: int
    wait: int


@dataclass(frozen=True)
class Full:
    """Nothing was reserved.

    Attributes:
        spent: Nano-dollars that were settled, or lost.
        reserved: Nano-dollars that others have in the air. When they are settled there may be
            room again.
        for_good: Whether there is no room even if they cost nothing.
    """

    spent: int
    reserved: int
    for_good: bool


@dataclass(frozen=True)
class Balance:
    """How a budget stands, in nano-dollars."""

    spent: int = 0
    reserved: int = 0
    lost: int = 0


def reserve(
    connection: sa.Connection,
    limits: Limits,
    *,
    now: int,
    key: str,
    model: str,
    amount: int,
    tokens: int,
    seconds: float,
    batch: str | None = None,
) -> Reservation | Full:
    """Put money aside for a request and give it its turn.

    Args:
        connection: Inside a writing transaction.
        limits: The build's.
        now: Unix microseconds.
        key: Key of the request.
        model: Rates hold for each model.
        amount: The most that it may cost, in nano-dollars.
        tokens: About what it will use.
        seconds: How long after its turn the reservation counts if it is not settled.
        batch: The batch that it is for. Batches are not held to the rates.
    """
    release(connection, now)
    balance = _balance(connection, limits.budget)
    if balance is None:
        values = {"name": limits.budget, "spent": 0, "reserved": 0, "lost": 0}
        connection.execute(sa.insert(BUDGETS).values(**values))
        balance = Balance()
    gone = balance.spent + balance.lost
    if gone + balance.reserved + amount > limits.cap:
        return Full(gone, balance.reserved, gone + amount > limits.cap)
    _move(connection, limits.budget, reserved=amount)
    turn = now if batch else _turn(connection, limits, now, model, tokens)
    reservation = Reservation(uuid.uuid4().hex, amount, tokens, turn - now)
    connection.execute(
        sa.insert(RESERVATIONS).values(
            id=reservation.id,
            budget=limits.budget,
            key=key,
            amount=amount,
            tokens=tokens,
            batch=batch,
            expires=turn + round(seconds * SECOND),
        )
    )
    return reservation


def settle(
    connection: sa.Connection, limits: Limits, *, reservation: str, model: str, cost: int, used: int
) -> None:
    """Replace a reservation by what the request cost.

    Args:
        connection: Inside a writing transaction.
        limits: The build's; the budget is that of the reservation.
        reservation: Its id. It may have been released in the meantime.
        model: The model.
        cost: Nano-dollars.
        used: Tokens that it used.
    """
    held = connection.execute(
        sa.select(RESERVATIONS).where(RESERVATIONS.c.id == reservation)
    ).first()
    if held is None:
        # It was released as lost and came back late; what it cost counts all the same.
        _move(connection, limits.budget, spent=cost)
        return
    connection.execute(sa.delete(RESERVATIONS).where(RESERVATIONS.c.id == reservation))
    _move(connection, held.budget, spent=cost, reserved=-held.amount)
    if limits.tokens is not None and held.batch is None:
        change = _span(used - held.tokens, limits.tokens)
        connection.execute(
            sa.update(PACES).where(PACES.c.model == model).values(tokens=PACES.c.tokens + change)
        )


def release(connection: sa.Connection, now: int) -> None:
    """Release the reservations whose time is over."""
    gone = connection.execute(
        sa.select(RESERVATIONS.c.id, RESERVATIONS.c.budget, RESERVATIONS.c.amount).where(
            RESERVATIONS.c.expires <= now
        )
    ).all()
    for row in gone:
        connection.execute(sa.delete(RESERVATIONS).where(RESERVATIONS.c.id == row.id))
        _move(connection, row.budget, reserved=-row.amount, lost=row.amount)


def pause(connection: sa.Connection, model: str, until: int) -> None:
    """Let nobody send to a model before a time, in Unix microseconds."""
    _pace(connection, model)
    connection.execute(
        sa.update(PACES).where(PACES.c.model == model, PACES.c.paused < until).values(paused=until)
    )


def balance(connection: sa.Connection, budget: str) -> Balance:
    """How a budget stands; nothing spent if it was never used."""
    return _balance(connection, budget) or Balance()


def _balance(connection: sa.Connection, budget: str) -> Balance | None:
    query = sa.select(BUDGETS.c.spent, BUDGETS.c.reserved, BUDGETS.c.lost)
    row = connection.execute(query.where(BUDGETS.c.name == budget)).first()
    return None if row is None else Balance(row.spent, row.reserved, row.lost)


def _move(
    connection: sa.Connection, budget: str, *, spent: int = 0, reserved: int = 0, lost: int = 0
) -> None:
    connection.execute(
        sa.update(BUDGETS)
        .where(BUDGETS.c.name == budget)
        .values(
            spent=BUDGETS.c.spent + spent,
            reserved=BUDGETS.c.reserved + reserved,
            lost=BUDGETS.c.lost + lost,
        )
    )


def _pace(connection: sa.Connection, model: str) -> Any:
    query = sa.select(PACES.c.requests, PACES.c.tokens, PACES.c.paused)
    row = connection.execute(query.where(PACES.c.model == model)).first()
    if row is None:
        values = {"model": model, "requests": 0, "tokens": 0, "paused": 0}
        connection.execute(sa.insert(PACES).values(**values))
        row = connection.execute(query.where(PACES.c.model == model)).one()
    return row


def _turn(connection: sa.Connection, limits: Limits, now: int, model: str, tokens: int) -> int:
    """When a request may be sent, in Unix microseconds.

    The generic cell rate algorithm: each rate keeps the time at which all that was let through
    would have been spread evenly, and a request may be ahead of it by the burst.
    """
    pace = _pace(connection, model)
    turn: int = max(now, pace.paused)
    filled = {"requests": pace.requests, "tokens": pace.tokens}
    for name, rate, weight in (
        ("requests", limits.requests, 1),
        ("tokens", limits.tokens, tokens),
    ):
        if rate is None:
            continue
        filled[name] = max(now, filled[name]) + _span(weight, rate)
        turn = max(turn, filled[name] - max(_span(rate * BURST, rate), _span(weight, rate)))
    connection.execute(sa.update(PACES).where(PACES.c.model == model).values(**filled))
    return turn


def _span(weight: float, rate: int) -> int:
    """Microseconds over which so many requests or tokens are spread."""
    return round(weight * 60 * SECOND / (rate * (1 - BURST)))
