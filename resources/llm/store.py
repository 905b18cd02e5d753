"""The response store: every attempt at every request, and the answer that is given again."""

from __future__ import annotations

import hashlib
import json
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from resources.llm.outcomes import NOTHING, Outcome, Usage
from resources.llm.schema import ANSWERS, ATTEMPTS, PREFIXES, REQUESTS

API_VERSION = "2023-06-01"
"""The version of the Messages API that the client sends (its header anthropic-version)."""

SCHEMA_PARTS = ("tools", "tool_choice", "output_config", "output_format")
"""Parts of a request that say in what form the model has to answer."""


LEVEL = 1
"""Effort of zlib; the long texts are shared, and of the rest little is left to win."""

# Statements of every request are made once: making them costs more than running them.
_DIALECTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
_ADD_REQUEST = {
    name: insert(REQUESTS).on_conflict_do_nothing(index_elements=[REQUESTS.c.key])
    for name, insert in _DIALECTS.items()
}
_SET_ANSWER = {
    name: (row := insert(ANSWERS)).on_conflict_do_update(
        index_elements=[ANSWERS.c.key], set_={"attempt": row.excluded.attempt}
    )
    for name, insert in _DIALECTS.items()
}
_ADD_ATTEMPT = sa.insert(ATTEMPTS)
_LAST_NUMBER = sa.select(sa.func.max(ATTEMPTS.c.number)).where(
    ATTEMPTS.c.key == sa.bindparam("key_")
)
_PREFIX = sa.select(PREFIXES.c.hash).where(PREFIXES.c.hash == sa.bindparam("hash_"))
_ANSWER = (
    sa.select(ATTEMPTS)
    .join(ANSWERS, ANSWERS.c.attempt == ATTEMPTS.c.id)
    .where(ANSWERS.c.key == sa.bindparam("key_"))
)


@dataclass(frozen=True)
class Request:
    """A request as it is stored: no header, no address, no key.

    Attributes:
        key: SHA-256 over model, body, schema and API version.
        model: The model.
        schema_hash: SHA-256 of the form in which it has to answer.
        body: The body.
        size: Bytes of its canonical JSON.
    """

    key: str
    model: str
    schema_hash: str
    body: dict[str, Any]
    size: int

    @classmethod
    def of(cls, body: dict[str, Any]) -> Request:
        """The request with this body."""
        text = canonical(body)
        schema_hash = _sha256(canonical({n: body[n] for n in SCHEMA_PARTS if n in body}))
        model = str(body.get("model", ""))
        parts = (API_VERSION, model, schema_hash, _sha256(text))
        return cls(_sha256("\n".join(parts).encode()), model, schema_hash, body, len(text))


@dataclass(frozen=True)
class Attempt:
    """One attempt and what came of it.

    Attributes:
        outcome: How it ended.
        status: HTTP status, None where none came.
        content: The response's body as it came, or what is known of the failure.
        request_id: The provider's name of the attempt.
        message_id: The provider's name of the answer.
        usage: Tokens that it reports.
        cost: Nano-dollars that it is taken to have cost.
        lane: ``direct`` or the provider's id of the batch.
    """

    outcome: Outcome
    status: int | None
    content: bytes
    request_id: str | None = None
    message_id: str | None = None
    usage: Usage = NOTHING
    cost: int = 0
    lane: str = "direct"


