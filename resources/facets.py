"""Facets: what the catalog notes of what a partition holds, so that a step reads only its own part.

A facet is a name, such as the type of some rows of the partition, or what is to be known of it
without opening it. A partition of which none were noted, as older catalogs have them, may hold
anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from resources.entries import Head

GOVERNS = "*"
"""Facet of a partition that bears on all others of its group, whatever it holds itself."""

_WITH = "with:"
"""What stands before facets where the inputs of a step name the partitions that hold them; no key
of a partition begins so."""


def place_of(facets: Collection[str]) -> str:
    """How the inputs of a step name the partitions that hold one of some facets."""
    return _WITH + ",".join(sorted(facets))


def facets_at(place: str) -> list[str] | None:
    """The facets of which `place_of` made a name, None where it is that of a partition."""
    return place.removeprefix(_WITH).split(",") if place.startswith(_WITH) else None


def holding(heads: Mapping[str, Head], facets: Collection[str]) -> set[str]:
    """Which partitions of a table bear on its rows that have one of some facets.

    Those are the partitions that hold such rows, or may; and of each group, which is what stands
    before the bar in a partition's key, with such a partition those that govern the group.

    Args:
        heads: Current version of each partition.
        facets: The facets.
    """
    wanted = frozenset(facets)
    found = {key for key, head in heads.items() if head.facets is None or head.facets & wanted}
    groups = {_group(key) for key in found}
    governing = {key for key, head in heads.items() if head.facets and GOVERNS in head.facets}
    return found | {key for key in governing if _group(key) in groups}


def _group(key: str) -> str:
    return key.split("|")[0]
