"""What a language model would cost for the contexts of a type; nothing is sent."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from kg_assets.inference.contexts import read_contexts
from kg_assets.inference.extractors import Context
from kg_assets.inference.llm.extractor import LanguageModelExtractor
from kg_assets.inference.llm.loop import as_they_come
from kg_assets.inference.review.tables import FACT_JUDGEMENTS
from kg_assets.inference.tables import extraction_contexts
from kg_assets.matching.tables import entity_members
from ontology.schema import Ontology

if TYPE_CHECKING:
    import duckdb

    from kg_assets.inference.llm.examples import ReviewedFact
    from resources.llm.store import Request
    from resources.settings import Settings

_AT_ONCE = 512
"""Requests whose cost is told at a time; bounds the memory."""


@dataclass(frozen=True)
class Forecast:
    """What the contexts of a type come to.

    Attributes:
        entity_type: The type.
        model: The language model.
        documents: Documents of the contexts.
        contexts: Contexts, several for a long document.
        stored: Contexts of which the store has all answers.
        input_tokens: Tokens that would be sent, low and high.
        output_tokens: Tokens that would be answered, low and high.
        dollars: What that costs, low and high.
    """

    entity_type: str
    model: str
    documents: int = 0
    contexts: int = 0
    stored: int = 0
    input_tokens: tuple[int, int] = (0, 0)
    output_tokens: tuple[int, int] = (0, 0)
    dollars: tuple[float, float] = (0.0, 0.0)


def forecast(settings: Settings, ontology: Ontology, entity_type: str) -> Forecast:
    """Tell what reading all contexts of a type, as they lie in the lake, would cost.

    Args:
        settings: Model, store and prices. No key is needed.
        ontology: What would be asked for.
        entity_type: Type of the subjects.

    Raises:
        UnknownPrice: The price table lacks the model.
    """
    from resources.llm.model import LanguageModel
    from resources.llm.prices import NANO

    # In this mode nothing is sent, whatever else is asked.
    settings = settings.model_copy(update={"llm_mode": "only-stored"})
    extractor = LanguageModelExtractor(
        settings, ontology, entity_type, reviewed(settings, entity_type)
    )
    documents: set[str] = set()
    contexts = stored = 0

    def counted() -> Iterator[Context]:
        nonlocal contexts
        for context in _contexts(settings, entity_type):
            contexts += 1
            documents.add(context.document_id)
            yield context

    low, high = [0, 0, 0], [0, 0, 0]
    asked = as_they_come(
        counted(),
        lambda: LanguageModel.from_settings(settings),
        extractor.unanswered,
        limit=settings.llm_concurrency,
    )
    with LanguageModel.from_settings(settings) as model:
        while batch := list(islice(asked, _AT_ONCE)):
            stored += sum(not requests for requests in batch)
            unsent: list[Request] = [request for requests in batch for request in requests]
            told = model.estimate(unsent)
            spans = (told.input_tokens, told.output_tokens, told.cost)
            low = [a + span[0] for a, span in zip(low, spans, strict=True)]
            high = [a + span[1] for a, span in zip(high, spans, strict=True)]
    return Forecast(
        entity_type,
        settings.llm_model,
        len(documents),
        contexts,
        stored,
        (low[0], high[0]),
        (low[1], high[1]),
        (low[2] / NANO, high[2] / NANO),
    )


def _contexts(settings: Settings, entity_type: str) -> Iterator[Context]:
    from resources.lake import Lake

    with _session(settings) as con:
        found = Lake(settings).relation(con, extraction_contexts(entity_type))
        for batch in found.order("context_id").to_arrow_reader(64):
            yield from read_contexts(batch)


def reviewed(settings: Settings, entity_type: str) -> list[ReviewedFact]:
    """What people decided of facts of a type, as the step takes it for its examples."""
    from kg_assets.inference.review.examples import reviewed_facts
    from resources.lake import Lake

    lake = Lake(settings)
    with _session(settings) as con:
        lake.relation(con, entity_members(entity_type)).create_view("subject_member")
        judgements = lake.relation(con, FACT_JUDGEMENTS, entity_type)
        return reviewed_facts(con, judgements, "subject_member")


@contextmanager
def _session(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    from resources.duck import session

    scratch = settings.scratch / f"dry-run-{secrets.token_hex(6)}"
    scratch.mkdir(parents=True)
    try:
        limit = settings.memory_limit
        with closing(session(threads=1, memory_limit=limit, scratch=scratch)) as con:
            yield con
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
