"""What adapters declare of their sources: duplicates, and limits of numbers and filled fields."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from kg_assets.cli.render import clean, console, print_list

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kg_assets.cli.sources import SourceState
    from kg_assets.sources.adapter import Adapter

_LIMITS = ("least", "usual", "most")


def expectations(adapter: Adapter) -> dict[str, dict[str, Any]]:
    """What an adapter expects of a delivery, by type, as JSON has it."""
    return {
        kind: {
            "records": asdict(expected.records),
            "filled": {fill.field: asdict(fill.share) for fill in expected.filled},
            "files_of_inputs": list(expected.inputs),
            "files_with_all": list(expected.whole),
        }
        for kind, expected in adapter.expects.items()
    }


def print_declared(states: Sequence[SourceState]) -> None:
    """Print which sources are free of duplicates, and the limits of their deliveries."""
    console.print("Free of duplicates:")
    for state in states:
        told = [
            f"{'' if is_free else 'not '}{kind}" for kind, is_free in state.duplicate_free.items()
        ]
        if told:
            console.print(f"  {clean(state.source)}: {', '.join(told)}", soft_wrap=True)
    print_list(
        ["source", "type", "figure", "at least", "usually", "at most"],
        [
            (state.source, kind, name, *(_limit(name, limits[key]) for key in _LIMITS))
            for state in states
            for kind, expected in state.expects.items()
            for name, limits in {"records": expected["records"], **expected["filled"]}.items()
            if any(limit is not None for limit in limits.values())
        ],
        may_fold=("source",),
    )


def _limit(figure: str, limit: float | None) -> str | None:
    if limit is None:
        return None
    return f"{limit:,.0f}" if figure == "records" else f"{limit:.4g}"
