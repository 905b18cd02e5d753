"""Term frequencies by the hashes of terms, to be looked up where records are read."""

# ruff: noqa: S608 - what is put into statements is declared in our own model files.

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from kg_assets.matching.hashes import found, ordered
from kg_assets.matching.scorers import words
from kg_assets.matching.telling import COUNTED

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from kg_assets.matching.model import TermFrequency


class Terms:
    """The frequencies of a column's terms.

    The answers are those of `kg_assets.matching.frequencies.lookup_tables`, without a table of the
    values that the records have.

    Args:
        con: The connection.
        declared: How the column's frequencies are counted.
        view: Name of a view of the table term_frequencies.

    Attributes:
        expression: What is read of each record: a text, or where terms are parts of it their list.
        digest: Equal where all frequencies are.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, declared: TermFrequency, view: str) -> None:
        self.expression = declared.column
        self._parted = declared.terms is not None
        if self._parted:
            self.expression = (
                f"list_transform([{declared.column}], lambda value: {declared.terms})[1]"
            )
        rows = con.sql(
            f"""
            SELECT value, frequency
            FROM {view}
            WHERE column_name = $column
            """,
            params={"column": declared.column},
        ).to_arrow_table()
        known = rows.combine_chunks()
        hashes = np.empty((len(known), 1), dtype=np.uint64)
        frequency = np.empty(0)
        if len(known):
            words.put_hashes(*words.texts_of(known["value"].chunk(0)), hashes, 0)
            frequency = np.asarray(known["frequency"].chunk(0))
        order, self._hashes, self._buckets = ordered(hashes[:, 0])
        self._frequency = frequency[order]
        # A term that was never seen counts as one that was seen once.
        self._once = np.nan
        once = np.asarray(known["value"]) == COUNTED
        if once.any():
            self._once = float(frequency[once].min())
        # A frequency far below one in all is as rare as a thing can be.
        self._least = self._once * declared.floor
        told = hashlib.sha256(repr((self._once, self._least)).encode())
        told.update(self._hashes)
        told.update(self._frequency)
        self.digest = told.hexdigest()

    def put(self, column: pa.Array, rows: Any, word: int) -> None:
        """Write log2 of frequencies into a word of each row; NaN for NULL.

        Args:
            column: Values of `expression`, texts or lists of texts.
            rows: Is written to, as numbers; (records, words).
            word: The word.
        """
        if not self._parted:
            frequency = self._of(column)
            if column.null_count:
                frequency[np.asarray(column.is_null())] = np.nan
            rows[:, word] = np.log2(frequency)
            return
        lists, terms = words.lists_of(column)
        put = lists.known, lists.first, lists.bounds, self._of(terms), self._least, rows, word
        words.put_products(*put)

    def _of(self, texts: pa.Array) -> Any:
        hashes = np.empty((len(texts), 1), dtype=np.uint64)
        words.put_hashes(*words.texts_of(texts), hashes, 0)
        ones, places = found(hashes[:, 0], self._hashes, self._buckets)
        frequency = np.full(len(texts), self._once)
        frequency[ones] = self._frequency[places]
        return frequency if self._parted else np.fmax(frequency, self._least)
