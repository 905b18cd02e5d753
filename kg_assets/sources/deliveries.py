"""A delivery: its names, its partition key and what its delivery.json says."""

from __future__ import annotations

import json
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from kg_assets.sources.expectations import ExpectationWords
from kg_assets.sources.opening import UnreadableError, open_regular
from kg_assets.sources.record import ENTITY_TYPES, RECORD_SCHEMA
from resources.errors import InputError
from resources.source_settings import LONGEST_WAIT_DAYS

MANIFEST = "delivery.json"
"""File beside a delivery's blobs that says what kind of delivery it is."""

SUCCESS = "_SUCCESS"
"""File that says that the delivery is complete."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
MAX_MANIFEST_BYTES = 64 * 1024
"""Most bytes that a delivery.json may have."""


class LandingError(InputError):
    """Something in the landing zone, or on its way there, is not as it must be."""


class Manifest(BaseModel):
    """What ``delivery.json`` may say.

    Attributes:
        sequence: Place among the source's deliveries; deliveries without one come first. Those
            of one sequence are ordered by name.
        mode: ``full`` replaces all that the source delivered before, ``partial`` adds and
            replaces records, ``delete`` removes those that it names.
        duplicate_free: Whether no two records of the source are the same thing; null where it is
            not said, then the adapter's word counts.
        expect: Numbers of records and shares of filled fields by entity type, where they are not
            those that the adapter expects; false where nothing is expected.
        expected_every_days: Days within which the source's next delivery is expected; `kg status`
            says where none came. The last delivery that says it counts.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    sequence: int | None = Field(default=None, ge=1, le=2**62)
    mode: Literal["full", "partial", "delete"] = "partial"
    duplicate_free: bool | None = None
    expect: dict[str, ExpectationWords] | bool | None = None
    expected_every_days: float | None = Field(
        default=None, gt=0, le=LONGEST_WAIT_DAYS, allow_inf_nan=False
    )

    @model_validator(mode="after")
    def _expects_what_can_be(self) -> Manifest:
        for entity_type, word in (self.expect if isinstance(self.expect, dict) else {}).items():
            if entity_type not in ENTITY_TYPES:
                raise ValueError(f"expect: there is no entity type {printable(entity_type)}")
            unknown = sorted(set(word.filled) - set(RECORD_SCHEMA.names))
            if unknown:
                raise ValueError(f"expect: a record has no field {printable(unknown[0])}")
            for bound in (word.records, *word.filled.values()):
                if bound is not None:
                    bound.bound()
        return self

    def expect_text(self) -> str | None:
        """What is said of expectations as JSON, None where nothing is."""
        if self.expect is None:
            return None
        told = self.model_dump(mode="json", include={"expect"}, exclude_none=True)["expect"]
        return json.dumps(told, sort_keys=True)


@dataclass(frozen=True, order=True)
class Delivery:
    """One folder of blobs.

    Attributes:
        source: Name of the source.
        name: Name of the delivery, unique in its source.
        path: The folder.
    """

    source: str
    name: str
    path: Path

    @property
    def key(self) -> str:
        """The partition key, ``source|name``."""
        return delivery_key(self.source, self.name)


@dataclass(frozen=True)
class Refused:
    """Something in the landing zone that is not read.

    Attributes:
        name: Its name, made printable.
        reason: Why it is not read and what to do.
    """

    name: str
    reason: str


def check_name(name: str, what: str) -> str:
    """Returns the name if it may be that of a source or a delivery.

    Args:
        name: The name.
        what: 'source' or 'delivery', for the message.

    Raises:
        LandingError: It is not 1 to 100 letters, digits, dots, hyphens and underscores that start
            with a letter or digit, or it holds three dots in a row, which Dagster reads as a
            range of partitions.
    """
    if not _NAME.fullmatch(name) or "..." in name:
        raise LandingError(
            f"{printable(name)} is not allowed as the name of a {what}: use 1 to 100 of the "
            "letters A-Z and a-z, digits, dot, - and _, starting with a letter or digit, without "
            "three dots in a row"
        )
    return name


def printable(name: str) -> str:
    """The name in quotes, cut to 120 characters, with nothing that a terminal would act upon."""
    return ascii(name[:120] + ("..." if len(name) > 120 else ""))


def delivery_key(source: str, name: str) -> str:
    """The partition key ``source|name`` of a delivery.

    Raises:
        LandingError: One of the names is not allowed.
    """
    return f"{check_name(source, 'source')}|{check_name(name, 'delivery')}"


def parse_key(key: str) -> tuple[str, str]:
    """Source and name of a delivery from its partition key.

    Raises:
        LandingError: It is no such key.
    """
    source, bar, name = key.partition("|")
    if not bar:
        raise LandingError(
            f"{printable(key)} is not the key of a delivery: it is written source|delivery"
        )
    return check_name(source, "source"), check_name(name, "delivery")


def is_folder(path: Path) -> bool:
    """Whether there is a folder, and no link to one."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def delivery_at(landing: Path, key: str) -> Delivery:
    """The delivery with this partition key.

    Raises:
        LandingError: The key is not allowed, or the folder is not there or is a link.
    """
    source, name = parse_key(key)
    path = landing / source / name
    for folder in (landing / source, path):
        if not is_folder(folder):
            raise LandingError(
                f"the folder {folder} of the delivery {key} is not there (or is a link): land it "
                "again, or delete its partition if it is to be forgotten"
            )
    return Delivery(source, name, path)


def _named(place: tuple[int | str, ...]) -> str:
    """A place in the file; the names in it are somebody else's."""
    return ascii(".".join(str(part) for part in place))[1:-1][:200] or "the file"


def manifest_bytes(delivery: Delivery) -> bytes | None:
    """The first bytes of ``delivery.json``, one more than it may have; None where there is none.

    Raises:
        LandingError: It is a link, a folder or a pipe, or may not be read.
    """
    path = delivery.path / MANIFEST
    if not os.path.lexists(path):
        return None
    try:
        with os.fdopen(open_regular(path, parents=2), "rb") as stream:
            return stream.read(MAX_MANIFEST_BYTES + 1)
    except (UnreadableError, OSError) as error:
        raise LandingError(f"{path} {error}") from None


def read_manifest(delivery: Delivery) -> Manifest:
    """What ``delivery.json`` says; the defaults where there is none.

    Raises:
        LandingError: It is not JSON, holds an unknown key or a wrong value, or is a link.
    """
    content = manifest_bytes(delivery)
    return Manifest() if content is None else parse_manifest(content, delivery.path / MANIFEST)


def parse_manifest(content: bytes, path: Path) -> Manifest:
    """What the bytes of a ``delivery.json`` say.

    Args:
        content: Its first bytes, one more than it may have.
        path: Where they are from, for the message.

    Raises:
        LandingError: They are no JSON, or hold an unknown key or a wrong value.
    """
    if len(content) > MAX_MANIFEST_BYTES:
        raise LandingError(f"{path} is longer than {MAX_MANIFEST_BYTES:,} bytes")
    try:
        return Manifest.model_validate_json(content)
    except ValidationError as error:
        faults = "; ".join(f"{_named(fault['loc'])}: {fault['msg']}" for fault in error.errors())
        raise LandingError(
            f"{path} is not a delivery.json: {faults}. It may hold sequence (a number from 1), "
            'mode ("full", "partial" or "delete"), duplicate_free (true or false), expect '
            "(limits by entity type, or false) and expected_every_days (a number of days)"
        ) from None
