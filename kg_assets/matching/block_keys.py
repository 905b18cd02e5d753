"""The blocks that each record is in: made once for all shards, and changed where records change."""

# ruff: noqa: S608 - what is put into statements is declared in our own model files.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kg_assets.matching.cutting import cut_heavy
from kg_assets.matching.near import prepare_near
from kg_assets.matching.normalise import create_macros
from kg_assets.matching.records import (
    columns_for_blocking,
    records,
    replaced_records,
)
from kg_assets.matching.rule_keys import raw_keys
from kg_assets.matching.tables import block_keys, cut_blocks
from kg_assets.matching.touched import touched_pairs, touched_records
from kg_assets.matching.touching import forget_touched, write_touched
from resources.table import WHOLE
from resources.taking import copy, take

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


def run_block_keys(step: Step, spec: MatchSpec, shard_count: int | None = None) -> None:
    """Write the blocks of all records, or change those that changed records touch.

    Args:
        step: Reads the records.
        spec: The type's match model.
        shard_count: Number of shards that touched pairs are told apart for; that of the model where
            it is not given.
    """
    con = step.con
    create_macros(con, spec.blocking)
    table, cut = block_keys(spec.entity_type), cut_blocks(spec.entity_type)
    near = touched_pairs(spec.entity_type), touched_records(spec.entity_type)
    changed = step.changes(table, records(spec))
    if changed is None or not step.intact(cut):
        step.view("matching_record", records(spec))
        copy(step, records(spec))
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
        write_touched(step, spec, shard_count or spec.shards)
        prepare_near(step, spec)
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
    """Make the view ``block_key`` and the table ``cut_block``, rows of block_keys and cut_blocks.

    The view is of tables of numbers, and of ``block_key_record`` with a row for each record.

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
    raw_keys(con, spec, view, "rule_key")
    cut_heavy(con, spec, view)
    found = con.sql(
        """
        SELECT rule, block_key, block_records, largest, neighbourhoods
        FROM cut_block
        ORDER BY block_records DESC, rule_number, block_key
        """
    ).fetchall()
    return [CutBlock(*row) for row in found]


def _remake(step: Step, spec: MatchSpec, changed: Changes) -> None:
    """Make the part of the blocks that changed records touch.

    Those are the blocks of the changed records, before and now; and, where a block was or becomes
    larger than the cap, what all of its records have from it, since one record more moves the
    windows of others.

    Args:
        step: Reads the records, and its own keys and cut blocks before.
        spec: The type's match model.
        changed: Changes of the records. Makes the tables replaced_key and replaced_cut, and as
            `make_keys` block_key and cut_block in their place; and touched_record, own_key,
            recut_key, near_key and record_before, which `write_touched` needs.
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
    raw_keys(con, spec, "changed_record", "changed_key")
    _find_own_blocks(step, spec)
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE touched_block AS
        SELECT rule_number, block AS origin FROM changed_key
        UNION
        SELECT rule_number, origin FROM own_block
        """
    )
    con.execute(
        """
        CREATE OR REPLACE TEMP VIEW touched_origin AS
        SELECT DISTINCT origin, origin AS block FROM touched_block
        """
    )
    # A block that was cut is known by where its parts come from.
    take(step, "near_uncut", keys, "block", "touched_origin")
    con.execute("CREATE OR REPLACE TEMP TABLE near_key AS FROM near_uncut WHERE origin IS NULL")
    if con.sql("FROM cut_before LIMIT 1").fetchall():
        take(step, "near_cut", keys, "origin", "touched_origin")
        con.execute("INSERT INTO near_key FROM near_cut")
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE own_key AS
        SELECT * FROM near_key SEMI JOIN touched_record USING (record_id);

        CREATE OR REPLACE TEMP TABLE block_size AS
        SELECT rule_number, origin, count(*) AS records
        FROM (
            SELECT DISTINCT rule_number, coalesce(origin, block) AS origin, record_id
            FROM near_key
            WHERE record_id NOT IN (SELECT record_id FROM touched_record)
            UNION ALL
            SELECT rule_number, block, record_id
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
        SELECT * FROM cut_before SEMI JOIN recut_block USING (rule_number, origin);

        -- What these blocks were before they were cut follows from their parts.
        CREATE OR REPLACE TEMP TABLE rule_key_record AS
        SELECT number, record_id, record, source, duplicate_free FROM changed_key_record
        UNION ALL
        SELECT (row_number() OVER ()
                   + (SELECT count(*) FROM changed_key_record) - 1)::UINTEGER,
               record_id, record, source, duplicate_free
        FROM (SELECT DISTINCT record_id, record, source, duplicate_free FROM recut_key);

        CREATE OR REPLACE TEMP TABLE rule_key_number AS
        SELECT block, number FROM changed_key_number
        UNION ALL
        SELECT DISTINCT coalesce(origin, block), number
        FROM recut_key
        JOIN rule_key_record USING (record_id)
        """
    )
    _take_recut_rows(step, spec)
    cut_heavy(con, spec, "recut_row")


def _find_own_blocks(step: Step, spec: MatchSpec) -> None:
    """Make ``own_block`` (rule_number, origin): the blocks of touched records before.

    They follow from what these records were, which the last update of the records left in
    ``record_before``. Where the keys before are older than that, they are looked for among all.
    """
    con, keys = step.con, block_keys(spec.entity_type)
    since = (step.made_from(keys, records(spec)) or {}).get(WHOLE, "")
    step.read(replaced_records(spec), tracked=False).create_view("record_replaced", replace=True)
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE record_before AS
        SELECT * FROM record_replaced WHERE since = $since
        """,
        {"since": since},
    )
    if con.sql("FROM record_before LIMIT 1").fetchall():
        raw_keys(con, spec, "record_before", "former_key")
        found = con.sql("SELECT DISTINCT rule_number, block AS origin FROM former_key")
    else:
        take(step, "key_of_touched", keys, "record", "touched_record")
        found = con.sql(
            """
            SELECT DISTINCT rule_number, coalesce(origin, block) AS origin
            FROM key_of_touched
            SEMI JOIN touched_record USING (record_id)
            """
        )
    found.create_view("own_block_found", replace=True)
    con.execute("CREATE OR REPLACE TEMP TABLE own_block AS FROM own_block_found")


def _take_recut_rows(step: Step, spec: MatchSpec) -> None:
    """Make ``recut_row``: what the changed records and those of ``recut_key`` are cut by."""
    con, table, columns = step.con, records(spec), columns_for_blocking(spec)
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE recut_id AS
        SELECT DISTINCT record_id FROM recut_key
        """
    )
    wanted = [name for name in table.schema.names if name in columns]
    take(step, "recut_row", table, "record_id", "recut_id", wanted)
    con.execute(
        f"""
        INSERT INTO recut_row
        SELECT {", ".join(f'"{name}"' for name in wanted)}
        FROM changed_record
        """
    )
