"""Folders of files that follow from content of the lake, made once on each machine and mapped.

The files are large, and an update needs a few rows of them. So a file that looks as it did when it
was hashed (size, inode, times of change) is taken for what it was, as Git takes the files of its
index, and only one that looks otherwise is hashed again. The files of the lake itself, from which
these can be made again, are hashed by each process.
"""

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
from resources.storage import looks_of, sha256_of

_SUMS = "sums.json"
"""Says of each file of a folder its hash, and how it looked when it was hashed."""


def derived(place: Path, name: str, make: Callable[[Path], None], limit: int) -> Path:
    """A folder of files, made now where it is not there yet or its files have changed.

    Who needs it while another process makes it waits for that one. Files that are mapped stay
    until they are let go, whatever is forgotten.

    Args:
        place: Folder of all derived folders of this machine.
        name: Says from what content and how the files are made: equal names, equal files.
        make: Makes the files in an empty folder.
        limit: Bytes of other folders that are kept, those that were needed last.

    Returns:
        The folder, for reading.

    Raises:
        OSError: The files cannot be written; nothing of them is left.
    """
    folder = _folder(place, name)
    with _lock(folder):
        if not _is_whole(folder):
            shutil.rmtree(folder, ignore_errors=True)
            draft = place / f".{folder.name}"
            # That of a process that was killed: only who holds the lock writes to it.
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir()
            try:
                make(draft)
                _seal(draft)
                draft.rename(folder)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
        os.utime(folder)
    _forget(place, folder, limit)
    return folder


def derived_there(place: Path, name: str) -> Path | None:
    """A folder that `derived` has made, as it was made; None where there is none.

    Args:
        place: As for `derived`.
        name: As for `derived`.
    """
    folder = _folder(place, name)
    if not folder.exists():
        return None
    with _lock(folder):
        if not _is_whole(folder):
            return None
        os.utime(folder)
    return folder


def _folder(place: Path, name: str) -> Path:
    return place / hashlib.sha256(name.encode()).hexdigest()[:32]


def _lock(folder: Path) -> AbstractContextManager[None]:
    return exclusive(folder.parent / "locks" / folder.name)


def _seal(folder: Path) -> None:
    """Make the files durable, and write what tells later that they are the same."""
    for path in folder.iterdir():
        with path.open("rb") as stream:
            os.fsync(stream.fileno())
    _write_sums(folder, _sums_of(folder, [path.name for path in folder.iterdir()]))


def _sums_of(folder: Path, names: list[str]) -> dict[str, tuple[str, list[int]]]:
    """Hash and looks of files; looks first, so that one that changes meanwhile is found out."""
    looks = {name: looks_of(folder / name) for name in sorted(names)}
    return {name: (sha256_of(folder / name), found) for name, found in looks.items()}


def _write_sums(folder: Path, sums: dict[str, tuple[str, list[int]]]) -> None:
    draft = folder / f".{_SUMS}"
    draft.write_text(json.dumps(sums), encoding="utf-8")
    draft.rename(folder / _SUMS)


def _is_whole(folder: Path) -> bool:
    """Whether all files are those that were sealed; where they look otherwise, their hashes tell.

    Files that were only moved, as by who restores a disk, are known by their new looks from then.
    """
    try:
        sums = json.loads((folder / _SUMS).read_text(encoding="utf-8"))
        moved = [name for name, (_, looks) in sums.items() if looks != looks_of(folder / name)]
        found = _sums_of(folder, moved)
        if any(sha256 != sums[name][0] for name, (sha256, _) in found.items()):
            return False
        if moved:
            _write_sums(folder, sums | found)
    except (FileNotFoundError, ValueError, TypeError, AttributeError):
        return False
    return True


def _forget(place: Path, needed: Path, limit: int) -> None:
    """Remove the folders that were needed longest ago, until the others are small enough."""
    found = []
    for folder in place.glob("[0-9a-f]*"):
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
