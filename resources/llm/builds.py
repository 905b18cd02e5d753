"""Which budget a process draws on: that of the build that it works for."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resources.settings import Settings

VARIABLE = "KG_BUILD"
"""Environment variable in which a build hands its name to the processes that it starts. It is no
setting: a new name must not make anything again."""


@contextmanager
def named_build() -> Iterator[str]:
    """Let this process, and those that it starts meanwhile, work for one new build.

    Yields:
        Its name.
    """
    outer = os.environ.get(VARIABLE)
    started = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    # Two builds may start in one second.
    name = f"build {started} {uuid.uuid4().hex[:8]}"
    os.environ[VARIABLE] = name
    try:
        yield name
    finally:
        if outer is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = outer


def budget_name(settings: Settings) -> str:
    """Name of the budget: the one that is set, the build's, or the day's (UTC)."""
    today = datetime.now(UTC).date()
    return settings.llm_budget or os.environ.get(VARIABLE) or f"day {today}"
