"""Candidate pairs: records that share a block, each pair made in exactly one shard."""

# ruff: noqa: S608 - what is put into statements is declared in our own model files.

from __future__ import annotations

from typing import TYPE_CHECKING

from kg_assets.matching.tables import block_keys, blocked_pairs

if TYPE_CHECKING:
    import duckdb

    from kg_assets.matching.model import MatchSpec
    from resources.lake import Step

_HASHES = 1 << 64
"""How many values the hash of a block can have."""


def run_blocked_pairs(step: Step, spec: MatchSpec, shard_count: int | None = None) -> None:
    """Write the candidate pairs of one shard.

    Where only some records changed their blocks since the shard was made, the pairs that touch
    these records are made again and the others stay.

    Args:
        step: Its partition is the shard's number, "00" for the first.
        spec: The type's match model.
        shard_count: Number of shards; that of the model where it is not given.
    """
    con = step.con
    table, keys = blocked_pairs(spec.entity_type), block_keys(spec.entity_type)
    count = shard_count or spec.shards
    shard = int(step.partition or 0)
    changed = step.changes(table, keys)
    step.view("block_key", keys)
    if changed is None:
        rows = step.write(table, pairs_of_shard(con, spec, shard, count))
        step.report(pairs=rows, pairs_changed=rows)
        return
    changed.rows.project("record_id").union(changed.removed.project("record_id")).create_view(
        "moved_key", replace=True
    )
    con.execute("CREATE OR REPLACE TEMP TABLE moved_record AS SELECT DISTINCT * FROM moved_key")
    step.previous(table).create_view("pair_before", replace=True)
    old = con.sql(
        """
        SELECT *
        FROM pair_before
        WHERE record_l IN (FROM moved_record) OR record_r IN (FROM moved_record)
        """
    )
    made = pairs_of_shard(con, spec, shard, count, moved="moved_record")
    differing = step.patch(table, old, made)
    step.report(pairs=step.rows(table), pairs_changed=differing)


def pairs_of_shard(
    con: duckdb.DuckDBPyConnection,
    spec: MatchSpec,
    shard: int,
    shard_count: int,
    *,
    moved: str | None = None,
) -> duckdb.DuckDBPyRelation:
    """The candidate pairs of one shard.

    A shard holds the blocks whose hash lies in its range. A pair is made by the first rule under
    which it shares a block, in the block of the smallest hash, so once over all shards.

    Args:
        con: A connection with the view or table ``block_key``, rows of the table block_keys.
        spec: The type's match model.
        shard: Number of the shard, from 0.
        shard_count: Number of shards.
        moved: Name of a table with record_id; only pairs that touch one of these are made.

    Returns:
        record_l, record_r, rule.

    Raises:
        ValueError: There is no such shard.
    """
    if not 0 <= shard < shard_count:
        raise ValueError(f"shard {shard} of {shard_count} does not exist: count from 0")
    from kg_assets.matching.earliest import register_earliest

    first = shard * _HASHES // shard_count
    last = (shard + 1) * _HASHES // shard_count - 1
    touches = "TRUE" if moved is None else f"record_id IN (SELECT record_id FROM {moved})"
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE shard_key AS
        WITH own AS (
            SELECT block, rule_number, record_id, record, source, duplicate_free,
                   {touches} AS moved
            FROM block_key
            WHERE block BETWEEN {first}::UBIGINT AND {last}::UBIGINT
        )
        SELECT *
        FROM own
        SEMI JOIN (
            SELECT block, rule_number
            FROM own
            GROUP BY block, rule_number
            HAVING count(*) > 1 AND bool_or(moved)
        ) AS shared USING (block, rule_number)
        """
    )
    # Ordered as their ids are, so that pairs are made of numbers.
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE shard_record AS
        SELECT *, (row_number() OVER (ORDER BY record_id) - 1)::INTEGER AS n
        FROM (SELECT DISTINCT record_id, record, source, duplicate_free FROM shard_key);

        CREATE OR REPLACE TEMP TABLE numbered_key AS
        SELECT n, rule_number, block, moved
        FROM shard_key
        JOIN shard_record USING (record_id)
        """
    )
    # Other blocks of the records of this shard, against which "first" and "smallest" are judged.
    # Two records whose hashes were equal would be judged by the blocks of both: at worst a pair
    # is made in two shards, which the clusters would refuse, and none is lost.
    register_earliest(
        con,
        "makes_pair",
        con.sql(
            """
            SELECT n, block_key.rule_number, block
            FROM block_key
            JOIN shard_record USING (record)
            """
        ),
        con.sql("SELECT n, source, duplicate_free FROM shard_record"),
        [rule.across_sources for rule in spec.blocking],
    )
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE made_pair AS
        SELECT l.n AS n_l, r.n AS n_r, l.rule_number
        FROM numbered_key AS l
        JOIN numbered_key AS r
          ON r.rule_number = l.rule_number
         AND r.block = l.block
         AND r.n > l.n
        WHERE (l.moved OR r.moved)
          AND makes_pair(l.n, r.n, l.rule_number, l.block)
        """
    )
    con.remove_function("makes_pair")
    con.execute("CREATE OR REPLACE TEMP TABLE rule_name (rule_number UTINYINT, name VARCHAR)")
    con.executemany(
        "INSERT INTO rule_name VALUES (?, ?)",
        [(place, rule.name) for place, rule in enumerate(spec.blocking)],
    )
    con.execute("DROP TABLE shard_key; DROP TABLE numbered_key")
    return con.sql(
        """
        SELECT l.record_id AS record_l, r.record_id AS record_r, rule_name.name AS rule
        FROM made_pair
        JOIN shard_record AS l ON l.n = made_pair.n_l
        JOIN shard_record AS r ON r.n = made_pair.n_r
        JOIN rule_name USING (rule_number)
        """
    )
