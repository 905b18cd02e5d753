"""What can be said of a condition over two records before its costly parts are computed.

A condition of a Splink level names columns of both records (``title_l = title_r``). Parts that
name one record alone become columns of that record (`RecordColumns`), computed once a record
instead of once a pair. Of what remains, cheap comparisons of numbers and hashes are computed for
each pair; of costly calls only bounds are, which say whether the condition must, may or cannot
hold. Hashes have 64 bits: among a billion pairs the chance of one false equality is 5e-11.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

YES, NO = "TRUE", "FALSE"

_COSTS = {"best_similarity": 6, "jaro_winkler_similarity": 3, "shared": 3}
"""What a call costs, in calls of list_has_any; measured with benchmarks.scoring."""

_LIST_SIMILARITIES = frozenset({"best_similarity"})
_TEXT_SIMILARITIES = frozenset({"jaro_winkler_similarity", "jaro_similarity"})
_COUNTS = frozenset({"shared"})
"""The macros of `kg_assets.matching.normalise` and functions of DuckDB whose range is known."""


class UncompilableError(ValueError):
    """Settings that cannot be compiled; the message says which part, and what to do."""


@dataclass(frozen=True)
class Truth:
    """SQL for what is known of a condition: each errs to the safe side.

    Attributes:
        must: The condition is certainly true.
        may: It may be true.
        must_not: It is certainly false (and not NULL).
        may_not: It may be false.
    """

    must: str
    may: str
    must_not: str
    may_not: str

    @property
    def certain(self) -> bool:
        """Whether the condition is computed and not only bounded."""
        return self.must == self.may


@dataclass(frozen=True)
class Range:
    """SQL for the least and the greatest value of a number; None: no bound."""

    low: str | None
    high: str | None


def all_of(parts: list[str]) -> str:
    """SQL for the conjunction, without what goes without saying."""
    if NO in parts:
        return NO
    left = [part for part in parts if part != YES]
    return f"({' AND '.join(left)})" if left else YES


def any_of(parts: list[str]) -> str:
    """SQL for the disjunction, without what goes without saying."""
    if YES in parts:
        return YES
    left = [part for part in parts if part != NO]
    return f"({' OR '.join(left)})" if left else NO


@dataclass
class RecordColumns:
    """Columns that are computed once for each record, by what they are computed from.

    Attributes:
        type_of: DuckDB type of an expression over the columns of a record, None where there is no
            such column.
        names: Name of the column of each expression.
    """

    type_of: Callable[[str], str | None]
    names: dict[str, str] = field(default_factory=dict)

    def of(self, expression: str, side: str) -> str:
        """Name of an expression's column, on one side of a pair."""
        name = self.names.setdefault(expression, f"c{len(self.names)}")
        return f"{name}_{side}"

    def is_plain(self, expression: str) -> bool:
        """Whether the values are numbers, truth values or times, cheap to carry and compare."""
        kind = self.type_of(expression) or ""
        return kind in _PLAIN

    def is_list(self, expression: str) -> bool:
        """Whether the values are lists."""
        return (self.type_of(expression) or "").endswith("[]")

    def hashed(self, expression: str, side: str) -> str:
        """A hash of the value, NULL where it is NULL."""
        return self.of(f"CASE WHEN ({expression}) IS NOT NULL THEN hash({expression}) END", side)

    def heads(self, expression: str, side: str) -> list[str]:
        """Hashes of a list's first elements, NULL where it is shorter."""
        return [self.hashed(f"({expression})[{place}]", side) for place in range(1, HEADS + 1)]

    def spare(self, expression: str, side: str) -> str:
        """How many elements of a list its signature does not show."""
        return self.of(f"len({expression}) - bit_count({_signature(expression)})", side)

    def signature(self, expression: str, side: str) -> str:
        """126 bits, of which each element of a list sets one; NULL only where the list is."""
        return self.of(_signature(expression), side)


def _signature(expression: str) -> str:
    return (
        f"CASE WHEN ({expression}) IS NOT NULL THEN coalesce(list_bit_or(list_transform("
        f"list_filter({expression}, lambda one_value: one_value IS NOT NULL), "
        "lambda one_value: 1::HUGEINT << (hash(one_value) % 126)::HUGEINT)), 0::HUGEINT) END"
    )


HEADS = 3
"""Of so many elements of a list hashes are compared before it is fetched: most are shorter."""

_PLAIN = frozenset(
    {
        "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER",
        "UBIGINT", "FLOAT", "DOUBLE", "DATE", "TIMESTAMP",
    }
)  # fmt: skip


