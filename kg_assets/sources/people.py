"""Person records for the people whom the works of a source credit."""

# ruff: noqa: S608 - names in statements are constants of this package, values are bound.

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

PERSON_MACROS = (
    # A folded name with a slash, or a long one, is cut and told apart by a hash, so that the last
    # slash of an id always stands between the work and the name.
    """
    CREATE OR REPLACE TEMP MACRO name_key(name) AS
        CASE
            WHEN length(fold_name(name)) <= 100 AND NOT contains(name, '/') THEN fold_name(name)
            ELSE replace(left(fold_name(name), 60), '/', ' ')
                 || '~' || left(md5(fold_name(name)), 12)
        END
    """,
    # A source numbers its films, series and books apart: film 1 and series 1 are two works.
    """
    CREATE OR REPLACE TEMP MACRO work_key(entity_type, source_id) AS
        CASE
            WHEN length(source_id) > 300 THEN entity_type || ':~' || md5(source_id)
            WHEN entity_type = 'film' THEN source_id
            ELSE entity_type || ':' || source_id
        END
    """,
    """
    CREATE OR REPLACE TEMP MACRO person_source_id(entity_type, source_id, person_id, name) AS
        CASE
            WHEN clean_text(person_id) IS NOT NULL
             AND length(person_id) <= 512
             AND NOT contains(person_id, chr(0))
            THEN person_id
            ELSE work_key(entity_type, source_id) || '/' || name_key(name)
        END
    """,
)
"""Statements that make the macros of this module; they need those of `names`."""


PROFESSIONS = {
    "actress": "actor",
    "cast": "actor",
    "cast member": "actor",
    "star": "actor",
    "performer": "actor",
    "voice": "actor",
    "voice actor": "actor",
    "self": "actor",
    "screenwriter": "writer",
    "screenplay": "writer",
    "teleplay": "writer",
    "script": "writer",
    "story": "writer",
    "author": "writer",
    "novel": "writer",
    "direction": "director",
    "co-director": "director",
    "music": "composer",
    "original music": "composer",
    "score": "composer",
    "executive producer": "producer",
    "co-producer": "producer",
    "production": "producer",
    "camera": "cinematographer",
    "director of photography": "cinematographer",
    "editing": "editor",
    "film editor": "editor",
}
"""Role of a credit, in lower case, to the profession of one who has it; others stay as they are."""


def register_person_macros(con: duckdb.DuckDBPyConnection) -> None:
    """Make the macros of `PERSON_MACROS` and the table ``professions`` on the connection.

    Args:
        con: A connection that has seen `names.register_macros`.
    """
    for macro in PERSON_MACROS:
        con.execute(macro)
    con.execute("CREATE OR REPLACE TEMP TABLE professions (role VARCHAR, profession VARCHAR)")
    con.executemany("INSERT INTO professions VALUES (?, ?)", list(PROFESSIONS.items()))


def add_people(con: duckdb.DuckDBPyConnection, works: str, name: str) -> None:
    """Make the temporary view ``name``: the records of ``works`` and those of the people credited.

    Args:
        con: A connection that has seen `names.register_macros` and `register_person_macros`.
        works: Name of a table or view with the columns of the source_records table; a constant
            of the caller.
        name: Name of the view made; a constant of the caller. ``<name>_works`` and
            ``<name>_people`` are the tables that it unites.

    A person record stands for one ``person_id`` where the source gives one (and no record of its
    own with that id), else for one name in one work; then its source_id is ``<work>/<name>``: the
    work's source_id, preceded by ``<entity type>:`` for all works but films, and the name in NFC,
    lower case and single spaces. Its professions are the roles that it has there; file, table,
    position and sha256 are those of the (first) work. ``credits[].person_id`` of each work holds
    these ids. Records of people keep no credits: their works are found by joining.
    """
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE {name}_works AS
        SELECT works.* REPLACE (
                   CASE
                       WHEN len(credits) > 0 AND entity_type <> 'person'
                       THEN list_transform(
                           credits,
                           lambda credit: struct_update(
                               credit,
                               person_id := person_source_id(
                                   entity_type, source_id, credit.person_id, credit.name
                               )
                           )
                       )
                   END AS credits
               )
        FROM {works} AS works
        """
    )
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE {name}_people AS
        WITH credited AS (
            SELECT file, "table", position, sha256, source, entity_type, source_id,
                   unnest(credits) AS credit,
                   generate_subscripts(credits, 1) AS place
            FROM {name}_works
        ),
        named AS (
            SELECT file, "table", position, sha256, source, entity_type, source_id, place,
                   credit.person_id AS person_id,
                   clean_text(credit.name) AS person_name,
                   lower(trim(credit.role)) AS role
            FROM credited
        ),
        known AS (
            SELECT *
            FROM named
            WHERE person_name IS NOT NULL
        ),
        roles AS (
            SELECT DISTINCT person_id, coalesce(profession, role) AS profession
            FROM known
            LEFT JOIN professions USING (role)
            WHERE role <> ''
        ),
        professions_of AS (
            SELECT person_id, list(profession ORDER BY profession) AS professions
            FROM roles
            GROUP BY person_id
        ),
        -- The first credit by place in the delivery says how the name is written.
        first_credit AS (
            SELECT *
            FROM known
            QUALIFY row_number() OVER (
                PARTITION BY person_id
                ORDER BY file, "table" NULLS FIRST, position, place
            ) = 1
        )
        SELECT 'person' AS entity_type,
               source,
               person_id AS source_id,
               person_name AS name,
               professions,
               file, "table", position, sha256
        FROM first_credit
        LEFT JOIN professions_of USING (person_id)
        ANTI JOIN (SELECT source_id FROM {works} WHERE entity_type = 'person') AS own
               ON own.source_id = person_id
        """
    )
    con.execute(
        f"""
        CREATE OR REPLACE TEMP VIEW {name} AS
        SELECT * FROM {name}_works
        UNION ALL BY NAME
        SELECT * FROM {name}_people
        """
    )
