"""A cap on the memory of a run: what goes over it is stopped with a message, and not by a kill.

A limit of the operating system (RLIMIT_AS) counts addresses, of which DuckDB, Arrow and numba take
far more than memory. So the resident set is looked at, and the work is interrupted.
"""

from __future__ import annotations

import ctypes
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil

_LOOK_SECONDS = 0.05
_AGAIN_SECONDS = 0.5
_UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_UNITS |= {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}


class MemoryCapError(MemoryError):
    """A run went over the cap that it was given."""


class _Over(BaseException):
    """Raised inside the work; no handler of an Exception takes it for its own."""


def bytes_of(size: str) -> int:
    """Bytes of a size with unit, such as ``2GB`` or ``512MiB``.

    Raises:
        ValueError: It is none.
    """
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s?([KMGT]?i?B)", size)
    if found is None or found[2] not in _UNITS:
        raise ValueError(f"{size!r} is no amount of memory: write for example 2GB")
    return round(float(found[1]) * _UNITS[found[2]])


@contextmanager
def memory_cap(cap: str | None, interrupt: Callable[[], object]) -> Iterator[None]:
    """Stop the block when the process holds more memory than a cap.

    Machine code that runs without looking up is stopped when it comes back.

    Args:
        cap: The cap with unit, None for none.
        interrupt: Stops what runs in the database meanwhile.

    Raises:
        MemoryCapError: It did.
        ValueError: The cap is no amount of memory.
    """
    if cap is None:
        yield
        return
    most = bytes_of(cap)
    worker = threading.get_ident()
    process = psutil.Process()
    done = threading.Event()
    over: list[int] = []
    before = int(process.memory_info().rss)
    if before > most:
        raise _error(before, cap)

    def watch() -> None:
        while not done.wait(_AGAIN_SECONDS if over else _LOOK_SECONDS):
            held = int(process.memory_info().rss)
            if held > most or over:
                over.append(held)
                interrupt()
                if not done.is_set():
                    _raise_in(worker, _Over)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        try:
            yield
        finally:
            done.set()
            watcher.join()
            _raise_in(worker, None)
    except BaseException:
        if not over:
            raise
    if over:
        raise _error(over[0], cap)


def _error(held: int, cap: str) -> MemoryCapError:
    return MemoryCapError(
        f"the run held {held / 1e6:,.0f} MB, more than its memory_cap of {cap}: give it a higher "
        "one in the run's configuration, or a smaller memory_limit or fewer threads"
    )


def _raise_in(thread: int, error: type[BaseException] | None) -> None:
    """Raise an error in a thread at its next step in Python; None takes back what is pending."""
    target = None if error is None else ctypes.py_object(error)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), target)
