"""Term frequencies: counted over distinct things at training, looked up at scoring."""

# ruff: noqa: S608 - what is put into statements is declared in our own model files.

from __future__ import annotations

from typing import TYPE_CHECKING

from kg_assets.matching.tables import term_frequencies
from kg_assets.matching.telling import COUNTED, count_names

if TYPE_CHECKING:
    import duckdb

    from kg_assets.matching.model import MatchSpec


def count_terms(
    con: duckdb.DuckDBPyConnection, spec: MatchSpec, view: str
) -> duckdb.DuckDBPyRelation:
    """Count how common the terms of each declared column are.

    A person with a hundred credits has a hundred records and is one thing: terms are counted
    over the distinct values of the declaration's ``distinct``. The empty value holds the
    frequency of what occurs once, for terms that were never seen.

    Args:
        con: The connection.
        spec: The type's match model.
        view: Name of a view of the type's records.

    Returns:
        Rows of the table term_frequencies.
    """
    parts = [
        f"""
        SELECT '{one.column}' AS column_name,
               term AS value,
               least(1, count(*) / greatest(any_value(total), {one.population})) AS frequency
        FROM (
            SELECT unnest(list_distinct({one.terms or "[value]"})) AS term, total
            FROM (
                SELECT {one.distinct} AS thing,
                       min({one.column}) AS value,
                       count(*) OVER () AS total
                FROM {view}
                WHERE {one.column} IS NOT NULL
                GROUP BY thing
            )
        )
        WHERE term <> ''
        GROUP BY term
        UNION ALL
        SELECT '{one.column}',
               '{COUNTED}',
               1.0 / greatest(count(DISTINCT {one.distinct}), {one.population})
        FROM {view}
        WHERE {one.column} IS NOT NULL
        """
        for one in spec.term_frequencies
    ]
    parts += [count_names(one, view) for one in spec.telling]
    if not parts:
        con.register("no_terms", term_frequencies(spec.entity_type).schema.empty_table())
        return con.table("no_terms")
    return con.sql("\nUNION ALL\n".join(parts))


def lookup_tables(
    con: duckdb.DuckDBPyConnection, spec: MatchSpec, records_view: str, frequencies_view: str
) -> dict[str, str]:
    """Make the tables that Splink looks frequencies up in, for the values of some records.

    Args:
        con: The connection.
        spec: The type's match model.
        records_view: Name of a view of the records to be compared.
        frequencies_view: Name of a view of the table term_frequencies.

    Returns:
        Name of the table of each column.
    """
    made = {}
    for one in spec.term_frequencies:
        name = f"frequency_of_{one.column}"
        # A term that was never seen counts as one that was seen once.
        if one.terms is None:
            looked_up = """
                SELECT valued.value, coalesce(known.frequency, once.frequency) AS frequency
                FROM valued
                CROSS JOIN once
                LEFT JOIN known ON known.value = valued.value
            """
        else:
            # The product over the terms as a sum of logarithms.
            looked_up = f"""
                SELECT term.value,
                       exp(sum(ln(coalesce(known.frequency, once.frequency)))) AS frequency
                FROM (SELECT value, unnest({one.terms}) AS term FROM valued) AS term
                CROSS JOIN once
                LEFT JOIN known ON known.value = term.term
                GROUP BY term.value
            """
        # A frequency far below one in all is as rare as a thing can be.
        con.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE {name} AS
            WITH known AS (
                SELECT value, frequency
                FROM {frequencies_view}
                WHERE column_name = $column
            ),
            once AS (
                SELECT min(frequency) AS frequency
                FROM known
                WHERE value = $counted
            ),
            valued AS (
                SELECT DISTINCT {one.column} AS value
                FROM {records_view}
                WHERE {one.column} IS NOT NULL
            )
            SELECT looked_up.value AS {one.column},
                   greatest(looked_up.frequency, once.frequency * {one.floor}) AS tf_{one.column}
            FROM ({looked_up}) AS looked_up
            CROSS JOIN once
            """,
            {"column": one.column, "counted": COUNTED},
        )
        made[one.column] = name
    return made
