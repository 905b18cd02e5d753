"""Generated films and people for the benchmark of updates, with two sources of each thing."""

# ruff: noqa: S608 - numbers and names of our own.

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from kg_assets.sources.record import RECORD_SCHEMA
from kg_assets.sources.tables import DELIVERIES, SOURCE_RECORDS

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb

    from resources.lake import Lake

SOURCES = ("left", "right")

_MACROS = """
CREATE OR REPLACE MACRO chance(thing, salt) AS (hash(thing, salt) % 1000003) / 1000003.0;
CREATE OR REPLACE MACRO skewed(thing, salt, size) AS
    (floor(size * pow(chance(thing, salt), 2)))::BIGINT;
CREATE OR REPLACE MACRO syllable(number) AS
    substr('bcdfghklmnprstvz', 1 + (number % 16)::INT, 1)
    || substr('aeiou', 1 + (number // 16 % 5)::INT, 1)
    || substr('nrslmt', 1 + (number // 80 % 6)::INT, 1);
CREATE OR REPLACE MACRO word(number) AS
    syllable(hash(number, 1)) || syllable(hash(number, 2))
    || CASE WHEN number % 3 = 0 THEN '' ELSE syllable(hash(number, 3)) END;
CREATE OR REPLACE MACRO person(number) AS
    word(900000 + skewed(number, 11, 1500)) || ' ' || word(skewed(number, 12, 30000));
CREATE OR REPLACE MACRO credit(name, person_id, role, place) AS {
    'name': name, 'person_id': person_id, 'role': role, 'character': NULL::VARCHAR,
    'position': place::INTEGER};
"""


def deliver(
    lake: Lake,
    source: str,
    name: str,
    made: Callable[[duckdb.DuckDBPyConnection], duckdb.DuckDBPyRelation],
    mode: str = "partial",
) -> None:
    """Write a delivery as the sources stage would.

    Args:
        lake: The lake.
        source: The source that delivers.
        name: The delivery's name.
        made: Makes its records in the connection that it is given.
        mode: ``partial`` or ``delete``.
    """
    with lake.step("source_records", partition=f"{source}|{name}") as step:
        rows = step.write(SOURCE_RECORDS, made(step.con))
        row = {
            "source": source,
            "delivery": name,
            "sequence": 0,
            "mode": mode,
            "duplicate_free": None,
            "files": 1,
            "blobs": rows,
            "bytes": 0,
            "fingerprint": name,
        }
        step.write(DELIVERIES, pa.Table.from_pylist([row], schema=DELIVERIES.schema))


def films(
    con: duckdb.DuckDBPyConnection, first: int, last: int, source: str, edition: int = 0
) -> duckdb.DuckDBPyRelation:
    """Film records of one source, each of a thing that the other source has too.

    Titles are of two or three words, common ones more often than rare ones, as are directors and
    cast. In each source a tenth of titles has lost its last letter, a tenth of years is one later,
    and a fifth of running times is missing.

    Args:
        con: The connection.
        first: Number of the first thing.
        last: The number after the last.
        source: One of `SOURCES`.
        edition: Another number gives other errors and another running time: a changed record.

    Returns:
        Rows of the table source_records.
    """
    con.execute(_MACROS)
    salt = 1000 * (1 + SOURCES.index(source)) + 100_000 * edition
    return _as_records(
        con,
        f"""
        SELECT 'film' AS entity_type,
               '{source}' AS source,
               thing::VARCHAR AS source_id,
               CASE WHEN chance(thing, {salt + 1}) < 0.1 THEN left(title, -1) ELSE title END
                   AS name,
               (year + CASE WHEN chance(thing, {salt + 2}) < 0.1 THEN 1 ELSE 0 END)::INTEGER
                   AS year,
               CASE WHEN chance(thing, {salt + 3}) > 0.2
                    THEN 60 + thing % 120 + {edition} + floor(chance(thing, {salt + 4}) * 2) END
                   AS runtime_minutes,
               [substr('USGBFRDEITJPINCNESSE', 1 + 2 * (skewed(thing, 5, 10))::INT, 2)]
                   AS countries,
               [substr('enenfrdeitjahizhessv', 1 + 2 * (skewed(thing, 5, 10))::INT, 2)]
                   AS languages,
               list_concat(
                   [credit(person(skewed(thing, 6, 100000)), NULL, 'director', 1)],
                   list_transform(range(4), lambda place:
                       credit(person(skewed(thing, 20 + place, 400000)), NULL, 'cast_member',
                              2 + place))) AS credits
        FROM (
            SELECT range AS thing,
                   word(skewed(range, 1, 20000)) || ' ' || word(skewed(range, 2, 20000))
                   || CASE WHEN range % 3 = 0 THEN '' ELSE ' ' || word(skewed(range, 3, 20000)) END
                       AS title,
                   2024 - skewed(range, 4, 95) AS year
            FROM range({first}, {last})
        )
        """,
    )


