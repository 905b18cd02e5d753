"""Jobs: bringing the whole graph up to date in one run, promoting it, and taking that back."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
from pydantic import Field

from kg_assets.attempts import told_by
from kg_assets.instance import claim
from kg_assets.policies import BUILDS, MACHINE
from resources.settings import Settings

_COORDINATES = {MACHINE: BUILDS}


class UpdateConfig(dg.Config):
    """What an update is restricted to."""

    types: list[str] = Field(default_factory=list)
    """Entity types whose matching and inference is brought up to date; all if empty."""
    language_model: bool = True
    """Whether the language model may be asked; what its store holds is used in any case."""


class PromoteConfig(dg.Config):
    """What is promoted."""

    namespace: str = ""
    """The namespace; by default that of the daemon."""
    accept: str = ""
    """Why shut gates are passed; nothing: they are not."""
    reason: str = ""
    """Why it is promoted, for the record."""


class RollbackConfig(dg.Config):
    """How far production is taken back."""

    to: int = 0
    """Number of the promotion to go back to; 0: the one before."""
    reason: str = ""
    """Why, for the record."""


@dg.op(
    tags=_COORDINATES,
    description="Runs whatever is out of date, each partition as a run of its own.",
)
def bring_up_to_date(context: dg.OpExecutionContext, config: UpdateConfig) -> Iterator[dg.Output]:
    """Do what `kg build` does, and fail if it could not be done.

    A delivery that fails is said and left out: what the others bring is up to date all the same.
    One that is still being written is left for later.
    """
    # The assets are assembled from a module that imports this one.
    from kg_assets.building import build
    from kg_assets.pending import pending
    from kg_assets.summary import said_untouched

    settings = Settings()
    claim(context.instance, context.run_id, settings)
    with _language_model(allowed=config.language_model):
        summary = build(Settings(), types=config.types, unfinished=False)
    for result in summary.results:
        say = context.log.info if result.error is None else context.log.error
        say("%s: %s", result.task.label, result.error or "done")
    if summary.untouched:
        context.log.info("left out %s", said_untouched(summary))
    if not config.types:
        context.instance.add_run_tags(context.run_id, told_by(summary, pending(settings)))
    if not summary.is_done:
        raise dg.Failure(
            f"{len(summary.failed)} of {len(summary.results)} runs failed: "
            + "; ".join(f"{result.task.label}: {result.error}" for result in summary.failed[:8])
        )
    failed = {result.task.label: result.error for result in summary.failed_deliveries}
    yield dg.Output(
        None,
        metadata={
            "runs": len(summary.results),
            "seconds": summary.seconds,
            **({"failed_deliveries": dg.MetadataValue.json(failed)} if failed else {}),
        },
    )


@contextmanager
def _language_model(*, allowed: bool) -> Iterator[None]:
    """Pause the language model for what this process does and starts meanwhile."""
    if allowed:
        yield
        return
    before = os.environ.get("KG_LLM_PAUSED")
    os.environ["KG_LLM_PAUSED"] = "true"
    try:
        yield
    finally:
        if before is None:
            del os.environ["KG_LLM_PAUSED"]
        else:
            os.environ["KG_LLM_PAUSED"] = before


@dg.job(description="Brings the graph up to date, as kg build does.", tags={"kg/lane": "update"})
def update() -> None:
    """Bring the graph up to date."""
    bring_up_to_date()


@dg.job(
    description="Brings the graph up to date, and asks the language model for what waits for it. "
    "The sensor texts_that_wait starts it; stop that sensor, and only this is paused.",
    tags={"kg/lane": "update"},
)
def read_texts() -> None:
    """Bring the graph up to date with what the language model reads."""
    bring_up_to_date()


@dg.op(
    tags=_COORDINATES,
    description="Compares a namespace with production and makes it production.",
)
def promote_namespace(context: dg.OpExecutionContext, config: PromoteConfig) -> Iterator[dg.Output]:
    """Do what `kg promote` does."""
    from kg_assets.promotion.promoting import NothingNewError, promote
    from resources.errors import PromotionError

    settings = Settings()
    claim(context.instance, context.run_id, settings)
    try:
        prospect, done = promote(
            settings,
            config.namespace or settings.namespace,
            accept=config.accept or None,
            reason=config.reason,
        )
    except NothingNewError as error:
        yield dg.Output(None, metadata={"promotion": str(error)})
        return
    except PromotionError as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    context.log.info("promotion %s of %s", done.id, done.namespace)
    for key, why in prospect.readiness.failed.items():
        context.log.warning("the delivery %s failed, and is left out of it: %s", key, why)
    yield dg.Output(
        None,
        metadata={
            "promotion": done.id,
            "namespace": done.namespace,
            "who": done.who,
            "figures": dg.MetadataValue.json(prospect.as_dict()),
        },
    )


@dg.job(
    description="Makes this namespace production, as kg promote does. The sensor "
    "promote_after_update starts it where KG_PROMOTE is auto.",
    tags={"kg/lane": "promote"},
)
def promote() -> None:
    """Make a namespace production."""
    promote_namespace()


@dg.op(tags=_COORDINATES, description="Takes production back to an earlier promotion.")
def take_back(context: dg.OpExecutionContext, config: RollbackConfig) -> Iterator[dg.Output]:
    """Do what `kg rollback` does."""
    from kg_assets.promotion.promoting import roll_back
    from resources.errors import PromotionError

    settings = Settings()
    claim(context.instance, context.run_id, settings)
    try:
        changes, done = roll_back(settings, to=config.to or None, reason=config.reason)
    except PromotionError as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    context.log.info("production is what promotion %s made of it", done.back_to)
    yield dg.Output(
        None,
        metadata={
            "promotion": done.id,
            "back_to": done.back_to,
            "who": done.who,
            "figures": dg.MetadataValue.json(changes.as_dict()),
        },
    )


@dg.job(
    description="Takes production back to an earlier promotion, as kg rollback does.",
    tags={"kg/lane": "promote"},
)
def rollback() -> None:
    """Take production back."""
    take_back()
