"""Which process does something, whether it still lives, and what memory it holds on to."""

from __future__ import annotations

import ctypes
import os

import psutil


def this_process() -> str:
    """Names this process: its id, and when it started, since ids are given again."""
    return f"{os.getpid()}-{int(psutil.Process().create_time())}"


def is_alive(name: str) -> bool:
    """Whether a process of this machine, as `this_process` named it, still runs."""
    pid, _, started = name.partition("-")
    try:
        return int(psutil.Process(int(pid)).create_time()) == int(started)
    except (psutil.NoSuchProcess, ValueError):
        return False


def give_memory_back() -> None:
    """Give memory that is free back to the system, where the C library keeps it (glibc).

    It does so by itself for the end of a heap alone, above which one small object may stay.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
    if trim is not None:
        trim(0)
