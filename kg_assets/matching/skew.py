"""The largest blocks of a shard, and whether one shard has far more pairs than the others."""

# ruff: noqa: S608 - what is put into statements is declared in our own model files, or a number.

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from kg_assets.checks import Check, Verdict
from kg_assets.matching import tables
from kg_assets.matching.cutting import hashed
from kg_assets.matching.normalise import create_macros
from kg_assets.matching.records import records

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from kg_assets.matching.model import MatchSpec
    from resources.lake import Step

_HASHES = 1 << 64
"""How many values the hash of a block can have."""

SKEW = 2.0
"""Times the mean of the others from which the pairs of a shard are too many: when those are done,
half of its work and more is still to come, and one machine does it."""

FEWEST_PAIRS = 1_000_000
"""Pairs below which no shard is too large: so many are scored in about a second."""

_NAMED = 3
"""Blocks that the warning names."""


@dataclass(frozen=True)
class Block:
    """A block of a shard.

    Attributes:
        number: Its hash.
        rule_number: Place of its rule in the model.
        rule: Name of the rule.
        records: How many records share it.
        record_id: One of them.
        origin: The block that it was cut from, None where it was not cut.
    """

    number: int
    rule_number: int
    rule: str
    records: int
    record_id: str
    origin: int | None

    @property
    def pairs(self) -> int:
        """Pairs of its records; those of them count here that no earlier block makes."""
        return self.records * (self.records - 1) // 2


def hashes_of_shard(shard: int, shard_count: int) -> tuple[int, int]:
    """The first and the last hash of the blocks of a shard.

    Raises:
        ValueError: There is no such shard.
    """
    if not 0 <= shard < shard_count:
        raise ValueError(f"shard {shard} of {shard_count} does not exist: count from 0")
    first = shard * _HASHES // shard_count
    return first, (shard + 1) * _HASHES // shard_count - 1


def largest_blocks(
    step: Step, spec: MatchSpec, shard: int, shard_count: int, count: int = 1
) -> list[Block]:
    """The blocks of a shard that most records share, the largest first.

    Args:
        step: Reads the block keys; that it does makes nothing stale.
        spec: The type's match model.
        shard: Number of the shard, from 0.
        shard_count: Number of shards.
        count: How many blocks.
    """
    keys = tables.block_keys(spec.entity_type)
    first, last = hashes_of_shard(shard, shard_count)
    crowded = _crowded(step.files(keys), first, last, count)
    if not crowded:
        return []
    # The keys are sorted by block, so that of nearly all of them nothing is read.
    among = ", ".join(f"{block}::UBIGINT" for block in crowded)
    found = step.read(keys, tracked=False, where=f"block IN ({among})")
    found.create_view("key_of_crowded", replace=True)
    rows = step.con.sql(
        f"""
        SELECT block,
               any_value(rule_number),
               count(*) AS records,
               min(record_id),
               any_value(origin)
        FROM key_of_crowded
        GROUP BY block
        HAVING count(*) > 1
        ORDER BY records DESC, block
        LIMIT {int(count)}
        """
    ).fetchall()
    return [
        Block(block, rule, spec.blocking[rule].name, size, record_id, origin)
        for block, rule, size, record_id, origin in rows
    ]


def _crowded(files: Sequence[Path], first: int, last: int, count: int) -> list[int]:
    """Blocks of a range, among which are those that most records share.

    Args:
        files: Files of the keys, the whole one first, then its layers.
        first: First block of the range.
        last: Last block of the range.
        count: How many blocks are asked for.
    """
    # Of a block that layers speak of, the file tells the size up to the number of their rows.
    named = [np.empty(0, np.uint64)]
    named += [one for path in files[1:] for one in _blocks_of(path, first, last)]
    moved, times = np.unique(np.concatenate(named), return_counts=True)
    most = dict(zip(moved.tolist(), times.tolist(), strict=True))
    sure = np.empty((2, 0), np.uint64)
    for blocks, sizes in _runs(files[0], first, last) if files else ():
        spots = np.searchsorted(blocks, moved[np.searchsorted(moved, blocks[0]) :])
        spots = spots[: np.searchsorted(spots, len(blocks))]
        spots = spots[np.isin(blocks[spots], moved)]
        for one in spots.tolist():
            most[int(blocks[one])] += int(sizes[one])
        sizes[spots] = 0
        least = sure[1, -1] if sure.shape[1] == count else np.uint64(1)
        kept = np.flatnonzero(sizes > least)
        sure = np.concatenate((sure, np.stack((blocks[kept], sizes[kept]))), axis=1)
        sure = sure[:, np.argsort(-sure[1].astype(np.int64), kind="stable")[:count]]
    fewest = int(sure[1, -1]) if sure.shape[1] == count else 2
    return sorted({*sure[0].tolist(), *(one for one, size in most.items() if size >= fewest)})


