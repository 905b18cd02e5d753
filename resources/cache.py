"""Local copies of files that lie elsewhere: bounded, checked when they come, held while in use.

A copy is named by the SHA-256 of its bytes, so equal content is kept once. Who uses a copy holds a
second name of it (a hard link) in a folder of its own. So the cache may forget any file at any
time: the bytes stay on the disk until the last user lets go. No process waits for another.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import shutil
import time
import weakref
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from resources.seals import sha256_of
from resources.storage import WrongChecksumError

_HELD = ".held"


class FileCache:
    """A folder of copies, which processes of one machine share.

    Args:
        folder: The folder. All of it lies in one file system.
        limit: Bytes of copies that are kept when nobody uses them. What is in use comes on top.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self._copies = folder / "files"
        self._limit = limit
        self._copies.mkdir(parents=True, exist_ok=True)
        uses = folder / "uses"
        uses.mkdir(exist_ok=True)
        _sweep(uses)
        self._own = uses / f"{os.getpid()}-{secrets.token_hex(6)}"
        # Before it has its own name nobody takes the folder for one whose user is gone.
        draft = uses / f".{self._own.name}"
        draft.mkdir()
        stream = (draft / _HELD).open("a")
        fcntl.flock(stream, fcntl.LOCK_EX)
        draft.rename(self._own)
        weakref.finalize(self, _let_go, self._own, stream)

    def place(self, name: str) -> Path:
        """A path of this user's own for a file that is being made; gone with the user."""
        return self._own / name.replace("/", "~")

    def add(self, path: Path, sha256: str) -> None:
        """Keep a file that this user has made and whose hash is known."""
        with suppress(FileExistsError):
            os.link(path, self._copies / sha256)
        self._shrink()

    def get(self, sha256: str, download: Callable[[], Iterable[bytes]]) -> Path:
        """Path of a copy that stays until this cache object is let go.

        Args:
            sha256: Hash of the bytes.
            download: Gives the bytes, where no copy is there.

        Raises:
            WrongChecksumError: What was downloaded has another hash.
        """
        held = self._own / f"{sha256}.parquet"
        if held.exists():
            return held
        copy = self._copies / sha256
        try:
            os.link(copy, held)
            if sha256_of(held) == sha256:
                _touch(copy)
                return held
            # The disk has changed it; what it is a copy of may be whole.
            held.unlink()
            copy.unlink(missing_ok=True)
        except FileNotFoundError:
            pass
        self._download(sha256, download, held)
        self.add(held, sha256)
        return held

    def _download(self, sha256: str, download: Callable[[], Iterable[bytes]], held: Path) -> None:
        found = hashlib.sha256()
        draft = self._own / f".{sha256}"
        try:
            with draft.open("wb") as stream:
                for part in download():
                    found.update(part)
                    stream.write(part)
            if found.hexdigest() != sha256:
                raise WrongChecksumError(sha256)
            draft.rename(held)
        finally:
            draft.unlink(missing_ok=True)

    def _shrink(self) -> None:
        """Forget the copies that were asked for longest ago, until the rest is small enough."""
        found = []
        for entry in os.scandir(self._copies):
            with suppress(FileNotFoundError):  # another process is shrinking too
                looks = entry.stat()
                found.append((looks.st_atime_ns, looks.st_size, entry.path))
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if total <= self._limit:
                break
            Path(path).unlink(missing_ok=True)
            total -= size


def _touch(copy: Path) -> None:
    # Disks are mounted so that reading does not set the time.
    with suppress(FileNotFoundError):
        os.utime(copy, ns=(time.time_ns(), copy.stat().st_mtime_ns))


def _sweep(uses: Path) -> None:
    """Remove the folders of users that were killed: their locks ended with them."""
    for folder in uses.glob("[!.]*"):
        try:
            with (folder / _HELD).open("a") as stream:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        except (BlockingIOError, FileNotFoundError, NotADirectoryError):
            continue


def _let_go(folder: Path, stream: object) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    del stream
