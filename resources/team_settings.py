"""Settings of working side by side: how production changes, and how long what was is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator

from resources.places import Places

PRODUCTION = "prod"
"""The namespace that everyone reads through to and that no run may write."""


class Gates(BaseModel):
    """How much a promotion may change; more than this needs a reason.

    Shares are of what production holds, from 0 to 1.

    Attributes:
        records_lost: Records of a type that are gone.
        entities_lost: Entities of a type none of whose records remain.
        entities_merged: Entities of a type whose records are in one entity with another's.
        entities_split: Entities of a type whose records are in several entities.
        ids_changed: Entities of a type with the same records under another id.
        relations_lost: Relations of a kind that are gone.
        f1_fall: By how much F1 against links or judgements may be lower.
        fewest: Number of things below which no share is too large: of three events one may go.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    records_lost: float = Field(default=0.05, ge=0, le=1)
    entities_lost: float = Field(default=0.05, ge=0, le=1)
    entities_merged: float = Field(default=0.05, ge=0, le=1)
    entities_split: float = Field(default=0.05, ge=0, le=1)
    ids_changed: float = Field(default=0.001, ge=0, le=1)
    relations_lost: float = Field(default=0.1, ge=0, le=1)
    f1_fall: float = Field(default=0.005, ge=0, le=1)
    fewest: int = Field(default=10, ge=1)


class TeamSettings(Places):
    """The part of `resources.settings.Settings` that is about several namespaces."""

    promote: Literal["by-hand", "auto"] = Field(
        default="by-hand",
        description="auto: when the daemon has brought the namespace up to date, it promotes it "
        "to production, if the gates allow it. Meant for KG_NAMESPACE=prod-next.",
    )
    update_retry_seconds: float = Field(
        default=60.0,
        ge=0,
        le=86_400,
        description="Seconds after which the daemon tries an update again that failed; twice as "
        "long each time that it fails in the same state.",
    )
    update_retries: int = Field(
        default=6,
        ge=0,
        le=24,
        description="How often the daemon tries an update again that fails in the same state; "
        "when anything has changed it starts anew.",
    )
    gates: Gates = Field(
        default_factory=Gates,
        description="How much a promotion may change without a reason, as JSON "
        '({"entities_lost": 0.02}), in shares of what production holds, of each type or kind.',
    )
    links: Path | None = Field(
        default=None,
        description="TSV of true links, as `kg evaluate` takes it, by which a promotion compares "
        "a namespace with production.",
    )
    llm_paused: bool = Field(
        default=False,
        description="Nothing is sent to the language model: what the store of answers lacks is "
        "left for the first build after the pause; all else goes on.",
    )
    keep_days: float = Field(
        default=30.0,
        ge=0,
        description="Days for which versions of tables are kept after they ceased to be current.",
    )
    keep_promotions: int = Field(
        default=10,
        ge=1,
        description="Last promotions of production that are kept whole, for `kg rollback`.",
    )
    keep_run_days: float = Field(
        default=90.0,
        ge=0,
        description="Days for which Dagster's runs and logs are kept; a run that made what an "
        "asset is now stays.",
    )

    def in_namespace(self, namespace: str) -> Self:
        """The same settings for another namespace."""
        return type(self)(**(self.model_dump() | {"namespace": namespace}))

    def with_paused_model(self) -> Self:
        """The same settings while the language model is paused."""
        return type(self)(**(self.model_dump() | {"llm_paused": True}))

    @property
    def published_versions(self) -> Path:
        """Folder with what was published with each promotion."""
        home: Path = self.home  # type: ignore[attr-defined]
        return (home / "published" / PRODUCTION / "versions").absolute()

    @property
    def build_lock(self) -> str:
        """Name of the lock that a build of this namespace holds."""
        name: str = self.namespace  # type: ignore[attr-defined]
        return f"build-{name}"

    @field_validator("gates", mode="before")
    @classmethod
    def _read_gates(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value or "{}")
        except json.JSONDecodeError as error:
            example = json.dumps({"entities_lost": 0.02})
            raise ValueError(
                f"KG_GATES is not JSON ({error}): write for example {example}"
            ) from None
