"""Which extractor reads the texts about an entity type, by configuration."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, replace
from typing import TYPE_CHECKING

from kg_assets.inference.combined import Ensemble, InOrder, taught
from kg_assets.inference.composed import ComposedRules
from kg_assets.inference.confidence import WEIGHTS, Weights, read_weights
from kg_assets.inference.extractors import Extractor, identity
from kg_assets.inference.policy import POLICIES, Policy, policy_of
from kg_assets.inference.tables import INFERENCE_TYPES
from ontology.schema import Ontology

if TYPE_CHECKING:
    from kg_assets.inference.llm.examples import ReviewedFact
    from resources.settings import Settings

RULES = "rules"
LLM = "llm"
NAMES = (RULES, LLM)
"""The extractors; several joined by ``+`` are an ensemble."""


class ExtractorsError(ValueError):
    """The configuration names an extractor or an entity type that there is not."""


@dataclass(frozen=True)
class Choice:
    """What reads the texts about an entity type.

    Attributes:
        extractor: The extractor, possibly made of several.
        threshold: Confidence below which a fact is not kept.
        note: What a person should know, such as that there is no key; None where nothing.
        weights: What the signals of a confidence count.
    """

    extractor: Extractor
    threshold: float
    note: str | None = None
    weights: Weights = WEIGHTS

    @property
    def version(self) -> str:
        """What tells the facts of this choice from those of another."""
        threshold = f"@{self.threshold}" if self.threshold else ""
        return f"{identity(self.extractor)}{threshold}-{self.weights_version}"

    @property
    def weights_version(self) -> str:
        """What tells these weights from others."""
        return hashlib.sha256(str(astuple(self.weights)).encode()).hexdigest()[:8]

    def taught(self, reviewed: Sequence[ReviewedFact]) -> Choice:
        """The same choice, whose language model sees examples from what people decided."""
        return replace(self, extractor=taught(self.extractor, reviewed))


def choose(settings: Settings, ontology: Ontology, entity_type: str) -> Choice:
    """Make the extractor that is configured for a type.

    The language model is left out where it cannot be used, and the others go on without it.

    Args:
        settings: Names and thresholds by entity type; the rules where none are given.
        ontology: What the extractors go by.
        entity_type: Type of the subjects.

    Raises:
        ExtractorsError: The configuration names what there is not.
        WeightsError: The configured file holds no weights.
    """
    plan = settings.extractors.get(entity_type)
    order = plan.order if plan else (RULES,)
    rules = rules_for(ontology, entity_type, policy_of(settings, entity_type))
    made, notes = _made(settings, ontology, entity_type, order, rules)
    note = None
    if notes:
        if not made:
            made = [rules]
        note = f"{notes[0]} {entity_type}: {' > '.join(each.name for each in made)} read instead."
    extractor = made[0] if len(made) == 1 else InOrder(made)
    file = settings.confidence_weights
    weights = WEIGHTS if file is None else read_weights(file)
    return Choice(extractor, plan.threshold if plan else 0.0, note, weights)


def choose_shadow(settings: Settings, ontology: Ontology, entity_type: str) -> Extractor | None:
    """Make the extractor that reads the same contexts and decides nothing, None if there is none.

    Raises:
        ExtractorsError: The configuration names what there is not.
    """
    name = settings.shadow_extractors.get(entity_type)
    order = () if name is None else (name,)
    made, _ = _made(
        settings,
        ontology,
        entity_type,
        order,
        rules_for(ontology, entity_type, policy_of(settings, entity_type)),
    )
    return made[0] if made else None


def rules_for(ontology: Ontology, entity_type: str, policy: Policy | None = None) -> Extractor:
    """Make the rules as a build uses them: for the relations of the type's policy."""
    return ComposedRules(ontology, relations=(policy or POLICIES[entity_type]).relations)


def named(
    settings: Settings, ontology: Ontology, name: str, entity_type: str, *, precise: bool = False
) -> Extractor:
    """Make an extractor for texts outside a build, of which every relation is wanted.

    Args:
        settings: How the language model is reached.
        ontology: What the extractor goes by.
        name: One of `NAMES`, or several of them joined by ``+``.
        entity_type: Type of the subjects.
        precise: Whether the rules keep only what they are surer of.

    Raises:
        ExtractorsError: There is none of that name, or it cannot be used.
    """
    problem = _problem((name,))
    if problem:
        raise ExtractorsError(problem)
    rules = ComposedRules(ontology, precise=precise)
    made, notes = _made(settings, ontology, entity_type, (name,), rules)
    if notes:
        raise ExtractorsError(notes[0])
    return made[0]


def without_model(settings: Settings) -> str | None:
    """Say in one line that a language model is configured and cannot be used, and what follows.

    Returns:
        None where none is configured, or it can be used.
    """
    from resources.llm.model import available

    names = [name for plan in settings.extractors.values() for name in plan.order]
    wanted = {part for name in names for part in name.split("+")}
    reason = available(settings) if LLM in wanted else None
    return None if reason is None else f"{reason} The rules read the texts."


def check_extractors(settings: Settings) -> None:
    """Refuse a configuration that names what there is not.

    Raises:
        ExtractorsError: An entity type has no inference, or there is no such extractor.
    """
    named = {kind: plan.order for kind, plan in settings.extractors.items()}
    shadows = {kind: (name,) for kind, name in settings.shadow_extractors.items()}
    for variable, given in (("KG_EXTRACTORS", named), ("KG_SHADOW_EXTRACTORS", shadows)):
        for kind, order in given.items():
            if kind not in INFERENCE_TYPES:
                raise ExtractorsError(
                    f"{variable}: nothing is inferred of {kind!r}; use one of "
                    f"{', '.join(INFERENCE_TYPES)}"
                )
            problem = _problem(order)
            if problem:
                raise ExtractorsError(f"{variable}: {problem}")


def _problem(order: Iterable[str]) -> str | None:
    """What is wrong with the names of extractors, or None."""
    for name in order:
        parts = name.split("+")
        unknown = sorted(set(parts) - set(NAMES))
        if unknown:
            return (
                f"there is no extractor {', '.join(map(repr, unknown))}; use {', '.join(NAMES)}, "
                "or several joined by +"
            )
        if len(set(parts)) < len(parts):
            return f"{name!r} names an extractor twice, which cannot agree with itself"
    return None


def _made(
    settings: Settings,
    ontology: Ontology,
    entity_type: str,
    order: Iterable[str],
    rules: Extractor,
) -> tuple[list[Extractor], list[str]]:
    """The extractors that can be used, and why others cannot."""
    check_extractors(settings)
    made: list[Extractor] = []
    notes: list[str] = []
    for name in order:
        members: list[Extractor] = []
        for part in name.split("+"):
            if part == RULES:
                members.append(rules)
                continue
            from kg_assets.inference.llm.extractor import LanguageModelExtractor
            from resources.llm.model import available

            missing = available(settings)
            if missing is None:
                members.append(LanguageModelExtractor(settings, ontology, entity_type))
            else:
                notes.append(missing)
        if members:
            made.append(members[0] if len(members) == 1 else Ensemble(members))
    # "llm+rules" and then "rules" are the same rules twice where there is no key.
    distinct = {identity(each): each for each in made}
    return list(distinct.values()), notes
