"""Settings that say on which machines things lie and run: lake, catalog, broker, who executes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal, Self

from pydantic import AliasChoices, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_BUCKET = re.compile(
    r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?P<prefix>/[\w!.*'()/-]*)?"
)

HOLDS_A_SECRET = re.compile(
    r"://[^/\s]*@|[?&](?:ssl)?(?:password|api_?key|token|secret)=", re.IGNORECASE
)
"""A user, a password or a key inside an address."""


class Places(BaseSettings):
    """Where the parts of the program are, if not all on one machine.

    Every field is read from the environment variable ``KG_<FIELD>``.
    """

    model_config = SettingsConfigDict(
        env_prefix="KG_",
        frozen=True,
        extra="ignore",
        populate_by_name=True,
        # What is wrong may be a key or a password.
        hide_input_in_errors=True,
        # The library's own decoding does not say in which variable there is no JSON, or where.
        enable_decoding=False,
    )

    local: Path | None = Field(
        default=None,
        description="Folder on this machine's own disk for what steps spill and for copies of "
        "files that lie in a bucket; default <home>.",
    )
    lake: str | None = Field(
        default=None,
        description="Where the lake's Parquet files lie: a folder, or s3://BUCKET/PREFIX (extra "
        "`s3`); default <home>/lake.",
    )
    cache_bytes: int = Field(
        default=20 * 1024**3,
        ge=0,
        description="Bytes of a bucket's files that a machine keeps copies of, and of files that "
        "it derives from the lake's; what is in use comes on top.",
    )
    copied_rows: int = Field(
        default=200_000,
        ge=0,
        description="Rows from which a table is large: a machine then has a copy of it, several "
        "times its size, in which an update finds the few rows that it needs.",
    )
    s3_endpoint: str | None = Field(
        default=None,
        validation_alias=AliasChoices("KG_S3_ENDPOINT", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
        description="Address of a server that speaks S3; default Amazon's.",
    )
    s3_region: str | None = Field(
        default=None,
        validation_alias=AliasChoices("KG_S3_REGION", "AWS_REGION", "AWS_DEFAULT_REGION"),
        description="Region of the bucket.",
    )
    s3_key_id: SecretStr | None = Field(
        default=None,
        repr=False,
        validation_alias=AliasChoices("KG_S3_KEY_ID", "AWS_ACCESS_KEY_ID"),
        description="Id of the key to the bucket; without one the machine's role is used.",
    )
    s3_secret: SecretStr | None = Field(
        default=None,
        repr=False,
        validation_alias=AliasChoices("KG_S3_SECRET", "AWS_SECRET_ACCESS_KEY"),
        description="The key to the bucket; never stored.",
    )
    s3_token: SecretStr | None = Field(
        default=None,
        repr=False,
        validation_alias=AliasChoices("KG_S3_TOKEN", "AWS_SESSION_TOKEN"),
        description="Token of a key that holds for a time only.",
    )
    catalog: str | None = Field(
        default=None,
        repr=False,  # it may hold a password
        description="SQLAlchemy address of the catalog, SQLite or Postgres (extra `postgres`); "
        "default SQLite in <home>/catalog.sqlite.",
    )
    launcher: Literal["local", "celery"] = Field(
        default="local",
        description="Who executes runs: processes of this machine, or Celery workers of any "
        "(extra `cluster`).",
    )
    broker: SecretStr | None = Field(
        default=None,
        repr=False,
        description="Address of the broker of the Celery workers, redis://:PASSWORD@HOST:PORT/0.",
    )
    dagster_storage: SecretStr | None = Field(
        default=None,
        repr=False,
        description="Address of a Postgres database for Dagster's runs and events, "
        "postgresql://USER:PASSWORD@HOST/DATABASE; each namespace has a schema in it.",
    )

    @field_validator("lake")
    @classmethod
    def _lake_place(cls, value: str | None) -> str | None:
        if value is not None and "://" in value and not _BUCKET.fullmatch(value):
            raise ValueError("write a folder, or s3://BUCKET/PREFIX")
        return value or None

    @field_validator("s3_endpoint")
    @classmethod
    def _plain_endpoint(cls, value: str | None) -> str | None:
        if value is not None and HOLDS_A_SECRET.search(value):
            raise ValueError("the address holds a user or a key; a key belongs into KG_S3_SECRET")
        return value or None

    @model_validator(mode="after")
    def _whole_cluster(self) -> Self:
        if self.launcher == "celery":
            there = {
                "KG_BROKER": self.broker is not None,
                "KG_DAGSTER_STORAGE": self.dagster_storage is not None,
                "KG_CATALOG in Postgres": (self.catalog or "").startswith("postgresql"),
            }
            missing = [name for name, given in there.items() if not given]
            if missing:
                raise ValueError(f"KG_LAUNCHER=celery needs {', '.join(missing)} as well")
        return self

    @property
    def bucket(self) -> tuple[str, str] | None:
        """Bucket and prefix of a lake in an object store, None for one in a folder."""
        found = _BUCKET.fullmatch(self.lake or "")
        return None if found is None else (found["bucket"], (found["prefix"] or "").strip("/"))
