"""What a step reads: rows of current versions, what changed in them, and a record of both."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from resources.entries import Head, Input, digest
from resources.errors import CorruptFileError, LakeError, MissingPartitionsError
from resources.facets import facets_at, holding, place_of
from resources.layers import Changes, merged, opened

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from resources.lake import Lake
    from resources.table import Table

_log = logging.getLogger(__name__)

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
        self._found: dict[tuple[str, str | None], dict[str, Head]] = {}

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

    def are_empty(self, inputs: Iterable[tuple[Table, str | None]]) -> bool:
        """Whether none of some inputs has a row; no file is opened.

        Args:
            inputs: Tables, and which partition of each, or None for all: when one gets rows, this
                step's outputs are stale.

        Raises:
            MissingPartitionsError: All of a sharded table is asked for and a shard is missing.
        """
        heads = [head for asked in inputs for head in self._heads(*asked, True)]
        return not any(head.file.rows for head in heads)

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

    def _heads(self, table: Table, partition: str | None, tracked: bool) -> list[Head]:
        heads = self._current(table, partition)
        expected = self._expected.get(table.name)
        if partition is None and expected is not None:
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

    def previous_rows(self, table: Table) -> int:
        """How many rows this step's own last version of a table has; nought where there is none."""
        head = self._own(table)
        return 0 if head is None else head.file.rows

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

    def present(self, table: Table, partitions: Iterable[str]) -> set[str]:
        """Which of some partitions of an input are there.

        Args:
            table: The input.
            partitions: Partitions of it. Those that are missing are recorded, so that the step is
                stale when one appears; the others are where they are read.
        """
        there = self._current(table)
        asked = set(partitions)
        for partition in asked - set(there):
            self._inputs[table.name, partition] = Input(table.name, partition, "")
        return asked & set(there)

    def holding(self, table: Table, facets: Collection[str]) -> set[str]:
        """Which partitions of an input bear on its rows that have one of some facets.

        Args:
            table: The input. Which partitions these are is recorded, so that the step is stale
                when they are others; what is read of them is recorded where it is read.
            facets: The facets, as `resources.facets.holding` takes them.
        """
        heads, place = self._current(table), place_of(facets)
        self._inputs[table.name, place] = Input(table.name, place, digest(heads, place) or "")
        return holding(heads, facets)

    def noted(self, table: Table, partition: str) -> frozenset[str]:
        """What was noted of a partition of an input; nothing where it is not there."""
        head = self._current(table, partition).get(partition)
        return frozenset() if head is None or head.facets is None else head.facets

    def made_from(self, output: Table, table: Table) -> dict[str, str] | None:
        """Digests of an input's partitions as they were for this step's output.

        Args:
            output: The output; that of the step's own partition counts.
            table: The input.

        Returns:
            The digests, or None where there is no output by this code.
        """
        return self._then(output, table)

    def head_of(self, table: Table) -> Head | None:
        """The version of a table without partitions that this step finds; None for none."""
        return self._current(table, WHOLE).get(WHOLE)

    def digest_of(self, table: Table) -> str:
        """Digest of a table without partitions as this step finds it, empty where there is none."""
        head = self._current(table, WHOLE).get(WHOLE)
        return "" if head is None else head.file.digest

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
        return {place: found for place, found in then.items() if facets_at(place) is None}

    def intact(self, *outputs: Table) -> bool:
        """Whether this step's own current versions of tables are there and undamaged."""
        return all(self._stands(self._own(table)) for table in outputs)

    def restore(self, carried: Sequence[Table], outputs: Sequence[Table]) -> str | None:
        """Go on from an earlier version of this step's outputs where the last one is damaged.

        A step that carries on from its own version before, as entities do from their ids, then
        does what it would have done had the versions since not been made.

        Args:
            carried: The outputs that it carries on from.
            outputs: All outputs that it makes together; they go back to the same time.

        Returns:
            When the version was made that is gone on from; None where the last one is intact, or
            there is none.

        Raises:
            LakeError: All versions are damaged, or were removed as too old.
        """
        if all(self._own(table) is None for table in carried) or self.intact(*carried):
            return None
        place = self.partition or WHOLE
        known: dict[str, dict[str, Head]] = {}
        for table in outputs:
            heads = self.lake.catalog.versions(self.lake.namespace, table.name, place)
            known[table.name] = {head.time: head for head in heads}
        moments = {moment for table in carried for moment in known[table.name]}
        for moment in sorted(moments, reverse=True):
            then = {name: _as_of(heads, moment) for name, heads in known.items()}
            if all(self._stands(then[table.name]) for table in carried):
                for name, head in then.items():
                    others = {
                        k: v
                        for k, v in self.lake.catalog.heads(self.lake.namespace, name).items()
                        if k != place
                    }
                    self._found[name, None] = others | ({} if head is None else {place: head})
                return moment
        names = ", ".join(table.name for table in carried)
        raise LakeError(
            f"{self.name} goes on from its version before, and no version of {names} is intact: "
            "restore their files from a copy of the lake"
        )

    def _stands(self, head: Head | None) -> bool:
        """Whether there is such a version and its files are undamaged."""
        try:
            return head is not None and bool(self.lake.verified(head))
        except CorruptFileError:
            return False

    def _own(self, table: Table, partition: str | None = None) -> Head | None:
        place = partition or self.partition or WHOLE
        return self._current(table, place).get(place)

    def _current(self, table: Table, partition: str | None = None) -> dict[str, Head]:
        """What is current, as this step found it when it first looked: one state for all reads.

        Of a table with a thousand partitions one is read alone where no more is needed.
        """
        whole = self._found.get((table.name, None))
        if whole is not None:
            if partition is None:
                return whole
            return {key: head for key, head in whole.items() if key == partition}
        if (table.name, partition) not in self._found:
            found = self.lake.heads(table, partition)
            if partition is None:
                for (name, key), seen in self._found.items():
                    if name == table.name and key is not None:
                        found = {at: head for at, head in found.items() if at != key} | seen
            self._found[table.name, partition] = found
            _log.debug(
                "reads %s: %d rows of %d partitions (%s)",
                table.name if partition is None else f"{table.name}@{partition}",
                sum(head.file.rows for head in found.values()),
                len(found),
                ", ".join(head.file.version for head in list(found.values())[:4]),
            )
        return self._found[table.name, partition]


def _as_of(heads: Mapping[str, Head], moment: str) -> Head | None:
    """The last of some versions, by their times, that was there at a moment."""
    earlier = [time for time in heads if time <= moment]
    return heads[max(earlier)] if earlier else None
