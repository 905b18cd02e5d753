"""The match model of each entity type, in the order in which types depend on one another."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from kg_assets.matching.models import (
    book,
    character,
    comic,
    episode,
    event,
    film,
    franchise,
    game,
    organisation,
    person,
    play,
    series,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kg_assets.matching.model import MatchSpec
    from resources.settings import Settings

_IN_ORDER = (
    film, series, episode, person, book, play, comic, game, event, organisation, franchise,
    character,
)  # fmt: skip

MODELS: Mapping[str, MatchSpec] = MappingProxyType(
    {module.SPEC.entity_type: module.SPEC for module in _IN_ORDER}
)
"""Match models by entity type; a type stands after those that it depends on."""


def configured_models(settings: Settings) -> Mapping[str, MatchSpec]:
    """The match models with the scorers that the configuration pins.

    Args:
        settings: Names scorers and shadow scorers by entity type.

    Raises:
        ValueError: A scorer is named for a type that has no model.
    """
    named = {*settings.scorers, *settings.shadow_scorers}
    if unknown := sorted(named - set(MODELS)):
        raise ValueError(
            f"KG_SCORERS or KG_SHADOW_SCORERS names {', '.join(unknown)}, which have no match "
            f"model: the types are {', '.join(MODELS)}"
        )
    return MappingProxyType(
        {
            kind: replace(
                spec,
                scorer=settings.scorers.get(kind, spec.scorer),
                shadow=settings.shadow_scorers.get(kind, spec.shadow),
            )
            for kind, spec in MODELS.items()
        }
    )
