"""What requests cost: a dated table that ships with the project and that a user can correct."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from resources.llm.errors import UnknownPrice
from resources.llm.outcomes import Usage

NANO = 1_000_000_000
"""Nano-dollars in a dollar. Money is counted in them, as integers, and rounded up."""

SHIPPED = Path(__file__).with_name("prices.yaml")


class Tier(BaseModel):
    """Prices of prompts up to a length, in dollars per million tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    up_to: int | None = Field(default=None, gt=0)
    input: Decimal = Field(ge=0)
    output: Decimal = Field(ge=0)


class Price(BaseModel):
    """The prices of one model from one day on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(min_length=1)
    since: date = Field(alias="from")
    tiers: tuple[Tier, ...] = Field(min_length=1)
    cache_read: Decimal = Field(ge=0)
    cache_write_5m: Decimal = Field(ge=0)
    cache_write_1h: Decimal = Field(ge=0)
    batch: Decimal = Field(ge=0)

    @field_validator("tiers")
    @classmethod
    def _rising(cls, tiers: tuple[Tier, ...]) -> tuple[Tier, ...]:
        limits = [tier.up_to for tier in tiers]
        closed = [limit for limit in limits[:-1] if limit is not None]
        if limits[-1] is not None or len(closed) < len(limits) - 1 or closed != sorted(set(closed)):
            raise ValueError("every tier but the last needs an up_to that rises from tier to tier")
        return tiers

    def cost(self, usage: Usage, *, batch: bool = False) -> int:
        """What these tokens cost, in nano-dollars, rounded up."""
        tier = next(t for t in self.tiers if t.up_to is None or usage.prompt <= t.up_to)
        prompt = (
            usage.input
            + usage.cache_read * self.cache_read
            + usage.cache_write_5m * self.cache_write_5m
            + usage.cache_write_1h * self.cache_write_1h
        )
        dollars = (prompt * tier.input + usage.output * tier.output) / 1_000_000
        return math.ceil(dollars * (self.batch if batch else 1) * NANO)

    def most(self, prompt: int, output: int, *, cached: str | None, batch: bool) -> int:
        """The most that a prompt and an answer of at most so many tokens can cost.

        Args:
            prompt: Tokens of the prompt at most.
            output: Tokens of the answer at most.
            cached: Lifetime of the longest cache entry that may be written, "5m" or "1h".
            batch: Whether it is sent in a batch.

        Returns:
            Nano-dollars.
        """
        ways = [Usage(input=prompt, output=output)]
        if cached is not None:
            ways.append(Usage(cache_write_5m=prompt, output=output))
        if cached == "1h":
            ways.append(Usage(cache_write_1h=prompt, output=output))
        return max(self.cost(usage, batch=batch) for usage in ways)


class Prices:
    """The price table: the one that ships with the project, corrected by a user's file.

    Args:
        corrected: YAML or JSON file in the form of prices.yaml.

    Raises:
        ValueError: The file cannot be read or is no price table; the message says why.
    """

    def __init__(self, corrected: Path | None = None) -> None:
        known: dict[str, list[Price]] = {}
        for path in (SHIPPED, *([corrected] if corrected else [])):
            named: dict[str, list[Price]] = {}
            for price in _read(path):
                named.setdefault(price.model, []).append(price)
            known |= named
        self._known = known

    def of(self, model: str, day: date) -> Price:
        """The price of a model on a day.

        Raises:
            UnknownPrice: The table does not name it for that day.
        """
        names = [n for n in self._known if model == n or model.startswith(f"{n}-")]
        valid = [
            price
            for name in sorted(names, key=len)
            for price in sorted(self._known[name], key=lambda price: price.since)
            if price.since <= day
        ]
        if not valid:
            raise UnknownPrice(
                f"no price of the model {model!r} is known for {day}: write it into a file like "
                f"{SHIPPED.name} and name that file in KG_LLM_PRICES"
            )
        return valid[-1]


def dollars(nano: int) -> str:
    """Nano-dollars for people to read."""
    digits = 2 if abs(nano) >= NANO else 4
    return f"${nano / NANO:,.{digits}f}"


@dataclass(frozen=True)
class Bound:
    """What a request may use at most, and what it will about use.

    Attributes:
        prompt: Tokens of the prompt that cannot be passed.
        output: Tokens of the answer that cannot be passed.
        likely: Tokens of prompt and answer that are counted against the rate at first.
        cached: Lifetime of cache entries that may be written, or None.
    """

    prompt: int
    output: int
    likely: int
    cached: str | None


TOOL_TOKENS = 1_000
"""Tokens that the API adds to a prompt with tools and a schema, at most. From its documentation,
which says up to 530 for the choice of a tool, with room for the schema's own frame."""

BYTES_PER_TOKEN = 4
"""Bytes of English text and JSON that make a token, about."""


def bound(body: dict[str, Any], size: int) -> Bound:
    """What a request may use.

    A token stands for at least one byte of text, so its bytes bound the tokens of a prompt.

    Args:
        body: The request's body.
        size: Bytes of its JSON text.
    """
    output = int(body.get("max_tokens") or 0)
    return Bound(
        prompt=size + TOOL_TOKENS,
        output=output,
        likely=size // BYTES_PER_TOKEN + output // 4,
        cached=_cached(body),
    )


def _cached(node: Any) -> str | None:
    """The longest lifetime of a cache entry that a request asks for."""
    found: set[str] = set()
    stack = [node]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            if isinstance(control := node.get("cache_control"), dict):
                found.add(str(control.get("ttl", "5m")))
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)
    return max(found, key=lambda ttl: ttl != "5m") if found else None


def _read(path: Path) -> list[Price]:
    try:
        table = yaml.safe_load(path.read_text(encoding="utf-8"))
        return [Price.model_validate(entry) for entry in table["prices"]]
    except OSError as error:
        raise ValueError(
            f"the price table {path} cannot be read ({error.strerror}): set KG_LLM_PRICES"
        ) from None
    except (yaml.YAMLError, TypeError, KeyError, ValidationError) as error:
        raise ValueError(
            f"{path} is no price table ({error}): it needs `prices`, a list of entries like those "
            f"of {SHIPPED.name}"
        ) from None
