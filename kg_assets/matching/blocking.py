"""Candidate pairs: records that share a block, each pair made in exactly one shard."""

# ruff: noqa: S608 - what is put into statements is declared in our own model files.

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from kg_assets.matching.records import records
from kg_assets.matching.skew import described, hashes_of_shard, largest_blocks
from kg_assets.matching.tables import block_keys, blocked_pairs
from kg_assets.matching.touched import leads_on_from, touched_pairs
from resources.taking import copy
from resources.threads import mapped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import duckdb

    from kg_assets.matching.block_index import BlockIndex
    from kg_assets.matching.model import MatchSpec
    from kg_assets.matching.pairing import Blocks
    from resources.lake import Step

_BATCH = 65_536
"""Keys that are read at once."""

_COLUMNS = "record_l, record_r, rule"


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
        then, _ = leads_on_from(step, kind, count)
        # What a step before left undone is not among what the last update touched.
        if then and {then} == set((step.made_from(table, keys) or {}).values()):
            where = f"shard = {shard}"
            near = step.read(touched_pairs(kind), tracked=False, where=where)
            before, now = (near.filter(when).project(_COLUMNS) for when in ("before", "now"))
            differing = step.patch(table, before, now)
            step.report(pairs=step.rows(table), pairs_changed=differing)
            return
    step.view("block_key", keys)
    copy(step, keys)
    index = _index(step, spec, shared=count > 1)
    rows = step.write(table, pairs_of_shard(con, spec, shard, count, index=index))
    step.report(pairs=rows, pairs_changed=rows)


def _index(step: Step, spec: MatchSpec, *, shared: bool) -> BlockIndex:
    """The blocks of all records of the view ``block_key``.

    Args:
        step: The step.
        spec: The type's match model.
        shared: Whether this machine's shards share files of them.
    """
    from kg_assets.matching.block_index import FORMAT, BlockIndex

    keys, known = block_keys(spec.entity_type), None
    # Where records changed since, their keys are of others.
    if step.stands(keys, records(spec)):
        step.read(records(spec), tracked=False).project(
            "record_id, hash(record_id) AS record, source, duplicate_free"
        ).create_view("keyed_record", replace=True)
        known = "keyed_record"

    if not shared:
        return BlockIndex.of(step.con, "block_key", records=known)

    def make(folder: Path) -> None:
        BlockIndex.of(step.con, "block_key", folder, records=known)

    return BlockIndex.mapped(step.derived(keys, FORMAT, make))


def pairs_of_shard(
    con: duckdb.DuckDBPyConnection,
    spec: MatchSpec,
    shard: int,
    shard_count: int,
    *,
    index: BlockIndex | None = None,
) -> pa.RecordBatchReader:
    """The candidate pairs of one shard.

    A shard holds the blocks whose hash lies in its range. A pair is made by the first rule under
    which it shares a block, in the block of the smallest hash, so once over all shards.

    Args:
        con: A connection with the view or table ``block_key``, rows of the table block_keys.
        spec: The type's match model.
        shard: Number of the shard, from 0.
        shard_count: Number of shards.
        index: The blocks of all records; by default it is made of ``block_key``.

    Returns:
        Batches of record_l, record_r and rule, sorted by the first two, which can be read once.

    Raises:
        ValueError: There is no such shard.
    """
    from kg_assets.matching.block_index import BlockIndex
    from kg_assets.matching.pairing import Blocks, in_order, pairs

    first, last = hashes_of_shard(shard, shard_count)
    known = BlockIndex.of(con, "block_key") if index is None else index
    if shard_count == 1:
        own = Blocks.whole(known)
    else:
        own = _blocks(
            con.sql(
                f"""
                SELECT record, block
                FROM block_key
                WHERE block BETWEEN {first}::UBIGINT AND {last}::UBIGINT
                """
            ),
            known,
        )
    across, threads = [rule.across_sources for rule in spec.blocking], _threads(con)
    made = pairs(own, known, across, threads)
    names, ids = pa.array([rule.name for rule in spec.blocking], pa.string()), known.ids

    def named(batch: pa.RecordBatch) -> pa.RecordBatch:
        columns = ids.take(batch[0]), ids.take(batch[1]), names.take(batch[2])
        return pa.RecordBatch.from_arrays(
            [column.cast(pa.string()) for column in columns], schema=schema
        )

    schema = pa.schema([(name, pa.string()) for name in ("record_l", "record_r", "rule")])
    return pa.RecordBatchReader.from_batches(
        schema, mapped(named, in_order(made, len(ids)), threads)
    )


