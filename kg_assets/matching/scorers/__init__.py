"""Scorers: ways to a pair's match weight behind one interface, chosen by name for each type."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kg_assets.matching.scorers.interface import Scorer

SCORERS = ("compiled", "splink", "classifier")
"""Names of the scorers."""


def scorer(name: str) -> Scorer:
    """The scorer of a name.

    Args:
        name: One of `SCORERS`.

    Raises:
        ValueError: There is none of that name.
    """
    from kg_assets.matching.scorers.classifier import ClassifierScorer
    from kg_assets.matching.scorers.compiled import CompiledScorer
    from kg_assets.matching.scorers.splink_predict import SplinkScorer

    kinds: tuple[type[Scorer], ...] = (CompiledScorer, SplinkScorer, ClassifierScorer)
    for kind in kinds:
        if kind.name == name:
            return kind()
    raise ValueError(f"there is no scorer {name!r}: choose one of {', '.join(SCORERS)}")
