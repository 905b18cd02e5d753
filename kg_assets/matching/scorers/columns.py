"""What a compiled model needs to know of each record, as arrays of numbers."""

# ruff: noqa: S608 - what is put into statements is declared in our own model files.

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kg_assets.matching.scorers.instructions import NO_SPAN, SIZE_BITS
from kg_assets.matching.telling import ONCE

if TYPE_CHECKING:
    from kg_assets.matching.scorers.machine import Columns

Kind: TypeAlias = Literal["number", "value", "list", "telling", "text", "names"]
"""What is needed of an expression: see `RecordColumns`."""

_WORDS: dict[Kind, int] = {
    "number": 1, "value": 1, "list": 2, "telling": 2, "text": 2, "names": 1,
}  # fmt: skip
"""Words of a row that a column takes."""

BATCH = 4_096
"""Records that are read at once: their rows fit into a processor's cache."""

_AHEAD = 2
"""Batches that wait at most to be taken apart."""

_NUMBERS = frozenset(
    {
        "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER",
        "UBIGINT", "FLOAT", "DOUBLE", "DATE",
    }
)  # fmt: skip
_ELEMENTS = {
    "VARCHAR[]": "VARCHAR[]",
    **dict.fromkeys(("TINYINT[]", "SMALLINT[]", "INTEGER[]", "BIGINT[]"), "BIGINT[]"),
    **dict.fromkeys(("UTINYINT[]", "USMALLINT[]", "UINTEGER[]", "UBIGINT[]"), "UBIGINT[]"),
}
"""As what lists are read."""


