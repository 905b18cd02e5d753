"""Documents and their chunks, from the descriptions of the records of resolved entities."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pyarrow as pa

from kg_assets.inference.chunking import CHUNK_CHARACTERS, chunks
from kg_assets.inference.tables import CHUNKS

if TYPE_CHECKING:
    import duckdb

BATCH_DOCUMENTS = 1_024
"""Documents that are cut at a time; bounds the memory of chunking."""


def documents(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyRelation:
    """Make a document of each record of an entity that has a description.

    Args:
        con: Connection with the views `members` (columns of entity_members) and `records` (at
            least source, source_id, name, description and url of current records), both of one
            entity type.

    Returns:
        Relation with the columns of the table documents. A description of nothing but white
        space is no document.
    """
    return con.sql(
        """
        SELECT
            substring(sha256(concat_ws(chr(31), source, source_id, text_sha256)), 1, 32)
                AS document_id,
            entity_id,
            entity_type,
            source,
            source_id,
            name AS title,
            description AS text,
            text_sha256 AS sha256,
            length(description) AS characters,
            url
        FROM (
            SELECT
                source,
                source_id,
                name,
                description,
                url,
                sha256(description) AS text_sha256
            FROM records
            WHERE regexp_matches(description, '\\S')
        )
        JOIN members USING (source, source_id)
        """
    )


def chunk_batches(
    texts: duckdb.DuckDBPyRelation, limit: int = CHUNK_CHARACTERS
) -> Iterator[pa.RecordBatch]:
    """Cut documents into chunks.

    Args:
        texts: At least document_id, entity_id and text of documents.
        limit: Longest chunk, in code points.

    Yields:
        Batches with the columns of the table chunks, in no order of their key.
    """
    reader = texts.project("document_id, entity_id, text").to_arrow_reader(BATCH_DOCUMENTS)
    for batch in reader:
        rows = [
            chunk
            for document_id, entity_id, text in zip(
                *(column.to_pylist() for column in batch.columns), strict=True
            )
            for chunk in _chunks(document_id, entity_id, text, limit)
        ]
        yield pa.RecordBatch.from_pylist(rows, schema=CHUNKS.schema)


def _chunks(document_id: str, entity_id: str, text: str, limit: int) -> Iterator[dict[str, object]]:
    for ordinal, span in enumerate(chunks(text, limit)):
        piece = text[span.start : span.end]
        name = f"{document_id}\x1f{span.start}\x1f{span.end}"
        yield {
            "chunk_id": hashlib.sha256(name.encode()).hexdigest()[:32],
            "document_id": document_id,
            "entity_id": entity_id,
            "ordinal": ordinal,
            "start": span.start,
            "end": span.end,
            "text": piece,
            "sha256": hashlib.sha256(piece.encode()).hexdigest(),
        }
