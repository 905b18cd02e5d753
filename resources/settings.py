"""What can be configured, with its meaning and a default that works; read from KG_ variables."""

from __future__ import annotations

import getpass
import json
import os
import re
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PRODUCTION = "prod"
"""The namespace that everyone reads through to and that no run may write."""


LOWEST_THRESHOLD = 0.05
"""Match probability below which no threshold can be configured."""


ScorerName = Literal["compiled", "splink", "classifier"]
"""The scorers of kg_assets.matching.scorers."""


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may run under a number that has no name.
        return f"uid-{os.getuid()}"


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
        default="500MB",
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
    layer_share: float = Field(
        default=0.1,
        gt=0,
        description="Share of a table's rows that layers may change before they are compacted; a "
        "delivery that changes more than this share makes everything after it again.",
    )
    layers: int = Field(
        default=8,
        ge=0,
        le=64,
        description="Layers over a table's file before they are compacted into a new one.",
    )
    thresholds: Annotated[dict[str, float], NoDecode] = Field(
        default_factory=dict,
        description="Match probabilities from which pairs are edges, instead of those that were "
        'measured: JSON such as {"film": 0.9, "film|cannes_films|wikidata_films": 0.85}, by '
        "entity type, or by entity type and two sources (twice the same: inside it).",
    )
    scorers: dict[str, ScorerName] = Field(
        default_factory=dict,
        description='Scorer by entity type, as JSON ({"film": "splink"}); by default each model '
        "names its own: compiled (Splink's answer, quicker), splink, or classifier (trained on "
        "judgements).",
    )
    shadow_scorers: dict[str, ScorerName] = Field(
        default_factory=dict,
        description="Second scorer by entity type, as JSON; it decides nothing and is compared "
        "with the first in <type>/scorer_comparison.",
    )
    embedding: str = Field(
        default="hashed-words",
        description="What makes vectors of texts: hashed-words (no download), "
        "sentence-transformers:MODEL, or openai:MODEL@https://HOST/v1 (an API of that form).",
    )
    embedding_key: SecretStr | None = Field(
        default=None, repr=False, description="Key of the API of KG_EMBEDDING; never stored."
    )
    user: str = Field(
        default_factory=_login_name,
        min_length=1,
        max_length=200,
        description="Who judges, where a judgement does not say; default the login name.",
    )
    host: str = Field(default="127.0.0.1", description="Address on which the UI listens.")
    port: int = Field(default=3000, ge=1, le=65535, description="Port on which the UI listens.")

    def __hash__(self) -> int:
        """A hash of all fields, of which some are mappings; the settings are frozen."""
        return hash(self.model_dump_json())

    @field_validator("namespace")
    @classmethod
    def _plain_namespace(cls, value: str) -> str:
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,39}", value):
            raise ValueError(
                f"KG_NAMESPACE {value!r} is not allowed: use up to 40 lower-case letters, digits, "
                "- and _, starting with a letter or digit"
            )
        return value

    @field_validator("thresholds", mode="before")
    @classmethod
    def _read_thresholds(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value or "{}")
        except json.JSONDecodeError as error:
            raise ValueError(
                f"KG_THRESHOLDS is not JSON ({error}): write for example '{{\"film\": 0.9}}'"
            ) from None

    @field_validator("thresholds")
    @classmethod
    def _sound_thresholds(cls, value: dict[str, float]) -> dict[str, float]:
        sound: dict[str, float] = {}
        for key, threshold in value.items():
            entity_type, *sources = key.split("|")
            if len(sources) not in (0, 2) or not all((entity_type, *sources)):
                raise ValueError(
                    f"KG_THRESHOLDS: {key!r} is neither an entity type nor an entity type and two "
                    "sources: write film or film|cannes_films|wikidata_films"
                )
            # Of pairs further below even odds only a bound of the weight is known.
            if not LOWEST_THRESHOLD <= threshold < 1:
                raise ValueError(
                    f"KG_THRESHOLDS: {threshold!r} for {key!r} is no match probability to join "
                    f"records by; it must be at least {LOWEST_THRESHOLD} and below 1"
                )
            ordered = "|".join((entity_type, *sorted(sources)))
            if ordered in sound:
                raise ValueError(f"KG_THRESHOLDS gives {ordered!r} twice")
            sound[ordered] = threshold
        return sound

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
    def reports(self) -> Path:
        """Folder of this namespace's reports."""
        return (self.home / "reports" / self.namespace).absolute()

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
