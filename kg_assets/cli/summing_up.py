"""What `kg status` and `kg promote` sum up in a line: checks that warn, and queues."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_PLACES = 4
"""Places that a line names."""

_LONGEST = 300
"""Characters of a line; the UI and the JSON have all of what a check says."""


def warned(warnings: Iterable[tuple[str, str, Mapping[str, Any] | None]]) -> list[str]:
    """Say which checks warn, where, and of what.

    Args:
        warnings: Place, name of the check and what it found of each. The first figure says what
            is wrong; the others, which tell more of it, are said where it is wrong in one place.

    Returns:
        Lines, in the order of the warnings.
    """
    places: dict[tuple[str, str], list[str]] = {}
    whole: dict[tuple[str, str], str] = {}
    for place, check, figures in warnings:
        parts = _parts(figures or {})
        same = (check, parts[0] if parts else "")
        places.setdefault(same, []).append(place)
        whole[same] = "; ".join(parts)
    lines = []
    for (check, first), where in places.items():
        named = ", ".join(where[:_PLACES])
        more = len(where) - _PLACES
        named += f" and {more:,} more" if more > 0 else ""
        found = whole[check, first] if len(where) == 1 else first
        line = f"{named} {check}" + (f": {found}" if found else "")
        lines.append(line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…")
    return lines


def queued(queues: Mapping[str, int]) -> str:
    """Say what waits for people.

    Args:
        queues: Pairs or facts by table of a review queue.

    Returns:
        Pairs and facts by entity type, and how to come to them; "nothing" where none wait.
    """
    parts = []
    for what, queue in (("pairs", "review_queue"), ("facts", "fact_queue")):
        counts = [
            f"{table.split('/')[0]} {count:,}"
            for table, count in queues.items()
            if count and table.endswith(queue)
        ]
        if counts:
            parts.append(f"{what} of {', '.join(counts)}")
    return "; ".join([*parts, "kg review asks for them"]) if parts else "nothing"


def _parts(figures: Mapping[str, Any]) -> list[str]:
    parts = []
    for name, value in figures.items():
        if isinstance(value, list) and value:
            shown = str(value[0]) + (f" and {len(value) - 1:,} more" if len(value) > 1 else "")
        else:
            shown = str(value)
        parts.append(f"{name} {shown}")
    return parts
