"""Versions of vector tables that no version of the document index names any more."""

from __future__ import annotations

import logging
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from kg_assets.inference.tables import DOCUMENT_INDEX
from resources.collection import ORPHAN_SECONDS
from resources.duck import session
from resources.keeping import kept
from resources.lake import CorruptFileError
from resources.vectors import VectorStore

if TYPE_CHECKING:
    from pathlib import Path

    from resources.lake import Lake

_log = logging.getLogger(__name__)


def clean_vectors(lake: Lake, *, older_than_seconds: float = ORPHAN_SECONDS) -> dict[str, int]:
    """Remove old versions of the namespace's vector tables.

    A version is kept while a version of the document index names it whose file is kept, in
    whatever namespace, and for `Settings.keep_days` after it was written.

    Args:
        lake: The lake of the namespace.
        older_than_seconds: What is younger stays in any case: a step that is running may be about
            to commit the version of the document index that names it.

    Returns:
        How many versions were removed of each table from which any were.
    """
    age = max(timedelta(days=lake.settings.keep_days), timedelta(seconds=older_than_seconds))
    before = datetime.now(UTC) - age
    # LanceDB takes a second to import, and mostly there is nothing that old.
    old = [each for each in sorted(lake.settings.vectors.glob("*.lance")) if _is_old(each, before)]
    if not old:
        return {}
    try:
        named = _named(lake)
    except CorruptFileError as error:
        _log.warning("old versions of vector tables stay, since what is read is unknown: %s", error)
        return {}
    store, removed = VectorStore(lake.settings), {}
    for folder in old:
        name = folder.name.removesuffix(".lance")
        count = store.clean(name, named[f"{lake.namespace}/{name}"], before)
        if count:
            removed[name] = count
    return removed


def _is_old(folder: Path, before: datetime) -> bool:
    manifests = folder.glob("_versions/*.manifest")
    return any(manifest.stat().st_mtime < before.timestamp() for manifest in manifests)


def _named(lake: Lake) -> defaultdict[str, set[int]]:
    """Versions of each vector table that a kept version of the document index names."""
    found: defaultdict[str, set[int]] = defaultdict(set)
    heads = kept(lake.catalog, DOCUMENT_INDEX.name)
    with session(threads=1, memory_limit="100MB", scratch=lake.settings.home) as con:
        rows = lake.open(con, DOCUMENT_INDEX, heads).project("lance_table, lance_version")
        for table, version in rows.distinct().fetchall():
            found[table].add(version)
    return found
