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
from kg_assets.matching.models.shared_ids import with_shared_ids

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
    """The match models with the scorers and shared ids that the configuration names.

    Args:
        settings: Names scorers, shadow scorers and systems of shared ids by entity type.

    Raises:
        ValueError: Something is named for a type that has no model.
    """
    if unknown := sorted(set(settings.shared_ids) - set(MODELS)):
        raise ValueError(
            f"KG_SHARED_IDS names {', '.join(unknown)}, which have no match model: the types are "
            f"{', '.join(MODELS)}"
        )
    named = {*settings.scorers, *settings.shadow_scorers}
    if unknown := sorted(named - set(MODELS)):
        raise ValueError(
            f"KG_SCORERS or KG_SHADOW_SCORERS names {', '.join(unknown)}, which have no match "
            f"model: the types are {', '.join(MODELS)}"
        )
    return MappingProxyType(
        {
            kind: replace(
                with_shared_ids(spec, settings.shared_ids.get(kind, ())),
                scorer=settings.scorers.get(kind, spec.scorer),
                shadow=settings.shadow_scorers.get(kind, spec.shadow),
            )
            for kind, spec in MODELS.items()
        }
    )
