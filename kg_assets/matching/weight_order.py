"""Match weights fall as agreement does: levels that would rise are pooled, and a check of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from kg_assets.matching.settings import (
    rounded,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kg_assets.matching.model import Comparison, MatchSpec


CLEAR_FALL = 2.0
"""Bits by which a declared weight lies above another so that training may not turn them round.

Odds of four to one. What is declared closer is a guess that data may overturn: of two languages in
common the second can be the more telling, because most films share the first.
"""


def make_weights_fall(spec: MatchSpec, settings: dict[str, Any]) -> list[str]:
    """Pool levels whose match weight rises where the declaration says that it clearly falls.

    Of few or lopsided pairs, training can learn that "titles differ" speaks for a match. Levels
    that break the declared order get the weight of both together (pool adjacent violators, Ayer
    and others, 1955). Each keeps its u, and the m of the pool stays what it was in all, so the
    probabilities still sum to one, and a comparison whose weights fall ends at or below nought.

    Args:
        spec: The type's match model.
        settings: The Splink settings; changed.

    Returns:
        A note for each comparison that was changed.
    """
    notes = []
    for place, comparison in enumerate(spec.comparisons):
        if not comparison.train:
            continue
        levels = levels_of(settings, place)
        us = [level["u_probability"] for level in levels]
        # Each pool: m, u and its levels.
        pools = [
            (level["m_probability"], level["u_probability"], [number])
            for number, level in enumerate(levels)
        ]
        while (found := _rising(comparison, pools)) is not None:
            first, last = found
            taken = pools[first : last + 1]
            pools[first : last + 1] = [
                (
                    sum(m for m, _, _ in taken),
                    sum(u for _, u, _ in taken),
                    [number for _, _, numbers in taken for number in numbers],
                )
            ]
        changed = [pool for pool in pools if len(pool[2]) > 1]
        for m, u, numbers in changed:
            for number in numbers:
                levels[number]["m_probability"] = _just_under(m / u * us[number])
        notes += [
            f"{comparison.name}: one weight for "
            + ", ".join(comparison.levels[number].label for number in numbers)
            + ", which would rise"
            for _, _, numbers in changed
        ]
    return notes


def _rising(
    comparison: Comparison, pools: list[tuple[float, float, list[int]]]
) -> tuple[int, int] | None:
    """Two pools of which the later has the greater weight and must not; the nearest such two.

    Pooling those that are far apart would take along all between them, which break nothing.
    """
    for last, (m_2, u_2, later) in enumerate(pools):
        for first in reversed(range(last)):
            m_1, u_1, earlier = pools[first]
            # Probabilities are rounded to six digits.
            if m_2 / u_2 > m_1 / u_1 * 1.0001 and _must_fall(comparison, earlier, later):
                return first, last
    return None


def _must_fall(comparison: Comparison, earlier: list[int], later: list[int]) -> bool:
    """Whether a declared weight of the earlier levels is clearly above one of the later ones."""

    def weights(numbers: list[int]) -> list[float]:
        return [math.log2(comparison.levels[n].m / comparison.levels[n].u) for n in numbers]

    return max(weights(earlier)) - min(weights(later)) >= CLEAR_FALL


def _just_under(value: float) -> float:
    return rounded(min(value, 0.999999))


def rises(spec: MatchSpec, settings: Mapping[str, Any]) -> list[str]:
    """Levels whose match weight is above that of the level before, where it should fall.

    Args:
        spec: The type's match model.
        settings: The trained Splink settings.

    Returns:
        Comparison and level of each, with both weights in bits.
    """
    found = []
    for place, comparison in enumerate(spec.comparisons):
        levels = levels_of(settings, place)
        pools = [
            (level["m_probability"], level["u_probability"], [number])
            for number, level in enumerate(levels)
        ]
        rising = _rising(comparison, pools)
        if rising is not None:
            first, last = (
                f"{comparison.levels[number].label} ({math.log2(m / u):+.2f} bits)"
                for number in rising
                for m, u, _ in [pools[number]]
            )
            found.append(f"{comparison.name}: {last} weighs more than {first}")
    return found


def levels_of(settings: Mapping[str, Any], place: int) -> list[dict[str, Any]]:
    """The levels of a comparison, given by its place, that say something: without the missing."""
    found: list[dict[str, Any]] = settings["comparisons"][place]["comparison_levels"]
    return [level for level in found if not level.get("is_null_level")]
