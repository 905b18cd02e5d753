"""Folders of files that follow from content of the lake, made once on each machine and mapped."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from resources.lock import exclusive
from resources.seals import SEALS, forget_seals, is_intact, seal, sha256_of

_SUMS = "sums.json"


def derived(cache: Path, name: str, make: Callable[[Path], None], limit: int) -> Path:
    """A folder of files, made now where it is not there yet or its files have changed.

    Who needs it while another process makes it waits for that one. Files that are mapped stay
    until they are let go, whatever is forgotten.

    Args:
        cache: Folder of this machine, in which derived folders and seals have one each.
        name: Says from what content and how the files are made: equal names, equal files.
        make: Makes the files in an empty folder.
        limit: Bytes of other folders that are kept, those that were needed last.

    Returns:
        The folder, for reading.

    Raises:
        OSError: The files cannot be written; nothing of them is left.
    """
    folder, seals = _folder(cache, name), cache / SEALS
    with _lock(folder):
        if not _is_whole(folder, seals):
            shutil.rmtree(folder, ignore_errors=True)
            draft = folder.with_name(f".{folder.name}")
            # That of a process that was killed: only who holds the lock writes to it.
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir()
            try:
                make(draft)
                sums = _seal(draft)
                draft.rename(folder)
                for path, sha256 in sums.items():
                    seal(folder / path, sha256, seals)
                forget_seals(seals)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
        os.utime(folder)
    _forget(folder, limit)
    return folder


def derived_there(cache: Path, name: str) -> Path | None:
    """A folder that `derived` has made, as it was made; None where there is none.

    Args:
        cache: As for `derived`.
        name: As for `derived`.
    """
    folder = _folder(cache, name)
    if not folder.exists():
        return None
    with _lock(folder):
        if not _is_whole(folder, cache / SEALS):
            return None
        os.utime(folder)
    return folder


def _folder(cache: Path, name: str) -> Path:
    return cache / "derived" / hashlib.sha256(name.encode()).hexdigest()[:32]


def _lock(folder: Path) -> AbstractContextManager[None]:
    return exclusive(folder.parent / "locks" / folder.name)


def _seal(folder: Path) -> dict[str, str]:
    """Make the files durable and write their hashes beside them."""
    sums = {}
    for path in sorted(folder.iterdir()):
        with path.open("rb") as stream:
            os.fsync(stream.fileno())
        sums[path.name] = sha256_of(path)
    (folder / _SUMS).write_text(json.dumps(sums), encoding="utf-8")
    return sums


def _is_whole(folder: Path, seals: Path) -> bool:
    try:
        sums = json.loads((folder / _SUMS).read_text(encoding="utf-8"))
        return all(is_intact(folder / name, known, seals) for name, known in sums.items())
    except (FileNotFoundError, ValueError, AttributeError):
        return False


def _forget(needed: Path, limit: int) -> None:
    """Remove the folders that were needed longest ago, until the others are small enough."""
    found = []
    for folder in needed.parent.glob("[0-9a-f]*"):
        if folder == needed:
            continue
        try:
            size = sum(path.stat().st_size for path in folder.iterdir())
            found.append((folder.stat().st_mtime, size, folder))
        except FileNotFoundError:
            continue  # another process forgets it too
    total = sum(size for _, size, _ in found)
    for needed_at, size, folder in sorted(found):
        if total <= limit:
            break
        # One that was needed just now may not be mapped yet.
        if time.time() - needed_at < _LEAST_AGE:
            break
        shutil.rmtree(folder, ignore_errors=True)
        total -= size


_LEAST_AGE = 60.0
"""Seconds that a folder stays after it was needed."""