class RecordColumns:
    """Collects the expressions over one record that a model needs; each is computed once.

    A record is a row of words of 64 bits. A number (a DOUBLE, NaN for NULL) and a value that is
    compared as a whole (a hash, 0 for NULL) take a word each; a list takes one with a bit for each
    element and one that says where its elements are, which of a list that tells hold what they
    tell; a text takes one with a bit for each letter
    and one that says where it is; a list of texts takes one that says where these are.

    Args:
        con: The connection.
        view: Name of a view of the records.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, view: str) -> None:
        self.con = con
        self.view = view
        self.width = 0
        self._places: dict[tuple[Kind, str], int] = {}
        self._types: dict[str, str | None] = {}

    def type_of(self, expression: str) -> str | None:
        """DuckDB type of an expression over the columns of a record, None where it has none."""
        if expression not in self._types:
            try:
                found = self.con.sql(f"SELECT {expression} AS value FROM {self.view} LIMIT 0")
                self._types[expression] = str(found.types[0])
            except (duckdb.BinderException, duckdb.ParserException, duckdb.CatalogException):
                # Of no column of the records: DuckDB will say so where the pair is told of.
                self._types[expression] = None
        return self._types[expression]

    def is_number(self, expression: str) -> bool:
        """Whether the values are numbers, truth values or days."""
        return self.type_of(expression) in _NUMBERS

    def is_list(self, expression: str) -> bool:
        """Whether the values are lists of texts or of whole numbers."""
        return self.type_of(expression) in _ELEMENTS

    def is_hashes(self, expression: str) -> bool:
        """Whether the values are lists of numbers of 64 bits."""
        return self.type_of(expression) == "UBIGINT[]"

    def is_text(self, expression: str) -> bool:
        """Whether the values are texts."""
        return self.type_of(expression) == "VARCHAR"

    def is_names(self, expression: str) -> bool:
        """Whether the values are lists of texts."""
        return self.type_of(expression) == "VARCHAR[]"

    def add(self, kind: Kind, expression: str) -> int:
        """The first word of an expression's column.

        Args:
            kind: What is needed of it.
            expression: Expression over the columns of a record, of a type that fits.
        """
        if (kind, expression) not in self._places:
            self._places[kind, expression] = self.width
            self.width += _WORDS[kind]
        return self._places[kind, expression]

    def read(
        self,
        source: str,
        most: int,
        frequencies: dict[str, str],
        telling: dict[str, Any],
    ) -> tuple[Columns, pa.ChunkedArray]:
        """Compute all columns.

        Args:
            source: Name of a view of the records that are paired, or a subquery.
            most: How many records these are at most.
            frequencies: Table with the term frequencies of each column that has some; log2 of them
                follow as numbers, in this order.
            telling: Of each list that tells what `kg_assets.matching.telling.read_known` gives.

        Returns:
            The columns, and the ids of the records in the order of their rows.
        """
        computed = "".join(
            f",\n       {self._computed(*column)} AS c{place}"
            for place, column in enumerate(self._places)
        )
        values = "".join(f", {column} AS a{place}" for place, column in enumerate(frequencies))
        joins = "\n".join(
            f"LEFT JOIN {table} AS f{place} ON f{place}.{column} = record.a{place}"
            for place, (column, table) in enumerate(frequencies.items())
        )
        listed = ", ".join(
            (
                "record_id",
                *(f"c{place}" for place in range(len(self._places))),
                *(f"log2(f{place}.tf_{column})" for place, column in enumerate(frequencies)),
            )
        )
        rows = self.con.sql(
            f"""
            SELECT {listed}
            FROM (SELECT record_id{computed}{values} FROM {source}) AS record
            {joins}
            """
        )
        kinds: list[Kind] = [kind for kind, _ in self._places]
        kinds += ["number"] * len(frequencies)
        # Of a list that was not counted each element says itself what it tells.
        known = {
            place: telling[sql]
            for place, (kind, sql) in enumerate(self._places)
            if kind == "telling" and sql in telling
        }
        made = _Rows(kinds, most, known)
        # While a batch is taken apart, DuckDB computes the ones after it.
        with ThreadPoolExecutor(1) as pool:
            waiting: deque[Future[None]] = deque()
            for batch in rows.to_arrow_reader(BATCH):
                waiting.append(pool.submit(made.add, batch))
                if len(waiting) > _AHEAD:
                    waiting.popleft().result()
            while waiting:
                waiting.popleft().result()
        return made.finished()

    def _computed(self, kind: Kind, sql: str) -> str:
        found = self.type_of(sql) or ""
        if kind == "number":
            days = f"date_diff('day', DATE '1970-01-01', {sql})" if found == "DATE" else f"({sql})"
            return f"{days}::DOUBLE"
        if kind == "value":
            return f"CASE WHEN ({sql}) IS NOT NULL THEN greatest(hash({sql}), 1::UBIGINT) END"
        return f"({sql})::{_ELEMENTS[found]}" if kind in ("list", "telling") else sql


class _Rows:
    """Rows of words, a batch of records at a time.

    Args:
        kinds: Kinds of the columns.
        most: How many records there are at most.
        telling: By the place of a column the names that tell less than one seen once.
    """

    def __init__(self, kinds: list[Kind], most: int, telling: dict[int, Any]) -> None:
        from kg_assets.matching.scorers.texts import slots_of

        self._kinds = kinds
        self._telling = {place: slots_of(known) for place, known in telling.items()}
        self._rows = np.empty((most, max(1, sum(_WORDS[kind] for kind in kinds))), dtype=np.uint64)
        self._ids: list[pa.Array] = []
        self._elements = _Growing(np.uint64)
        self._bounds = _Growing(np.uint64, 2)
        self._pool = _Growing(np.uint8)
        self._filled = self._longest = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Add a batch: record_id, and a column of each kind."""
        from kg_assets.matching.scorers.texts import scattered

        ids, *columns = batch.columns
        # A copy: what is left of a batch of DuckDB's holds all of its columns.
        self._ids.append(ids.take(pa.array(np.arange(len(ids)))))
        rows = self._rows[self._filled : self._filled + batch.num_rows]
        self._filled += batch.num_rows
        place, sets = 0, []
        for number, (kind, column) in enumerate(zip(self._kinds, columns, strict=True)):
            if kind == "number":
                rows[:, place] = column.to_numpy(zero_copy_only=False).view(np.uint64)
            elif kind == "value":
                rows[:, place] = np.asarray(column.fill_null(0))
            elif kind in ("list", "telling"):
                sizes, kept, rows[:, place] = _sets(column, self._telling.get(number))
                sets.append((place + 1, column, sizes, kept))
            elif kind == "text":
                rows[:, place : place + 2] = self._text(column)
            else:
                rows[:, place] = self._names(column)
            place += _WORDS[kind]
        # The elements of all lists of a record lie together.
        total = sum((sizes for _, _, sizes, _ in sets), np.zeros(batch.num_rows, dtype=np.int64))
        begin = np.cumsum(total) - total
        before = self._elements.used
        elements = self._elements.more(int(total.sum()), self._share)
        for word, column, sizes, kept in sets:
            scattered(sizes, kept, begin, elements)
            rows[:, word] = _spans(before + begin, sizes, column)
            begin = begin + sizes

    def _text(self, column: pa.Array) -> Any:
        from kg_assets.matching.scorers.texts import letters

        bounds, pool = _buffers(column)
        sizes = np.diff(bounds)
        begin = bounds[:-1] - bounds[0] + self._pool.used
        self._pool.more(int(bounds[-1] - bounds[0]), self._share)[:] = pool[bounds[0] : bounds[-1]]
        self._longest = max(self._longest, int(sizes.max(initial=0)))
        letters_of = letters(bounds[:-1], bounds[1:], pool)
        return np.column_stack([letters_of, _spans(begin, sizes, column)])

    def _names(self, column: pa.Array) -> Any:
        flat = column.flatten()
        sizes = _lengths(column)
        ends = self._bounds.used + np.cumsum(sizes)
        self._bounds.more(len(flat), self._share)[:] = self._text(flat)
        return _spans(ends - sizes, sizes, column)

    @property
    def _share(self) -> float:
        return self._filled / len(self._rows)

    def finished(self) -> tuple[Columns, pa.ChunkedArray]:
        """The columns, and the ids of the records."""
        from kg_assets.matching.scorers.machine import Columns

        rows = self._rows[: self._filled]
        # There is a first text, even where no record has one: the machine asks for it ahead.
        bounds = self._bounds.filled if self._bounds.used else np.zeros((1, 2), dtype=np.uint64)
        columns = Columns(
            rows=rows,
            elements=self._elements.filled,
            bounds=bounds,
            pool=self._pool.filled,
            longest=self._longest,
        )
        return columns, pa.chunked_array(self._ids, pa.string())


