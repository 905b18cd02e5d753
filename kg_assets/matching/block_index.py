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
from resources.threads import mapped

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

FORMAT = "blocks of records, 1"
"""Names the files of a folder; another where they hold something else."""

_RULE_BITS = np.uint64(RULE_BITS)

_FEW = 32
"""Numbers up to which each is put among those before it, which is quickest for few."""

_BATCH = 65_536
"""Keys that are read at once."""

_IN_PASS = 1 << 24
"""Keys that are held at once, about, with 12 bytes each: more are read in several passes."""


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
        cls,
        con: duckdb.DuckDBPyConnection,
        view: str,
        folder: Path | None = None,
        *,
        records: str | None = None,
        in_pass: int = _IN_PASS,
    ) -> BlockIndex:
        """Make the index of all records that have a block.

        Args:
            con: The connection.
            view: Name of a view or table with rows of the table block_keys; it is read more than
                once.
            folder: An empty folder in which the arrays are made, None for memory.
            records: Name of a table with a row for each of the records, which saves looking for
                them among the keys; it may have records without a block.
            in_pass: Keys that are held at once, about; the result is the same.
        """
        ordered = con.sql(
            f"""
            SELECT record_id,
                   record,
                   dense_rank() OVER (ORDER BY source) * 2 + duplicate_free::INTEGER AS source
            FROM ({
                f"FROM {records}"
                if records is not None
                else f"SELECT DISTINCT record_id, record, source, duplicate_free FROM {view}"
            })
            ORDER BY record_id
            """
        ).to_arrow_table()
        ids = ordered["record_id"].cast(pa.large_string()).combine_chunks()
        hashes, source = (
            np.asarray(ordered[name].combine_chunks()).astype(np.uint64)
            for name in ("record", "source")
        )
        del ordered
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
        keys = _keys(con, view, hashes)
        made["words"] = _room(folder, len(ids) + keys)
        index = cls(**made)
        passes = 1 + keys // in_pass
        for one in range(passes):
            index._fill(
                con, view, source[rank], one * len(ids) // passes, (one + 1) * len(ids) // passes
            )
        if folder is not None:
            for name, array in made.items():
                if isinstance(array, np.memmap):
                    array.flush()
                else:
                    np.save(folder / f"{name}.npy", array)
        return index

    def _fill(
        self, con: duckdb.DuckDBPyConnection, view: str, source: Any, begin: int, end: int
    ) -> None:
        """Put the words of the records from one up to another behind those before."""
        # Records of one hash are of one pass.
        begin, end = (
            int(np.searchsorted(self.hashes, self.hashes[place])) if place < len(source) else place
            for place in (begin, end)
        )
        if begin == end:
            return
        where = ""
        if end - begin < len(source):
            first, last = self.hashes[begin], self.hashes[end - 1]
            where = f"WHERE record BETWEEN {first}::UBIGINT AND {last}::UBIGINT"
        threads = int(con.sql("SELECT current_setting('threads')").fetchall()[0][0])
        rows = con.sql(f"SELECT record, block FROM {view} {where}")

        def numbered(batch: pa.RecordBatch) -> tuple[Any, Any]:
            places, numbers = self.found(np.asarray(batch["record"]))
            return numbers, in_rule_order(np.asarray(batch["block"])[places])

        parts = list(mapped(numbered, rows.to_arrow_reader(_BATCH), threads))
        for numbers, _ in parts:
            _counted(numbers, self.first)
        filled = _opened(self.first, begin, end, source, self.words)
        while parts:
            _scattered(*parts.pop(), begin, filled, self.words)
        _in_order(self.first, begin, end, self.words)

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
def _counted(numbers: Any, first: Any) -> None:
    """Count the keys of each record in the place after its own."""
    for number in numbers:
        first[number + 1] += 1


@njit(cache=True, nogil=True)
def _opened(first: Any, begin: Any, end: Any, source: Any, words: Any) -> Any:
    """Make counts to beginnings, write the word of each source, and say where keys are put next."""
    filled = np.empty(end - begin, dtype=np.int64)
    for record in range(begin, end):
        words[first[record]] = source[record]
        filled[record - begin] = first[record] + 1
        first[record + 1] += first[record] + 1
    return filled


@njit(cache=True, nogil=True)
def _scattered(numbers: Any, blocks: Any, begin: Any, filled: Any, words: Any) -> None:
    """Put blocks to the others of their records."""
    for place in range(len(numbers)):
        record = numbers[place] - begin
        words[filled[record]] = blocks[place]
        filled[record] += 1


@njit(cache=True, nogil=True)
def _in_order(first: Any, begin: Any, end: Any, words: Any) -> None:
    """Sort the blocks of each record."""
    for record in range(begin, end):
        start, stop = first[record] + 1, first[record + 1]
        if stop - start > _FEW:
            words[start:stop].sort()
            continue
        for place in range(start + 1, stop):
            word, at = words[place], place
            while at > start and words[at - 1] > word:
                words[at] = words[at - 1]
                at -= 1
            words[at] = word


@njit(cache=True, nogil=True)
def by_block(first: Any, words: Any, bits: Any) -> Any:
    """The keys of all records, each once, sorted by block.

    Blocks are hashes, so that few have the same leading bits and are sorted among themselves.

    Args:
        first: See `BlockIndex`.
        words: See `BlockIndex`.
        bits: How many leading bits blocks are parted by.

    Returns:
        Records and blocks, as parallel arrays.
    """
    down = np.uint64(64) - _RULE_BITS
    shift = np.uint64(64 - bits)
    start = np.zeros((1 << bits) + 1, dtype=np.int64)
    for record in range(len(first) - 1):
        for place in range(first[record] + 1, first[record + 1]):
            if place == first[record] + 1 or words[place] != words[place - 1]:
                start[np.intp((words[place] << _RULE_BITS) >> shift) + 1] += 1
    for part in range(1 << bits):
        start[part + 1] += start[part]
    filled = start[:-1].copy()
    records = np.empty(start[-1], dtype=np.int32)
    blocks = np.empty(start[-1], dtype=np.uint64)
    for record in range(len(first) - 1):
        for place in range(first[record] + 1, first[record + 1]):
            if place == first[record] + 1 or words[place] != words[place - 1]:
                block = (words[place] << _RULE_BITS) | (words[place] >> down)
                into = np.intp(block >> shift)
                records[filled[into]], blocks[filled[into]] = record, block
                filled[into] += 1
    for part in range(1 << bits):
        begin, end = start[part], start[part + 1]
        if end - begin > _FEW:
            order = np.argsort(blocks[begin:end], kind="mergesort")
            records[begin:end], blocks[begin:end] = (
                records[begin:end][order],
                blocks[begin:end][order],
            )
            continue
        for place in range(begin + 1, end):
            one, block, at = records[place], blocks[place], int(place)
            while at > begin and blocks[at - 1] > block:
                records[at], blocks[at] = records[at - 1], blocks[at - 1]
                at -= 1
            records[at], blocks[at] = one, block
    return records, blocks
