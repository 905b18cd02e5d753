"""The SQL tables of the catalog; what is done with them belongs to `resources.catalog`."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa

from resources.team_settings import PRODUCTION

METADATA = sa.MetaData()

NAMESPACES = sa.Table(
    "namespaces",
    METADATA,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("pin", sa.Integer, nullable=False, comment="Last commit of prod that is read"),
)
CONTEXTS = sa.Table(
    "contexts",
    METADATA,
    sa.Column("id", sa.String, primary_key=True, comment="Hash of all that follows"),
    sa.Column("code", sa.String, nullable=False, comment="Revision of git, or the package"),
    sa.Column("ontology", sa.String, nullable=False, comment="Content hash of the ontology"),
    sa.Column("settings", sa.Text, nullable=False, comment="JSON object, without secrets"),
)
COMMITS = sa.Table(
    "commits",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("namespace", sa.String, nullable=False),
    sa.Column("step", sa.String, nullable=False),
    sa.Column("run_id", sa.String),
    sa.Column("time", sa.String, nullable=False),
    sa.Column("context", sa.String, comment="With which code and configuration"),
    sa.Column("details", sa.Text, comment="JSON object: seconds and what checks found"),
)
FILES = sa.Table(
    "files",
    METADATA,
    sa.Column("version", sa.String, primary_key=True),
    sa.Column("path", sa.String, nullable=False, comment="Relative to the lake"),
    sa.Column("sha256", sa.String, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("columns", sa.Text, nullable=False, comment="JSON object of column to Arrow type"),
    sa.Column("digest", sa.String, index=True, comment="Hash of the content of the version"),
    sa.Column("base", sa.String, comment="Version over which this layer lies, if it is one"),
    sa.Column("changed", sa.BigInteger, comment="Rows of a layer, 0 for a whole file"),
    sa.Column("removed", sa.String, comment="When the file was removed as too old"),
)
ENTRIES = sa.Table(
    "entries",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("commit_id", sa.Integer, sa.ForeignKey("commits.id"), nullable=False, index=True),
    sa.Column("namespace", sa.String, nullable=False),
    sa.Column("table_name", sa.String, nullable=False),
    sa.Column("partition", sa.String, nullable=False),
    sa.Column("version", sa.String, sa.ForeignKey("files.version"), nullable=False, index=True),
    sa.Column("code_version", sa.String, nullable=False),
    sa.Column("inputs", sa.Text, nullable=False, comment="JSON list of [table, partition, digest]"),
    sa.Column("ended", sa.String, comment="When it ceased to be current"),
    sa.Column("facets", sa.Text, comment="JSON list of what it holds, null where nobody noted it"),
    sa.Index("entries_of_partition", "namespace", "table_name", "partition"),
)
HEADS = sa.Table(
    "heads",
    METADATA,
    sa.Column("namespace", sa.String, primary_key=True),
    sa.Column("table_name", sa.String, primary_key=True),
    sa.Column("partition", sa.String, primary_key=True),
    sa.Column("entry_id", sa.Integer, sa.ForeignKey("entries.id"), nullable=False),
)
PROMOTIONS = sa.Table(
    "promotions",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("commit_id", sa.Integer, sa.ForeignKey("commits.id"), nullable=False),
    sa.Column("namespace", sa.String, nullable=False, comment="What was promoted"),
    sa.Column("back_to", sa.Integer, comment="The promotion that a rollback went back to"),
    sa.Column("files", sa.String, nullable=False, comment="Folder of what was published with it"),
    sa.Column("who", sa.String, nullable=False),
    sa.Column("time", sa.String, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("figures", sa.Text, nullable=False, comment="JSON: the comparison with before"),
)
"""How production came to be what it is: promotions and rollbacks."""


def is_outdated(connection: sa.Connection) -> bool:
    """Whether an earlier version of the program made the catalog, so that columns are missing."""
    inspector = sa.inspect(connection)
    there = set(inspector.get_table_names()) & set(METADATA.tables)
    return any(
        {column.name for column in METADATA.tables[name].columns}
        > {column["name"] for column in inspector.get_columns(name)}
        for name in there
    )


def bring_up_to_date(connection: sa.Connection) -> None:
    """Bring a catalog of an earlier version up to date."""
    inspector = sa.inspect(connection)
    added: set[str] = set()
    for table in METADATA.sorted_tables:
        known = {column["name"] for column in inspector.get_columns(table.name)}
        for column in table.columns:
            if column.name in known:
                continue
            kind = column.type.compile(connection.dialect)
            connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {column.name} {kind}")
            added.add(f"{table.name}.{column.name}")
        if added:
            for index in table.indexes:
                index.create(connection, checkfirst=True)
    if "files.digest" in added:
        whole = sa.update(FILES).where(FILES.c.digest.is_(None))
        connection.execute(whole.values(digest=FILES.c.sha256, changed=0))
    if "entries.ended" in added:
        _end_what_is_past(connection)
        _make_production_whole(connection)


def _end_what_is_past(connection: sa.Connection) -> None:
    """Entries that are not current ended at the latest now."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    past = ENTRIES.c.id.not_in(sa.select(HEADS.c.entry_id))
    connection.execute(sa.update(ENTRIES).where(past).values(ended=now))


def _make_production_whole(connection: sa.Connection) -> None:
    """Let each commit of production name all of its tables: earlier ones named what changed."""
    columns = [c for c in ENTRIES.c if c.name not in ("id", "commit_id")]
    query = sa.select(COMMITS.c.id, COMMITS.c.step, COMMITS.c.time)
    query = query.where(COMMITS.c.namespace == PRODUCTION).order_by(COMMITS.c.id)
    before: dict[str, list[dict[str, object]]] = {}
    for commit_id, step, time in connection.execute(query).fetchall():
        rows = connection.execute(sa.select(*columns).where(ENTRIES.c.commit_id == commit_id))
        named: dict[str, list[dict[str, object]]] = {}
        for row in rows.mappings():
            named.setdefault(row["table_name"], []).append(dict(row))
        kept = [row for table in sorted(set(before) - set(named)) for row in before[table]]
        if kept:
            connection.execute(
                sa.insert(ENTRIES), [{**row, "commit_id": commit_id} for row in kept]
            )
        before = before | named
        connection.execute(
            sa.insert(PROMOTIONS).values(
                commit_id=commit_id,
                namespace=step.removeprefix("promote "),
                files=f"of-commit-{commit_id}",
                who="unknown",
                time=time,
                reason="before promotions were recorded",
                figures="{}",
            )
        )
