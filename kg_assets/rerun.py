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
from resources.journal import FAILED, Journal
from resources.logs import redact
from resources.overlay import Overlay
from resources.reads import WHOLE
from resources.settings import Settings

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from kg_assets.shell import StepAsset
    from resources.journal import Entry

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
        error: Why it failed; None: it did not, or that is not known.
    """

    namespace: str
    steps: tuple[StepAsset, ...]
    partition: str | None
    error: str | None

    @property
    def label(self) -> str:
        """Name of the first step, with its partition."""
        name = self.steps[0].name
        return name if self.partition is None else f"{name}@{self.partition}"


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

    Args:
        settings: The namespace in which a partition is looked for; runs are found in all.
        name: Id of a Dagster run or its beginning, or a lane or a table, with ``@PARTITION``
            where it has several.

    Raises:
        RerunError: There is none, or several.
    """
    steps = assemble(settings).steps
    with closing(Journal(settings.catalog_url, create=False)) as journal:
        entries = journal.entries()
    label, at, partition = name.partition("@")
    chosen = [
        step
        for step in steps
        if label == step.lane or label in {table.name for table in step.outputs}
    ]
    if chosen:
        if bool(at) != (chosen[0].partitions is not None):
            problem = "has partitions: name one as" if chosen[0].partitions else "has none: write"
            raise RerunError(f"{label} {problem} {label}{'@PARTITION' if not at else ''}")
        own = [entry for entry in entries if entry.place.namespace == settings.namespace]
        return _target(settings.namespace, chosen, partition or None, own)
    runs = {entry.run_id for entry in entries if (entry.run_id or "").startswith(name)}
    if not name or not runs:
        names = ", ".join(lanes(steps))
        raise RerunError(
            f"{name!r} is neither a lane or a table, nor the last run of any partition; kg status "
            f"names what failed. There are the lanes {names}"
        )
    if len(runs) > 1:
        raise RerunError(f"{name!r} is the beginning of {len(runs)} runs: write more of it")
    of_run = [entry for entry in entries if entry.run_id in runs]
    of_run.sort(key=lambda entry: (entry.state != FAILED, entry.place.partition))
    place = of_run[0].place
    lane = next((step.lane for step in steps if step.name == place.step), None)
    if lane is None:
        raise RerunError(f"the step {place.step} of run {name} is not there any more")
    there = {entry.place.step for entry in of_run if entry.place.partition == place.partition}
    chosen = [step for step in steps if step.lane == lane and step.name in there]
    key = None if place.partition == WHOLE else place.partition
    own = [entry for entry in entries if entry.place.namespace == place.namespace]
    return _target(place.namespace, chosen, key, own)


def _target(
    namespace: str,
    chosen: Sequence[StepAsset],
    partition: str | None,
    entries: Sequence[Entry],
) -> Target:
    """The chosen steps, from the first one that failed on."""
    failed = {
        entry.place.step: entry.error
        for entry in entries
        if entry.state == FAILED and entry.place.partition == (partition or WHOLE)
    }
    first = next((at for at, step in enumerate(chosen) if step.name in failed), None)
    if first is None:
        return Target(namespace, tuple(chosen), partition, None)
    return Target(namespace, tuple(chosen[first:]), partition, failed[chosen[first].name])


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
