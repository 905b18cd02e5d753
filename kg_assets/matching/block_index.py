"""All blocks of each record as flat arrays, in memory or in files that every shard maps.

Where a pair is made depends on all blocks of its two records, and a shard holds only some of them.
A look at the others must cost next to nothing: there are many shards, and each has a part of nearly
every record's blocks.
"""

# ruff: noqa: S608 - names in statements are those of the caller's views.

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from kg_assets.machine_code import njit
from kg_assets.matching.cutting import RULE_BITS
from kg_assets.matching.hashes import buckets, found

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

FORMAT = "blocks of records, 1"
"""Names the files of a folder; another where they hold something else."""

_RULE_BITS = np.uint64(RULE_BITS)

_BATCH = 65_536
"""Keys that are read at once."""


@dataclass(frozen=True)
class BlockIndex:
    """What decides in which block a pair is made, of records numbered in the order of their hashes.

    Two records whose hashes are equal count as being in the blocks of both: at worst a pair is made
    that shares no block, and none is lost.

    Attributes:
        id_bounds: Where each id begins in ``id_bytes``, and where the last ends, int64.
        id_bytes: The record ids in UTF-8, ascending, uint8.
        hashes: Hashes of the ids, ascending, uint64.
        rank: Place of each record's id among the ids, int32.
        buckets: Where the hashes of each leading bits begin, int32.
        first: Where the words of each record begin, and where those of the last end, int64.
        words: For each record the number of its source, doubled, with 1 more where the source is
            free of duplicates; then its blocks as `in_rule_order` has them, ascending, uint64.
    """

    id_bounds: Any
    id_bytes: Any
    hashes: Any
    rank: Any
    buckets: Any
    first: Any
    words: Any

    @property
    def ids(self) -> pa.LargeStringArray:
        """The record ids, ascending; a view of the arrays."""
        bounds, text = (pa.py_buffer(one) for one in (self.id_bounds, self.id_bytes))
        return pa.LargeStringArray.from_buffers(len(self.rank), bounds, text)

    def found(self, hashes: Any) -> tuple[Any, Any]:
        """The records that have some hashes.

        Args:
            hashes: Hashes of record ids, uint64.

        Returns:
            Place in ``hashes`` and number of a record, of each that is known, as parallel arrays.
        """
        return found(hashes, self.hashes, self.buckets)

    @classmethod
    def of(
        cls, con: duckdb.DuckDBPyConnection, view: str, folder: Path | None = None
    ) -> BlockIndex:
        """Make the index of all records that have a block.

        Args:
            con: The connection.
            view: Name of a view or table with rows of the table block_keys; it is read twice.
            folder: An empty folder in which the arrays are made, None for memory.
        """
        records = con.sql(
            f"""
            SELECT record_id,
                   record,
                   dense_rank() OVER (ORDER BY source) * 2 + duplicate_free::INTEGER AS source
            FROM (SELECT DISTINCT record_id, record, source, duplicate_free FROM {view})
            ORDER BY record_id
            """
        ).to_arrow_table()
        ids = records["record_id"].cast(pa.large_string()).combine_chunks()
        hashes, source = (
            np.asarray(records[name].combine_chunks()).astype(np.uint64)
            for name in ("record", "source")
        )
        del records
        rank = np.argsort(hashes, kind="stable")
        hashes = hashes[rank]
        made = {
            "id_bounds": np.frombuffer(ids.buffers()[1] or bytes(8), np.int64)[: len(ids) + 1],
            "id_bytes": np.frombuffer(ids.buffers()[2] or b"", np.uint8),
            "hashes": hashes,
            "rank": rank.astype(np.int32),
            "buckets": buckets(hashes),
            "first": np.zeros(len(ids) + 1, np.int64),
        }
        made["words"] = _room(folder, len(ids) + _keys(con, view, hashes))
        state = np.zeros(2, np.int64)
        filled = hashes, source[rank], made["first"], made["words"], state
        ordered = con.sql(f"SELECT record, block FROM {view} ORDER BY record, rule_number, block")
        for batch in ordered.to_arrow_reader(_BATCH):
            record, block = map(np.asarray, batch.columns)
            _filled(record, in_rule_order(block), *filled)
        _closed(*filled)
        if folder is not None:
            for name, array in made.items():
                if isinstance(array, np.memmap):
                    array.flush()
                else:
                    np.save(folder / f"{name}.npy", array)
        return cls(**made)

    @classmethod
    def mapped(cls, folder: Path) -> BlockIndex:
        """The index that was made in a folder, mapped into memory."""
        return cls(
            **{
                each.name: np.load(folder / f"{each.name}.npy", mmap_mode="r")
                for each in fields(cls)
            }
        )


def _keys(con: duckdb.DuckDBPyConnection, view: str, hashes: Any) -> int:
    """How many blocks all records have, those that are counted for two of one hash included."""
    count = int(con.sql(f"SELECT count(*) FROM {view}").fetchall()[0][0])
    twins, times = np.unique(hashes[1:][np.diff(hashes) == 0], return_counts=True)
    for twin, more in zip(twins.tolist(), times.tolist(), strict=True):
        found = con.sql(f"SELECT count(*) FROM {view} WHERE record = $twin", params={"twin": twin})
        count += more * int(found.fetchall()[0][0])
    return count


def _room(folder: Path | None, size: int) -> Any:
    # A file of no bytes cannot be mapped.
    if folder is None or not size:
        return np.empty(size, np.uint64)
    return np.lib.format.open_memmap(folder / "words.npy", "w+", np.uint64, (size,))


def in_rule_order(blocks: Any) -> Any:
    """Blocks with the number of their rule, which are their low bits, put first; uint64."""
    return (blocks >> _RULE_BITS) | (blocks << (np.uint64(64) - _RULE_BITS))


@njit(cache=True, nogil=True)
def _filled(
    record: Any, block: Any, hashes: Any, source: Any, first: Any, words: Any, state: Any
) -> None:
    """Put keys, sorted by record, behind those before; ``state`` has the record and the end."""
    one, end = state
    for place in range(len(record)):
        if record[place] != hashes[one]:
            state[0], state[1] = one, end
            _closed(hashes, source, first, words, state)
            one, end = state
        if end == first[one]:
            words[end] = source[one]
            end += 1
        words[end] = block[place]
        end += 1
    state[0], state[1] = one, end


@njit(cache=True, nogil=True)
def _closed(hashes: Any, source: Any, first: Any, words: Any, state: Any) -> None:
    """End a record, and give its keys to the others of its hash too."""
    one, end = state
    if one == len(hashes):
        return
    begin, size = first[one], end - first[one]
    first[one + 1] = end
    while one + 1 < len(hashes) and hashes[one + 1] == hashes[one]:
        one += 1
        words[end] = source[one]
        for place in range(1, size):
            words[end + place] = words[begin + place]
        end += size
        first[one + 1] = end
    state[0], state[1] = one + 1, end
