"""Waiting in tests for what another process does: never for ever, and not for the clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

_PATIENCE = 300
"""Seconds after which it will not come any more, also on a machine that does much else."""

_Found = TypeVar("_Found")


def until(
    found: Callable[[], _Found], look_seconds: float = 0.02, patience: float = _PATIENCE
) -> _Found:
    """Wait until something is there or holds; give it.

    Args:
        found: Looks for it.
        look_seconds: Time between two looks.
        patience: Seconds after which it will not come any more; more where much has to be done.

    Raises:
        TimeoutError: It never came.
    """
    deadline = time.monotonic() + patience
    while not (last := found()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"after {patience} s there is still {last!r}")
        time.sleep(look_seconds)
    return last
