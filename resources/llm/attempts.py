"""One HTTP attempt: sending it, what its response or error means, and how long to wait then."""

from __future__ import annotations

import email.utils
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from resources.llm.outcomes import Outcome, Usage
from resources.llm.store import Attempt

if TYPE_CHECKING:
    import httpx2

Send: TypeAlias = Callable[[], "httpx2.Response"]
AsyncSend: TypeAlias = Callable[[], Awaitable["httpx2.Response"]]
Got: TypeAlias = "httpx2.Response | Exception"

LONGEST_WAIT = 60.0
"""Seconds of the longest pause that we choose ourselves; an endpoint may name a longer one."""

SECRET = 16
"""Characters from which a key cannot be part of an answer by chance. An endpoint of one's own may
take "none" for a key, and that word must stay in answers."""

CUT_OFF_REASONS = ("max_tokens", "model_context_window_exceeded")


async def try_async(send: AsyncSend) -> Got:
    """Send, and return the error if there is no response."""
    from anthropic import APIConnectionError

    try:
        return await send()
    except APIConnectionError as error:
        return error


def try_once(send: Send) -> Got:
    """As `try_async`, for the plain client."""
    from anthropic import APIConnectionError

    try:
        return send()
    except APIConnectionError as error:
        return error


def judge(got: Got, secret: str | None) -> Attempt:
    """What an attempt came to; its cost is still open.

    Args:
        got: The response or the error.
        secret: The key, which is taken out of what the endpoint sent.
    """
    if isinstance(got, Exception):
        return Attempt(_failure(got), None, str(got).encode())
    content = got.content
    if secret and (got.status_code >= 400 or len(secret) >= SECRET):
        content = content.replace(secret.encode(), b"***")
    request_id = got.headers.get("request-id")
    if got.status_code >= 400:
        return Attempt(fault(got.status_code), got.status_code, content, request_id)
    try:
        message = json.loads(content)
    except ValueError:
        message = None
    if not isinstance(message, dict) or message.get("type") != "message":
        return Attempt(Outcome.SERVER_ERROR, got.status_code, content, request_id)
    return answered(message, content, got.status_code, request_id)


def answered(
    message: dict[str, Any],
    content: bytes,
    status: int,
    request_id: str | None,
    lane: str = "direct",
) -> Attempt:
    """The attempt that led to a message; its cost is still open."""
    reason = message.get("stop_reason")
    outcome = Outcome.ANSWERED
    if reason == "refusal":
        outcome = Outcome.REFUSED
    elif reason in CUT_OFF_REASONS:
        outcome = Outcome.CUT_OFF
    return Attempt(
        outcome, status, content, request_id, message.get("id"), Usage.of(message), lane=lane
    )


def fault(status: int) -> Outcome:
    """What an HTTP status from 400 on means."""
    if status == 429:
        return Outcome.RATE_LIMITED
    if status == 529:
        return Outcome.OVERLOADED
    if status in (401, 402, 403):
        return Outcome.DENIED
    if status >= 500 or status in (408, 409):
        return Outcome.SERVER_ERROR
    return Outcome.INVALID


def pauses_all(outcome: Outcome) -> bool:
    """Whether everyone has to wait, and not only the request that met the fault."""
    return outcome in (Outcome.RATE_LIMITED, Outcome.OVERLOADED)


def delay(got: Got, outcome: Outcome, times: int, backoff: float) -> float:
    """Seconds to wait before the next attempt.

    Args:
        got: The response, which may name them, or the error.
        outcome: What it means.
        times: How often the request has met this outcome.
        backoff: Seconds after the first time.
    """
    named = None if isinstance(got, Exception) else _retry_after(got)
    if named is not None and outcome is not Outcome.INVALID:
        return max(named, 0.0)
    return float(min(backoff * 2 ** (times - 1), LONGEST_WAIT))


def as_error(attempt: Attempt) -> Exception:
    """The client's error for a stored attempt to which no response came."""
    import httpx2
    from anthropic import APIConnectionError, APITimeoutError

    request = httpx2.Request("POST", "http://stored.invalid/v1/messages")
    if attempt.outcome is Outcome.TIMED_OUT:
        return APITimeoutError(request=request)
    return APIConnectionError(message=attempt.content.decode(), request=request)


def _failure(error: Exception) -> Outcome:
    import httpx2
    from anthropic import APITimeoutError

    before = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
    if isinstance(error.__cause__, before):
        return Outcome.UNREACHABLE
    if isinstance(error, APITimeoutError):
        return Outcome.TIMED_OUT
    return Outcome.CONNECTION_CUT


def _retry_after(response: httpx2.Response) -> float | None:
    """Seconds that a response asks to wait: a number, or a date of HTTP."""
    for header, scale in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        text = response.headers.get(header)
        if text is None:
            continue
        try:
            return float(text) / scale
        except ValueError:
            pass
        try:
            return (email.utils.parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
        except (TypeError, ValueError):
            continue
    return None
