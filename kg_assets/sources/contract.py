"""What every canonical record must keep to, whatever adapter made it."""

# ruff: noqa: S608 - names in statements are constants of this package, values are bound.

from __future__ import annotations

from typing import TYPE_CHECKING

from kg_assets.sources.record import ENTITY_TYPES, THING
from kg_assets.sources.staged import stage
from kg_assets.sources.tables import SOURCE_RECORDS
from resources.keyed import KEYED_ROWS, by_hash

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    import duckdb

KNOWN_TYPES = (*ENTITY_TYPES, THING)
"""Entity types that a source may name."""

SCREEN_TYPES = ("film", "series", "episode")
"""Types that cannot be older than moving pictures; their years are 1850 to 2100."""

YEARS = (-3000, 2100)
"""First and last year of anything else: writers and plays of antiquity are credited too."""

HIGHEST_RATING = 10
"""What the best rating by users is; sources with another scale have to convert."""

MAX_ID_LENGTH = 512
"""Longest source_id, in characters."""

_REASON = """
    CASE
        WHEN problem IS NOT NULL
        THEN problem
        WHEN coalesce(trim(entity_type), '') = ''
        THEN 'entity_type is missing; one of ' || $types_text || ' is needed'
        WHEN NOT list_contains($types, entity_type)
        THEN 'entity_type ' || printable(entity_type, 40) || ' is not known; it is one of '
             || $types_text
        WHEN visible(source_id) = ''
        THEN 'source_id is missing or empty; without it the record cannot be told from others'
        WHEN contains(source_id, chr(0))
        THEN 'source_id holds a NUL character'
        WHEN length(source_id) > $max_id_length
        THEN 'source_id is ' || length(source_id) || ' characters long; at most '
             || $max_id_length || ' are allowed'
        WHEN visible(name) = ''
        THEN 'name is missing or empty'
        WHEN contains(name, chr(0))
        THEN 'name holds a NUL character'
        WHEN year NOT BETWEEN first_year AND $last_year
        THEN 'year ' || year || ' is not plausible for a ' || entity_type || ': '
             || first_year || ' to ' || $last_year
        WHEN end_year NOT BETWEEN first_year AND $last_year
        THEN 'end_year ' || end_year || ' is not plausible for a ' || entity_type || ': '
             || first_year || ' to ' || $last_year
        WHEN birth_year NOT BETWEEN $first_birth AND $last_year
        THEN 'birth_year ' || birth_year || ' is not plausible: ' || $first_birth || ' to '
             || $last_year
        WHEN death_year NOT BETWEEN $first_birth AND $last_year
        THEN 'death_year ' || death_year || ' is not plausible: ' || $first_birth || ' to '
             || $last_year
        WHEN rating NOT BETWEEN 0 AND $highest_rating
        THEN 'rating ' || rating || ' is not from 0 to ' || $highest_rating
        WHEN votes < 0
        THEN 'votes ' || votes || ' is less than none'
        WHEN len(flaws_of_relations) > 0
        THEN flaws_of_relations[1]
    END
"""

# The first thing that is wrong with each of the relations, null where nothing is.
_FLAWS = """
    list_filter(
        list_transform(
            relations,
            lambda one, place: 'relations[' || place || '] ' || CASE
                WHEN one IS NULL THEN 'is null'
                WHEN visible(one.relation) = '' THEN 'does not say which relation it is'
                WHEN visible(one.source_id) = '' AND visible(one.name) = ''
                THEN 'has neither the source_id nor the name of what it leads to'
                WHEN contains(one.source_id, chr(0)) OR contains(one.name, chr(0))
                THEN 'holds a NUL character'
                WHEN length(one.source_id) > $max_id_length
                THEN 'has a source_id of ' || length(one.source_id) || ' characters; at most '
                     || $max_id_length || ' are allowed'
                WHEN NOT list_contains($types, one.entity_type)
                THEN 'has the entity_type ' || printable(one.entity_type, 40)
                     || ', which is not known; it is one of ' || $types_text
            END
        ),
        lambda flaw: flaw IS NOT NULL
    )
"""

_MACROS = (
    # Control, format and separator characters alone make no name.
    r"""
    CREATE OR REPLACE TEMP MACRO visible(text) AS
        regexp_replace(coalesce(text, ''), '[\pC\pZ]+', '', 'g')
    """,
    r"""
    CREATE OR REPLACE TEMP MACRO printable(text, longest) AS
        '''' || left(regexp_replace(text, '\pC', '?', 'g'), longest) || ''''
    """,
)

_CONTENT = ", ".join(
    f'"{name}"'
    for name in SOURCE_RECORDS.schema.names
    if name not in ("file", "table", "position", "sha256")
)


