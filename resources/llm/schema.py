"""The SQL tables of the response store and of the budget; used by `store` and `ledger`."""

from __future__ import annotations

import sqlalchemy as sa

METADATA = sa.MetaData()

PREFIXES = sa.Table(
    "llm_prefixes",
    METADATA,
    sa.Column("hash", sa.String(64), primary_key=True),
    sa.Column("content", sa.LargeBinary, nullable=False, comment="system, tools; zlib of JSON"),
)
REQUESTS = sa.Table(
    "llm_requests",
    METADATA,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("model", sa.String, nullable=False),
    sa.Column("api_version", sa.String, nullable=False),
    sa.Column("schema_hash", sa.String(64), nullable=False),
    sa.Column("prefix", sa.String(64), sa.ForeignKey("llm_prefixes.hash"), nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False, comment="Length of the canonical body"),
    sa.Column("body", sa.LargeBinary, nullable=False, comment="The rest of it; zlib of JSON"),
    sa.Index("llm_requests_alike", "model", "schema_hash"),
)
ATTEMPTS = sa.Table(
    "llm_attempts",
    METADATA,
    # SQLite counts up only where the type is exactly INTEGER.
    sa.Column(
        "id",
        sa.BigInteger().with_variant(sa.Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    sa.Column("key", sa.String(64), sa.ForeignKey("llm_requests.key"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False, comment="Counted from 1 for each key"),
    sa.Column("lane", sa.String, nullable=False, comment="direct, or the id of the batch"),
    sa.Column("budget", sa.String, nullable=False),
    sa.Column("time", sa.String, nullable=False),
    sa.Column("outcome", sa.String, nullable=False),
    sa.Column("status", sa.Integer, comment="HTTP status; null where none came"),
    sa.Column("request_id", sa.String),
    sa.Column("message_id", sa.String, index=True),
    sa.Column("input", sa.BigInteger, nullable=False),
    sa.Column("cache_read", sa.BigInteger, nullable=False),
    sa.Column("cache_write_5m", sa.BigInteger, nullable=False),
    sa.Column("cache_write_1h", sa.BigInteger, nullable=False),
    sa.Column("output", sa.BigInteger, nullable=False),
    sa.Column("cost", sa.BigInteger, nullable=False, comment="Nano-dollars"),
    sa.Column("content", sa.LargeBinary, nullable=False, comment="Body as it came; zlib"),
    sa.UniqueConstraint("key", "number"),
)
ANSWERS = sa.Table(
    "llm_answers",
    METADATA,
    sa.Column("key", sa.String(64), sa.ForeignKey("llm_requests.key"), primary_key=True),
    sa.Column("attempt", sa.ForeignKey("llm_attempts.id"), nullable=False),
)
BUDGETS = sa.Table(
    "llm_budgets",
    METADATA,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("spent", sa.BigInteger, nullable=False, comment="Nano-dollars, settled"),
    sa.Column("reserved", sa.BigInteger, nullable=False, comment="Nano-dollars, in the air"),
    sa.Column("lost", sa.BigInteger, nullable=False, comment="Nano-dollars, never settled"),
)
RESERVATIONS = sa.Table(
    "llm_reservations",
    METADATA,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("budget", sa.String, sa.ForeignKey("llm_budgets.name"), nullable=False),
    sa.Column("key", sa.String(64), nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False, comment="Nano-dollars"),
    sa.Column("tokens", sa.BigInteger, nullable=False, comment="Counted against the rate"),
    sa.Column("batch", sa.String(32), index=True, comment="The batch that it is for, if any"),
    sa.Column("expires", sa.BigInteger, nullable=False, index=True, comment="Unix microseconds"),
)
PACES = sa.Table(
    "llm_paces",
    METADATA,
    sa.Column("model", sa.String, primary_key=True),
    sa.Column("requests", sa.BigInteger, nullable=False, comment="Unix microseconds"),
    sa.Column("tokens", sa.BigInteger, nullable=False, comment="Unix microseconds"),
    sa.Column("paused", sa.BigInteger, nullable=False, comment="Nothing is sent before"),
)
BATCHES = sa.Table(
    "llm_batches",
    METADATA,
    sa.Column("id", sa.String(32), primary_key=True, comment="Ours, known before it is sent"),
    sa.Column("remote", sa.String, unique=True, comment="The provider's, known after"),
    sa.Column("budget", sa.String, nullable=False),
    sa.Column("state", sa.String, nullable=False, comment="intended, sent, collected or void"),
    sa.Column("made", sa.BigInteger, nullable=False, comment="Unix microseconds"),
    sa.Column("requests", sa.Integer, nullable=False),
)
