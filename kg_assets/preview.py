"""Previews of tables for people: a few rows as Markdown, with what is untrusted made harmless."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

_CELL_CHARACTERS = 60
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#!~])")


class Markdown(str):
    """Text of a step's figures that the UI shows as Markdown; made by us, never by a source."""

    __slots__ = ()


def markdown_table(relation: duckdb.DuckDBPyRelation, rows: int) -> str:
    """The first rows of a relation as a Markdown table.

    Args:
        relation: What to show.
        rows: How many rows at most.

    Returns:
        Markdown in which values cannot be read as markup; long values are cut.
    """
    columns = relation.columns
    lines = [
        "| " + " | ".join(map(_cell, columns)) + " |",
        "|" + " --- |" * len(columns),
    ]
    for row in relation.limit(rows).fetchall():
        lines.append("| " + " | ".join(map(_cell, row)) + " |")
    return "\n".join(lines)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        value = value[: 2 * _CELL_CHARACTERS].decode("utf-8", "replace")
    text = " ".join(str(value).split())
    text = "".join(character if character.isprintable() else "�" for character in text)
    if len(text) > _CELL_CHARACTERS:
        text = text[: _CELL_CHARACTERS - 1] + "…"
    return _SPECIAL.sub(r"\\\1", html.escape(text, quote=False))
