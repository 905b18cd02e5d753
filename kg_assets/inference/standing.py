"""How far the texts about each entity type are read, as the last runs reported it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kg_assets.inference.choice import LLM
from kg_assets.inference.extractors import ANSWERED, EMPTY, FAILED, NOT_TRIED, REFUSED
from kg_assets.inference.tables import (
    INFERENCE_TYPES,
    extraction_contexts,
    extractor_comparison,
    inferred_relations,
)
from kg_assets.inference.text_tables import WAITING_TEXTS
from resources.table import WHOLE

if TYPE_CHECKING:
    from resources.journal import Entry
    from resources.settings import Settings


@dataclass(frozen=True)
class Shadow:
    """How a second extractor does beside the first.

    Attributes:
        name: The second extractor.
        agreement: Share of the facts that either keeps which both keep; None: neither keeps any.
        reviewed: Facts that people judged in the texts that both read.
        first: Precision, recall and f1 of the first on these facts, each with the ends of its
            95 % interval; empty where nothing was judged.
        second: Those of the second.
    """

    name: str
    agreement: float | None = None
    reviewed: int = 0
    first: Mapping[str, Sequence[float]] = field(default_factory=dict)
    second: Mapping[str, Sequence[float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Inference:
    """How far the texts of an entity type are read.

    Attributes:
        entity_type: The type.
        eligible: Entities whose texts are to be read.
        skipped: Entities that are not, by the reason.
        contexts: Texts, or windows of long ones, of the eligible entities.
        read_because: Contexts that the last run read, by what had changed.
        kept: Contexts that stood as they had been read, since nothing had changed.
        done: Contexts that were read, whether anything was found or not.
        refused: Contexts that the model declined; they are not asked again.
        failed: Contexts that could not be read.
        not_tried: Contexts that were not read yet.
        facts: Facts that were accepted.
        read_by: The extractor of the last run; None: there was none.
        note: What a person should know of it, such as that there is no key.
        dollars: What the answers that stand have cost, in US dollars.
        dollars_next: What the next build may spend, low and high, by the mean price of a context so
            far; zeros where no language model reads, or none has read yet.
        shadow: How the second extractor did; None: there is none, or it has not read yet.
    """

    entity_type: str
    eligible: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)
    contexts: int = 0
    read_because: Mapping[str, int] = field(default_factory=dict)
    kept: int = 0
    done: int = 0
    refused: int = 0
    failed: int = 0
    not_tried: int = 0
    facts: int = 0
    read_by: str | None = None
    note: str | None = None
    dollars: float = 0.0
    dollars_next: tuple[float, float] = (0.0, 0.0)
    shadow: Shadow | None = None


def inference_of(
    settings: Settings, known: Mapping[tuple[str, str], Entry], stale: Collection[str]
) -> list[Inference]:
    """How far the texts of each type are read.

    Args:
        settings: Who reads.
        known: The last run of each partition, by step and partition.
        stale: Names of steps that have to run, or may follow from such.
    """
    return [_of(settings, known, stale, kind) for kind in INFERENCE_TYPES]


def _of(
    settings: Settings,
    known: Mapping[tuple[str, str], Entry],
    stale: Collection[str],
    kind: str,
) -> Inference:
    given = _figures(known, extraction_contexts(kind).name)
    read = _figures(known, inferred_relations(kind).name)
    states: Mapping[str, int] = read.get("contexts_by_state", {})
    done = states.get(ANSWERED, 0) + states.get(EMPTY, 0)
    unread = states.get(FAILED, 0) + states.get(NOT_TRIED, 0)
    contexts = int(given.get("contexts", 0))
    dollars = float(read.get("dollars", 0.0))
    plan = settings.extractors.get(kind)
    pays = plan is not None and any(LLM in name.split("+") for name in plan.order)
    price = dollars / done if pays and done else 0.0
    # Which contexts will be other ones is known only when they are made.
    most = contexts if inferred_relations(kind).name in stale else unread
    return Inference(
        entity_type=kind,
        eligible=int(given.get("eligible", 0)),
        skipped=dict(given.get("skipped", {})),
        contexts=contexts,
        read_because=dict(read.get("contexts_read_because", {})),
        kept=int(read.get("contexts_kept", 0)),
        done=done,
        refused=states.get(REFUSED, 0),
        failed=states.get(FAILED, 0),
        not_tried=states.get(NOT_TRIED, 0) + max(0, contexts - int(read.get("contexts", 0))),
        facts=int(read.get("accepted", 0)),
        read_by=read.get("read_by"),
        note=read.get("note"),
        dollars=dollars,
        dollars_next=(unread * price, max(most, unread) * price),
        shadow=_shadow(_figures(known, extractor_comparison(kind).name)),
    )


def _shadow(compared: Mapping[str, Any]) -> Shadow | None:
    if compared.get("second", "none") == "none":
        return None
    reviewed = compared.get("reviewed", {})
    return Shadow(
        name=compared["second"],
        agreement=compared.get("agreement"),
        reviewed=int(reviewed.get("facts", 0)),
        first=reviewed.get("first", {}),
        second=reviewed.get("second", {}),
    )


def waiting_texts(known: Mapping[tuple[str, str], Entry]) -> Mapping[str, Any]:
    """Texts that wait for an entity type: how many, about how many things, and some by name."""
    return _figures(known, WAITING_TEXTS.name)


def _figures(known: Mapping[tuple[str, str], Entry], step: str) -> Mapping[str, Any]:
    entry = known.get((step, WHOLE))
    return entry.figures if entry is not None else {}
