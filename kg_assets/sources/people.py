"""Person records for the people whom the works of a source credit."""

# ruff: noqa: S608 - names in statements are constants of this package, values are bound.

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from kg_assets.sources.staged import Staged, by_parts, stage

if TYPE_CHECKING:
    import duckdb

PART_CREDITS = 150_000
"""Credits of which people are made at once: what is gathered by person must fit into memory. Fewer
are no slower."""

_MOST_PARTS = 200

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


def add_people(
    con: duckdb.DuckDBPyConnection,
    works: str,
    name: str,
    scratch: Path,
    *,
    part_credits: int = PART_CREDITS,
) -> None:
    """Make the temporary view ``name``: the records of ``works`` and those of the people credited.

    Args:
        con: A connection that has seen `names.register_macros` and `register_person_macros`.
        works: Name of a table or view with the columns of the source_records table; a constant
            of the caller.
        name: Name of the view made; a constant of the caller. ``<name>_works`` and
            ``<name>_people`` are the views that it unites.
        scratch: Folder for their rows.
        part_credits: Credits of which people are made at once, about; the result is the same.

    A person record stands for one ``person_id`` where the source gives one (and no record of its
    own with that id), else for one name in one work; then its source_id is ``<work>/<name>``: the
    work's source_id, preceded by ``<entity type>:`` for all works but films, and the name in NFC,
    lower case and single spaces. Its professions are the roles that it has there; file, table,
    position and sha256 are those of the (first) work. ``credits[].person_id`` of each work holds
    these ids. Records of people keep no credits: their works are found by joining.
    """
    stage(
        con,
        f"{name}_works",
        f"""
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
        """,
        scratch,
    )
    _stage_people(con, works, name, scratch, part_credits)
    con.execute(
        f"""
        CREATE OR REPLACE TEMP VIEW {name} AS
        SELECT * FROM {name}_works
        UNION ALL BY NAME
        SELECT * FROM {name}_people
        """
    )


def _stage_people(
    con: duckdb.DuckDBPyConnection, works: str, name: str, scratch: Path, part_credits: int
) -> None:
    [(credits,)] = con.sql(f"SELECT coalesce(sum(len(credits)), 0) FROM {name}_works").fetchall()
    credited = f"""
        WITH credited AS (
            SELECT file, "table", position, sha256, source,
                   unnest(credits) AS credit,
                   generate_subscripts(credits, 1) AS place
            FROM {name}_works
        )
        SELECT file, "table", position, sha256, source, place,
               credit.person_id AS person_id,
               clean_text(credit.name) AS person_name,
               lower(trim(credit.role)) AS role
        FROM credited
        WHERE person_name IS NOT NULL
    """
    people = Staged(con, f"{name}_people", scratch)
    parts = min(1 + int(credits) // part_credits, _MOST_PARTS)
    with tempfile.TemporaryDirectory(dir=scratch, prefix="credits-") as folder:
        found = {0: f"({credited})"}
        if parts > 1:
            found = by_parts(con, credited, "person_id", parts, Path(folder) / "parts") or found
        for part, rows in found.items():
            people.add(_people_of(rows, f"(FROM {works} WHERE hash(source_id) % {parts} = {part})"))


def _people_of(credited: str, works: str) -> str:
    """A SELECT of the people of credits, of which all of a person are there, and their own records.

    The credits are read twice, from files: as one common table they would be held in memory.
    """
    return f"""
        WITH roles AS (
            SELECT DISTINCT person_id, coalesce(profession, role) AS profession
            FROM {credited}
            LEFT JOIN professions USING (role)
            WHERE role <> ''
        ),
        professions_of AS (
            SELECT person_id, list(profession ORDER BY profession) AS professions
            FROM roles
            GROUP BY person_id
        ),
        -- The first credit by place in the delivery says how the name is written. Works of one blob
        -- may credit a person at one place, each with another name.
        first_credit AS (
            SELECT *
            FROM {credited}
            QUALIFY row_number() OVER (
                PARTITION BY person_id
                ORDER BY file, "table" NULLS FIRST, position, place, person_name
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
        ANTI JOIN (SELECT source_id FROM {works} AS works WHERE entity_type = 'person') AS own
               ON own.source_id = person_id
    """
