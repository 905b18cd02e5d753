"""What requests would cost, before anything is sent.

How tokens are estimated: bytes of the request over bytes a token, and a share of max_tokens for the
answer. Where the store has at least `ENOUGH` answers of the same model to the same schema, both
come from them: bytes a token on average, and answers as long as the tenth and the ninetieth of a
hundred. The low end reads the part before the documents from the prompt cache where the request
asks for it, the high end writes all of it; re-asks are in the high end only, as one for each
`REASKED` requests.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import sqlalchemy as sa

from resources.llm import store
from resources.llm.lane import today
from resources.llm.outcomes import Outcome, Usage
from resources.llm.prices import TOOL_TOKENS, bound, dollars
from resources.llm.schema import ATTEMPTS, REQUESTS
from resources.llm.store import SCHEMA_PARTS, Request, canonical

if TYPE_CHECKING:
    from resources.llm.model import LanguageModel

ENOUGH = 20
"""Answers from which the length of further ones can be told."""

SAMPLE = 1000
"""Newest answers that are looked at."""

REASKED = 5
"""One in so many answers may have to be asked again, taken from the high end of what people
report of structured answers."""

FEWEST_BYTES, MOST_BYTES = 3.0, 5.0
"""Bytes a token of English text and JSON, low and high."""

LEAST_ANSWER, LONGEST_ANSWER = 0.02, 0.5
"""Shares of max_tokens that an answer takes, low and high; more would often be cut off."""


@dataclass(frozen=True)
class Estimate:
    """What a list of requests comes to.

    Attributes:
        requests: Different requests.
        stored: Those that have an answer in the store and cost nothing.
        input_tokens: Tokens of the prompts that would be sent, low and high.
        output_tokens: Tokens of their answers, low and high.
        cost: Nano-dollars, low and high.
        most: Nano-dollars that would be reserved if all were sent at once.
        measured: Requests to send whose lengths were told by stored answers.
    """

    requests: int = 0
    stored: int = 0
    input_tokens: tuple[int, int] = (0, 0)
    output_tokens: tuple[int, int] = (0, 0)
    cost: tuple[int, int] = (0, 0)
    most: int = 0
    measured: int = 0

    @property
    def to_send(self) -> int:
        """Requests that would be sent."""
        return self.requests - self.stored

    def __str__(self) -> str:
        low, high = (dollars(cost) for cost in self.cost)
        return (
            f"{self.requests:,} requests, {self.stored:,} stored, {self.to_send:,} to send: "
            f"{self.input_tokens[0]:,} to {self.input_tokens[1]:,} tokens in, "
            f"{self.output_tokens[0]:,} to {self.output_tokens[1]:,} out, {low} to {high}"
        )


@dataclass(frozen=True)
class _Lengths:
    fewest_bytes: float
    most_bytes: float
    low: float
    high: float
    measured: bool


def estimate(model: LanguageModel, requests: Iterable[Request], *, batch: bool = False) -> Estimate:
    """What these requests would come to.

    Args:
        model: The language model.
        requests: Such as `LanguageModel.deferring` noted, and others.
        batch: Whether they would be sent in batches.

    Raises:
        UnknownPrice: The price table lacks a model.
    """
    different = {request.key: request for request in requests}
    stored = model.database.run(lambda c: store.stored_keys(c, list(different)), writes=False)
    lengths: dict[tuple[str, str], _Lengths | None] = {}
    low, high = [0, 0, 0], [0, 0, 0]
    most = measured = 0
    for request in different.values():
        if request.key in stored:
            continue
        alike = (request.model, request.schema_hash)
        if alike not in lengths:
            measure = partial(_measured, model=request.model, schema_hash=request.schema_hash)
            lengths[alike] = model.database.run(measure, writes=False)
        limits = bound(request.body, request.size)
        length = lengths[alike] or _Lengths(
            FEWEST_BYTES,
            MOST_BYTES,
            LEAST_ANSWER * limits.output,
            LONGEST_ANSWER * limits.output,
            measured=False,
        )
        measured += length.measured
        price = model.prices.of(request.model, today())
        tools = 0 if length.measured or "tools" not in request.body else TOOL_TOKENS // 2
        fewest = round(request.size / length.most_bytes)
        longest = round(request.size / length.fewest_bytes) + tools
        shared = _shared(request) if limits.cached else 0
        cached = min(round(shared / length.most_bytes), fewest)
        least = Usage(input=fewest - cached, cache_read=cached, output=round(length.low))
        answer = min(round(length.high), limits.output)
        dear = price.most(longest, answer, cached=limits.cached, batch=batch)
        cheap = price.cost(least, batch=batch)
        low = [a + b for a, b in zip(low, (fewest, least.output, cheap), strict=True)]
        high = [a + b for a, b in zip(high, (longest, answer, dear), strict=True)]
        most += price.most(limits.prompt, limits.output, cached=limits.cached, batch=batch)
    high = [figure + figure // REASKED for figure in high]
    return Estimate(
        requests=len(different),
        stored=len(stored),
        input_tokens=(low[0], high[0]),
        output_tokens=(low[1], high[1]),
        cost=(low[2], high[2]),
        most=most,
        measured=measured,
    )


def _shared(request: Request) -> int:
    """Bytes of the part that requests of one kind share."""
    return len(
        canonical({n: v for n, v in request.body.items() if n == "system" or n in SCHEMA_PARTS})
    )


def _measured(connection: sa.Connection, model: str, schema_hash: str) -> _Lengths | None:
    """What stored answers say about further ones, or None if they are too few."""
    prompt = (
        ATTEMPTS.c.input
        + ATTEMPTS.c.cache_read
        + ATTEMPTS.c.cache_write_5m
        + ATTEMPTS.c.cache_write_1h
    )
    query = (
        sa.select(REQUESTS.c.bytes, prompt.label("prompt"), ATTEMPTS.c.output)
        .join(REQUESTS, REQUESTS.c.key == ATTEMPTS.c.key)
        .where(
            REQUESTS.c.model == model,
            REQUESTS.c.schema_hash == schema_hash,
            ATTEMPTS.c.outcome == Outcome.ANSWERED.value,
            prompt > 0,
        )
        .order_by(ATTEMPTS.c.id.desc())
        .limit(SAMPLE)
    )
    rows = connection.execute(query).all()
    if len(rows) < ENOUGH:
        return None
    a_token = sum(row.bytes for row in rows) / sum(row.prompt for row in rows)
    outputs = sorted(row.output for row in rows)
    return _Lengths(
        a_token * 0.95,
        a_token * 1.05,
        outputs[len(outputs) // 10],
        outputs[len(outputs) * 9 // 10],
        measured=True,
    )
