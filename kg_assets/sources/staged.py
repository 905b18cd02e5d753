"""Rows on their way to records lie in files: DuckDB's own tables hold them uncompressed."""

# ruff: noqa: S608 - names in statements are constants of this package, values are bound.

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb

_GROUP_ROWS = 20_000
"""Rows of a row group, which each thread holds whole where it writes or reads one."""

_HELD_ROWS = 100_000  # of all parts together, before they are written


def stage(
    con: duckdb.DuckDBPyConnection,
    name: str,
    select: str,
    scratch: Path,
    parameters: Mapping[str, Any] | None = None,
) -> None:
    """Write what a SELECT gives to a file, and make the temporary view ``name`` of it.

    Args:
        con: The connection.
        name: Name of the view, and of the file; a constant of the caller.
        select: The statement.
        scratch: Folder for the file, which must be there for as long as the view is read.
        parameters: What the statement names.
    """
    path = scratch / f"{name}.parquet"
    write(con, path, select, parameters)
    con.read_parquet([str(path)]).create_view(name, replace=True)


class Staged:
    """A temporary view of the rows of several statements, each of which is written to a file."""

    def __init__(self, con: duckdb.DuckDBPyConnection, name: str, scratch: Path) -> None:
        """Start with no file, and so with no view.

        Args:
            con: The connection.
            name: Name of the view; a constant of the caller.
            scratch: Folder for the files.
        """
        self._con = con
        self._name = name
        self._folder = Path(tempfile.mkdtemp(dir=scratch, prefix=f"{name}-"))
        self._files: list[str] = []

    def add(self, select: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Add the rows of a statement; all statements give the same columns."""
        path = self._folder / f"{len(self._files)}.parquet"
        write(self._con, path, select, parameters)
        self._files.append(str(path))
        self._con.read_parquet(self._files).create_view(self._name, replace=True)


def by_parts(
    con: duckdb.DuckDBPyConnection, select: str, key: str, parts: int, folder: Path
) -> dict[int, str]:
    """Write what a SELECT gives in parts, all rows of a key in one of them.

    Args:
        con: The connection.
        select: The statement.
        key: Column by which rows are parted; a constant of the caller.
        parts: How many parts.
        folder: Where they are written; a new folder of our own.

    Returns:
        For each part that has rows, by its number, what reads it behind FROM.
    """
    con.execute(f"SET partitioned_write_flush_threshold = {max(_HELD_ROWS // parts, 500)}")
    con.execute(
        f"""
        COPY (SELECT *, hash("{key}") % {parts} AS part FROM ({select}))
        TO '{quoted(folder)}'
        (FORMAT parquet, PARTITION_BY (part), WRITE_PARTITION_COLUMNS false)
        """
    )
    return {
        part: f"read_parquet('{quoted(place)}/*.parquet', hive_partitioning = false)"
        for part in range(parts)
        if (place := folder / f"part={part}").is_dir()
    }


def write(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    select: str,
    parameters: Mapping[str, Any] | None = None,
) -> None:
    """Write what a SELECT gives to a Parquet file.

    Args:
        con: The connection.
        path: The file, in a folder of our own.
        select: The statement.
        parameters: What it names.
    """
    con.execute(
        f"""
        COPY ({select})
        TO '{quoted(path)}'
        (FORMAT parquet, ROW_GROUP_SIZE {_GROUP_ROWS})
        """,
        dict(parameters or {}),
    )


def quoted(path: Path) -> str:
    """A path of our own as it stands in a statement that takes no parameter for it."""
    return str(path).replace("'", "''")
