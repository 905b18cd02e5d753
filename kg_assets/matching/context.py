"""What a record is known by beside its own columns: the works of a person, the parent's entity."""

# ruff: noqa: S608 - what is put into statements is declared in our own model files.

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa

from kg_assets.matching.model import PARENT, WORKS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import duckdb

    from resources.layers import Changes

WORKS_COLUMNS = """
    works VARCHAR[], work_records VARCHAR[], directed_alone VARCHAR[], roles VARCHAR[],
    first_work INTEGER, last_work INTEGER, work_countries VARCHAR[], work_languages VARCHAR[],
    work_genres VARCHAR[], crew UBIGINT[]
"""
"""Columns of the context `WORKS`: the entities of the works that credit the person, the works'
records, the entities of those that have no other director, the roles, first and last year, the
works' countries, languages and genres, and hashes of the name keys of all who are credited."""

PARENT_COLUMNS = "parent_entity VARCHAR"
"""Column of the context `PARENT`: the entity of the record's parent, else its own name for it."""


AT_ONCE = 200_000
"""Works or people of which lists are gathered at once."""


def add_context(
    con: duckdb.DuckDBPyConnection,
    entity_type: str,
    contexts: Sequence[str],
    current: str,
    members: str,
    name: str,
    *,
    at_once: int = AT_ONCE,
) -> None:
    """Make the table ``name``: record_id and the columns of the contexts.

    Args:
        con: A connection with the macros of `normalise`.
        entity_type: The type of the records that are asked for.
        contexts: `WORKS` and `PARENT`, as far as they are needed.
        current: Name of a view of all current records, with record_id.
        members: Name of a view with the columns of entity_members.
        name: Name of the table made.
        at_once: Works or people of which lists are gathered at once; the result is the same.
    """
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE {name} AS
        SELECT record_id
        FROM {current}
        WHERE entity_type = $1
        """,
        [entity_type],
    )
    if WORKS in contexts:
        _add_works(con, current, members, name, at_once)
    if PARENT in contexts:
        con.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE {name} AS
            SELECT context.*,
                   coalesce(member.entity_id, record.source || ':' || record.parent_id)
                       AS parent_entity
            FROM {name} AS context
            JOIN (SELECT * FROM {current} WHERE entity_type = $1) AS record USING (record_id)
            LEFT JOIN {members} AS member
                   ON member.source = record.source AND member.source_id = record.parent_id
            """,
            [entity_type],
        )


def _add_works(
    con: duckdb.DuckDBPyConnection, current: str, members: str, name: str, at_once: int
) -> None:
    # Most names are credited many times: each is brought to its key once.
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE name_hash AS
        SELECT name, hash(name_key(name)) AS hashed
        FROM (
            SELECT DISTINCT unnest(credits).name AS name
            FROM {current}
            WHERE entity_type <> 'person'
        )
        WHERE name IS NOT NULL
        """
    )
    # A work that is not resolved (its type has no chain before this one) stands for itself.
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE work AS
        SELECT record.source,
               record.entity_type || ':' || record.record_id AS work_record,
               coalesce(member.entity_id, record.record_id) AS work,
               year,
               countries,
               languages,
               genres,
               credits,
               list_distinct(list_transform(
                   list_filter(credits, lambda credit: credit.role = 'director'),
                   lambda credit: credit.person_id)) AS directors
        FROM {current} AS record
        LEFT JOIN {members} AS member
               ON member.entity_type = record.entity_type
              AND member.source = record.source
              AND member.source_id = record.source_id
        WHERE record.entity_type <> 'person'
          AND len(credits) > 0
        """
    )
    # Lists that are gathered cannot be spilled: those of some works and people at a time.
    works, people = (
        1 + int(con.sql(f"SELECT count(*) FROM {table}").fetchall()[0][0]) // at_once
        for table in ("work", name)
    )
    _in_parts(con, "work_crew", works, _crews)
    _in_parts(con, "known_by_works", people, partial(_known_by_works, name))
    for table in (name, "name_hash", "work", "work_crew"):
        con.execute(f"DROP TABLE {table}")
    con.execute(f"ALTER TABLE known_by_works RENAME TO {name}")


def _in_parts(
    con: duckdb.DuckDBPyConnection, name: str, parts: int, query: Callable[[str], str]
) -> None:
    """Make a table part by part.

    Args:
        con: The connection.
        name: Name of the table made.
        parts: How many parts.
        query: Gives the query of a part, for a condition with a place for what is parted.
    """
    for number in range(parts):
        into = f"INSERT INTO {name}" if number else f"CREATE OR REPLACE TEMP TABLE {name} AS"
        con.execute(f"{into} {query(f'hash({{}}) % {parts} = {number}')}")


def _crews(part: str) -> str:
    """The query that gives the crew of the works of a part."""
    return f"""
        SELECT work_record, list(DISTINCT hashed ORDER BY hashed) AS crew
        FROM (
            SELECT work_record, unnest(credits).name AS name
            FROM work
            WHERE {part.format("work_record")}
        )
        JOIN name_hash USING (name)
        GROUP BY work_record
    """


