"""What a configuration may say of the texts that are worth reading, for one entity type."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator


class PolicyPlan(BaseModel):
    """Which entities of a type have their texts read; what is not said stays as it is declared.

    Attributes:
        off: Whether none are.
        relations: Relations that are looked for.
        shortest_text: Characters below which a text is not read.
        records_from: An entity is worth it from so many records on.
        sources_from: From so many sources on.
        year_from: From this year on; without a year it is not.
        most: Of how many entities at most texts are read, those of most sources first.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    off: bool = False
    relations: tuple[str, ...] | None = Field(default=None, min_length=1)
    shortest_text: int | None = Field(default=None, ge=0)
    records_from: int = Field(default=1, ge=1)
    sources_from: int = Field(default=1, ge=1)
    year_from: int | None = None
    most: int | None = Field(default=None, ge=0)

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: object) -> object:
        return {"off": True} if value == "off" else value
