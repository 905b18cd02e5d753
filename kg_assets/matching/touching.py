"""Finds what an update of the keys touches: the records, and the pairs near them."""

# ruff: noqa: S608 - what is put into statements is declared in our own model files.

from __future__ import annotations

from typing import TYPE_CHECKING

from kg_assets.matching.blocking import moved_pairs
from kg_assets.matching.records import records
from kg_assets.matching.tables import block_keys
from kg_assets.matching.touched import touched_pairs, touched_records
from resources.table import WHOLE
from resources.taking import take

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

    from kg_assets.matching.model import MatchSpec
    from resources.lake import Step


def forget_touched(step: Step, spec: MatchSpec) -> None:
    """Write that nothing is known to be near a change, since all keys were made again."""
    for table in (touched_pairs(spec.entity_type), touched_records(spec.entity_type)):
        step.write(table, table.schema.empty_table())


def write_touched(step: Step, spec: MatchSpec, shards: int) -> None:
    """Write what is near the changes of the keys.

    Args:
        step: The step of the keys, not yet committed. On its connection are ``touched_record``
            (record_id, record: those that changed or went), ``replaced_key`` and ``block_key``
            (keys that are replaced, and those in their place), ``own_key`` and ``recut_key`` (the
            replaced keys of the touched records, and those of others), ``near_key`` (keys before
            that share a block with a touched record, before or now) and ``record_before`` (the
            touched records as they were, as far as that is known).
        spec: The type's match model.
        shards: Number of shards that the pairs are told apart for.
    """
    con = step.con
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE pair_found (
            record_l VARCHAR,
            record_r VARCHAR,
            rule VARCHAR,
            shard INTEGER,
            before BOOLEAN
        )
        """
    )
    _keys_of_touched(con)
    _find_pairs(con, spec, shards)
    if _keys_of_recut(step, spec):
        _find_pairs(con, spec, shards)
    # Of records that are what they were, only the pairs that came or went are near.
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE pair_near AS
        SELECT record_l,
               record_r,
               rule,
               shard,
               bool_or(before) AS before,
               bool_or(NOT before) AS now
        FROM pair_found
        GROUP BY record_l, record_r, rule, shard
        HAVING bool_or(before) <> bool_or(NOT before)
            OR record_l IN (SELECT record_id FROM touched_record)
            OR record_r IN (SELECT record_id FROM touched_record)
        """
    )
    step.write(touched_pairs(spec.entity_type), con.table("pair_near"))
    step.write(touched_records(spec.entity_type), _touched(step, spec, shards))


def _keys_of_touched(con: DuckDBPyConnection) -> None:
    """Make ``key_found``: the keys, before and now, that tell the pairs of touched records.

    What such a record shares with another are blocks of its own. So these tell by which rule the
    two are a pair, whatever else the other is in.
    """
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE block_of_touched AS
        SELECT block FROM own_key
        UNION
        SELECT block FROM block_key SEMI JOIN touched_record USING (record_id);

        CREATE OR REPLACE TEMP TABLE key_before AS
        SELECT * FROM near_key SEMI JOIN block_of_touched USING (block);

        CREATE OR REPLACE TEMP TABLE key_after AS
        SELECT * FROM block_key SEMI JOIN block_of_touched USING (block);

        CREATE OR REPLACE TEMP VIEW moved AS
        SELECT record FROM touched_record
        """
    )
    _join_keys(con)


def _keys_of_recut(step: Step, spec: MatchSpec) -> bool:
    """Make ``key_found`` of the pairs of other records that came to other parts of cut blocks.

    Such a pair comes or goes where both are in one block that was cut otherwise. By which rule they
    are a pair is told by all of their blocks.

    Returns:
        Whether there are such records; else nothing is made.
    """
    con = step.con
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE key_moved AS
        SELECT block, rule_number, record_id, record, coalesce(origin, block) AS origin
        FROM (
            (FROM recut_key EXCEPT FROM block_key)
            UNION ALL
            (
                FROM (SELECT * FROM block_key ANTI JOIN touched_record USING (record_id))
                EXCEPT
                FROM recut_key
            )
        )
        """
    )
    if not con.sql("FROM key_moved LIMIT 1").fetchall():
        return False
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE record_recut AS
        SELECT DISTINCT record_id, record
        FROM recut_key
        WHERE coalesce(origin, block) IN (SELECT origin FROM key_moved)
        """
    )
    take(step, "key_of_recut", block_keys(spec.entity_type), "record", "record_recut")
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE key_before AS
        SELECT * FROM key_of_recut SEMI JOIN record_recut USING (record_id);

        CREATE OR REPLACE TEMP TABLE key_after AS
        SELECT * FROM block_key SEMI JOIN record_recut USING (record_id);

        CREATE OR REPLACE TEMP VIEW moved AS
        SELECT record FROM key_moved
        """
    )
    _join_keys(con)
    return True


def _join_keys(con: DuckDBPyConnection) -> None:
    """Make ``key_found`` of ``key_before``, ``key_after`` (those that came) and ``moved``."""
    # A source that takes back that it is free of duplicates has other keys in this alone.
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE key_found AS
        SELECT block,
               rule_number,
               record_id,
               any_value(record) AS record,
               any_value(source) AS source,
               duplicate_free,
               any_value(record) IN (FROM moved) AS moved,
               bool_or(before) AS before,
               bool_or(now) AS now
        FROM (
            SELECT key.*,
                   TRUE AS before,
                   replaced.record_id IS NULL AS now
            FROM key_before AS key
            LEFT JOIN replaced_key AS replaced USING (block, rule_number, record_id)
            UNION ALL
            SELECT *, FALSE, TRUE FROM key_after
        )
        GROUP BY block, rule_number, record_id, duplicate_free
        """
    )


def _find_pairs(con: DuckDBPyConnection, spec: MatchSpec, shards: int) -> None:
    """Add the pairs of ``key_found`` that touch a record which moved, before and now."""
    for when in ("before", "now"):
        con.execute(f"CREATE OR REPLACE TEMP VIEW key_then AS FROM key_found WHERE {when}")
        con.register("pair_then", moved_pairs(con, spec, "key_then", shards))
        con.execute(f"INSERT INTO pair_found SELECT *, {when == 'before'} FROM pair_then")
        con.unregister("pair_then")


def _touched(step: Step, spec: MatchSpec, shards: int) -> DuckDBPyRelation:
    """The rows of the touched records.

    What they were is known where the keys before were made from the records that the last update
    of the records led on from.
    """
    con, keys = step.con, block_keys(spec.entity_type)
    since = (step.made_from(keys, records(spec)) or {}).get(WHOLE, "")
    unknown = con.sql("FROM own_key ANTI JOIN record_before USING (record_id) LIMIT 1").fetchall()
    return con.sql(
        """
        SELECT record_id,
               $keys AS keys_since,
               $records AS records_since,
               $shards AS shards
        FROM touched_record
        """,
        params={
            "keys": step.digest_of(keys),
            "records": "" if unknown else since,
            "shards": shards,
        },
    )
