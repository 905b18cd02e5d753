"""Finds what an update of the keys touches: the pairs and the records near a change."""

# ruff: noqa: S608 - what is put into statements is declared in our own model files.

from __future__ import annotations

from typing import TYPE_CHECKING

from kg_assets.matching.blocking import moved_pairs
from kg_assets.matching.records import compared_fields, records, replaced_records
from kg_assets.matching.tables import block_keys
from kg_assets.matching.touched import touched_pairs, touched_records
from resources.reads import WHOLE

if TYPE_CHECKING:
    from duckdb import DuckDBPyRelation

    from kg_assets.matching.model import MatchSpec
    from resources.lake import Step


def forget_touched(step: Step, spec: MatchSpec) -> None:
    """Write that nothing is known to be near a change, since all keys were made again."""
    for table in (touched_pairs(spec.entity_type), touched_records(spec)):
        step.write(table, table.schema.empty_table())


def write_touched(step: Step, spec: MatchSpec, shards: int) -> None:
    """Write what is near the changes of the keys.

    Args:
        step: The step of the keys, not yet committed. On its connection are ``touched_record``
            (record_id, record: those that changed or went), ``replaced_key`` and ``block_key``
            (keys that are replaced, and those in their place), ``own_key`` (keys before of the
            touched records) and ``near_key`` (keys before that share a block with a touched
            record, before or now).
        spec: The type's match model.
        shards: Number of shards that the pairs are told apart for.
    """
    _find_near(step, spec)
    _write_pairs(step, spec, shards)
    step.write(touched_records(spec), _near_records(step, spec, shards))


def _find_near(step: Step, spec: MatchSpec) -> None:
    """Make ``near_record`` (record_id, record), and ``touched_key``: all of their keys."""
    con, keys = step.con, block_keys(spec.entity_type)
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE moved_record AS
        SELECT record_id, record FROM touched_record
        UNION
        SELECT record_id, record
        FROM (FROM replaced_key EXCEPT FROM block_key)
        UNION
        SELECT record_id, record
        FROM (FROM block_key EXCEPT FROM replaced_key);

        CREATE OR REPLACE TEMP TABLE recut_only AS
        SELECT * FROM moved_record ANTI JOIN touched_record USING (record_id);

        CREATE OR REPLACE TEMP TABLE moved_block AS
        SELECT block, rule_number FROM own_key
        UNION
        SELECT block, rule_number FROM replaced_key SEMI JOIN moved_record USING (record_id)
        UNION
        SELECT block, rule_number FROM block_key SEMI JOIN moved_record USING (record_id)
        """
    )
    # Records whose windows alone moved: their other blocks are not among those looked at yet.
    if con.sql("FROM recut_only LIMIT 1").fetchall():
        step.previous(keys, "record IN (SELECT record FROM recut_only)").create_view(
            "other_key", replace=True
        )
        con.execute(
            """
            INSERT INTO moved_block
            SELECT DISTINCT block, rule_number FROM other_key
            EXCEPT
            FROM moved_block
            """
        )
        step.previous(keys, "block IN (SELECT block FROM moved_block)").create_view(
            "partner_key", replace=True
        )
    else:
        con.sql("FROM near_key").create_view("partner_key", replace=True)
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE near_record AS
        SELECT record_id, record FROM partner_key SEMI JOIN moved_block USING (block, rule_number)
        UNION
        SELECT record_id, record FROM block_key SEMI JOIN moved_block USING (block, rule_number)
        UNION
        SELECT record_id, record FROM moved_record
        """
    )
    step.previous(keys, "record IN (SELECT record FROM near_record)").create_view(
        "near_before", replace=True
    )
    # A source that takes back that it is free of duplicates has other keys in this alone.
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE touched_key AS
        SELECT block,
               rule_number,
               record_id,
               any_value(record) AS record,
               any_value(source) AS source,
               duplicate_free,
               record_id IN (SELECT record_id FROM moved_record) AS moved,
               bool_or(before) AS before,
               bool_or(now) AS now
        FROM (
            SELECT near.*,
                   TRUE AS before,
                   replaced.record_id IS NULL AS now
            FROM near_before AS near
            LEFT JOIN replaced_key AS replaced USING (block, rule_number, record_id)
            UNION ALL
            SELECT near.*, FALSE, TRUE
            FROM block_key AS near
            SEMI JOIN near_record USING (record_id)
        )
        GROUP BY block, rule_number, record_id, duplicate_free
        """
    )


def _write_pairs(step: Step, spec: MatchSpec, shards: int) -> None:
    """Write the pairs of ``touched_key`` that touch a record which moved, before and now."""
    con = step.con
    for when in ("before", "now"):
        con.execute(f"CREATE OR REPLACE TEMP VIEW key_then AS FROM touched_key WHERE {when}")
        con.register("pair_found", moved_pairs(con, spec, "key_then", shards))
        con.execute(f"CREATE OR REPLACE TEMP TABLE pair_{when} AS FROM pair_found")
        con.unregister("pair_found")
    found = con.sql(
        """
        SELECT record_l, record_r, rule, shard, bool_or(before) AS before, bool_or(now) AS now
        FROM (
            SELECT *, TRUE AS before, FALSE AS now FROM pair_before
            UNION ALL
            SELECT *, FALSE, TRUE FROM pair_now
        )
        GROUP BY record_l, record_r, rule, shard
        """
    )
    step.write(touched_pairs(spec.entity_type), found)


def _near_records(step: Step, spec: MatchSpec, shards: int) -> DuckDBPyRelation:
    """The rows of the touched records: of ``near_record``, as they were and as they are.

    How they were is known where the keys before were made from the records that the last update
    of the records led on from.
    """
    con, keys = step.con, block_keys(spec.entity_type)
    since = (step.made_from(keys, records(spec)) or {}).get(WHOLE, "")
    near = step.read(records(spec), where="record_id IN (SELECT record_id FROM near_record)")
    near.create_view("near_now", replace=True)
    step.read(replaced_records(spec), tracked=False).create_view("record_replaced", replace=True)
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE record_before AS
        SELECT *
        FROM record_replaced
        SEMI JOIN near_record USING (record_id)
        WHERE since = $since
        """,
        {"since": since},
    )
    unknown = con.sql("FROM own_key ANTI JOIN record_before USING (record_id) LIMIT 1").fetchall()
    columns = ", ".join(f'"{field.name}"' for field in compared_fields(spec))
    return con.sql(
        f"""
        SELECT *,
               $keys AS keys_since,
               $records AS records_since,
               $shards AS shards
        FROM (
            SELECT {columns},
                   record_id NOT IN (SELECT record_id FROM touched_record) AS before,
                   TRUE AS now
            FROM near_now
            UNION ALL
            SELECT {columns}, TRUE, FALSE
            FROM record_before
        )
        """,
        params={
            "keys": step.digest_of(keys),
            "records": "" if unknown else since,
            "shards": shards,
        },
    )
