"""`kg status`: the whole on one screen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from kg_assets.cli.render import Exit, clean, console, print_json, print_list
from kg_assets.cli.summing_up import queued, warned
from kg_assets.sources.freshness import in_words

if TYPE_CHECKING:
    from kg_assets.inference.standing import Inference, Shadow
    from kg_assets.status import Partition, Source, Status
    from resources.settings import Settings

_LINES = 8
"""Lines of a list before the rest is only counted; JSON holds all."""

_STATES = ("fresh", "stale", "missing", "failed", "running")


def show_status(settings: Settings, *, check: bool = False, json: bool = False) -> int:
    """Print how things stand.

    Args:
        settings: Where things lie, and the namespace.
        check: Whether a late source counts as well as what failed.
        json: Whether to print JSON.

    Returns:
        The exit code: 1 where something failed or, if asked, a source is late.
    """
    from kg_assets.status import status

    found = status(settings)
    if json:
        print_json(as_json(found))
    else:
        _print(found, settings)
    return Exit.NOT_FOUND if found.failures or (check and found.late) else Exit.OK


def as_json(found: Status) -> dict[str, Any]:
    """The status for a program: everything, each partition included."""
    return asdict(found) | {
        "sources": [_source(one) for one in found.sources],
        "partitions": [asdict(one) | {"label": one.label} for one in found.partitions],
        "slowest": [one.label for one in found.slowest()],
        "warnings": [
            {"step": step, "table": table, "check": check, "figures": figures}
            for step, table, check, figures in found.warnings
        ],
        "refused": [{"name": name, "reason": reason} for name, reason in found.refused],
    }


def _source(one: Source) -> dict[str, Any]:
    fresh = one.freshness
    told = {name: value for name, value in asdict(one).items() if name != "freshness"}
    dated = {name: value for name, value in asdict(fresh).items() if name != "source"}
    return {**told, **dated, "is_late": fresh.is_late}


def _print(found: Status, settings: Settings) -> None:
    console.print(f"Namespace [bold]{found.namespace}[/], {clean(str(settings.home))}")
    _build(found)
    _stages(found)
    _list(
        "Stale",
        [
            f"{clean(step)}: {clean(why)}" + (f"  ({count:,} partitions)" if count > 1 else "")
            for step, why, count in found.reasons()
        ],
    )
    _list(
        "[red]Failed[/]",
        [
            f"{clean(label)}: {clean(_first_line(error))}\n    kg rerun '{clean(label)}' --debug"
            for label, error in found.failures.items()
        ],
    )
    warnings = warned((step, check, figures) for step, _, check, figures in found.warnings)
    _list("[yellow]Warnings[/]", [clean(line) for line in warnings])
    _slowest(found)
    _sources(found)
    _scorers(found)
    _inference(found)
    _waiting(found)
    _rest(found, settings)


def _build(found: Status) -> None:
    build = found.build
    if build is None:
        console.print("No build yet.")
        return
    if build.running:
        state = f"running: {build.runs:,} runs ended, {build.failed:,} of them failed"
    elif build.ended is None:
        state = f"[red]was killed[/] after {build.runs:,} runs"
    else:
        state = f"{build.seconds or 0:,.0f} s, {build.runs:,} runs, {build.failed:,} failed"
        state += f", {build.blocked:,} lanes not started" if build.blocked else ""
    console.print(f"Last build {_when(build.started)} UTC: {state}")


def _stages(found: Status) -> None:
    rows = []
    for (stage, kind), members in found.by_stage().items():
        states = Counter(one.state for one in members)
        seconds = [one.seconds for one in members if one.seconds is not None]
        memory = [one.peak_memory for one in members if one.peak_memory is not None]
        rows.append(
            [
                stage,
                kind,
                *(states[name] or None for name in _STATES),
                round(sum(seconds), 1) if seconds else None,
                round(max(memory) / 1e6) if memory else None,
            ]
        )
    print_list(["stage", "type", *_STATES, "seconds", "peak MB"], rows)


def _slowest(found: Status) -> None:
    slow = found.slowest()
    if slow:
        print_list(
            ["slowest", "seconds", "peak MB", "state"],
            [[one.label, round(one.seconds or 0, 1), _megabytes(one), one.state] for one in slow],
        )


def _megabytes(one: Partition) -> int | None:
    return None if one.peak_memory is None else round(one.peak_memory / 1e6)


def _sources(found: Status) -> None:
    rows = [
        [
            one.name,
            one.deliveries,
            one.waiting or None,
            one.incomplete or None,
            one.freshness.last,
            None if one.freshness.read is None else _when(one.freshness.read),
            _days(one.freshness.age_days),
            _days(one.freshness.expected_days),
            one.records,
            one.quarantined or None,
        ]
        for one in found.sources
    ]
    columns = ["source", "landed", "unread", "incomplete", "last read", "read", "age", "due within"]
    if rows:
        print_list([*columns, "records", "quarantined"], rows, may_fold=("source", "last read"))
    _list("[yellow]Late[/]", [f"{clean(one.source)}: {clean(one.says)}" for one in found.late])
    _list("Passed over", [f"{clean(name)}: {clean(reason)}" for name, reason in found.refused])


def _scorers(found: Status) -> None:
    """One line on each scorer that runs in the shadow of another."""
    for one in found.shadow_scorers:
        line = f"{one.entity_type}, {one.shadow} in the shadow of {one.scorer}: "
        if one.silent is not None:
            line += one.silent
        elif not one.pairs:
            line += "no pair was scored by both"
        else:
            line += (
                f"{one.alike / one.pairs:.2%} of {one.pairs:,} pairs decided alike, {one.above:,} "
                f"and by the shadow {one.shadow_above:,} above their thresholds"
            )
            if one.frozen < one.pairs:
                line += f" (declared ones for {one.pairs - one.frozen:,} pairs)"
        console.print(clean(line), soft_wrap=True)


def _days(days: float | None) -> str | None:
    return None if days is None else in_words(days)


def _inference(found: Status) -> None:
    read = [one for one in found.inference if one.read_by is not None or one.eligible]
    if not read:
        return
    print_list(
        ["texts", "eligible", "contexts", "done", "refused", "failed", "not tried", "facts", "by"],
        [
            [
                one.entity_type,
                one.eligible,
                one.contexts,
                one.done,
                one.refused or None,
                one.failed or None,
                one.not_tried or None,
                one.facts,
                one.read_by,
            ]
            for one in read
        ],
    )
    for one in read:
        if one.skipped:
            why = ", ".join(f"{count:,} {reason}" for reason, count in sorted(one.skipped.items()))
            console.print(f"{one.entity_type}, not read: {clean(why)}")
        if one.read_because:
            why = ", ".join(f"{count:,} {reason}" for reason, count in one.read_because.items())
            stood = f"; {one.kept:,} stood, since nothing had changed" if one.kept else ""
            console.print(f"{one.entity_type}, texts last read: {clean(why)}{stood}")
        if one.note:
            console.print(clean(one.note))
        if one.shadow is not None:
            console.print(clean(_shadow(one, one.shadow)), soft_wrap=True)


def _shadow(read: Inference, shadow: Shadow) -> str:
    """One line on who reads and who reads in its shadow."""
    first = read.read_by or "first"
    line = f"{read.entity_type}, {shadow.name} in the shadow of {first}: "
    line += (
        "neither keeps any fact"
        if shadow.agreement is None
        else (f"{shadow.agreement:.0%} of kept facts are both's")
    )
    if not shadow.reviewed:
        return f"{line}; nothing that they read was reviewed"
    scores = "; ".join(
        f"{name} {' / '.join(f'{side[each][0]:.2f}' for each in ('precision', 'recall', 'f1'))}"
        for name, side in ((first, shadow.first), (shadow.name, shadow.second))
    )
    return f"{line}; on {shadow.reviewed:,} reviewed facts, precision / recall / F1: {scores}"


def _waiting(found: Status) -> None:
    waiting = found.waiting_texts
    if waiting.get("waiting"):
        _list(
            f"{waiting['waiting']:,} texts wait, since the entity type of what they are about is "
            f"not known ({waiting['about']:,} things)",
            [clean(line) for line in waiting["named"]],
            whole=False,
        )


def _rest(found: Status, settings: Settings) -> None:
    console.print(f"For people to judge: {queued(found.queues)}", soft_wrap=True)
    spent, coming = found.spending, found.next
    by_model = ", ".join(
        f"{clean(model)} ${cost:,.2f} in {count:,} requests"
        for model, (count, cost) in spent.by_model.items()
    )
    by_type = ", ".join(
        f"{one.entity_type} ${one.dollars:,.2f}" for one in found.inference if one.dollars
    )
    console.print(
        f"Language model: ${spent.today:,.2f} today, ${spent.total:,.2f} in all"
        + (f", ${spent.reserved:,.2f} in the air" if spent.reserved else "")
        + (f" ({by_model})" if by_model else "")
        + (f"; of answers that stand: {by_type}" if by_type else "")
    )
    if not coming.runs:
        console.print("A build would do nothing: everything is up to date.")
        return
    low, high = coming.dollars
    console.print(
        f"A build would make {coming.runs:,} runs, about {coming.seconds:,.0f} s of work"
        + (f" and {coming.unknown:,} steps that never ran" if coming.unknown else "")
        + (
            f"; {coming.may_follow:,} partitions may follow ({coming.may_follow_seconds:,.0f} s)"
            if coming.may_follow
            else ""
        )
        + f". KG_WORKERS is {settings.workers}."
        + (f" Language model: ${low:,.2f} to ${high:,.2f}." if high else ""),
        soft_wrap=True,
    )


def _list(title: str, lines: Sequence[str], *, whole: bool = True) -> None:
    if not lines:
        return
    console.print(f"{title}:")
    for line in lines[:_LINES]:
        console.print(f"  {line}", no_wrap=not whole, overflow="fold" if whole else "ellipsis")
    if len(lines) > _LINES:
        console.print(f"  and {len(lines) - _LINES:,} more; see kg status --json")


def _first_line(error: str) -> str:
    return error.strip().splitlines()[0] if error.strip() else "no message"


def _when(time: str) -> str:
    return datetime.fromisoformat(time).strftime("%Y-%m-%d %H:%M")
