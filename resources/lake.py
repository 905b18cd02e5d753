"""The lake: immutable Parquet files, written by steps and committed together to the catalog.

A step reads tables, writes files and commits them in one transaction. A step that is killed
leaves files that nothing points to; `Lake.collect` removes them.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resources.catalog import Catalog
from resources.collection import ORPHAN_SECONDS, collect
from resources.context import context_of
from resources.duck import session
from resources.entries import Context, File, Head, digest
from resources.errors import CorruptFileError, LakeError, MissingPartitionsError
from resources.layers import merged, opened
from resources.step import Step
from resources.storage import WrongChecksumError, open_storage
from resources.table import WHOLE

if TYPE_CHECKING:
    import duckdb

    from resources.settings import Settings
    from resources.table import Table

__all__ = [
    "CorruptFileError",
    "Lake",
    "LakeError",
    "MissingPartitionsError",
    "Step",
    "digest",
]

_MOST_LAYERS = 64
"""Layers that a step looks back over for what has changed since it ran."""


class Lake:
    """Tables of one namespace.

    Args:
        settings: Where lake and catalog lie, and which namespace this is.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.catalog = Catalog(settings.catalog_url)
        self.storage = open_storage(settings)
        self.namespace = settings.namespace
        self.catalog.ensure_namespace(self.namespace)

    @property
    def root(self) -> Path:
        """Folder of the lake's files.

        Raises:
            LakeError: They lie in an object store.
        """
        return self.storage.root

    @cached_property
    def context(self) -> Context:
        """With which code and configuration this process makes things."""
        return context_of(self.settings)

    @contextmanager
    def step(
        self,
        name: str,
        *,
        partition: str | None = None,
        code_version: str = "0",
        run_id: str | None = None,
        expected: Mapping[str, Sequence[str]] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Iterator[Step]:
        """Run a step: what it wrote is committed when the block ends without an error.

        Args:
            name: Name of the step, for the catalog's history.
            partition: The partition that is made, None where there is only one.
            code_version: Version of the step's code, part of what makes its outputs stale.
            run_id: The Dagster run that this is part of.
            expected: For tables with a fixed set of partitions, that set; reading all of such
                a table while a partition is missing is an error rather than a partial answer.
            options: What was asked of this run, for example ``{"retrain": True}``; its `threads`
                and `memory_limit` outrank those of the settings.

        Yields:
            The step.
        """
        scratch = self.settings.scratch / f"{os.getpid()}-{secrets.token_hex(6)}"
        scratch.mkdir(parents=True)
        asked = options or {}
        connection = session(
            threads=asked.get("threads") or self.settings.threads,
            memory_limit=asked.get("memory_limit") or self.settings.memory_limit,
            scratch=scratch,
        )
        step = Step(
            self,
            name,
            partition,
            code_version,
            run_id,
            expected or {},
            asked,
            connection,
            scratch,
        )
        try:
            yield step
            step._commit()
        except BaseException:
            step._abandon()
            raise
        finally:
            connection.close()
            shutil.rmtree(scratch, ignore_errors=True)

    def relation(
        self,
        connection: duckdb.DuckDBPyConnection,
        table: Table,
        partition: str | None = None,
    ) -> duckdb.DuckDBPyRelation:
        """Rows of a table (all partitions, or one); none where nothing was built."""
        return self.open(connection, table, self.heads(table, partition).values())

    def heads(self, table: Table, partition: str | None = None) -> dict[str, Head]:
        """Current files of a table by partition, of all or of one."""
        return self.catalog.heads(self.namespace, table.name, partition)

    def open(
        self,
        connection: duckdb.DuckDBPyConnection,
        table: Table,
        heads: Iterable[Head],
        where: str | None = None,
    ) -> duckdb.DuckDBPyRelation:
        """Rows of the given versions, each file known to be what was committed.

        Args:
            connection: The connection of the relation.
            table: The table.
            heads: Its versions.
            where: Condition that the rows fulfil, see `resources.layers.merged`.

        Raises:
            CorruptFileError: A file is missing or its bytes have changed.
        """
        filled = [head for head in heads if head.file.rows]
        chains = [self.verified(head) for head in filled]
        whole = sorted(str(chain[0]) for chain in chains if len(chain) == 1)
        alike = len({head.code_version for head in filled}) <= 1
        parts = [opened(connection, table, whole, alike=alike)] if whole else []
        if where is not None:
            parts = [part.filter(where) for part in parts]
        parts += [merged(connection, table, chain, where) for chain in chains if len(chain) > 1]
        if not parts:
            return connection.from_arrow(table.schema.empty_table())
        found = parts[0]
        for part in parts[1:]:
            found = found.union(part)
        return found

    def verified(self, head: Head) -> list[Path]:
        """Paths of a version's files, the whole one first, whose bytes are as committed.

        Raises:
            CorruptFileError: They are not, or a file is gone.
        """
        return [self.verified_file(file, head.table, head.partition) for file in head.files]

    def verified_file(self, file: File, table: str, partition: str) -> Path:
        """Path of a file whose bytes are those that were committed.

        Args:
            file: The file.
            table: The table that it belongs to, for the message.
            partition: Its partition.

        Raises:
            CorruptFileError: They are not, or the file is gone.
        """
        label = table if partition == WHOLE else f"{table}@{partition}"
        advice = (
            f"{file.path} (table {table}, partition {partition}) "
            f"{{}}; restore the file, or make it again: kg build --only '{label}'"
        )
        try:
            return self.storage.verified(file)
        except FileNotFoundError:
            raise CorruptFileError(advice.format("is missing"), table, partition) from None
        except WrongChecksumError:
            wrong = advice.format("does not have the checksum of the catalog")
            raise CorruptFileError(wrong, table, partition) from None

    def layers_since(
        self, heads: Sequence[Head], then: Mapping[str, Callable[[str], bool]]
    ) -> tuple[list[list[Path]], int] | None:
        """The layers that lead from an earlier content of a table to the current one.

        Of several such contents the newest counts.

        Args:
            heads: Current versions of its partitions.
            then: Tells, for each partition, the content before by its digest.

        Returns:
            Verified files of layers by partition, the oldest first, and how many rows they hold;
            None where layers do not lead there, or hold more than `Settings.layer_share` of the
            rows, so that making everything again is quicker.

        Raises:
            CorruptFileError: A layer is missing or its bytes have changed.
        """
        found: list[list[Path]] = []
        count = 0
        for head in heads:
            layers = self.catalog.layers(head.file, then[head.partition], most=_MOST_LAYERS)
            if layers is None:
                return None
            count += sum(layer.changed for layer in layers)
            found.append(
                [self.verified_file(layer, head.table, head.partition) for layer in layers]
            )
        if count > self.settings.layer_share * max(1, sum(head.file.rows for head in heads)):
            return None
        return found, count

    def collect(self, *, older_than_seconds: float = ORPHAN_SECONDS) -> list[str]:
        """Remove versions that nobody needs any more, and what killed steps left behind.

        Args:
            older_than_seconds: Younger files stay, since a step that is running may be about to
                commit them, and versions that were current so recently, since a reader may have
                them.

        Returns:
            Files that were removed, relative to the lake.
        """
        return collect(self, older_than_seconds)

    def current_digest(self, table: str, partition: str) -> str | None:
        """Digest of a table (``*``) or of one partition, None where there is nothing."""
        one = None if partition == "*" else partition
        return digest(self.catalog.heads(self.namespace, table, one), partition)
