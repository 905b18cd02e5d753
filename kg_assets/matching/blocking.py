"""Candidate pairs: records that share a block, each pair made in exactly one shard."""

# ruff: noqa: S608 - what is put into statements is declared in our own model files.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kg_assets.matching.skew import described, hashes_of_shard, largest_blocks
from kg_assets.matching.tables import block_keys, blocked_pairs
from kg_assets.matching.touched import touched_keys

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from kg_assets.matching.model import MatchSpec
    from resources.lake import Step


def run_blocked_pairs(step: Step, spec: MatchSpec, shard_count: int | None = None) -> None:
    """Write the candidate pairs of one shard.

    Where only some records changed their blocks since the shard was made, the pairs that touch
    these records are made again and the others stay.

    Args:
        step: Its partition is the shard's number, "00" for the first.
        spec: The type's match model.
        shard_count: Number of shards; that of the model where it is not given.
    """
    con, kind = step.con, spec.entity_type
    table, keys = blocked_pairs(kind), block_keys(kind)
    count = shard_count or spec.shards
    shard = int(step.partition or 0)
    step.report(largest_block=described(largest_blocks(step, spec, shard, count)))
    changed = step.changes(table, keys)
    if changed is not None and not changed.count:
        step.keep(table)
        step.report(pairs=step.rows(table), pairs_changed=0)
        return
    if changed is not None:
        step.read(touched_keys(kind), tracked=False).create_view("near_key", replace=True)
        con.execute("CREATE OR REPLACE TEMP TABLE touched_key AS FROM near_key")
        since = {row[0] for row in con.sql("SELECT DISTINCT since FROM touched_key").fetchall()}
        # What a step before left undone is not among what the last update touched.
        if since == set((step.made_from(table, keys) or {}).values()):
            differing = step.patch(table, *_touched_pairs(con, spec, shard, count))
            step.report(pairs=step.rows(table), pairs_changed=differing)
            return
    step.view("block_key", keys)
    rows = step.write(table, pairs_of_shard(con, spec, shard, count))
    step.report(pairs=rows, pairs_changed=rows)


def _touched_pairs(
    con: duckdb.DuckDBPyConnection, spec: MatchSpec, shard: int, shard_count: int
) -> tuple[duckdb.DuckDBPyRelation, duckdb.DuckDBPyRelation]:
    """The pairs of a shard that touch a record whose blocks changed: as they were, and are.

    Those that were follow from the keys as those that are do, so no pair is looked for.
    """
    for when in ("before", "now"):
        con.execute(f"CREATE OR REPLACE TEMP VIEW block_key AS FROM touched_key WHERE {when}")
        pairs_of_shard(con, spec, shard, shard_count, touched=True).create_view(
            "pair_found", replace=True
        )
        con.execute(f"CREATE OR REPLACE TEMP TABLE pair_{when} AS FROM pair_found")
    return con.table("pair_before"), con.table("pair_now")


def pairs_of_shard(
    con: duckdb.DuckDBPyConnection,
    spec: MatchSpec,
    shard: int,
    shard_count: int,
    *,
    touched: bool = False,
) -> duckdb.DuckDBPyRelation:
    """The candidate pairs of one shard.

    A shard holds the blocks whose hash lies in its range. A pair is made by the first rule under
    which it shares a block, in the block of the smallest hash, so once over all shards.

    Args:
        con: A connection with the view or table ``block_key``, rows of the table block_keys.
        spec: The type's match model.
        shard: Number of the shard, from 0.
        shard_count: Number of shards.
        touched: Whether only pairs are made that touch a record of which the column moved is true.

    Returns:
        record_l, record_r, rule.

    Raises:
        ValueError: There is no such shard.
    """
    first, last = hashes_of_shard(shard, shard_count)
    moved = "moved" if touched else "TRUE"
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE shard_key AS
        WITH own AS (
            SELECT block, rule_number, record_id, record, source, duplicate_free,
                   {moved} AS moved
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
        FROM (SELECT DISTINCT record_id, record, source, duplicate_free FROM shard_key)
        """
    )
    made = _made_pairs(con, [rule.across_sources for rule in spec.blocking])
    con.register("pairs_of_blocks", made)
    con.execute("CREATE OR REPLACE TEMP TABLE made_pair AS FROM pairs_of_blocks")
    con.unregister("pairs_of_blocks")
    con.execute("CREATE OR REPLACE TEMP TABLE rule_name (rule_number UTINYINT, name VARCHAR)")
    con.executemany(
        "INSERT INTO rule_name VALUES (?, ?)",
        [(place, rule.name) for place, rule in enumerate(spec.blocking)],
    )
    con.execute("DROP TABLE shard_key")
    return con.sql(
        """
        SELECT l.record_id AS record_l, r.record_id AS record_r, rule_name.name AS rule
        FROM made_pair
        JOIN shard_record AS l ON l.n = made_pair.n_l
        JOIN shard_record AS r ON r.n = made_pair.n_r
        JOIN rule_name USING (rule_number)
        """
    )


def _made_pairs(con: duckdb.DuckDBPyConnection, across: list[bool]) -> pa.RecordBatchReader:
    """The pairs that the blocks of ``shard_key`` make, as numbers of ``shard_record``."""
    import numpy as np
    import pyarrow as pa

    from kg_assets.matching.pairing import PAIR_SCHEMA, Blocks, Records, pairs

    def columns(statement: str) -> list[Any]:
        table = con.sql(statement).to_arrow_table()
        return [np.asarray(table[name].combine_chunks()) for name in table.column_names]

    source, free = columns(
        """
        SELECT dense_rank() OVER (ORDER BY source) AS source, duplicate_free
        FROM shard_record
        ORDER BY n
        """
    )
    # Two records whose hashes were equal would be judged by the blocks of both: at worst a pair
    # is made in two shards, which the clusters would refuse, and none is lost.
    keys = columns(
        """
        SELECT n, block_key.rule_number, block
        FROM block_key
        JOIN shard_record USING (record)
        """
    )
    own = columns(
        """
        SELECT n, rule_number, block, moved
        FROM shard_key
        JOIN shard_record USING (record_id)
        ORDER BY block, rule_number, n
        """
    )
    threads = con.sql("SELECT current_setting('threads')").fetchall()[0][0]
    shard = Blocks(*own)
    known = Records.of(source, free, (keys[0], keys[1], keys[2]), across)
    return pa.RecordBatchReader.from_batches(PAIR_SCHEMA, pairs(shard, known, int(threads)))
