"""The keys that blocking rules give records, and how blocks over the cap are cut."""

# ruff: noqa: S608 - what is put into statements is declared in our own model files.

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

    from kg_assets.matching.model import MatchSpec


RULE_BITS = 8
"""Low bits of a block, which hold the number of its rule."""


def raw_keys(con: duckdb.DuckDBPyConnection, spec: MatchSpec, view: str, name: str) -> None:
    """Make a table of the blocks that the rules' keys give each record, before any is cut.

    A record is looked at once for all rules, and of its keys only their hashes are kept. Rows are
    those of block_keys.
    """
    hashes = ",\n".join(
        f"""
            list_distinct(list_transform(
                {rule.keys},
                lambda one_key: CASE WHEN one_key <> '' THEN {hashed(number, "one_key")} END
            )) AS blocks_{number}
        """
        for number, rule in enumerate(spec.blocking)
    )
    each = "\nUNION ALL\n".join(
        f"""
        SELECT unnest(blocks_{number}) AS block,
               {number}::UTINYINT AS rule_number,
               record_id,
               record,
               source,
               duplicate_free,
               NULL::UBIGINT AS origin
        FROM hashed
        """
        for number in range(len(spec.blocking))
    )
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE {name} AS
        WITH hashed AS MATERIALIZED (
            SELECT record_id,
                   hash(record_id) AS record,
                   source,
                   duplicate_free,
                   {hashes}
            FROM {view}
        )
        {each}
        """
    )


def hashed(rule_number: int | str, key: str) -> str:
    """The block of a key under a rule, in SQL: 56 bits of a hash, and below them the rule.

    So records are sorted by rule and block by a number that the block alone tells. Keys with equal
    hashes are one block, in which needless pairs are made and none is lost.
    """
    kept = (1 << 64) - (1 << RULE_BITS)
    return f"((hash({key}) & {kept}::UBIGINT) | {rule_number}::UBIGINT)"


def _crowd(con: duckdb.DuckDBPyConnection, spec: MatchSpec, view: str) -> None:
    """Make ``crowd``: the records of blocks over the cap, with what these are cut by.

    Args:
        con: Has the tables ``rule_key`` and ``heavy``.
        spec: The type's match model.
        view: Name of a view with at least the records of these blocks.
    """
    rules = "\nUNION ALL\n".join(
        f"""
        SELECT record_id,
               source,
               duplicate_free,
               {number}::UTINYINT AS rule_number,
               [{", ".join((*rule.orders, "lower(name)"))}] AS places,
               unnest(list_distinct({rule.keys})) AS raw,
               {hashed(number, "raw")} AS origin,
               list_distinct(list_transform(
                   coalesce(nullif({rule.refine}, []), [NULL]),
                   lambda one_key: coalesce(one_key, ''))) AS refine
        FROM {view}
        WHERE record_id IN (SELECT record_id FROM crowded WHERE rule_number = {number})
        """
        for number, rule in enumerate(spec.blocking)
    )
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE crowded AS
        SELECT rule_number, block AS origin, record_id
        FROM rule_key
        WHERE block IN (SELECT origin FROM heavy);

        CREATE OR REPLACE TEMP TABLE crowd AS
        SELECT *
        FROM ({rules})
        SEMI JOIN crowded USING (rule_number, origin, record_id)
        """
    )


def cut_heavy(con: duckdb.DuckDBPyConnection, spec: MatchSpec, view: str) -> None:
    """Make ``block_key`` and ``cut_block`` of ``rule_key``, which becomes the first of them.

    No large block lacks a record there. Records with nothing to refine by make a block together.

    Args:
        con: Has the table ``rule_key``, rows of block_keys before blocks are cut.
        spec: The type's match model.
        view: Name of a view with at least the records of ``rule_key``.
    """
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE heavy AS
        SELECT any_value(rule_number) AS rule_number, block AS origin, count(*) AS records
        FROM rule_key
        GROUP BY block
        HAVING count(*) > $cap
        """,
        {"cap": spec.block_cap},
    )
    _crowd(con, spec, view)
    # chr(31) is no letter of a key.
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE sorted_key AS
        WITH refined AS (
            SELECT * EXCLUDE (refine, places),
                   places[-1] AS place,
                   raw || chr(31) || unnest(refine) AS key
            FROM crowd
        ),
        named AS (
            SELECT *,
                   count(*) OVER (PARTITION BY rule_number, key) AS records,
                   row_number() OVER (
                       PARTITION BY rule_number, key
                       ORDER BY place, record_id
                   ) - 1 AS position
            FROM refined
        ),
        placed AS (
            SELECT * EXCLUDE (refine, places),
                   unnest(places[:-2]) AS place,
                   generate_subscripts(places[:-2], 1) AS sorting
            FROM crowd
        ),
        ordered AS (
            SELECT *,
                   raw || chr(31) || sorting || chr(31) AS whole,
                   row_number() OVER (
                       PARTITION BY rule_number, raw, sorting
                       ORDER BY place, record_id
                   ) - 1 AS position
            FROM placed
            WHERE place IS NOT NULL
        )
        SELECT * EXCLUDE (place, records, position), key AS whole
        FROM named
        WHERE records <= $cap
        UNION ALL BY NAME
        SELECT * EXCLUDE (place, records, position)
                 REPLACE (key || chr(31) || unnest([position // $half, position // $half + 1])
                          AS key),
               key AS whole
        FROM named
        WHERE records > $cap
        -- What the refining keys part, such as a record without a year, meets here.
        UNION ALL BY NAME
        SELECT * EXCLUDE (place, sorting, position),
               whole || unnest([position // $near, position // $near + 1]) AS key
        FROM ordered
        """,
        {
            "cap": spec.block_cap,
            "half": max(1, spec.block_cap // 2),
            "near": max(1, spec.block_cap // 10),
        },
    )
    # Nearly all keys stay as they are, and are not copied.
    con.execute(
        f"""
        DELETE FROM rule_key WHERE block IN (SELECT origin FROM heavy);

        INSERT INTO rule_key
        SELECT {hashed("rule_number", "key")},
               rule_number,
               record_id,
               hash(record_id),
               source,
               duplicate_free,
               origin
        FROM sorted_key;

        DROP TABLE IF EXISTS block_key;
        ALTER TABLE rule_key RENAME TO block_key
        """
    )
    con.execute("CREATE OR REPLACE TEMP TABLE rule_name (rule_number UTINYINT, rule VARCHAR)")
    con.executemany(
        "INSERT INTO rule_name VALUES (?, ?)",
        [(place, rule.name) for place, rule in enumerate(spec.blocking)],
    )
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE cut_block AS
        WITH pieces AS (
            SELECT rule_number,
                   origin,
                   any_value(raw) AS block_key,
                   max(records) AS largest,
                   count(DISTINCT whole) FILTER (key <> whole) AS neighbourhoods
            FROM (
                SELECT *, count(*) OVER (PARTITION BY rule_number, key) AS records
                FROM sorted_key
            )
            GROUP BY rule_number, origin
        )
        SELECT rule,
               block_key,
               rule_number,
               origin,
               records AS block_records,
               largest,
               neighbourhoods
        FROM heavy
        JOIN pieces USING (rule_number, origin)
        JOIN rule_name USING (rule_number)
        """
    )
    for table in ("heavy", "crowded", "crowd", "sorted_key"):
        con.execute(f"DROP TABLE {table}")
