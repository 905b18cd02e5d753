"""The lake's files in a bucket that speaks S3, with local copies of what is written and read.

DuckDB's wheel cannot read S3 itself, and each file is checked against its SHA-256, for which all
of its bytes are needed. So a file is fetched once, streamed to the disk, and scanned there
by DuckDB as any other, with its own pruning and memory limit. See https://developmentseed.org/obstore/.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from resources.cache import FileCache
from resources.errors import LakeError
from resources.storage import Storage

if TYPE_CHECKING:
    from pathlib import Path

    from obstore.store import S3Store

    from resources.entries import File
    from resources.settings import Settings

_PART_BYTES = 8 * 1024 * 1024
"""Of a file this much is in memory; S3 takes parts of 5 MiB or more, and 10,000 of them."""

_PARTS_AT_ONCE = 4
_QUESTIONS_AT_ONCE = 16
_DELETE_AT_ONCE = 1000


class BucketStorage(Storage):
    """Files below a prefix of a bucket.

    Args:
        settings: Bucket, prefix, endpoint and keys; where copies are kept, and how many bytes.
    """

    def __init__(self, settings: Settings) -> None:
        self._store = _opened(settings)
        self._cache = FileCache(settings.cache, settings.cache_bytes)

    def staged(self, relative: str) -> Path:
        """A local path: the bucket gets the file when it is whole and its checks have passed."""
        return self._cache.place(relative)

    def keep(self, file: File) -> None:
        """Send a staged file to the bucket, in parts; it is there whole or not at all."""
        import obstore

        path = self.staged(file.path)
        obstore.put(
            self._store,
            file.path,
            path,
            chunk_size=_PART_BYTES,
            max_concurrency=_PARTS_AT_ONCE,
        )
        self._cache.add(path, file.sha256)

    def drop(self, relatives: Iterable[str]) -> None:
        """Remove files from the bucket, and what is staged of them."""
        import obstore

        names = list(relatives)
        for name in names:
            self.staged(name).unlink(missing_ok=True)
        for first in range(0, len(names), _DELETE_AT_ONCE):
            obstore.delete(self._store, names[first : first + _DELETE_AT_ONCE])

    def verified(self, file: File) -> Path:
        """Path of a copy whose hash is that of the catalog, fetched where there is none."""
        return self._cache.get(file.sha256, partial(self._stream, file.path))

    def _stream(self, relative: str) -> Iterable[bytes]:
        import obstore

        for part in obstore.get(self._store, relative).stream(min_chunk_size=_PART_BYTES):
            yield bytes(part)

    def missing(self, relatives: Collection[str]) -> set[str]:
        """Those of some files that are not there; many are asked for at the same time."""
        with ThreadPoolExecutor(_QUESTIONS_AT_ONCE) as pool:
            found = pool.map(self._is_there, relatives)
            return {name for name, there in zip(relatives, found, strict=True) if not there}

    def _is_there(self, relative: str) -> bool:
        import obstore

        try:
            obstore.head(self._store, relative)
        except FileNotFoundError:
            return False
        return True

    def collect(self, known: Collection[str], horizon: float) -> list[str]:
        """Remove files that nothing points to."""
        import obstore

        removed = sorted(
            str(found["path"])
            for page in obstore.list(self._store)
            for found in page
            if found["path"] not in known and found["last_modified"].timestamp() < horizon
        )
        self.drop(removed)
        return removed


def _opened(settings: Settings) -> S3Store:
    try:
        from obstore.store import S3Store
    except ImportError:
        raise LakeError(
            "KG_LAKE names a bucket, which needs the package obstore: install the extra s3"
        ) from None
    assert settings.bucket is not None
    bucket, prefix = settings.bucket
    # What is not given here obstore takes from the machine: a role, a web identity, a container.
    given = {
        "region": settings.s3_region,
        "endpoint": settings.s3_endpoint,
        "access_key_id": _secret(settings.s3_key_id),
        "secret_access_key": _secret(settings.s3_secret),
        "session_token": _secret(settings.s3_token),
    }
    options: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    return S3Store(
        bucket,
        prefix=prefix or None,
        # Servers other than Amazon's know buckets as the first part of the path.
        virtual_hosted_style_request=settings.s3_endpoint is None,
        checksum_algorithm="SHA256",
        client_options={"allow_http": (settings.s3_endpoint or "").startswith("http://")},
        **options,
    )


def _secret(value: Any) -> str | None:
    return None if value is None else str(value.get_secret_value())
