"""Making one partition again in this process, into a scratch namespace, to see why it failed."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kg_assets.build import assemble, build_definitions
from kg_assets.execution import make
from kg_assets.planning import lanes
from resources.journal import Journal, Place
from resources.logs import redact
from resources.overlay import Overlay
from resources.settings import Settings
from resources.table import WHOLE

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from kg_assets.shell import StepAsset
    from resources.journal import Failure

SOURCES = "sources"


class RerunError(Exception):
    """There is nothing of that name to run again, or more than one thing."""


@dataclass(frozen=True)
class Target:
    """What is run again.

    Attributes:
        namespace: Where it ran, and whose inputs it reads.
        steps: The steps, those of a lane that follow each other.
        partition: The partition, None where the steps have but one.
        failure: The failed run of the first step that was chosen; None: none is known.
    """

    namespace: str
    steps: tuple[StepAsset, ...]
    partition: str | None
    failure: Failure | None

    @property
    def error(self) -> str | None:
        """Why it failed; None: it did not, or that is not known."""
        return None if self.failure is None else self.failure.error

    @property
    def label(self) -> str:
        """Name of the first step, with its partition."""
        return label_of(Place(self.namespace, self.steps[0].name, self.partition or WHOLE))


@dataclass
class Again:
    """What came of it.

    Attributes:
        target: What was run again.
        scratch: The namespace that was written.
        kept: Whether it is still there.
        error: Why it failed, None where it did not.
        same_error: Whether that is the error of before.
        outputs: For each table whether its content is that which is there, or what differs.
    """

    target: Target
    scratch: str
    kept: bool
    error: str | None = None
    same_error: bool = False
    outputs: dict[str, str] = field(default_factory=dict)


def find(settings: Settings, name: str) -> Target:
    """Find what a run or a partition is.

    A partition is run again from the step on that failed: the one whose last run failed, or, where
    all last runs were done, the one that failed last.

    Args:
        settings: The namespace in which a partition is looked for; runs are found in all.
        name: Id of a Dagster run or its beginning, or a lane or a table, with ``@PARTITION``
            where it has several.

    Raises:
        RerunError: There is none, or several: steps or partitions that failed each by itself.
    """
    steps = assemble(settings).steps
    with closing(Journal(settings.catalog_url, create=False)) as journal:
        entries, failures = journal.entries(), journal.failures()
    label, at, partition = name.partition("@")
    # A lane can have the name of its first table, which then means the table, as in kg status.
    chosen = [step for step in steps if label in {table.name for table in step.outputs}] or [
        step for step in steps if label == step.lane
    ]
    if chosen:
        if bool(at) != (chosen[0].partitions is not None):
            problem = "has partitions: name one as" if chosen[0].partitions else "has none: write"
            raise RerunError(f"{label} {problem} {label}{'@PARTITION' if not at else ''}")
        ours = {step.name for step in chosen}
        own = [
            failure
            for failure in failures
            if failure.place.namespace == settings.namespace
            and failure.place.partition == (partition or WHOLE)
            and failure.place.step in ours
        ]
        standing = [failure for failure in own if failure.stands]
        return _target(settings.namespace, chosen, partition or None, standing or _last(own), name)
    known = {entry.run_id for entry in entries} | {failure.run_id for failure in failures}
    runs = {run for run in known if (run or "").startswith(name)}
    if not name or not runs:
        names = ", ".join(lanes(steps))
        raise RerunError(
            f"{name!r} is neither a lane or a table, nor the last run or the last failed run of "
            f"any partition; kg status names what failed. There are the lanes {names}"
        )
    if len(runs) > 1:
        raise RerunError(f"{name!r} is the beginning of {len(runs)} runs: write more of it")
    failed = [failure for failure in failures if failure.run_id in runs]
    places = sorted(
        {one.place for one in failed or entries if one.run_id in runs},
        key=lambda place: (place.partition, place.step),
    )
    place = places[0]
    lane = next((step.lane for step in steps if step.name == place.step), None)
    if lane is None:
        raise RerunError(f"the step {place.step} of run {name} is not there any more")
    if len({(one.namespace, one.partition) for one in places}) > 1:
        # A run over several partitions that failed in none is that of its first one.
        _ask(failed, name)
        places = [one for one in places if one.partition == place.partition]
    there = {entry.place.step for entry in entries if entry.run_id in runs} | {
        one.step for one in places
    }
    chosen = [step for step in steps if step.lane == lane and step.name in there]
    key = None if place.partition == WHOLE else place.partition
    return _target(place.namespace, chosen, key, failed, name)


def _last(failures: Sequence[Failure]) -> list[Failure]:
    """Those of the run that failed last."""
    if not failures:
        return []
    newest = max(failures, key=lambda failure: failure.started)
    return [
        failure
        for failure in failures
        if failure is newest or (newest.run_id is not None and failure.run_id == newest.run_id)
    ]


def _target(
    namespace: str,
    chosen: Sequence[StepAsset],
    partition: str | None,
    failures: Sequence[Failure],
    name: str,
) -> Target:
    """The chosen steps, from the one that failed on; they are asked for where several did."""
    if not failures:
        return Target(namespace, tuple(chosen), partition, None)
    if len(failures) > 1:
        _ask(failures, name)
    (failure,) = failures
    first = [step.name for step in chosen].index(failure.place.step)
    return Target(namespace, tuple(chosen[first:]), partition, failure)


def _ask(failures: Sequence[Failure], name: str) -> None:
    """Refuse to choose among failures.

    Raises:
        RerunError: There are any.
    """
    if not failures:
        return
    lines = [
        f"  kg rerun '{label_of(failure.place)}'  {said_of(failure)}: "
        f"{(failure.error or 'no message').strip().splitlines()[0]}"
        for failure in failures
    ]
    raise RerunError("\n".join([f"{name} failed in {len(lines)} places; name one:", *lines]))


def label_of(place: Place) -> str:
    """What `find` takes for a partition of a step."""
    return place.step if place.partition == WHOLE else f"{place.step}@{place.partition}"


def said_of(failure: Failure) -> str:
    """Which run it was that failed."""
    run = f"run {failure.run_id[:8]}" if failure.run_id else "a run outside of Dagster"
    return f"{run} of {failure.started[:19].replace('T', ' ')} UTC"


def rerun(
    settings: Settings,
    target: Target,
    *,
    keep: bool = False,
    around: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> Again:
    """Make a partition again.

    It reads what the namespace reads in which it ran, and writes to one of its own.

    Args:
        settings: Where things lie.
        target: What is run again.
        keep: Whether the scratch namespace stays.
        around: Makes a context around the work of each step.
    """
    scratch = _scratch(settings, target)
    definitions = build_definitions(settings=scratch)
    assembly = assemble(scratch)
    wanted = {step.name for step in target.steps}
    lake = Overlay(scratch, target.namespace)
    again = Again(target, scratch.namespace, keep)
    try:
        for step in assembly.steps:
            if step.name not in wanted:
                continue
            made = make(
                step,
                lake,
                target.partition,
                run_id=None,
                fixed=assembly.fixed,
                options={},
                resources={name: (definitions.resources or {})[name] for name in step.resources},
                around=around,
            )
            for table in step.outputs:
                there = lake.below(table).get(target.partition or WHOLE)
                new = made.heads[table.name].file
                if there is None:
                    again.outputs[table.name] = f"{new.rows:,} rows, and there was none"
                elif there.file.digest == new.digest:
                    again.outputs[table.name] = "equal to what is there"
                else:
                    again.outputs[table.name] = (
                        f"differs: {new.rows:,} rows, and {there.file.rows:,} are there"
                    )
    except Exception as error:
        again.error = redact(str(error)) or type(error).__name__
        again.same_error = again.error == target.error
    finally:
        if not keep:
            _remove(scratch, lake)
    return again


def _scratch(settings: Settings, target: Target) -> Settings:
    name = f"rerun-{secrets.token_hex(4)}"
    changed: dict[str, object] = {"namespace": name}
    if target.steps[0].group != SOURCES:
        # What a step infers is landed for the next build: not in everyone's landing zone.
        changed["landing"] = settings.scratch / name / "landing"
    return Settings(**(settings.model_dump() | changed))


def _remove(scratch: Settings, lake: Overlay) -> None:
    lake.remove()
    for folder in (
        scratch.vectors,
        scratch.published.parent,
        scratch.reports,
        scratch.scratch / scratch.namespace,
    ):
        shutil.rmtree(folder, ignore_errors=True)
