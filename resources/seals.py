"""Whether files have the hash that they should have, without reading each of them in every process.

A file is hashed when a machine needs it first. How it looked then (size, place on the disk, times)
is kept as its seal, and while it looks the same it is not hashed again; Git knows the files of its
index in this way (https://git-scm.com/docs/racy-git). A seal counts for a day, since what a disk
changes by itself shows in no time of a file.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SEALS = "seals"
"""Name of the folder of a machine's seals in its cache."""

LASTS = 86_400.0
"""Seconds that a seal counts."""

_RACY = 0.05
"""Seconds in which a file may change twice and have one time: so young it gets no seal."""

_known: dict[tuple[str, str], tuple[list[int], float]] = {}
"""How each file looked, and when, by path and SHA-256, as this process has found out."""


def is_intact(path: Path, sha256: str, seals: Path) -> bool:
    """Whether a file has a hash; it is read where this machine does not know, or it has changed.

    Args:
        path: The file.
        sha256: The hash, in hexadecimal.
        seals: Folder of this machine's seals.

    Raises:
        FileNotFoundError: There is no such file.
    """
    # Steps of one process open the lake anew, so what was found out is known to all of them.
    place, looks = (str(path.absolute()), sha256), looks_of(path)
    known, at = _known.get(place, (None, 0.0))
    if known == looks and _counts(at):
        return True
    at = _sealed_at(path, sha256, looks, seals)
    if not _counts(at):
        at = time.time()
        if sha256_of(path) != sha256:
            return False
        _write_seal(path, sha256, looks, seals)
    _known[place] = looks, at
    return True


def seal(path: Path, sha256: str, seals: Path) -> None:
    """Take from who has written a file, and hashed what it wrote, that it has this hash.

    Args:
        path: The file, whole and durable.
        sha256: The hash, in hexadecimal.
        seals: Folder of this machine's seals.
    """
    _write_seal(path, sha256, looks_of(path), seals)


def forget_seals(seals: Path) -> None:
    """Remove the seals that count no longer, and what a process that was killed left of one."""
    for path in seals.glob("*"):
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_mtime < time.time() - LASTS:
                path.unlink()


def looks_of(path: Path) -> list[int]:
    """Size, place and times of a file, one of which changes with its bytes.

    Raises:
        FileNotFoundError: There is no such file.
    """
    found = path.stat()
    return [found.st_size, found.st_dev, found.st_ino, found.st_mtime_ns, found.st_ctime_ns]


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal.

    Raises:
        FileNotFoundError: There is no such file.
    """
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _seal_of(path: Path, seals: Path) -> Path:
    return seals / f"{hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:32]}.json"


def _counts(at: float) -> bool:
    """Whether what was found out at a time (seconds since 1970) still counts."""
    return 0 <= time.time() - at < LASTS


def _sealed_at(path: Path, sha256: str, looks: list[int], seals: Path) -> float:
    """When the file was found to have the hash; nought where its seal does not say so."""
    try:
        told = json.loads(_seal_of(path, seals).read_text(encoding="utf-8"))
        return float(told["at"]) if (told["sha256"], told["looks"]) == (sha256, looks) else 0.0
    except (OSError, ValueError, TypeError, KeyError):
        return 0.0


def _write_seal(path: Path, sha256: str, looks: list[int], seals: Path) -> None:
    now = time.time()
    if now - looks[-1] / 1e9 < _RACY:
        return
    place = _seal_of(path, seals)
    draft = place.with_suffix(f".{os.getpid()}")
    # It saves time and nothing else: who may not write here, or has no room, reads all the same.
    with contextlib.suppress(OSError):
        seals.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps({"sha256": sha256, "looks": looks, "at": now}))
        draft.replace(place)