def _runs(path: Path, first: int, last: int) -> Iterator[tuple[Any, Any]]:
    """The blocks of a range, ascending and each once, and how many rows each has, both uint64."""
    held = np.empty(0, np.uint64)
    for part in (*_blocks_of(path, first, last), None):
        held = held if part is None else np.concatenate((held, part))
        begins = np.append(np.flatnonzero(np.diff(held, prepend=~held[:1])), len(held))
        # The last block may go on in the next part.
        bounds = begins if part is None else begins[:-1]
        if len(bounds) > 1:
            yield held[bounds[:-1]], np.diff(bounds).astype(np.uint64)
            held = held[bounds[-1] :]


def _blocks_of(path: Path, first: int, last: int) -> Iterator[Any]:
    """The blocks of a range in the order of a file of keys, in parts, uint64."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        place = file.schema_arrow.get_field_index("block")
        for group in range(file.num_row_groups):
            told = file.metadata.row_group(group).column(place).statistics
            if told is not None and told.has_min_max and (told.max < first or told.min > last):
                continue
            read = file.read_row_group(group, columns=["block"], use_threads=False)
            found = np.asarray(read["block"].combine_chunks())
            begin = np.searchsorted(found, np.uint64(first))
            yield found[begin : np.searchsorted(found, np.uint64(last), side="right")]


def key_of(step: Step, spec: MatchSpec, block: Block) -> str:
    """The key that the records of a block share, as their rule gives it.

    Args:
        step: Reads a record of the block, or the cut blocks; that it does makes nothing stale.
        spec: The type's match model.
        block: The block.
    """
    con = step.con
    if block.origin is not None:
        step.read(tables.cut_blocks(spec.entity_type), tracked=False).create_view(
            "cut_of_shard", replace=True
        )
        found = con.sql(
            "SELECT block_key FROM cut_of_shard WHERE rule_number = $rule AND origin = $origin",
            params={"rule": block.rule_number, "origin": block.origin},
        ).fetchall()
        return f"{found[0][0]!r} (cut)" if found else "one that was cut"
    create_macros(con, spec.blocking)
    con.register("record_of_block", pa.table({"record_id": [block.record_id]}))
    where = "record_id IN (SELECT record_id FROM record_of_block)"
    step.read(records(spec), tracked=False, where=where).create_view("shown_record", replace=True)
    found = con.sql(
        f"""
        SELECT key
        FROM (SELECT unnest({spec.blocking[block.rule_number].keys}) AS key FROM shown_record)
        WHERE {hashed(block.rule_number, "key")} = $block
        """,
        params={"block": block.number},
    ).fetchall()
    return repr(found[0][0]) if found else "one that the record no longer has"


def skew_check(spec: MatchSpec, shard_count: int, fewest: int = FEWEST_PAIRS) -> Check:
    """The promise that no shard has far more pairs than the others.

    Args:
        spec: The type's match model.
        shard_count: Number of shards.
        fewest: Pairs below which no shard is too large.
    """
    return Check(
        name="even_shards",
        table=tables.match_thresholds(spec.entity_type),
        description=f"No shard has more than {SKEW:g} times the candidate pairs that the others "
        f"have on average, and more than {fewest:,}: it would run long after all others. The "
        "warning names its largest blocks, with rule and key: a rule that is too wide, or a value "
        "that says nothing.",
        look=partial(_even_shards, spec=spec, shard_count=shard_count, fewest=fewest),
        blocking=False,
    )


def _even_shards(step: Step, spec: MatchSpec, shard_count: int, fewest: int) -> Verdict:
    heads = step.lake.heads(tables.blocked_pairs(spec.entity_type))
    sizes = {shard: head.file.rows for shard, head in sorted(heads.items())}
    if not sizes:
        return Verdict(True)
    worst = max(sizes, key=lambda shard: (sizes[shard], shard))
    mean = (sum(sizes.values()) - sizes[worst]) / max(1, len(sizes) - 1)
    figures = {"shard": worst, "pairs": sizes[worst], "mean_of_others": round(mean)}
    if sizes[worst] <= max(fewest, SKEW * mean):
        return Verdict(True, figures)
    blocks = largest_blocks(step, spec, int(worst), shard_count, _NAMED)
    named = [
        f"rule {block.rule}, key {key_of(step, spec, block)}: {block.records:,} records, "
        f"{block.pairs:,} pairs"
        for block in blocks
    ]
    return Verdict(False, figures | {"largest_blocks": named})


def described(blocks: list[Block]) -> dict[str, object] | None:
    """The largest of some blocks, as a step reports it; None where there is none."""
    if not blocks:
        return None
    block = blocks[0]
    return {"rule": block.rule, "records": block.records, "pairs": block.pairs}
