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
from typing import TYPE_CHECKING, TextIO, get_args
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from resources.settings import LogLevel, Settings

ROOTS = ("kg_assets", "resources", "ontology", "benchmarks")
"""Loggers of ours; what libraries log is their own affair."""

HIDDEN = "[hidden]"
"""What stands in place of a secret."""

_SHORTEST = 6
"""Characters of a secret that is looked for by itself: a shorter one is part of many a word."""

_IN_ADDRESS = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://[^\s:/@]*):(?P<password>[^\s/]+)@", re.I)
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

    Hidden are the values of the settings that are secrets, the passwords in those that are
    addresses, wherever they stand and however they are written there, and the password of any
    address.
    """
    names = _variables()
    given = ((names.get(name.upper()), value) for name, value in os.environ.items())
    for secret in _secrets(*((kind, value) for kind, value in given if kind is not None)):
        text = text.replace(secret, HIDDEN)
    text = _IN_ADDRESS.sub(rf"\g<scheme>:{HIDDEN}@", text)
    return _IN_QUERY.sub(rf"\g<name>={HIDDEN}", text)


def tells_a_secret(error: BaseException) -> bool:
    """Whether an error, or one that it came from, says what `redact` hides."""
    chain: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in chain:
        chain.append(following)
        following = following.__cause__ or following.__context__
    return any(redact(str(each)) != str(each) for each in chain)


@lru_cache(maxsize=1)
def _variables() -> dict[str, bool]:
    """Variables in which a secret may stand; whether that is all of their value.

    Those are the variables of all settings that are secret or text. Of a text, and of a secret
    that is an address, the password in it is the secret.
    """
    from pydantic import AliasChoices, SecretStr

    from resources.settings import Settings

    found = {}
    for name, field in Settings.model_fields.items():
        kinds = {field.annotation, *get_args(field.annotation)}
        if kinds & {SecretStr, str}:
            alias = field.validation_alias
            choices = alias.choices if isinstance(alias, AliasChoices) else [f"KG_{name.upper()}"]
            found.update({str(choice).upper(): SecretStr in kinds for choice in choices})
    return found


@lru_cache(maxsize=8)
def _secrets(*given: tuple[bool, str]) -> tuple[str, ...]:
    found: list[str] = []
    for is_secret, raw in given:
        value = raw.strip()
        if is_secret and "://" not in value:
            found.append(value)
        found += [match["password"] for match in _IN_ADDRESS.finditer(value)]
        found += [match["value"] for match in _IN_QUERY.finditer(value)]
    # As it stands in an address, in a message, in a message that quotes it, and in JSON.
    plain = {form for secret in found for form in (secret, unquote(secret))}
    spelled = {
        form
        for secret in plain
        for form in (secret, quote(secret, safe=""), repr(secret)[1:-1], json.dumps(secret)[1:-1])
    }
    # The longest first, so that no end of one is left where another is its beginning.
    return tuple(sorted({s for s in spelled if len(s) >= _SHORTEST}, key=lambda s: (-len(s), s)))


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
