"""Printing for people and for programs: what sources wrote is made harmless first.

Exit codes of the commands: 0 done (also where several answers are listed), 1 nothing was found or
something failed, 2 the call or its input was wrong.
"""

from __future__ import annotations

import datetime
import json
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from typing import Any, NoReturn

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from resources.logs import redact

_CONTROL = {"Cc", "Cf", "Cs", "Zl", "Zp"}
# Joiners are part of how names in Persian, Hindi and others are written, and hide nothing.
_HARMLESS = {"\u200c", "\u200d"}

console = Console(highlight=False, emoji=False)
"""Where the commands print for people; markup is on, so foreign text goes through `clean`."""

errors = Console(stderr=True, highlight=False, emoji=False)
"""Where messages about what went wrong go, so that stdout holds answers only."""

_NARROWEST = 11
"""Characters that a column of a table needs to be read at all."""


class Exit(IntEnum):
    """Exit codes."""

    OK = 0
    NOT_FOUND = 1
    BAD_INPUT = 2


def plain(text: object) -> str:
    r"""Make foreign text safe for a terminal.

    Control and format characters, with which a text can move the cursor, change colours or
    reverse what is read, become visible escapes such as ``\x1b``; a line break becomes a space.

    Args:
        text: Anything; what is no string is shown as `shown` shows it.
    """
    raw = text if isinstance(text, str) else shown(text)
    if raw.isascii() and raw.isprintable():
        return raw
    return "".join(_plain_character(character) for character in raw)


def _plain_character(character: str) -> str:
    if character in "\n\r\t\u2028\u2029":
        return " "
    if character in _HARMLESS or unicodedata.category(character) not in _CONTROL:
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def is_text(*given: str) -> bool:
    """Whether all of what was typed is Unicode; the bytes of an argument need not be UTF-8."""
    try:
        "".join(given).encode()
    except UnicodeEncodeError:
        return False
    return True


def clean(text: object) -> str:
    """Make foreign text safe to stand in rich markup: as `plain`, and brackets are text."""
    # escape leaves a backslash before a bracket alone that would then escape our own tag.
    safe = escape(plain(text))
    return safe + "\\" if safe.endswith("\\") and not safe.endswith("\\\\") else safe


def cell(value: object, style: str = "") -> Text:
    """A value as a table's cell, in which no markup is read."""
    return Text(plain(value), style=style)


def shown(value: object) -> str:
    """A value as text: lists with commas, nothing for null, floats without a needless end."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        return ", ".join(shown(each) for each in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{shown(key)}: {shown(each)}" for key, each in value.items())
    return str(value)


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], title: str | None = None
) -> None:
    """Print rows as a table; columns that hold nothing but numbers stand to the right."""
    kept = [list(row) for row in rows]
    table = Table(title=None if title is None else clean(title), title_justify="left")
    widths = _widths(
        [[plain(column) for column in columns], *([plain(v) for v in r] for r in kept)]
    )
    for place, column in enumerate(columns):
        values = [row[place] for row in kept if row[place] is not None]
        numbers = bool(values) and all(
            isinstance(value, int | float) and not isinstance(value, bool) for value in values
        )
        table.add_column(
            clean(column),
            justify="right" if numbers else "left",
            overflow="fold",
            width=widths[place],
        )
    for row in kept:
        table.add_row(*(cell(value) for value in row))
    console.print(table)


def _widths(rows: Sequence[Sequence[str]]) -> list[int | None]:
    """Widths of a table's columns in which few words are broken; None where all of them fit.

    Rich lets each column give way by its share, so that in a narrow terminal the long text of one
    column breaks the words of all others.

    Args:
        rows: What stands in the table, the names of its columns first.
    """
    columns = list(zip(*rows, strict=True))
    wanted = [max(map(cell_len, column)) for column in columns]
    # What stands around cells: a blank on each side, and a line before each column and at the end.
    there = console.width - 3 * len(columns) - 1
    if sum(wanted) <= there:
        return [None] * len(columns)
    found = [
        max((cell_len(word) for text in column for word in text.split()), default=0)
        for column in columns
    ]
    by_text = sorted(range(len(columns)), key=wanted.__getitem__)
    # The words of long texts are broken first.
    for place in reversed(by_text):
        found[place] -= max(0, min(sum(found) - there, found[place] - _NARROWEST))
    if sum(found) > there:
        return [None] * len(columns)
    # Who needs the least gets it, and the others share what is left.
    for done, place in enumerate(by_text):
        share = (there - sum(found)) // (len(columns) - done)
        found[place] += min(share, wanted[place] - found[place])
    return list[int | None](found)


def print_list(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, may_fold: Sequence[str] = ()
) -> None:
    """Print rows without lines between them; columns in which nothing stands are left out.

    Args:
        columns: Names of the columns.
        rows: A value for each column; numbers get separators of thousands.
        may_fold: Columns that give way where the terminal is narrow; others are never broken.
    """
    kept = [list(row) for row in rows]
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    places = [at for at in range(len(columns)) if any(row[at] is not None for row in kept)]
    for at in places:
        numbers = all(row[at] is None or isinstance(row[at], int | float) for row in kept)
        name = columns[at]
        folds = name in may_fold
        table.add_column(
            clean(name),
            justify="right" if numbers else "left",
            overflow="fold" if folds else "ellipsis",
            no_wrap=not folds,
        )
    for row in kept:
        table.add_row(*(_number_or_cell(row[at]) for at in places))
    console.print(table)


def _number_or_cell(value: object) -> Text:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return cell(value)
    return Text(f"{value:,}" if isinstance(value, int) else f"{value:,.1f}")


def print_rows(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows as a table, or one under the other where so many columns would not fit."""
    if len(columns) * _NARROWEST <= console.width:
        print_table(columns, rows)
        return
    width = max(len(plain(column)) for column in columns)
    for number, row in enumerate(rows, start=1):
        console.rule(f"{number}", align="left", style="dim")
        for column, value in zip(columns, row, strict=True):
            console.print(Text(f"{plain(column):>{width}}  ", style="dim"), cell(value), sep="")


def print_json(value: object) -> None:
    """Print one JSON document on stdout, nothing else.

    Only ASCII is written, so that no control character of a source reaches a terminal.
    """
    sys.stdout.write(json.dumps(value, default=_json_value, indent=2, allow_nan=False))
    sys.stdout.write("\n")


def _json_value(value: object) -> Any:
    if isinstance(value, datetime.date | datetime.datetime | datetime.time):
        return value.isoformat()
    if isinstance(value, bytes | bytearray):
        return bytes(value).hex()
    if isinstance(value, set | frozenset):
        return sorted(value)
    return str(value)


def complain(message: str) -> None:
    """Print a message about what went wrong on stderr, without secrets; line breaks are kept."""
    for line in redact(message).splitlines():
        errors.print(Text(plain(line), style="red"), soft_wrap=True)


def fail(message: str, code: int = Exit.BAD_INPUT) -> NoReturn:
    """Say what went wrong and end the command.

    Args:
        message: What, where, and what to do.
        code: Exit code.

    Raises:
        SystemExit: Always.
    """
    complain(message)
    raise SystemExit(int(code))
