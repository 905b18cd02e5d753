"""`kg promote`, `rollback`, `promotions`, `rebase` and `namespace`: how production changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from kg_assets.cli.building import BuildProgress
from kg_assets.cli.render import Exit, clean, complain, console, fail, print_json, print_table
from kg_assets.cli.summing_up import warned
from kg_assets.judging.values import JudgementError
from kg_assets.matching.models import MODELS
from kg_assets.promotion import promoting
from resources import namespaces, production
from resources.catalog import Catalog
from resources.errors import NothingNewError, PromotionError, refuse_production
from resources.lock import Busy, exclusive, lake_lock
from resources.table import WHOLE

if TYPE_CHECKING:
    from kg_assets.promotion.comparison import Comparison
    from kg_assets.promotion.prospect import Prospect
    from resources.production import Promotion
    from resources.settings import Settings

_MOST = 20
"""Lines of a list that people are shown."""


def promote(
    settings: Settings,
    namespace: str,
    *,
    types: Sequence[str] = (),
    accept: str | None = None,
    reason: str = "",
    dry_run: bool = False,
    json: bool = False,
) -> int:
    """Compare a namespace with production, say how they differ, and make it production.

    Args:
        settings: Where things lie, and the gates; their namespace plays no part.
        namespace: The namespace.
        types: Only these entity types, through production's own namespace.
        accept: Why shut gates are passed.
        reason: Why it is promoted.
        dry_run: Compare only.
        json: Print JSON.

    Returns:
        Exit code: 1 where it is refused, 2 where an entity type does not exist.
    """
    unknown = sorted(set(types) - set(MODELS))
    if unknown:
        fail(f"no such entity type: {', '.join(unknown)}; there are {', '.join(MODELS)}")
    done: Promotion | None = None
    refused: str | None = None
    try:
        if dry_run:
            prospect = promoting.preview(settings, namespace)
            try:
                promoting.refuse(prospect, accept)
            except promoting.RefusedError as error:
                refused = str(error)
        elif types:
            with BuildProgress() as progress:
                _, prospect, done = promoting.promote_types(
                    settings, namespace, types, accept=accept, reason=reason, watcher=progress
                )
        else:
            prospect, done = promoting.promote(
                settings, namespace, accept=accept, reason=reason, waiting=_waiting
            )
    except NothingNewError as error:
        console.print(clean(str(error)), soft_wrap=True)
        return Exit.OK
    except promoting.RefusedError as error:
        prospect, refused = error.prospect, str(error)
    except (PromotionError, JudgementError) as error:
        complain(str(error))
        return Exit.NOT_FOUND
    if json:
        print_json({**prospect.as_dict(), "refused": refused, "promotion": _promotion(done)})
    else:
        _print_prospect(prospect)
    if refused is not None:
        complain(refused)
        return Exit.NOT_FOUND
    if done is not None and not json:
        console.print(
            f"[green]{clean(done.namespace)} is production now[/]: promotion {done.id}. "
            "Back again: kg rollback",
            soft_wrap=True,
        )
        _print_behind(settings, done.namespace)
    return Exit.OK


def rollback(settings: Settings, *, to: int | None, reason: str, json: bool = False) -> int:
    """Take production back, and say what that changed.

    Returns:
        Exit code: 1 where there is nothing to go back to.
    """
    try:
        changes, done = promoting.roll_back(settings, to=to, reason=reason)
    except PromotionError as error:
        complain(str(error))
        return Exit.NOT_FOUND
    if json:
        print_json({**changes.as_dict(), "promotion": _promotion(done)})
        return Exit.OK
    _print_comparison(changes)
    console.print(
        f"[green]Production is what promotion {done.back_to} made of it[/]. Namespaces that "
        f"started from it are behind; {clean(done.namespace)} promotes again after: "
        f"kg rebase {clean(done.namespace)}",
        soft_wrap=True,
    )
    return Exit.OK


def list_promotions(settings: Settings, *, json: bool = False) -> int:
    """List what made production what it is."""
    found = production.promotions(Catalog(settings.catalog_url))
    if json:
        print_json([_promotion(one) for one in found])
        return Exit.OK
    if not found:
        complain("nothing was promoted yet; do it with: kg promote NAMESPACE")
        return Exit.NOT_FOUND
    print_table(
        ["", "time", "what", "who", "entities", "can be gone back to", "why"],
        [
            [
                one.id,
                _when(one.time),
                one.namespace if one.back_to is None else f"back to {one.back_to}",
                one.who,
                sum(each["after"] for each in one.figures.get("types", {}).values()),
                "yes" if one.kept else "no",
                one.reason,
            ]
            for one in found
        ],
    )
    return Exit.OK


def rebase(
    settings: Settings, namespace: str, *, release: Sequence[str], json: bool = False
) -> int:
    """Move a namespace to today's production, and say what that makes stale.

    Returns:
        Exit code: 1 where it does not exist or its judgements contradict production's.
    """
    try:
        done = promoting.rebase(settings, namespace, release=release, waiting=_waiting)
    except (PromotionError, JudgementError) as error:
        complain(str(error))
        return Exit.NOT_FOUND
    if json:
        print_json({**asdict(done.moved), "judgements": done.judgements, "stale": done.stale})
        return Exit.OK
    if done.moved.followed:
        console.print(
            f"These go on from production's version: {clean(', '.join(done.moved.followed))}",
            soft_wrap=True,
        )
    if done.judgements:
        console.print(f"{done.judgements:,} judgements of production were added to its own.")
    _print_stale(namespace, done.stale)
    return Exit.OK


def list_namespaces(settings: Settings, *, json: bool = False) -> int:
    """List the namespaces, and how far production has moved on from each."""
    found = namespaces.namespaces(Catalog(settings.catalog_url))
    if json:
        print_json([asdict(one) for one in found])
        return Exit.OK
    print_table(
        ["namespace", "own tables", "promotions behind", "last commit"],
        [
            [one.name, one.tables, one.behind, _when(one.time) if one.time else "never"]
            for one in found
        ],
    )
    return Exit.OK


def remove_namespace(settings: Settings, namespace: str) -> int:
    """Forget a namespace, and remove what only it has.

    Returns:
        Exit code: 1 where it does not exist, or is being built or shown.
    """
    from kg_assets.promotion.removal import remove

    try:
        refuse_production(namespace)
        own = settings.in_namespace(namespace)
        with (
            lake_lock(own, own.build_lock, wait=False),
            exclusive(own.home / "locks" / f"ui-{namespace}.lock", wait=False),
        ):
            kept = remove(own)
    except Busy:
        complain(f"{namespace} is being built, or kg ui shows it; stop that first")
        return Exit.NOT_FOUND
    except PromotionError as error:
        complain(str(error))
        return Exit.NOT_FOUND
    console.print(
        f"{clean(namespace)} is removed; files of its tables go after KG_KEEP_DAYS, unless "
        "production has them.",
        soft_wrap=True,
    )
    if kept:
        console.print(f"Vector tables that production reads stay: {clean(', '.join(kept))}")
    return Exit.OK


def _when(time: str) -> str:
    """A time of the catalog (UTC), to the minute."""
    return time[:16].replace("T", " ")


def _promotion(one: Promotion | None) -> dict[str, Any] | None:
    return None if one is None else {**asdict(one), "kind": one.kind}


def _waiting() -> None:
    console.print("A build of this namespace is running; waiting until it has ended.")


def _print_prospect(prospect: Prospect) -> None:
    _print_comparison(prospect.comparison)
    scores = sorted({*prospect.before, *prospect.after})
    if scores:
        print_table(
            ["F1 against", "production", prospect.namespace],
            [
                [name, *(_share(side.get(name)) for side in (prospect.before, prospect.after))]
                for name in scores
            ],
        )
    ready = prospect.readiness
    lines = warned((_place(one), one["check"], one.get("figures")) for one in ready.warnings)
    if lines:
        console.print("Checks that warn:")
    for line in lines[:_MOST]:
        console.print(f"  {clean(line)}")
    if len(lines) > _MOST:
        console.print(f"  and {len(lines) - _MOST:,} more.")
    if ready.failed:
        console.print("Deliveries that failed: they are left out, or count as before:")
    for key, why in list(ready.failed.items())[:_MOST]:
        console.print(f"  {clean(key)}: {clean(why)}", soft_wrap=True)
    if len(ready.failed) > _MOST:
        console.print(f"  and {len(ready.failed) - _MOST:,} more; see kg status.")
    for kind, count in ready.waiting.items():
        console.print(f"{count:,} texts of {kind} wait for the language model.")
    console.print(
        f"What production does not have took {prospect.cost.seconds:,.1f} s of steps and "
        f"{prospect.cost.dollars:.2f} US dollars of the language model."
    )
    for one in prospect.refusals:
        console.print(f"[yellow]gate shut:[/] {clean(str(one))}", soft_wrap=True)


def _place(warning: Mapping[str, Any]) -> str:
    table, partition = warning["table"], warning["partition"]
    return str(table) if partition == WHOLE else f"{table}@{partition}"


def _print_behind(settings: Settings, promoted: str) -> None:
    """Say what keeps production's own namespace from bringing back what was before."""
    found = {one.name: one for one in namespaces.namespaces(Catalog(settings.catalog_url))}
    behind = found.get(promoting.THROUGH)
    if behind is not None and behind.behind and promoted != promoting.THROUGH:
        console.print(
            f"{promoting.THROUGH} is behind and promotes nothing until: kg rebase "
            f"{promoting.THROUGH}. Its own {behind.tables} tables stay its own then; to start it "
            "over from here, add: --release all",
            soft_wrap=True,
        )


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _print_comparison(comparison: Comparison) -> None:
    changed = {kind: one for kind, one in comparison.types.items() if one.is_any}
    if changed:
        print_table(
            ["type", "entities", "gained", "lost", "merged", "split", "renamed", "records"],
            [
                [
                    kind,
                    f"{one.before:,} > {one.after:,}",
                    one.gained,
                    one.lost,
                    one.merged,
                    one.split,
                    one.renamed,
                    f"+{one.records_gained:,} -{one.records_lost:,}",
                ]
                for kind, one in changed.items()
            ],
            title="Entities, production > namespace",
        )
    _print_examples(comparison)
    moved = {key: one for key, one in comparison.relations.items() if one.gained or one.lost}
    if moved:
        print_table(
            ["relation", "kind", "relations", "gained", "lost"],
            [
                [name, kind, f"{one.before:,} > {one.after:,}", one.gained, one.lost]
                for (name, kind), one in moved.items()
            ],
            title="Relations, production > namespace",
        )
    if not changed and not moved:
        console.print("Entities, their records and relations are the same.")


def _print_stale(namespace: str, stale: Sequence[str]) -> None:
    if not stale:
        console.print(f"{clean(namespace)} starts from today's production; nothing is stale.")
        return
    console.print(
        f"{clean(namespace)} starts from today's production; {len(stale):,} of its partitions are "
        f"stale (KG_NAMESPACE={clean(namespace)} kg build makes them again):",
        soft_wrap=True,
    )
    for label in stale[:_MOST]:
        console.print(f"  {clean(label)}")
    if len(stale) > _MOST:
        console.print(f"  and {len(stale) - _MOST:,} more")


def _print_examples(comparison: Comparison) -> None:
    """Name some of the entities that change: the figures do not say whether they should."""
    for kind, fates in comparison.examples.items():
        for fate, named in fates.items():
            console.print(f"{kind}, {fate}:")
            for one in named:
                console.print(f"  {clean(str(one))}", soft_wrap=True)
            more = getattr(comparison.types[kind], fate) - len(named)
            if more > 0:
                console.print(f"  and {more:,} more.")
