"""Which adapter reads which source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kg_assets.sources import cannes_films, imdb, movielens, tmdb, wikidata, wikidata_films
from kg_assets.sources.canonical import canonical_adapter
from kg_assets.sources.inferred import inferred_adapter

if TYPE_CHECKING:
    from kg_assets.sources.adapter import Adapter

ADAPTERS = {
    adapter.source: adapter
    for adapter in (
        wikidata_films.ADAPTER,
        cannes_films.ADAPTER,
        imdb.ADAPTER,
        tmdb.ADAPTER,
        movielens.ADAPTER,
        wikidata.ADAPTER,
        inferred_adapter(),
    )
}
"""The built-in adapters by name of their source."""


def adapter_for(source: str) -> Adapter:
    """Returns the adapter of a source: its own, or the one that reads canonical records."""
    return ADAPTERS.get(source) or canonical_adapter(source)
