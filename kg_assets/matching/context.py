"""What a record is known by beside its own columns: the works of a person, the parent's entity."""

# ruff: noqa: S608 - what is put into statements is declared in our own model files.

from __future__ import annotations

from typing import TYPE_CHECKING

from kg_assets.matching.model import PARENT, WORKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

WORKS_COLUMNS = """
    works VARCHAR[], work_records VARCHAR[], directed_alone VARCHAR[], roles VARCHAR[],
    first_work INTEGER, last_work INTEGER, work_countries VARCHAR[], work_languages VARCHAR[],
    work_genres VARCHAR[], crew UBIGINT[]
"""
"""Columns of the context `WORKS`: the entities of the works that credit the person, the works'
records, the entities of those that have no other director, the roles, first and last year, the
works' countries, languages and genres, and hashes of the name keys of all who are credited."""


TELLING_WORKS = 20
"""A name that stands in more works than this is no telling colleague: everybody has worked with the
star, or it is a name that many have. Counted over works, not over the records of sources."""

PARENT_COLUMNS = "parent_entity VARCHAR"
"""Column of the context `PARENT`: the entity of the record's parent, else its own name for it."""


def add_context(
    con: duckdb.DuckDBPyConnection,
    entity_type: str,
    contexts: Sequence[str],
    current: str,
    members: str,
    name: str,
) -> None:
    """Make the table ``name``: record_id and the columns of the contexts.

    Args:
        con: A connection with the macros of `normalise`.
        entity_type: The type of the records that are asked for.
        contexts: `WORKS` and `PARENT`, as far as they are needed.
        current: Name of a view of all current records, with record_id.
        members: Name of a view with the columns of entity_members.
        name: Name of the table made.
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
        _add_works(con, current, members, name)
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


def _add_works(con: duckdb.DuckDBPyConnection, current: str, members: str, name: str) -> None:
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
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE named_in_work AS
        SELECT work_record, work, hashed
        FROM (SELECT work_record, work, unnest(credits).name AS name FROM work)
        JOIN name_hash USING (name)
        """
    )
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE work_crew AS
        SELECT work_record, list(DISTINCT hashed ORDER BY hashed) AS crew
        FROM named_in_work
        WHERE hashed NOT IN (
            SELECT hashed
            FROM named_in_work
            GROUP BY hashed
            HAVING count(DISTINCT work) > {TELLING_WORKS}
        )
        GROUP BY work_record
        """
    )
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE credited AS
        SELECT source || ':' || credit.person_id AS record_id,
               work_record,
               list_sort(list_distinct(list(credit.role))) AS roles,
               any_value(work) AS work,
               any_value(year) AS year,
               any_value(len(directors) = 1 AND directors[1] = credit.person_id) AS alone,
               any_value(countries) AS countries,
               any_value(languages) AS languages,
               any_value(genres) AS genres,
               any_value(crew) AS crew
        FROM (SELECT * EXCLUDE (credits), unnest(credits) AS credit FROM work)
        LEFT JOIN work_crew USING (work_record)
        WHERE credit.person_id IS NOT NULL
        GROUP BY source, credit.person_id, work_record
        """
    )
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE {name} AS
        SELECT context.*, found.* EXCLUDE (record_id)
        FROM {name} AS context
        LEFT JOIN (
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
            GROUP BY record_id
        ) AS found USING (record_id)
        """
    )
    for table in ("name_hash", "work", "named_in_work", "work_crew", "credited"):
        con.execute(f"DROP TABLE {table}")
