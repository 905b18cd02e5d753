"""Where the files of a lake lie: a folder, which several machines may share, or a bucket.

A file is written once, under its final and unique name, and never changed or renamed: it becomes
part of the lake by the commit in the catalog. Steps write and read local paths. Those of a folder
are the files themselves; those of a bucket are copies, which `resources.bucket` keeps.
"""

from __future__ import annotations

import hashlib
import time
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from resources.errors import LakeError

if TYPE_CHECKING:
    from pathlib import Path

    from resources.entries import File
    from resources.settings import Settings


class WrongChecksumError(Exception):
    """A file's bytes are not those that were committed."""


class Storage(ABC):
    """The files of a lake, by their path relative to it."""

    @property
    def root(self) -> Path:
        """Folder of the files.

        Raises:
            LakeError: They lie in an object store.
        """
        raise LakeError("the files of this lake lie in an object store and have no folder")

    @abstractmethod
    def staged(self, relative: str) -> Path:
        """Path to which a step writes a new file, and at which it reads it until the commit."""

    @abstractmethod
    def keep(self, file: File) -> None:
        """Make a file that was staged whole and lasting, so that every machine can read it."""

    @abstractmethod
    def drop(self, relatives: Iterable[str]) -> None:
        """Remove files that are not needed, also those that are only staged."""

    @abstractmethod
    def verified(self, file: File) -> Path:
        """Path of a committed file, whose bytes are those that were committed.

        Raises:
            FileNotFoundError: The file is gone.
            WrongChecksumError: Its bytes have changed.
        """

    @abstractmethod
    def missing(self, relatives: Collection[str]) -> set[str]:
        """Those of some files that are not there."""

    @abstractmethod
    def collect(self, known: Collection[str], horizon: float) -> list[str]:
        """Remove files that nothing points to.

        Args:
            known: Files that stay.
            horizon: Files that were changed after this time (seconds since 1970) stay as well.

        Returns:
            What was removed.
        """


def open_storage(settings: Settings) -> Storage:
    """The storage of a lake."""
    if settings.bucket is None:
        return FolderStorage(settings.lake_path)
    from resources.bucket import BucketStorage

    return BucketStorage(settings)


_verified: dict[tuple[str, str], list[int]] = {}
"""How each file looked, by path and SHA-256, when this process found that it has this hash."""


class FolderStorage(Storage):
    """A folder of a local disk, or one that several machines see at the same or other places.

    Args:
        root: The folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def root(self) -> Path:
        """Folder of the files."""
        return self._root

    def staged(self, relative: str) -> Path:
        """Path of the file itself: until the commit nothing points to it."""
        return self._root / relative

    def keep(self, file: File) -> None:
        """Nothing: the file was made durable when it was written."""

    def drop(self, relatives: Iterable[str]) -> None:
        """Remove files."""
        for relative in relatives:
            (self._root / relative).unlink(missing_ok=True)

    def verified(self, file: File) -> Path:
        """Path of a file, hashed the first time that this process asks, and when it has changed."""
        path = self._root / file.path
        if not is_intact(path, file.sha256):
            raise WrongChecksumError(file.path)
        return path

    def missing(self, relatives: Collection[str]) -> set[str]:
        """Those of some files that are not there."""
        return {relative for relative in relatives if not (self._root / relative).is_file()}

    def collect(self, known: Collection[str], horizon: float) -> list[str]:
        """Remove files that nothing points to."""
        removed = []
        for path in sorted(self._root.rglob("*.parquet*")):
            relative = path.relative_to(self._root).as_posix()
            if relative not in known and path.stat().st_mtime < horizon:
                path.unlink()
                removed.append(relative)
        return removed


def is_intact(path: Path, sha256: str) -> bool:
    """Whether a file has a hash: read when this process asks first, and when the file has changed.

    Raises:
        FileNotFoundError: There is no such file.
    """
    # Steps of one process open the lake anew, so what was verified is known to all of them.
    place, looks = (str(path.absolute()), sha256), looks_of(path)
    if _verified.get(place) == looks:
        return True
    if sha256_of(path) != sha256:
        return False
    _verified[place] = looks
    return True


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


def horizon_of(seconds: float) -> float:
    """The time (seconds since 1970) that lies so far back."""
    return time.time() - seconds
