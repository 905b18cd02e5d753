"""What can be configured, with its meaning and a default that works; read from KG_ variables."""

from __future__ import annotations

import os
import re
from functools import cached_property
from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PRODUCTION = "prod"
"""The namespace that everyone reads through to and that no run may write."""


class Settings(BaseSettings):
    """Where things lie and how much of the machine may be used.

    Every field is read from the environment variable ``KG_<FIELD>``.
    """

    model_config = SettingsConfigDict(env_prefix="KG_", frozen=True, extra="ignore")

    home: Path = Field(
        default=Path(".kg"),
        description="Folder that holds all that the program writes; may be copied or moved.",
    )
    lake: Path | None = Field(
        default=None, description="Folder of the lake's Parquet files; default <home>/lake."
    )
    landing: Path | None = Field(
        default=None, description="Folder where deliveries arrive; default <home>/landing."
    )
    catalog: str | None = Field(
        default=None,
        description="SQLAlchemy address of the catalog; default SQLite in <home>/catalog.sqlite.",
    )
    namespace: str = Field(
        default="dev", description="Where a run writes. It starts from, and reads through to, prod."
    )
    workers: int = Field(
        default=os.cpu_count() or 1,
        ge=1,
        le=256,
        description="Processes that `kg build` runs side by side.",
    )
    threads: int = Field(
        default=os.cpu_count() or 1,
        ge=1,
        le=1024,
        description="Threads of one step's DuckDB session.",
    )
    memory_limit: str = Field(
        default="700MB",
        pattern=r"^[0-9]+(\.[0-9]+)?\s?(KB|MB|GB|TB|KiB|MiB|GiB|TiB)$",
        description="Memory of one step's DuckDB session, above which it spills to disk.",
    )
    max_blob_bytes: int = Field(
        default=32 * 1024 * 1024,
        ge=1024,
        description="A longer blob is quarantined; its position, length and SHA-256 are kept.",
    )
    max_decompressed_bytes: int = Field(
        default=64 * 1024**3,
        ge=1024,
        description="A compressed file is read up to this size; the rest is quarantined.",
    )
    quiet_seconds: float = Field(
        default=60.0,
        ge=0,
        description="A delivery without a _SUCCESS file is complete once unchanged for this long.",
    )
    shards: int | None = Field(
        default=None,
        ge=1,
        le=4096,
        description="Shards of every entity type; by default each type has a number of its own.",
    )
    host: str = Field(default="127.0.0.1", description="Address on which the UI listens.")
    port: int = Field(default=3000, ge=1, le=65535, description="Port on which the UI listens.")

    @field_validator("namespace")
    @classmethod
    def _plain_namespace(cls, value: str) -> str:
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,39}", value):
            raise ValueError(
                f"KG_NAMESPACE {value!r} is not allowed: use up to 40 lower-case letters, digits, "
                "- and _, starting with a letter or digit"
            )
        return value

    @cached_property
    def lake_path(self) -> Path:
        """Folder of the lake."""
        return (self.lake or self.home / "lake").absolute()

    @cached_property
    def landing_path(self) -> Path:
        """Folder where deliveries arrive."""
        return (self.landing or self.home / "landing").absolute()

    @cached_property
    def catalog_url(self) -> str:
        """SQLAlchemy address of the catalog."""
        return self.catalog or f"sqlite:///{(self.home / 'catalog.sqlite').absolute()}"

    @cached_property
    def published(self) -> Path:
        """The published graph of this namespace."""
        return (self.home / "published" / self.namespace / "kg.duckdb").absolute()

    @cached_property
    def vectors(self) -> Path:
        """Folder of this namespace's LanceDB tables."""
        return (self.home / "vectors" / self.namespace).absolute()

    @cached_property
    def dagster_home(self) -> Path:
        """Folder of this namespace's Dagster instance."""
        return (self.home / "dagster" / self.namespace).absolute()

    @cached_property
    def scratch(self) -> Path:
        """Folder for what a step spills and forgets."""
        return (self.home / "scratch").absolute()
