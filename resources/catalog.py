"""The catalog: which file is current for each namespace, table and partition, and its history.

Commits are appended and never changed. `heads` repeats the last entry of each partition so that
the current state is one indexed read; both are written in the same transaction. What a table's
files hold, and how they are written, belongs to `resources.lake`; how production changes, to
`resources.production`; what is forgotten after a time, to `resources.keeping`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from resources import catalog_rows as rows
from resources.catalog_engine import begin_writing, open_engine
from resources.catalog_schema import (
    COMMITS,
    CONTEXTS,
    ENTRIES,
    FILES,
    HEADS,
    METADATA,
    NAMESPACES,
    bring_up_to_date,
    is_outdated,
)
from resources.entries import Context, File, Head, Input, Made, Output
from resources.errors import refuse_production
from resources.team_settings import PRODUCTION

_AT_ONCE = 500
"""Numbers named in one statement; SQLite allows 32,766 parameters."""


class Catalog:
    """The SQL catalog behind a lake.

    Args:
        url: SQLAlchemy address.
        create: Whether its tables are made where they are not there; a reader makes none, but
            brings a catalog of an earlier version up to date.
    """

    def __init__(self, url: str, *, create: bool = True) -> None:
        self._engine = open_engine(url)
        if not create:
            with self.reading() as connection:
                create = is_outdated(connection)
        if create:
            with self.writing() as connection:
                METADATA.create_all(connection)
                bring_up_to_date(connection)

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """One transaction that holds the write lock from its start."""
        with self._engine.connect() as connection:
            begin_writing(connection)
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection that is read from."""
        with self._engine.connect() as connection:
            yield connection

    def ensure_namespace(self, namespace: str) -> None:
        """Create a namespace that reads through to today's production, if it does not exist."""
        if namespace == PRODUCTION:
            return
        with self.writing() as connection:
            known = sa.select(NAMESPACES.c.name).where(NAMESPACES.c.name == namespace)
            if connection.execute(known).first() is None:
                pin = rows.newest_of_production(connection)
                connection.execute(sa.insert(NAMESPACES).values(name=namespace, pin=pin))

    def pin(self, namespace: str) -> int:
        """The last commit of production that a namespace reads through to.

        Of a namespace that is not there yet, it is today's.
        """
        with self.reading() as connection:
            return rows.pin(connection, namespace)

    def commit(
        self,
        *,
        namespace: str,
        step: str,
        run_id: str | None,
        code_version: str,
        inputs: Sequence[Input],
        outputs: Sequence[Output],
        context: Context | None = None,
        details: dict[str, Any] | None = None,
    ) -> list[str]:
        """Make files current, all in one transaction.

        An output whose content equals what is current keeps the version that it has; if its
        inputs, code and facets are the same too, nothing is written for it.

        Args:
            namespace: Where to write.
            step: Name of the step that made the files.
            run_id: The Dagster run, if there is one.
            code_version: Version of the code that made the files.
            inputs: All that the step read.
            outputs: The new files.
            context: With which code and configuration they were made.
            details: What else is to be known of it: seconds, and what checks found.

        Returns:
            The versions of files that were not needed, because equal content was there already.

        Raises:
            ProductionError: The namespace is production.
        """
        if not outputs:
            return []
        refuse_production(namespace)
        recorded = rows.dump(inputs)
        unneeded: list[str] = []
        with self.writing() as connection:
            commit_id: int | None = None
            for output in outputs:
                head = rows.own(connection, namespace, output.table, output.partition).get(
                    (output.table, output.partition)
                )
                version = output.file.version
                equal = head is not None and head.file.digest == output.file.digest
                if head is not None and equal and not output.replaces:
                    if version != head.file.version:
                        unneeded.append(version)
                    version = head.file.version
                    made = (head.code_version, rows.dump(head.inputs), head.facets)
                    if made == (code_version, recorded, output.facets):
                        continue
                else:
                    for file in (output.layer, output.file):
                        if file is not None:
                            rows.add_file(connection, file)
                if commit_id is None:
                    commit_id = rows.add_commit(
                        connection, namespace, step, run_id, context, details
                    )
                key = (output.table, output.partition)
                rows.append(
                    connection,
                    commit_id,
                    namespace,
                    key,
                    version,
                    code_version,
                    recorded,
                    output.facets,
                )
        return unneeded

    def heads(self, namespace: str, table: str, partition: str | None = None) -> dict[str, Head]:
        """Current file of each partition of a table, as a namespace sees it.

        A namespace sees its own partitions of a table that it has built, else all of
        production's at its pin: never a mix.

        Args:
            namespace: Who sees it.
            table: The table.
            partition: Only this one, which of a table with a thousand is a thousand times quicker.
        """
        with self.reading() as connection:
            found = rows.own(connection, namespace, table, partition)
            if not found and not rows.has_built(connection, namespace, table):
                pin = rows.pin(connection, namespace)
                found = rows.production_at(connection, pin, table, partition)
            return {head.partition: head for head in rows.with_below(connection, found.values())}

    def all_heads(self, namespace: str) -> dict[tuple[str, str], Head]:
        """Current file of each table and partition, as a namespace sees it."""
        with self.reading() as connection:
            seen = rows.seen(connection, namespace)
            return {
                (head.table, head.partition): head
                for head in rows.with_below(connection, seen.values())
            }

    def newest(self) -> int:
        """The newest commit of all namespaces, 0 where there is none."""
        with self.reading() as connection:
            return rows.newest(connection)

    def own_heads_since(self, namespace: str, commit_id: int) -> dict[tuple[str, str], Head]:
        """What became current in a namespace by its own commits after a commit."""
        with self.reading() as connection:
            found = rows.own(connection, namespace, since=commit_id)
            return {
                (head.table, head.partition): head
                for head in rows.with_below(connection, found.values())
            }

    def own_tables(self, namespace: str) -> set[str]:
        """Names of the tables that a namespace has built itself."""
        with self.reading() as connection:
            query = sa.select(HEADS.c.table_name).where(HEADS.c.namespace == namespace)
            return set(connection.execute(query.distinct()).scalars())

    def layers(self, file: File, before: Callable[[str], bool], *, most: int) -> list[File] | None:
        """What was laid, one over the other, over a content until it became that of a file.

        Layers are found by the digests of content, so compaction in between does not matter.

        Args:
            file: The file that a version ends with.
            before: Tells by the digest whether a content is the one before; the first that it
                knows on the way back counts.
            most: How many layers to look back at most.

        Returns:
            Layers, the oldest first, or None if the way back does not lead to such a content.
        """
        found: list[File] = []
        reached = file.digest
        with self.reading() as connection:
            while not before(reached):
                query = sa.select(FILES).where(
                    FILES.c.digest == reached, FILES.c.base.is_not(None), FILES.c.removed.is_(None)
                )
                row = connection.execute(query.order_by(FILES.c.version)).first()
                if row is None or len(found) >= most:
                    return None
                found.append(rows.file(row))
                below = sa.select(FILES.c.digest).where(FILES.c.version == row.base)
                reached = connection.execute(below).scalar_one()
        return found[::-1]

    def history(self, namespace: str, table: str) -> list[Head]:
        """Every version that a table's partitions have had in a namespace, oldest first."""
        with self.reading() as connection:
            query = rows.entries().where(
                ENTRIES.c.namespace == namespace, ENTRIES.c.table_name == table
            )
            found = map(rows.head, connection.execute(query.order_by(ENTRIES.c.id)))
            return rows.with_below(connection, found)

    def versions(self, namespace: str, table: str, partition: str) -> list[Head]:
        """Versions of a partition that a namespace could go on from, the oldest first.

        Those that it had itself, and what production had at its pin, as far as files are kept.
        """
        with self.reading() as connection:
            place = sa.and_(
                ENTRIES.c.table_name == table,
                ENTRIES.c.partition == partition,
                FILES.c.removed.is_(None),
            )
            mine = rows.entries().where(place, ENTRIES.c.namespace == namespace)
            found = list(map(rows.head, connection.execute(mine.order_by(ENTRIES.c.id))))
            pin = rows.pin(connection, namespace)
            pinned = rows.production_at(connection, pin, table).get((table, partition))
            if pinned is not None:
                found.append(pinned)
            return sorted(rows.with_below(connection, found), key=lambda head: head.commit_id)

    def made(self, version: str) -> Made | None:
        """How a version was first made: in which namespace, with which code and configuration.

        Returns:
            None where no entry names it.
        """
        with self.reading() as connection:
            query = (
                sa.select(COMMITS, CONTEXTS.c.code, CONTEXTS.c.ontology, CONTEXTS.c.settings)
                .add_columns(FILES.c.removed)
                .select_from(ENTRIES)
                .join(COMMITS, COMMITS.c.id == ENTRIES.c.commit_id)
                .join(FILES, FILES.c.version == ENTRIES.c.version)
                .outerjoin(CONTEXTS, CONTEXTS.c.id == COMMITS.c.context)
                .where(ENTRIES.c.version == version)
                .order_by(ENTRIES.c.id)
            )
            row = connection.execute(query).first()
            return None if row is None else Made.of(row)

    def first_times(self, table: str) -> dict[tuple[str, str], str]:
        """When each content of a table's partitions was committed first, in any namespace.

        Args:
            table: The table.

        Returns:
            The time (UTC) by partition and digest of the content. Making the same again, and
            promoting it, changes nothing of it.
        """
        query = (
            sa.select(ENTRIES.c.partition, FILES.c.digest, sa.func.min(COMMITS.c.time))
            .select_from(ENTRIES)
            .join(FILES, FILES.c.version == ENTRIES.c.version)
            .join(COMMITS, COMMITS.c.id == ENTRIES.c.commit_id)
            .where(ENTRIES.c.table_name == table)
            .group_by(ENTRIES.c.partition, FILES.c.digest)
        )
        with self.reading() as connection:
            return {(key, digest): time for key, digest, time in connection.execute(query)}

    def commits(self, numbers: Iterable[int]) -> list[Made]:
        """Commits by their numbers, the oldest first."""
        wanted, found = sorted(set(numbers)), list[Made]()
        with self.reading() as connection:
            for first in range(0, len(wanted), _AT_ONCE):
                query = (
                    sa.select(COMMITS, CONTEXTS.c.code, CONTEXTS.c.ontology, CONTEXTS.c.settings)
                    .add_columns(sa.null().label("removed"))
                    .outerjoin(CONTEXTS, CONTEXTS.c.id == COMMITS.c.context)
                    .where(COMMITS.c.id.in_(wanted[first : first + _AT_ONCE]))
                    .order_by(COMMITS.c.id)
                )
                found += [Made.of(row) for row in connection.execute(query)]
        return found

    def paths(self) -> set[str]:
        """Paths of all files that are kept."""
        with self.reading() as connection:
            kept = sa.select(FILES.c.path).where(FILES.c.removed.is_(None))
            return set(connection.execute(kept).scalars())
