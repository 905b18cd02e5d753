"""What the language model has cost so far: read from the response store, which is not changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from resources.databases import LLM_STORE, named
from resources.llm.prices import NANO
from resources.llm.schema import ATTEMPTS, BUDGETS, REQUESTS


@dataclass(frozen=True)
class Spending:
    """Money, in US dollars.

    Attributes:
        today: Cost of the requests of this day (UTC).
        total: Of all requests.
        reserved: Put aside for requests in the air.
        lost: Put aside for requests of which it was never learnt what they cost.
        by_model: Requests that were sent, and their cost, by model.
    """

    today: float = 0.0
    total: float = 0.0
    reserved: float = 0.0
    lost: float = 0.0
    by_model: dict[str, tuple[int, float]] = field(default_factory=dict)


def spending(url: str) -> Spending:
    """What was spent, as the store at an address says; nothing where there is no store.

    Args:
        url: SQLAlchemy address.
    """
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").exists():
        return Spending()
    engine = named(sa.create_engine(parsed), LLM_STORE)
    try:
        with engine.connect() as connection:
            if not sa.inspect(connection).has_table(ATTEMPTS.name):
                return Spending()
            midnight = datetime.now(UTC).date().isoformat()
            today = connection.execute(
                sa.select(sa.func.sum(ATTEMPTS.c.cost)).where(ATTEMPTS.c.time >= midnight)
            ).scalar()
            rows = connection.execute(
                sa.select(REQUESTS.c.model, sa.func.count(), sa.func.sum(ATTEMPTS.c.cost))
                .join(REQUESTS, REQUESTS.c.key == ATTEMPTS.c.key)
                .group_by(REQUESTS.c.model)
                .order_by(REQUESTS.c.model)
            ).all()
            aside = connection.execute(
                sa.select(sa.func.sum(BUDGETS.c.reserved), sa.func.sum(BUDGETS.c.lost))
            ).one()
    finally:
        engine.dispose()
    by_model = {model: (count, float(cost or 0) / NANO) for model, count, cost in rows}
    return Spending(
        today=float(today or 0) / NANO,
        total=sum(cost for _, cost in by_model.values()),
        reserved=float(aside[0] or 0) / NANO,
        lost=float(aside[1] or 0) / NANO,
        by_model=by_model,
    )
