"""What the catalog knows: files and the layers over them, what was read, what is current."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from resources.facets import facets_at, holding


@dataclass(frozen=True, order=True)
class Input:
    """Something that a step read: a table (one partition, or all for None) or an outside thing.

    Attributes:
        table: Name of the table, or of the outside thing, which then starts with ``landing:``.
        partition: The partition that was read, ``*`` for all of them, or of which partitions it
            was asked what they hold (`resources.facets.place_of`).
        digest: Hash of the content that was read, or of the names of these partitions.
    """

    table: str
    partition: str
    digest: str


@dataclass(frozen=True)
class File:
    """One immutable file of the lake, as the catalog knows it.

    Attributes:
        version: Name of the version that ends with this file.
        path: Where it lies, relative to the lake.
        sha256: Hash of its bytes.
        rows: Rows of the version: for a layer, those of the content with the layer applied.
        bytes: Size of the file.
        columns: JSON object of column to Arrow type.
        digest: Hash of the version's content. That of a whole file is the hash of its bytes, that
            of a layer comes from the digest below and the hash of its bytes. A file that compacts
            layers has the digest of the content that it repeats.
        base: Version over which this layer lies; None for a file that holds a version whole.
        changed: Rows in a layer, removed keys included; 0 for a whole file.
    """

    version: str
    path: str
    sha256: str
    rows: int
    bytes: int
    columns: str
    digest: str
    base: str | None = None
    changed: int = 0


@dataclass(frozen=True)
class Head:
    """The current version of a partition, and from what it was made.

    Attributes:
        file: The file that the version ends with.
        below: The files that a layer lies over, the whole one first; empty for a whole file.
        facets: What was noted of what it holds (`resources.facets`); None where nothing was.
    """

    table: str
    partition: str
    file: File
    code_version: str
    inputs: tuple[Input, ...]
    commit_id: int
    step: str
    run_id: str | None
    time: str
    below: tuple[File, ...] = ()
    facets: frozenset[str] | None = None

    @property
    def files(self) -> tuple[File, ...]:
        """All files of the version, the whole one first."""
        return (*self.below, self.file)


@dataclass(frozen=True)
class Context:
    """With which code and configuration something was made.

    Attributes:
        code: Revision of git, with ``-dirty`` where files differ from it; else the package's
            version.
        ontology: Content hash of the ontology.
        settings: JSON object of what was configured, without secrets.
    """

    code: str
    ontology: str
    settings: str

    @cached_property
    def id(self) -> str:
        """Hash of all of it."""
        text = "\n".join((self.code, self.ontology, self.settings))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Made:
    """A commit: when, by which step and run, with which code and configuration.

    Attributes:
        commit_id: Its number.
        namespace: Where it was made.
        step: The step.
        run_id: The Dagster run, if there was one.
        time: When (UTC).
        context: With which code and configuration; None where an earlier version of the program
            made it.
        details: What else was recorded: ``seconds``, and ``checks`` with what each found.
        removed: When the files were removed as too old, None where they are there.
    """

    commit_id: int
    namespace: str
    step: str
    run_id: str | None
    time: str
    context: Context | None
    details: Mapping[str, Any]
    removed: str | None

    @classmethod
    def of(cls, row: Any) -> Made:
        """What a row of the catalog says."""
        context = None
        if row.code is not None:
            context = Context(row.code, row.ontology, row.settings)
        return cls(
            commit_id=row.id,
            namespace=row.namespace,
            step=row.step,
            run_id=row.run_id,
            time=row.time,
            context=context,
            details=json.loads(row.details or "{}"),
            removed=row.removed,
        )


@dataclass(frozen=True)
class Output:
    """A version that is about to be committed for a partition of a table.

    Attributes:
        table: Name of the table.
        partition: Its partition.
        file: The file that the version ends with.
        replaces: Whether it is taken although its content is current already, because the
            files that hold that content are damaged.
        below: The files that a layer lies over, the whole one first.
        layer: The change that a compacting file holds beside all that was before, kept so that
            readers of the version before can still learn what changed.
        facets: What is noted of what it holds; None where nothing is.
    """

    table: str
    partition: str
    file: File
    replaces: bool = False
    below: tuple[File, ...] = ()
    layer: File | None = None
    facets: frozenset[str] | None = None

    @property
    def files(self) -> tuple[File, ...]:
        """All files of the version, the whole one first."""
        return (*self.below, self.file)


def digest_of(contents: Mapping[str, str]) -> str:
    """Hash of a table's content, given the digest of each of its partitions."""
    text = "\n".join(f"{partition}\t{contents[partition]}" for partition in sorted(contents))
    return hashlib.sha256(text.encode()).hexdigest()


def digest(heads: Mapping[str, Head], partition: str) -> str | None:
    """Digest of what is current, as a step that reads it would record it."""
    if partition == "*":
        return digest_of({key: head.file.digest for key, head in heads.items()})
    facets = facets_at(partition)
    if facets is not None:
        # Which partitions they are; what is read of them is recorded by itself.
        return digest_of(dict.fromkeys(holding(heads, facets), ""))
    head = heads.get(partition)
    return head.file.digest if head else None


def layer_digest(base: str, sha256: str) -> str:
    """Digest of a version that lays a layer over another.

    Args:
        base: Digest of the version below.
        sha256: Hash of the layer's bytes.
    """
    return hashlib.sha256(f"{base}\n{sha256}".encode()).hexdigest()
