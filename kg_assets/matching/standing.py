"""How scorers in the shadow do beside those that count, as the last runs reported it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kg_assets.matching.models import MODELS
from kg_assets.matching.scorers.shadow import COUNTS
from kg_assets.matching.tables import match_scores

if TYPE_CHECKING:
    from resources.journal import Entry
    from resources.settings import Settings


@dataclass(frozen=True)
class ShadowScorer:
    """How the scorer in the shadow of a type's does, over all shards.

    Attributes:
        entity_type: The type.
        scorer: The scorer that counts.
        shadow: The scorer in its shadow.
        pairs: Pairs that both scored.
        above: Those of them at or above the threshold of their sources.
        shadow_above: Those that are by the shadow.
        alike: Those that both decide alike.
        frozen: Those of whose sources the threshold was frozen then; of others the declared one
            decides.
        silent: Why nothing is compared, where a shard said so.
    """

    entity_type: str
    scorer: str
    shadow: str
    pairs: int = 0
    above: int = 0
    shadow_above: int = 0
    alike: int = 0
    frozen: int = 0
    silent: str | None = None


def shadow_scorers(
    settings: Settings, known: Mapping[tuple[str, str], Entry]
) -> Sequence[ShadowScorer]:
    """The scorers in the shadow that are configured and have been asked.

    Args:
        settings: Names them.
        known: The last run of each partition, by step and partition.
    """
    found = []
    for kind, spec in MODELS.items():
        shadow = settings.shadow_scorers.get(kind, spec.shadow)
        step = match_scores(kind).name
        # Of a shadow that was configured since there is nothing to tell yet.
        shards = [
            entry.figures
            for (name, _), entry in sorted(known.items())
            if name == step and entry.figures.get("shadow") == shadow
        ]
        if shadow is None or not shards:
            continue
        counted = [one["shadow_counts"] for one in shards if one["shadow_counts"]]
        silent = [one["shadow_silent"] for one in shards if one["shadow_silent"]]
        found.append(
            ShadowScorer(
                entity_type=kind,
                scorer=settings.scorers.get(kind, spec.scorer),
                shadow=shadow,
                silent=next(iter(silent), None),
                **{name: sum(int(one[name]) for one in counted) for name in COUNTS},
            )
        )
    return found
