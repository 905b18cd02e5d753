"""The language model: a client of the Messages API with stored answers and a cap on money.

    async with LanguageModel.from_settings(settings) as model:
        client = instructor.from_anthropic(model.client)
        with model.exchange() as exchange:
            facts = await client.create(response_model=..., model=settings.llm_model, ...)
        exchange.counts, exchange.reasks, exchange.answers

Errors of `resources.llm.errors` come out of the client as they are, and out of Instructor as the
cause of its own error: `errors.cause(error)` finds them. After a passing fault that lasted too long
the client's usual errors come.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from resources.llm import ledger
from resources.llm.builds import budget_name
from resources.llm.database import Database
from resources.llm.errors import BuildStopped, LanguageModelError
from resources.llm.exchange import Exchange, entered
from resources.llm.lane import Lane
from resources.llm.ledger import Balance, Limits
from resources.llm.outcomes import Counts
from resources.llm.prices import NANO, Prices
from resources.llm.store import API_VERSION, Attempt, Request

if TYPE_CHECKING:
    import anthropic
    import httpx2

    from resources.llm.batches import Batches
    from resources.llm.estimate import Estimate
    from resources.settings import Settings

SENDING = ("live", "record")
"""Modes in which requests are sent."""

MESSAGES = "/v1/messages"
"""Address of the requests that are stored and paid for."""


def available(settings: Settings) -> str | None:
    """Why the language model cannot be used, as one line, or None if it can.

    Stored answers need no key.
    """
    if settings.llm_mode in SENDING and not _key(settings):
        return "No language model: neither KG_LLM_KEY nor ANTHROPIC_API_KEY is set."
    return None


class LanguageModel:
    """One process's door to the language model.

    Args:
        settings: Model, endpoint, mode, cap, rates.

    Raises:
        ValueError: The price table cannot be used.
        LanguageModelError: A key is needed and there is none.
    """

    def __init__(self, settings: Settings) -> None:
        reason = available(settings)
        if reason is not None:
            raise LanguageModelError(reason)
        self.settings = settings
        self.prices = Prices(settings.llm_prices)
        self.limits = Limits(
            budget=budget_name(settings),
            cap=int(settings.llm_cap * NANO),
            requests=settings.llm_requests_per_minute,
            tokens=settings.llm_tokens_per_minute,
        )
        self.database = Database(settings.llm_store_url)
        self.lane = Lane(settings, self.database, self.prices, self.limits)

    @classmethod
    def from_settings(cls, settings: Settings) -> LanguageModel:
        """The language model that the settings describe."""
        return cls(settings)

    def __repr__(self) -> str:
        return f"LanguageModel({self.settings.llm_model!r}, mode={self.settings.llm_mode!r})"

    @cached_property
    def client(self) -> anthropic.AsyncAnthropic:
        """The asynchronous client. Use it in one event loop only."""
        import anthropic

        async def guard(request: anthropic.APIRequest, call_next: Any) -> Any:
            stored = _stored_request(request)
            if stored is None:
                self._must_send()
                return await call_next(request)

            async def send() -> httpx2.Response:
                response: httpx2.Response = (await call_next(request)).http_response
                return response

            attempt = await self.lane.ask_async(stored, send)
            return anthropic.AsyncAPIResponse(**self._response(client, request, attempt))

        client = anthropic.AsyncAnthropic(middleware=[guard], **self._options())
        return client

    @cached_property
    def plain_client(self) -> anthropic.Anthropic:
        """The client that blocks until an answer is there."""
        import anthropic

        def guard(request: anthropic.APIRequest, call_next: Any) -> Any:
            stored = _stored_request(request)
            if stored is None:
                self._must_send()
                return call_next(request)

            def send() -> httpx2.Response:
                response: httpx2.Response = call_next(request).http_response
                return response

            attempt = self.lane.ask(stored, send)
            return anthropic.APIResponse(**self._response(client, request, attempt))

        client = anthropic.Anthropic(middleware=[guard], **self._options())
        return client

    @contextmanager
    def exchange(self) -> Iterator[Exchange]:
        """Gather what the requests of one context come to.

        An answer that is followed by another question within it is counted and stored as broken,
        and so is the last one if an error leaves the block: it could not be used. Call
        `Exchange.reject` where such an error is caught inside.
        """
        exchange = Exchange()
        try:
            with entered(exchange):
                yield exchange
        except BuildStopped:
            raise
        except Exception:
            exchange.reject()
            raise
        finally:
            self.lane.note_rejected(exchange)

    @contextmanager
    def deferring(self) -> Iterator[Exchange]:
        """Note requests that have no stored answer, rather than send them.

        Each raises `Deferred`. What was noted is in `Exchange.deferred`; give it to `estimate`,
        or to `batches` and ask again when their answers are stored.
        """
        exchange = Exchange(deferring=True)
        with entered(exchange):
            yield exchange

    @property
    def counts(self) -> Counts:
        """What all requests of this process came to."""
        return self.lane.counts

    def balance(self) -> Balance:
        """How the build's budget stands, over all processes."""
        return self.database.run(
            lambda connection: ledger.balance(connection, self.limits.budget), writes=False
        )

    def estimate(self, requests: Iterable[Request], *, batch: bool = False) -> Estimate:
        """What requests would cost, in tokens and money, before anything is sent."""
        from resources.llm.estimate import estimate

        return estimate(self, requests, batch=batch)

    @cached_property
    def batches(self) -> Batches:
        """The lane of batches."""
        from resources.llm.batches import Batches

        return Batches(self)

    def close(self) -> None:
        """Wait until all is stored."""
        if "plain_client" in self.__dict__:
            self.plain_client.close()
        self.lane.close()

    async def aclose(self) -> None:
        """Wait for what is in the air and until all is stored."""
        await self.lane.finish()
        if "client" in self.__dict__:
            await self.client.close()
        self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _options(self) -> dict[str, Any]:
        return {
            "api_key": _key(self.settings) or "none",
            "base_url": self.settings.llm_base_url or "https://api.anthropic.com",
            "timeout": self.settings.llm_timeout,
            # The lane asks again, each kind of fault in its own way.
            "max_retries": 0,
            "default_headers": {"anthropic-version": API_VERSION},
        }

    def _must_send(self) -> None:
        if self.settings.llm_mode not in SENDING:
            raise LanguageModelError(
                f"KG_LLM_MODE={self.settings.llm_mode} sends nothing: set it to record"
            )
        if self.settings.llm_paused:
            raise LanguageModelError("KG_LLM_PAUSED sends nothing: unset it")

    def _response(self, client: Any, request: anthropic.APIRequest, attempt: Attempt) -> Any:
        """What the client's response is made of: the bytes as they are in the store."""
        import httpx2

        headers = {"content-type": "application/json"}
        if attempt.request_id:
            headers["request-id"] = attempt.request_id
        raw = httpx2.Response(
            attempt.status or 200,
            headers=headers,
            content=attempt.content,
            request=httpx2.Request("POST", f"{client.base_url}"),
        )
        return {
            "raw": raw,
            "cast_to": request.cast_to,
            "client": client,
            "stream": request.stream,
            "stream_cls": request.stream_cls,
            "options": request.options,
            "retries_taken": request.retries_taken,
        }


def _key(settings: Settings) -> str | None:
    return settings.llm_key.get_secret_value() if settings.llm_key else None


def _stored_request(request: anthropic.APIRequest) -> Request | None:
    """The request if it is for one message; None for batches and the like."""
    if request.method.lower() != "post" or request.url.partition("?")[0] != MESSAGES:
        return None
    body = request.json
    if request.stream or not isinstance(body, dict) or body.get("stream"):
        raise LanguageModelError("streamed answers are not stored: ask for a whole message")
    return Request.of(body)
