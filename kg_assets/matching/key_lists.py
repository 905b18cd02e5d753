"""Machine code of the keys: lists of blocks taken apart, and blocks that may be over the cap."""

from __future__ import annotations

from typing import Any

from kg_assets.machine_code import njit

_FEW = 32
"""Blocks of a list up to which each is looked for among those before it."""


@njit(cache=True, nogil=True)
def distinct(sizes: Any, values: Any, known: Any, blocks: Any, places: Any) -> int:
    """Write the blocks of lists, each once for its list, without those that are not known.

    Args:
        sizes: How many blocks each list has, int64.
        values: The blocks of all lists, uint64.
        known: Whether each block is one.
        blocks: Is filled with the blocks, uint64.
        places: Is filled with the place of the list that each is of.

    Returns:
        How many were written.
    """
    count, read = 0, 0
    for place in range(len(sizes)):
        begin = count
        for value in range(read, read + sizes[place]):
            new = known[value]
            if sizes[place] <= _FEW:
                for before in range(begin, count):
                    new = new and blocks[before] != values[value]
            if new:
                blocks[count] = values[value]
                count += 1
        read += sizes[place]
        if sizes[place] > _FEW and count > begin:
            blocks[begin:count].sort()
            last = begin
            for one in range(begin + 1, count):
                if blocks[one] != blocks[last]:
                    last += 1
                    blocks[last] = blocks[one]
            count = last + 1
        places[begin:count] = place
    return count


@njit(cache=True, nogil=True)
def repeated(numbers: Any, start: Any, given: Any, blocks: Any, places: Any) -> None:
    """Write the blocks of values for each of those that have the value.

    Args:
        numbers: Number of the value that each has.
        start: Where the blocks of each value start, with the end of the last.
        given: Blocks of the values.
        blocks: Is filled with the blocks.
        places: Is filled with the place in ``numbers`` that each is of.
    """
    count = 0
    for place in range(len(numbers)):
        for one in range(start[numbers[place]], start[numbers[place] + 1]):
            blocks[count], places[count] = given[one], place
            count += 1


@njit(cache=True, nogil=True)
def counted(blocks: Any, shift: Any, counts: Any) -> None:
    """Count blocks by their leading bits; ``counts`` is changed."""
    for block in blocks:
        counts[block >> shift] += 1