def moved_pairs(
    con: duckdb.DuckDBPyConnection, spec: MatchSpec, view: str, shard_count: int
) -> pa.RecordBatchReader:
    """The candidate pairs of all shards that touch a record whose blocks changed.

    Args:
        con: The connection.
        spec: The type's match model.
        view: Name of a view or table with rows of the table block_keys, and the column moved: all
            keys of the records that share a block with one that moved.
        shard_count: Number of shards.

    Returns:
        Batches of record_l, record_r, rule and shard, which can be read once.
    """
    import numpy as np

    from kg_assets.matching.block_index import BlockIndex
    from kg_assets.matching.pairing import pairs

    known = BlockIndex.of(con, view)
    blocks = _blocks(con.sql(f"SELECT record, block, moved FROM {view}"), known)
    across = [rule.across_sources for rule in spec.blocking]
    firsts = [hashes_of_shard(shard, shard_count)[0] for shard in range(shard_count)]
    bounds = np.searchsorted(blocks.block[blocks.starts], np.array(firsts, np.uint64))
    names, threads = pa.array([rule.name for rule in spec.blocking], pa.string()), _threads(con)

    def named() -> Iterator[pa.RecordBatch]:
        for shard, first in enumerate(bounds):
            last = bounds[shard + 1] if shard + 1 < shard_count else len(blocks.starts)
            if first == last:
                continue
            part = replace(blocks, starts=blocks.starts[first:last], ends=blocks.ends[first:last])
            for batch in pairs(part, known, across, threads):
                left, right = (known.ids.take(side).cast(pa.string()) for side in batch.columns[:2])
                shards = pa.repeat(pa.scalar(shard, pa.int32()), batch.num_rows)
                columns = [left, right, names.take(batch[2]), shards]
                yield pa.RecordBatch.from_arrays(columns, schema=schema)

    schema = pa.schema(
        [*((name, pa.string()) for name in ("record_l", "record_r", "rule")), ("shard", pa.int32())]
    )
    return pa.RecordBatchReader.from_batches(schema, named())


def _threads(con: duckdb.DuckDBPyConnection) -> int:
    return int(con.sql("SELECT current_setting('threads')").fetchall()[0][0])


def _blocks(rows: duckdb.DuckDBPyRelation, index: BlockIndex) -> Blocks:
    """The blocks of rows with the columns record and block, and perhaps moved."""
    import numpy as np

    from kg_assets.matching.pairing import Blocks

    kinds = [np.int32, np.uint64, np.bool_][: len(rows.columns)]
    parts: list[list[Any]] = [[np.empty(0, kind) for kind in kinds]]
    read = 0
    for batch in rows.to_arrow_reader(_BATCH):
        hashes, *others = (np.asarray(column) for column in batch.columns)
        places, numbers = index.found(hashes)
        parts.append([numbers, *(other[places] for other in others)])
        read += len(hashes)
    columns = [np.concatenate(each) for each in zip(*parts, strict=True)]
    del parts
    if len(columns[0]) > read:
        # Records of one hash, which are given each other's blocks, may have them already.
        order = np.lexsort(columns[::-1])
        record, block = columns[0][order], columns[1][order]
        last = np.append((np.diff(record) != 0) | (np.diff(block) != 0), True)
        columns = [column[order][last] for column in columns]
    return Blocks.of(*columns)
