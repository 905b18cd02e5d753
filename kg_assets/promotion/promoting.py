"""Promotion, rollback and rebase: what `kg`, the jobs and the daemon do.

A promotion makes the tables of a namespace production's. It is refused where the namespace is not
whole and current, where production has moved since the namespace started from it, and where a gate
is shut and nobody gave a reason. The tables change in one transaction of the catalog; what is
published follows it (`kg_assets.promotion.publishing`).
"""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kg_assets.build import assemble
from kg_assets.building import build
from kg_assets.inference.review.log import FACTS
from kg_assets.judging.log import add_all, judgements_of
from kg_assets.judging.values import Kind
from kg_assets.matching.judgement_log import PAIRS
from kg_assets.promotion.prospect import Prospect, difference, look
from kg_assets.promotion.publishing import follow, production_lock, set_links, swap
from kg_assets.promotion.readiness import readiness
from kg_assets.sources.record import ENTITY_TYPES
from kg_assets.summary import Summary, Watcher
from resources import production
from resources.catalog import Catalog
from resources.errors import NothingNewError, PromotionError, refuse_production
from resources.keeping import KEEPS
from resources.lake import Lake
from resources.lock import Busy, lake_lock
from resources.past import PastProduction
from resources.production import Moved, Promotion
from resources.team_settings import PRODUCTION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from kg_assets.promotion.comparison import Comparison
    from resources.settings import Settings

__all__ = [
    "NothingNewError",
    "Rebased",
    "RefusedError",
    "preview",
    "promote",
    "promote_types",
    "rebase",
    "refuse",
    "roll_back",
]

THROUGH = "prod-next"
"""The namespace that production's daemon builds."""

_KINDS: tuple[Kind[Any], ...] = (PAIRS, FACTS)
"""What people judge, which is theirs and of no namespace alone."""

_NAMED = 8
"""Labels that a message names."""


class RefusedError(PromotionError):
    """A promotion was compared and is refused.

    Attributes:
        prospect: What was found.
    """

    def __init__(self, message: str, prospect: Prospect) -> None:
        super().__init__(message)
        self.prospect = prospect


@dataclass(frozen=True)
class Rebased:
    """What became of a namespace that was moved to today's production.

    Attributes:
        moved: What changed in the catalog.
        judgements: Judgements of production that its own lacked and now have.
        stale: What has to be made again, as labels of ``kg build --only``.
    """

    moved: Moved
    judgements: int
    stale: tuple[str, ...]


def promote(
    settings: Settings,
    namespace: str,
    *,
    accept: str | None = None,
    reason: str = "",
    waiting: Callable[[], None] | None = None,
) -> tuple[Prospect, Promotion]:
    """Make a namespace production.

    Args:
        settings: Where things lie, gates, and who does it; their namespace plays no part.
        namespace: The namespace.
        accept: Why shut gates are passed; None: they are not.
        reason: Why it is promoted, for the record.
        waiting: Called once where a build of the namespace has to end first.

    Returns:
        What was compared, and the promotion.

    Raises:
        RefusedError: A gate is shut, or the namespace is not whole and current.
        PromotionError: Production has moved, or there is nothing to promote.
    """
    refuse_production(namespace)
    follow(settings)
    with _alone(settings.in_namespace(namespace), waiting):
        prospect = _prospect(settings, namespace)
        refuse(prospect, accept)
        lake = Lake(settings.in_namespace(namespace))
        done = swap(
            lake,
            lambda name: production.promote(
                lake.catalog,
                namespace,
                who=settings.user,
                reason="; ".join(part for part in (reason, accept) if part),
                figures=prospect.as_dict() | {KEEPS: _keeps(settings)},
                files=name,
                compared=prospect.state,
                context=lake.context,
            ),
        )
    return prospect, done


def preview(settings: Settings, namespace: str) -> Prospect:
    """Compare a namespace with production, and change nothing.

    Raises:
        PromotionError: There is no such namespace, or production has moved since it started.
    """
    refuse_production(namespace)
    return _prospect(settings, namespace)


