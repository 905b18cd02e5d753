"""The extractor `llm`: asks, checks, asks again what is wrong, and says what came of it.

Instructor's mode TOOLS forces one call of a tool whose schema is the response model. An answer in
the wrong form, or with an invented id or quote, is asked for again with what is wrong with it. If
it is still wrong in the end, but has the right form, its facts go to the gate, which rejects the
wrong ones and keeps the others.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from kg_assets.inference.extractors import (
    ANSWERED,
    EMPTY,
    FAILED,
    NOT_TRIED,
    REFUSED,
    Context,
    Extraction,
)
from kg_assets.inference.llm.answers import facts
from kg_assets.inference.llm.examples import Examples, ReviewedFact
from kg_assets.inference.llm.loop import as_they_come
from kg_assets.inference.llm.request import request
from kg_assets.inference.quotes import find_quote
from ontology.prompts import instructions
from ontology.responses import Answer, AnswerContext, answer_schema, answering, response_model
from ontology.schema import Ontology
from resources.llm.errors import BuildStopped, CutOff, NotStored, Refused, cause
from resources.llm.outcomes import Usage

if TYPE_CHECKING:
    from resources.llm.exchange import Exchange
    from resources.llm.model import LanguageModel
    from resources.llm.store import Request
    from resources.settings import Settings

REASKS = 2
"""How often a wrong answer is asked for again. The first mends most, a third hardly any."""

MAX_TOKENS = 4_096
"""Tokens of an answer at most: over 30 facts with a long sentence each."""

_PROTOCOL = "1"
"""Raised when requests are put together or answers are read in another way."""

_LONGEST_DETAIL = 300


class LanguageModelExtractor:
    """A language model behind the interface of extractors.

    Args:
        settings: Model, endpoint, store, cap and rates.
        ontology: What is asked for, and how answers are checked.
        entity_type: Type of the subjects. One extractor reads texts about one type.
        reviewed: What people have decided, from which examples are chosen. A text is never read
            with an example from itself or about its own subject.
    """

    name = "llm"

    def __init__(
        self,
        settings: Settings,
        ontology: Ontology,
        entity_type: str,
        reviewed: Sequence[ReviewedFact] = (),
    ) -> None:
        self._settings = settings
        self._ontology = ontology
        self._entity_type = entity_type
        self._examples = Examples(reviewed, ontology, entity_type)
        self._response = response_model(ontology, entity_type)

    def taught(self, reviewed: Sequence[ReviewedFact]) -> LanguageModelExtractor:
        """The same extractor, whose examples are chosen from what people decided."""
        return LanguageModelExtractor(self._settings, self._ontology, self._entity_type, reviewed)

    @property
    def model(self) -> str:
        """The language model that is asked."""
        return self._settings.llm_model

    @cached_property
    def version(self) -> str:
        """Hash of everything that requests are made of, but for the documents."""
        made_of = [
            _PROTOCOL,
            REASKS,
            MAX_TOKENS,
            instructions(self._ontology, self._entity_type, self._examples.of()),
            answer_schema(self._response),
        ]
        return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()[:12]

    def body(self, context: Context) -> dict[str, Any]:
        """The first request about a context, without the form of its answer."""
        examples = self._examples.of(context.text, context.entity_id)
        told = instructions(self._ontology, self._entity_type, examples)
        return request(context, told, model=self.model, max_tokens=MAX_TOKENS)

    def extract_many(self, contexts: Iterable[Context]) -> Iterator[Extraction]:
        """Read contexts, many at a time; see `Extractor`."""
        from resources.llm.model import LanguageModel

        yield from as_they_come(
            contexts,
            lambda: LanguageModel.from_settings(self._settings),
            self.read,
            # Twice as many as are in the air, so that there is always one to be sent.
            limit=2 * self._settings.llm_concurrency,
        )

    async def read(self, model: LanguageModel, context: Context) -> Extraction:
        """Read one context. What goes wrong with it is part of the outcome."""
        with model.exchange() as exchange:
            read = await self._ask(model, context, exchange)
        return replace(read, reasks=exchange.reasks)

    async def unanswered(self, model: LanguageModel, context: Context) -> list[Request]:
        """Find what would have to be sent to read a context, without sending anything.

        Returns:
            The next request, or nothing where the store has all answers.
        """
        with model.deferring() as exchange:
            await self._ask(model, context, exchange)
        return list(exchange.deferred.values())

    async def _ask(self, model: LanguageModel, context: Context, exchange: Exchange) -> Extraction:
        import instructor
        from anthropic import APIError
        from instructor.core import IncompleteOutputException, InstructorRetryException

        # It writes each wrong answer into the log as an error; the states say it instead.
        logging.getLogger("instructor.v2.retry").setLevel(logging.CRITICAL)
        client = instructor.from_anthropic(model.client, mode=instructor.Mode.TOOLS)
        candidates = {each.entity_id: each.entity_type for each in context.candidates}

        def has_quote(quote: str) -> bool:
            return find_quote(context.text, quote) is not None

        try:
            with answering(AnswerContext(candidates, has_quote)):
                answer, message = await client.create_with_completion(
                    response_model=self._response, max_retries=REASKS, **self.body(context)
                )
        except (InstructorRetryException, IncompleteOutputException, APIError) as error:
            exchange.reject()
            return self._without_answer(model, context, error)
        return self._with_answer(model, context, answer, message.usage)

    def _with_answer(
        self, model: LanguageModel, context: Context, answer: Answer, usage: Any
    ) -> Extraction:
        found = facts(context, answer, self._ontology)
        used = Usage.of({"usage": usage.model_dump()})
        return Extraction(
            context,
            self,
            ANSWERED if found else EMPTY,
            found,
            input_tokens=used.prompt,
            output_tokens=used.output,
            cost=_dollars(model, self.model, used),
        )

    def _without_answer(
        self, model: LanguageModel, context: Context, error: Exception
    ) -> Extraction:
        from pydantic import ValidationError

        known = cause(error)
        if isinstance(known, Refused):
            return Extraction(context, self, REFUSED, detail=str(known))
        if isinstance(known, BuildStopped | NotStored):
            return Extraction(context, self, NOT_TRIED, detail=str(known), final=False)
        if isinstance(known, CutOff):
            return Extraction(context, self, FAILED, detail=str(known))
        if not isinstance(error.__cause__, ValidationError):
            # A passing fault that lasted too long; what it says may hold what we sent.
            detail = f"{type(error.__cause__ or error).__name__}: {known or error}"
            return Extraction(context, self, FAILED, detail=detail[:_LONGEST_DETAIL], final=False)
        usage = getattr(error, "total_usage", None)
        last = _in_form(self._response, getattr(error, "last_completion", None))
        if last is not None:
            return self._with_answer(model, context, last, usage)
        wrong = "; ".join(sorted({each["msg"] for each in error.__cause__.errors()}))
        broken = Extraction(
            context, self, FAILED, detail=f"broken answer: {wrong}"[:_LONGEST_DETAIL]
        )
        if usage is None:
            return broken
        used = Usage.of({"usage": usage.model_dump()})
        return replace(
            broken,
            input_tokens=used.prompt,
            output_tokens=used.output,
            cost=_dollars(model, self.model, used),
        )


def _in_form(response: type[Answer], message: Any) -> Answer | None:
    """The last answer if at least its form is right: its facts are the gate's to judge."""
    from pydantic import ValidationError

    calls = [each for each in getattr(message, "content", ()) if each.type == "tool_use"]
    if len(calls) != 1:
        return None
    with answering(None):
        try:
            return response.model_validate(calls[0].input)
        except ValidationError:
            return None


def _dollars(model: LanguageModel, name: str, used: Usage) -> float:
    from resources.llm.lane import today
    from resources.llm.prices import NANO

    return model.prices.of(name, today()).cost(used) / NANO