def _known_by_works(name: str, part: str) -> str:
    """The query that adds to the people of a part what the works that credit them say."""
    return f"""
        WITH credited AS (
            SELECT source || ':' || credit.person_id AS record_id,
                   work_record,
                   list_sort(list_distinct(list(credit.role))) AS roles,
                   any_value(work) AS work,
                   any_value(year) AS year,
                   any_value(len(directors) = 1 AND directors[1] = credit.person_id) AS alone,
                   any_value(countries) AS countries,
                   any_value(languages) AS languages,
                   any_value(genres) AS genres
            FROM (SELECT * EXCLUDE (credits), unnest(credits) AS credit FROM work)
            WHERE credit.person_id IS NOT NULL
              AND {part.format("source || ':' || credit.person_id")}
            GROUP BY source, credit.person_id, work_record
        ),
        found AS (
            SELECT record_id,
                   list(DISTINCT work ORDER BY work) AS works,
                   list(work_record ORDER BY work_record) AS work_records,
                   coalesce(list(DISTINCT work ORDER BY work) FILTER (alone), [])
                       AS directed_alone,
                   list_sort(list_distinct(flatten(list(roles)))) AS roles,
                   min(year) AS first_work,
                   max(year) AS last_work,
                   list_sort(list_distinct(flatten(list(countries)))) AS work_countries,
                   list_sort(list_distinct(flatten(list(languages)))) AS work_languages,
                   list_sort(list_distinct(flatten(list(genres)))) AS work_genres,
                   list_sort(list_distinct(flatten(list(crew)))) AS crew
            FROM credited
            LEFT JOIN work_crew USING (work_record)
            GROUP BY record_id
        )
        SELECT context.*, found.* EXCLUDE (record_id)
        FROM (SELECT * FROM {name} WHERE {part.format("record_id")}) AS context
        LEFT JOIN found USING (record_id)
    """


def moved_members(con: duckdb.DuckDBPyConnection, members: Mapping[str, Changes]) -> None:
    """Make the table ``moved_member``: the records before that came to another entity, or went.

    Args:
        con: The connection; the table has entity_type, source and source_id.
        members: What changed in the members of each type that was resolved before.
    """
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE moved_member (
            entity_type VARCHAR, source VARCHAR, source_id VARCHAR)
        """
    )
    for entity_type, changed in members.items():
        if not changed.count:
            continue
        changed.rows.project("source, source_id").union(
            changed.removed.project("source, source_id")
        ).create_view("member_moved", replace=True)
        con.execute(
            "INSERT INTO moved_member SELECT $1, source, source_id FROM member_moved",
            [entity_type],
        )


def touched_people(con: duckdb.DuckDBPyConnection, news: pa.Array) -> None:
    """Make what is needed to make people again whom later deliveries touch.

    Those are the people that the deliveries speak of, and those whom a work credits, in any of its
    versions, that the deliveries speak of or that came to another entity. All that is known of
    such a person lies in the records of it and in the works that credit it.

    Args:
        con: A connection with ``delivered`` (the records of all deliveries that count, with the
            delivery's number) and ``moved_member``. Makes the tables ``touched_person``
            (record_id, source, source_id) and ``delivered_part``: those rows of ``delivered`` from
            which these people are made.
        news: Numbers of the later deliveries.
    """
    con.register("later_delivery", pa.table({"number": news}))
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE touched_work AS
        SELECT entity_type, source, source_id
        FROM delivered
        WHERE number IN (SELECT number FROM later_delivery)
          AND entity_type <> 'person'
        UNION
        SELECT entity_type, source, source_id
        FROM moved_member;

        CREATE OR REPLACE TEMP TABLE touched_person AS
        SELECT source || ':' || source_id AS record_id, source, source_id
        FROM (
            SELECT source, source_id
            FROM delivered
            WHERE number IN (SELECT number FROM later_delivery)
              AND entity_type = 'person'
            UNION
            SELECT source, credit.person_id
            FROM (
                SELECT work.source, unnest(work.credits) AS credit
                FROM delivered AS work
                SEMI JOIN touched_work USING (entity_type, source, source_id)
            )
            WHERE credit.person_id IS NOT NULL
        );

        CREATE OR REPLACE TEMP TABLE work_of_touched AS
        SELECT DISTINCT entity_type, source, source_id
        FROM (
            SELECT entity_type, source, source_id, unnest(credits).person_id AS person_id
            FROM delivered
            WHERE entity_type <> 'person'
        ) AS credited
        SEMI JOIN touched_person AS person
               ON person.source = credited.source AND person.source_id = credited.person_id;

        CREATE OR REPLACE TEMP TABLE delivered_part AS
        SELECT person.*
        FROM delivered AS person
        SEMI JOIN touched_person USING (source, source_id)
        WHERE entity_type = 'person'
        UNION ALL
        SELECT work.*
        FROM delivered AS work
        SEMI JOIN work_of_touched USING (entity_type, source, source_id)
        """
    )