def roll_back(
    settings: Settings, *, to: int | None = None, reason: str = ""
) -> tuple[Comparison, Promotion]:
    """Take production back to what an earlier promotion made of it.

    Args:
        settings: Where things lie, and who does it; their namespace plays no part.
        to: Number of the promotion; by default the one before.
        reason: Why.

    Returns:
        What changed, and the commit of the catalog that did it.

    Raises:
        PromotionError: There is nothing to go back to.
    """
    follow(settings)
    lake = Lake(settings.in_namespace(PRODUCTION))
    with lake.catalog.reading() as connection:
        target = production.rollback_target(connection, to)
    changes = difference(lake.settings, lake, PastProduction(settings, target.commit_id))
    with production_lock(settings):
        done = production.roll_back(
            lake.catalog,
            to=target.id,
            who=settings.user,
            reason=reason,
            figures=changes.as_dict() | {KEEPS: _keeps(settings)},
            context=lake.context,
        )
        set_links(lake, done.files)
    return changes, done


def rebase(
    settings: Settings,
    namespace: str,
    *,
    release: Sequence[str] = (),
    waiting: Callable[[], None] | None = None,
) -> Rebased:
    """Let a namespace start from today's production.

    Args:
        settings: Where things lie; their namespace plays no part.
        namespace: The namespace.
        release: Tables of its own that it gives up for production's; ``all`` for all of them.
        waiting: Called once where a build of the namespace has to end first.

    Raises:
        PromotionError: There is no such namespace, or it has not built such a table.
        ContradictionError: Judgements of the namespace contradict those of production.
    """
    refuse_production(namespace)
    follow(settings)
    own = settings.in_namespace(namespace)
    with _alone(own, waiting):
        lake = _existing(settings, namespace)
        built = lake.catalog.own_tables(namespace)
        given_up = sorted(built if "all" in release else set(release))
        if unknown := sorted(set(given_up) - built):
            raise PromotionError(f"{namespace} has not built {', '.join(unknown)} itself")
        kinds = [each for each in _KINDS if each.table.name in built - set(given_up)]
        merged = _merge_judgements(Lake(settings.in_namespace(PRODUCTION)), lake, kinds=kinds)
        lasting = [
            [table.name for table in step.outputs] for step in assemble(own).steps if step.lasting
        ]
        moved = production.rebase(
            lake.catalog, namespace, lasting=lasting, release=given_up, context=lake.context
        )
        return Rebased(moved, merged, readiness(lake).stale)


def promote_types(
    settings: Settings,
    namespace: str,
    types: Sequence[str],
    *,
    accept: str | None = None,
    reason: str = "",
    watcher: Watcher | None = None,
) -> tuple[Summary, Prospect, Promotion]:
    """Promote what a namespace made of some entity types, and nothing else of it.

    The tables of these types go to the namespace of production's daemon. There all that follows
    from them is built, so that production is never a mix, and that namespace is promoted.

    Args:
        settings: Where things lie; their namespace plays no part.
        namespace: Where the types were tried.
        types: The entity types.
        accept: Why shut gates are passed; None: they are not.
        reason: Why it is promoted.
        watcher: Is told how the build goes.

    Returns:
        What was built, what was compared, and the promotion.

    Raises:
        RefusedError: A gate is shut.
        PromotionError: A table of the types is stale, production has moved, other types would be
            made anew with them, or the build failed.
        ContradictionError: Judgements of the namespace contradict those of production's.
    """
    refuse_production(namespace)
    if namespace == THROUGH:
        raise PromotionError(f"{THROUGH} is promoted whole: kg promote {THROUGH}")
    lake = _existing(settings, namespace)
    with lake.catalog.reading() as connection:
        production.refuse_moved(connection, namespace)
    tables = [
        table.name
        for step in assemble(lake.settings).steps
        if step.entity_type in types
        for table in step.outputs
    ]
    stale = [one for one in readiness(lake).stale if one.partition("@")[0] in tables]
    if stale:
        raise PromotionError(f"{namespace} is not current: {_some(stale)}; kg build makes it so")
    Lake(settings.in_namespace(THROUGH))
    _refuse_other_types(settings, types, rebase(settings, THROUGH).stale)
    with _alone(settings.in_namespace(THROUGH), None):
        # What people judged of these types is why their entities are what they are.
        _merge_judgements(lake, Lake(settings.in_namespace(THROUGH)), types)
        production.adopt(lake.catalog, THROUGH, namespace, tables, context=lake.context)
    with _environment(THROUGH):
        summary = build(settings.in_namespace(THROUGH), unfinished=False, watcher=watcher)
    if not summary.is_done:
        failed = [result.task.label for result in summary.broken]
        raise PromotionError(
            f"what follows from {', '.join(types)} could not be built in {THROUGH}: "
            f"{_some(failed)}; see KG_NAMESPACE={THROUGH} kg build"
        )
    said = f"{', '.join(types)} of {namespace}"
    prospect, done = promote(
        settings, THROUGH, accept=accept, reason=f"{said}: {reason}" if reason else said
    )
    return summary, prospect, done


