"""Vetoes evaluated over pairs of records."""

# ruff: noqa: S608 - what is put into statements is declared in our own model files.

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

    from kg_assets.matching.model import MatchSpec


def columns_for_vetoes(spec: MatchSpec) -> tuple[str, ...]:
    """Columns that the vetoes name."""
    words = {word for veto in spec.vetoes for word in re.findall(r"\b[lr]\.(\w+)", veto.condition)}
    return tuple(sorted(words))


def veto_expression(spec: MatchSpec) -> str:
    """SQL for the name of the first veto that holds for the records l and r, NULL for none."""
    if not spec.vetoes:
        return "CAST(NULL AS VARCHAR)"
    cases = "\n".join(f"WHEN {veto.condition} THEN '{veto.name}'" for veto in spec.vetoes)
    return f"CASE\n{cases}\nEND"


def veto_pairs(
    con: duckdb.DuckDBPyConnection, spec: MatchSpec, pairs_view: str, records_view: str
) -> duckdb.DuckDBPyRelation:
    """Evaluate a model's vetoes on pairs.

    Args:
        con: A connection with the macros of `normalise`.
        spec: The type's match model.
        pairs_view: Name of a view with record_l and record_r.
        records_view: Name of a view of the type's records.

    Returns:
        record_l, record_r, veto: only the pairs that one of the vetoes holds for.
    """
    return con.sql(
        f"""
        SELECT *
        FROM (
            SELECT pair.record_l, pair.record_r, {veto_expression(spec)} AS veto
            FROM {pairs_view} AS pair
            JOIN {records_view} AS l ON l.record_id = pair.record_l
            JOIN {records_view} AS r ON r.record_id = pair.record_r
        )
        WHERE veto IS NOT NULL
        """
    )
