"""What can be configured, with its meaning and a default that works; read from KG_ variables."""

from __future__ import annotations

import getpass
import json
import os
import re
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import (
    AliasChoices,
    AnyHttpUrl,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from resources.places import HOLDS_A_SECRET
from resources.source_settings import SourceSettings

MOST_SHARDS = 4096
"""Most shards that an entity type can have."""

LOWEST_THRESHOLD = 0.05
"""Match probability below which no threshold can be configured."""

ScorerName = Literal["compiled", "splink", "classifier"]
"""The scorers of kg_assets.matching.scorers."""

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]

LanguageModelMode = Literal["live", "record", "replay", "only-stored"]
"""What answers a request to the language model: see `resources.llm.lane`."""


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may run under a number that has no name.
        return f"uid-{os.getuid()}"


class Settings(SourceSettings):
    """Where things lie and how much of the machine may be used.

    Every field is read from the environment variable ``KG_<FIELD>``.
    """

    home: Path = Field(
        default=Path(".kg"),
        description="Folder that holds all that the program writes; may be copied or moved.",
    )
    landing: Path | None = Field(
        default=None, description="Folder where deliveries arrive; default <home>/landing."
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
    shards: int | dict[str, int] | None = Field(
        default=None,
        description='Shards of every entity type, or by type as JSON ({"film": 64}); by default '
        "each type has a number of its own.",
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
    thresholds: dict[str, float] = Field(
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
    shared_ids: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="Systems of external ids that count as evidence, by entity type, as JSON: "
        '{"film": ["imdb"]}; none by default.',
    )
    user: str = Field(
        default_factory=_login_name,
        min_length=1,
        max_length=200,
        description="Who judges, where a judgement does not say; default the login name.",
    )
    llm_key: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("KG_LLM_KEY", "ANTHROPIC_API_KEY"),
        description="Key of the language model; ANTHROPIC_API_KEY does as well. Never stored.",
    )
    llm_base_url: str | None = Field(
        default=None,
        description="Address of an endpoint that speaks the Messages API; default Anthropic's.",
    )
    llm_model: str = Field(
        default="claude-haiku-5-5", min_length=1, description="The language model."
    )
    llm_mode: LanguageModelMode = Field(
        default="record",
        description="record: answers come from the store, and what it lacks is sent and stored; "
        "live: everything is sent and stored; replay: what the store says happened, errors too, "
        "and nothing is sent; only-stored: nothing is sent, what the store lacks is left out.",
    )
    llm_store: str | None = Field(
        default=None,
        repr=False,  # it may hold a password
        description="SQLAlchemy address of the store of answers and of the budget, SQLite or "
        "Postgres; default SQLite in <home>/llm.sqlite.",
    )
    llm_cap: Decimal = Field(
        default=Decimal(10),
        ge=0,
        description="US dollars that one build may spend on the language model, all processes.",
    )
    llm_budget: str | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        description="Name of the budget that the cap holds for; default a new one for each "
        "`kg build`, elsewhere one for each day (UTC).",
    )
    llm_prices: Path | None = Field(
        default=None,
        description="YAML or JSON file that corrects the price table resources/llm/prices.yaml.",
    )
    llm_requests_per_minute: int = Field(
        default=1000, ge=1, description="Requests a minute to one model, over all processes."
    )
    llm_tokens_per_minute: int = Field(
        default=400_000, ge=1, description="Tokens a minute of one model, over all processes."
    )
    llm_concurrency: int = Field(
        default=64, ge=1, le=1024, description="Requests that a process keeps in the air."
    )
    llm_timeout: float = Field(
        default=120.0, gt=0, description="Seconds after which a request has no answer."
    )
    llm_retries: int = Field(
        default=5,
        ge=0,
        le=100,
        description="How often a request is asked again after a passing fault; once at most after "
        "a time-out, which may have been paid for.",
    )
    llm_backoff: float = Field(
        default=0.5,
        gt=0,
        description="Seconds before the first such try where the endpoint names none; then twice "
        "as long each time.",
    )
    llm_reservation_seconds: float = Field(
        default=3600.0,
        gt=0,
        description="Seconds after which money that was reserved and never settled, since its "
        "process died, is noted as lost; it goes on counting against the cap of its build.",
    )
    llm_batch_poll_seconds: float = Field(
        default=60.0, gt=0, description="Seconds between two looks at a batch that is waited for."
    )
    log_level: LogLevel = Field(default="WARNING", description="What is logged at least.")
    log_format: Literal["text", "json"] = Field(
        default="text", description="Form of the log: lines of text, or of JSON."
    )
    host: str = Field(
        default="127.0.0.1", pattern=r"^[^\s/@]+$", description="Address on which the UI listens."
    )
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

    @field_validator(
        "thresholds",
        "scorers",
        "shadow_scorers",
        "shared_ids",
        "extractors",
        "shadow_extractors",
        "policies",
        mode="before",
    )
    @classmethod
    def _read_json(cls, value: object, info: ValidationInfo) -> object:
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value or "{}")
        except json.JSONDecodeError as error:
            example = {
                "thresholds": 0.9,
                "scorers": "splink",
                "shadow_scorers": "splink",
                "shared_ids": ["imdb"],
                "policies": "off",
            }
            raise ValueError(
                f"KG_{str(info.field_name).upper()} is not JSON ({error}): write for example "
                f"{json.dumps({'film': example.get(str(info.field_name), 'llm+rules')})}"
            ) from None

    @field_validator("llm_key", "embedding_key")
    @classmethod
    def _plain_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        # A key that was read from a file often ends in a line break. In a header it would be an
        # error, and the error would show the key.
        key = value.get_secret_value().strip()
        if not (key.isascii() and key.isprintable()) or " " in key:
            raise ValueError("the key has characters that no key has, such as a space or quotes")
        return SecretStr(key) if key else None

    @field_validator("llm_base_url")
    @classmethod
    def _web_address(cls, value: str | None) -> str | None:
        try:
            TypeAdapter(AnyHttpUrl | None).validate_python(value)
        except ValidationError:
            raise ValueError("write an address such as https://HOST or http://HOST:PORT") from None
        return value

    @field_validator("shards", mode="before")
    @classmethod
    def _shards_by_type(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value else None
        except json.JSONDecodeError:
            raise ValueError('write a number, or JSON such as {"film": 64}') from None

    @field_validator("shards")
    @classmethod
    def _sound_shards(cls, value: int | dict[str, int] | None) -> int | dict[str, int] | None:
        for count in value.values() if isinstance(value, dict) else [value]:
            if count is not None and not 1 <= count <= MOST_SHARDS:
                raise ValueError(f"{count} shards: there are 1 to {MOST_SHARDS:,}")
        return value

    def shards_of(self, entity_type: str, declared: int) -> int:
        """How many shards an entity type has.

        Args:
            entity_type: The type.
            declared: What its model declares.
        """
        if isinstance(self.shards, dict):
            return self.shards.get(entity_type, declared)
        return self.shards or declared

    @field_validator("llm_base_url", "embedding")
    @classmethod
    def _no_password(cls, value: str | None, info: ValidationInfo) -> str | None:
        # The name of an address is kept with what was made through it, and shown in errors.
        if value is not None and HOLDS_A_SECRET.search(value):
            key = "KG_LLM_KEY" if info.field_name == "llm_base_url" else "KG_EMBEDDING_KEY"
            raise ValueError(f"the address holds a user or a password; a key belongs into {key}")
        return value

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
        """Folder of the lake, where it lies in one."""
        return Path(self.lake or self.home / "lake").absolute()

    @cached_property
    def landing_path(self) -> Path:
        """Folder where deliveries arrive."""
        return (self.landing or self.home / "landing").absolute()

    @cached_property
    def catalog_url(self) -> str:
        """SQLAlchemy address of the catalog."""
        return self.catalog or f"sqlite:///{(self.home / 'catalog.sqlite').absolute()}"

    @cached_property
    def llm_store_url(self) -> str:
        """SQLAlchemy address of the language model's store."""
        return self.llm_store or f"sqlite:///{(self.home / 'llm.sqlite').absolute()}"

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
        return ((self.local or self.home) / "scratch").absolute()

    @cached_property
    def cache(self) -> Path:
        """Folder of this machine for copies of files, and what it derives from them or knows."""
        return ((self.local or self.home) / "cache").absolute()
