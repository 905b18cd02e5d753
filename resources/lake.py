"""The lake: immutable Parquet files, written by steps and committed together to the catalog.

A step reads tables, writes files and commits them in one transaction. A step that is killed
leaves files that nothing points to; `Lake.collect` removes them.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resources.catalog import Catalog, File, Head, Input, Output, digest_of
from resources.duck import session
from resources.files import relative_path, write_file

if TYPE_CHECKING:
    import duckdb

    from resources.files import Data
    from resources.settings import Settings
    from resources.table import Table


WHOLE = "all"
"""The partition of a table that has only one."""

_ORPHAN_SECONDS = 24 * 3600.0


class LakeError(Exception):
    """Something in the lake is not as it must be; the message says what to do."""


class CorruptFileError(LakeError):
    """A file's bytes are not those that were committed."""


class MissingPartitionsError(LakeError):
    """A step needs all partitions of a table and some were never built."""


class Lake:
    """Tables of one namespace.

    Args:
        settings: Where lake and catalog lie, and which namespace this is.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.catalog = Catalog(settings.catalog_url)
        self.root = settings.lake_path
        self.namespace = settings.namespace
        self.catalog.ensure_namespace(self.namespace)
        self._verified: set[str] = set()

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
            options: What was asked of this run, for example ``{"retrain": True}``.

        Yields:
            The step.
        """
        scratch = self.settings.scratch / f"{os.getpid()}-{secrets.token_hex(6)}"
        scratch.mkdir(parents=True)
        connection = session(
            threads=self.settings.threads,
            memory_limit=self.settings.memory_limit,
            scratch=scratch,
        )
        step = Step(
            self,
            name,
            partition,
            code_version,
            run_id,
            expected or {},
            options or {},
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
        """Current files of a table by partition."""
        heads = self.catalog.heads(self.namespace, table.name)
        return heads if partition is None else {k: v for k, v in heads.items() if k == partition}

    def open(
        self, connection: duckdb.DuckDBPyConnection, table: Table, heads: Iterable[Head]
    ) -> duckdb.DuckDBPyRelation:
        """Rows of the given files, each verified against its checksum once in a process.

        Raises:
            CorruptFileError: A file is missing or its bytes have changed.
        """
        paths = [self.verified(head) for head in heads if head.file.rows]
        if not paths:
            return connection.from_arrow(table.schema.empty_table())
        return connection.read_parquet([str(path) for path in sorted(paths)])

    def verified(self, head: Head) -> Path:
        """Path of a file whose bytes are those that were committed.

        Raises:
            CorruptFileError: They are not, or the file is gone.
        """
        path = self.root / head.file.path
        if head.file.version in self._verified:
            return path
        label = head.table if head.partition == WHOLE else f"{head.table}@{head.partition}"
        advice = (
            f"{head.file.path} (table {head.table}, partition {head.partition}) "
            f"{{}}; restore the file, or make it again: kg build --only '{label}'"
        )
        try:
            with path.open("rb") as stream:
                found = hashlib.file_digest(stream, "sha256").hexdigest()
        except FileNotFoundError:
            raise CorruptFileError(advice.format("is missing")) from None
        if found != head.file.sha256:
            raise CorruptFileError(advice.format("does not have the checksum of the catalog"))
        self._verified.add(head.file.version)
        return path

    def collect(self, *, older_than_seconds: float = _ORPHAN_SECONDS) -> list[str]:
        """Remove files and scratch folders that nothing points to.

        Args:
            older_than_seconds: Younger ones stay: a step that is running may be about to commit.

        Returns:
            What was removed, relative to the lake.
        """
        horizon = time.time() - older_than_seconds
        known = self.catalog.paths()
        removed = []
        for path in sorted(self.root.rglob("*.parquet*")):
            relative = path.relative_to(self.root).as_posix()
            if relative not in known and path.stat().st_mtime < horizon:
                path.unlink()
                removed.append(relative)
        if self.settings.scratch.is_dir():
            for folder in self.settings.scratch.iterdir():
                if folder.stat().st_mtime < horizon:
                    shutil.rmtree(folder, ignore_errors=True)
        return removed

    def current_digest(self, table: str, partition: str) -> str | None:
        """Digest of a table (``*``) or of one partition, None where there is nothing."""
        return digest(self.catalog.heads(self.namespace, table), partition)


def digest(heads: Mapping[str, Head], partition: str) -> str | None:
    """Digest of what is current, as a step that reads it would record it."""
    if partition == "*":
        return digest_of({key: head.file.sha256 for key, head in heads.items()})
    head = heads.get(partition)
    return head.file.sha256 if head else None


class Step:
    """One step's view of the lake: what it reads is recorded, what it writes is committed.

    Attributes:
        con: The step's own DuckDB connection.
        partition: The partition that is made, or None.
        options: What was asked of this run.
        scratch: A folder that is removed after the step.
        figures: What `report` collected.
        outputs: What was written, by table name.
    """

    def __init__(
        self,
        lake: Lake,
        name: str,
        partition: str | None,
        code_version: str,
        run_id: str | None,
        expected: Mapping[str, Sequence[str]],
        options: Mapping[str, Any],
        connection: duckdb.DuckDBPyConnection,
        scratch: Path,
    ) -> None:
        self.lake = lake
        self.name = name
        self.partition = partition
        self.options = options
        self.con = connection
        self.scratch = scratch
        self.figures: dict[str, Any] = {}
        self.outputs: dict[str, Output] = {}
        self._code_version = code_version
        self._run_id = run_id
        self._expected = expected
        self._inputs: dict[tuple[str, str], Input] = {}

    def read(
        self, table: Table, partition: str | None = None, *, tracked: bool = True
    ) -> duckdb.DuckDBPyRelation:
        """Rows of a table, all partitions or one; empty where nothing was built.

        Args:
            table: The table.
            partition: One partition, or None for all.
            tracked: Whether a change of it makes this step's outputs stale.

        Raises:
            MissingPartitionsError: All of a sharded table is read and a shard is missing.
            CorruptFileError: A file's bytes are not those that were committed.
        """
        heads = self._heads(table, partition, tracked)
        return self.lake.open(self.con, table, heads)

    def view(self, name: str, table: Table, partition: str | None = None) -> None:
        """Make `read` available as a view of the step's connection."""
        heads = [head for head in self._heads(table, partition, True) if head.file.rows]
        if heads:
            self.lake.open(self.con, table, heads).create_view(name, replace=True)
        else:
            # A view over an Arrow table would outlive the relation that holds the table.
            self.con.register(name, table.schema.empty_table())

    def _heads(self, table: Table, partition: str | None, tracked: bool) -> list[Head]:
        heads = self.lake.heads(table)
        expected = self._expected.get(table.name)
        if partition is not None:
            heads = {key: head for key, head in heads.items() if key == partition}
        elif expected is not None:
            missing = sorted(set(expected) - set(heads))
            if missing:
                raise MissingPartitionsError(
                    f"{self.name} needs all {len(expected)} partitions of {table.name}, and "
                    f"{len(missing)} are not built ({', '.join(missing[:8])}): "
                    "materialise them first"
                )
            heads = {key: heads[key] for key in expected}
        if tracked:
            place = partition or "*"
            # What was missing is recorded too: when it appears, this step is stale.
            self._inputs[table.name, place] = Input(table.name, place, digest(heads, place) or "")
        return list(heads.values())

    def previous(self, table: Table) -> duckdb.DuckDBPyRelation:
        """This step's own last version of a table; not an input."""
        return self.read(table, self.partition or WHOLE, tracked=False)

    def external(self, name: str, fingerprint: str) -> None:
        """Record something outside the lake that was read, such as a folder of deliveries."""
        self._inputs[name, "-"] = Input(name, "-", fingerprint)

    def report(self, **figures: Any) -> None:
        """Add figures that are shown beside the step's outputs."""
        self.figures |= figures

    def write(self, table: Table, data: Data) -> int:
        """Write a table's partition to a new file, to be committed when the step ends.

        Args:
            table: Contract of the table; the data are cast to its schema.
            data: A DuckDB relation (which is sorted by the table's key), or Arrow batches that
                are already in order.

        Returns:
            Number of rows.

        Raises:
            SchemaMismatchError: The data do not fit the schema, or a required value is missing.
        """
        version = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}"
        partition = self.partition or WHOLE
        relative = relative_path(table.name, partition, version)
        target = self.lake.root / relative
        rows, sha256 = write_file(target, table, data)
        file = File(
            version=version,
            path=relative,
            sha256=sha256,
            rows=rows,
            bytes=target.stat().st_size,
            columns=json.dumps({field.name: str(field.type) for field in table.schema}),
        )
        self.outputs[table.name] = Output(table.name, partition, file)
        return rows

    def staged(self, table: Table) -> duckdb.DuckDBPyRelation:
        """Rows that this step has written and not yet committed."""
        return self.con.read_parquet([str(self.staged_path(table))])

    def staged_path(self, table: Table) -> Path:
        """The file that this step has written for a table and not yet committed."""
        return self.lake.root / self.outputs[table.name].file.path

    def _commit(self) -> None:
        unneeded = set(
            self.lake.catalog.commit(
                namespace=self.lake.namespace,
                step=self.name,
                run_id=self._run_id,
                code_version=self._code_version,
                inputs=list(self._inputs.values()),
                outputs=[self._checked(output) for output in self.outputs.values()],
            )
        )
        for output in self.outputs.values():
            if output.file.version in unneeded:
                (self.lake.root / output.file.path).unlink()

    def _checked(self, output: Output) -> Output:
        head = self.lake.catalog.heads(self.lake.namespace, output.table).get(output.partition)
        if head is None or head.file.sha256 != output.file.sha256:
            return output
        try:
            self.lake.verified(head)
        except CorruptFileError:
            return replace(output, replaces=True)
        return output

    def _abandon(self) -> None:
        for output in self.outputs.values():
            (self.lake.root / output.file.path).unlink(missing_ok=True)
