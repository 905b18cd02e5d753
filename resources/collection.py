"""Collection: removing from the disk what the catalog does not need and killed steps left."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from resources.keeping import forget
from resources.storage import horizon_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from resources.lake import Lake

ORPHAN_SECONDS = 24 * 3600.0
"""Age from which what nothing points to is nobody's."""

_DAY = 24 * 3600.0


def collect(lake: Lake, older_than_seconds: float) -> list[str]:
    """Remove versions that nobody needs, files and folders that nothing points to.

    Args:
        lake: The lake.
        older_than_seconds: What is younger stays in any case.

    Returns:
        Files that were removed, relative to the lake.
    """
    settings = lake.settings
    folders = forget(
        lake.catalog,
        keep_seconds=max(settings.keep_days * _DAY, older_than_seconds),
        keep_promotions=settings.keep_promotions,
    )
    horizon = horizon_of(older_than_seconds)
    # A version that was forgotten and whose file stayed, since the process was killed, is one
    # that nothing points to.
    removed = lake.storage.collect(lake.catalog.paths(), horizon)
    published = settings.published_versions
    _remove_old((each for each in _inside(published) if each.name not in folders), horizon)
    _remove_old(_inside(settings.scratch), horizon)
    return removed


def _inside(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _remove_old(folders: Iterable[Path], horizon: float) -> None:
    for folder in folders:
        if folder.stat().st_mtime < horizon:
            shutil.rmtree(folder, ignore_errors=True)
