"""How blocks are numbered, and how those over the cap are cut."""

# ruff: noqa: S608 - what is put into statements is declared in our own model files.

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    import duckdb

    from kg_assets.matching.model import MatchSpec


RULE_BITS = 8
"""Low bits of a block, which hold the number of its rule."""

_BATCH = 65_536
"""Keys that are read at once."""


def hashed(rule_number: int | str, key: str) -> str:
    """The block of a key under a rule, in SQL: 56 bits of a hash, and below them the rule.

    So records are sorted by rule and block by a number that the block alone tells. Keys with equal
    hashes are one block, in which needless pairs are made and none is lost.
    """
    kept = (1 << 64) - (1 << RULE_BITS)
    return f"((hash({key}) & {kept}::UBIGINT) | {rule_number}::UBIGINT)"


def view_keys(con: duckdb.DuckDBPyConnection, name: str, cut: str = "") -> None:
    """Make the view ``name``, rows of block_keys, of its numbers and records.

    Args:
        con: The connection.
        name: Begins the names of the tables, as `kg_assets.matching.rule_keys.raw_keys` makes them.
        cut: A table of more numbers (block, number, origin), where blocks were cut.
    """
    more = f"UNION ALL SELECT block, number, origin FROM {cut}" if cut else ""
    con.execute(
        f"""
        CREATE OR REPLACE TEMP VIEW {name} AS
        SELECT block,
               (block & {(1 << RULE_BITS) - 1}::UBIGINT)::UTINYINT AS rule_number,
               record_id,
               record,
               source,
               duplicate_free,
               origin
        FROM (SELECT block, number, NULL::UBIGINT AS origin FROM {name}_number {more})
        JOIN {name}_record USING (number)
        """
    )


_MOST_BITS = 25
"""Leading bits by which blocks are counted at most: 128 MB of counts, however many there are."""


def _heavy(con: duckdb.DuckDBPyConnection, cap: int) -> None:
    """Make ``heavy``: the blocks over the cap.

    Few blocks are: those whose leading bits come no more often than that need no counting.
    """
    from kg_assets.matching.key_lists import counted

    total = int(con.sql("SELECT count(*) FROM rule_key_number").fetchall()[0][0])
    bits = min(_MOST_BITS, total.bit_length())
    counts, shift = np.zeros(1 << bits, dtype=np.int32), np.uint64(64 - bits)
    if bits:
        for batch in con.sql("SELECT block FROM rule_key_number").to_arrow_reader(_BATCH):
            counted(np.asarray(batch["block"]), shift, counts)
    crowded = np.flatnonzero(counts > cap).astype(np.uint64)
    con.register("crowded_bits", pa.table({"bits": crowded}))
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE heavy AS
        SELECT (block & {(1 << RULE_BITS) - 1}::UBIGINT)::UTINYINT AS rule_number,
               block AS origin,
               count(*) AS records
        FROM rule_key_number
        WHERE block >> {64 - max(1, bits)} IN (SELECT bits FROM crowded_bits)
        GROUP BY block
        HAVING count(*) > $cap
        """,
        {"cap": cap},
    )
    con.unregister("crowded_bits")


def _crowd(con: duckdb.DuckDBPyConnection, spec: MatchSpec, view: str) -> None:
    """Make ``crowd``: the records of blocks over the cap, with what these are cut by.

    Args:
        con: Has the tables of ``rule_key``, and ``heavy``.
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
        SELECT heavy.rule_number, origin, record_id
        FROM rule_key_number
        JOIN heavy ON heavy.origin = block
        JOIN rule_key_record USING (number);

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
        con: Has the tables of ``rule_key``, the keys before blocks are cut; they become those of
            ``block_key``.
        spec: The type's match model.
        view: Name of a view with at least the records of ``rule_key``.
    """
    _heavy(con, spec.block_cap)
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
    if con.sql("FROM heavy LIMIT 1").fetchall():
        con.execute("DELETE FROM rule_key_number WHERE block IN (SELECT origin FROM heavy)")
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE block_key_cut AS
        SELECT {hashed("rule_number", "key")} AS block,
               number,
               origin
        FROM sorted_key
        JOIN rule_key_record USING (record_id);

        DROP VIEW IF EXISTS rule_key;
        DROP TABLE IF EXISTS block_key_number;
        ALTER TABLE rule_key_number RENAME TO block_key_number;
        DROP TABLE IF EXISTS block_key_record;
        ALTER TABLE rule_key_record RENAME TO block_key_record
        """
    )
    view_keys(con, "block_key", "block_key_cut")
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
