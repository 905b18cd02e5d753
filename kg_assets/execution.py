"""Making one partition of a step: the work, its checks before the commit, and what it took."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psutil

from kg_assets.memory_cap import memory_cap
from kg_assets.preview import Markdown, markdown_table
from resources.errors import refuse_production
from resources.journal import Outcome, Place
from resources.logs import fields, redact, tells_a_secret
from resources.table import WHOLE

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from kg_assets.checks import Check, Verdict
    from kg_assets.shell import StepAsset
    from resources.entries import Head
    from resources.journal import Journal
    from resources.lake import Lake, Step

_log = logging.getLogger(__name__)

_SAMPLE_SECONDS = 0.02
_PREVIEW_ROWS = 8


class BrokenPromises(Exception):
    """Blocking checks of a step failed, so nothing was committed.

    Attributes:
        verdicts: What every check found, in the order of the step's promises.
    """

    def __init__(self, message: str, verdicts: Sequence[Verdict]) -> None:
        super().__init__(message)
        self.verdicts = verdicts


@dataclass(frozen=True)
class Made:
    """What making a partition came to.

    Attributes:
        figures: What the step reported.
        verdicts: What each check found, in the order of the step's promises.
        previews: The first rows of each output, as Markdown, by name of the table.
        heads: What is current of each output now, by name of the table.
        seconds: How long it took.
        peak_bytes: Most bytes that the process held meanwhile.
    """

    figures: Mapping[str, Any]
    verdicts: Sequence[Verdict]
    previews: Mapping[str, str]
    heads: Mapping[str, Head]
    seconds: float
    peak_bytes: int


def make(
    declared: StepAsset,
    lake: Lake,
    key: str | None,
    *,
    run_id: str | None,
    fixed: Mapping[str, Sequence[str]],
    options: Mapping[str, Any],
    resources: Mapping[str, Any],
    journal: Journal | None = None,
    around: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> Made:
    """Make a partition of a step, look at its checks, and commit it.

    Args:
        declared: The step.
        lake: What it reads and writes.
        key: The partition, None where there is one.
        run_id: The Dagster run that this is part of.
        fixed: Partition keys of each table that has a fixed set of them.
        options: What was asked of this run.
        resources: What the step is given besides the lake.
        journal: Is told how it went, if there is one.
        around: Makes a context around the work, for what wants to see an error where it arises.

    Raises:
        BrokenPromises: A blocking check failed; nothing was committed.
        ProductionError: The namespace is production.
    """
    # Steps also write what lies beside the lake, such as the published file.
    refuse_production(lake.namespace)
    place = Place(lake.namespace, declared.name, key or WHOLE)
    with fields(
        namespace=lake.namespace, step=declared.name, partition=key or WHOLE, run=run_id or ""
    ):
        _log.info("starts")
        if journal is not None:
            journal.start(place, run_id)
        try:
            made = _make(declared, lake, key, run_id, fixed, options, resources, around)
        except BaseException as error:
            _log.error("failed: %s: %s", type(error).__name__, error)
            _log.debug("it failed here", exc_info=True)
            if journal is not None:
                journal.failed(place, redact(str(error)) or type(error).__name__)
            if isinstance(error, Exception) and tells_a_secret(error):
                # Dagster keeps what is raised, with all that it came from.
                raise RuntimeError(f"{type(error).__name__}: {redact(str(error))}") from None
            raise
        if journal is not None:
            journal.done(place, _outcome(declared.promises, made))
        _log.info("done in %.3f s, peak memory %.1f MB", made.seconds, made.peak_bytes / 1e6)
        return made


def _make(
    declared: StepAsset,
    lake: Lake,
    key: str | None,
    run_id: str | None,
    fixed: Mapping[str, Sequence[str]],
    options: Mapping[str, Any],
    resources: Mapping[str, Any],
    around: Callable[[], AbstractContextManager[object]],
) -> Made:
    with (
        _Meter() as meter,
        lake.step(
            declared.name,
            partition=key,
            code_version=declared.code_version,
            run_id=run_id,
            expected=fixed,
            options=options,
        ) as step,
        memory_cap(options.get("memory_cap"), step.con.interrupt),
        around(),
    ):
        restored = step.restore(declared.lasting, declared.outputs)
        if restored is not None:
            # The last version is damaged.
            step.report(goes_on_from=restored)
        if _has_nothing_to_do(declared, step):
            for table in declared.outputs:
                step.write(table, table.schema.empty_table())
        else:
            declared.run(step, **resources)
        verdicts = [check.look(step) for check in declared.promises]
        step.checks = [
            _recorded(check, found)
            for check, found in zip(declared.promises, verdicts, strict=True)
        ]
        broken = [
            f"{check.table.name} {check.name} {dict(found.figures)}"
            for check, found in zip(declared.promises, verdicts, strict=True)
            if check.blocking and not found.passed
        ]
        if broken:
            raise BrokenPromises(
                f"{declared.name} {key or ''}: blocking checks failed, nothing was committed: "
                + "; ".join(broken),
                verdicts,
            )
        previews = {
            table.name: markdown_table(step.staged(table), _PREVIEW_ROWS)
            for table in declared.outputs
        }
    return Made(
        figures=step.figures,
        verdicts=verdicts,
        previews=previews,
        # Not the file that was staged: where its content was there already, that one stays.
        heads={
            table.name: lake.heads(table, key or WHOLE)[key or WHOLE] for table in declared.outputs
        },
        seconds=meter.seconds,
        peak_bytes=meter.peak_bytes,
    )


def _has_nothing_to_do(declared: StepAsset, step: Step) -> bool:
    """Whether a step makes empty tables, as it did before.

    Most homes have records of a few entity types, and planning the statements of the others is
    what a small build would take longest for.
    """
    return (
        bool(declared.nothing_of)
        and not any(step.previous_rows(table) for table in declared.outputs)
        and step.are_empty(declared.nothing_of)
    )


def _recorded(check: Check, verdict: Verdict) -> dict[str, Any]:
    """What the catalog keeps of a verdict: figures where it failed, since most checks pass."""
    recorded: dict[str, Any] = {
        "table": check.table.name,
        "check": check.name,
        "passed": verdict.passed,
        "blocking": check.blocking,
    }
    if not verdict.passed:
        recorded["figures"] = {name: redact(str(value)) for name, value in verdict.figures.items()}
    return recorded


def _outcome(promises: Sequence[Check], made: Made) -> Outcome:
    return Outcome(
        seconds=round(made.seconds, 3),
        peak_memory=made.peak_bytes,
        figures={
            name: value for name, value in made.figures.items() if not isinstance(value, Markdown)
        },
        warnings=[
            (check.table.name, check.name, dict(found.figures))
            for check, found in zip(promises, made.verdicts, strict=True)
            if not found.passed
        ],
    )


class _Meter:
    """Seconds and peak memory of a block, sampled from the process's resident set."""

    seconds = 0.0
    peak_bytes = 0

    def __enter__(self) -> _Meter:
        self._start = time.perf_counter()
        self._process = psutil.Process()
        self._done = threading.Event()
        self._sample()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        self._sample()
        self.seconds = time.perf_counter() - self._start

    def _watch(self) -> None:
        while not self._done.wait(_SAMPLE_SECONDS):
            self._sample()

    def _sample(self) -> None:
        self.peak_bytes = max(self.peak_bytes, self._process.memory_info().rss)
