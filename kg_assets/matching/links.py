"""A file of links, the labels that entities are compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from pathlib import Path

LINKS_SCHEMA = pa.schema(
    [
        pa.field("left", pa.string(), nullable=False),
        pa.field("right", pa.string(), nullable=False),
    ]
)
"""Links: two record ids, each source:source_id."""


_SHOWN = 5


class LinksError(ValueError):
    """A file of links cannot be read; the message says in which lines and why."""


def read_links(path: Path) -> pa.Table:
    """Read labelled links from a file of two tab-separated columns of source:id.

    A first line in which neither column holds a colon is a header. Empty lines are skipped, a
    link that is given twice counts once.

    Args:
        path: The file, UTF-8.

    Returns:
        ``LINKS_SCHEMA``, in the order of the file.

    Raises:
        LinksError: Some lines are no links; the first few are named by number, the rest counted.
    """
    links: dict[tuple[str, str], None] = {}
    problems: list[str] = []
    with path.open("rb") as stream:
        for number, raw in enumerate(stream, start=1):
            try:
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
            except UnicodeDecodeError as error:
                problems.append(f"line {number}: not UTF-8 ({error.reason})")
                continue
            if not line.strip():
                continue
            fields = [field.strip() for field in line.split("\t")]
            if number == 1 and len(fields) == 2 and not any(":" in field for field in fields):
                continue
            problem = _problem(fields)
            if problem:
                problems.append(f"line {number}: {problem}")
            else:
                links[fields[0], fields[1]] = None
    if problems:
        more = len(problems) - _SHOWN
        shown = [*problems[:_SHOWN], *([f"and {more} more"] if more > 0 else [])]
        raise LinksError(
            f"{path}: {len(problems)} lines are no links (two columns of source:id, separated by "
            "a tab):\n  " + "\n  ".join(shown)
        )
    return pa.table(
        [[left for left, _ in links], [right for _, right in links]], schema=LINKS_SCHEMA
    )


def _problem(fields: list[str]) -> str | None:
    if len(fields) != 2:
        return f"{len(fields)} columns instead of 2"
    for field in fields:
        source, colon, source_id = field.partition(":")
        if not (source and colon and source_id):
            return f"{field!r} is not source:id"
    if fields[0] == fields[1]:
        return f"{fields[0]!r} is linked with itself"
    return None
