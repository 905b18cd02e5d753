"""How telling a shared name is: the fewer things have it, the more it says that two are one.

A list of names is a list of 64-bit hashes. Before lists are compared, the low bits of each hash are
replaced by what its name tells, as it was counted at training and frozen with the model. So a name
is still the same number in both lists, and what two lists tell together is a sum over the numbers
that they share (the macro ``telling``).
"""

# ruff: noqa: S608 - what is put into statements is declared in our own model files.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

    from kg_assets.matching.model import MatchSpec, Telling

COUNTED = ""
"""The value under which a column's frequency of a single occurrence is kept."""

BITS = 15
"""The low bits of a hash that are replaced. Among a million names the chance that two differ in
these alone is 4e-7."""

ONCE = 8
"""What a name tells that one thing has, in bits; with each doubling of the things it is one less.

Two things that are compared are no random ones: they share a title, a country or a decade, and
those who took part in them are taken from the same few people. So what tells is how many of a few
hundred things like these have the name, whatever the number of all things is: one that 256 things
have tells nothing. A name that was never seen counts as one that was seen once.
"""


def count_names(one: Telling, view: str) -> str:
    """The statement that counts how common the names of a list are.

    Args:
        one: The declaration.
        view: Name of a view of the type's records.

    Returns:
        A query with the columns of the table term_frequencies. Names that one thing has are left
        out: they are most, and count like those that were never seen.
    """
    # Of a thing a hash: rows of two numbers need little memory, and DuckDB can spill them.
    return f"""
        SELECT '{one.column}' AS column_name,
               name::VARCHAR AS value,
               count(*) / (SELECT greatest(count(DISTINCT {one.distinct}), 1) FROM {view})
                   AS frequency
        FROM (
            SELECT DISTINCT thing, name - name % {BITS + 1} AS name
            FROM (
                SELECT hash({one.distinct}) AS thing, unnest({one.column}) AS name
                FROM {view}
                WHERE {one.distinct} IS NOT NULL
            )
        )
        GROUP BY name
        HAVING count(*) > 1
        UNION ALL
        SELECT '{one.column}', '{COUNTED}', 1.0 / greatest(count(DISTINCT {one.distinct}), 1)
        FROM {view}
        """


def known_names(column: str, frequencies_view: str) -> str:
    """The statement that gives the names of a list that tell less than one seen once.

    Args:
        column: The column.
        frequencies_view: Name of a view of the table term_frequencies.

    Returns:
        A query with ``name`` (the hash without its low bits) and ``told`` (with them), UBIGINT.
    """
    return f"""
        SELECT name,
               name + greatest(0, {ONCE} - round(log2(frequency / once)))::UBIGINT AS told
        FROM (
            SELECT value::UBIGINT AS name, frequency
            FROM {frequencies_view}
            WHERE column_name = '{column}' AND value <> '{COUNTED}'
        )
        CROSS JOIN (
            SELECT min(frequency) AS once
            FROM {frequencies_view}
            WHERE column_name = '{column}' AND value = '{COUNTED}'
        )
        """


def tell(
    con: duckdb.DuckDBPyConnection, spec: MatchSpec, table: str, frequencies_view: str
) -> None:
    """Put what names tell into the lists of a table.

    Args:
        con: The connection.
        spec: The type's match model.
        table: Name of a temporary table with record_id and some columns, which is made anew; each
            list that tells is among them or is not compared.
        frequencies_view: Name of a view of the table term_frequencies.
    """
    there = set(con.table(table).columns)
    for one in spec.telling:
        if one.column not in there:
            continue
        con.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE {table} AS
            SELECT given.* REPLACE (coalesce(found.names, given.{one.column}) AS {one.column})
            FROM {table} AS given
            LEFT JOIN (
                SELECT record_id,
                       list(coalesce(told, name + {ONCE}) ORDER BY name) AS names
                FROM (
                    SELECT record_id, one - one % {BITS + 1} AS name
                    FROM (SELECT record_id, unnest({one.column}) AS one FROM {table})
                )
                LEFT JOIN ({known_names(one.column, frequencies_view)}) USING (name)
                GROUP BY record_id
            ) AS found USING (record_id)
            """
        )


def read_known(
    con: duckdb.DuckDBPyConnection, spec: MatchSpec, frequencies_view: str
) -> dict[str, Any]:
    """The names that tell less than one seen once, by column; arrays of 64-bit numbers.

    Args:
        con: The connection.
        spec: The type's match model.
        frequencies_view: Name of a view of the table term_frequencies.

    Returns:
        For each list that tells the hashes of such names in no order, with what they tell in their
        low bits.
    """
    return {
        one.column: con.sql(f"SELECT told FROM ({known_names(one.column, frequencies_view)})")
        .to_arrow_table()
        .column("told")
        .combine_chunks()
        .to_numpy(zero_copy_only=False)
        for one in spec.telling
    }
