"""What a step reads: rows of current versions, what changed in them, and a record of both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from resources.entries import Head, Input, digest
from resources.errors import CorruptFileError, MissingPartitionsError
from resources.layers import Changes

if TYPE_CHECKING:
    import duckdb

    from resources.lake import Lake
    from resources.table import Table

WHOLE = "all"
"""The partition of a table that has only one."""


class Reads:
    """The reading half of a step: all that is read is recorded as its inputs.

    Attributes:
        lake: The lake.
        name: Name of the step.
        partition: The partition that is made, or None.
        con: The step's own DuckDB connection.
    """

    def __init__(
        self,
        lake: Lake,
        name: str,
        partition: str | None,
        code_version: str,
        expected: Mapping[str, Sequence[str]],
        connection: duckdb.DuckDBPyConnection,
    ) -> None:
        self.lake = lake
        self.name = name
        self.partition = partition
        self.con = connection
        self._code_version = code_version
        self._expected = expected
        self._inputs: dict[tuple[str, str], Input] = {}
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
