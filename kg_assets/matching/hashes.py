"""Numbers of records by the hashes of their ids: a look at one costs next to nothing."""

# ruff: noqa: S608 - names in statements are ours.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from kg_assets.machine_code import njit

if TYPE_CHECKING:
    import duckdb

_1 = np.uint64(1)


class Places:
    """Places of ids among others, which ask for 20 bytes each.

    An id that is none of them is taken for one where their hashes are equal: among a billion ids
    and a million others the chance of that is 5e-5.

    Args:
        con: The connection.
        ids: The ids, each once.
        hashing: Name of the function of the connection that hashes a text to 64 bits.
    """

    def __init__(
        self, con: duckdb.DuckDBPyConnection, ids: pa.StringArray, hashing: str = "hash"
    ) -> None:
        self._hashing, self._salt = hashing, ""
        self._sort(con, ids)
        # Two ids of one hash would be taken for each other: they are told apart by another hash.
        while (np.diff(self._hashes) == 0).any():
            self._salt += "."
            self._sort(con, ids)
        self._buckets = buckets(self._hashes)

    def _sort(self, con: duckdb.DuckDBPyConnection, ids: pa.StringArray) -> None:
        con.register("placed_id", pa.table({"id": ids, "place": np.arange(len(ids))}))
        rows = con.sql(
            f"SELECT {self.hashed('id')} AS hash FROM placed_id ORDER BY place"
        ).to_arrow_table()
        con.unregister("placed_id")
        hashes = rows["hash"].to_numpy()
        self._places = np.argsort(hashes).astype(np.int32)
        self._hashes = hashes[self._places]

    def hashed(self, column: str) -> str:
        """SQL of what `of` asks for of the ids of a column."""
        salted = f"{column} || '{self._salt}'" if self._salt else column
        return f"{self._hashing}({salted})"

    def of(self, hashes: Any) -> Any:
        """Place of each id by its hash, uint64; -1 for one that is none of them; int32."""
        return placed(hashes, self._hashes, self._buckets, self._places)


def buckets(hashes: Any) -> Any:
    """Where the hashes of each leading bits begin.

    Args:
        hashes: Hashes, ascending, uint64.

    Returns:
        For each number of so many bits the place of the first hash that is not less, and the
        number of hashes at the end, int32; most hold one hash at most.
    """
    bits = len(hashes).bit_length() + 2
    leading = (hashes >> np.uint64(64 - bits)).astype(np.int64)
    begins = np.zeros((1 << bits) + 1, dtype=np.int32)
    np.cumsum(np.bincount(leading, minlength=1 << bits), out=begins[1:])
    return begins


@njit(cache=True, nogil=True)
def ordered(hashes: Any) -> Any:
    """Sort hashes by their leading bits, which tell nearly all of them apart, and then as they lie.

    Args:
        hashes: Hashes in any order, uint64.

    Returns:
        The places of the hashes in ascending order, int32, those of equal ones as they were; the
        hashes in that order; and their `buckets`.
    """
    size, shift = 4, np.uint64(62)
    while size < 4 * (len(hashes) + 1):
        size *= 2
        shift -= _1
    begins = np.zeros(size + 2, dtype=np.int32)
    for one in range(len(hashes)):
        begins[np.intp(hashes[one] >> shift) + 2] += 1
    for place in range(2, size + 2):
        begins[place] += begins[place - 1]
    places = np.empty(len(hashes), dtype=np.int32)
    for one in range(len(hashes)):
        bucket = np.intp(hashes[one] >> shift) + 1
        places[begins[bucket]] = one
        # When all are placed this is where the next bucket begins.
        begins[bucket] += 1
    found = np.empty(len(hashes), dtype=np.uint64)
    for end in range(len(hashes)):
        one, value = places[end], hashes[places[end]]
        spot = end
        while spot > 0 and found[spot - 1] > value:
            found[spot], places[spot] = found[spot - 1], places[spot - 1]
            spot -= 1
        found[spot], places[spot] = value, one
    return places, found, begins[: size + 1]


def found(asked: Any, hashes: Any, begins: Any) -> tuple[Any, Any]:
    """The places that some hashes have.

    Args:
        asked: Hashes to look for, uint64.
        hashes: Hashes, ascending; equal ones are all found.
        begins: `buckets` of them.

    Returns:
        Place in ``asked`` and place in ``hashes``, as parallel arrays.
    """
    ones, places, twins = _found(asked, hashes, begins)
    return _with_twins(ones, places, hashes, twins) if twins else (ones, places)


def placed(asked: Any, hashes: Any, begins: Any, places: Any) -> Any:
    """What stands for each of some hashes, -1 for one that is not known; int32.

    Args:
        asked: Hashes to look for, uint64.
        hashes: Hashes, ascending, no two of them equal.
        begins: `buckets` of them.
        places: What stands for each of them, int32.
    """
    ones, spots = found(asked, hashes, begins)
    if len(ones) == len(asked):
        return places[spots]
    told = np.full(len(asked), -1, np.int32)
    told[ones] = places[spots]
    return told


@njit(cache=True, nogil=True)
def _found(asked: Any, hashes: Any, begins: Any) -> Any:
    """The first place of each hash that is known, and how many places more they have."""
    shift, size = np.uint64(64), len(begins) - 1
    while size > 1:
        shift -= _1
        size >>= 1
    # Memory is asked for by a loop of its own: a processor then waits for many at a time.
    first = np.empty(len(asked), dtype=np.int32)
    for one in range(len(asked)):
        first[one] = begins[np.intp(asked[one] >> shift)]
    ones, places = np.empty(len(asked), dtype=np.int64), np.empty(len(asked), dtype=np.int32)
    count, twins = 0, 0
    for one in range(len(asked)):
        place = np.intp(first[one])
        while place < len(hashes) and hashes[place] < asked[one]:
            place += 1
        if place < len(hashes) and hashes[place] == asked[one]:
            ones[count], places[count] = one, place
            count += 1
            while place + 1 < len(hashes) and hashes[place + 1] == asked[one]:
                twins += 1
                place += 1
    return ones[:count], places[:count], twins


@njit(cache=True, nogil=True)
def _with_twins(ones: Any, places: Any, hashes: Any, twins: Any) -> Any:
    """The same with the places whose hash is that of the one before."""
    size = len(ones) + twins
    all_ones, all_places = np.empty(size, dtype=np.int64), np.empty(size, dtype=np.int32)
    count = 0
    for one in range(len(ones)):
        place = np.intp(places[one])
        value = hashes[place]
        while place < len(hashes) and hashes[place] == value:
            all_ones[count], all_places[count] = ones[one], place
            count += 1
            place += 1
    return all_ones, all_places
