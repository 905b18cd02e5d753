"""Updates that were tried: what their runs tell of a state, and when another one may start.

All of it is in the tags of Dagster's runs, so it is not lost with the cursor of a sensor.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import dagster as dg

if TYPE_CHECKING:
    from kg_assets.pending import Pending
    from kg_assets.summary import Summary
    from resources.settings import Settings

STATE = "kg/state"
"""Tag of a run: the state that it was started for."""

LEFT = "kg/left"
"""Tag of an update that has ended: the state in which it left things, all that it could do done."""

AGAIN = "kg/again"
"""Tag of an update that ended well and left out deliveries that another one may well read."""

_UNFINISHED = (
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)


@dataclass(frozen=True)
class Attempts:
    """What was tried in a state.

    Attributes:
        started: How many runs were started for it.
        failed: How many ended in it, or were killed in it, with something left to be done.
        last: When the last of these ended, in seconds since 1970; 0 where there was none.
        is_settled: Whether one did all that can be done in it.
    """

    started: int
    failed: int
    last: float
    is_settled: bool

    def why_not(self, settings: Settings) -> str | None:
        """Why no other run starts now; None where it may.

        Args:
            settings: How long to wait, and how often to try.
        """
        if not self.failed:
            return None
        if self.failed > settings.update_retries:
            return (
                f"{self.failed} runs failed in this state, and KG_UPDATE_RETRIES allows no other. "
                "See their errors; another one starts when something has changed, or by hand"
            )
        wait = settings.update_retry_seconds * 2 ** (self.failed - 1)
        rest = self.last + wait - time.time()
        if rest <= 0:
            return None
        word = "run" if self.failed == 1 else "runs"
        return f"{self.failed} {word} failed in this state; the next starts in about " + str(
            timedelta(seconds=round(rest))
        )


def told_by(summary: Summary, left: Pending) -> dict[str, str]:
    """Tags that tell of an update how it left things.

    Args:
        summary: What it did.
        left: What is out of date after it.
    """
    tried = {key for one in summary.failed_deliveries for key in one.task.partitions}
    if summary.is_done and (left.others or not tried.issuperset(left.deliveries)):
        # That came meanwhile: nothing was tried with it.
        return {}
    again = not all(one.refused for one in summary.failed_deliveries)
    return {LEFT: left.state, **({AGAIN: "true"} if again else {})}


def of_update(instance: dg.DagsterInstance, state: str) -> Attempts:
    """What updates did in a state of `kg_assets.pending`.

    Args:
        instance: The namespace's instance.
        state: The state.
    """
    begun = _records(instance, STATE, state)
    left = _records(instance, LEFT, state)
    settled = [one for one in left if _is_well(one) and AGAIN not in one.dagster_run.tags]
    # One that left it otherwise got further; one that says nothing of that was killed, or did
    # nothing about it, since it is what it was.
    failed = [one for one in left if one not in settled]
    failed += [one for one in begun if LEFT not in one.dagster_run.tags]
    return Attempts(len(begun), len(failed), _last(failed), bool(settled))


def of_reading(instance: dg.DagsterInstance, state: str) -> Attempts:
    """What runs did that were started for texts in a state: one that ends well is enough.

    Args:
        instance: The namespace's instance.
        state: The state of the texts.
    """
    begun = _records(instance, STATE, state)
    failed = [one for one in begun if not _is_well(one)]
    return Attempts(len(begun), len(failed), _last(failed), len(failed) < len(begun))


def unfinished(instance: dg.DagsterInstance, jobs: Sequence[str]) -> list[str]:
    """Ids of the runs of some jobs that wait or run."""
    runs = instance.get_runs(dg.RunsFilter(statuses=list(_UNFINISHED)))
    return [run.run_id for run in runs if run.job_name in jobs]


def _records(instance: dg.DagsterInstance, tag: str, state: str) -> list[dg.RunRecord]:
    return list(instance.get_run_records(dg.RunsFilter(tags={tag: state})))


def _is_well(record: dg.RunRecord) -> bool:
    return record.dagster_run.status is dg.DagsterRunStatus.SUCCESS


def _last(records: Sequence[dg.RunRecord]) -> float:
    return max((one.end_time or 0.0 for one in records), default=0.0)
