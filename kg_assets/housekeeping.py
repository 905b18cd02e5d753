"""Retention of what would be kept for ever: Dagster's runs with events and logs, vector tables.

Dagster purges ticks by itself, as `dagster.yaml` says. Runs it never does. A run that made what a
partition of an asset is now stays, however old: without it the UI would not know of the partition.
"""

from __future__ import annotations

import shutil
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg

from kg_assets.inference.old_versions import clean_vectors
from resources.lake import Lake

if TYPE_CHECKING:
    from resources.settings import Settings

_DAY = 24 * 3600.0
_AT_ONCE = 200
_DONE = [
    dg.DagsterRunStatus.SUCCESS,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.CANCELED,
]


def tidy(instance: dg.DagsterInstance, settings: Settings, *, at_once: bool = False) -> list[str]:
    """Remove runs and logs that are older than `Settings.keep_run_days`, at most once a day.

    The same of versions of vector tables that nobody reads any more.

    Args:
        instance: The Dagster instance of the settings' namespace.
        settings: Where its folder is, and how long runs are kept.
        at_once: Whether it is done although it was done today.

    Returns:
        Ids of the runs that were removed.
    """
    mark = settings.dagster_home / ".tidied"
    if not at_once and mark.is_file() and mark.stat().st_mtime > time.time() - _DAY:
        return []
    before = datetime.now(UTC) - timedelta(days=settings.keep_run_days)
    old = dg.RunsFilter(statuses=_DONE, updated_before=before)
    runs = [record.dagster_run.run_id for record in instance.get_run_records(old)]
    kept = _of_what_is_current(instance) if runs else set()
    removed = [run_id for run_id in runs if run_id not in kept]
    for run_id in removed:
        instance.delete_run(run_id)
        # What steps printed; Dagster leaves it behind.
        shutil.rmtree(settings.dagster_home / "storage" / run_id, ignore_errors=True)
    for log in (settings.home / "logs" / settings.namespace).glob("worker-*.log"):
        if log.stat().st_mtime < before.timestamp():
            log.unlink(missing_ok=True)
    clean_vectors(Lake(settings))
    mark.touch()
    return removed


def _of_what_is_current(instance: dg.DagsterInstance) -> set[str]:
    """Ids of the runs that made the last materialisation of some partition of some asset."""
    runs: set[str] = set()
    made = dg.DagsterEventType.ASSET_MATERIALIZATION
    for key in instance.all_asset_keys():
        latest = instance.get_latest_materialization_event(key)
        if latest is not None:
            runs.add(latest.run_id)
        ids = sorted(instance.get_latest_storage_id_by_partition(key, made).values())
        for first in range(0, len(ids), _AT_ONCE):
            part = dg.AssetRecordsFilter(asset_key=key, storage_ids=ids[first : first + _AT_ONCE])
            found = instance.fetch_materializations(part, limit=_AT_ONCE)
            runs |= {record.run_id for record in found.records}
    return runs
