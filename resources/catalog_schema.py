"""The SQL tables of the catalog; what is done with them belongs to `resources.catalog`."""

from __future__ import annotations

import sqlalchemy as sa

METADATA = sa.MetaData()

NAMESPACES = sa.Table(
    "namespaces",
    METADATA,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("pin", sa.Integer, nullable=False, comment="Last commit of prod that is read"),
)
COMMITS = sa.Table(
    "commits",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("namespace", sa.String, nullable=False),
    sa.Column("step", sa.String, nullable=False),
    sa.Column("run_id", sa.String),
    sa.Column("time", sa.String, nullable=False),
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
)
ENTRIES = sa.Table(
    "entries",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("commit_id", sa.Integer, sa.ForeignKey("commits.id"), nullable=False, index=True),
    sa.Column("namespace", sa.String, nullable=False),
    sa.Column("table_name", sa.String, nullable=False),
    sa.Column("partition", sa.String, nullable=False),
    sa.Column("version", sa.String, sa.ForeignKey("files.version"), nullable=False),
    sa.Column("code_version", sa.String, nullable=False),
    sa.Column("inputs", sa.Text, nullable=False, comment="JSON list of [table, partition, digest]"),
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


def add_layers(connection: sa.Connection) -> None:
    """Bring a catalog up to date that was made when every file held its version whole."""
    known = {column["name"] for column in sa.inspect(connection).get_columns(FILES.name)}
    missing = [FILES.c[name] for name in ("digest", "base", "changed") if name not in known]
    for column in missing:
        kind = column.type.compile(connection.dialect)
        connection.exec_driver_sql(f"ALTER TABLE {FILES.name} ADD COLUMN {column.name} {kind}")
    if missing:
        whole = sa.update(FILES).where(FILES.c.digest.is_(None))
        connection.execute(whole.values(digest=FILES.c.sha256, changed=0))
        for index in FILES.indexes:
            index.create(connection, checkfirst=True)
