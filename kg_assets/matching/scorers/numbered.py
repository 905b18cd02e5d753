"""Candidate pairs as numbers of records, sorted: what a compiled model is given, batch by batch."""

# ruff: noqa: S608 - names in statements are those of the caller's views.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kg_assets.matching.hashes import ordered, placed
from kg_assets.matching.pairing import MOST_RULES, PAIR_SCHEMA, in_order
from resources.threads import mapped

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

_BATCH = 65_536
"""Pairs that are read at once."""


@dataclass(frozen=True)
class Numbered:
    """The records that are paired, by number and in the order of their ids.

    Attributes:
        ids: Their ids, ascending.
        number: Number of each of them; None where the numbers are in order.
        rank: Place among the ids of each hash, int32.
        by_hash: Hashes of the ids, ascending, uint64.
        buckets: `kg_assets.matching.hashes.buckets` of them.
        salt: What is put behind an id before it is hashed.
        hashing: Name of the function of a connection that hashes a text to 64 bits.
    """

    ids: pa.StringArray
    number: Any
    rank: Any
    by_hash: Any
    buckets: Any
    salt: str = ""
    hashing: str = "hash"

    @classmethod
    def of(
        cls,
        con: duckdb.DuckDBPyConnection,
        ids: pa.ChunkedArray,
        hashing: str = "hash",
        hashes: Any = None,
    ) -> Numbered:
        """Number records.

        Args:
            con: The connection.
            ids: Their ids, in the order of their numbers.
            hashing: Name of the function of the connection that hashes a text to 64 bits.
            hashes: What it gives for the ids, where that is known.
        """
        together = ids.combine_chunks()
        number = _sorted_numbers(together)
        in_order = together if number is None else together.take(number)
        if hashes is None:
            hashes = _hashes(con, in_order, _salted(hashing, "record_id", ""))
        elif number is not None:
            hashes = hashes[number]
        # Two ids of one hash would be taken for each other: they are told apart by another hash.
        salt, (rank, by_hash, begins) = "", ordered(hashes)
        while (np.diff(by_hash) == 0).any():
            salt += "."
            hashes = _hashes(con, in_order, _salted(hashing, "record_id", salt))
            rank, by_hash, begins = ordered(hashes)
        return cls(in_order, number, rank, by_hash, begins, salt, hashing)

    def pairs(
        self, con: duckdb.DuckDBPyConnection, view: str, threads: int
    ) -> tuple[Iterator[pa.RecordBatch], list[str]]:
        """Read pairs; those with a record that is none of these are left out.

        Args:
            con: The connection.
            view: Name of a view with record_l, record_r and rule.
            threads: How many threads may work.

        Returns:
            Batches of `PAIR_SCHEMA` with places of ``ids``, sorted; and the rule of each number.
        """
        rules: dict[str, int] = {}
        rows = con.sql(
            f"""
            SELECT {_salted(self.hashing, "record_l", self.salt)} AS l,
                   {_salted(self.hashing, "record_r", self.salt)} AS r,
                   rule
            FROM {view}
            """
        )

        def read() -> Iterator[tuple[Any, Any, Any]]:
            for batch in rows.to_arrow_reader(_BATCH):
                left, right, rule = batch.columns
                named = rule.dictionary_encode()
                codes = [rules.setdefault(one, len(rules)) for one in named.dictionary.to_pylist()]
                if len(rules) > MOST_RULES:
                    raise ValueError(f"{view} names more than {MOST_RULES} blocking rules")
                yield left, right, np.array(codes, np.uint8)[np.asarray(named.indices)]

        return in_order(list(mapped(self._numbered, read(), threads)), len(self.ids)), list(rules)

    def _numbered(self, batch: tuple[Any, Any, Any]) -> pa.RecordBatch:
        lookup = self.by_hash, self.buckets, self.rank
        left, right = (placed(np.asarray(side), *lookup) for side in batch[:2])
        known = (left >= 0) & (right >= 0)
        columns: tuple[Any, ...] = left, right, batch[2]
        if not known.all():
            columns = tuple(column[known] for column in columns)
        return pa.RecordBatch.from_arrays(list(map(pa.array, columns)), schema=PAIR_SCHEMA)


def _salted(hashing: str, column: str, salt: str) -> str:
    text = f"{column} || '{salt}'" if salt else column
    return f"{hashing}({text})"


def _hashes(con: duckdb.DuckDBPyConnection, ids: pa.StringArray, hashed: str) -> Any:
    con.register("numbered_id", pa.table({"record_id": ids, "place": np.arange(len(ids))}))
    rows = con.sql(f"SELECT {hashed} AS h FROM numbered_id ORDER BY place").to_arrow_table()
    con.unregister("numbered_id")
    return rows["h"].to_numpy()


def _sorted_numbers(ids: pa.StringArray) -> Any:
    """Numbers of the ids in ascending order, None where they have it."""
    if len(ids) < 2:
        return None
    falls = np.flatnonzero(np.asarray(pc.greater_equal(ids[:-1], ids[1:]))) + 1
    if not len(falls):
        return None
    # Records that lie sorted in files come in pieces, as several threads have read them.
    begins = np.concatenate(([0], falls))
    sizes = np.diff(np.append(begins, len(ids)))
    order = np.asarray(pc.sort_indices(ids.take(pa.array(begins))))
    begins, sizes = begins[order], sizes[order]
    firsts, lasts = (ids.take(pa.array(ends)) for ends in (begins, begins + sizes - 1))
    if not pc.all(pc.less(lasts[:-1], firsts[1:])).as_py():
        return np.asarray(pc.sort_indices(ids)).astype(np.int32)
    # Numbers that follow each other, but for a step to the next piece.
    ends = np.cumsum(sizes)
    return (np.repeat(begins - (ends - sizes), sizes) + np.arange(len(ids))).astype(np.int32)
