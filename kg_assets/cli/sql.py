"""`kg sql`: a query over the published graph, which can change nothing and reach nothing else."""

from __future__ import annotations

import itertools
import json as json_module
import math
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

from kg_assets.cli.render import Exit, complain, console, is_text, print_rows
from kg_assets.graph.publication import NotPublishedError, open_published
from kg_assets.promotion.reading import what_is_read

if TYPE_CHECKING:
    import duckdb

    from resources.settings import Settings

_FETCH = 2_000


def sql(settings: Settings, query: str, *, limit: int = 50, json: bool = False) -> int:
    """Run a query and print what it gives.

    Args:
        settings: Where the published graph is, and how much memory a query may take.
        query: One SQL statement in DuckDB's dialect.
        limit: Rows shown at most in a table; JSON holds all rows.
        json: Print a JSON list with an object for each row.

    Returns:
        Exit code: 1 where nothing is published, 2 where the query is wrong or not allowed.
    """
    import duckdb

    if limit < 1:
        complain("--limit must be at least 1")
        return Exit.BAD_INPUT
    if not is_text(query):
        complain("the query is not UTF-8")
        return Exit.BAD_INPUT
    try:
        with closing(
            open_published(
                what_is_read(settings)[0],
                memory_limit=settings.memory_limit,
                threads=str(settings.threads),
            )
        ) as con:
            statements = duckdb.extract_statements(query)
            if len(statements) != 1:
                complain(f"give one statement; this is {len(statements)}")
                return Exit.BAD_INPUT
            result = con.execute(query)
            columns = _distinct([column[0] for column in result.description or []])
            if json:
                _print_rows(columns, _rows(result))
            else:
                _print_some(columns, _rows(result), limit)
    except NotPublishedError as error:
        complain(str(error))
        return Exit.NOT_FOUND
    except duckdb.Error as error:
        complain(_readable(error))
        return Exit.BAD_INPUT
    return Exit.OK


def _rows(result: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    while batch := result.fetchmany(_FETCH):
        yield from batch


def _distinct(names: list[str]) -> list[str]:
    """Give columns of the same name a number, so that a JSON object loses none of them."""
    taken: dict[str, None] = {}
    for name in names:
        free = (f"{name}_{number}" if number else name for number in itertools.count())
        taken[next(each for each in free if each not in taken)] = None
    return list(taken)


def _print_some(columns: list[str], rows: Iterator[tuple[Any, ...]], limit: int) -> None:
    some = list(itertools.islice(rows, limit))
    print_rows(columns, some)
    if next(rows, None) is not None:
        console.print(f"[dim]the first {limit} rows; more with --limit, all with --json[/]")


def _print_rows(columns: list[str], rows: Iterator[tuple[Any, ...]]) -> None:
    """Print rows as JSON, one to a line, without holding them all."""
    separator = "[\n"
    for row in rows:
        item = {name: _value(value) for name, value in zip(columns, row, strict=True)}
        sys.stdout.write(separator + json_module.dumps(item, default=str, allow_nan=False))
        separator = ",\n"
    sys.stdout.write("[]\n" if separator == "[\n" else "\n]\n")


def _value(value: Any) -> Any:
    """A value that JSON can hold; it has no word for infinity, NaN and bytes."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {str(key): _value(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_value(each) for each in value]
    return value


def _readable(error: duckdb.Error) -> str:
    return str(error).strip() or type(error).__name__
