"""Jobs: bringing the whole graph up to date in one run, for the sensor and for people."""

from collections.abc import Iterator

import dagster as dg
from pydantic import Field

from resources.settings import Settings


class UpdateConfig(dg.Config):
    """What an update is restricted to."""

    types: list[str] = Field(default_factory=list)
    """Entity types whose matching and inference is brought up to date; all if empty."""


@dg.op(description="Runs whatever is out of date, each partition as a run of its own.")
def bring_up_to_date(context: dg.OpExecutionContext, config: UpdateConfig) -> Iterator[dg.Output]:
    """Do what `kg build` does, and fail if any of its runs failed."""
    # The assets are assembled from a module that imports this one.
    from kg_assets.building import build

    summary = build(Settings(), types=config.types)
    for result in summary.results:
        context.log.info("%s: %s", result.task.label, result.error or "done")
    if summary.failed:
        raise dg.Failure(
            f"{len(summary.failed)} of {len(summary.results)} runs failed: "
            + "; ".join(f"{result.task.label}: {result.error}" for result in summary.failed[:8])
        )
    yield dg.Output(None, metadata={"runs": len(summary.results), "seconds": summary.seconds})


@dg.job(description="Brings the graph up to date, as kg build does.", tags={"kg/lane": "update"})
def update() -> None:
    """Bring the graph up to date."""
    bring_up_to_date()
