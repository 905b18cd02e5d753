"""Embeddings turn texts into vectors; the default needs no download, others are configured."""

from __future__ import annotations

import hashlib
import json
import math
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

from kg_assets.inference.gazetteer import words

_TRIES = 5
_FIRST_WAIT_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 60.0
_TIMEOUT_SECONDS = 60.0
_TEXTS_A_REQUEST = 64
_ENDS_OF_A_FILE = 1 << 20
"""Bytes from the beginning and the end of a model's file by which it is told from another."""

_PASSING = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
"""Statuses after which the same request may succeed."""


class EmbeddingError(Exception):
    """Texts could not be embedded, or the configured embedding does not exist."""


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


class SentenceTransformer:
    """A model of the package sentence-transformers, which has to be installed beside this one.

    Args:
        model: Name or folder of the model, as the package takes it.
    """

    def __init__(self, model: str) -> None:
        self._model = model

    @cached_property
    def name(self) -> str:
        """Name of the model; of one in a folder, the folder's own name and what tells its content.

        A folder may be moved without every text being embedded again, and may not hold another
        model under the name of one that an index was made with.
        """
        folder = Path(self._model)
        if not folder.is_dir():
            return f"sentence-transformers:{self._model}"
        content = hashlib.sha256()
        for file in sorted(each for each in folder.rglob("*") if each.is_file()):
            size = file.stat().st_size
            content.update(f"{file.relative_to(folder).as_posix()} {size}\n".encode())
            with file.open("rb") as opened:
                content.update(opened.read(_ENDS_OF_A_FILE))
                # Other weights differ throughout; gigabytes read for each run would tell no more.
                opened.seek(max(0, size - _ENDS_OF_A_FILE))
                content.update(opened.read())
        return f"sentence-transformers:{folder.resolve().name}-{content.hexdigest()[:12]}"

    @cached_property
    def _loaded(self) -> Any:
        try:
            from sentence_transformers import (  # type: ignore[import-not-found]
                SentenceTransformer as Loaded,
            )
        except ImportError as error:
            raise EmbeddingError(
                f"KG_EMBEDDING asks for sentence-transformers, which cannot be imported ({error}): "
                "pip install sentence-transformers into the environment of kg, or leave "
                "KG_EMBEDDING at its default"
            ) from error
        try:
            return Loaded(self._model)
        except (OSError, ValueError, KeyError) as error:
            raise EmbeddingError(
                f"the model {self._model} of KG_EMBEDDING cannot be loaded: name a folder that "
                "holds one, or a model that the package can fetch "
                f"({str(error).strip().splitlines()[0]})"
            ) from error

    @cached_property
    def dimensions(self) -> int:
        """Length of the vectors."""
        return len(self.embed(["dimensions"])[0])

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return a vector of unit length for each text."""
        if not texts:
            return []
        return [
            [float(value) for value in row]
            for row in self._loaded.encode(
                list(texts), normalize_embeddings=True, show_progress_bar=False
            )
        ]


class HttpEmbeddings:
    """An API that answers POST /embeddings as OpenAI's does.

    Args:
        model: Name of the model.
        base_url: Address up to and with the version, such as ``http://127.0.0.1:8080/v1``.
        key: Sent as a bearer token; never stored, never part of a name or message.
    """

    def __init__(self, model: str, base_url: str, key: str | None = None) -> None:
        self._model = model
        self._base_url = base_url.rstrip("/")
        self._key = key

    @property
    def name(self) -> str:
        """Name with all parameters; the address is none, as services move."""
        return f"openai:{self._model}"

    @cached_property
    def dimensions(self) -> int:
        """Length of the vectors."""
        return len(self.embed(["dimensions"])[0])

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return a vector of unit length for each text.

        Raises:
            EmbeddingError: The API refuses, or does not answer after several tries.
        """
        found: list[list[float]] = []
        for first in range(0, len(texts), _TEXTS_A_REQUEST):
            found += self._batch(list(texts[first : first + _TEXTS_A_REQUEST]))
        return found

    def _batch(self, texts: list[str]) -> list[list[float]]:
        answer = self._post({"model": self._model, "input": texts, "encoding_format": "float"})
        try:
            rows = sorted(answer["data"], key=lambda row: row["index"])
            vectors = [[float(value) for value in row["embedding"]] for row in rows]
        except (KeyError, TypeError, ValueError) as error:
            raise EmbeddingError(f"{self._where} gave no embeddings: {error!r}") from error
        if len(vectors) != len(texts) or len({len(vector) for vector in vectors}) > 1:
            raise EmbeddingError(
                f"{self._where} gave {len(vectors)} embeddings for {len(texts)} texts, or of "
                "different lengths"
            )
        return [_unit(vector) for vector in vectors]

    @property
    def _where(self) -> str:
        return f"{self._base_url}/embeddings ({self._model})"

    def _post(self, body: dict[str, object]) -> Any:
        headers = {"Content-Type": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        request = urllib.request.Request(  # the scheme was checked
            f"{self._base_url}/embeddings", json.dumps(body).encode(), headers, method="POST"
        )
        wait = _FIRST_WAIT_SECONDS
        for left in range(_TRIES - 1, -1, -1):
            try:
                with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                asked = error.headers.get("Retry-After", "")
                error.close()
                if error.code not in _PASSING or not left:
                    raise EmbeddingError(
                        f"{self._where} answered {error.code} {error.reason}: check KG_EMBEDDING "
                        "and KG_EMBEDDING_KEY"
                    ) from None
                wait = float(asked) if asked.isdigit() else wait
            except (OSError, ValueError) as error:
                if not left:
                    raise EmbeddingError(f"{self._where} cannot be asked: {error}") from error
            time.sleep(min(wait, _LONGEST_WAIT_SECONDS))
            wait *= 2
        raise AssertionError("the last try returns or raises")


def _unit(vector: list[float]) -> list[float]:
    length = math.sqrt(math.fsum(value * value for value in vector))
    return [value / length for value in vector] if length else vector


DEFAULT_EMBEDDING = HashedWords()
"""The embedding that is used unless another is chosen."""


def configured_embedding(choice: str, key: str | None = None) -> Embedding:
    """Make the embedding that a line of configuration names.

    Args:
        choice: ``hashed-words``, ``hashed-words:DIMENSIONS``, ``sentence-transformers:MODEL`` or
            ``openai:MODEL@BASE_URL``.
        key: What the API asks for, if it asks.

    Raises:
        EmbeddingError: There is no such embedding.
    """
    kind, _, rest = choice.partition(":")
    if kind == "hashed-words":
        if not rest:
            return DEFAULT_EMBEDDING
        if rest.isdigit() and 16 <= int(rest) <= 8_192:
            return HashedWords(int(rest))
    if kind == "sentence-transformers" and rest:
        return SentenceTransformer(rest)
    if kind == "openai":
        model, _, address = rest.rpartition("@")
        if model and address.startswith(("http://", "https://")):
            return HttpEmbeddings(model, address, key)
    raise EmbeddingError(
        f"KG_EMBEDDING {choice!r} is no embedding: write hashed-words, hashed-words:1024 (16 to "
        "8192), sentence-transformers:MODEL or openai:MODEL@https://HOST/v1"
    )
