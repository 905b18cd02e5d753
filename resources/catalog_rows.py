"""Rows of the catalog: reading and appending them within a transaction that the caller holds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from resources.catalog_schema import COMMITS, CONTEXTS, ENTRIES, FILES, HEADS, NAMESPACES
from resources.entries import Context, File, Head, Input
from resources.team_settings import PRODUCTION

Key = tuple[str, str]
"""Name of a table, and one of its partitions."""

_FILE = [column for column in FILES.c if column.name != "removed"]


def now() -> str:
    """The time, as the catalog writes it (UTC)."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def entries() -> sa.Select[Any]:
    """A query for entries with their file and commit."""
    return (
        sa.select(
            ENTRIES.c.table_name,
            ENTRIES.c.partition,
            ENTRIES.c.code_version,
            ENTRIES.c.inputs,
            ENTRIES.c.facets,
            ENTRIES.c.commit_id,
            *_FILE,
            COMMITS.c.step,
            COMMITS.c.run_id,
            COMMITS.c.time,
        )
        .select_from(ENTRIES)
        .join(FILES, FILES.c.version == ENTRIES.c.version)
        .join(COMMITS, COMMITS.c.id == ENTRIES.c.commit_id)
    )


def head(row: Any) -> Head:
    """What a row of `entries` says."""
    return Head(
        table=row.table_name,
        partition=row.partition,
        file=file(row),
        code_version=row.code_version,
        inputs=tuple(Input(*entry) for entry in json.loads(row.inputs)),
        commit_id=row.commit_id,
        step=row.step,
        run_id=row.run_id,
        time=row.time,
        facets=None if row.facets is None else frozenset(json.loads(row.facets)),
    )


def file(row: Any) -> File:
    """The file of a row that holds its columns."""
    return File(**{column.name: getattr(row, column.name) for column in _FILE})


def own(
    connection: sa.Connection,
    namespace: str,
    table: str | None = None,
    partition: str | None = None,
    *,
    since: int = 0,
) -> dict[Key, Head]:
    """What a namespace has built itself: the current entry of each partition.

    Args:
        connection: The connection.
        namespace: The namespace.
        table: Only this table.
        partition: Only this partition.
        since: Only what commits after this one made current.
    """
    query = entries().join(HEADS, HEADS.c.entry_id == ENTRIES.c.id)
    query = query.where(HEADS.c.namespace == namespace)
    if since:
        query = query.where(ENTRIES.c.commit_id > since)
    if table is not None:
        query = query.where(HEADS.c.table_name == table)
    if partition is not None:
        query = query.where(HEADS.c.partition == partition)
    found = map(head, connection.execute(query))
    return {(each.table, each.partition): each for each in found}


def has_built(connection: sa.Connection, namespace: str, table: str) -> bool:
    """Whether a namespace has a partition of a table of its own."""
    query = sa.select(HEADS.c.entry_id).where(
        HEADS.c.namespace == namespace, HEADS.c.table_name == table
    )
    return connection.execute(query.limit(1)).first() is not None


def production_at(
    connection: sa.Connection, pin: int, table: str | None = None, partition: str | None = None
) -> dict[Key, Head]:
    """Production at a commit: all that its last commit up to there names."""
    last = (
        sa.select(sa.func.max(COMMITS.c.id))
        .where(COMMITS.c.namespace == PRODUCTION, COMMITS.c.id <= pin)
        .scalar_subquery()
    )
    query = entries().where(ENTRIES.c.commit_id == last, ENTRIES.c.namespace == PRODUCTION)
    if table is not None:
        query = query.where(ENTRIES.c.table_name == table)
    if partition is not None:
        query = query.where(ENTRIES.c.partition == partition)
    found = map(head, connection.execute(query))
    return {(each.table, each.partition): each for each in found}


def seen(connection: sa.Connection, namespace: str) -> dict[Key, Head]:
    """What a namespace sees: its own tables, and all others as production had them at its pin."""
    mine = own(connection, namespace)
    built = {table for table, _ in mine}
    pinned = production_at(connection, pin(connection, namespace))
    return mine | {key: each for key, each in pinned.items() if key[0] not in built}


def pin(connection: sa.Connection, namespace: str) -> int:
    """The last commit of production that a namespace reads through to.

    Of production, and of a namespace that is not there yet, it is today's.
    """
    if namespace == PRODUCTION:
        return newest_of_production(connection)
    query = sa.select(NAMESPACES.c.pin).where(NAMESPACES.c.name == namespace)
    found = connection.execute(query).scalar()
    return newest_of_production(connection) if found is None else int(found)


def newest(connection: sa.Connection) -> int:
    """The newest commit of all namespaces; 0 where there is none."""
    return int(connection.execute(sa.select(sa.func.max(COMMITS.c.id))).scalar() or 0)


def newest_of_production(connection: sa.Connection) -> int:
    """Production's last commit; 0 where there is none."""
    query = sa.select(sa.func.max(COMMITS.c.id)).where(COMMITS.c.namespace == PRODUCTION)
    return int(connection.execute(query).scalar() or 0)