def _refuse_other_types(settings: Settings, types: Sequence[str], stale: Sequence[str]) -> None:
    """Refuse to promote types alone where a configuration would make others anew with them."""
    others = {
        step.name
        for step in assemble(settings.in_namespace(THROUGH)).steps
        if step.entity_type is not None and step.entity_type not in types
    }
    if changed := [one for one in stale if one.partition("@")[0] in others]:
        raise PromotionError(
            f"not only {', '.join(types)} would change: of {THROUGH} {_some(changed)} are not "
            "current with these settings. Give other types the settings of production, or bring "
            f"them up to date first: KG_NAMESPACE={THROUGH} kg build"
        )


def _prospect(settings: Settings, namespace: str) -> Prospect:
    lake = _existing(settings, namespace)
    with lake.catalog.reading() as connection:
        production.refuse_moved(connection, namespace)
    return look(settings, namespace)


def refuse(prospect: Prospect, accept: str | None) -> None:
    """Refuse what is not whole and current, and what a gate keeps from production.

    Args:
        prospect: What was found.
        accept: Why shut gates are passed; None: they are not.

    Raises:
        RefusedError: It may not be promoted.
    """
    if prospect.readiness.stale:
        raise RefusedError(
            f"{prospect.namespace} is not whole and current: {_some(prospect.readiness.stale)}; "
            f"KG_NAMESPACE={prospect.namespace} kg build makes it so",
            prospect,
        )
    if prospect.refusals and not accept:
        raise RefusedError(
            f"{prospect.namespace} changes more than the gates allow: "
            f"{_some([str(one) for one in prospect.refusals])}; where that is meant: "
            f"kg promote {prospect.namespace} --accept REASON",
            prospect,
        )


def _keeps(settings: Settings) -> dict[str, float]:
    """For how long who changes production keeps what it was: others must not collect it sooner."""
    return {"days": settings.keep_days, "promotions": settings.keep_promotions}


def _existing(settings: Settings, namespace: str) -> Lake:
    """The lake of a namespace, which looking must not create.

    Raises:
        PromotionError: There is no such namespace.
    """
    with Catalog(settings.catalog_url).reading() as connection:
        production.require(connection, namespace)
    return Lake(settings.in_namespace(namespace))


def _merge_judgements(
    source: Lake,
    target: Lake,
    types: Sequence[str] = ENTITY_TYPES,
    *,
    kinds: Sequence[Kind[Any]] = _KINDS,
) -> int:
    """Add the judgements of one namespace to those of another; none is ever lost."""
    given = []
    with source.step("judgements") as step:
        for kind in kinds:
            rows = step.read(kind.table, tracked=False).order("time, id")
            said = judgements_of(kind, rows)
            given.append((kind, [one for one in said if one.entity_type in types]))
    return sum(len(each.added) for each in add_all(target, given))


def _some(labels: Sequence[str]) -> str:
    more = len(labels) - _NAMED
    return ", ".join(labels[:_NAMED]) + (f" and {more} more" if more > 0 else "")


@contextmanager
def _alone(settings: Settings, waiting: Callable[[], None] | None) -> Iterator[None]:
    """Hold off builds of a namespace."""
    with ExitStack() as held:
        try:
            held.enter_context(lake_lock(settings, settings.build_lock, wait=False))
        except Busy:
            if waiting is not None:
                waiting()
            held.enter_context(lake_lock(settings, settings.build_lock))
        yield


@contextmanager
def _environment(namespace: str) -> Iterator[None]:
    """Let the processes of a build, which read the environment, work in a namespace."""
    before = {name: os.environ.get(name) for name in ("KG_NAMESPACE", "DAGSTER_HOME")}
    os.environ["KG_NAMESPACE"] = namespace
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
