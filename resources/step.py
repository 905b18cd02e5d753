"""A step over the lake: what it reads is recorded, what it writes is committed together."""

from __future__ import annotations

import json
import logging
import secrets
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resources.derived import derived
from resources.entries import File, Head, Input, Output, digest, layer_digest
from resources.errors import CorruptFileError, refuse_production
from resources.files import relative_path, write_file
from resources.layers import difference, laid_over, layer_table, merged
from resources.reads import Reads
from resources.table import WHOLE

if TYPE_CHECKING:
    import duckdb

    from resources.files import Data
    from resources.lake import Lake
    from resources.table import Table

_log = logging.getLogger(__name__)


class Step(Reads):
    """One step's view of the lake: what it reads is recorded, what it writes is committed.

    Attributes:
        con: The step's own DuckDB connection.
        partition: The partition that is made, or None.
        options: What was asked of this run.
        scratch: A folder that is removed after the step.
        figures: What `report` collected.
        outputs: What was written, by table name and partition.
        checks: What checks found, for the catalog: table, check, passed, blocking and figures.
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
        super().__init__(lake, name, partition, code_version, expected, connection)
        self.options = options
        self.scratch = scratch
        self.figures: dict[str, Any] = {}
        self.outputs: dict[tuple[str, str], Output] = {}
        self.checks: list[dict[str, Any]] = []
        self._started = time.perf_counter()
        self._run_id = run_id
        self._written: list[str] = []

    def external(self, name: str, fingerprint: str) -> None:
        """Record something outside the lake that was read, such as a folder of deliveries."""
        self._inputs[name, "-"] = Input(name, "-", fingerprint)

    def _output(self, table: Table) -> Output:
        return self.outputs[table.name, self.partition or WHOLE]

    def report(self, **figures: Any) -> None:
        """Add figures that are shown beside the step's outputs."""
        _log.debug("reports %s", figures)
        self.figures |= figures

    def derived(self, table: Table, name: str, make: Callable[[Path], None]) -> Path:
        """Files that follow from a table's content, made once on each machine; see `derived`.

        Args:
            table: The table, as this step reads it.
            name: Says what the files are, and in which format.
            make: Makes them in an empty folder.
        """
        settings = self.lake.settings
        content = digest(self._current(table), "*")
        made = f"{table.name}\n{content}\n{name}"
        return derived(settings.cache, made, make, settings.cache_bytes)

    def write(self, table: Table, data: Data, partition: str | None = None) -> int:
        """Write a table's partition to a new file, to be committed when the step ends.

        Args:
            table: Contract of the table; the data are cast to its schema.
            data: A DuckDB relation (which is sorted by the table's key), or Arrow batches that
                are already in order.
            partition: The partition, where a step commits several of them together; else the
                step's own.

        Returns:
            Number of rows.

        Raises:
            SchemaMismatchError: The data do not fit the schema, or a required value is missing.
        """
        place = partition or self.partition or WHOLE
        file = self._write_file(table, table, data, place)
        self.outputs[table.name, place] = self._as_it_was(table, file, place)
        return file.rows

    def note(self, table: Table, facets: Collection[str], partition: str | None = None) -> None:
        """Note in the catalog what the partition of a table holds that this step has written.

        Args:
            table: The table.
            facets: Names, by which `Reads.holding` finds the partition.
            partition: As for `write`.
        """
        place = (table.name, partition or self.partition or WHOLE)
        self.outputs[place] = replace(self.outputs[place], facets=frozenset(facets))

    def patch(
        self, table: Table, old: duckdb.DuckDBPyRelation, new: duckdb.DuckDBPyRelation
    ) -> int:
        """Change some rows of a table's partition and keep the others.

        What differs is written as a layer. Where the layers are more than `Settings.layers`, or
        hold more than the share of `Settings.layer_share`, they are compacted into a whole file.

        Args:
            table: Contract of the table.
            old: All rows of the current version that may change.
            new: The rows that shall be there in their place.

        Returns:
            How many rows differ; where none does, the version stays.

        Raises:
            ValueError: There is no version that could be changed.
        """
        head = self._own(table)
        if head is None:
            raise ValueError(f"{self.name}: {table.name} has no version to change; write it whole")
        return self._lay(table, head, old, new)

    def update(self, table: Table, rows: duckdb.DuckDBPyRelation) -> int:
        """Write a table's partition, as a layer where little of it differs from before.

        What is made again in one piece still tells the steps that read it what changed.

        Args:
            table: Contract of the table.
            rows: All of its rows.

        Returns:
            Number of rows that differ, all of them where there was no version before.
        """
        head = self._own(table)
        if head is None or head.code_version != self._code_version:
            return self.write(table, rows)
        try:
            before = self.lake.open(self.con, table, [head])
        except CorruptFileError:
            return self.write(table, rows)
        return self._lay(table, head, before, rows)

    def _lay(
        self,
        table: Table,
        head: Head,
        old: duckdb.DuckDBPyRelation,
        new: duckdb.DuckDBPyRelation,
    ) -> int:
        layer, changed, growth = difference(self.con, table, old, new)
        if not changed:
            self.keep(table)
            return 0
        settings = self.lake.settings
        whole = max(1, head.files[0].rows)
        if changed > settings.layer_share * whole:
            below = self.lake.open(self.con, table, [head])
            self.write(table, laid_over(table, below, layer))
            return changed
        place = self.partition or WHOLE
        file = self._write_file(table, layer_table(table), layer, place)
        file = replace(
            file,
            digest=layer_digest(head.file.digest, file.sha256),
            rows=head.file.rows + growth,
            base=head.file.version,
            changed=changed,
        )
        through = sum(each.changed for each in head.files) + changed
        output = Output(table.name, place, file, below=head.files)
        if len(head.files) > settings.layers or through > settings.layer_share * whole:
            chain = [*self.lake.verified(head), self._local(file)]
            rows = merged(self.con, table, chain)
            compacted = self._write_file(table, table, rows, place)
            compacted = replace(compacted, digest=file.digest)
            output = Output(table.name, place, compacted, layer=file)
        self.outputs[table.name, place] = output
        return changed

    def keep(self, table: Table, partition: str | None = None) -> None:
        """Let the current version of a table's partition stand as this step's output.

        Args:
            table: The table.
            partition: As for `write`.

        Raises:
            ValueError: There is none.
        """
        refuse_production(self.lake.namespace)
        head = self._own(table, partition)
        if head is None:
            raise ValueError(f"{self.name}: {table.name} has no version to keep; write it whole")
        self.outputs[table.name, head.partition] = Output(
            table.name, head.partition, head.file, below=head.below
        )

    def _write_file(self, table: Table, contract: Table, data: Data, partition: str) -> File:
        refuse_production(self.lake.namespace)
        version = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}"
        relative = relative_path(table.name, partition, version)
        target = self.lake.storage.staged(relative)
        self._written.append(relative)
        rows, sha256 = write_file(target, contract, data, scratch=self.scratch)
        columns = json.dumps({field.name: str(field.type) for field in table.schema})
        size = target.stat().st_size
        _log.debug("writes %s: %d rows, %d bytes", contract.name, rows, size)
        return File(version, relative, sha256, rows, size, columns, digest=sha256)

    def _as_it_was(self, table: Table, file: File, partition: str) -> Output:
        """The output of a whole file, with the digest of what is current where that is equal.

        Layers have a digest of their own, so equal bytes are not enough to tell.
        """
        output = Output(table.name, partition, file)
        head = self._own(table, partition)
        if head is None or head.file.digest == head.file.sha256 or head.file.rows != file.rows:
            return output
        if head.file.sha256 == file.sha256:
            return replace(output, file=replace(file, digest=head.file.digest))
        if not head.below:
            return output
        try:
            before = self.lake.open(self.con, table, [head])
        except CorruptFileError:
            return output
        now = self.con.read_parquet([str(self._local(file))])
        if before.except_(now).limit(1).fetchall():
            return output
        return replace(output, file=replace(file, digest=head.file.digest))

    def staged(self, table: Table, where: str | None = None) -> duckdb.DuckDBPyRelation:
        """Rows that this step has written, or lets stand, and not yet committed.

        Args:
            table: The table.
            where: Condition that the rows fulfil, as in `read`.
        """
        chain = [self._local(file) for file in self._output(table).files]
        return merged(self.con, table, chain, where)

    def rows(self, table: Table) -> int:
        """How many rows a table has that this step has written, or lets stand."""
        return self._output(table).file.rows

    def staged_digest(self, table: Table) -> str:
        """Digest of a table that this step has written, or lets stand."""
        return self._output(table).file.digest

    def staged_path(self, table: Table) -> Path:
        """The file that this step has written for a table, or lets stand."""
        return self._local(self._output(table).file)

    def staged_change(self, table: Table) -> duckdb.DuckDBPyRelation | None:
        """Rows of a table that this step has changed, None where it was written whole.

        Returns:
            The columns of the table, and whether the row of the key was removed.
        """
        output = self._output(table)
        layer = output.layer or (output.file if output.file.base else None)
        own = self._own(table)
        if own is not None and output.file.version == own.file.version:
            return self.con.from_arrow(layer_table(table).schema.empty_table())
        if layer is None:
            return None
        return self.con.read_parquet([str(self._local(layer))])

    def _local(self, file: File) -> Path:
        """Path of a file that this step has written or lets stand."""
        if file.path in self._written:
            return self.lake.storage.staged(file.path)
        return self.lake.storage.verified(file)

    def _commit(self) -> None:
        outputs = [self._checked(output) for output in self.outputs.values()]
        for output in outputs:
            for file in (output.file, output.layer):
                if file is not None and file.path in self._written:
                    self.lake.storage.keep(file)
        seconds = round(time.perf_counter() - self._started, 3)
        unneeded = set(
            self.lake.catalog.commit(
                namespace=self.lake.namespace,
                step=self.name,
                run_id=self._run_id,
                code_version=self._code_version,
                inputs=list(self._inputs.values()),
                outputs=outputs,
                context=self.lake.context if outputs else None,
                details={"seconds": seconds, "checks": self.checks},
            )
        )
        # Of a table that was written twice, or whose content was there, a file is not needed.
        used = {
            file.path
            for output in outputs
            if output.file.version not in unneeded
            for file in (output.file, output.layer)
            if file is not None
        }
        self.lake.storage.drop(name for name in self._written if name not in used)

    def _checked(self, output: Output) -> Output:
        place = (output.table, output.partition)
        head = self.lake.catalog.heads(self.lake.namespace, *place).get(output.partition)
        if head is None or head.file.digest != output.file.digest:
            return output
        if head.file.version == output.file.version:
            return output
        try:
            self.lake.verified(head)
        except CorruptFileError:
            return replace(output, replaces=True)
        return output

    def _abandon(self) -> None:
        self.lake.storage.drop(self._written)
