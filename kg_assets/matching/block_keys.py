"""The blocks that each record is in: made once for all shards, and changed where records change."""

# ruff: noqa: S608 - what is put into statements is declared in our own model files.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kg_assets.matching.normalise import create_macros
from kg_assets.matching.records import records
from kg_assets.matching.tables import block_keys, cut_blocks
from kg_assets.matching.touched import (
    forget_touched,
    touched_keys,
    touched_records,
    write_touched,
)

if TYPE_CHECKING:
    import duckdb

    from kg_assets.matching.model import MatchSpec
    from resources.lake import Step
    from resources.layers import Changes


@dataclass(frozen=True)
class CutBlock:
    """A block that was over the cap.

    Attributes:
        rule: Name of the blocking rule.
        key: The block's key.
        records: How many records share it.
        largest: Records in the largest block after refinement.
        neighbourhoods: How many refined blocks were still over the cap, and are joined within
            sorted neighbourhoods of half the cap.
    """

    rule: str
    key: str
    records: int
    largest: int
    neighbourhoods: int


def run_block_keys(step: Step, spec: MatchSpec) -> None:
    """Write the blocks of all records, or change those that changed records touch.

    Args:
        step: Reads the records.
        spec: The type's match model.
    """
    con = step.con
    create_macros(con)
    table, cut = block_keys(spec.entity_type), cut_blocks(spec.entity_type)
    near = touched_keys(spec.entity_type), touched_records(spec)
    changed = step.changes(table, records(spec))
    if changed is None or not step.intact(cut):
        step.view("matching_record", records(spec))
        make_keys(con, spec, "matching_record")
        differing = step.write(table, con.table("block_key"))
        step.write(cut, con.table("cut_block"))
        forget_touched(step, spec)
    elif not changed.count and step.intact(*near):
        differing = 0
        for kept in (table, cut, *near):
            step.keep(kept)
    else:
        _remake(step, spec, changed)
        differing = step.patch(table, con.table("replaced_key"), con.table("block_key"))
        step.patch(cut, con.table("replaced_cut"), con.table("cut_block"))
        write_touched(step, spec)
    step.staged(cut).create_view("staged_cut", replace=True)
    largest = con.sql(
        """
        SELECT rule, block_key, block_records, largest, neighbourhoods
        FROM staged_cut
        ORDER BY block_records DESC, rule, block_key
        LIMIT 20
        """
    ).fetchall()
    step.report(
        keys=step.rows(table),
        keys_changed=differing,
        blocks_over_cap=step.rows(cut),
        refined=[
            f"{rule} {key!r}: {number} records, cut to blocks of at most {most}"
            + (f", {neighbourhoods} of them sorted" if neighbourhoods else "")
            for rule, key, number, most, neighbourhoods in largest
        ],
    )


def make_keys(con: duckdb.DuckDBPyConnection, spec: MatchSpec, view: str) -> list[CutBlock]:
    """Make the tables ``block_key`` and ``cut_block``, rows of block_keys and cut_blocks.

    Keys are those of the rules, except that a key which more than the cap share is replaced, for
    each record, by the pairs of it and the record's refining keys; where that is still more than
    the cap, by overlapping windows over the part in the order of name and id; and by narrow windows
    over the block in each of the rule's orders. All records take part, so the result does not
    depend on shards.

    Args:
        con: A connection with the macros of `normalise`.
        spec: The type's match model.
        view: Name of a view of the type's records.

    Returns:
        The blocks that were cut, largest first.
    """
    _raw_keys(con, spec, view, "rule_key")
    _cut(con, spec)
    found = con.sql(
        """
        SELECT rule, block_key, block_records, largest, neighbourhoods
        FROM cut_block
        ORDER BY block_records DESC, rule_number, block_key
        """
    ).fetchall()
    return [CutBlock(*row) for row in found]


