"""What a step reads: rows of current versions, what changed in them, and a record of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from resources.entries import Input
from resources.errors import CorruptFileError
from resources.found import Found
from resources.layers import Changes, merged, opened
from resources.table import WHOLE

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from resources.lake import Lake
    from resources.table import Table


class Reads(Found):
    """The reading half of a step: all that is read is recorded as its inputs.

    Attributes:
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
        super().__init__(lake, name, partition, code_version, expected)
        self.con = connection

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

    def view_partitions(
        self,
        name: str,
        table: Table,
        numbers: Mapping[str, int],
        where: str | None = None,
    ) -> None:
        """Make a view of some partitions of a table, each row with a number of its partition.

        All files are read together: a view for each of a thousand partitions takes longer than
        their rows.

        Args:
            name: Name of the view, which has the column ``number`` before those of the table.
            table: The table.
            numbers: The partitions, each with its number; each is recorded as an input.
            where: Condition that the rows fulfil, as in `read`.
        """
        current = self._current(table)
        columns = ", ".join(f'"{column}"' for column in table.schema.names)
        paths: dict[str, int] = {}
        codes, parts = set(), []
        for partition, number in numbers.items():
            head = current.get(partition)
            found = "" if head is None else head.file.digest
            self._inputs[table.name, partition] = Input(table.name, partition, found)
            if head is None or not head.file.rows:
                continue
            chain = self.lake.verified(head)
            if len(chain) == 1:
                paths[str(chain[0])] = number
                codes.add(head.code_version)
                continue
            part = f"{name}_part_{number}"
            merged(self.con, table, chain, where).create_view(part, replace=True)
            parts.append(f"SELECT {number}::BIGINT AS number, {columns} FROM {part}")  # noqa: S608
        if paths:
            files, of_path = f"{name}_files", f"{name}_of_path"
            alike = len(codes) == 1
            read = opened(self.con, table, list(paths), alike=alike, named=True)
            (read if where is None else read.filter(where)).create_view(files, replace=True)
            told = {"filename": list(paths), "number": pa.array(paths.values(), pa.int64())}
            self.con.register(of_path, pa.table(told))
            parts.append(f"SELECT number, {columns} FROM {files} JOIN {of_path} USING (filename)")  # noqa: S608
        if not parts:
            nothing = f"{name}_nothing"
            self.con.register(nothing, table.schema.empty_table())
            parts.append(f"SELECT 0::BIGINT AS number, {columns} FROM {nothing}")  # noqa: S608
        # The names are declarations of ours.
        together = " UNION ALL ".join(parts)
        self.con.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {together}")

    def previous(self, table: Table, where: str | None = None) -> duckdb.DuckDBPyRelation:
        """This step's own last version of a table; not an input.

        Args:
            table: The table.
            where: Condition that the rows fulfil, as in `read`.
        """
        return self.read(table, self.partition or WHOLE, tracked=False, where=where)

    def files(self, table: Table) -> list[Path]:
        """Files of a table without partitions: the whole one, then its layers; not an input.

        For who looks through one column of very many rows, which lie in the order of the key.

        Returns:
            Verified paths; none where there is no row.

        Raises:
            CorruptFileError: A file's bytes are not those that were committed.
        """
        head = self._current(table, WHOLE).get(WHOLE)
        return [] if head is None or not head.file.rows else self.lake.verified(head)

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
            before = {partition: content.__eq__ for partition, content in then.items()}
            layers = self.lake.layers_since(heads, before)
        except CorruptFileError:
            return None
        return None if layers is None else Changes(self.con, table, *layers)
