"""Bringing the graph up to date: what is stale is run, side by side, as ordinary Dagster runs.

`kg build`, the job `update` and the sensor use this; materialising in the UI runs the same assets
one by one.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

from kg_assets.build import assemble
from kg_assets.current_state import partition_keys, state_of
from kg_assets.housekeeping import tidy
from kg_assets.inference.tables import INFERRED_RECORDS
from kg_assets.instance import open_instance, report_killed_runs
from kg_assets.partitions import DELIVERIES
from kg_assets.planning import Lane, State, lanes
from kg_assets.promotion.publishing import follow
from kg_assets.running import Result, Task, outcome, runner
from kg_assets.sources.inferred import INFERRED
from kg_assets.sources.landing import is_complete, list_deliveries
from kg_assets.sources.tables import QUARANTINED_BLOBS
from kg_assets.summary import SOURCES, Summary, Watcher
from resources.current import CurrentHeads
from resources.errors import refuse_production
from resources.journal import Journal
from resources.lake import Lake
from resources.llm.builds import named_build
from resources.lock import Busy, lake_lock
from resources.namespaces import take_over

if TYPE_CHECKING:
    from collections.abc import Callable

    import dagster as dg

    from kg_assets.build import Assembly
    from kg_assets.shell import StepAsset
    from kg_assets.sources.landing import Delivery
    from resources.settings import Settings


class UnknownLabelError(ValueError):
    """What shall be built does not exist; the message lists what does."""


def build(
    settings: Settings,
    *,
    types: Sequence[str] = (),
    only: Sequence[str] = (),
    retrain: bool = False,
    unfinished: bool = True,
    watcher: Watcher | None = None,
) -> Summary:
    """Run what is out of date.

    Args:
        settings: Where, and with how many processes.
        types: Entity types to restrict matching and inference to; all if empty.
        only: What to run, stale or not: ``lane``, ``lane@partition``, and the same with the name
            of a table for the step that makes it.
        retrain: Whether frozen models are trained again.
        unfinished: Whether deliveries are read as well that may still be being written.
        watcher: Is told how it goes.

    Returns:
        What was run, what failed and what could not start because of that.

    Raises:
        UnknownLabelError: One of `only` does not exist.
        ProductionError: The namespace is production's.
    """
    refuse_production(settings.namespace)
    started = time.perf_counter()
    # One build at a time in a namespace: two would do the same work twice.
    lock = settings.build_lock
    watcher = watcher or Watcher()
    with ExitStack() as held:
        try:
            held.enter_context(lake_lock(settings, lock, wait=False))
        except Busy:
            watcher.waiting()
            held.enter_context(lake_lock(settings, lock))
        instance = held.enter_context(open_instance(settings))
        report_killed_runs(instance)
        if settings.launcher == "celery":
            from kg_assets.cluster.submitting import cancel_abandoned

            cancel_abandoned(instance)
        follow(settings)
        lake = Lake(settings)
        lake.collect()
        tidy(instance, settings)
        name = held.enter_context(named_build())
        journal = held.enter_context(closing(Journal(settings.catalog_url)))
        journal.start_build(name, settings.namespace)
        told = _Told(watcher, journal, name)
        try:
            work = _Build(
                settings, lake, instance, set(types), set(only), retrain, told, unfinished
            )
            told.summary = work.summary
            summary = work.run()
        finally:
            told.note(time.perf_counter() - started)
    summary.seconds = time.perf_counter() - started
    return summary


class _Told(Watcher):
    """Passes on how a build goes, and notes it in the journal."""

    def __init__(self, watcher: Watcher, journal: Journal, name: str) -> None:
        self._watcher = watcher
        self._journal = journal
        self._name = name
        self.summary = Summary()
        self.planned, self.started = watcher.planned, watcher.started
        self.waiting, self.current, self.said = watcher.waiting, watcher.current, watcher.said

    def finished(self, result: Result) -> None:
        """A run has ended."""
        self._watcher.finished(result)
        self.note()

    def note(self, seconds: float | None = None) -> None:
        """Note how far it has come; with its seconds it has ended."""
        self._journal.note_build(
            self._name,
            runs=len(self.summary.results),
            failed=len(self.summary.failed),
            blocked=len(self.summary.blocked),
            seconds=seconds,
        )


class _Build:
    def __init__(
        self,
        settings: Settings,
        lake: Lake,
        instance: dg.DagsterInstance,
        types: set[str],
        only: set[str],
        retrain: bool,
        watcher: Watcher,
        unfinished: bool,
    ) -> None:
        self._settings = settings
        self._unfinished = unfinished
        self._lake = lake
        self._retrain = retrain
        self._watcher = watcher
        self._assembly: Assembly = assemble(settings)
        self._heads = CurrentHeads(lake.catalog, lake.namespace)
        self._only = only
        self._instance = instance
        self.summary = Summary()
        self._bad: set[str] = set()
        self._damaged: set[tuple[str, str]] = set()
        self._deliveries: dict[str, Delivery] = {}
        self._look()
        self._lanes = lanes(self._assembly.steps)
        if types:
            self._lanes = {
                name: lane
                for name, lane in self._lanes.items()
                if lane.steps[0].entity_type is None or lane.steps[0].entity_type in types
            }

        labels = {
            label
            for lane in self._lanes.values()
            for key in (None, *self._keys(lane))
            for name in (lane.name, *_tables(lane.steps))
            for label in _labels(name, key)
        }
        if only - labels:
            raise UnknownLabelError(
                f"there is no {', '.join(sorted(only - labels))} to build; there are "
                f"{', '.join(self._lanes)}, and the tables that they make, each also with "
                "@PARTITION where it has partitions"
            )

    def _look(self) -> bool:
        """List the landing zone; return whether the program itself has delivered something."""
        settings = self._settings
        deliveries, refused = list_deliveries(settings.landing_path, settings.namespace)
        now, quiet = time.time(), settings.quiet_seconds
        found = {d.key: d for d in deliveries if self._unfinished or is_complete(d, now, quiet)}
        new = {key for key in found if key not in self._deliveries}
        self._deliveries = found
        self.summary.deliveries = len(found)
        self.summary.refused = [(entry.name, entry.reason) for entry in refused]
        known = set(self._instance.get_dynamic_partitions(str(DELIVERIES.name)))
        if found.keys() - known:
            self._instance.add_dynamic_partitions(
                str(DELIVERIES.name), sorted(found.keys() - known)
            )
        return any(found[key].source == INFERRED for key in new)

    def run(self) -> Summary:
        """Build as far as what is inferred; then, with what that delivered, the rest.

        What was inferred enters by the front door, one round a build: texts of what entered may
        propose more, and that is the next build's.
        """
        first = self._up_to(INFERRED_RECORDS.name)
        rest = {name: lane for name, lane in self._lanes.items() if name not in first}
        self._watcher.planned(self._runs(self._lanes))
        with runner(self._settings, self._watcher.said) as submit:
            self._round(submit, first)
            if not self._only and not self.summary.broken and self._look():
                # The graph waits for this, so that it is made once.
                self._watcher.planned(self._runs(first) + self._runs(self._lanes))
                rest = self._lanes
            self._round(submit, rest)
            if not self._only:
                self._mend(submit)
        self._count_quarantined()
        self._count_untouched()
        return self.summary

    def _mend(self, submit: Callable[[Task], Future[Result]]) -> None:
        """Make what a run found damaged again, and then what could not be made without it.

        A file is checked where it is read. What can be damaged at the same place of the graph is
        found in turn, so this goes on for as long as it gets further.
        """
        tried: set[tuple[str, str]] = set()
        summary = self.summary
        while True:
            self._damaged = {r.damaged for r in summary.failed if r.damaged} - tried
            if not self._damaged:
                return
            tried |= self._damaged
            stopped = [r for r in summary.failed if r.damaged in self._damaged]
            summary.results = [r for r in summary.results if r not in stopped]
            summary.blocked = []
            self._bad = {r.task.lane for r in summary.broken}
            self._watcher.planned(len(summary.results) + self._runs(self._lanes))
            self._round(submit, self._lanes)
            summary.mended += stopped

    def _up_to(self, table: str) -> dict[str, Lane]:
        """The lane that makes a table and all that it needs; nothing where it is not built."""
        needed: set[str] = set()
        for name, lane in reversed(self._lanes.items()):
            if name in needed or table in _tables(lane.steps):
                needed |= {name, *lane.upstream}
        return {name: lane for name, lane in self._lanes.items() if name in needed}

    def _runs(self, chosen: Mapping[str, Lane]) -> int:
        return sum(len(self._keys(lane)) for lane in chosen.values())

    def _round(self, submit: Callable[[Task], Future[Result]], chosen: Mapping[str, Lane]) -> None:
        waiting = dict(chosen)
        running: dict[Future[Result], Task] = {}
        open_tasks: dict[str, int] = {}
        while waiting or running:
            for name, lane in list(waiting.items()):
                if any(up in waiting or open_tasks.get(up) for up in lane.upstream):
                    continue
                del waiting[name]
                if lane.upstream & self._bad:
                    self._bad.add(name)
                    self.summary.blocked.append(name)
                    self._watcher.current(name, len(self._keys(lane)))
                    continue
                failed = {result.task.label for result in self.summary.failed}
                tasks = [task for task in self._tasks(lane) if task.label not in failed]
                self._watcher.current(name, len(self._keys(lane)) - len(tasks))
                open_tasks[name] = len(tasks)
                for task in tasks:
                    self._watcher.started(task)
                    running[submit(task)] = task
            if not running:
                continue
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                task = running.pop(future)
                result = outcome(future, task)
                open_tasks[task.lane] -= 1
                self.summary.results.append(result)
                self._watcher.finished(result)
                self._watcher.current(task.lane, max(len(task.partitions) - 1, 0))
                # A delivery that fails does not hold up the others.
                if result.error is not None and task.lane != SOURCES:
                    self._bad.add(task.lane)

    def _count_quarantined(self) -> None:
        heads = self._lake.heads(QUARANTINED_BLOBS)
        for result in self.summary.results:
            for key in result.task.partitions:
                if QUARANTINED_BLOBS.name in result.task.assets and result.error is None:
                    self.summary.quarantined[key] = heads[key].file.rows

    def _count_untouched(self) -> None:
        ran = {*self.summary.blocked, *(result.task.lane for result in self.summary.results)}
        types: dict[str, bool] = {}
        for lane in self._lanes.values():
            step = lane.steps[0]
            if step.group == "matching" and step.entity_type is not None:
                types[step.entity_type] = types.get(step.entity_type, False) or lane.name in ran
        if not self._only and SOURCES in ran:
            self.summary.untouched = [kind for kind, touched in types.items() if not touched]

    def _keys(self, lane: Lane) -> Sequence[str | None]:
        return partition_keys(lane, self._deliveries)

    def _tasks(self, lane: Lane) -> list[Task]:
        own = self._lake.catalog.own_tables(self._lake.namespace)
        state = state_of(
            self._heads.now(),
            self._assembly,
            self._lake.storage,
            self._deliveries,
            made=_tables(lane.steps),
            damaged=self._damaged,
            own=own,
        )
        stale: dict[str | None, tuple[StepAsset, ...]] = {}
        for key in self._keys(lane):
            steps = state.stale(lane, key)
            if self._only:
                steps = self._asked(lane, key)
            elif self._retrain and any(step.settled for step in lane.steps):
                steps = tuple(step for step in lane.steps if not state.is_left_out(step))
            if steps:
                stale[key] = steps
        self._take_over(lane, state, stale, own)
        if lane.light and len(stale) > 1 and len(stale) == len(self._keys(lane)):
            return [self._task(lane, lane.steps, tuple(stale))]
        return [self._task(lane, steps, (key,) if key else ()) for key, steps in stale.items()]

    def _take_over(
        self,
        lane: Lane,
        state: State,
        stale: Mapping[str | None, Sequence[StepAsset]],
        own: Collection[str],
    ) -> None:
        """Take over from production what is current of tables that become the namespace's own.

        Of a table of which the namespace makes some partitions, production's are read no more.
        """
        keys, taken = set(self._keys(lane)), []
        for step in lane.steps:
            making = {key for key, steps in stale.items() if step in steps}
            tables = {table.name for table in step.outputs} - set(own)
            if not making or not tables or None in keys:
                continue
            # A delivery whose folder is gone is no key, and what was read of it stays.
            kept = {
                key
                for key in {partition for table, partition in self._heads.now() if table in tables}
                if key not in keys or (key not in making and state.why_in_lake(step, key) is None)
            }
            taken += [
                head
                for (table, partition), head in self._heads.now().items()
                if table in tables and partition in kept
            ]
        take_over(self._lake.catalog, self._lake.namespace, taken, context=self._lake.context)

    def _asked(self, lane: Lane, key: str | None) -> tuple[StepAsset, ...]:
        """The steps of a lane's partition that `only` names, by the lane or by a table."""
        if _labels(lane.name, key) & self._only:
            return lane.steps
        return tuple(
            step
            for step in lane.steps
            if any(_labels(name, key) & self._only for name in _tables([step]))
        )

    def _task(self, lane: Lane, steps: Sequence[StepAsset], partitions: tuple[str, ...]) -> Task:
        return Task(
            lane=lane.name,
            steps=tuple(step.name for step in steps),
            assets=_tables(steps),
            partitions=partitions,
            retrain=self._retrain,
        )


def _tables(steps: Sequence[StepAsset]) -> tuple[str, ...]:
    return tuple(table.name for step in steps for table in step.outputs)


def _labels(name: str, key: str | None) -> set[str]:
    """What a partition of a lane or of a table may be called."""
    return {name} if key is None else {name, f"{name}@{key}"}
