"""Whether a block is the one in which a pair is made, asked for many pairs at once.

DuckDB's list functions build a hash table for each pair; here two sorted rows are merged in machine
code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from kg_assets.matching.machine_code import njit

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb


@njit(cache=True, nogil=True)
def _earliest(
    blocks: Any, starts: Any, sources: Any, free: Any, across: Any, pairs: Any, found: Any
) -> None:
    lefts, rights, rules, given = pairs
    for pair in range(len(lefts)):
        left, right, rule = lefts[pair], rights[pair], np.intp(rules[pair])
        foreign = sources[left] != sources[right]
        twice = not (free[left] and free[right])
        found[pair] = foreign or (not across[rule] and twice)
        for before in range(rule + 1):
            if not found[pair]:
                break
            if not (foreign or (not across[before] and twice)):
                continue
            one, one_end = starts[left, before], starts[left, before + 1]
            other, other_end = starts[right, before], starts[right, before + 1]
            while one < one_end and other < other_end and blocks[one] != blocks[other]:
                if blocks[one] < blocks[other]:
                    one += 1
                else:
                    other += 1
            if one < one_end and other < other_end:
                # The smallest block that both have, of the first rule under which they meet.
                found[pair] = before == rule and blocks[one] == given[pair]


def register_earliest(
    con: duckdb.DuckDBPyConnection,
    name: str,
    keys: duckdb.DuckDBPyRelation,
    records: duckdb.DuckDBPyRelation,
    across: Sequence[bool],
) -> None:
    """Make the function ``name(left, right, rule, block)``: whether it makes the pair.

    A pair is made by the first rule that allows it and under which its records share a block, in
    the smallest of these blocks. A rule allows a pair of two sources, and one inside a source
    unless it is only for pairs of two sources or the source is free of duplicates.

    Args:
        con: The connection.
        name: Name of the function, for numbers of records, number of the rule and block.
        keys: Number of the record, number of the rule, block.
        records: Number from 0 without gaps, source, duplicate_free.
        across: For each rule whether it makes no pairs inside a source.
    """
    told = records.order("n").to_arrow_table()
    sources = np.asarray(told["source"].combine_chunks().dictionary_encode().indices)
    free = np.asarray(told["duplicate_free"].combine_chunks())
    held = keys.order("n, rule_number, block").to_arrow_table()
    blocks = held["block"].to_numpy()
    place = held["n"].to_numpy().astype(np.int64) * len(across) + held["rule_number"].to_numpy()
    ends = np.cumsum(np.bincount(place, minlength=len(told) * len(across)))
    whole = np.concatenate(([0], ends))
    # Of each record where the blocks of each rule begin, and where the last end.
    starts = whole[np.arange(len(told))[:, None] * len(across) + np.arange(len(across) + 1)]
    only_across = np.array(across, dtype=np.bool_)

    def earliest(left: Any, right: Any, rule: Any, block: Any) -> pa.Array:
        found = np.zeros(len(left), dtype=np.bool_)
        given = tuple(np.asarray(one) for one in (left, right, rule, block))
        _earliest(blocks, starts, sources, free, only_across, given, found)
        return pa.array(found)

    # DuckDB's stubs want the names of types as its own types.
    make: Any = con.create_function
    types = ["INTEGER", "INTEGER", "UTINYINT", "UBIGINT"]
    make(name, earliest, types, "BOOLEAN", type="arrow")
