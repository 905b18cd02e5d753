"""What a compiled model needs to know of each record, as arrays of numbers."""

# ruff: noqa: S608 - what is put into statements is declared in our own model files.

from __future__ import annotations

import json
import re
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import duckdb
import numpy as np
import pyarrow as pa

from kg_assets.matching.scorers.pages import Growing, small_pages
from kg_assets.matching.telling import ONCE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from kg_assets.matching.scorers.machine import Columns
    from kg_assets.matching.scorers.terms import Terms

Kind: TypeAlias = Literal["number", "value", "list", "telling", "text", "names"]
"""What is needed of an expression: see `RecordColumns`."""

_WORDS: dict[Kind, int] = {
    "number": 1, "value": 1, "list": 2, "telling": 2, "text": 2, "names": 1,
}  # fmt: skip
"""Words of a row that a column takes."""

BATCH = 4_096
"""Records that are read at once: their rows fit into a processor's cache."""

_AHEAD = 8
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

_IN_PARENTHESES = re.compile(r"^\(([a-z_]\w*)\)$")


class Read(NamedTuple):
    """What was read of records.

    Attributes:
        columns: What a machine needs of them.
        ids: Their ids, in the order of their rows.
        hashes: DuckDB's hashes of the ids, in the same order.
    """

    columns: Columns
    ids: pa.ChunkedArray
    hashes: Any


class Layout(NamedTuple):
    """Columns that were added to `RecordColumns`, without the connection.

    Attributes:
        places: First word of each.
        types: DuckDB types of expressions.
        width: Words of a row.
    """

    places: dict[tuple[Kind, str], int]
    types: dict[str, str | None]
    width: int


