"""The gates of a promotion: how much may change without a person's reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kg_assets.promotion.comparison import Comparison
    from resources.team_settings import Gates


@dataclass(frozen=True)
class Refusal:
    """A gate that is shut.

    Attributes:
        gate: Name of the gate, a field of `resources.team_settings.Gates`.
        what: The entity type, relation or labels that it looked at.
        found: What was found, a share or a difference of F1.
        limit: What the gate lets through.
    """

    gate: str
    what: str
    found: float
    limit: float

    def __str__(self) -> str:
        """In words, for people."""
        name = self.gate.replace("_", " ")
        return f"{name} of {self.what}: {self.found:.2%} is more than {self.limit:.2%}"


def refusals(
    gates: Gates,
    comparison: Comparison,
    scores_before: Mapping[str, float],
    scores_after: Mapping[str, float],
) -> list[Refusal]:
    """The gates that are shut.

    Args:
        gates: How much each lets through.
        comparison: The namespace against production.
        scores_before: F1 of production by what it was measured against.
        scores_after: F1 of the namespace likewise.
    """
    limits = gates.model_dump()
    shares = [
        (gate, what, part / whole)
        for gate, what, part, whole in (*_of_types(comparison), *_of_relations(comparison))
        if part >= gates.fewest
    ]
    # Rounded, so that the last bits of a mean decide nothing.
    falls = [
        ("f1_fall", name, round(scores_before[name] - scores_after[name], 9))
        for name in sorted(set(scores_before) & set(scores_after))
    ]
    return [
        Refusal(gate, what, found, limits[gate])
        for gate, what, found in (*shares, *falls)
        if found > limits[gate]
    ]


def _of_types(comparison: Comparison) -> Iterator[tuple[str, str, int, int]]:
    for kind, change in comparison.types.items():
        yield "records_lost", kind, change.records_lost, change.records_before
        yield "entities_lost", kind, change.lost, change.before
        yield "entities_merged", kind, change.merged, change.before
        yield "entities_split", kind, change.split, change.before
        yield "ids_changed", kind, change.renamed, change.before


def _of_relations(comparison: Comparison) -> Iterator[tuple[str, str, int, int]]:
    for (name, kind), change in comparison.relations.items():
        yield "relations_lost", f"{name} ({kind})", change.lost, change.before