class Conditions:
    """Reads conditions, as far as columns of records are concerned.

    Args:
        columns: The columns of records to which it adds.
    """

    def __init__(self, columns: RecordColumns) -> None:
        self.columns = columns

    def parse(self, sql: str) -> Any:
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

    def one_sided(self, tree: Any) -> tuple[str, str] | None:
        """Expression over one record and its side, if the tree names columns of one side only."""
        from sqlglot import exp

        found = {}
        for column in tree.find_all(exp.Column):
            name, table = column.name, column.table.lower()
            if table in ("l", "r"):
                found[column] = (name, table)
            elif not table and name.lower()[-2:] in ("_l", "_r"):
                found[column] = (name[:-2], name[-1].lower())
            else:
                return None
        sides = {side for _, side in found.values()}
        if len(sides) != 1:
            return None
        plain = tree.copy()
        for column in list(plain.find_all(exp.Column)):
            bare = column.name if column.table else column.name[:-2]
            new = exp.column(bare, quoted=column.this.args.get("quoted"))
            if column is plain:
                plain = new
            else:
                column.replace(new)
        text = plain.sql("duckdb")
        return (text, sides.pop()) if self.columns.type_of(text) is not None else None

    def truth(self, tree: Any) -> Truth:
        """What is known of a condition from the columns of records."""
        from sqlglot import exp

        if isinstance(tree, exp.Paren):
            return self.truth(tree.this)
        if isinstance(tree, exp.Not):
            inner = self.truth(tree.this)
            return Truth(inner.must_not, inner.may_not, inner.must, inner.may)
        if isinstance(tree, exp.And | exp.Or):
            sides = [self.truth(tree.left), self.truth(tree.right)]
            both, one = (all_of, any_of) if isinstance(tree, exp.And) else (any_of, all_of)
            return Truth(
                both([side.must for side in sides]),
                both([side.may for side in sides]),
                one([side.must_not for side in sides]),
                one([side.may_not for side in sides]),
            )
        if isinstance(tree, exp.ArrayOverlaps):
            return self._overlap(tree.this, tree.expression)
        plain = self.plain(tree)
        if plain is not None:
            sql = f"({plain})"
            return Truth(sql, sql, f"(NOT {sql})", f"(NOT {sql})")
        if isinstance(tree, exp.GTE | exp.GT | exp.LTE | exp.LT):
            return self._inequality(tree)
        return Truth(NO, YES, NO, YES)

    def plain(self, tree: Any) -> str | None:
        """SQL of a cheap expression over the columns of a pair, None where it is not cheap."""
        found = self._plain(tree.copy())
        return None if found is None else str(found.sql("duckdb"))

    def _plain(self, tree: Any) -> Any:
        from sqlglot import exp

        if isinstance(tree, exp.Literal | exp.Null | exp.Boolean | exp.Var):
            return tree
        one = self.one_sided(tree)
        if one is not None:
            return exp.column(self.columns.of(*one)) if self.columns.is_plain(one[0]) else None
        if isinstance(tree, exp.EQ | exp.NEQ | exp.NullSafeEQ | exp.NullSafeNEQ):
            ends = [self.one_sided(end) for end in (tree.this, tree.expression)]
            if all(ends) and not any(self.columns.is_plain(end[0]) for end in ends if end):
                return self._same(tree, [end for end in ends if end])
        return self._plain_parts(tree) if isinstance(tree, _cheap_nodes()) else None

    def _plain_parts(self, tree: Any) -> Any:
        from sqlglot import exp

        for key, child in list(tree.args.items()):
            parts = child if isinstance(child, list) else [child]
            made = [self._plain(part) if isinstance(part, exp.Expr) else part for part in parts]
            if any(new is None and old is not None for new, old in zip(made, parts, strict=True)):
                return None
            tree.set(key, made if isinstance(child, list) else made[0])
        return tree

    def _same(self, tree: Any, ends: list[tuple[str, str]]) -> Any:
        from sqlglot import exp

        kinds = {self.columns.type_of(text) for text, _ in ends}
        # Of two types DuckDB would cast one; their hashes differ.
        if len(kinds) != 1 or kinds & {"NULL", '"NULL"', "UNKNOWN"}:
            return None
        left, right = (exp.column(self.columns.hashed(*end)) for end in ends)
        return type(tree)(this=left, expression=right)

    def _lists(self, left: Any, right: Any) -> list[tuple[str, str]] | None:
        ends = [self.one_sided(end) for end in (left, right)]
        found = [end for end in ends if end is not None and self.columns.is_list(end[0])]
        if len(found) < 2 or len({self.columns.type_of(text) for text, _ in found}) != 1:
            return None
        return found

    def _overlap(self, left: Any, right: Any) -> Truth:
        ends = self._lists(left, right)
        if ends is None:
            return Truth(NO, YES, NO, YES)
        a, b = (self.columns.signature(*end) for end in ends)
        heads = [self.columns.heads(*end) for end in ends]
        one = any_of([f"{left} = {right}" for left in heads[0] for right in heads[1]])
        return Truth(
            must=one,
            may=f"(({a} & {b}) <> 0)",
            must_not=f"(({a} & {b}) = 0)",
            may_not=f"(({a} & {b}) IS NOT NULL AND NOT coalesce({one}, FALSE))",
        )

    def _inequality(self, tree: Any) -> Truth:
        from sqlglot import exp

        left, right = self._range(tree.this), self._range(tree.expression)
        if isinstance(tree, exp.LTE | exp.LT):
            left, right = right, left
        strict = isinstance(tree, exp.GT | exp.LT)
        above, below = (">", "<=") if strict else (">=", "<")

        def compare(one: str | None, sign: str, other: str | None, unknown: str) -> str:
            return unknown if one is None or other is None else f"({one} {sign} {other})"

        return Truth(
            must=compare(left.low, above, right.high, NO),
            may=compare(left.high, above, right.low, YES),
            must_not=compare(left.high, below, right.low, NO),
            may_not=compare(left.low, below, right.high, YES),
        )

    def _range(self, tree: Any) -> Range:
        from sqlglot import exp

        plain = self.plain(tree)
        if plain is not None:
            return Range(f"({plain})", f"({plain})")
        if isinstance(tree, exp.Paren):
            return self._range(tree.this)
        if isinstance(tree, exp.Sub):
            left, right = self._range(tree.this), self._range(tree.expression)
            return Range(_minus(left.low, right.high), _minus(left.high, right.low))
        name = _call(tree)
        arguments = _arguments(tree)
        if len(arguments) == 2:
            if name in _COUNTS:
                return self._count(arguments)
            if name in _LIST_SIMILARITIES:
                return self._list_similarity(arguments)
            if name in _TEXT_SIMILARITIES:
                return self._text_similarity(arguments)
        return Range(None, None)

    # A bound is NULL where the value is: what is compared with it is then unknown, as it should be.
    def _count(self, arguments: list[Any]) -> Range:
        ends = self._lists(*arguments)
        if ends is None:
            return Range(None, None)
        a, b = (self.columns.signature(*end) for end in ends)
        # Each bit that only one list sets stands for an element that the other lacks.
        spare = [self.columns.spare(*end) for end in ends]
        return Range(
            # DuckDB finds nothing shared with no list, and of no list it knows nothing.
            f"(CASE WHEN {a} IS NOT NULL THEN 0 END)",
            f"(CASE WHEN ({a} & {b}) <> 0 THEN "
            f"least({spare[0]}, {spare[1]}) + bit_count({a} & {b}) "
            f"WHEN {a} IS NOT NULL THEN 0 END)",
        )

    def _list_similarity(self, arguments: list[Any]) -> Range:
        ends = self._lists(*arguments)
        if ends is None:
            return Range(None, None)
        a, b = (self.columns.heads(*end)[0] for end in ends)
        return Range(f"(CASE WHEN {a} = {b} THEN 1 ELSE 0 END)", "1")

    def _text_similarity(self, arguments: list[Any]) -> Range:
        ends = [self.one_sided(end) for end in arguments]
        found = [end for end in ends if end is not None]
        if len(found) < 2:
            return Range(None, None)
        a, b = (self.columns.hashed(*end) for end in found)
        return Range(
            f"(CASE WHEN {a} <> {b} THEN 0 END)",
            f"(CASE WHEN {a} = {b} OR {a} <> {b} THEN 1 END)",
        )

    def costly_calls(self, tree: Any) -> list[Any]:
        """Calls with columns of both records, the outermost of each."""
        from sqlglot import exp

        if self.plain(tree) is not None or self.one_sided(tree) is not None:
            return []
        if isinstance(tree, exp.Func) and not isinstance(
            tree, exp.Case | exp.If | exp.And | exp.Or | exp.Coalesce | exp.Greatest | exp.Least
        ):
            return [tree]
        return [call for part in tree.iter_expressions() for call in self.costly_calls(part)]


def cost(tree: Any) -> int:
    """What a call costs."""
    return _COSTS.get(_call(tree), 2)


def _minus(left: str | None, right: str | None) -> str | None:
    return None if left is None or right is None else f"({left} - {right})"


def _cheap_nodes() -> tuple[type, ...]:
    from sqlglot import exp

    return (
        exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Is,
        exp.And, exp.Or, exp.Not, exp.Paren, exp.Neg, exp.Add, exp.Sub, exp.Mul, exp.Abs,
        exp.Greatest, exp.Least, exp.Case, exp.If, exp.Between, exp.In, exp.Coalesce, exp.DateDiff,
    )  # fmt: skip


def _call(tree: Any) -> str:
    from sqlglot import exp

    if isinstance(tree, exp.Func):
        return str(tree.sql("duckdb").partition("(")[0]).lower()
    return ""


def _arguments(tree: Any) -> list[Any]:
    return list(tree.iter_expressions()) if _call(tree) else []
