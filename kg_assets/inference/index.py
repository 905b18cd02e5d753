"""The document index: chunks with their vectors, and what a search for a subject returns."""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from kg_assets.inference.embeddings import DEFAULT_EMBEDDING, Embedding
from kg_assets.inference.gazetteer import COMMON_WORDS, name_key, words
from resources.vectors import Found, VectorReader, VectorStore, Version, search

if TYPE_CHECKING:
    import duckdb

BATCH_CHUNKS = 1_024
"""Chunks that are embedded at a time."""

LONGEST_QUERY = 2_000
"""Characters of a text whose words are searched for; its first sentences say what it is about."""

DEEPER = 10
"""How many times more chunks are taken from each search than are kept after ranking them."""


def write_index(
    con: duckdb.DuckDBPyConnection,
    vectors: VectorStore,
    entity_type: str,
    embedding: Embedding = DEFAULT_EMBEDDING,
) -> dict[str, object]:
    """Bring the LanceDB table of an entity type up to date with its chunks.

    Args:
        con: Connection with the tables or views `chunks` and `documents` of that type.
        vectors: Home of the LanceDB tables.
        entity_type: Name of the table.
        embedding: Makes the vectors.

    Returns:
        A row of the table document_index.
    """
    indexed = con.sql(
        """
        SELECT
            chunk_id,
            chunks.entity_id,
            title,
            chunks.text,
            sha256(concat_ws(chr(31), $embedding, chunks.sha256, chunks.entity_id, title))
                AS content_sha256
        FROM chunks
        JOIN documents USING (document_id)
        ORDER BY chunk_id
        """,
        params={"embedding": embedding.name},
    )
    wanted = dict(indexed.project("chunk_id, content_sha256").fetchall())
    content = hashlib.sha256(embedding.name.encode())
    for chunk_id in sorted(wanted):
        content.update(f"\n{chunk_id} {wanted[chunk_id]}".encode())
    version = vectors.write(
        entity_type,
        dimensions=embedding.dimensions,
        wanted=wanted,
        rows=lambda changed: _embedded(con, indexed, embedding, changed),
    )
    return {
        "entity_type": entity_type,
        "lance_table": version.table,
        "lance_version": version.version,
        "rows": version.rows,
        "embedding": embedding.name,
        "content_sha256": content.hexdigest(),
    }


def _embedded(
    con: duckdb.DuckDBPyConnection,
    indexed: duckdb.DuckDBPyRelation,
    embedding: Embedding,
    changed: Collection[str],
) -> Iterator[pa.RecordBatch]:
    """Embed the chunks that changed and no other: with an API each costs money."""
    con.register("changed_chunk", pa.table({"chunk_id": sorted(changed)}))
    chosen = indexed.filter("chunk_id IN (SELECT chunk_id FROM changed_chunk)")
    for batch in chosen.to_arrow_reader(BATCH_CHUNKS):
        found = embedding.embed(batch.column("text").to_pylist())
        kind = pa.list_(pa.float32(), embedding.dimensions)
        yield batch.append_column("vector", pa.array(found, kind))


def open_index(
    vectors: VectorStore, manifest: dict[str, object], embedding: Embedding = DEFAULT_EMBEDDING
) -> VectorReader:
    """Open the version of the index that a manifest row names.

    Args:
        vectors: Home of the LanceDB tables.
        manifest: A row of the table document_index.
        embedding: What queries are embedded with.

    Raises:
        ValueError: The index was made with another embedding.
    """
    if manifest["embedding"] != embedding.name:
        raise ValueError(
            f"the document index of {manifest['entity_type']} was made with the embedding "
            f"{manifest['embedding']} and not {embedding.name}: materialise document_index again"
        )
    version = Version(
        str(manifest["lance_table"]),
        int(str(manifest["lance_version"])),
        int(str(manifest["rows"])),
    )
    return vectors.reader(version)


def passages(
    readers: Sequence[VectorReader],
    name: str,
    text: str,
    *,
    limit: int,
    exclude: frozenset[str] = frozenset(),
    embedding: Embedding = DEFAULT_EMBEDDING,
) -> list[Found]:
    """Find passages about a subject or about what its text speaks of.

    Chunks that hold the name word for word or bear it as their title, those that share most words
    with the text, and those with the nearest vectors; ranked by the cosine of their vectors and
    the rarity of the words that they share, plus one where a chunk holds the name or bears it,
    plus one where the text names the chunk's title. LanceDB's own scores depend on how its files
    were merged and are not used.

    Args:
        readers: The indexes that are searched.
        name: Name of the subject.
        text: What is known about it.
        limit: Most passages to return.
        exclude: Entities whose passages are left out.
        embedding: What the indexes were made with.

    Returns:
        Passages, best first; equal ones in the order of their ids.
    """
    vector = embedding.embed([text])[0]
    chunks = search(
        readers,
        limit * DEEPER,
        phrase=" ".join(re.findall(r"\w+", name)),
        words=f"{name} {text[:LONGEST_QUERY]}",
        vector=vector,
    )
    found = {chunk.chunk_id: chunk for chunk in chunks}
    known = [key for key, chunk in found.items() if chunk.entity_id not in exclude]
    if not known:
        return []
    own, said = _key(name), _key(text)
    # Rounded, so that the order in which a machine adds up decides nothing.
    likeness = np.round(np.stack([found[key].vector for key in known]) @ np.array(vector), 6)
    rarity = _shared_rarity(f"{name} {text[:LONGEST_QUERY]}", [found[key].text for key in known])
    ranked = sorted(
        (
            -(
                cosine
                + shared
                + (own in _key(chunk.text) or own == _key(chunk.title))
                + _is_named(chunk.title, text, said)
            ),
            key,
        )
        for key, cosine, shared in zip(known, likeness.tolist(), rarity, strict=True)
        for chunk in (found[key],)
    )
    return [found[key] for _, key in ranked[:limit]]


def _shared_rarity(query: str, texts: Sequence[str]) -> list[float]:
    """How rare the words are that each text shares with a query, the most of them as 1.

    Rarity is the inverse document frequency of BM25 (Robertson and Zaragoza 2009, 3.1), counted
    over these texts.
    """
    asked = set(words(query))
    shared = [asked & set(words(text)) for text in texts]
    counts = Counter(word for each in shared for word in each)
    weights = {
        word: math.log(1 + (len(texts) - count + 0.5) / (count + 0.5))
        for word, count in counts.items()
    }
    sums = [math.fsum(weights[word] for word in each) for each in shared]
    most = max(sums, default=0.0) or 1.0
    return [round(each / most, 6) for each in sums]


def _key(text: str) -> str:
    return f" {name_key(text)} "


def _is_named(title: str, text: str, said: str) -> bool:
    """Whether a text names a title; one that is an everyday word only as it is written."""
    if name_key(title) in COMMON_WORDS:
        return re.search(rf"\b{re.escape(title)}\b", text) is not None
    key = _key(title)
    return bool(key.strip()) and key in said
