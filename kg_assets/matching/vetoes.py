"""Vetoes and cannot-link rules evaluated over pairs of records."""

# ruff: noqa: S608 - what is put into statements is declared in our own model files.

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

    from kg_assets.matching.model import MatchSpec

CANNOT_LINK = "told_apart_by_source"
"""Name of the veto that a model's cannot-link rule makes."""


def all_vetoes(spec: MatchSpec) -> tuple[tuple[str, str, str], ...]:
    """The vetoes of a model and its cannot-link rule: name, condition over l and r, text."""
    found = tuple((veto.name, veto.condition, veto.text) for veto in spec.vetoes)
    if spec.cannot_link is None:
        return found
    # The rule names columns of one record; the veto needs them of both.
    left, right = (_of_side(spec, spec.cannot_link, side) for side in ("l", "r"))
    return (
        *found,
        (
            CANNOT_LINK,
            f"l.source = r.source AND l.source_id <> r.source_id AND list_has_any({left}, {right})",
            "The source itself tells the two apart.",
        ),
    )


def _of_side(spec: MatchSpec, expression: str, side: str) -> str:
    for feature in spec.features:
        expression = re.sub(rf"\b{feature.name}\b", f"{side}.{feature.name}", expression)
    return expression


def columns_for_vetoes(spec: MatchSpec) -> tuple[str, ...]:
    """Columns that the vetoes name."""
    words = {
        word
        for _, condition, _ in all_vetoes(spec)
        for word in re.findall(r"\b[lr]\.(\w+)", condition)
    }
    return tuple(sorted(words))


def veto_expression(spec: MatchSpec) -> str:
    """SQL for the name of the first veto that holds for the records l and r, NULL for none."""
    vetoes = all_vetoes(spec)
    if not vetoes:
        return "CAST(NULL AS VARCHAR)"
    cases = "\n".join(f"WHEN {condition} THEN '{name}'" for name, condition, _ in vetoes)
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
