"""The catalog: which file is current for each namespace, table and partition, and its history.

Commits are appended and never changed. `heads` repeats the last entry of each partition so that
the current state is one indexed read; both are written in the same transaction. What a table's
files hold, and how they are written, belongs to `resources.lake`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from resources.catalog_engine import begin_writing, open_engine
from resources.catalog_schema import (
    COMMITS,
    ENTRIES,
    FILES,
    HEADS,
    METADATA,
    NAMESPACES,
    add_layers,
)
from resources.entries import File, Head, Input, Output
from resources.settings import PRODUCTION


class Catalog:
    """The SQL catalog behind a lake.

    Args:
        url: SQLAlchemy address.
        create: Whether its tables are made where they are not there; a reader makes none.
    """

    def __init__(self, url: str, *, create: bool = True) -> None:
        self._engine = open_engine(url)
        if create:
            with self._write() as connection:
                METADATA.create_all(connection)
                add_layers(connection)

    @contextmanager
    def _write(self) -> Iterator[sa.Connection]:
        """One transaction that holds the write lock from its start."""
        with self._engine.connect() as connection:
            begin_writing(connection)
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    def ensure_namespace(self, namespace: str) -> None:
        """Create a namespace that reads through to today's production, if it does not exist."""
        with self._write() as connection:
            known = sa.select(NAMESPACES.c.name).where(NAMESPACES.c.name == namespace)
            if connection.execute(known).first() is None:
                newest = connection.execute(sa.select(sa.func.max(COMMITS.c.id))).scalar() or 0
                connection.execute(sa.insert(NAMESPACES).values(name=namespace, pin=newest))

    def pin(self, namespace: str) -> int:
        """The last commit of production that a namespace reads through to.

        Of a namespace that is not there yet, it is today's.
        """
        with self._engine.connect() as connection:
            query = sa.select(NAMESPACES.c.pin).where(NAMESPACES.c.name == namespace)
            found = connection.execute(query).scalar()
        return self.newest() if found is None else int(found)

    def commit(
        self,
        *,
        namespace: str,
        step: str,
        run_id: str | None,
        code_version: str,
        inputs: Sequence[Input],
        outputs: Sequence[Output],
    ) -> list[str]:
        """Make files current, all in one transaction.

        An output whose content equals what is current keeps the version that it has; if its
        inputs and code are the same too, nothing is written for it.

        Args:
            namespace: Where to write.
            step: Name of the step that made the files.
            run_id: The Dagster run, if there is one.
            code_version: Version of the code that made the files.
            inputs: All that the step read.
            outputs: The new files.

        Returns:
            The versions of files that were not needed, because equal content was there already.

        Raises:
            PermissionError: The namespace is production.
        """
        if not outputs:
            return []
        if namespace == PRODUCTION:
            raise PermissionError(
                f"the namespace {PRODUCTION!r} is only changed by promotion; set KG_NAMESPACE"
            )
        recorded = _dump(inputs)
        unneeded: list[str] = []
        with self._write() as connection:
            commit_id: int | None = None
            for output in outputs:
                head = self._own(connection, namespace, output.table, output.partition).get(
                    (output.table, output.partition)
                )
                version = output.file.version
                equal = head is not None and head.file.digest == output.file.digest
                if head is not None and equal and not output.replaces:
                    if version != head.file.version:
                        unneeded.append(version)
                    version = head.file.version
                    if head.code_version == code_version and _dump(head.inputs) == recorded:
                        continue
                else:
                    self._add_files(connection, output)
                if commit_id is None:
                    commit_id = self._new_commit(connection, namespace, step, run_id)
                self._append(
                    connection,
                    commit_id,
                    namespace,
                    output.table,
                    output.partition,
                    version,
                    code_version,
                    recorded,
                )
        return unneeded

    def promote(self, namespace: str) -> int:
        """Make every table of a namespace production's, in one transaction.

        Returns:
            The commit of production that holds it, to which the namespace's pin moves.
        """
        with self._write() as connection:
            commit_id = self._new_commit(connection, PRODUCTION, f"promote {namespace}", None)
            own = self._own(connection, namespace)
            tables = {table for table, _ in own}
            gone = sa.and_(HEADS.c.namespace == PRODUCTION, HEADS.c.table_name.in_(tables))
            connection.execute(sa.delete(HEADS).where(gone))
            for (table, partition), head in sorted(own.items()):
                self._append(
                    connection,
                    commit_id,
                    PRODUCTION,
                    table,
                    partition,
                    head.file.version,
                    head.code_version,
                    _dump(head.inputs),
                )
            moved = sa.update(NAMESPACES).where(NAMESPACES.c.name == namespace)
            connection.execute(moved.values(pin=commit_id))
            return commit_id

    def _new_commit(
        self, connection: sa.Connection, namespace: str, step: str, run_id: str | None
    ) -> int:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        row = connection.execute(
            sa.insert(COMMITS)
            .values(namespace=namespace, step=step, run_id=run_id, time=now)
            .returning(COMMITS.c.id)
        ).one()
        return int(row.id)

    def _add_files(self, connection: sa.Connection, output: Output) -> None:
        """Make the files of an output known; those of a kept version are already."""
        for file in (output.layer, output.file):
            if file is None:
                continue
            known = sa.select(FILES.c.version).where(FILES.c.version == file.version)
            if connection.execute(known).first() is None:
                connection.execute(sa.insert(FILES).values(**vars(file)))

    def _append(
        self,
        connection: sa.Connection,
        commit_id: int,
        namespace: str,
        table: str,
        partition: str,
        version: str,
        code_version: str,
        inputs: str,
    ) -> None:
        place = {"namespace": namespace, "table_name": table, "partition": partition}
        entry = connection.execute(
            sa.insert(ENTRIES)
            .values(
                commit_id=commit_id,
                version=version,
                code_version=code_version,
                inputs=inputs,
                **place,
            )
            .returning(ENTRIES.c.id)
        ).one()
        current = [getattr(HEADS.c, column) == value for column, value in place.items()]
        changed = connection.execute(sa.update(HEADS).where(*current).values(entry_id=entry.id))
        if changed.rowcount == 0:
            connection.execute(sa.insert(HEADS).values(entry_id=entry.id, **place))

    def heads(self, namespace: str, table: str, partition: str | None = None) -> dict[str, Head]:
        """Current file of each partition of a table, as a namespace sees it.

        A namespace sees its own partitions of a table that it has built, else all of
        production's at its pin: never a mix.

        Args:
            namespace: Who sees it.
            table: The table.
            partition: Only this one, which of a table with a thousand is a thousand times quicker.
        """
        with self._engine.connect() as connection:
            found = self._own(connection, namespace, table, partition)
            if not found and not self._has_built(connection, namespace, table):
                found = self._pinned(connection, self.pin(namespace), table, partition)
            return {head.partition: head for head in _with_below(connection, found.values())}

    def all_heads(self, namespace: str) -> dict[tuple[str, str], Head]:
        """Current file of each table and partition, as a namespace sees it."""
        with self._engine.connect() as connection:
            own = self._own(connection, namespace)
            pinned = self._pinned(connection, self.pin(namespace))
            built = {table for table, _ in own}
            seen = own | {key: head for key, head in pinned.items() if key[0] not in built}
            return {
                (head.table, head.partition): head
                for head in _with_below(connection, seen.values())
            }

    def newest(self) -> int:
        """The newest commit of all namespaces, 0 where there is none."""
        with self._engine.connect() as connection:
            return int(connection.execute(sa.select(sa.func.max(COMMITS.c.id))).scalar() or 0)

    def own_heads_since(self, namespace: str, commit_id: int) -> dict[tuple[str, str], Head]:
        """What became current in a namespace by its own commits after a commit."""
        with self._engine.connect() as connection:
            found = self._own(connection, namespace, since=commit_id)
            return {
                (head.table, head.partition): head
                for head in _with_below(connection, found.values())
            }

    def layers(self, file: File, digest: str, *, most: int) -> list[File] | None:
        """What was laid, one over the other, over a content until it became that of a file.

        Layers are found by the digests of content, so compaction in between does not matter.

        Args:
            file: The file that a version ends with.
            digest: Digest of the content before.
            most: How many layers to look back at most.

        Returns:
            Layers, the oldest first, or None if the way back does not lead to that content.
        """
        found: list[File] = []
        reached = file.digest
        with self._engine.connect() as connection:
            while reached != digest:
                query = sa.select(FILES).where(FILES.c.digest == reached, FILES.c.base.is_not(None))
                row = connection.execute(query.order_by(FILES.c.version)).first()
                if row is None or len(found) >= most:
                    return None
                found.append(_file(row))
                below = sa.select(FILES.c.digest).where(FILES.c.version == row.base)
                reached = connection.execute(below).scalar_one()
        return found[::-1]

    def history(self, namespace: str, table: str) -> list[Head]:
        """Every version that a table's partitions have had in a namespace, oldest first."""
        with self._engine.connect() as connection:
            query = _entries().where(
                ENTRIES.c.namespace == namespace, ENTRIES.c.table_name == table
            )
            return [_head(row) for row in connection.execute(query.order_by(ENTRIES.c.id))]

    def paths(self) -> set[str]:
        """Paths of all files that the history of any namespace points to."""
        with self._engine.connect() as connection:
            return set(connection.execute(sa.select(FILES.c.path)).scalars())

    def _own(
        self,
        connection: sa.Connection,
        namespace: str,
        table: str | None = None,
        partition: str | None = None,
        *,
        since: int = 0,
    ) -> dict[tuple[str, str], Head]:
        query = _entries().join(HEADS, HEADS.c.entry_id == ENTRIES.c.id)
        query = query.where(HEADS.c.namespace == namespace)
        if since:
            query = query.where(ENTRIES.c.commit_id > since)
        if table is not None:
            query = query.where(HEADS.c.table_name == table)
        if partition is not None:
            query = query.where(HEADS.c.partition == partition)
        heads = map(_head, connection.execute(query))
        return {(head.table, head.partition): head for head in heads}

    def _has_built(self, connection: sa.Connection, namespace: str, table: str) -> bool:
        query = sa.select(HEADS.c.entry_id).where(
            HEADS.c.namespace == namespace, HEADS.c.table_name == table
        )
        return connection.execute(query.limit(1)).first() is not None

    def _pinned(
        self,
        connection: sa.Connection,
        pin: int,
        table: str | None = None,
        partition: str | None = None,
    ) -> dict[tuple[str, str], Head]:
        """Production's files at a commit: each table as the last promotion before it left it."""
        last = (
            sa.select(ENTRIES.c.table_name, sa.func.max(ENTRIES.c.commit_id).label("commit_id"))
            .where(ENTRIES.c.namespace == PRODUCTION, ENTRIES.c.commit_id <= pin)
            .group_by(ENTRIES.c.table_name)
            .subquery()
        )
        query = _entries().join(
            last,
            sa.and_(
                last.c.table_name == ENTRIES.c.table_name,
                last.c.commit_id == ENTRIES.c.commit_id,
            ),
        )
        if table is not None:
            query = query.where(ENTRIES.c.table_name == table)
        if partition is not None:
            query = query.where(ENTRIES.c.partition == partition)
        heads = map(_head, connection.execute(query))
        return {(head.table, head.partition): head for head in heads}


