"""Conditions over two records as syntax trees: what names one record, what names both, and costs.

A condition of a Splink level names columns of both records (``title_l = title_r``); one of a veto
names the records (``l.title = r.title``). A part that names one record alone is computed by DuckDB
once for each record; only what names both is left to be computed for each pair.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

SIMILARITIES = frozenset({"shared", "telling", "best_similarity"})
"""Macros of `kg_assets.matching.normalise` that the machine computes itself."""

_COSTS = {
    "shared": 8,
    "telling": 8,
    "best_similarity": 60,
    "jaro_winkler_similarity": 30,
    "levenshtein": 30,
    "contains": 12,
    "starts_with": 6,
    "list_has_any": 6,
}
"""What a call costs for a pair, in comparisons of two numbers; measured with benchmarks.scoring."""


class UncompilableError(ValueError):
    """Settings that cannot be compiled; the message says which part, and what to do."""


def parse(sql: str) -> Any:
    """The syntax tree of a condition.

    Raises:
        UncompilableError: It is not SQL.
    """
    import sqlglot

    try:
        return sqlglot.parse_one(sql, read="duckdb")
    except sqlglot.ParseError as error:
        raise UncompilableError(
            f"the condition {sql!r} cannot be read ({error}): correct it in the model"
        ) from error


def side_of(tree: Any) -> int | None:
    """The side whose columns a tree names, 0 for left and 1 for right; None for both or neither."""
    from sqlglot import exp

    found = None
    for column in tree.find_all(exp.Column):
        side = _side(column)
        if side is None or (found is not None and side != found):
            return None
        found = side
    return found


def sided(tree: Any) -> tuple[str, int] | None:
    """Expression over one record and its side, if the tree names columns of one side only.

    Args:
        tree: A part of a condition.

    Returns:
        The expression over the columns of a record, and 0 for the left record or 1 for the right.
    """
    from sqlglot import exp

    side = side_of(tree)
    if side is None:
        return None

    def bare(node: Any) -> Any:
        if not isinstance(node, exp.Column):
            return node
        name = node.name if node.table else node.name[:-2]
        return exp.column(name, quoted=node.this.args.get("quoted"))

    return tree.copy().transform(bare, copy=False).sql("duckdb"), side


def _side(column: Any) -> int | None:
    table = column.table.lower()
    if table in ("l", "r"):
        return "lr".index(table)
    ending = column.name.lower()[-2:]
    return "lr".index(ending[1]) if not table and ending in ("_l", "_r") else None


def call(tree: Any) -> tuple[str, list[Any]]:
    """Name, in lower case, and arguments of a function call; an empty name for what is none."""
    from sqlglot import exp

    if isinstance(tree, exp.ArrayOverlaps):
        return "list_has_any", [tree.this, tree.expression]
    if isinstance(tree, exp.Anonymous):
        return str(tree.name).lower(), list(tree.expressions)
    names = {
        exp.Contains: "contains",
        exp.StartsWith: "starts_with",
        exp.JarowinklerSimilarity: "jaro_winkler_similarity",
        exp.Levenshtein: "levenshtein",
    }
    name = names.get(type(tree), "")
    return name, [tree.this, tree.expression] if name else []


def cost(tree: Any) -> int:
    """What a condition costs for a pair, in comparisons of two numbers."""
    from sqlglot import exp

    if isinstance(tree, exp.Literal | exp.Boolean | exp.Null) or side_of(tree) is not None:
        return 0
    name, _ = call(tree)
    return _COSTS.get(name, 1) + sum(cost(part) for part in tree.iter_expressions())


def expanded(tree: Any) -> Any:
    """The body of a macro with its arguments, where the tree is a call of one; else None."""
    from sqlglot import exp

    if not isinstance(tree, exp.Anonymous):
        return None
    name, arguments = call(tree)
    found = _macros().get(name)
    if found is None or name in SIMILARITIES or len(found[0]) != len(arguments):
        return None
    given = dict(zip(found[0], arguments, strict=True))

    def replace(node: Any) -> Any:
        if isinstance(node, exp.Column) and not node.table and node.name in given:
            return exp.paren(given[node.name].copy())
        return node

    return exp.paren(parse(found[1]).transform(replace))


@cache
def _macros() -> dict[str, tuple[list[str], str]]:
    """Parameters and body of each macro of the connection."""
    from kg_assets.matching.normalise import MACROS
    from kg_assets.matching.person_names import PERSON_MACROS

    found = {}
    for macro in (*MACROS, *PERSON_MACROS):
        head = re.match(r"\s*(\w+)\(([^)]*)\)\s+AS\s+", macro)
        if head is not None:
            parameters = [one.strip() for one in head[2].split(",")]
            found[head[1].lower()] = parameters, macro[head.end() :]
    return found


def parts_of(tree: Any, kind: Any) -> list[Any]:
    """The operands of a chain of AND or OR, the cheapest first."""
    from sqlglot import exp

    def operands(node: Any) -> list[Any]:
        if isinstance(node, exp.Paren):
            node = node.this
        if isinstance(node, kind):
            return [*operands(node.left), *operands(node.right)]
        return [node]

    return sorted(operands(tree), key=cost)
