"""The match model of each entity type, in the order in which types depend on one another."""

from __future__ import annotations

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

_IN_ORDER = (
    film, series, episode, person, book, play, comic, game, event, organisation, franchise,
    character,
)  # fmt: skip

MODELS: Mapping[str, MatchSpec] = MappingProxyType(
    {module.SPEC.entity_type: module.SPEC for module in _IN_ORDER}
)
"""Match models by entity type; a type stands after those that it depends on."""