def _entries() -> sa.Select[Any]:
    return (
        sa.select(
            ENTRIES.c.table_name,
            ENTRIES.c.partition,
            ENTRIES.c.code_version,
            ENTRIES.c.inputs,
            ENTRIES.c.commit_id,
            *FILES.c,
            COMMITS.c.step,
            COMMITS.c.run_id,
            COMMITS.c.time,
        )
        .select_from(ENTRIES)
        .join(FILES, FILES.c.version == ENTRIES.c.version)
        .join(COMMITS, COMMITS.c.id == ENTRIES.c.commit_id)
    )


def _head(row: Any) -> Head:
    return Head(
        table=row.table_name,
        partition=row.partition,
        file=_file(row),
        code_version=row.code_version,
        inputs=tuple(Input(*entry) for entry in json.loads(row.inputs)),
        commit_id=row.commit_id,
        step=row.step,
        run_id=row.run_id,
        time=row.time,
    )


def _file(row: Any) -> File:
    return File(**{column.name: getattr(row, column.name) for column in FILES.c})


def _with_below(connection: sa.Connection, heads: Iterable[Head]) -> list[Head]:
    """The same heads, with the files that their layers lie over."""
    heads = list(heads)
    known: dict[str, File] = {}
    wanted = {head.file.base for head in heads if head.file.base is not None}
    while wanted:
        query = sa.select(FILES).where(FILES.c.version.in_(sorted(wanted)))
        found = {row.version: _file(row) for row in connection.execute(query)}
        known |= found
        wanted = {f.base for f in found.values() if f.base is not None} - set(known)
    full = []
    for head in heads:
        below: list[File] = []
        base = head.file.base
        while base is not None:
            below.insert(0, known[base])
            base = known[base].base
        full.append(replace(head, below=tuple(below)))
    return full


def _dump(inputs: Iterable[Input]) -> str:
    return json.dumps([[i.table, i.partition, i.digest] for i in sorted(set(inputs))])
