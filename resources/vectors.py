"""The home of LanceDB tables: one for each namespace and entity type, with exact versions.

One process writes a table at a time; readers open the version that a manifest in the lake names,
so that a writer never changes what they see. See https://lancedb.github.io/lancedb/.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from resources.errors import refuse_production
from resources.lock import lake_lock
from resources.vector_versions import clean, newest_published, publish

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from lancedb.db import DBConnection
    from lancedb.table import AsyncTable
    from lancedb.table import Table as LanceTable

    from resources.settings import Settings

Numbers: TypeAlias = np.ndarray[Any, np.dtype[np.float32]]

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_FOUND = ["chunk_id", "entity_id", "title", "text", "vector"]
_SEARCHED = ("text", "title")
_FOREVER = timedelta(days=365 * 100)
_DELETE_AT_ONCE = 500
_HEXADECIMAL = re.compile(r"[0-9a-f]{8,64}")


class VectorStoreError(Exception):
    """A vector table is not as it must be; the message says what to do."""


@dataclass(frozen=True)
class Version:
    """A version of a vector table that readers can open.

    Attributes:
        table: Namespace and table name, ``dev/film``.
        version: LanceDB's number of the version.
        rows: Rows in it.
    """

    table: str
    version: int
    rows: int


@dataclass(frozen=True)
class Found:
    """A chunk that a search returned.

    Attributes:
        chunk_id: The chunk.
        entity_id: The entity that its document is about.
        title: Title of its document.
        text: Its text.
        vector: Its embedding, float32.
    """

    chunk_id: str
    entity_id: str
    title: str
    text: str
    vector: Numbers = field(compare=False)


class VectorStore:
    """LanceDB tables of a namespace, and readable ones of others.

    Args:
        settings: Where tables lie (``<home>/vectors/<namespace>``), and which namespace this is.
    """

    def __init__(self, settings: Settings) -> None:
        self.root: Path = settings.vectors.parent
        self.namespace: str = settings.namespace
        self._settings = settings

    def write(
        self,
        name: str,
        *,
        dimensions: int,
        wanted: dict[str, str],
        rows: Callable[[Collection[str]], Iterable[pa.RecordBatch]],
    ) -> Version:
        """Bring a table to a wanted content; one process at a time, others wait.

        Args:
            name: Table name, an entity type.
            dimensions: Length of its vectors. A table with others is made anew.
            wanted: Content hash of each row that the table shall hold, by chunk id.
            rows: Gives the rows of some chunk ids, those that are new or have another hash, as
                batches with chunk_id, entity_id, title, text, content_sha256 and vector.

        Returns:
            The version that holds exactly the wanted rows; the present one where nothing changed.

        Raises:
            VectorStoreError: The rows do not hold what is wanted.
            ProductionError: The namespace is production.
        """
        refuse_production(self.namespace)
        # Two writers of one new key leave two rows. The lock ends with the process that holds it.
        with lake_lock(self._settings, f"vectors-{self.namespace}-{_checked(name)}"):
            return self._write(name, dimensions, wanted, rows)

    def _write(
        self,
        name: str,
        dimensions: int,
        wanted: dict[str, str],
        rows: Callable[[Collection[str]], Iterable[pa.RecordBatch]],
    ) -> Version:
        table = self._writable(name, dimensions)
        present = _hashes(table)
        gone = sorted(set(present) - set(wanted))
        for first in range(0, len(gone), _DELETE_AT_ONCE):
            table.delete(f"chunk_id IN ({_literals(gone[first : first + _DELETE_AT_ONCE])})")
        changed = {key for key, value in wanted.items() if present.get(key) != value}
        if not gone and not changed:
            # Cleaning makes versions of its own, in which no row is another.
            published = newest_published(table)
            if published is not None and _hashes_at(table, published) == wanted:
                return Version(f"{self.namespace}/{name}", published, len(wanted))
        if changed:
            _upsert(table, rows(changed), changed)
        if gone or changed or len(list(table.list_indices())) < len(_SEARCHED):
            _index(table)
        found = table.count_rows()
        if found != len(wanted):
            raise VectorStoreError(
                f"the vector table {self.namespace}/{name} holds {found} rows and not "
                f"{len(wanted)}: another process wrote to it; materialise document_index again"
            )
        version = table.version
        publish(table, version)
        return Version(f"{self.namespace}/{name}", version, found)

    def clean(self, name: str, named: Collection[int], before: datetime) -> int:
        """Remove old versions of one of the namespace's tables that nobody reads any more.

        Args:
            name: Table name.
            named: Versions that may still be read; the last published one stays in any case.
            before: Versions that were written since then stay.

        Returns:
            How many versions were removed.

        Raises:
            ProductionError: The namespace is production.
        """
        refuse_production(self.namespace)
        with lake_lock(self._settings, f"vectors-{self.namespace}-{_checked(name)}"):
            table = _connect(self.root / _checked(self.namespace)).open_table(name)
            return clean(table, named, before)

    def reader(self, version: Version) -> VectorReader:
        """Open a version for reading.

        Raises:
            VectorStoreError: It does not exist.
        """
        namespace, _, name = version.table.partition("/")
        folder = self.root / _checked(namespace)
        try:
            return VectorReader(asyncio.run(_opened(folder, _checked(name), version.version)))
        except (ValueError, FileNotFoundError) as error:
            raise VectorStoreError(
                f"version {version.version} of the vector table {version.table} cannot be opened "
                f"({error}): materialise document_index again"
            ) from error

    def _writable(self, name: str, dimensions: int) -> LanceTable:
        folder = self.root / _checked(self.namespace)
        folder.mkdir(parents=True, exist_ok=True)
        database = _connect(folder)
        schema = _schema(dimensions)
        try:
            table = database.open_table(_checked(name))
        except (ValueError, FileNotFoundError):
            return database.create_table(name, schema=schema)
        if table.schema != schema:
            return database.create_table(name, schema=schema, mode="overwrite")
        return table


class VectorReader:
    """One version of a vector table."""

    def __init__(self, table: AsyncTable) -> None:
        self._table = table

    def full_text(self, query: str, limit: int) -> list[Found]:
        """Find chunks that hold words of a query, best first by LanceDB's BM25.

        Args:
            query: Words; case, accents and punctuation mean nothing, and no word is too common.
            limit: Most chunks to return.
        """
        return search([self], limit, words=query)

    def phrase(self, query: str, limit: int) -> list[Found]:
        """Find chunks that hold, or whose title holds, the words of a query next to each other."""
        found = search([self], limit, phrase=query)
        return list({chunk.chunk_id: chunk for chunk in found}.values())

    def nearest(self, vector: Sequence[float], limit: int) -> list[Found]:
        """Find the chunks with the nearest vectors by cosine, all of them looked at."""
        return search([self], limit, vector=vector)

    def _queries(self, phrase: str, words: str, vector: Sequence[float]) -> Iterator[Any]:
        from lancedb.query import MatchQuery, PhraseQuery

        if re.search(r"\w", phrase):
            for column in _SEARCHED:
                yield self._table.query().nearest_to_text(PhraseQuery(phrase, column))  # type: ignore[call-arg]
        if re.search(r"\w", words):
            yield self._table.query().nearest_to_text(MatchQuery(words, "text"))  # type: ignore[call-arg]
        if vector:
            yield self._table.query().nearest_to(list(vector)).distance_type("cosine")


def search(
    readers: Sequence[VectorReader],
    limit: int,
    *,
    phrase: str = "",
    words: str = "",
    vector: Sequence[float] = (),
) -> list[Found]:
    """Search several tables in several ways, all at once, which takes a quarter of the time.

    Args:
        readers: The tables.
        limit: Most chunks of each search.
        phrase: Words that stand next to each other in text or title; none: no such search.
        words: Words of which some are there; none: no such search.
        vector: What the nearest are looked for of; empty: no such search.

    Returns:
        What was found, search by search, each best first; a chunk can be there several times.
    """

    async def every() -> list[pa.Table]:
        queries = (each for one in readers for each in one._queries(phrase, words, vector))
        return await asyncio.gather(
            *(each.select(_FOUND).limit(limit).to_arrow() for each in queries)
        )

    return [found for rows in asyncio.run(every()) for found in _found(rows)]


async def _opened(folder: Path, name: str, version: int) -> AsyncTable:
    import lancedb

    table = await (await lancedb.connect_async(folder)).open_table(name)
    await table.checkout(version)
    return table


def _connect(folder: Path) -> DBConnection:
    import lancedb

    return lancedb.connect(folder)


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise VectorStoreError(f"{name!r} is not allowed as the name of a vector table")
    return name


def _schema(dimensions: int) -> pa.Schema:
    return pa.schema(
        [
            pa.field("chunk_id", pa.string()),
            pa.field("entity_id", pa.string()),
            pa.field("title", pa.string()),
            pa.field("text", pa.string()),
            pa.field("content_sha256", pa.string()),
            pa.field("vector", pa.list_(pa.float32(), dimensions)),
        ]
    )


def _hashes(table: LanceTable) -> dict[str, str]:
    rows = table.search().select(["chunk_id", "content_sha256"]).limit(None).to_arrow()
    return dict(
        zip(
            rows.column("chunk_id").to_pylist(),
            rows.column("content_sha256").to_pylist(),
            strict=True,
        )
    )


def _hashes_at(table: LanceTable, version: int) -> dict[str, str]:
    table.checkout(version)
    found = _hashes(table)
    table.checkout_latest()  # type: ignore[no-untyped-call]
    return found


def _literals(keys: list[str]) -> str:
    for key in keys:
        # LanceDB's filter has no parameters; ids are our own hashes and are checked to be such.
        if not _HEXADECIMAL.fullmatch(key):
            raise VectorStoreError(f"{key!r} is no chunk id")
    return ", ".join(f"'{key}'" for key in keys)


def _upsert(table: LanceTable, rows: Iterable[pa.RecordBatch], changed: set[str]) -> None:
    seen: set[str] = set()

    for batch in rows:
        keys = batch.column("chunk_id").to_pylist()
        # merge_insert inserts both of two equal new keys of one batch, so each passes once.
        chosen = []
        for place, key in enumerate(keys):
            if key in changed and key not in seen:
                seen.add(key)
                chosen.append(place)
        if chosen:
            part = pa.Table.from_batches([batch]).take(pa.array(chosen)).cast(table.schema)
            merge = table.merge_insert("chunk_id").when_matched_update_all()
            merge.when_not_matched_insert_all().execute(part)


def _index(table: LanceTable) -> None:
    from lancedb.index import FTS

    indexed = {column for index in table.list_indices() for column in index.columns}
    for column in _SEARCHED:
        if column not in indexed:
            # With the default settings the films "It", "Her" and "Up" are stop words.
            table.create_index(
                column, config=FTS(stem=False, remove_stop_words=False, with_position=True)
            )
    table.optimize(cleanup_older_than=_FOREVER)


def _found(rows: pa.Table) -> Iterator[Found]:
    texts = (rows.column(name).to_pylist() for name in _FOUND[:-1])
    # As Python's numbers vectors would take longer than the search.
    values = pc.list_flatten(rows.column("vector")).to_numpy()
    vectors = values.reshape(rows.num_rows, -1) if rows.num_rows else values
    return (Found(*each) for each in zip(*texts, vectors, strict=True))
