"""Documents and their chunks, from the descriptions of records and from texts of their own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pyarrow as pa

from kg_assets.inference.chunking import CHUNK_CHARACTERS, chunks
from kg_assets.inference.cleaning import CLEANING, clean, sha256
from kg_assets.inference.tables import CHUNKS, DOCUMENTS
from kg_assets.sources.contract import MAX_ID_LENGTH
from kg_assets.sources.inferred import INFERRED
from kg_assets.sources.record import THING

if TYPE_CHECKING:
    import duckdb

BATCH_DOCUMENTS = 1_024
"""Documents that are cleaned or cut at a time; bounds the memory."""

UNKNOWN_RECORD = "no such record is known"
NO_WORDS = "no words are left after cleaning"

TEXTS_AT_ONCE = 32
"""Texts of their own that are cleaned at a time; one can be as long as a book."""

_NAMES = ("document_id", "entity_id", "entity_type", "source", "source_id", "title", "url")
_ORIGINS = ("heading", "language", "licence", "file", "position", "blob_sha256", "delivery")


def described(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyRelation:
    """The description of each record of an entity that has one.

    Args:
        con: Connection with the views `members` (columns of entity_members) and `records` (at
            least source, source_id, name, description and url of current records), both of one
            entity type.

    Returns:
        Relation with columns of the table documents, less those that cleaning makes; `original`
        holds the text. A description of nothing but white space is none.
    """
    return con.sql(
        """
        SELECT
            substring(
                sha256(concat_ws(chr(31), source, source_id, sha256(description))), 1, 32
            ) AS document_id,
            entity_id,
            entity_type,
            source,
            source_id,
            name AS title,
            url,
            description AS original
        FROM (
            SELECT
                source,
                source_id,
                name,
                description,
                url
            FROM records
            WHERE regexp_matches(description, '\\S')
        )
        JOIN members USING (source, source_id)
        """
    )


def tie(con: duckdb.DuckDBPyConnection, entity_type: str) -> None:
    """Tie texts to the entities that they say they are about.

    Makes the tables `tie` (source, document_id, entity_id, title) and `untied` (the columns of
    untied_texts).

    Args:
        con: Connection with `members` and `records` as for `described`, and `texts` (the table
            texts).
        entity_type: The type.
    """
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE told AS
        SELECT DISTINCT
            source,
            document_id,
            about.entity_type AS about_type,
            about.source AS about_source,
            about.source_id AS about_source_id,
            -- A thing is an entity as the record of the source `inferred` that gave it a type.
            CASE WHEN about_type = '{THING}' THEN '{INFERRED}' ELSE about.source END AS key_source,
            CASE
                WHEN about_type <> '{THING}' THEN about.source_id
                WHEN length(about.source || ':' || about.source_id) <= {MAX_ID_LENGTH}
                    THEN about.source || ':' || about.source_id
                ELSE about.source || ':' || sha256(about.source_id)
            END AS key_id
        FROM (
            SELECT
                source,
                document_id,
                unnest(about) AS about
            FROM texts
        )
        WHERE about.entity_type IN ($entity_type, '{THING}')
        """,  # noqa: S608 - constants
        {"entity_type": entity_type},
    )
    # Of a thing its own source may say meanwhile what it is.
    con.execute(
        f"""
        INSERT INTO told
        SELECT * REPLACE (about_source AS key_source, about_source_id AS key_id)
        FROM told
        WHERE about_type = '{THING}'
        """  # noqa: S608 - a constant
    )
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE found AS
        SELECT
            told.*,
            members.entity_id,
            records.name
        FROM told
        JOIN members
            ON members.source = told.key_source
            AND members.source_id = told.key_id
        LEFT JOIN records
            ON records.source = told.key_source
            AND records.source_id = told.key_id;

        CREATE OR REPLACE TEMP TABLE tie AS
        SELECT
            source,
            document_id,
            entity_id,
            min(coalesce(name, about_source_id)) AS title
        FROM found
        GROUP BY ALL;

        CREATE OR REPLACE TEMP TABLE untied AS
        SELECT
            source,
            document_id,
            about_source,
            about_source_id,
            '{UNKNOWN_RECORD}' AS reason
        FROM told
        ANTI JOIN found USING (source, document_id, about_type, about_source, about_source_id)
        WHERE about_type <> '{THING}'
        """  # noqa: S608 - constants
    )


def tied(con: duckdb.DuckDBPyConnection, entity_type: str) -> duckdb.DuckDBPyRelation:
    """The texts that `tie` tied to entities, as `described` gives descriptions.

    Args:
        con: Connection with `tie` and `texts`.
        entity_type: The type.

    Returns:
        Relation with columns of the table documents, `original`, `body_start` and `format`; one
        row for each text and entity.
    """
    return con.sql(
        """
        SELECT
            substring(
                sha256(
                    concat_ws(
                        chr(31), 'text', source, document_id, sha256(text), entity_id
                    )
                ),
                1,
                32
            ) AS document_id,
            entity_id,
            $entity_type AS entity_type,
            source,
            document_id AS source_id,
            tie.title,
            url,
            text AS original,
            body_start,
            format,
            texts.title AS heading,
            language,
            licence,
            file,
            position,
            sha256 AS blob_sha256,
            delivery
        FROM texts
        JOIN tie USING (source, document_id)
        """,
        params={"entity_type": entity_type},
    )


def cleaned_batches(
    originals: duckdb.DuckDBPyRelation, *, at_once: int = BATCH_DOCUMENTS
) -> Iterator[pa.RecordBatch]:
    """Clean texts.

    Args:
        originals: As of `described` or `tied`.
        at_once: How many texts are held.

    Yields:
        Batches with the columns of the table documents, in no order of its key. A text of which
        no words are left has an empty one.
    """
    for batch in originals.to_arrow_reader(at_once):
        yield pa.RecordBatch.from_pylist(
            [_cleaned(row) for row in batch.to_pylist()], schema=DOCUMENTS.schema
        )


def _cleaned(row: dict[str, object]) -> dict[str, object]:
    original = str(row["original"])
    text_format = row.get("format")
    start = row.get("body_start")
    found = clean(
        original,
        str(text_format) if text_format else None,
        start if isinstance(start, int) else 0,
    )
    text = found.text if any(map(str.isalnum, found.text)) else ""
    return {
        **{name: row[name] for name in _NAMES},
        **{name: row.get(name) for name in _ORIGINS},
        "text": text,
        "sha256": sha256(text),
        "characters": len(text),
        "original": None if text == original else original,
        "original_sha256": sha256(original),
        "runs": [
            {
                "start": run.start,
                "original_start": run.original_start,
                "original_end": run.original_end,
                "verbatim": run.verbatim,
            }
            for run in found.runs
        ]
        if text and found.runs
        else None,
        "cleaning": CLEANING,
    }


def distinct(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyRelation:
    """Of the documents of an entity with one text the first is kept, a description before others.

    Args:
        con: Connection with the table `cleaned` (the columns of the table documents).
    """
    return con.sql(
        """
        SELECT *
        FROM cleaned
        WHERE text <> ''
        QUALIFY row_number() OVER (
            PARTITION BY entity_id, sha256
            ORDER BY file IS NOT NULL, source, source_id, document_id
        ) = 1
        """
    )


def untied(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyRelation:
    """Texts of this type that are no document of any entity, with the reason.

    Args:
        con: Connection with `untied` and `tie` as of `tie`, and `cleaned`.
    """
    return con.sql(
        f"""
        SELECT *
        FROM untied
        UNION ALL
        SELECT DISTINCT
            told.source,
            told.document_id,
            about_source,
            about_source_id,
            '{NO_WORDS}' AS reason
        FROM told
        JOIN cleaned
            ON cleaned.source = told.source
            AND cleaned.source_id = told.document_id
        WHERE file IS NOT NULL
            AND text = ''
        """  # noqa: S608 - a constant of this module
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
