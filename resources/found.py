"""The versions that a step finds: one state for all that it reads, which is recorded."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from resources.entries import Head, Input, digest
from resources.errors import CorruptFileError, LakeError, MissingPartitionsError
from resources.facets import facets_at, holding, place_of
from resources.table import WHOLE

if TYPE_CHECKING:
    from resources.lake import Lake
    from resources.table import Table

_log = logging.getLogger(__name__)


class Found:
    """What is current of the tables that a step asks for, as it was when it first looked.

    Attributes:
        lake: The lake.
        name: Name of the step.
        partition: The partition that is made, or None.
    """

    def __init__(
        self,
        lake: Lake,
        name: str,
        partition: str | None,
        code_version: str,
        expected: Mapping[str, Sequence[str]],
    ) -> None:
        self.lake = lake
        self.name = name
        self.partition = partition
        self._code_version = code_version
        self._expected = expected
        self._inputs: dict[tuple[str, str], Input] = {}
        self._found: dict[tuple[str, str | None], dict[str, Head]] = {}

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

    def previous_rows(self, table: Table) -> int:
        """How many rows this step's own last version of a table has; nought where there is none."""
        head = self._own(table)
        return 0 if head is None else head.file.rows

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

    def _then(self, output: Table, table: Table) -> dict[str, str] | None:
        """Digests of an input's partitions as they were for an output that can be built upon."""
        own = self._own(output)
        if own is None or own.code_version != self._code_version or not self.intact(output):
            return None
        # A partition that was not there is recorded with an empty digest.
        then = {i.partition: i.digest for i in own.inputs if i.table == table.name and i.digest}
        then.pop("*", None)
        return {place: found for place, found in then.items() if facets_at(place) is None}

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
