"""Opening files that nobody vouches for, and reading them decompressed in bounded pieces."""

from __future__ import annotations

import bz2
import errno
import os
import stat
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

COMPRESSIONS = {".gz": "gzip", ".bz2": "bzip2", ".zst": "zstandard"}
"""Suffixes of compressed files, and what the compression is called in messages."""

_INPUT_BYTES = 1 << 16
_OUTPUT_BYTES = 2 << 20
# A block of four bytes can stand for 128 KiB in a zstandard frame, and its decompressor cannot
# be told to stop in the middle of its input: 1 KiB of it makes 32 MiB at most.
_ZSTANDARD_INPUT_BYTES = 1 << 10
_ZSTANDARD_WINDOW_BYTES = 1 << 27


class UnreadableError(Exception):
    """What stopped the reading of a file, in words for the person who delivered it."""


@dataclass(frozen=True)
class Limits:
    """How much a file may make of itself.

    Attributes:
        max_blob_bytes: The longest blob that is kept whole; of a longer one the first 4 KiB.
        max_file_bytes: The most decompressed bytes that are read of one file.
        max_ratio: The most decompressed bytes for each compressed one, looked at from
            ``ratio_free_bytes`` on. Gzip cannot exceed 1,032; JSON lines reach 5 to 50.
        ratio_free_bytes: Decompressed bytes up to which any ratio is fine.
        batch_bytes: About how many bytes of blobs a record batch holds.
    """

    max_blob_bytes: int = 32 << 20
    max_file_bytes: int = 1 << 40
    max_ratio: int = 500
    ratio_free_bytes: int = 256 << 20
    batch_bytes: int = 16 << 20

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value < 1:
                raise ValueError(f"{name} is {value}: give a number of at least 1")


class Decompressor(Protocol):
    """One member of a compressed file, fed piece by piece."""

    @property
    def eof(self) -> bool:
        """Whether the member has ended."""

    @property
    def unused_data(self) -> bytes:
        """What followed the member's end in the input."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yields what the data decompress to, in bounded pieces."""


class _Gzip:
    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def feed(self, data: bytes) -> Iterator[bytes]:
        while True:
            out = self._inner.decompress(data, _OUTPUT_BYTES)
            if out:
                yield out
            data = self._inner.unconsumed_tail
            if self._inner.eof or (not data and len(out) < _OUTPUT_BYTES):
                return


class _Bzip2:
    def __init__(self) -> None:
        self._inner = bz2.BZ2Decompressor()

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def feed(self, data: bytes) -> Iterator[bytes]:
        while True:
            out = self._inner.decompress(data, _OUTPUT_BYTES)
            if out:
                yield out
            data = b""
            if self._inner.eof or self._inner.needs_input:
                return


class _Zstandard:
    def __init__(self) -> None:
        import zstandard

        self._inner = zstandard.ZstdDecompressor(
            max_window_size=_ZSTANDARD_WINDOW_BYTES
        ).decompressobj()
        self._rest = b""

    @property
    def eof(self) -> bool:
        return bool(self._inner.eof)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._inner.unused_data) + self._rest

    def feed(self, data: bytes) -> Iterator[bytes]:
        for start in range(0, len(data), _ZSTANDARD_INPUT_BYTES):
            out = self._inner.decompress(data[start : start + _ZSTANDARD_INPUT_BYTES])
            if out:
                yield out
            if self._inner.eof:
                self._rest = data[start + _ZSTANDARD_INPUT_BYTES :]
                return


def _new_decompressor(compression: str) -> Decompressor:
    if compression == "gzip":
        return _Gzip()
    if compression == "bzip2":
        return _Bzip2()
    return _Zstandard()


def _decompression_errors() -> tuple[type[Exception], ...]:
    import zstandard

    return (zlib.error, OSError, EOFError, ValueError, zstandard.ZstdError)


