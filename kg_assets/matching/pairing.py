"""The pairs of sorted blocks, each made in one of the blocks that its records share.

A join of DuckDB would hand every two records of a block to a function that asks whether the pair is
made there; here blocks are walked through in machine code, some of them at a time.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from kg_assets.matching.machine_code import njit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

AT_ONCE = 1 << 20
"""Pairs that the blocks of one batch can make at most, or those of one larger block."""

PAIR_SCHEMA = pa.schema([("n_l", pa.int32()), ("n_r", pa.int32()), ("rule_number", pa.uint8())])


@dataclass(frozen=True)
class Blocks:
    """Records by block, as parallel arrays sorted by block, rule and number of the record.

    Attributes:
        record: Number of the record.
        rule: Number of the blocking rule.
        block: The block, a hash of 64 bits.
        moved: Whether pairs of the record are made; all are where it is None.
    """

    record: Any
    rule: Any
    block: Any
    moved: Any = None


@dataclass(frozen=True)
class Records:
    """What decides in which block a pair is made, of records numbered from 0 without gaps.

    Attributes:
        source: Number of the source of each record.
        free: Whether the source of each is free of duplicates.
        blocks: All blocks of the records, those of a record together, by rule and then by block.
        starts: Where the blocks of each record under each rule begin in ``blocks``, and where the
            last of them end; (records, rules + 1).
        across: For each rule whether it makes no pairs inside a source.
    """

    source: Any
    free: Any
    blocks: Any
    starts: Any
    across: Any

    @classmethod
    def of(
        cls, source: Any, free: Any, keys: tuple[Any, Any, Any], across: Sequence[bool]
    ) -> Records:
        """Sort the blocks of records.

        Args:
            source: Number of the source of each record.
            free: Whether it is free of duplicates.
            keys: Number of the record, number of the rule and block, in any order.
            across: For each rule whether it makes no pairs inside a source.
        """
        rules = len(across)
        blocks, starts = _by_record(*keys, len(source), rules)
        return cls(source, free, blocks, starts, np.array(across, dtype=np.bool_))


@njit(cache=True, nogil=True)
def _by_record(record: Any, rule: Any, block: Any, records: Any, rules: Any) -> Any:
    starts = np.zeros((records, rules + 1), dtype=np.int64)
    for place in range(len(record)):
        starts[record[place], rule[place] + 1] += 1
    end = 0
    for one in range(records):
        starts[one, 0] = end
        for each in range(1, rules + 1):
            end += starts[one, each]
            starts[one, each] = end
    blocks = np.empty(len(block), dtype=np.uint64)
    filled = np.zeros((records, rules), dtype=np.int32)
    for place in range(len(record)):
        one, each = record[place], rule[place]
        first = starts[one, each]
        into = first + filled[one, each]
        filled[one, each] += 1
        # Few blocks under one rule: each is put where it belongs among those before.
        while into > first and blocks[into - 1] > block[place]:
            blocks[into] = blocks[into - 1]
            into -= 1
        blocks[into] = block[place]
    return blocks, starts


@njit(cache=True, nogil=True)
def _made_here(
    left: Any, right: Any, rule: Any, block: Any, foreign: Any, twice: Any,
    blocks: Any, starts: Any, across: Any,
) -> Any:  # fmt: skip
    """Whether no rule before this one makes the pair, nor a smaller block of this rule."""
    for before in range(rule + 1):
        if not (foreign or (twice and not across[before])):
            continue
        one, one_end = starts[left, before], starts[left, before + 1]
        other, other_end = starts[right, before], starts[right, before + 1]
        while one < one_end and other < other_end:
            if blocks[one] < blocks[other]:
                one += 1
            elif blocks[one] > blocks[other]:
                other += 1
            else:
                return before == rule and blocks[one] == block
    return False


@njit(cache=True, nogil=True)
def _pairs(
    ends: Any, record: Any, rule: Any, block: Any, moved: Any, all_moved: Any,
    source: Any, free: Any, blocks: Any, starts: Any, across: Any, made: Any,
) -> Any:  # fmt: skip
    """Write the pairs of some blocks; ``ends`` has where each begins, and where the last ends."""
    lefts, rights, rules = made
    found = 0
    for number in range(len(ends) - 1):
        first, last = ends[number], ends[number + 1]
        each, given = np.intp(rule[first]), block[first]
        for place in range(first, last):
            left = record[place]
            for other in range(place + 1, last):
                right = record[other]
                if not (all_moved or moved[place] or moved[other]):
                    continue
                foreign = source[left] != source[right]
                twice = not (free[left] and free[right])
                if not (foreign or (twice and not across[each])):
                    continue
                if _made_here(left, right, each, given, foreign, twice, blocks, starts, across):
                    lefts[found], rights[found], rules[found] = left, right, each
                    found += 1
    return found


def pairs(shard: Blocks, records: Records, threads: int) -> Iterator[pa.RecordBatch]:
    """Make the pairs of blocks.

    A pair is made by the first rule that allows it and under which its records share a block, in
    the smallest of these blocks. A rule allows a pair of two sources, and one inside a source
    unless it is only for pairs of two sources or the source is free of duplicates.

    Args:
        shard: The blocks.
        records: All records of theirs, with all of their blocks.
        threads: How many threads may work.

    Yields:
        Batches of `PAIR_SCHEMA`; the left record has the smaller number.
    """
    count = len(shard.record)
    if not count:
        return
    differs = (np.diff(shard.block) != 0) | (np.diff(shard.rule) != 0)
    ends = np.concatenate(([0], np.flatnonzero(differs) + 1, [count]))
    sizes = np.diff(ends)
    through = np.concatenate(([0], np.cumsum(sizes * (sizes - 1) // 2)))
    moved = shard.moved if shard.moved is not None else np.zeros(1, dtype=np.bool_)

    def made(first: int, last: int) -> pa.RecordBatch:
        most = int(through[last] - through[first])
        into = (
            np.empty(most, dtype=np.int32),
            np.empty(most, dtype=np.int32),
            np.empty(most, dtype=np.uint8),
        )
        found = _pairs(
            ends[first : last + 1], shard.record, shard.rule, shard.block, moved,
            shard.moved is None, records.source, records.free, records.blocks, records.starts,
            records.across, into,
        )  # fmt: skip
        # Copies, so that what was allowed for and not needed is given back.
        columns = [pa.array(one[:found].copy()) for one in into]
        return pa.RecordBatch.from_arrays(columns, schema=PAIR_SCHEMA)

    with ThreadPoolExecutor(threads) as pool:
        # As many batches as threads are in work or wait, however slowly they are taken.
        waiting: list[Any] = []
        for first, last in _ranges(through):
            waiting.append(pool.submit(made, first, last))
            if len(waiting) > threads:
                yield waiting.pop(0).result()
        while waiting:
            yield waiting.pop(0).result()


def _ranges(through: Any) -> Iterator[tuple[int, int]]:
    """Runs of blocks with at most `AT_ONCE` pairs inside, or of one block."""
    first, blocks = 0, len(through) - 1
    while first < blocks:
        last = int(np.searchsorted(through, through[first] + AT_ONCE, side="right")) - 1
        last = max(first + 1, last)
        yield first, last
        first = last