def people(
    con: duckdb.DuckDBPyConnection, first: int, last: int, source: str, edition: int = 0
) -> duckdb.DuckDBPyRelation:
    """Person records of one source, as `films` gives films.

    Names are of a first and a last name, common ones more often than rare ones; a third of birth
    years is missing.

    Args:
        con: The connection.
        first: Number of the first thing.
        last: The number after the last.
        source: One of `SOURCES`.
        edition: Another number gives other errors: a changed record.
    """
    con.execute(_MACROS)
    salt = 1000 * (1 + SOURCES.index(source)) + 100_000 * edition
    return _as_records(
        con,
        f"""
        SELECT 'person' AS entity_type,
               '{source}' AS source,
               thing::VARCHAR AS source_id,
               CASE WHEN chance(thing, {salt + 1}) < 0.05 THEN left(name, -1) ELSE name END AS name,
               CASE WHEN chance(thing, {salt + 2}) > 0.3 THEN (1900 + thing % 100)::INTEGER END
                   AS birth_year,
               [['actor', 'director', 'writer'][1 + skewed(thing, 7, 3)]] AS professions
        FROM (
            SELECT range AS thing, person(range) AS name
            FROM range({first}, {last})
        )
        """,
    )


_CREDITED_AT_ONCE = 100_000
"""People whose works are made at once: lists that are gathered cannot be spilled."""


def works(con: duckdb.DuckDBPyConnection, people_count: int, source: str) -> None:
    """Make the table ``work``: films of one source that credit its people, one to four each.

    Args:
        con: The connection.
        people_count: How many people the source has.
        source: One of `SOURCES`.
    """
    con.execute(_MACROS)
    parts = 1 + people_count // _CREDITED_AT_ONCE
    for part in range(parts):
        query = f"""
            SELECT 'film' AS entity_type,
                   '{source}' AS source,
                   'w' || number AS source_id,
                   word(number) AS name,
                   (1920 + any_value(era))::INTEGER AS year,
                   ['US'] AS countries,
                   ['en'] AS languages,
                   list(credit(person(thing), thing::VARCHAR, 'cast_member', 1) ORDER BY thing)
                       AS credits
            FROM (
                SELECT range AS thing,
                       range % 100 AS era,
                       -- The works of a person fit into one life.
                       100 * ((hash(range, unnest(generate_series(1, 1 + (range // 100 % 4)))))
                              % {max(1, people_count // 500)}) + range % 100 AS number
                FROM range({people_count})
            )
            WHERE number % {parts} = {part}
            GROUP BY number
        """
        into = "INSERT INTO work" if part else "CREATE OR REPLACE TEMP TABLE work AS"
        con.execute(f"{into} {query}")


def work_records(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyRelation:
    """Rows of the table source_records for the table ``work``."""
    return _as_records(con, "SELECT * FROM work")


def changed_works(
    con: duckdb.DuckDBPyConnection, people_count: int, source: str
) -> duckdb.DuckDBPyRelation:
    """One in 5,000 of the works again, a year later and with one person less in the credits.

    Args:
        con: The connection.
        people_count: How many people the source has.
        source: One of `SOURCES`.

    Returns:
        Rows of the table source_records.
    """
    works(con, people_count, source)
    return _as_records(
        con,
        """
        SELECT * REPLACE (year + 1 AS year, credits[:-2] AS credits)
        FROM work
        WHERE hash(source_id) % 5000 = 7
        """,
    )


def _as_records(con: duckdb.DuckDBPyConnection, query: str) -> duckdb.DuckDBPyRelation:
    """Fill in the columns that a query does not name."""
    con.register("no_records", SOURCE_RECORDS.schema.empty_table())
    names = [name for name in SOURCE_RECORDS.schema.names if name in RECORD_SCHEMA.names]
    columns = ", ".join(f'"{name}"' for name in names)
    return con.sql(
        f"""
        SELECT {columns},
               'generated.jsonl' AS file,
               NULL::VARCHAR AS "table",
               row_number() OVER () AS position,
               repeat('0', 64) AS sha256
        FROM (
            SELECT * FROM no_records
            UNION ALL BY NAME
            SELECT *, 'generated.jsonl' AS file, 0 AS position, '' AS sha256 FROM ({query})
        )
        """
    )
