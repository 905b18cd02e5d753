"""Cutting SQLite databases into blobs: each row of each table is one JSON object."""

from __future__ import annotations

import base64
import json
import math
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from kg_assets.sources.opening import Limits
from kg_assets.sources.pieces import Piece

_LARGEST_ROWID = (1 << 63) - 1


def database_pieces(path: Path, limits: Limits, *, log_name: str | None = None) -> Iterator[Piece]:
    """Reads each row of each user table as a compact JSON object of column name to value.

    Text and numbers stay as they are; bytes become base64 text; a number that JSON does not know
    becomes text. The database is opened read-only and immutable, and its schema is not trusted.

    Args:
        path: A regular file, uncompressed.
        limits: How long a blob may be.
        log_name: Name of a log with changes that lies beside the database and is not read.

    Yields:
        A piece for each row, with its table and rowid (its place from 1 where a table has no
        rowid). What cannot be read is a piece with the problem, after the last row that could.
    """
    if log_name is not None:
        yield Piece(
            0,
            b"",
            f"changes that lie in {log_name} are not read; close the database in the program that "
            "writes it and deliver it again",
        )
    try:
        uri = path.absolute().as_uri() + "?mode=ro&immutable=1"
        with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as con:
            # What is no UTF-8 goes through unchanged, and is found like that of any other blob.
            con.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
            con.execute("PRAGMA trusted_schema = OFF")
            con.execute("PRAGMA cell_size_check = ON")
            con.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, max(limits.max_blob_bytes, 1 << 20))
            tables = con.execute(
                """
                SELECT name, type, wr
                FROM pragma_table_list
                WHERE schema = 'main'
                  AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
                ORDER BY name
                """
            ).fetchall()
            for table, kind, without_rowid in tables:
                if kind == "virtual":
                    yield Piece(
                        0,
                        b"",
                        "a virtual table is not read; copy it into an ordinary table",
                        _text(table),
                    )
                elif kind != "view":
                    yield from _rows(con, table, bool(without_rowid), limits)
    except sqlite3.Error as error:
        yield Piece(0, b"", f"no readable SQLite database ({error}); deliver it again")


def _text(name: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


# A database brings its own identifiers, and they cannot be bound: doubled, no quote ends them.
def _quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _rows(
    con: sqlite3.Connection, table: str, without_rowid: bool, limits: Limits
) -> Iterator[Piece]:
    shown = _text(table)
    last = 0
    try:
        described = con.execute(
            "SELECT name FROM pragma_table_xinfo(?) WHERE hidden <> 1", (table,)
        )
        columns = [str(row[0]) for row in described]
        rowid = None if without_rowid else _rowid_name(columns)
        listed = ", ".join(_quoted(column) for column in columns)
        if rowid is None:
            rows = con.execute(f"SELECT {listed} FROM {_quoted(table)}")  # noqa: S608 (quoted)
            for last, values in enumerate(rows, start=1):
                yield _piece(last, columns, values, shown, limits)
            return
        for last, values in _numbered_rows(con, _quoted(table), rowid, listed):
            if values is None:
                yield Piece(last, b"", _too_big(limits), shown)
            else:
                yield _piece(last, columns, values, shown, limits)
    except sqlite3.Error as error:
        yield Piece(
            min(last, _LARGEST_ROWID - 1) + 1,
            b"",
            f"the table cannot be read from here on ({error}); deliver the database again",
            shown,
        )


def _numbered_rows(
    con: sqlite3.Connection, table: str, rowid: str, listed: str
) -> Iterator[tuple[int, tuple[object, ...] | None]]:
    """Yields rowid and values; no values where one is over the connection's limit.

    A value over the limit ends its statement, and takes the row before it along, which the
    driver has fetched and not given out. So from there on rows are read one by one up to the
    large one, and together again behind it.
    """
    last: int | None = None
    while True:
        behind = "" if last is None else f"WHERE {rowid} > ?"
        given = () if last is None else (last,)
        try:
            query = f"SELECT {rowid}, {listed} FROM {table} {behind} ORDER BY {rowid}"  # noqa: S608 (quoted)
            for last, *values in con.execute(query, given):
                yield last, tuple(values)
            return
        except sqlite3.Error as error:
            if "too big" not in str(error):
                raise
        is_large = False
        while not is_large:
            behind = "" if last is None else f"WHERE {rowid} > ?"
            given = () if last is None else (last,)
            query = f"SELECT min({rowid}) FROM {table} {behind}"  # noqa: S608 (quoted)
            last = con.execute(query, given).fetchall()[0][0]
            if last is None:
                return
            query = f"SELECT {listed} FROM {table} WHERE {rowid} = ?"  # noqa: S608 (quoted)
            try:
                values = con.execute(query, (last,)).fetchall()[0]
            except sqlite3.Error as error:
                if "too big" not in str(error):
                    raise
                is_large = True
                yield last, None
            else:
                yield last, values


def _too_big(limits: Limits) -> str:
    return (
        f"the row is longer than {limits.max_blob_bytes:,} bytes (max_blob_bytes) and is not "
        "kept; shorten it or raise the limit"
    )


def _rowid_name(columns: list[str]) -> str | None:
    """Returns the name under which the rowid can be had; columns may hide some of the three."""
    taken = {column.lower() for column in columns}
    return next((name for name in ("rowid", "_rowid_", "oid") if name not in taken), None)


def _piece(
    position: int, columns: list[str], values: tuple[object, ...], table: str, limits: Limits
) -> Piece:
    record = {column: _plain(value) for column, value in zip(columns, values, strict=True)}
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    blob = text.encode("utf-8", "surrogateescape")
    if len(blob) > limits.max_blob_bytes:
        return Piece(position, b"", _too_big(limits), table)
    return Piece(position, blob, None, table)


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
