"""What keeps a user's mistake, or a machine's, from ending in a traceback."""

from __future__ import annotations

import errno
from typing import Any

from typer.core import TyperGroup

from kg_assets.cli.render import Exit, fail
from resources.logs import redact


class CarefulGroup(TyperGroup):
    """Commands whose failures outside of the program are told in words.

    A failure that is nobody's but the program's own keeps its traceback.
    """

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            # That nobody reads on (`kg sql ... | head`) is no failure, and is typer's affair.
            if isinstance(error, OSError) and error.errno == errno.EPIPE:
                raise
            message = in_words(error)
            if message is None:
                if redact(str(error)) != str(error):
                    raise RuntimeError(f"{type(error).__name__}: {redact(str(error))}") from None
                raise
            fail(message, Exit.NOT_FOUND)


def in_words(error: Exception) -> str | None:
    """What went wrong outside of the program, None where it is the program's own fault.

    Args:
        error: What a command raised.
    """
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

    from resources.databases import LostDatabaseError, in_one_line
    from resources.lake import LakeError

    if isinstance(error, LakeError | LostDatabaseError):
        return str(error)
    if isinstance(error, OSError):
        if error.strerror is None:
            return str(error)
        place = f"{error.filename}: " if error.filename is not None else ""
        return f"{place}{error.strerror}; kg writes to KG_HOME and to the output that a call names"
    if isinstance(error, ArgumentError | NoSuchModuleError):
        return f"{_no_address()} is no address of a database: {error}"
    # Dagster wraps what its storage meets.
    if isinstance(error, SQLAlchemyError) or type(error).__module__.startswith("dagster_postgres"):
        return in_one_line(error)
    if type(error).__module__ == "obstore.exceptions":
        # What follows the first line is for who looks for errors in that package.
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        return f"the bucket of the lake (KG_LAKE, KG_S3_ENDPOINT) cannot be used: {reason}"
    return None


def _no_address() -> str:
    """The variable whose value is no address of a database."""
    import sqlalchemy as sa
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    from resources.settings import Settings

    settings = Settings()
    storage = settings.dagster_storage
    given = {
        "KG_CATALOG": settings.catalog_url,
        "KG_LLM_STORE": settings.llm_store_url,
        "KG_DAGSTER_STORAGE": None if storage is None else storage.get_secret_value(),
    }
    for variable, address in given.items():
        try:
            if address is not None:
                sa.make_url(address).get_dialect()
        except (ArgumentError, NoSuchModuleError):
            return variable
    return ", ".join(given)