def canonical(value: Any) -> bytes:
    """JSON in which equal values have equal bytes."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass")


def read_answer(connection: sa.Connection, key: str) -> Attempt | None:
    """The answer to a request, or None."""
    row = connection.execute(_ANSWER, {"key_": key}).first()
    return None if row is None else _attempt(row)


def read_last(connection: sa.Connection, key: str) -> Attempt | None:
    """The last attempt at a request, whatever came of it, or None."""
    query = sa.select(ATTEMPTS).where(ATTEMPTS.c.key == key).order_by(ATTEMPTS.c.number.desc())
    row = connection.execute(query.limit(1)).first()
    return None if row is None else _attempt(row)


def stored_keys(connection: sa.Connection, keys: list[str]) -> set[str]:
    """Those of the keys that have an answer."""
    found: set[str] = set()
    for start in range(0, len(keys), 500):
        query = sa.select(ANSWERS.c.key).where(ANSWERS.c.key.in_(keys[start : start + 500]))
        found.update(connection.execute(query).scalars())
    return found


def write_request(connection: sa.Connection, request: Request) -> None:
    """Store a request, if it is not there."""
    shared = {n: v for n, v in request.body.items() if n == "system" or n in SCHEMA_PARTS}
    text = canonical(shared)
    prefix = _sha256(text)
    # Thousands of requests share the long text before their documents.
    if connection.execute(_PREFIX, {"hash_": prefix}).first() is None:
        connection.execute(sa.insert(PREFIXES).values(hash=prefix, content=zlib.compress(text)))
    own = canonical({n: v for n, v in request.body.items() if n not in shared})
    values = {
        "key": request.key,
        "model": request.model,
        "api_version": API_VERSION,
        "schema_hash": request.schema_hash,
        "prefix": prefix,
        "bytes": request.size,
        "body": zlib.compress(own, LEVEL),
    }
    connection.execute(_ADD_REQUEST[connection.dialect.name], values)


def read_body(connection: sa.Connection, key: str) -> dict[str, Any] | None:
    """The body of a stored request, or None."""
    query = (
        sa.select(REQUESTS.c.body, PREFIXES.c.content)
        .join(PREFIXES, PREFIXES.c.hash == REQUESTS.c.prefix)
        .where(REQUESTS.c.key == key)
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    return {**json.loads(zlib.decompress(row.content)), **json.loads(zlib.decompress(row.body))}


def write_attempt(
    connection: sa.Connection, key: str, attempt: Attempt, *, budget: str, now: int
) -> None:
    """Store an attempt at a stored request; an answer is the one that is given from now on."""
    usage = attempt.usage
    number = (connection.execute(_LAST_NUMBER, {"key_": key}).scalar() or 0) + 1
    values = {
        "key": key,
        "number": number,
        "lane": attempt.lane,
        "budget": budget,
        "time": datetime.fromtimestamp(now / 1_000_000, UTC).isoformat(),
        "outcome": attempt.outcome.value,
        "status": attempt.status,
        "request_id": attempt.request_id,
        "message_id": attempt.message_id,
        "input": usage.input,
        "cache_read": usage.cache_read,
        "cache_write_5m": usage.cache_write_5m,
        "cache_write_1h": usage.cache_write_1h,
        "output": usage.output,
        "cost": attempt.cost,
        "content": zlib.compress(attempt.content, LEVEL),
    }
    inserted = connection.execute(_ADD_ATTEMPT, values).inserted_primary_key
    if attempt.outcome.is_answer and inserted is not None:
        values = {"key": key, "attempt": inserted[0]}
        connection.execute(_SET_ANSWER[connection.dialect.name], values)


def mark_broken(connection: sa.Connection, key: str) -> None:
    """Note that the answer to a request breaks the schema."""
    answer = sa.select(ANSWERS.c.attempt).where(ANSWERS.c.key == key).scalar_subquery()
    connection.execute(
        sa.update(ATTEMPTS)
        .where(ATTEMPTS.c.id == answer, ATTEMPTS.c.outcome == Outcome.ANSWERED.value)
        .values(outcome=Outcome.BROKEN.value)
    )


def outcomes(connection: sa.Connection) -> dict[tuple[str, Outcome], int]:
    """Number of stored attempts by model and outcome."""
    query = (
        sa.select(REQUESTS.c.model, ATTEMPTS.c.outcome, sa.func.count())
        .join(REQUESTS, REQUESTS.c.key == ATTEMPTS.c.key)
        .group_by(REQUESTS.c.model, ATTEMPTS.c.outcome)
        .order_by(REQUESTS.c.model, ATTEMPTS.c.outcome)
    )
    return {(row[0], Outcome(row[1])): row[2] for row in connection.execute(query)}


def _attempt(row: Any) -> Attempt:
    return Attempt(
        outcome=Outcome(row.outcome),
        status=row.status,
        content=zlib.decompress(row.content),
        request_id=row.request_id,
        message_id=row.message_id,
        usage=Usage(row.input, row.cache_read, row.cache_write_5m, row.cache_write_1h, row.output),
        cost=row.cost,
        lane=row.lane,
    )


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
