"""The budget and the rates of a build, shared by all of its processes.

What a request may cost is reserved before it is sent and settled after. A reservation counts
against the cap until it is settled. If its process died, it counts until its time is over
(KG_LLM_RESERVATION_SECONDS after the request was to be sent; for a batch as long as its results
can be fetched). When room is needed after that, its amount becomes `lost`. What is lost counts
against the cap too: the request may have been paid for.

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


# Statements of every request are made once: making them costs more than running them.
_TAKE = (
    sa.update(BUDGETS)
    .where(
        BUDGETS.c.name == sa.bindparam("budget"),
        BUDGETS.c.spent + BUDGETS.c.reserved + BUDGETS.c.lost + sa.bindparam("amount")
        <= sa.bindparam("cap"),
    )
    .values(reserved=BUDGETS.c.reserved + sa.bindparam("amount"))
)
_MOVE = (
    sa.update(BUDGETS)
    .where(BUDGETS.c.name == sa.bindparam("budget"))
    .values(
        spent=BUDGETS.c.spent + sa.bindparam("spent_"),
        reserved=BUDGETS.c.reserved + sa.bindparam("reserved_"),
        lost=BUDGETS.c.lost + sa.bindparam("lost_"),
    )
)
_RESERVE = sa.insert(RESERVATIONS)
_REMOVE = sa.delete(RESERVATIONS).where(RESERVATIONS.c.id == sa.bindparam("id_"))
_PACE = sa.select(PACES.c.requests, PACES.c.tokens, PACES.c.paused).where(
    PACES.c.model == sa.bindparam("model_")
)
_FILL = (
    sa.update(PACES)
    .where(PACES.c.model == sa.bindparam("model_"))
    .values(requests=sa.bindparam("requests_"), tokens=sa.bindparam("tokens_"))
)
_GIVE_BACK = (
    sa.update(PACES)
    .where(PACES.c.model == sa.bindparam("model_"))
    .values(tokens=PACES.c.tokens + sa.bindparam("change"))
)


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
        budget: The budget that it is taken from.
        amount: Nano-dollars.
        tokens: What was counted against the rate.
        wait: Microseconds from now after which the request may be sent.
    """

    id: str
    budget: str
    amount: int
    tokens: int = 0
    wait: int = 0


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
    if not _take(connection, limits, amount):
        _open(connection, limits.budget)
        release(connection, now)
        if not _take(connection, limits, amount):
            stands = balance(connection, limits.budget)
            gone = stands.spent + stands.lost
            return Full(gone, stands.reserved, gone + amount > limits.cap)
    turn = now if batch else _turn(connection, limits, now, model, tokens)
    reservation = Reservation(uuid.uuid4().hex, limits.budget, amount, tokens, turn - now)
    values = {
        "id": reservation.id,
        "budget": limits.budget,
        "key": key,
        "amount": amount,
        "tokens": tokens,
        "batch": batch,
        "expires": turn + round(seconds * SECOND),
    }
    connection.execute(_RESERVE, values)
    return reservation


def settle(
    connection: sa.Connection,
    reservation: Reservation,
    *,
    cost: int,
    model: str | None = None,
    used: int = 0,
    rate: int | None = None,
) -> None:
    """Replace a reservation by what the request cost.

    Args:
        connection: Inside a writing transaction.
        reservation: What was reserved. It may have been released in the meantime.
        cost: Nano-dollars.
        model: The model whose rate in tokens gets back what was not used, if there is one.
        used: Tokens that it used.
        rate: Tokens a minute.
    """
    if not connection.execute(_REMOVE, {"id_": reservation.id}).rowcount:
        # It was taken for lost and came back late: now it is known what it cost.
        _move(connection, reservation.budget, spent=cost, lost=-reservation.amount)
        return
    _move(connection, reservation.budget, spent=cost, reserved=-reservation.amount)
    if rate is not None and model is not None:
        change = _span(used - reservation.tokens, rate)
        connection.execute(_GIVE_BACK, {"model_": model, "change": change})


def release(connection: sa.Connection, now: int) -> None:
    """Release the reservations whose time is over."""
    gone = connection.execute(
        sa.select(RESERVATIONS.c.id, RESERVATIONS.c.budget, RESERVATIONS.c.amount).where(
            RESERVATIONS.c.expires <= now
        )
    ).all()
    for row in gone:
        connection.execute(_REMOVE, {"id_": row.id})
        _move(connection, row.budget, reserved=-row.amount, lost=row.amount)


def pause(connection: sa.Connection, model: str, until: int) -> None:
    """Let nobody send to a model before a time, in Unix microseconds."""
    _pace(connection, model)
    connection.execute(
        sa.update(PACES).where(PACES.c.model == model, PACES.c.paused < until).values(paused=until)
    )


def balance(connection: sa.Connection, budget: str) -> Balance:
    """How a budget stands; nothing spent if it was never used."""
    query = sa.select(BUDGETS.c.spent, BUDGETS.c.reserved, BUDGETS.c.lost)
    row = connection.execute(query.where(BUDGETS.c.name == budget)).first()
    return Balance() if row is None else Balance(row.spent, row.reserved, row.lost)


def _open(connection: sa.Connection, budget: str) -> None:
    """Make a budget, if it is not there."""
    known = sa.select(BUDGETS.c.name).where(BUDGETS.c.name == budget)
    if connection.execute(known).first() is None:
        values = {"name": budget, "spent": 0, "reserved": 0, "lost": 0}
        connection.execute(sa.insert(BUDGETS).values(**values))


def _take(connection: sa.Connection, limits: Limits, amount: int) -> bool:
    """Reserve an amount if there is room for it below the cap."""
    values = {"budget": limits.budget, "amount": amount, "cap": limits.cap}
    return connection.execute(_TAKE, values).rowcount > 0


def _move(
    connection: sa.Connection, budget: str, *, spent: int = 0, reserved: int = 0, lost: int = 0
) -> None:
    values = {"budget": budget, "spent_": spent, "reserved_": reserved, "lost_": lost}
    connection.execute(_MOVE, values)


def _pace(connection: sa.Connection, model: str) -> Any:
    row = connection.execute(_PACE, {"model_": model}).first()
    if row is None:
        values = {"model": model, "requests": 0, "tokens": 0, "paused": 0}
        connection.execute(sa.insert(PACES).values(**values))
        row = connection.execute(_PACE, {"model_": model}).one()
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
    if limits.requests is not None or limits.tokens is not None:
        values = {"model_": model, **{f"{name}_": time for name, time in filled.items()}}
        connection.execute(_FILL, values)
    return turn


def _span(weight: float, rate: int) -> int:
    """Microseconds over which so many requests or tokens are spread."""
    return round(weight * 60 * SECOND / (rate * (1 - BURST)))
