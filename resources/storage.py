"""Where the files of a lake lie: a folder, which several machines may share, or a bucket.

A file is written once, under its final and unique name, and never changed or renamed: it becomes
part of the lake by the commit in the catalog. Steps write and read local paths. Those of a folder
are the files themselves; those of a bucket are copies, which `resources.bucket` keeps.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from resources.errors import LakeError
from resources.seals import SEALS, forget_seals, is_intact, seal

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
        return FolderStorage(settings.lake_path, settings.cache / SEALS)
    from resources.bucket import BucketStorage

    return BucketStorage(settings)


class FolderStorage(Storage):
    """A folder of a local disk, or one that several machines see at the same or other places.

    Args:
        root: The folder.
        seals: A folder of this machine, for what it knows of the files.
    """

    def __init__(self, root: Path, seals: Path) -> None:
        self._root = root
        self._seals = seals

    @property
    def root(self) -> Path:
        """Folder of the files."""
        return self._root

    def staged(self, relative: str) -> Path:
        """Path of the file itself: until the commit nothing points to it."""
        return self._root / relative

    def keep(self, file: File) -> None:
        """Know the file, which was made durable and hashed when it was written."""
        seal(self._root / file.path, file.sha256, self._seals)

    def drop(self, relatives: Iterable[str]) -> None:
        """Remove files."""
        for relative in relatives:
            (self._root / relative).unlink(missing_ok=True)

    def verified(self, file: File) -> Path:
        """Path of a file, hashed where this machine does not know it, and when it has changed."""
        path = self._root / file.path
        if not is_intact(path, file.sha256, self._seals):
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
        forget_seals(self._seals)
        return removed


def horizon_of(seconds: float) -> float:
    """The time (seconds since 1970) that lies so far back."""
    return time.time() - seconds
