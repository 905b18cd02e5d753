"""Reading the lake for the commands: nothing is written and nothing recorded."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from kg_assets.matching.all_members import members_of
from resources.duck import session
from resources.lake import Lake

if TYPE_CHECKING:
    import duckdb

    from resources.settings import Settings


@contextmanager
def reading_session(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open an in-memory DuckDB that spills to a folder of its own.

    Args:
        settings: Limits, and where the folder lies.

    Yields:
        The connection.
    """
    scratch = settings.scratch / f"read-{secrets.token_hex(6)}"
    scratch.mkdir(parents=True)
    try:
        with closing(
            session(threads=settings.threads, memory_limit=settings.memory_limit, scratch=scratch)
        ) as con:
            yield con
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def all_members(settings: Settings, con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyRelation:
    """Members of the entities of all types, as the settings' namespace sees them.

    Args:
        settings: Where the lake is.
        con: The connection that reads them.

    Returns:
        Relation (entity_id, entity_type, source, source_id).
    """
    return members_of(Lake(settings), con)
