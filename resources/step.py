"""A step over the lake: what it reads is recorded, what it writes is committed together."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resources.entries import File, Head, Input, Output, digest, layer_digest
from resources.errors import CorruptFileError, MissingPartitionsError
from resources.files import relative_path, write_file
from resources.layers import Changes, difference, laid_over, layer_table, merged

if TYPE_CHECKING:
    import duckdb

    from resources.files import Data
    from resources.lake import Lake
    from resources.table import Table

WHOLE = "all"
"""The partition of a table that has only one."""


class Step:
    """One step's view of the lake: what it reads is recorded, what it writes is committed.

    Attributes:
        con: The step's own DuckDB connection.
        partition: The partition that is made, or None.
        options: What was asked of this run.
        scratch: A folder that is removed after the step.
        figures: What `report` collected.
        outputs: What was written, by table name and partition.
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
        self.outputs: dict[tuple[str, str], Output] = {}
        self._code_version = code_version
        self._run_id = run_id
        self._expected = expected
        self._inputs: dict[tuple[str, str], Input] = {}
        self._written: list[Path] = []
        self._found: dict[str, dict[str, Head]] = {}

    def read(
        self,
        table: Table,
        partition: str | None = None,
        *,
        tracked: bool = True,
        where: str | None = None,
    ) -> duckdb.DuckDBPyRelation:
        """Rows of a table, all partitions or one; empty where nothing was built.

        Args:
            table: The table.
            partition: One partition, or None for all.
            tracked: Whether a change of it makes this step's outputs stale.
            where: Condition that the rows fulfil, in SQL of our own: quick where it names few
                columns and few rows fulfil it, also where layers lie over them.

        Raises:
            MissingPartitionsError: All of a sharded table is read and a shard is missing.
            CorruptFileError: A file's bytes are not those that were committed.
        """
        heads = self._heads(table, partition, tracked)
        return self.lake.open(self.con, table, heads, where)

    def view(
        self, name: str, table: Table, partition: str | None = None, where: str | None = None
    ) -> None:
        """Make `read` available as a view of the step's connection."""
        heads = [head for head in self._heads(table, partition, True) if head.file.rows]
        if heads:
            self.lake.open(self.con, table, heads, where).create_view(name, replace=True)
        else:
            # A view over an Arrow table would outlive the relation that holds the table.
            self.con.register(name, table.schema.empty_table())

    def _heads(self, table: Table, partition: str | None, tracked: bool) -> list[Head]:
        heads = self._current(table)
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

    def previous(self, table: Table, where: str | None = None) -> duckdb.DuckDBPyRelation:
        """This step's own last version of a table; not an input.

        Args:
            table: The table.
            where: Condition that the rows fulfil, as in `read`.
        """
        return self.read(table, self.partition or WHOLE, tracked=False, where=where)

    def changes(self, output: Table, table: Table, partition: str | None = None) -> Changes | None:
        """What changed in an input since this step's current output was made from it.

        Args:
            output: The output; that of the step's own partition counts.
            table: The input; each of its partitions is recorded, for the next call.
            partition: One partition of it, or None for all.

        Returns:
            The changes, all partitions together, or None where they are not known: there is no
            output yet, it was made by other code, from other partitions or from a content that
            layers do not lead from, a file is damaged, or more than the share of
            `Settings.layer_share` changed. Then everything has to be made again.

        Raises:
            MissingPartitionsError: All of a sharded table is read and a shard is missing.
        """
        heads = self._heads(table, partition, True)
        for head in heads:
            place = Input(table.name, head.partition, head.file.digest)
            self._inputs[table.name, head.partition] = place
        then = self._then(output, table)
        if then is None or set(then) != {head.partition for head in heads}:
            return None
        try:
            layers = self.lake.layers_since(heads, then)
        except CorruptFileError:
            return None
        return None if layers is None else Changes(self.con, table, *layers)

    def parts(
        self, output: Table, table: Table, partitions: Iterable[str]
    ) -> tuple[dict[str, str], dict[str, str]] | None:
        """Digests of some partitions of an input: as they were for this step's output, and now.

        Unlike `changes` this is for inputs whose partitions come and go.

        Args:
            output: The output; that of the step's own partition counts.
            table: The input.
            partitions: Those of its partitions that matter now; each is recorded as an input.

        Returns:
            Digests before and now, or None where there is no output by this code.
        """
        heads = self._current(table)
        now = {key: heads[key].file.digest for key in partitions if key in heads}
        for key, found in now.items():
            self._inputs[table.name, key] = Input(table.name, key, found)
        then = self._then(output, table)
        return None if then is None else (then, now)

    def made_from(self, output: Table, table: Table) -> dict[str, str] | None:
        """Digests of an input's partitions as they were for this step's output.

        Args:
            output: The output; that of the step's own partition counts.
            table: The input.

        Returns:
            The digests, or None where there is no output by this code.
        """
        return self._then(output, table)

    def stands(self, table: Table, source: Table) -> bool:
        """Whether a table's only version was made from the current content of another.

        Args:
            table: A table of another step, without partitions.
            source: What that step read, without partitions.
        """
        head = self._current(table).get(WHOLE)
        now = self._current(source).get(WHOLE)
        return (
            head is not None
            and now is not None
            and Input(source.name, WHOLE, now.file.digest) in head.inputs
        )

    def _then(self, output: Table, table: Table) -> dict[str, str] | None:
        """Digests of an input's partitions as they were for an output that can be built upon."""
        own = self._own(output)
        if own is None or own.code_version != self._code_version or not self.intact(output):
            return None
        # A partition that was not there is recorded with an empty digest.
        then = {i.partition: i.digest for i in own.inputs if i.table == table.name and i.digest}
        then.pop("*", None)
        return then

    def intact(self, *outputs: Table) -> bool:
        """Whether this step's own current versions of tables are there and undamaged."""
        try:
            for head in map(self._own, outputs):
                if head is None:
                    return False
                self.lake.verified(head)
        except CorruptFileError:
            return False
        return True

    def _own(self, table: Table, partition: str | None = None) -> Head | None:
        return self._current(table).get(partition or self.partition or WHOLE)

    def _current(self, table: Table) -> dict[str, Head]:
        """What is current, as this step found it when it first looked: one state for all reads."""
        if table.name not in self._found:
            self._found[table.name] = self.lake.heads(table)
        return self._found[table.name]

    def _output(self, table: Table) -> Output:
        return self.outputs[table.name, self.partition or WHOLE]

    def external(self, name: str, fingerprint: str) -> None:
        """Record something outside the lake that was read, such as a folder of deliveries."""
        self._inputs[name, "-"] = Input(name, "-", fingerprint)

    def report(self, **figures: Any) -> None:
        """Add figures that are shown beside the step's outputs."""
        self.figures |= figures

    def write(
        self, table: Table, data: Data, partition: str | None = None, *, wide: bool = False
    ) -> int:
        """Write a table's partition to a new file, to be committed when the step ends.

        Args:
            table: Contract of the table; the data are cast to its schema.
            data: A DuckDB relation (which is sorted by the table's key), or Arrow batches that
                are already in order.
            partition: The partition, where a step commits several of them together; else the
                step's own.
            wide: Whether a relation has many rows that are wide, and can be read again at little
                cost: it is sorted range by range of its key, so that memory is bounded.

        Returns:
            Number of rows.

        Raises:
            SchemaMismatchError: The data do not fit the schema, or a required value is missing.
        """
        place = partition or self.partition or WHOLE
        file = self._write_file(table, table, data, place, wide=wide)
        self.outputs[table.name, place] = self._as_it_was(table, file, place)
        return file.rows

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

    def update(self, table: Table, rows: duckdb.DuckDBPyRelation, *, wide: bool = False) -> int:
        """Write a table's partition, as a layer where little of it differs from before.

        What is made again in one piece still tells the steps that read it what changed.

        Args:
            table: Contract of the table.
            rows: All of its rows.
            wide: Whether they are many and wide, as for `write`.

        Returns:
            Number of rows that differ, all of them where there was no version before.
        """
        head = self._own(table)
        if head is None or head.code_version != self._code_version:
            return self.write(table, rows, wide=wide)
        try:
            before = self.lake.open(self.con, table, [head])
        except CorruptFileError:
            return self.write(table, rows, wide=wide)
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
            self.write(table, laid_over(table, below, layer), wide=True)
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
            chain = [*self.lake.verified(head), self.lake.root / file.path]
            rows = merged(self.con, table, chain)
            compacted = self._write_file(table, table, rows, place, wide=True)
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
        head = self._own(table, partition)
        if head is None:
            raise ValueError(f"{self.name}: {table.name} has no version to keep; write it whole")
        self.outputs[table.name, head.partition] = Output(
            table.name, head.partition, head.file, below=head.below
        )

    def _write_file(
        self, table: Table, contract: Table, data: Data, partition: str, *, wide: bool = False
    ) -> File:
        version = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}"
        relative = relative_path(table.name, partition, version)
        target = self.lake.root / relative
        self._written.append(target)
        rows, sha256 = write_file(target, contract, data, wide=wide)
        columns = json.dumps({field.name: str(field.type) for field in table.schema})
        size = target.stat().st_size
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
        now = self.con.read_parquet([str(self.lake.root / file.path)])
        if before.except_(now).limit(1).fetchall():
            return output
        return replace(output, file=replace(file, digest=head.file.digest))

    def staged(self, table: Table, where: str | None = None) -> duckdb.DuckDBPyRelation:
        """Rows that this step has written, or lets stand, and not yet committed.

        Args:
            table: The table.
            where: Condition that the rows fulfil, as in `read`.
        """
        chain = [self.lake.root / file.path for file in self._output(table).files]
        return merged(self.con, table, chain, where)

    def rows(self, table: Table) -> int:
        """How many rows a table has that this step has written, or lets stand."""
        return self._output(table).file.rows

    def staged_path(self, table: Table) -> Path:
        """The file that this step has written for a table and not yet committed."""
        return self.lake.root / self._output(table).file.path

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
        return self.con.read_parquet([str(self.lake.root / layer.path)])

    def _commit(self) -> None:
        outputs = [self._checked(output) for output in self.outputs.values()]
        unneeded = set(
            self.lake.catalog.commit(
                namespace=self.lake.namespace,
                step=self.name,
                run_id=self._run_id,
                code_version=self._code_version,
                inputs=list(self._inputs.values()),
                outputs=outputs,
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
        for path in self._written:
            if path.relative_to(self.lake.root).as_posix() not in used:
                path.unlink(missing_ok=True)

    def _checked(self, output: Output) -> Output:
        head = self.lake.catalog.heads(self.lake.namespace, output.table).get(output.partition)
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
        for path in self._written:
            path.unlink(missing_ok=True)
