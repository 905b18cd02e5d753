"""Settings of what arrives: how large it may be, when it is complete, when it is expected."""

from __future__ import annotations

import json

from pydantic import Field, field_validator

from resources.reading_settings import ReadingSettings

LONGEST_WAIT_DAYS = 36_525
"""A hundred years: what is expected later is not expected."""


class SourceSettings(ReadingSettings):
    """What is taken from sources, and when it is missed.

    Every field is read from the environment variable ``KG_<FIELD>``.
    """

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
    expected_every_days: dict[str, float | None] = Field(
        default_factory=dict,
        description="Days within which the next delivery of a source is expected, as JSON "
        '({"imdb": 7, "tmdb": null}); null: never. Outranks delivery.json and the adapter.',
    )

    @field_validator("expected_every_days", mode="before")
    @classmethod
    def _read_days(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value or "{}")
        except json.JSONDecodeError as error:
            raise ValueError(
                f'KG_EXPECTED_EVERY_DAYS is not JSON ({error}): write for example {{"imdb": 7}}'
            ) from None

    @field_validator("expected_every_days")
    @classmethod
    def _sound_days(cls, value: dict[str, float | None]) -> dict[str, float | None]:
        for source, days in value.items():
            if days is not None and not 0 < days <= LONGEST_WAIT_DAYS:
                raise ValueError(
                    f"KG_EXPECTED_EVERY_DAYS: {days} days for {source!r}; write a number above 0 "
                    f"and up to {LONGEST_WAIT_DAYS:,}, or null where no delivery is expected"
                )
        return value
