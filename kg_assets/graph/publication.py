"""The published file: a DuckDB database with the graph, its views and what it was made from.

It is built under a temporary name beside its place and swapped in when it is whole, so a reader
sees the old graph or the new one. A file that was made from the same content is left as it is.
"""

# ruff: noqa: S608 - names in statements are those of our own tables and views.

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

import pyarrow as pa

from kg_assets.graph.tables import KNOWLEDGE_GRAPH
from kg_assets.graph.views import VIEWS, View

if TYPE_CHECKING:
    import duckdb

LAYOUT = "1"
"""Raised when the way in which tables are laid out in the file changes."""

_BATCH_ROWS = 65_536
_STRAY_SECONDS = 3600.0


class NotPublishedError(FileNotFoundError):
    """There is no published graph; the message says how to make one."""


class Database(Protocol):
    """What is needed of dagster-duckdb's DuckDBResource."""

    def get_connection(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """Open the database, waiting while another process holds it."""

    def model_copy(self, *, update: Mapping[str, Any]) -> Self:
        """Make a copy with other fields."""


@dataclass(frozen=True)
class PublishedTable:
    """A table of the published file.

    Attributes:
        name: Its name in the file.
        description: What a row is; becomes the table's comment.
        schema: Its columns; a field's ``description`` becomes the column's comment.
        order: Columns by which its rows lie in the file, so that what is read together is
            together; the whole of it is a total order.
        rows: Where the rows come from.
        sha256: Hash of the content that it is made from.
    """

    name: str
    description: str
    schema: pa.Schema
    order: Sequence[str]
    rows: duckdb.DuckDBPyRelation
    sha256: str


def publish(
    database: Database,
    published: Path,
    tables: Sequence[PublishedTable],
    views: Sequence[View] = VIEWS,
    config: Mapping[str, str] | None = None,
) -> tuple[pa.Table, bool]:
    """Bring the published file up to date.

    Args:
        database: Copied with another path; its own is not used.
        published: Where the file is to be.
        tables: What it is to hold.
        views: Views over those tables, in an order in which each can be made.
        config: DuckDB settings of the connection that builds the file, such as memory_limit.

    Returns:
        The manifest (columns of the table knowledge_graph), and whether a new file was made:
        False where the one that was there is made from the same content.
    """
    wanted = {table.name: table.sha256 for table in tables}
    wanted |= {view.name: _view_hash(view) for view in views}
    found = built_from(database, published)
    if found is not None and _hashes(found) == wanted:
        return found, False
    published.parent.mkdir(parents=True, exist_ok=True)
    _remove_strays(published)
    building = published.with_name(f".{published.name}.{secrets.token_hex(6)}.building")
    try:
        with connection(database, building, config) as con:
            for table in tables:
                _create_table(con, table)
            for view in views:
                _create_view(con, view)
            manifest = _create_build(con, wanted, [table.name for table in tables])
            con.execute("CHECKPOINT")
        _sync(building)
        building.replace(published)
    finally:
        building.unlink(missing_ok=True)
        building.with_name(f"{building.name}.wal").unlink(missing_ok=True)
    return manifest, True


@contextmanager
def connection(
    database: Database,
    path: Path,
    config: Mapping[str, str] | None = None,
    *,
    read_only: bool = False,
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database file through the resource, and close it whatever happens.

    Args:
        database: dagster-duckdb's DuckDBResource, copied with another path.
        path: The file.
        config: DuckDB settings.
        read_only: Whether it is only read; then others may read it at the same time.

    Yields:
        The connection.
    """
    given = dict(config or {}) | ({"access_mode": "READ_ONLY"} if read_only else {})
    copy = database.model_copy(update={"database": str(path), "connection_config": given})
    # The resource leaves its connection open if the body raises; closing twice does no harm.
    with copy.get_connection() as con, closing(con):
        yield con


def open_published(path: Path, **config: str) -> duckdb.DuckDBPyConnection:
    """Open the published file for reading, without Dagster, and with no way out of it.

    A query can read neither other files nor variables of this process, can write nothing, and
    cannot undo these settings.

    Args:
        path: The file.
        config: Further DuckDB settings.

    Returns:
        A connection that the caller closes, soon.

    Raises:
        NotPublishedError: There is no such file.
    """
    import duckdb

    if not path.is_file():
        raise NotPublishedError(f"there is no published graph at {path}; make one with: kg build")
    con = duckdb.connect(
        str(path),
        read_only=True,
        config={"python_enable_replacements": "false", **config},
    )
    con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")
    return con


def built_from(database: Database, path: Path) -> pa.Table | None:
    """The manifest in a published file, None where there is no file with one."""
    import duckdb

    if not is_database(path):
        return None
    try:
        with connection(database, path, read_only=True) as con:
            rows = con.sql("SELECT name, kind, rows, sha256 FROM build ORDER BY name")
            return rows.to_arrow_table().cast(KNOWLEDGE_GRAPH.schema)
    except (duckdb.CatalogException, duckdb.BinderException):
        # Not a graph of ours: it is replaced.
        return None


def is_database(path: Path) -> bool:
    """Whether a file begins as DuckDB's files do.

    The resource takes any file that cannot be opened for one that is locked, and waits for it.
    See https://duckdb.org/docs/stable/internals/storage.
    """
    try:
        with path.open("rb") as stream:
            return stream.read(12)[8:] == b"DUCK"
    except FileNotFoundError:
        return False


def _hashes(manifest: pa.Table) -> dict[str, str]:
    columns = manifest.select(["name", "sha256"]).to_pydict()
    return dict(zip(columns["name"], columns["sha256"], strict=True))


def _view_hash(view: View) -> str:
    text = f"{LAYOUT}\x1f{view.description}\x1f{view.sql}"
    return hashlib.sha256(text.encode()).hexdigest()


def _create_table(con: duckdb.DuckDBPyConnection, table: PublishedTable) -> None:
    columns = ", ".join(f'"{name}"' for name in table.schema.names)
    order = ", ".join(f'"{name}"' for name in table.order)
    # Each database has its own connection: rows pass as Arrow batches, never as a whole.
    con.register("incoming", table.rows.project(columns).to_arrow_reader(_BATCH_ROWS))
    con.execute(f'CREATE TABLE "{table.name}" AS SELECT * FROM incoming ORDER BY {order}')
    con.unregister("incoming")
    con.execute(f'COMMENT ON TABLE "{table.name}" IS {_literal(table.description)}')
    for field in table.schema:
        text = (field.metadata or {}).get(b"description", b"").decode()
        if text:
            con.execute(f'COMMENT ON COLUMN "{table.name}"."{field.name}" IS {_literal(text)}')


def _create_view(con: duckdb.DuckDBPyConnection, view: View) -> None:
    con.execute(f'CREATE VIEW "{view.name}" AS {view.sql}')
    con.execute(f'COMMENT ON VIEW "{view.name}" IS {_literal(view.description)}')


def _create_build(
    con: duckdb.DuckDBPyConnection, wanted: Mapping[str, str], tables: Sequence[str]
) -> pa.Table:
    rows = [
        {
            "name": name,
            "kind": "table" if name in tables else "view",
            "rows": con.sql(f'SELECT count(*) FROM "{name}"').fetchall()[0][0],
            "sha256": wanted[name],
        }
        for name in sorted(wanted)
    ]
    manifest = pa.Table.from_pylist(rows, schema=KNOWLEDGE_GRAPH.schema)
    con.register("incoming", manifest)
    con.execute("CREATE TABLE build AS SELECT * FROM incoming ORDER BY name")
    con.unregister("incoming")
    con.execute(f"COMMENT ON TABLE build IS {_literal(KNOWLEDGE_GRAPH.description)}")
    return manifest


def _literal(text: str) -> str:
    """Quote one of our own descriptions; COMMENT takes no parameters."""
    return "'" + text.replace("'", "''") + "'"


def _sync(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def _remove_strays(published: Path) -> None:
    """Remove what builds that were killed left behind."""
    horizon = time.time() - _STRAY_SECONDS
    for stray in published.parent.glob(f".{published.name}.*.building*"):
        if stray.stat().st_mtime < horizon:
            stray.unlink(missing_ok=True)
