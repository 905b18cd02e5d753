"""A Splink model read for compilation: the levels of its comparisons with their weights."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kg_assets.matching.scorers.conditions import UncompilableError, cost, parse
from kg_assets.matching.scorers.instructions import MISSING
from kg_assets.matching.settings import NOT_COMPUTED

if TYPE_CHECKING:
    from collections.abc import Mapping

SMALLEST_PROBABILITY = 1e-300
"""Splink raises m and u to this (``M_U_CLAMP_MIN`` of its comparison_level.py)."""

NOT_OBSERVED = "level not observed in training dataset"
"""What Splink writes for a probability that training never saw; it counts it as 1e-6."""


@dataclass(frozen=True)
class Frequency:
    """A level's term-frequency adjustment, as Splink 5 computes it.

    The adjustment is weight * (log2(u) - log2(the larger frequency of the two values)).

    Attributes:
        column: The column whose frequencies are looked up.
        weight: Share of the adjustment that counts.
        base: log2 of the u probability that the frequency replaces.
        floor: Smallest frequency.
    """

    column: str
    weight: float
    base: float
    floor: float


@dataclass(frozen=True)
class LevelPlan:
    """A level.

    Attributes:
        value: Its number; -1 for a missing value.
        condition: Syntax tree of its condition, None for the last, which always holds.
        weight: log2(m / u), in bits.
        frequency: Its term-frequency adjustment, if any.
    """

    value: int
    condition: Any
    weight: float
    frequency: Frequency | None = None

    @property
    def cost(self) -> int:
        """What its condition costs for a pair, in comparisons of two numbers."""
        return 0 if self.condition is None else cost(self.condition)


def comparison_plan(place: int, described: Mapping[str, Any]) -> tuple[LevelPlan, ...]:
    """Read a comparison of Splink settings.

    Args:
        place: Place of the comparison among the others.
        described: The comparison, as in Splink's JSON.

    Returns:
        Its levels in order; the first whose condition holds is reached.

    Raises:
        UncompilableError: A probability is missing, or the last level is not ELSE.
    """
    name = described.get("output_column_name", f"comparison {place + 1}")
    levels = described["comparison_levels"]
    if levels[-1]["sql_condition"].strip().upper() != "ELSE":
        raise UncompilableError(f"comparison {name}: the last level must be ELSE")
    left = sum(not level.get("is_null_level") for level in levels)
    made = []
    for level in levels:
        missing = bool(level.get("is_null_level"))
        left -= not missing
        last = level is levels[-1]
        made.append(
            LevelPlan(
                value=MISSING if missing else left,
                condition=None if last else parse(_without_sentinel(level["sql_condition"])),
                weight=0.0
                if missing
                else math.log2(_probability(name, level, "m") / _probability(name, level, "u")),
                frequency=None if missing or last else _frequency(name, level, levels),
            )
        )
    return tuple(made)


def _without_sentinel(condition: str) -> str:
    # The model's trick to make DuckDB compute a similarity once: no similarity has this value.
    import sqlglot
    from sqlglot import exp

    try:
        tree = sqlglot.parse_one(condition, read="duckdb")
    except sqlglot.ParseError:
        return condition
    parts = list(tree.flatten()) if isinstance(tree, exp.Or) else [tree]
    kept = [
        part
        for part in parts
        if not (isinstance(part, exp.EQ) and part.expression.sql() == str(NOT_COMPUTED))
    ]
    if len(kept) == len(parts):
        return condition
    return " OR ".join(part.sql("duckdb") for part in kept) or "FALSE"


def _probability(name: str, level: Mapping[str, Any], which: str) -> float:
    value = level.get(f"{which}_probability")
    if value == NOT_OBSERVED:
        return 1e-6
    if value is None:
        raise UncompilableError(
            f"comparison {name}, level {level['sql_condition']!r} has no {which} probability: "
            "train the model (kg build --retrain)"
        )
    return max(float(value), SMALLEST_PROBABILITY)


def _frequency(
    name: str,
    level: Mapping[str, Any],
    levels: list[Mapping[str, Any]],
) -> Frequency | None:
    column = level.get("tf_adjustment_column")
    if column is None:
        return None
    # Splink leaves a weight of 0 out when it copies its settings, and then takes 1.
    weight = level.get("tf_adjustment_weight") or 1.0
    exact = level
    if not level.get("disable_tf_exact_match_detection"):
        found = [one for one in levels if _is_equality(one, column)]
        if not found:
            raise UncompilableError(
                f"comparison {name}: a term-frequency adjustment of {column} needs a level for "
                "equal values, or disable_tf_exact_match_detection"
            )
        exact = found[0]
    return Frequency(
        column=column,
        weight=float(weight),
        base=math.log2(_probability(name, exact, "u")),
        floor=float(level.get("tf_minimum_u_value", 0.0)),
    )


def _is_equality(level: Mapping[str, Any], column: str) -> bool:
    from sqlglot import exp

    if level["sql_condition"].strip().upper() == "ELSE":
        return False
    tree = parse(level["sql_condition"].lower())
    return (
        isinstance(tree, exp.EQ)
        and isinstance(tree.this, exp.Column)
        and isinstance(tree.expression, exp.Column)
        and {tree.this.name, tree.expression.name} == {f"{column.lower()}_l", f"{column.lower()}_r"}
    )
