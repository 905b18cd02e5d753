"""Extraction contexts: subject, text and candidates, put together for one shard of a type."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from kg_assets.inference.chunking import chunks
from kg_assets.inference.embeddings import DEFAULT_EMBEDDING, Embedding
from kg_assets.inference.extractors import Candidate, Context
from kg_assets.inference.gazetteer import NAMES_SCHEMA, Mention, mentions, name_batches
from kg_assets.inference.index import passages

if TYPE_CHECKING:
    import duckdb

    from resources.vectors import VectorReader

WINDOW_CHARACTERS = 8_000
"""Longest text of a context, in code points; a longer document is read in several windows."""

PASSAGES = 5
"""Passages of other documents that retrieval adds to a context."""

_CREATOR_ROLES = ("director", "writer", "author", "creator", "screenwriter", "playwright")
# "The novel of the same name" and "King's novel" are candidates that a text need not name.
_OWN_NAMES = """
    SELECT
        entity_id,
        entity_type,
        name,
        alternate_names,
        "year"
    FROM nameable
    WHERE entity_id IN (SELECT entity_id FROM eligible)
"""
_WINDOW_SCHEMA = pa.schema(
    [
        pa.field("context_id", pa.string()),
        pa.field("entity_id", pa.string()),
        pa.field("document_id", pa.string()),
        pa.field("document_sha256", pa.string()),
        pa.field("start", pa.int64()),
        pa.field("text", pa.string()),
    ]
)
_MENTION_SCHEMA = pa.schema(
    [
        pa.field("context_id", pa.string()),
        pa.field("entity_id", pa.string()),
        pa.field("entity_type", pa.string()),
        pa.field("name", pa.string()),
        pa.field("matched_name", pa.string()),
        pa.field("year", pa.int32()),
    ]
)
_RETRIEVED_SCHEMA = pa.schema(
    [
        pa.field("context_id", pa.string()),
        pa.field("place", pa.int32()),
        pa.field("chunk_id", pa.string()),
        pa.field("entity_id", pa.string()),
    ]
)


def windows(text: str, limit: int = WINDOW_CHARACTERS) -> list[tuple[int, str]]:
    """Cut a long text into windows of whole sentences.

    Returns:
        The start of each window and its text; the whole text where it is short enough.
    """
    if len(text) <= limit:
        return [(0, text)]
    return [(span.start, text[span.start : span.end]) for span in chunks(text, limit)]


def gather(
    con: duckdb.DuckDBPyConnection,
    readers: Sequence[VectorReader],
    embedding: Embedding = DEFAULT_EMBEDDING,
) -> None:
    """Find the windows of eligible texts and the entities that they may be speaking of.

    Makes the tables `name`, `text_window`, `mention` and `retrieved` on the connection.

    Args:
        con: Connection with `eligible` (entity_id, name), `documents` (as the table documents)
            and `nameable` (resolved entities of the types that can be objects).
        readers: The document indexes that are searched.
        embedding: What they were made with.
    """
    fill(con, "name", NAMES_SCHEMA, name_batches(_relation(con, "SELECT * FROM nameable")))
    fill(con, "text_window", _WINDOW_SCHEMA, _window_batches(con))
    texts = "SELECT context_id, text FROM text_window ORDER BY context_id"
    fill(con, "mention", _MENTION_SCHEMA, _mention_batches(con, texts))
    fill(con, "own_name", NAMES_SCHEMA, name_batches(_relation(con, _OWN_NAMES)))
    con.execute(
        """
        INSERT INTO mention
        SELECT
            context_id,
            name.entity_id,
            name.entity_type,
            name.name,
            name.matched_name,
            name."year"
        FROM text_window
        JOIN own_name USING (entity_id)
        JOIN name ON name.key = own_name.key
        WHERE name.entity_id <> text_window.entity_id
        """
    )
    fill(con, "retrieved", _RETRIEVED_SCHEMA, _retrieved_batches(con, readers, embedding))


def fill(
    con: duckdb.DuckDBPyConnection,
    name: str,
    schema: pa.Schema,
    batches: Iterator[pa.RecordBatch],
) -> None:
    """Make a table of the connection from batches, one at a time.

    Args:
        con: The connection; the batches may come from a cursor of it.
        name: One of this stage's own names of tables.
        schema: Columns of the table.
        batches: What it holds.
    """
    con.register("batch", schema.empty_table())
    con.execute(f'CREATE OR REPLACE TABLE "{name}" AS SELECT * FROM batch')  # noqa: S608 (our name)
    con.unregister("batch")
    for batch in batches:
        con.register("batch", pa.Table.from_batches([batch]))
        con.execute(f'INSERT INTO "{name}" SELECT * FROM batch')  # noqa: S608 (our name)
        con.unregister("batch")


def contexts(con: duckdb.DuckDBPyConnection, entity_type: str) -> duckdb.DuckDBPyRelation:
    """Put contexts together from what `gather` found.

    Args:
        con: Connection with the tables that `gather` made, `nameable`, `entities` (resolved
            entities of the subject's type) and `makers` (entity_id, creators).
        entity_type: Type of the subjects.

    Returns:
        Relation with the columns of the table extraction_contexts.
    """
    return con.sql(
        """
        WITH found AS (
            SELECT
                context_id,
                entity_id,
                list_sort(list(DISTINCT matched_name) FILTER (matched_name <> name)) AS names,
                false AS retrieved
            FROM mention
            GROUP BY ALL
            UNION ALL
            SELECT DISTINCT
                context_id,
                entity_id,
                NULL AS names,
                true AS retrieved
            FROM retrieved
            WHERE NOT EXISTS (
                FROM mention
                WHERE mention.context_id = retrieved.context_id
                AND mention.entity_id = retrieved.entity_id
            )
        ),
        candidate AS (
            SELECT
                context_id,
                list(
                    struct_pack(
                        entity_id := nameable.entity_id,
                        entity_type := nameable.entity_type,
                        name := nameable.name,
                        "year" := nameable.year,
                        names := found.names,
                        creators := makers.creators,
                        retrieved := found.retrieved
                    )
                    ORDER BY nameable.entity_id
                ) AS candidates
            FROM found
            JOIN nameable USING (entity_id)
            LEFT JOIN makers USING (entity_id)
            JOIN text_window USING (context_id)
            WHERE nameable.entity_id <> text_window.entity_id
            GROUP BY context_id
        ),
        passage AS (
            SELECT
                context_id,
                list(chunk_id ORDER BY place) AS retrieved_chunks
            FROM retrieved
            GROUP BY context_id
        )
        SELECT
            context_id,
            entity_id,
            $entity_type AS entity_type,
            entities.name,
            entities.alternate_names,
            entities.year,
            document_id,
            document_sha256,
            "start",
            text_window.text,
            coalesce(candidates, []) AS candidates,
            coalesce(retrieved_chunks, []) AS retrieved_chunks
        FROM text_window
        JOIN entities USING (entity_id)
        LEFT JOIN candidate USING (context_id)
        LEFT JOIN passage USING (context_id)
        """,
        params={"entity_type": entity_type},
    )


def creators(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyRelation:
    """Find who made the entities that texts mention.

    Args:
        con: Connection with `mention`, and `all_members` and `all_records` of the types that can
            be objects.

    Returns:
        Relation (entity_id, creators: names in alphabetical order).
    """
    return con.sql(
        """
        SELECT
            entity_id,
            list_sort(list(DISTINCT credit.name)) AS creators
        FROM (
            SELECT
                entity_id,
                unnest(credits) AS credit
            FROM all_members
            JOIN all_records USING (entity_type, source, source_id)
            WHERE entity_id IN (SELECT entity_id FROM mention)
        )
        WHERE list_contains($roles, credit.role)
        GROUP BY entity_id
        """,
        params={"roles": list(_CREATOR_ROLES)},
    )


def read_contexts(batch: pa.RecordBatch) -> Iterator[Context]:
    """Turn rows of the table extraction_contexts into contexts."""
    for row in batch.to_pylist():
        yield Context(
            context_id=row["context_id"],
            entity_id=row["entity_id"],
            entity_type=row["entity_type"],
            name=row["name"],
            document_id=row["document_id"],
            document_sha256=row["document_sha256"],
            text=row["text"],
            start=row["start"],
            alternate_names=tuple(row["alternate_names"] or ()),
            year=row["year"],
            candidates=tuple(
                Candidate(
                    entity_id=each["entity_id"],
                    entity_type=each["entity_type"],
                    name=each["name"],
                    year=each["year"],
                    names=tuple(each["names"] or ()),
                    creators=tuple(each["creators"] or ()),
                    retrieved=each["retrieved"],
                )
                for each in row["candidates"]
            ),
        )


def _relation(con: duckdb.DuckDBPyConnection, query: str) -> duckdb.DuckDBPyRelation:
    """Read on a cursor of its own: an unread result would block the connection's inserts."""
    return con.cursor().sql(query)


def _window_batches(con: duckdb.DuckDBPyConnection) -> Iterator[pa.RecordBatch]:
    reader = _relation(
        con,
        """
        SELECT
            entity_id,
            document_id,
            sha256,
            text
        FROM documents
        JOIN eligible USING (entity_id)
        """,
    ).to_arrow_reader(1_024)
    for batch in reader:
        rows = [
            (_identity(entity, document, start), entity, document, sha256, start, piece)
            for entity, document, sha256, text in zip(
                *(column.to_pylist() for column in batch.columns), strict=True
            )
            for start, piece in windows(text)
        ]
        yield _batch(rows, _WINDOW_SCHEMA)


def _identity(entity_id: str, document_id: str, start: int) -> str:
    name = f"{entity_id}\x1f{document_id}\x1f{start}"
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def _mention_batches(con: duckdb.DuckDBPyConnection, query: str) -> Iterator[pa.RecordBatch]:
    cursor = con.cursor()
    rows: list[tuple[object, ...]] = []
    for context_id, found in mentions(cursor, "name", _pairs(_relation(con, query))):
        unique = {(hit.entity_id, hit.matched_name): hit for hit in found}
        rows += [_mention_row(context_id, hit) for hit in unique.values()]
        if len(rows) > 16_384:
            yield _batch(rows, _MENTION_SCHEMA)
            rows = []
    yield _batch(rows, _MENTION_SCHEMA)


def _mention_row(context_id: str, hit: Mention) -> tuple[object, ...]:
    return (context_id, hit.entity_id, hit.entity_type, hit.name, hit.matched_name, hit.year)


def _pairs(relation: duckdb.DuckDBPyRelation) -> Iterator[tuple[str, str]]:
    for batch in relation.to_arrow_reader(256):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _retrieved_batches(
    con: duckdb.DuckDBPyConnection, readers: Sequence[VectorReader], embedding: Embedding
) -> Iterator[pa.RecordBatch]:
    reader = _relation(
        con,
        """
        SELECT
            context_id,
            entity_id,
            eligible.name,
            text
        FROM text_window
        JOIN eligible USING (entity_id)
        """,
    ).to_arrow_reader(256)
    for batch in reader:
        rows = [
            (context_id, place, chunk.chunk_id, chunk.entity_id)
            for context_id, entity_id, name, text in zip(
                *(column.to_pylist() for column in batch.columns), strict=True
            )
            for place, chunk in enumerate(
                passages(
                    readers,
                    name,
                    text,
                    limit=PASSAGES,
                    exclude=frozenset({entity_id}),
                    embedding=embedding,
                )
            )
        ]
        yield _batch(rows, _RETRIEVED_SCHEMA)


def _batch(rows: Sequence[tuple[object, ...]], schema: pa.Schema) -> pa.RecordBatch:
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = [pa.array(c, field.type) for c, field in zip(columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
