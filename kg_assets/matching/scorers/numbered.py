"""Candidate pairs as numbers of records, sorted: what a compiled model is given, batch by batch."""

# ruff: noqa: S608 - names in statements are those of the caller's views.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kg_assets.matching.hashes import buckets, found
from kg_assets.matching.pairing import MOST_RULES, PAIR_SCHEMA, in_order
from kg_assets.matching.threads import mapped

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

_BATCH = 65_536
"""Pairs that are read at once."""


class Numbered:
    """The records that are paired, by number and in the order of their ids.

    Args:
        con: The connection.
        ids: Their ids, in the order of their numbers.
        hashing: Name of the function of the connection that hashes a text to 64 bits.
    """

    def __init__(
        self, con: duckdb.DuckDBPyConnection, ids: pa.ChunkedArray, hashing: str = "hash"
    ) -> None:
        self._con = con
        self._hashing = hashing
        together = ids.combine_chunks()
        self.number = _sorted_numbers(together)
        self.ids = together if self.number is None else together.take(self.number)
        # Two ids of one hash would be taken for each other: they are told apart by another hash.
        self._salt = ""
        self._sort(self._hashes())
        while (np.diff(self._by_hash) == 0).any():
            self._salt += "."
            self._sort(self._hashes())
        self._buckets = buckets(self._by_hash)

    def _sort(self, hashes: Any) -> None:
        self._rank = np.argsort(hashes).astype(np.int32)
        self._by_hash = hashes[self._rank]

    def _hashed(self, column: str) -> str:
        return f"{self._hashing}({column} || '{self._salt}')"

    def _hashes(self) -> Any:
        table = pa.table({"record_id": self.ids, "place": np.arange(len(self.ids))})
        self._con.register("numbered_id", table)
        rows = self._con.sql(
            f"SELECT {self._hashed('record_id')} AS h FROM numbered_id ORDER BY place"
        ).to_arrow_table()
        self._con.unregister("numbered_id")
        return rows["h"].to_numpy()

    def pairs(self, view: str, threads: int) -> tuple[Iterator[pa.RecordBatch], list[str]]:
        """Read pairs; those with a record that is none of these are left out.

        Args:
            view: Name of a view with record_l, record_r and rule.
            threads: How many threads may work.

        Returns:
            Batches of `PAIR_SCHEMA` with places of ``ids``, sorted; and the rule of each number.
        """
        rules: dict[str, int] = {}
        rows = self._con.sql(
            f"""
            SELECT {self._hashed("record_l")} AS l,
                   {self._hashed("record_r")} AS r,
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
        left, right = (self._placed(np.asarray(side)) for side in batch[:2])
        known = (left >= 0) & (right >= 0)
        columns: tuple[Any, ...] = left, right, batch[2]
        if not known.all():
            columns = tuple(column[known] for column in columns)
        return pa.RecordBatch.from_arrays(list(map(pa.array, columns)), schema=PAIR_SCHEMA)

    def _placed(self, hashes: Any) -> Any:
        """Place of each hash among the ids, -1 for one that none of them has."""
        ones, places = found(hashes, self._by_hash, self._buckets)
        if len(ones) == len(hashes):
            return self._rank[places]
        placed = np.full(len(hashes), -1, np.int32)
        placed[ones] = self._rank[places]
        return placed


def _sorted_numbers(ids: pa.StringArray) -> Any:
    """Numbers of the ids in ascending order, None where they have it."""
    if len(ids) < 2 or pc.all(pc.less(ids[:-1], ids[1:])).as_py():
        return None
    return np.asarray(pc.sort_indices(ids)).astype(np.int32)
