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
