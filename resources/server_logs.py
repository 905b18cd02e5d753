"""Logs of servers that write them by themselves, kept from growing for ever.

A server of others has its log open and cannot be told to begin another. So the end of a long log is
copied beside it and the log is emptied: it is opened to be appended to, and the next line is its
first. What is written between the two is lost, which for a log that is too long is no harm. A pipe
to a rotating handler of ours would lose nothing, but the servers would fail with who reads it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

MOST_BYTES = 20_000_000
"""Bytes of a log, and as many of what was in it before. A daemon that looks every 30 seconds writes
some hundred kilobytes a day where nothing goes wrong."""

_AT_ONCE = 1 << 20


def bound(logs: Iterable[Path], most_bytes: int = MOST_BYTES) -> None:
    """Empty logs that have become too long, and keep the end of each as ``<name>.1``.

    Args:
        logs: Logs that are written to, each opened to be appended to; one need not be there.
        most_bytes: How long a log may become.
    """
    for log in logs:
        try:
            size = log.stat().st_size
        except FileNotFoundError:
            continue
        if size > most_bytes:
            _keep_end(log, size - most_bytes)
            os.truncate(log, 0)


def _keep_end(log: Path, start: int) -> None:
    before = log.with_name(f"{log.name}.1")
    draft = log.with_name(f"{log.name}.draft")
    with log.open("rb") as reader, draft.open("wb") as writer:
        reader.seek(start)
        while piece := reader.read(_AT_ONCE):
            writer.write(piece)
    draft.replace(before)
