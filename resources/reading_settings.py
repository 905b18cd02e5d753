"""Settings of reading texts: which are worth it, who reads them, and what makes vectors of them."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from resources.team_settings import TeamSettings


class ExtractorPlan(BaseModel):
    """Who reads the texts about an entity type.

    Attributes:
        order: Names of extractors; the next is asked where one could not read a text.
        threshold: Confidence below which a fact is not kept.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    order: tuple[str, ...] = Field(min_length=1)
    threshold: float = Field(default=0.0, ge=0.0, le=1.0)

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, value: object) -> object:
        if isinstance(value, str):
            return {"order": (value,)}
        return {"order": value} if isinstance(value, list | tuple) else value


class PolicyPlan(BaseModel):
    """Which entities of a type have their texts read; what is not said stays as it is declared.

    Attributes:
        off: Whether none are.
        relations: Relations that are looked for.
        shortest_text: Characters below which a text is not read.
        records_from: An entity is worth it from so many records on.
        sources_from: From so many sources on.
        degree_from: From so many relations on that its records state.
        year_from: From this year on; without a year it is not.
        votes_from: From so many votes of users on; where none are known it is not.
        most: Of how many entities at most texts are read, those of most sources first.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    off: bool = False
    relations: tuple[str, ...] | None = Field(default=None, min_length=1)
    shortest_text: int | None = Field(default=None, ge=0)
    records_from: int = Field(default=1, ge=1)
    sources_from: int = Field(default=1, ge=1)
    degree_from: int = Field(default=0, ge=0)
    year_from: int | None = None
    votes_from: int | None = Field(default=None, ge=0)
    most: int | None = Field(default=None, ge=0)

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: object) -> object:
        return {"off": True} if value == "off" else value


class ReadingSettings(TeamSettings):
    """Whose texts are read, and by whom.

    Every field is read from the environment variable ``KG_<FIELD>``.
    """

    extractors: dict[str, ExtractorPlan] = Field(
        default_factory=dict,
        description='Who reads texts, by entity type, as JSON: {"film": ["llm", "rules"]} asks the '
        'language model and, for what it could not read, the rules; "llm+rules" is both at once; '
        '{"film": {"order": ["llm"], "threshold": 0.6}} keeps only surer facts. Default: rules.',
    )
    shadow_extractors: dict[str, str] = Field(
        default_factory=dict,
        description="Second extractor by entity type, as JSON; it reads the same texts, decides "
        "nothing and is compared with the first in <type>/extractor_comparison.",
    )
    policies: dict[str, PolicyPlan] = Field(
        default_factory=dict,
        description='Whose texts are worth reading, by entity type, as JSON: {"book": "off"}, or '
        '{"film": {"sources_from": 2, "degree_from": 5, "year_from": 1990, "votes_from": 1000, '
        '"most": 10000, '
        '"shortest_text": 80, "relations": ["based_on"]}}; default: all that lack a relation and '
        "have a text.",
    )
    confidence_weights: Path | None = Field(
        default=None,
        description="File of weights by which facts get their confidence, as `kg calibrate` "
        "writes it. Default: the weights that ship.",
    )
    embedding: str = Field(
        default="hashed-words",
        description="What makes vectors of texts: hashed-words (no download), "
        "sentence-transformers:MODEL, or openai:MODEL@https://HOST/v1 (an API of that form).",
    )
    embedding_key: SecretStr | None = Field(
        default=None, repr=False, description="Key of the API of KG_EMBEDDING; never stored."
    )
