"""The document index: embeddings of chunks, and what a search for a subject returns."""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

from kg_assets.inference.gazetteer import words
from resources.vectors import Found, VectorReader, VectorStore, Version

if TYPE_CHECKING:
    import duckdb

BATCH_CHUNKS = 1_024
"""Chunks that are embedded at a time."""

DEEPER = 10
"""How many times more chunks are taken from each search than are kept after ranking them."""


class Embedding(Protocol):
    """Turns texts into vectors; the same text always gives the same vector.

    Attributes:
        name: Name with all parameters; another name means another index.
        dimensions: Length of the vectors.
    """

    @property
    def name(self) -> str:
        """Name with all parameters."""
        ...

    @property
    def dimensions(self) -> int:
        """Length of the vectors."""
        ...

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return a vector of unit length (or zero) for each text."""
        ...


class HashedWords:
    """Signed feature hashing of words and pairs of words, damped and of unit length.

    Needs no download, no training and no memory of a vocabulary. The counts are damped by
    1 + log(count); the weight of rare words comes from their number of letters, since an inverse
    document frequency would change every vector with every delivery. Source of the hashing
    trick: Weinberger et al., Feature Hashing for Large Scale Multitask Learning, ICML 2009,
    https://arxiv.org/abs/0902.2206.

    Args:
        dimensions: Length of the vectors.
    """

    def __init__(self, dimensions: int = 512) -> None:
        self._dimensions = dimensions

    @property
    def name(self) -> str:
        """Name with all parameters."""
        return f"hashed-words-1-{self._dimensions}"

    @property
    def dimensions(self) -> int:
        """Length of the vectors."""
        return self._dimensions

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return a vector of unit length for each text, zero for one without words."""
        return [self._vector(text) for text in texts]

    def _vector(self, text: str) -> list[float]:
        terms = words(text)
        counts = Counter(terms)
        counts.update(f"{left} {right}" for left, right in pairwise(terms))
        vector = [0.0] * self._dimensions
        for term, count in sorted(counts.items()):
            digest = hashlib.blake2b(term.encode(), digest_size=8).digest()
            value = int.from_bytes(digest, "little")
            # Words of one to three letters are mostly grammar.
            weight = (1.0 + math.log(count)) * min(len(term), 8) / 8.0
            vector[(value >> 1) % self._dimensions] += weight if value & 1 else -weight
        length = math.sqrt(sum(value * value for value in vector))
        return [value / length for value in vector] if length else vector


DEFAULT_EMBEDDING = HashedWords()
"""The embedding that is used unless another is chosen."""


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
        rows=_embedded(indexed, embedding),
    )
    return {
        "entity_type": entity_type,
        "lance_table": version.table,
        "lance_version": version.version,
        "rows": version.rows,
        "embedding": embedding.name,
        "content_sha256": content.hexdigest(),
    }


def _embedded(indexed: duckdb.DuckDBPyRelation, embedding: Embedding) -> Iterator[pa.RecordBatch]:
    for batch in indexed.to_arrow_reader(BATCH_CHUNKS):
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

    Chunks that hold the name word for word, and those with the nearest vectors, ranked by the
    cosine of their vectors plus one where the name is held. LanceDB's own scores depend on how
    its files were merged and are not used.

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
    found: dict[str, tuple[float, Found]] = {}
    for reader in readers:
        for chunk in reader.phrase(" ".join(re.findall(r"\w+", name)), limit * DEEPER):
            found[chunk.chunk_id] = (1.0, chunk)
        for chunk in reader.nearest(vector, limit * DEEPER):
            found.setdefault(chunk.chunk_id, (0.0, chunk))
    ranked = sorted(
        (-(bonus + math.fsum(a * b for a, b in zip(vector, chunk.vector, strict=True))), key)
        for key, (bonus, chunk) in found.items()
        if chunk.entity_id not in exclude
    )
    return [found[key][1] for _, key in ranked[:limit]]