def check_contract(
    con: duckdb.DuckDBPyConnection,
    rows: str,
    name: str,
    scratch: Path,
    *,
    entity_types: Collection[str] = KNOWN_TYPES,
    part_rows: int = KEYED_ROWS,
) -> None:
    """Part the rows into those that keep the contract and those that do not.

    Args:
        con: The connection.
        rows: Name of a table or view with the columns of the source_records table (any value may
            be null), ``problem``, text or null: why the adapter refuses the row, and ``item``:
            the number of a record in its blob, null where it is the only one. A constant of the
            caller.
        name: What is made is the view ``<name>_kept`` (the columns of source_records) and the
            temporary table ``<name>_refused`` (file, table, position, sha256, reason). Each row is
            in one of the two. A constant of the caller.
        scratch: Folder for the rows.
        entity_types: Types that a record may have.
        part_rows: Rows whose ids are compared at once, about; the result is the same.

    A record needs a known entity_type, a source_id and a name that hold more than blanks and
    control characters, plausible years, ratings and votes, relations that say what they are and
    where they lead, and an id that no earlier record of the delivery has: of several with one id
    the first by file, table, position and item is kept. Whether the ontology has a relation, and
    whether it may lead there, is looked at when the graph is made: the record itself is right.
    """
    for macro in _MACROS:
        con.execute(macro)
    types = sorted(entity_types)
    stage(
        con,
        f"{name}_checked",
        f"""
        SELECT * EXCLUDE (flaws_of_relations), {_REASON} AS reason
        FROM (
            SELECT *,
                   {_FLAWS} AS flaws_of_relations,
                   CASE
                       WHEN list_contains($screen_types, entity_type) THEN 1850
                       ELSE $first_year
                   END AS first_year
            FROM {rows}
        )
        """,
        scratch,
        {
            "types": types,
            "types_text": ", ".join(types),
            "screen_types": list(SCREEN_TYPES),
            "first_year": YEARS[0],
            "first_birth": YEARS[0],
            "last_year": YEARS[1],
            "max_id_length": MAX_ID_LENGTH,
            "highest_rating": HIGHEST_RATING,
        },
    )
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE {name}_repeated (
            entity_type VARCHAR,
            source_id VARCHAR,
            first STRUCT(file VARCHAR, "table" VARCHAR, position BIGINT, item INTEGER)
        )
        """
    )
    for part in by_hash(con, f"{name}_checked", "entity_type, source_id", part_rows=part_rows):
        con.execute(
            f"""
            INSERT INTO {name}_repeated
            SELECT entity_type, source_id,
                   min(
                       struct_pack(
                           file, "table" := coalesce("table", ''), position,
                           item := coalesce(item, 0)
                       )
                   ) AS first
            FROM {name}_checked
            WHERE reason IS NULL
              AND {part}
            GROUP BY ALL
            HAVING count(*) > 1
            """
        )
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE {name}_later AS
        WITH sharing AS (
            SELECT checked.file, checked."table", checked.position, checked.sha256, checked.item,
                   checked.entity_type, checked.source_id, repeated.first,
                   struct_pack({_CONTENT}) AS content,
                   row_number() OVER (
                       PARTITION BY checked.entity_type, checked.source_id
                       ORDER BY checked.file, checked."table" NULLS FIRST, checked.position,
                                checked.item NULLS FIRST
                   ) AS turn
            FROM (SELECT * FROM {name}_checked WHERE reason IS NULL) AS checked
            JOIN {name}_repeated AS repeated USING (entity_type, source_id)
        )
        SELECT later.file, later."table", later.position, later.sha256, later.item,
               'the id ' || later.entity_type || ' ' || printable(later.source_id, 100)
               || ' was given before, with '
               || CASE
                      WHEN later.content IS NOT DISTINCT FROM kept.content THEN 'equal'
                      ELSE 'different'
                  END
               || ' content, at ' || later.first.file
               || CASE
                      WHEN later.first."table" = '' THEN ''
                      ELSE ', table ' || later.first."table"
                  END
               || ', position ' || later.first.position || '; that record is kept' AS reason
        FROM sharing AS later
        JOIN sharing AS kept
             ON kept.entity_type = later.entity_type
            AND kept.source_id = later.source_id
            AND kept.turn = 1
        WHERE later.turn > 1
        """
    )
    columns = ", ".join(f'"{column}"' for column in SOURCE_RECORDS.schema.names)
    stage(
        con,
        f"{name}_kept",
        f"""
        SELECT {columns}
        FROM {name}_checked AS checked
        WHERE reason IS NULL
          AND NOT EXISTS (
              FROM {name}_later AS later
              WHERE later.file = checked.file
                AND later."table" IS NOT DISTINCT FROM checked."table"
                AND later.position = checked.position
                AND later.item IS NOT DISTINCT FROM checked.item
          )
        """,
        scratch,
    )
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE {name}_refused AS
        -- The number keeps apart what is refused of one blob for one reason.
        SELECT file, "table", position, sha256,
               CASE WHEN item IS NOT NULL THEN 'record ' || item || ' of the blob: ' ELSE '' END
               || reason AS reason
        FROM (
            SELECT file, "table", position, sha256, item, reason
            FROM {name}_checked
            WHERE reason IS NOT NULL
            UNION ALL
            FROM {name}_later
        )
        """
    )