def _raw_keys(con: duckdb.DuckDBPyConnection, spec: MatchSpec, view: str, name: str) -> None:
    """Make a table of the keys of records, with what a block over the cap is cut by."""
    rules = "\nUNION ALL\n".join(
        f"""
        SELECT record_id,
               source,
               duplicate_free,
               {number}::UTINYINT AS rule_number,
               [{", ".join((*rule.orders, "lower(name)"))}] AS places,
               unnest(list_distinct(list_filter(
                   {rule.keys}, lambda one_key: one_key IS NOT NULL AND one_key <> ''))) AS key,
               list_distinct(list_transform(
                   coalesce(nullif({rule.refine}, []), [NULL]),
                   lambda one_key: coalesce(one_key, ''))) AS refine
        FROM {view}
        """
        for number, rule in enumerate(spec.blocking)
    )
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE {name} AS
        SELECT *, hash(rule_number, key) AS origin
        FROM ({rules})
        """
    )


def _cut(con: duckdb.DuckDBPyConnection, spec: MatchSpec) -> None:
    """Make ``block_key`` and ``cut_block`` of ``rule_key``, in which no large block lacks a record.

    Records with nothing to refine by make a block of their own.
    """
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE heavy AS
        SELECT rule_number, key, count(*) AS records
        FROM rule_key
        GROUP BY rule_number, key
        HAVING count(*) > $cap
        """,
        {"cap": spec.block_cap},
    )
    # chr(31) is no letter of a key.
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE sorted_key AS
        WITH crowd AS (
            SELECT * EXCLUDE (key), key AS raw
            FROM rule_key
            SEMI JOIN heavy USING (rule_number, key)
        ),
        refined AS (
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
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE block_key AS
        SELECT origin AS block,
               rule_number,
               record_id,
               hash(record_id) AS record,
               source,
               duplicate_free,
               NULL::UBIGINT AS origin
        FROM rule_key
        ANTI JOIN heavy USING (rule_number, key)
        UNION ALL
        SELECT hash(rule_number, key) AS block,
               rule_number,
               record_id,
               hash(record_id) AS record,
               source,
               duplicate_free,
               origin
        FROM sorted_key
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
                   raw AS key,
                   any_value(origin) AS origin,
                   max(records) AS largest,
                   count(DISTINCT whole) FILTER (key <> whole) AS neighbourhoods
            FROM (
                SELECT *, count(*) OVER (PARTITION BY rule_number, key) AS records
                FROM sorted_key
            )
            GROUP BY rule_number, raw
        )
        SELECT rule,
               key AS block_key,
               rule_number,
               origin,
               records AS block_records,
               largest,
               neighbourhoods
        FROM heavy
        JOIN pieces USING (rule_number, key)
        JOIN rule_name USING (rule_number)
        """
    )
    for table in ("rule_key", "heavy", "sorted_key"):
        con.execute(f"DROP TABLE {table}")


def _remake(step: Step, spec: MatchSpec, changed: Changes) -> None:
    """Make the part of the blocks that changed records touch.

    Those are the blocks of the changed records, before and now; and, where a block was or becomes
    larger than the cap, what all of its records have from it, since one record more moves the
    windows of others.

    Args:
        step: Reads the records, and its own keys and cut blocks before.
        spec: The type's match model.
        changed: Changes of the records. Makes the tables replaced_key and replaced_cut, and as
            `make_keys` block_key and cut_block in their place; and touched_record, own_key and
            near_key, which `write_touched` needs.
    """
    con, keys = step.con, block_keys(spec.entity_type)
    step.previous(cut_blocks(spec.entity_type)).create_view("cut_before", replace=True)
    changed.rows.create_view("changed_row", replace=True)
    changed.removed.create_view("removed_row", replace=True)
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE changed_record AS
        SELECT * FROM changed_row;

        CREATE OR REPLACE TEMP TABLE touched_record AS
        SELECT record_id, hash(record_id) AS record FROM changed_record
        UNION ALL
        SELECT record_id, hash(record_id) FROM removed_row;
        """
    )
    _raw_keys(con, spec, "changed_record", "changed_key")
    step.previous(keys, "record IN (SELECT record FROM touched_record)").create_view(
        "key_of_touched", replace=True
    )
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE own_key AS
        SELECT * FROM key_of_touched SEMI JOIN touched_record USING (record_id);

        CREATE OR REPLACE TEMP TABLE touched_block AS
        SELECT rule_number, origin FROM changed_key
        UNION
        SELECT rule_number, coalesce(origin, block) FROM own_key
        """
    )
    # One scan for the blocks that were not cut; the others only where there are such blocks.
    parts = ["origin IS NULL AND block IN (SELECT origin FROM touched_block)"]
    if con.sql("FROM cut_before LIMIT 1").fetchall():
        parts.append("origin IN (SELECT origin FROM touched_block)")
    for number, part in enumerate(parts):
        step.previous(keys, part).create_view(f"near_part_{number}", replace=True)
    together = " UNION ALL ".join(f"FROM near_part_{number}" for number in range(len(parts)))
    con.execute(f"CREATE OR REPLACE TEMP TABLE near_key AS {together}")
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE block_size AS
        SELECT rule_number, origin, count(*) AS records
        FROM (
            SELECT DISTINCT rule_number, coalesce(origin, block) AS origin, record_id
            FROM near_key
            WHERE record_id NOT IN (SELECT record_id FROM touched_record)
            UNION ALL
            SELECT rule_number, origin, record_id
            FROM changed_key
        )
        GROUP BY rule_number, origin
        """
    )
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE recut_block AS
        SELECT rule_number, origin
        FROM block_size
        SEMI JOIN touched_block USING (rule_number, origin)
        WHERE records > $cap
        UNION
        SELECT rule_number, origin
        FROM touched_block
        SEMI JOIN cut_before USING (rule_number, origin)
        """,
        {"cap": spec.block_cap},
    )
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE recut_key AS
        SELECT near_key.*
        FROM near_key
        SEMI JOIN recut_block
               ON recut_block.rule_number = near_key.rule_number
              AND recut_block.origin = coalesce(near_key.origin, near_key.block)
        WHERE record_id NOT IN (SELECT record_id FROM touched_record);

        CREATE OR REPLACE TEMP TABLE replaced_key AS
        SELECT * FROM own_key
        UNION ALL
        SELECT * FROM recut_key;

        CREATE OR REPLACE TEMP TABLE replaced_cut AS
        SELECT * FROM cut_before SEMI JOIN recut_block USING (rule_number, origin)
        """
    )
    con.execute("CREATE OR REPLACE TEMP TABLE rule_key AS FROM changed_key")
    if con.sql("FROM recut_key LIMIT 1").fetchall():
        again = step.read(records(spec), where="record_id IN (SELECT record_id FROM recut_key)")
        again.create_view("recut_record", replace=True)
        _raw_keys(con, spec, "recut_record", "recut_raw")
        con.execute(
            """
            INSERT INTO rule_key
            SELECT * FROM recut_raw SEMI JOIN recut_block USING (rule_number, origin)
            """
        )
    _cut(con, spec)
