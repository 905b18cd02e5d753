"""The pairs of sorted blocks, each made in one of the blocks that its records share.

A join of DuckDB would hand every two records of a block to a function that asks whether the pair is
made there; here blocks are walked through in machine code, some of them at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from kg_assets.machine_code import njit
from kg_assets.matching.block_index import by_block, in_rule_order
from kg_assets.matching.cutting import RULE_BITS
from resources.threads import mapped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from kg_assets.matching.block_index import BlockIndex

AT_ONCE = 1 << 16
"""Pairs that the blocks of one batch can make at most, or those of one larger block: few enough for
what is known of their records to stay in a processor's cache."""

_IN_BATCH = 65_536
"""Pairs that a sorted batch holds at most, but for those of one record."""

_0, _1 = np.uint64(0), np.uint64(1)
_RULE_BITS = np.uint64(RULE_BITS)

MOST_RULES = 1 << RULE_BITS
"""Blocking rules that a pair's number of its rule can tell apart."""

PAIR_SCHEMA = pa.schema([("n_l", pa.int32()), ("n_r", pa.int32()), ("rule_number", pa.uint8())])


@dataclass(frozen=True)
class Blocks:
    """Records by block, as parallel arrays sorted by block.

    Attributes:
        record: Number of the record.
        block: The block.
        moved: Whether pairs of the record are made; all are where it is None.
        starts: Where each block begins of which a pair can be made.
        ends: Where each of these ends.
    """

    record: Any
    block: Any
    moved: Any
    starts: Any
    ends: Any

    @classmethod
    def of(cls, record: Any, block: Any, moved: Any = None) -> Blocks:
        """Sort records by block, and find the blocks of which a pair can be made.

        Args:
            record: Number of the record.
            block: The block; quickest where most come in order.
            moved: Whether pairs of the record are made; None for all.
        """
        order = np.argsort(block, kind="stable")
        return cls._of_sorted(
            record[order], block[order], moved[order] if moved is not None else None
        )

    @classmethod
    def whole(cls, index: BlockIndex) -> Blocks:
        """All blocks of an index."""
        # A few keys for each of so many leading bits.
        return cls._of_sorted(
            *by_block(index.first, index.words, max(1, len(index.words).bit_length() - 3))
        )

    @classmethod
    def _of_sorted(cls, record: Any, block: Any, moved: Any = None) -> Blocks:
        shown = moved if moved is not None else np.ones(1, dtype=np.bool_)
        starts, ends = _parted(block, shown, moved is None)
        return cls(record, block, moved, starts, ends)


