"""`kg build`: what it prints while a person waits, and afterwards."""

from __future__ import annotations

import json as json_module
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from kg_assets.building import UnknownLabelError, build
from kg_assets.cli.render import clean, console, fail
from kg_assets.summary import Summary, Watcher, said_untouched
from resources.errors import ProductionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kg_assets.running import Result, Task
    from resources.settings import Settings

_INTERRUPTED = 130
"""Exit code of a command that was stopped by Ctrl-C, as shells have it."""


def build_graph(
    settings: Settings, types: Sequence[str], only: Sequence[str], *, retrain: bool, json: bool
) -> int:
    """Build and report.

    Returns:
        0 where everything is up to date, 1 where something failed.

    Raises:
        SystemExit: The call is wrong (2), or it was stopped (130).
    """
    from kg_assets.inference.choice import without_model
    from kg_assets.matching.models import MODELS

    unknown = sorted(set(types) - set(MODELS))
    if unknown:
        fail(f"no such entity type: {', '.join(unknown)}; there are {', '.join(MODELS)}")
    try:
        if json:
            summary = build(settings, types=types, only=only, retrain=retrain)
            print(json_module.dumps(as_json(summary)))
        else:
            if line := without_model(settings):
                console.print(clean(line), soft_wrap=True)
            with BuildProgress() as progress:
                summary = build(settings, types=types, only=only, retrain=retrain, watcher=progress)
            report(summary)
    except (UnknownLabelError, ProductionError) as error:
        fail(str(error))
    except KeyboardInterrupt:
        fail("stopped; what was finished is kept, and kg build goes on from there", _INTERRUPTED)
    return 1 if summary.failed or summary.blocked else 0


def as_json(summary: Summary) -> dict[str, object]:
    """A build's summary for a program."""
    return {
        "seconds": round(summary.seconds, 3),
        "runs": len(summary.results),
        "failed": [
            {"label": r.task.label, "run_id": r.run_id, "error": r.error} for r in summary.failed
        ],
        "mended": [
            {"label": r.task.label, "run_id": r.run_id, "error": r.error} for r in summary.mended
        ],
        "blocked": summary.blocked,
        "quarantined": summary.quarantined,
        "untouched": summary.untouched,
        "refused": [{"name": name, "reason": reason} for name, reason in summary.refused],
    }


def report(summary: Summary) -> None:
    """Say what a build did and how to run again what failed."""
    for name, reason in summary.refused:
        console.print(f"[yellow]passed over[/] {clean(name)}: {clean(reason)}")
    if not summary.deliveries:
        console.print("Nothing has been landed yet; do it with: kg land SOURCE FILE...")
    if not summary.results and not summary.blocked:
        if summary.deliveries:
            console.print(f"Nothing changed: everything is up to date ({summary.seconds:.1f} s).")
        return
    for result in summary.mended:
        console.print(f"[yellow]mended[/]: {clean(result.error or '')}", soft_wrap=True)
    done = len(summary.results) - len(summary.failed)
    console.print(f"{done} runs done in {summary.seconds:.1f} s.")
    if summary.untouched:
        console.print(f"Left out {said_untouched(summary)}.", soft_wrap=True)
    for key, blobs in summary.quarantined.items():
        if blobs:
            console.print(
                f"[yellow]{blobs:,} blobs of {clean(key)} are in quarantine[/]; see them with: "
                f"kg quarantine '{clean(key)}'",
                soft_wrap=True,
            )
    if not summary.failed:
        return
    console.print(f"[bold red]{len(summary.failed)} runs failed:[/]")
    for result in summary.failed:
        console.print(f"  {clean(result.task.label)}  {clean(result.error or '')}", soft_wrap=True)
        console.print(
            # On one line, however narrow the terminal: it is there to be copied.
            f"    run {result.run_id}; again: kg build --only '{clean(result.task.label)}'",
            soft_wrap=True,
        )
    if summary.blocked:
        console.print(f"Not started because of that: {', '.join(summary.blocked)}")
    console.print("`kg build` goes on with all of it; `kg ui` shows the runs with their logs.")


class BuildProgress(Watcher):
    """A bar over all partitions, and a line for each lane that has ended."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("[progress.description]{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._bar = self._progress.add_task("building", total=None)
        self._running: Counter[str] = Counter()
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._runs: Counter[str] = Counter()
        self._failed: set[str] = set()

    def __enter__(self) -> BuildProgress:
        """Start drawing."""
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop drawing."""
        self._progress.stop()

    def waiting(self) -> None:
        """Say why nothing happens."""
        self._progress.console.print(
            "Another build of this namespace is running; this one starts when it has ended."
        )

    def planned(self, runs: int) -> None:
        """Set the length of the bar."""
        self._progress.update(self._bar, total=runs)

    def current(self, lane: str, partitions: int) -> None:  # noqa: ARG002 (the bar has no lanes)
        """Advance over what needed nothing."""
        self._progress.advance(self._bar, partitions)

    def started(self, task: Task) -> None:
        """Show what is running."""
        self._running[task.lane] += 1
        self._describe()

    def finished(self, result: Result) -> None:
        """Advance, and print a line when a lane has ended."""
        lane = result.task.lane
        self._running[lane] -= 1
        self._runs[lane] += 1
        self._seconds[lane] += result.seconds
        self._progress.advance(self._bar)
        if result.error is not None:
            self._progress.console.print(f"[red]✗[/] {clean(result.task.label)} failed")
            self._failed.add(lane)
        if not self._running[lane]:
            del self._running[lane]
            mark = "[red]✗[/]" if lane in self._failed else "[green]✓[/]"
            runs = f"{self._runs[lane]} runs" if self._runs[lane] > 1 else ""
            self._progress.console.print(f"{mark} {lane:<24} {self._seconds[lane]:6.1f} s  {runs}")
        self._describe()

    def said(self, line: str) -> None:
        """Print how far a long step has come."""
        self._progress.console.print(f"  {clean(line)}", soft_wrap=True)

    def _describe(self) -> None:
        names = ", ".join(sorted(self._running))
        self._progress.update(self._bar, description=names[:48] or "building")
