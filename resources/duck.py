"""DuckDB sessions: in memory, with limits, spilling to a folder of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from pathlib import Path


def session(*, threads: int, memory_limit: str, scratch: Path) -> duckdb.DuckDBPyConnection:
    """Open an in-memory DuckDB with its limits set.

    Args:
        threads: Worker threads.
        memory_limit: Memory with unit, for example ``2GB``; beyond it DuckDB spills.
        scratch: Folder for what is spilled; must exist.

    Returns:
        A connection that the caller closes. Extensions are neither installed nor loaded, since
        that would reach out to a network.
    """
    connection = duckdb.connect(
        ":memory:",
        config={
            "threads": threads,
            "memory_limit": memory_limit,
            "temp_directory": str(scratch),
            # Every table is sorted by its key when it is written, so the order in which rows
            # pass through means nothing and need not be kept.
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        },
    )
    # A process that another one started looks like a notebook to it: it would draw bars.
    connection.execute("SET enable_progress_bar = false")
    return connection
