"""What the databases have in common: how SQLite keeps what is written, and how errors name them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

CATALOG = "the catalog (KG_CATALOG)"
LLM_STORE = "the store of answers (KG_LLM_STORE)"
DAGSTER = "the storage of Dagster's runs and events (KG_DAGSTER_STORAGE)"


class LostDatabaseError(RuntimeError):
    """A database could not be used; the message is that of `in_one_line`.

    For another process: SQLAlchemy's errors leave behind which database they came from when they
    are sent there.
    """


def named(engine: sa.Engine, what: str) -> sa.Engine:
    """Let the errors of an engine say what it was opened for.

    Args:
        engine: The engine.
        what: One of the names of this module.

    Returns:
        The engine.
    """
    note = f"{what} {_place(engine.url)}"

    def say(context: sa.engine.ExceptionContext) -> None:
        error = context.sqlalchemy_exception
        if error is not None and not getattr(error, "__notes__", None):
            error.add_note(note)

    sa.event.listen(engine, "handle_error", say)
    return engine


def prepare_sqlite(connection: Any, _record: Any) -> None:
    """Let a connection to SQLite be one of several writers, and a commit wait for the disk.

    Args:
        connection: A connection of Python's driver that was just opened.
        _record: SQLAlchemy's record of it.
    """
    # Without this, Python's driver opens and closes transactions on its own.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA busy_timeout = 60000")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def in_one_line(error: BaseException) -> str | None:
    """What could not be used, where it is, why, and what to do; None where it was no database.

    Args:
        error: What was raised, by SQLAlchemy or because of that.
    """
    told = [each for each in _chain(error) if isinstance(each, SQLAlchemyError)]
    if not told:
        return None
    # One that was raised while another was handled came from the same database.
    noted = next((each for each in told if getattr(each, "__notes__", None)), told[0])
    notes = getattr(noted, "__notes__", None)
    what = notes[0] if notes else "a database (KG_CATALOG, KG_LLM_STORE or KG_DAGSTER_STORAGE)"
    said = str(getattr(noted, "orig", None) or noted).strip() or type(noted).__name__
    return (
        f"{what} cannot be used: {said.splitlines()[0]}; see that it runs and can be reached, and "
        "that the address is right"
    )


def _place(url: sa.URL) -> str:
    if url.get_backend_name() == "sqlite":
        return f"in {url.database}"
    port = f":{url.port}" if url.port else ""
    return f"at {url.host or 'this machine'}{port}/{url.database or ''}"


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in seen:
        yield following
        seen.append(following)
        following = following.__cause__ or following.__context__
