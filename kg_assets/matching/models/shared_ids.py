"""Identifiers that sources share, as evidence where the configuration allows it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kg_assets.matching.model import (
    ALLOWED_IDS,
    TEXTS,
    BlockingRule,
    Comparison,
    Feature,
    Level,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kg_assets.matching.model import MatchSpec

_SAME = 1e-9
"""Share of pairs of different things that have an id in common. With it an equal id weighs 30 bits:
more than a name that nobody else has (13) and a prior of one in ten thousand (-13) together, and
less than what a pair loses that differs in all else."""

_OTHER = 0.05
"""Share of pairs of one thing with different ids in one system: slips, and things that a system has
twice."""


def with_shared_ids(spec: MatchSpec, systems: Sequence[str]) -> MatchSpec:
    """A match model that also looks at identifiers of some systems.

    Records with an id in common are candidates, and the id weighs much. Vetoes stand above it: a
    pair that one of them holds for is not joined and goes to the review queue. An id that two
    records of one source have is not looked at: it is a slip, or no id of one thing.

    Args:
        spec: The type's match model.
        systems: Names of the systems, as in external_ids; none: the model as it is.
    """
    if not systems:
        return spec
    return replace(
        spec,
        shared_ids=tuple(sorted(set(systems))),
        features=(
            *spec.features,
            Feature("shared_ids", f"coalesce({ALLOWED_IDS}, [])", TEXTS),
            Feature(
                "id_systems",
                "list_sort(list_distinct(list_transform(shared_ids, "
                "lambda one: split_part(one, ':', 1))))",
                TEXTS,
            ),
        ),
        blocking=(
            *spec.blocking,
            BlockingRule("same id", keys="shared_ids", refine="shared_ids", across_sources=True),
        ),
        comparisons=(
            *spec.comparisons,
            Comparison(
                name="shared_id",
                missing="NOT list_has_any(id_systems_l, id_systems_r)",
                levels=(
                    Level(
                        "an id in common",
                        "list_has_any(shared_ids_l, shared_ids_r)",
                        1 - _OTHER,
                        _SAME,
                    ),
                    Level("other ids", "ELSE", _OTHER, 1 - _SAME),
                ),
                # The pairs that training sees were made by other rules, and few share an id.
                train="",
            ),
        ),
    )