class RecordColumns:
    """Collects the expressions over one record that a model needs; each is computed once.

    A record is a row of words of 64 bits. A number (a DOUBLE, NaN for NULL) and a value that is
    compared as a whole (a hash, 0 for NULL) take a word each; a list takes one with a bit for each
    element and one that says where its elements are; a text takes one with a bit for each letter
    and one that says where it is; a list of texts takes one that says where these are.

    Args:
        con: The connection.
        view: Name of a view of the records.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, view: str) -> None:
        self.con = con
        self.width = 0
        # Of a view over files each question for a type would open these.
        con.execute(f"CREATE OR REPLACE TEMP TABLE record_described AS FROM {view} LIMIT 0")
        self._places: dict[tuple[Kind, str], int] = {}
        self._types: dict[str, str | None] = {}

    @property
    def layout(self) -> Layout:
        """The columns that were added."""
        return Layout(dict(self._places), dict(self._types), self.width)

    def lay(self, layout: Layout) -> None:
        """Add the columns of others that were `described` alike."""
        self._places, self._types = dict(layout.places), dict(layout.types)
        self.width = layout.width

    def described(self, names: Collection[str]) -> str:
        """Types of those columns of the records that have one of some names."""
        records = self.con.table("record_described")
        types = zip(records.columns, map(str, records.types), strict=True)
        return json.dumps({name: kind for name, kind in types if name in names}, sort_keys=True)

    def type_of(self, expression: str) -> str | None:
        """DuckDB type of an expression over the columns of a record, None where it has none."""
        if expression not in self._types:
            try:
                found = self.con.sql(f"SELECT {expression} AS value FROM record_described")
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
        # What stands for a parameter of a macro comes in parentheses.
        expression = _IN_PARENTHESES.sub(r"\1", expression)
        if (kind, expression) not in self._places:
            self._places[kind, expression] = self.width
            self.width += _WORDS[kind]
        return self._places[kind, expression]

    def made_of(self, frequencies: Sequence[str]) -> str:
        """Says how columns are made of records and frequencies: equal texts, equal columns.

        Args:
            frequencies: `terms_of` the columns whose frequencies follow.
        """
        columns = [(kind, self._computed(kind, sql)) for kind, sql in self._places]
        # Hashes are those of this release of DuckDB.
        return json.dumps([columns, list(frequencies), duckdb.__version__])

    def read(
        self,
        source: str,
        most: int,
        terms: Sequence[Terms],
        telling: Mapping[str, Any],
        *,
        often: bool = True,
    ) -> Read:
        """Compute all columns.

        Args:
            source: Name of a view of the records that are paired, or a subquery.
            most: How many records these are at most.
            terms: Term frequencies; log2 of them follow as numbers, in this order.
            telling: Of each list that tells what `kg_assets.matching.telling.read_known` gives.
            often: Whether each record is looked at many times.

        Returns:
            The columns and ids.
        """
        # Of several columns that are made of one value it is read once.
        asked: dict[str, int] = {}
        takers: list[_Taker] = []
        place = 0
        for kind, expression in self._places:
            value = asked.setdefault(self._computed(kind, expression), len(asked))
            is_text = self.is_text(expression)
            takers.append(_Taker(value, place, "hash" if kind == "value" and is_text else kind))
            place += _WORDS[kind]
        for one in terms:
            takers.append(_Taker(asked.setdefault(one.expression, len(asked)), place, one))
            place += 1
        listed = "".join(f",\n       {sql} AS c{place}" for sql, place in asked.items())
        rows = self.con.sql(
            f"""
            SELECT record_id,
                   hash(record_id) AS id_hash{listed}
            FROM {source}
            """
        )
        # Of a list that was not counted each element says itself what it tells.
        known = {
            word: telling[sql]
            for (kind, sql), word in self._places.items()
            if kind == "telling" and sql in telling
        }
        room = np.empty if often else small_pages
        made = _Rows(takers, (most, max(1, place)), known, room)
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
        if kind == "value" and found != "VARCHAR":
            return f"CASE WHEN ({sql}) IS NOT NULL THEN greatest(hash({sql}), 1::UBIGINT) END"
        if kind in ("list", "telling") and _ELEMENTS[found] != found:
            return f"({sql})::{_ELEMENTS[found]}"
        return sql


class _Taker(NamedTuple):
    """A column of a batch that becomes words of rows.

    Attributes:
        column: Its place among the columns that are read.
        word: The first word.
        kind: What is needed of it; "hash" is the value of a text.
    """

    column: int
    word: int
    kind: Kind | Literal["hash"] | Terms


class _Rows:
    """Rows of words, a batch of records at a time; ``telling`` is by the first word of a column."""

    def __init__(
        self,
        takers: Sequence[_Taker],
        shape: tuple[int, int],
        telling: Mapping[int, Any],
        room: Callable[..., Any],
    ) -> None:
        self._takers = [one for one in takers if one.kind not in ("list", "telling")]
        self._lists = [one for one in takers if one.kind in ("list", "telling")]
        self._telling, self._slots = telling, dict[int, Any]()
        self._rows = room(shape, dtype=np.uint64)
        self._ids: list[pa.Array] = []
        self._hashes = np.empty(shape[0], dtype=np.uint64)
        self._elements = Growing(room, np.uint64)
        self._bounds = Growing(room, np.uint64, 2)
        self._pool = Growing(room, np.uint8)
        self._filled = self._longest = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Add a batch: record_id, its hash, and the columns that are read."""
        from kg_assets.matching.scorers import words

        ids, hashes, *columns = batch.columns
        # A copy: what is left of a batch of DuckDB's holds all of its columns.
        self._ids.append(ids.take(pa.array(np.arange(len(ids)))))
        before, self._filled = self._filled, self._filled + batch.num_rows
        self._hashes[before : self._filled] = np.asarray(hashes)
        rows = self._rows[before : self._filled]
        for column, word, kind in self._takers:
            values = columns[column]
            if kind == "number":
                rows[:, word] = values.to_numpy(zero_copy_only=False).view(np.uint64)
            elif kind == "value":
                rows[:, word] = np.asarray(values.fill_null(0))
            elif kind == "hash":
                words.put_hashes(*words.texts_of(values), rows, word)
            elif kind == "text":
                self._text(values, rows, word)
            elif kind == "names":
                self._names(values, rows, word)
            elif not isinstance(kind, str):
                kind.put(values, rows.view(np.float64), word)
        self._sets([(columns[column], word) for column, word, _ in self._lists], rows)

    def _text(self, column: pa.Array, rows: Any, word: int) -> None:
        from kg_assets.matching.scorers import words

        texts = words.texts_of(column)
        begin = self._pool.used
        self._pool.more(texts.size, self._share)[:] = texts.values[
            texts.bounds[0] : texts.bounds[-1]
        ]
        longest = words.put_texts(*texts, begin, rows, word)
        self._longest = max(self._longest, longest)

    def _names(self, column: pa.Array, rows: Any, word: int) -> None:
        from kg_assets.matching.scorers import words

        lists, texts = words.lists_of(column)
        words.put_spans(lists.known, lists.first, lists.bounds, self._bounds.used, rows, word)
        own = texts.slice(int(lists.bounds[0]), lists.size)
        self._text(own, self._bounds.more(lists.size, self._share), 0)

    def _sets(self, columns: list[tuple[pa.Array, int]], rows: Any) -> None:
        from kg_assets.matching.scorers import words
        from kg_assets.matching.scorers.texts import put_in, slots_of

        # The elements of all lists of a record lie together, those that are there twice have room.
        lists = [(*words.lists_of(column), word) for column, word in columns]
        sizes = np.zeros(len(rows), dtype=np.int64)
        for buffers, _, _ in lists:
            sizes += np.diff(buffers.bounds)
        ends = np.cumsum(sizes) - sizes
        before = self._elements.used
        room = self._elements.more(int(sizes.sum()), self._share)
        for (known, first, bounds, _), elements, word in lists:
            target = ends, room, before, rows, word
            if pa.types.is_integer(elements.type):
                numbers = words.numbers_of(elements)
                if word in self._telling:
                    if word not in self._slots:
                        self._slots[word] = slots_of(self._telling[word])
                    numbers = put_in(numbers, self._slots[word], ONCE)
                given = *words.known_of(elements), numbers
                words.put_sets(known, first, bounds, *given, *target)
            else:
                words.put_sets_of_texts(known, first, bounds, *words.texts_of(elements), *target)

    @property
    def _share(self) -> float:
        return self._filled / len(self._rows)

    def finished(self) -> Read:
        """The columns and ids."""
        from kg_assets.matching.scorers.machine import Columns

        # There is a first text, even where no record has one: the machine asks for it ahead.
        bounds = self._bounds.filled if self._bounds.used else np.zeros((1, 2), dtype=np.uint64)
        columns = Columns(
            rows=self._rows[: self._filled],
            elements=self._elements.filled,
            bounds=bounds,
            pool=self._pool.filled,
            longest=self._longest,
        )
        ids = pa.chunked_array(self._ids, pa.string())
        return Read(columns, ids, self._hashes[: self._filled])
