"""What goes into a batch and what its results mean; the lane itself is in `batches`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from resources.llm import attempts, store
from resources.llm.outcomes import Counts, Outcome
from resources.llm.store import Attempt, Request

if TYPE_CHECKING:
    from anthropic.types.messages import MessageBatchIndividualResponse

MOST_REQUESTS = 10_000
"""Requests of one batch; the API takes 100,000, but a batch is collected as a whole."""

MOST_BYTES = 100_000_000
"""Bytes of one batch; the API takes 256 MB."""

ERRORS = {
    "invalid_request_error": Outcome.INVALID,
    "not_found_error": Outcome.INVALID,
    "request_too_large": Outcome.INVALID,
    "authentication_error": Outcome.DENIED,
    "billing_error": Outcome.DENIED,
    "permission_error": Outcome.DENIED,
    "rate_limit_error": Outcome.RATE_LIMITED,
    "overloaded_error": Outcome.OVERLOADED,
    "timeout_error": Outcome.SERVER_ERROR,
    "api_error": Outcome.SERVER_ERROR,
}
"""What the errors of single requests of a batch mean. None of them is paid for."""


@dataclass
class Submitted:
    """What became of requests that were to be sent.

    Attributes:
        sent: Requests in new batches.
        stored: Requests that have an answer already.
        waiting: Requests that are in a batch already.
        batches: The provider's ids of the new batches.
    """

    sent: int = 0
    stored: int = 0
    waiting: int = 0
    batches: list[str] = field(default_factory=list)


@dataclass
class Collected:
    """What was fetched.

    Attributes:
        counts: The answers and faults.
        open: The provider's ids of batches that have not ended.
        lost: Batches that the provider does not know any more.
    """

    counts: Counts = field(default_factory=Counts)
    open: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


def as_attempt(line: MessageBatchIndividualResponse, remote: str) -> Attempt:
    """What one line of the results came to; its cost is still open."""
    result = line.result
    if result.type == "succeeded":
        message = result.message.model_dump(mode="json", exclude_unset=True)
        return attempts.answered(message, store.canonical(message), 200, None, remote)
    if result.type == "errored":
        error = result.error.model_dump(mode="json", exclude_unset=True)
        outcome = ERRORS.get(result.error.error.type, Outcome.SERVER_ERROR)
        return Attempt(outcome, None, store.canonical(error), lane=remote)
    outcome = Outcome.EXPIRED if result.type == "expired" else Outcome.CANCELED
    return Attempt(outcome, None, json.dumps({"type": result.type}).encode(), lane=remote)


def parts(requests: Iterator[Request]) -> Iterator[list[Request]]:
    """Requests in parts that a batch may hold."""
    part: list[Request] = []
    size = 0
    for request in requests:
        if part and (len(part) >= MOST_REQUESTS or size + request.size > MOST_BYTES):
            yield part
            part, size = [], 0
        part.append(request)
        size += request.size
    if part:
        yield part
