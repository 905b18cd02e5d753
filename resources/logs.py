"""One way to log: what ran where, as text or JSON, and never a secret."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, TextIO
from urllib.parse import unquote

if TYPE_CHECKING:
    from resources.settings import LogLevel, Settings

ROOTS = ("kg_assets", "resources", "ontology", "benchmarks")
"""Loggers of ours; what libraries log is their own affair."""

HIDDEN = "[hidden]"
"""What stands in place of a secret."""

KEYS = (
    "KG_LLM_KEY",
    "ANTHROPIC_API_KEY",
    "KG_EMBEDDING_KEY",
    "KG_S3_SECRET",
    "AWS_SECRET_ACCESS_KEY",
    "KG_S3_TOKEN",
    "AWS_SESSION_TOKEN",
)
"""Variables whose whole value is a secret."""

ADDRESSES = (
    "KG_CATALOG",
    "KG_LLM_STORE",
    "KG_BROKER",
    "KG_DAGSTER_STORAGE",
    "KG_LLM_BASE_URL",
    "KG_EMBEDDING",
)
"""Variables with an address, in which a password may stand."""

_SHORTEST = 6
"""Characters of a secret that is looked for by itself: a shorter one is part of many a word."""

_IN_ADDRESS = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://[^\s:/@]*):(?P<password>[^\s/@]+)@", re.I)
_IN_QUERY = re.compile(r"(?P<name>(?:ssl)?password|api_?key|token|secret)=(?P<value>[^&\s]+)", re.I)

_FIELDS: ContextVar[dict[str, str] | None] = ContextVar("kg_log_fields", default=None)


@contextmanager
def fields(**given: str) -> Iterator[None]:
    """Let what is logged inside carry fields: run, step, partition and namespace.

    Args:
        given: The fields; empty ones are left out.
    """
    outer = _FIELDS.get() or {}
    token = _FIELDS.set(outer | {name: value for name, value in given.items() if value})
    try:
        yield
    finally:
        _FIELDS.reset(token)


def redact(text: str) -> str:
    """The text without what may be a secret.

    Hidden are the values of the variables that hold keys, the passwords in those that hold
    addresses, wherever they stand, and the password of any address.
    """
    for secret in _secrets(*(os.environ.get(name, "") for name in (*KEYS, *ADDRESSES))):
        text = text.replace(secret, HIDDEN)
    text = _IN_ADDRESS.sub(rf"\g<scheme>:{HIDDEN}@", text)
    return _IN_QUERY.sub(rf"\g<name>={HIDDEN}", text)


@lru_cache(maxsize=8)
def _secrets(*values: str) -> tuple[str, ...]:
    found = [value.strip() for value in values[: len(KEYS)]]
    for address in values[len(KEYS) :]:
        for password in (
            *(match["password"] for match in _IN_ADDRESS.finditer(address)),
            *(match["value"] for match in _IN_QUERY.finditer(address)),
        ):
            found += [password, unquote(password)]
    # The longest first, so that no end of one is left where another is its beginning.
    return tuple(sorted({s for s in found if len(s) >= _SHORTEST}, key=lambda s: (-len(s), s)))


def configure(
    settings: Settings, stream: TextIO | None = None, *, level: LogLevel | None = None
) -> None:
    """Let our loggers write to a stream, in this process.

    Args:
        settings: The level and the format.
        stream: Where to; standard error by default.
        level: Outranks the level of the settings.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_Json() if settings.log_format == "json" else _Text())
    for name in ROOTS:
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.setLevel(level or settings.log_level)
        logger.propagate = False


class _Text(logging.Formatter):
    """A line: time, level, where it was, what it says, and the fields."""

    def format(self, record: logging.LogRecord) -> str:
        known = _FIELDS.get() or {}
        said = record.getMessage()
        if record.exc_info:
            said += "\n" + self.formatException(record.exc_info)
        shown = " ".join(f"{name}={value}" for name, value in known.items())
        line = f"{_time(record)} {record.levelname:<7} {record.name}: {said}"
        return redact(f"{line}  [{shown}]" if shown else line)


class _Json(logging.Formatter):
    """The same as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        values = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
            **(_FIELDS.get() or {}),
        }
        if record.exc_info:
            values["exception"] = redact(self.formatException(record.exc_info))
        return redact(json.dumps(values))


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