def with_below(connection: sa.Connection, heads: Iterable[Head]) -> list[Head]:
    """The same heads, with the files that their layers lie over."""
    heads = list(heads)
    known: dict[str, File] = {}
    wanted = {each.file.base for each in heads if each.file.base is not None}
    while wanted:
        query = sa.select(*_FILE).where(FILES.c.version.in_(sorted(wanted)))
        found = {row.version: file(row) for row in connection.execute(query)}
        known |= found
        wanted = {f.base for f in found.values() if f.base is not None} - set(known)
    full = []
    for each in heads:
        below: list[File] = []
        base = each.file.base
        while base is not None:
            below.insert(0, known[base])
            base = known[base].base
        full.append(replace(each, below=tuple(below)))
    return full


def add_file(connection: sa.Connection, new: File) -> None:
    """Make a file known; one of a kept version is already."""
    known = sa.select(FILES.c.version).where(FILES.c.version == new.version)
    if connection.execute(known).first() is None:
        connection.execute(sa.insert(FILES).values(**vars(new)))


def add_context(connection: sa.Connection, context: Context | None) -> str | None:
    """Make it known with what something is made, and give its id."""
    if context is None:
        return None
    known = sa.select(CONTEXTS.c.id).where(CONTEXTS.c.id == context.id)
    if connection.execute(known).first() is None:
        connection.execute(
            sa.insert(CONTEXTS).values(
                id=context.id,
                code=context.code,
                ontology=context.ontology,
                settings=context.settings,
            )
        )
    return context.id


def add_commit(
    connection: sa.Connection,
    namespace: str,
    step: str,
    run_id: str | None = None,
    context: Context | None = None,
    details: dict[str, Any] | None = None,
) -> int:
    """Append a commit and give its number."""
    row = connection.execute(
        sa.insert(COMMITS)
        .values(
            namespace=namespace,
            step=step,
            run_id=run_id,
            time=now(),
            context=add_context(connection, context),
            details=json.dumps(details or {}, sort_keys=True),
        )
        .returning(COMMITS.c.id)
    ).one()
    return int(row.id)


def append(
    connection: sa.Connection,
    commit_id: int,
    namespace: str,
    key: Key,
    version: str,
    code_version: str,
    inputs: str,
    facets: frozenset[str] | None,
) -> None:
    """Append an entry and make it current."""
    place = {"namespace": namespace, "table_name": key[0], "partition": key[1]}
    entry = connection.execute(
        sa.insert(ENTRIES)
        .values(
            commit_id=commit_id,
            version=version,
            code_version=code_version,
            inputs=inputs,
            facets=dump_facets(facets),
            **place,
        )
        .returning(ENTRIES.c.id)
    ).one()
    current = [getattr(HEADS.c, column) == value for column, value in place.items()]
    before = connection.execute(sa.select(HEADS.c.entry_id).where(*current)).scalar()
    if before is None:
        connection.execute(sa.insert(HEADS).values(entry_id=entry.id, **place))
        return
    connection.execute(sa.update(ENTRIES).where(ENTRIES.c.id == before).values(ended=now()))
    connection.execute(sa.update(HEADS).where(*current).values(entry_id=entry.id))


def replace_tables(
    connection: sa.Connection,
    commit_id: int,
    namespace: str,
    tables: Sequence[str] | None,
    heads: Iterable[Head],
) -> None:
    """Let a namespace's tables be what heads say, and nothing besides.

    Args:
        connection: The transaction.
        commit_id: The commit that does it.
        namespace: Whose tables.
        tables: Their names; all that it has for None.
        heads: Current entries of these tables from now on.
    """
    drop_tables(connection, namespace, tables)
    rows = [
        {
            "commit_id": commit_id,
            "namespace": namespace,
            "table_name": each.table,
            "partition": each.partition,
            "version": each.file.version,
            "code_version": each.code_version,
            "inputs": dump(each.inputs),
            "facets": dump_facets(each.facets),
        }
        for each in sorted(heads, key=lambda one: (one.table, one.partition))
    ]
    if not rows:
        return
    connection.execute(sa.insert(ENTRIES), rows)
    made = sa.select(
        ENTRIES.c.namespace, ENTRIES.c.table_name, ENTRIES.c.partition, ENTRIES.c.id
    ).where(ENTRIES.c.commit_id == commit_id)
    names = ["namespace", "table_name", "partition", "entry_id"]
    connection.execute(sa.insert(HEADS).from_select(names, made))


def drop_tables(connection: sa.Connection, namespace: str, tables: Sequence[str] | None) -> None:
    """Let a namespace have no tables of these names; of any name for None."""
    mine = HEADS.c.namespace == namespace
    if tables is not None:
        mine = sa.and_(mine, HEADS.c.table_name.in_(sorted(tables)))
    ending = ENTRIES.c.id.in_(sa.select(HEADS.c.entry_id).where(mine))
    connection.execute(sa.update(ENTRIES).where(ending).values(ended=now()))
    connection.execute(sa.delete(HEADS).where(mine))


def dump(inputs: Iterable[Input]) -> str:
    """Inputs as the catalog keeps them."""
    return json.dumps([[i.table, i.partition, i.digest] for i in sorted(set(inputs))])


def dump_facets(facets: frozenset[str] | None) -> str | None:
    """Facets as the catalog keeps them."""
    return None if facets is None else json.dumps(sorted(facets))
