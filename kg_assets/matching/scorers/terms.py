"""Term frequencies by the hashes of terms, to be looked up where records are read."""

# ruff: noqa: S608 - what is put into statements is declared in our own model files.

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc

from kg_assets.machine_code import njit
from kg_assets.matching.scorers import words
from kg_assets.matching.telling import COUNTED

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from kg_assets.matching.model import TermFrequency

_0, _1 = np.uint64(0), np.uint64(1)


class Terms:
    """The frequencies of a column's terms.

    The answers are those of `kg_assets.matching.frequencies.lookup_tables`, without a table of the
    values that the records have. They are read at once, and brought into order by the thread that
    first looks one up.

    Args:
        con: The connection.
        declared: How the column's frequencies are counted.
        view: Name of a view of the table term_frequencies.

    Attributes:
        expression: What is read of each record: a text, or where terms are parts of it their list.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, declared: TermFrequency, view: str) -> None:
        self.expression = terms_of(declared)
        self._parted = declared.terms is not None
        self._known = con.sql(
            f"""
            SELECT value, frequency::DOUBLE AS frequency
            FROM {view}
            WHERE column_name = $column
            """,
            params={"column": declared.column},
        ).to_arrow_table()
        # A term that was never seen counts as one that was seen once.
        once = self._known.filter(pc.equal(self._known["value"], COUNTED))["frequency"]
        rarest = pc.min(once).as_py()
        self._once = np.nan if rarest is None else float(np.log2(rarest))
        # A frequency far below one in all is as rare as a thing can be.
        self._least = np.nan if rarest is None else float(np.log2(rarest * declared.floor))

    @cached_property
    def _slots(self) -> Any:
        known = self._known.combine_chunks()
        del self._known
        if not len(known):
            return slotted(np.empty(0, dtype=np.uint64), np.empty(0))
        frequency = np.asarray(known["frequency"].chunk(0))
        return slotted(_hashes(known["value"].chunk(0)), np.log2(frequency))

    def put(self, column: pa.Array, rows: Any, word: int) -> None:
        """Write log2 of frequencies into a word of each row; NaN for NULL.

        Args:
            column: Values of `expression`, texts or lists of texts.
            rows: Is written to, as numbers; (records, words).
            word: The word.
        """
        if not self._parted:
            found = rows[:, word]
            look_up(_hashes(column), self._slots, self._once, np.nan, found)
            np.fmax(found, self._least, out=found, where=~np.isnan(found))
            return
        lists, terms = words.lists_of(column)
        weights = np.empty(len(terms))
        look_up(_hashes(terms), self._slots, self._once, self._once, weights)
        put = lists.known, lists.first, lists.bounds, weights, self._least, rows, word
        words.put_products(*put)


def terms_of(declared: TermFrequency) -> str:
    """What is read of each record to look up the frequencies of a column."""
    if declared.terms is None:
        return declared.column
    return f"list_transform([{declared.column}], lambda value: {declared.terms})[1]"


def _hashes(texts: pa.Array) -> Any:
    hashes = np.empty((len(texts), 1), dtype=np.uint64)
    words.put_hashes(*words.texts_of(texts), hashes, 0)
    return hashes[:, 0]


@njit(cache=True, nogil=True)
def slotted(hashes: Any, values: Any) -> Any:
    """A table in which `look_up` finds a value beside its hash; at least half of it is empty.

    Args:
        hashes: Hashes of texts, none of them 0, uint64.
        values: Numbers.

    Returns:
        Hashes, and the bits of values; (slots, 2), uint64. Of equal hashes the first counts.
    """
    size = 2
    while size < 2 * len(hashes):
        size *= 2
    slots, last = np.zeros((size, 2), dtype=np.uint64), np.uint64(size - 1)
    bits = values.view(np.uint64)
    for one in range(len(hashes)):
        place = hashes[one] & last
        while slots[place, 0] != _0 and slots[place, 0] != hashes[one]:
            place = (place + _1) & last
        if slots[place, 0] == _0:
            slots[place, 0], slots[place, 1] = hashes[one], bits[one]
    return slots


@njit(cache=True, nogil=True)
def look_up(hashes: Any, slots: Any, unknown: Any, missing: Any, found: Any) -> None:
    """Look up numbers by hashes.

    Args:
        hashes: Hashes, uint64; 0 for NULL.
        slots: What `slotted` gives.
        unknown: Is given for a hash that is not known.
        missing: Is given for NULL.
        found: Is written to: a number for each hash.
    """
    values, last = slots.view(np.float64), np.uint64(len(slots) - 1)
    for one in range(len(hashes)):
        place = hashes[one] & last
        while slots[place, 0] != _0 and slots[place, 0] != hashes[one]:
            place = (place + _1) & last
        if hashes[one] == _0:
            found[one] = missing
        elif slots[place, 0] == _0:
            found[one] = unknown
        else:
            found[one] = values[place, 1]
