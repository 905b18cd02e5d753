"""Splink settings made of a specification, and the Splink linker that works with them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb
    from splink import Linker

    from kg_assets.matching.model import Comparison, MatchSpec

NOT_COMPUTED = -100
"""A value that no similarity has."""


def rounded(value: float) -> float:
    """A parameter to six significant digits, so that the last bits of a sum do not show."""
    return float(f"{value:.6g}")


def prior_settings(spec: MatchSpec) -> dict[str, Any]:
    """The Splink settings of a specification before training.

    Args:
        spec: The type's match model.

    Returns:
        Settings with the declared probabilities, as Splink reads them from JSON.
    """
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "record_id",
        "probability_two_random_records_match": spec.prior,
        # Splink keeps the levels of a pair only together with what was compared.
        "retain_matching_columns": True,
        "retain_intermediate_calculation_columns": False,
        "additional_columns_to_retain": [],
        "blocking_rules_to_generate_predictions": [],
        "comparisons": [_comparison(one) for one in spec.comparisons],
        "sql_dialect": "duckdb",
        "em_convergence": 0.0001,
        "max_iterations": 25,
    }


def _comparison(one: Comparison) -> dict[str, Any]:
    missing = one.missing
    if one.similarity is not None:
        missing = f"{one.similarity} = {NOT_COMPUTED} OR {missing}"
    levels: list[dict[str, Any]] = [
        {"sql_condition": missing, "label_for_charts": "missing", "is_null_level": True}
    ]
    for level in one.levels:
        described: dict[str, Any] = {
            "sql_condition": level.condition,
            "label_for_charts": level.label,
            "m_probability": level.m,
            "u_probability": level.u,
        }
        if level.term_frequency is not None:
            described |= {
                "tf_adjustment_column": level.term_frequency,
                "tf_adjustment_weight": level.term_weight,
                # Splink would look for an equality of the column in the condition.
                "disable_tf_exact_match_detection": True,
            }
        levels.append(described)
    return {"output_column_name": one.name, "comparison_levels": levels}


def columns_for_scoring(spec: MatchSpec) -> tuple[str, ...]:
    """Features that the comparisons name; wide inputs are what makes DuckDB spill."""
    text = " ".join(
        f"{one.missing} {one.similarity or ''} "
        + " ".join(f"{level.condition} {level.term_frequency or ''}_l" for level in one.levels)
        for one in spec.comparisons
    )
    import re

    words = set(re.findall(r"\w+", text))
    return tuple(
        name
        for name in ("source", *(feature.name for feature in spec.features))
        if f"{name}_l" in words or f"{name}_r" in words
    )


def make_linker(
    con: duckdb.DuckDBPyConnection,
    settings: dict[str, Any],
    records_table: str,
    term_tables: dict[str, str],
) -> Linker:
    """A Splink linker over a table of records.

    Args:
        con: A connection with the macros of `normalise`.
        settings: Splink settings.
        records_table: Name of a table with record_id and the columns that are compared.
        term_tables: For each term-frequency column the name of a table with the column itself
            and ``tf_<column>``.
    """
    from splink import DuckDBAPI, Linker

    api = DuckDBAPI(connection=con)
    linker = Linker(api.register(records_table), settings)
    # Splink sets its own level when it is imported and when a linker is made.
    for name in logging.root.manager.loggerDict:
        if name.startswith("splink"):
            logging.getLogger(name).setLevel(logging.ERROR)
    for column, table in term_tables.items():
        linker.table_management.register_term_frequency_lookup(api.register(table), column)
    return linker
