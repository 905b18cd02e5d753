"""What a build says of itself: while it goes, and when it has ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kg_assets.running import Result, Task


SOURCES = "sources"
"""The lane that reads deliveries; one that fails does not hold up the others."""


@dataclass
class Summary:
    """What a build did.

    Attributes:
        results: The runs.
        blocked: Lanes that could not start because one before them failed.
        refused: What in the landing zone is not read, and why.
        mended: Runs that found a damaged file, which was then made again and read once more.
        quarantined: Deliveries that were read, to the number of their quarantined blobs.
        untouched: Entity types whose matching was left out, since no delivery that was read bears
            on them.
        deliveries: How many there are in the landing zone.
        seconds: How long it took.
    """

    results: list[Result] = field(default_factory=list)
    blocked: list[str] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    mended: list[Result] = field(default_factory=list)
    quarantined: dict[str, int] = field(default_factory=dict)
    untouched: list[str] = field(default_factory=list)
    deliveries: int = 0
    seconds: float = 0.0

    @property
    def failed(self) -> list[Result]:
        """Runs that failed."""
        return [result for result in self.results if result.error is not None]

    @property
    def failed_deliveries(self) -> list[Result]:
        """Those of them that read a delivery: it is left out, or counts as it did before."""
        return [result for result in self.failed if result.task.lane == SOURCES]

    @property
    def broken(self) -> list[Result]:
        """Those of them that hold up what follows."""
        return [result for result in self.failed if result.task.lane != SOURCES]

    @property
    def is_done(self) -> bool:
        """Whether all is up to date but for deliveries that failed."""
        return not self.broken and not self.blocked


def said_untouched(summary: Summary) -> str:
    """In words, which entity types were left out."""
    count = len(summary.untouched)
    word = "entity type" if count == 1 else "entity types"
    return f"{count} {word}: no delivery touches them ({', '.join(summary.untouched)})"


class Watcher:
    """Is told how a build goes; this one does nothing."""

    def planned(self, runs: int) -> None:
        """At most so many runs are still to come."""

    def started(self, task: Task) -> None:
        """A run starts."""

    def finished(self, result: Result) -> None:
        """A run has ended."""

    def waiting(self) -> None:
        """Another build of the namespace has to end first."""

    def current(self, lane: str, partitions: int) -> None:
        """So many partitions of a lane needed nothing."""

    def said(self, line: str) -> None:
        """How far a long step has come; told from another thread."""