class _Growing:
    """An array that is filled from its beginning, of a length that is only known at the end.

    Memory that was asked for and is never written to costs nothing.
    """

    def __init__(self, kind: Any, *shape: int) -> None:
        self._values = np.empty((0, *shape), dtype=kind)
        self.used = 0

    def more(self, count: int, share: float) -> Any:
        """The next places, to be written to.

        Args:
            count: How many.
            share: Share of all that is expected which was seen with these.
        """
        needed = self.used + count
        if needed > len(self._values):
            size = max(needed, int(1.1 * needed / share), len(self._values) * 3 // 2)
            grown = np.empty((size, *self._values.shape[1:]), dtype=self._values.dtype)
            grown[: self.used] = self._values[: self.used]
            self._values = grown
        place = self._values[self.used : needed]
        self.used = needed
        return place

    @property
    def filled(self) -> Any:
        """What was written."""
        return self._values[: self.used]


def _sets(lists: pa.Array, telling: Any = None) -> tuple[Any, Any, Any]:
    """Sizes, elements and bits of lists as sorted sets."""
    from kg_assets.matching.scorers.texts import hash_texts, put_in, sorted_sets

    flat = lists.flatten()
    if pa.types.is_integer(flat.type):
        elements = np.asarray(flat.fill_null(0)).view(np.uint64)
    else:
        elements = hash_texts(*_buffers(flat))
    if telling is not None:
        elements = put_in(elements, telling, ONCE)
    sizes, kept, bits = sorted_sets(_lengths(lists), elements, _known(flat))
    return sizes, kept, bits


def _spans(begin: Any, sizes: Any, column: pa.Array) -> Any:
    """Beginnings and sizes as one word each."""
    words = (begin.astype(np.uint64) << np.uint64(SIZE_BITS)) | sizes.astype(np.uint64)
    return np.where(_known(column), words, NO_SPAN)


def _known(column: pa.Array) -> Any:
    return np.asarray(column.is_valid(), dtype=np.bool_)


def _lengths(lists: pa.Array) -> Any:
    return np.asarray(pc.fill_null(pc.list_value_length(lists), 0)).astype(np.int64)


def _buffers(texts: pa.Array) -> tuple[Any, Any]:
    """Bounds, of one text more than there are, and bytes of an array of texts."""
    large = texts.cast(pa.large_string())
    _, bounds, pool = large.buffers()
    if bounds is None:
        return np.zeros(1, dtype=np.int64), np.zeros(0, dtype=np.uint8)
    found = np.frombuffer(bounds, dtype=np.int64)[large.offset : large.offset + len(large) + 1]
    return found, np.frombuffer(pool, dtype=np.uint8) if pool else np.zeros(0, dtype=np.uint8)