@njit(cache=True, nogil=True)
def _parted(block: Any, moved: Any, all_moved: Any) -> Any:
    """Where the blocks begin and end that can make a pair."""
    starts, ends = np.empty(len(block) // 2, np.int64), np.empty(len(block) // 2, np.int64)
    found, begin = 0, 0
    for place in range(1, len(block) + 1):
        if place < len(block) and block[place] == block[begin]:
            continue
        shown = all_moved
        for one in range(begin, place):
            shown = shown or moved[one]
            if shown:
                break
        if shown and place - begin > 1:
            starts[found], ends[found] = begin, place
            found += 1
        begin = place
    return starts[:found].copy(), ends[:found].copy()


@njit(cache=True, nogil=True)
def _known(starts: Any, ends: Any, given: Any, record: Any, first: Any, words: Any) -> Any:
    """What decides of the records of some blocks, together: a pair is then a walk through a cache.

    Memory is asked for by loops that wait for nothing: a processor has many answers under way.

    Returns:
        The first word of each record, where its blocks begin and where those of the last end, and
        the blocks up to the one in question.
    """
    count = 0
    for number in range(len(starts)):
        count += ends[number] - starts[number]
    begins, sizes = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
    row, room = 0, 0
    for number in range(len(starts)):
        for place in range(starts[number], ends[number]):
            one = record[place]
            begins[row], sizes[row] = first[one], first[one + 1] - first[one]
            room += sizes[row]
            row += 1
    heads, bounds = np.empty(count, dtype=np.uint64), np.zeros(count + 1, dtype=np.int64)
    for row in range(count):
        heads[row] = words[begins[row]]
    before = np.empty(room, dtype=np.uint64)
    row, end = 0, 0
    for number in range(len(starts)):
        for _ in range(starts[number], ends[number]):
            for place in range(begins[row] + 1, begins[row] + sizes[row]):
                if words[place] > given[number]:
                    break
                before[end] = words[place]
                end += 1
            row += 1
            bounds[row] = end
    return heads, bounds, before


@njit(cache=True, nogil=True)
def _rule_of(block: Any) -> Any:
    """The number of the rule of a block that `in_rule_order` gave."""
    return np.intp(block >> (np.uint64(64) - _RULE_BITS))


@njit(cache=True, nogil=True)
def _made_here(
    before: Any, one: Any, one_end: Any, other: Any, other_end: Any,
    given: Any, foreign: Any, twice: Any, across: Any,
) -> Any:  # fmt: skip
    """Whether no rule before this one makes the pair, nor a smaller block of this rule."""
    while one < one_end and other < other_end:
        left, right = before[one], before[other]
        if left == right and (foreign or (twice and not across[_rule_of(left)])):
            return left == given
        one += left <= right
        other += right <= left
    return False


@njit(cache=True, nogil=True)
def _pairs(
    starts: Any, ends: Any, given: Any, record: Any, moved: Any, all_moved: Any,
    known: Any, across: Any, made: Any,
) -> Any:  # fmt: skip
    """Write the pairs of some blocks."""
    lefts, rights, by = made
    heads, bounds, before = known
    found, row = 0, 0
    for number in range(len(starts)):
        begin, size = starts[number], ends[number] - starts[number]
        rule = _rule_of(given[number])
        for one in range(size):
            for other in range(one + 1, size):
                if not (all_moved or moved[begin + one] or moved[begin + other]):
                    continue
                left, right = row + one, row + other
                foreign = heads[left] >> _1 != heads[right] >> _1
                twice = heads[left] & heads[right] & _1 == _0
                if not (foreign or (twice and not across[rule])):
                    continue
                if _made_here(
                    before, bounds[left], bounds[left + 1], bounds[right], bounds[right + 1],
                    given[number], foreign, twice, across,
                ):  # fmt: skip
                    lefts[found], rights[found] = record[begin + one], record[begin + other]
                    by[found] = rule
                    found += 1
        row += size
    return found


def pairs(
    shard: Blocks, index: BlockIndex, across: Sequence[bool], threads: int
) -> Iterator[pa.RecordBatch]:
    """Make the pairs of blocks.

    A pair is made by the first rule that allows it and under which its records share a block, in
    the smallest of these blocks. A rule allows a pair of two sources, and one inside a source
    unless it is only for pairs of two sources or the source is free of duplicates.

    Args:
        shard: The blocks.
        index: All blocks of their records.
        across: For each rule whether it makes no pairs inside a source.
        threads: How many threads may work.

    Yields:
        Batches of `PAIR_SCHEMA`, with the places of the records' ids; the left one's is smaller.
    """
    sizes = shard.ends - shard.starts
    through = np.concatenate(([0], np.cumsum(sizes * (sizes - 1) // 2)))
    moved = shard.moved if shard.moved is not None else np.zeros(1, dtype=np.bool_)
    inside = np.array(across, dtype=np.bool_)

    def made(first: int, last: int) -> pa.RecordBatch:
        most = int(through[last] - through[first])
        into = (
            np.empty(most, dtype=np.int32),
            np.empty(most, dtype=np.int32),
            np.empty(most, dtype=np.uint8),
        )
        starts = shard.starts[first:last]
        some = starts, shard.ends[first:last], in_rule_order(shard.block[starts]), shard.record
        known = _known(*some, index.first, index.words)
        found = _pairs(*some, moved, shard.moved is None, known, inside, into)
        one, other = (index.rank[side[:found]] for side in into[:2])
        # A copy, so that what was allowed for and not needed is given back.
        columns = np.minimum(one, other), np.maximum(one, other), into[2][:found].copy()
        return pa.RecordBatch.from_arrays(list(map(pa.array, columns)), schema=PAIR_SCHEMA)

    yield from mapped(lambda some: made(*some), _ranges(through), threads)


def in_order(made: Iterable[pa.RecordBatch], records: int) -> Iterator[pa.RecordBatch]:
    """Pairs sorted by the left record and then by the right one.

    All pairs are held, with 17 bytes each.

    Args:
        made: Batches of `PAIR_SCHEMA`.
        records: How many records there are.

    Yields:
        Batches of `PAIR_SCHEMA`.
    """
    batches = [[np.asarray(column) for column in batch.columns] for batch in made]
    ends = np.zeros(records + 1, dtype=np.int64)
    for lefts, _, _ in batches:
        _counted(lefts, ends)
    np.cumsum(ends, out=ends)
    filled, others = ends[:-1].copy(), np.empty(int(ends[-1]), dtype=np.uint64)
    for one in batches:
        _scattered(*one, filled, others)
    del made, batches
    first, last = 0, 0
    while first < records:
        last = int(np.searchsorted(ends, ends[first] + _IN_BATCH, side="right")) - 1
        last = max(first + 1, last)
        part = others[ends[first] : ends[last]]
        sizes = np.diff(ends[first : last + 1])
        _sorted(sizes, part)
        columns = (
            np.repeat(np.arange(first, last, dtype=np.int32), sizes),
            (part >> _RULE_BITS).astype(np.int32),
            part.astype(np.uint8),
        )
        if len(part):
            yield pa.RecordBatch.from_arrays(list(map(pa.array, columns)), schema=PAIR_SCHEMA)
        first = last


@njit(cache=True, nogil=True)
def _counted(lefts: Any, ends: Any) -> None:
    for left in lefts:
        ends[left + 1] += 1


@njit(cache=True, nogil=True)
def _scattered(lefts: Any, rights: Any, rules: Any, filled: Any, others: Any) -> None:
    """Put right record and rule, as one word, to the others of the left record."""
    for place in range(len(lefts)):
        left = lefts[place]
        others[filled[left]] = (np.uint64(rights[place]) << _RULE_BITS) | np.uint64(rules[place])
        filled[left] += 1


@njit(cache=True, nogil=True)
def _sorted(sizes: Any, others: Any) -> None:
    begin = 0
    for size in sizes:
        if size > 1:
            others[begin : begin + size].sort()
        begin += size


def _ranges(through: Any) -> Iterator[tuple[int, int]]:
    """Runs of blocks with at most `AT_ONCE` pairs inside, or of one block."""
    first, blocks = 0, len(through) - 1
    while first < blocks:
        last = int(np.searchsorted(through, through[first] + AT_ONCE, side="right")) - 1
        last = max(first + 1, last)
        yield first, last
        first = last
