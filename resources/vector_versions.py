"""Which versions of a vector table stay, and letting the others go."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lancedb.table import Table as LanceTable

_PIN = "kept-"
"""Beginning of the name of a branch that starts at a version which stays."""

_MARGIN = timedelta(seconds=1)
"""LanceDB takes its own time of now, a little later, from which an age is counted back."""


def publish(table: LanceTable, version: int) -> None:
    """Tag a version that readers may be told of: LanceDB's cleaning never removes a tagged one."""
    tag = f"published-{version}"
    if tag not in table.tags.list():
        table.tags.create(tag, version)


def newest_published(table: LanceTable) -> int | None:
    """The last version that readers may have been told of."""
    return max((tag["version"] for tag in table.tags.list().values()), default=None)


def clean(table: LanceTable, named: Collection[int], before: datetime) -> int:
    """Remove old versions that nobody reads any more; only one process may write meanwhile.

    LanceDB removes what is older than a time, refuses where that would be a tagged version, and
    leaves a version from which a branch starts. So those that stay are the start of a branch each
    while others go. Not for longer: a branch knows its table by its path, and a home may be moved.

    Args:
        table: The table.
        named: Versions that may still be read; the last published one stays in any case.
        before: Versions that were written since then stay.

    Returns:
        How many versions were removed.
    """
    _unpin(table)
    # LanceDB tells times in the machine's zone.
    times = {one["version"]: one["timestamp"].astimezone() for one in table.list_versions()}
    aged = {version for version, written in times.items() if written < before}
    kept = aged & {*named, newest_published(table)}
    if aged == kept:
        return 0
    for version in sorted(kept):
        table.branches.create(f"{_PIN}{version}", from_version=version)
    for tag, tagged in table.tags.list().items():
        if tagged["version"] in aged:
            table.tags.delete(tag)
    table.optimize(cleanup_older_than=datetime.now(UTC) - before + _MARGIN)
    _unpin(table)
    return len(aged - {one["version"] for one in table.list_versions()})


def _unpin(table: LanceTable) -> None:
    """Let tags hold what branches held, also those of a cleaning that was killed."""
    there = {one["version"] for one in table.list_versions()}
    for branch in sorted(table.branches.list()):
        version = int(branch.removeprefix(_PIN))
        if version in there:
            publish(table, version)
        table.branches.delete(branch)
