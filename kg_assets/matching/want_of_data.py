"""What a model lacked when it was made, and when there is enough to make it again by itself."""

# ruff: noqa: S608 - what is put into statements is declared in our own model files.

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from kg_assets.matching.expectation import count_pairs

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb

    from kg_assets.matching.model import MatchSpec

FEWEST_PAIRS = 200
"""Below this many pairs a training rule is not used: EM would fit its few pairs and no more."""

FEWEST_RECORDS = 200
"""Records below which it does not show how common a term is."""

ENOUGH = 2
"""How many times the least number there must be before something is made again that was declared,
or counted of fewer, for want of data. All scores and thresholds follow from it, so it is done once,
of clearly more than the least."""


def lacking(spec: MatchSpec, row: Mapping[str, Any]) -> str | None:
    """What a model lacked when it was made; None where it is frozen.

    Args:
        spec: The type's match model.
        row: The row of the table match_model.
    """
    if _untrained(spec, row):
        return (
            f"no training rule found {FEWEST_PAIRS:,} pairs: trained by itself once one finds "
            f"{ENOUGH * FEWEST_PAIRS:,}"
        )
    if _of_few_records(spec, row):
        return (
            f"terms were counted of {row['records']:,} records: counted again by itself once there "
            f"are {ENOUGH * FEWEST_RECORDS:,}"
        )
    return None


def enough(
    con: duckdb.DuckDBPyConnection, spec: MatchSpec, row: Mapping[str, Any], view: str
) -> str | None:
    """Whether there is enough now of what a model lacked.

    Args:
        con: A connection with the macros of `normalise`; the table ``training_input`` is made.
        spec: The type's match model.
        row: The row of the table match_model.
        view: Name of a view of the type's records.

    Returns:
        What there is now, in words; None where it is still too little, or nothing was lacking.
    """
    ((count, meet),) = con.sql(
        f"SELECT count(*), count(DISTINCT source) > 1 OR NOT bool_and(duplicate_free) FROM {view}"
    ).fetchall()
    if _of_few_records(spec, row) and count >= ENOUGH * FEWEST_RECORDS:
        return f"there are {count:,} records, and it was made of {row['records']:,}"
    # In one source without duplicates no rule finds any pair, however long it looks.
    if not _untrained(spec, row) or not meet:
        return None
    named = sorted({name for rule in spec.training_rules for name in _columns(rule)})
    columns = "".join(f", {name}" for name in named if name not in _ALWAYS)
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE training_input AS
        SELECT {", ".join(_ALWAYS)}{columns}
        FROM {view}
        """
    )
    for rule in spec.training_rules:
        pairs = count_pairs(con, rule)
        if pairs >= ENOUGH * FEWEST_PAIRS:
            return f"there are {pairs:,} pairs of {rule}, and no rule found {FEWEST_PAIRS:,}"
    return None


_ALWAYS = ("record_id", "source", "duplicate_free")


def _columns(rule: str) -> list[str]:
    return re.findall(r"\b[lr]\.(\w+)", rule)


def _untrained(spec: MatchSpec, row: Mapping[str, Any]) -> bool:
    return any(one.train for one in spec.comparisons) and not row["trained"]


def _of_few_records(spec: MatchSpec, row: Mapping[str, Any]) -> bool:
    """Whether its terms were counted of too few; what was trained since is frozen all the same."""
    # A model of an earlier version of the program does not say of how many.
    few = row["records"] is not None and row["records"] < FEWEST_RECORDS
    return few and not row["trained"] and bool(spec.term_frequencies or spec.telling)
