"""Which process does something, and whether it still lives."""

from __future__ import annotations

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