def open_regular(path: Path, *, parents: int = 0) -> int:
    """Opens a regular file for reading; never a link, a device, a pipe or a folder.

    Args:
        path: The file. Itself it may not be a link.
        parents: How many of the folders above it may not be links either. They are opened one by
            one, so a folder that somebody puts a link in the place of meanwhile leads nowhere.

    Returns:
        A file descriptor, which the caller closes.

    Raises:
        UnreadableError: The file is not there, may not be read, or is not a regular file.
    """
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        with ExitStack() as folders:
            folder: int | None = None
            if parents:
                top = path.parents[parents]
                folder = os.open(top, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
                folders.callback(os.close, folder)
                for name in path.relative_to(top).parts[:-1]:
                    folder = os.open(name, flags | os.O_DIRECTORY, dir_fd=folder)
                    folders.callback(os.close, folder)
            descriptor = os.open(path if folder is None else path.name, flags, dir_fd=folder)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise UnreadableError(
                "is a symbolic link, and links are not followed; deliver the file itself"
            ) from error
        if error.errno == errno.ENOENT:
            raise UnreadableError(
                "was not there any more when it was to be read; deliver it again"
            ) from error
        if error.errno == errno.ENOTDIR:
            raise UnreadableError(
                "lies in a folder that is a link or none any more; deliver it again"
            ) from error
        raise UnreadableError(f"cannot be opened ({error.strerror}); check its rights") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UnreadableError(
            "is a folder, device, pipe or socket and no regular file; deliver a regular file"
        )
    return descriptor


def second_name(status: os.stat_result) -> str | None:
    """What is wrong with a file that has several names, as a hard link to a file elsewhere has."""
    if status.st_nlink <= 1:
        return None
    return (
        f"has {status.st_nlink} names (hard links), so it may lie outside of the landing zone as "
        "well; deliver a copy"
    )


class SafeFile:
    """A regular file, read from start to end and watched for change.

    Iterating yields its decompressed bytes in pieces of at most about 32 MiB (2 MiB but for
    zstandard). What could be read before an error is yielded before the error is raised.
    """

    def __init__(
        self,
        path: Path,
        compression: str | None,
        limits: Limits,
        *,
        parents: int = 0,
        taken: Callable[[int], None] | None = None,
    ) -> None:
        """Opens the file.

        Args:
            path: The file.
            compression: ``gzip``, ``bzip2``, ``zstandard`` or None.
            limits: How much the file may make of itself.
            parents: How many of the folders above it may not be links either. Where there are
                such, somebody else may write there, and a file may have no second name.
            taken: Is told how many bytes of the file were taken since it was told last.

        Raises:
            UnreadableError: It is no readable regular file, or one that takes far less room than
                it claims to have bytes.
        """
        self._path = path
        self._compression = compression
        self._limits = limits
        self._descriptor = open_regular(path, parents=parents)
        self._before = os.fstat(self._descriptor)
        self._taken = 0
        self._tell = taken
        fault = second_name(self._before) if parents else None
        fault = fault or self._sparse()
        if fault is not None:
            os.close(self._descriptor)
            raise UnreadableError(fault)

    def _sparse(self) -> str | None:
        size, room = self._before.st_size, self._before.st_blocks * 512
        if size <= self._limits.ratio_free_bytes or size <= self._limits.max_ratio * room:
            return None
        return (
            f"claims {size:,} bytes and takes {room:,} on disk: nearly all of it is holes "
            "(max_ratio); deliver what it holds"
        )

    @property
    def size(self) -> int:
        """Bytes of the file as it lies on disk when it was opened."""
        return self._before.st_size

    def __enter__(self) -> SafeFile:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def __iter__(self) -> Iterator[bytes]:
        made = 0
        pieces = self._stored() if self._compression is None else self._decompressed()
        for piece in pieces:
            made += len(piece)
            if made > self._limits.max_file_bytes:
                raise UnreadableError(
                    f"holds more than {self._limits.max_file_bytes:,} bytes, the most that is "
                    "read of one file (max_file_bytes); split it or raise the limit"
                )
            if (
                self._compression is not None
                and made > self._limits.ratio_free_bytes
                and made > self._limits.max_ratio * self._taken
            ):
                raise UnreadableError(
                    f"decompresses to more than {self._limits.max_ratio} times its size, as a "
                    "compression bomb does (max_ratio); deliver it uncompressed or raise the limit"
                )
            yield piece

    def _stored(self, size: int = _OUTPUT_BYTES) -> Iterator[bytes]:
        while True:
            try:
                piece = os.read(self._descriptor, size)
            except OSError as error:
                raise UnreadableError(
                    f"could not be read to its end ({error.strerror}); deliver it again"
                ) from error
            if not piece:
                return
            self._taken += len(piece)
            if self._tell is not None:
                self._tell(len(piece))
            yield piece

    def _decompressed(self) -> Iterator[bytes]:
        assert self._compression is not None
        member: Decompressor | None = None
        members = 0
        errors = _decompression_errors()
        for stored in self._stored(_INPUT_BYTES):
            data = stored
            while data:
                if member is None:
                    # Writers to tape pad a gzip file with zeros; gzip itself ignores them.
                    if members and not data.strip(b"\0"):
                        break
                    member = _new_decompressor(self._compression)
                    members += 1
                try:
                    yield from member.feed(data)
                except errors as error:
                    raise UnreadableError(
                        f"is damaged: its {self._compression} compression cannot be undone from "
                        f"here on ({error}); deliver it again"
                    ) from error
                if not member.eof:
                    break
                data = member.unused_data
                member = None
        if member is not None:
            raise UnreadableError(
                f"ends in the middle of its {self._compression} compression, as after a download "
                "that broke off; deliver it again"
            )

    def change(self) -> str | None:
        """Says whether the file changed or vanished since it was opened.

        Returns:
            None if it is as it was, else what happened, in words.
        """
        now = os.fstat(self._descriptor)
        if (now.st_size, now.st_mtime_ns) != (self._before.st_size, self._before.st_mtime_ns):
            return (
                "changed while it was read; what was read is kept. Deliver it again when it is "
                "complete"
            )
        try:
            there = os.lstat(self._path)
        except OSError:
            return "vanished while it was read; what was read is kept. Deliver it again"
        if (there.st_dev, there.st_ino) != (now.st_dev, now.st_ino):
            return (
                "was replaced while it was read; what was read of the former file is kept. "
                "Deliver the new one in a delivery of its own"
            )
        return None
