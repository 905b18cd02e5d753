"""From conditions to instructions.

A test of a condition falls through where the condition has the wanted answer, and goes to a label
where it has another, or none. So AND, OR and NOT are jumps, nothing is computed that is not needed,
and what is unknown is handled as in SQL.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from kg_assets.matching.scorers import instructions as op
from kg_assets.matching.scorers.conditions import (
    UncompilableError,
    call,
    expanded,
    parts_of,
    side_of,
    sided,
)

if TYPE_CHECKING:
    from kg_assets.matching.scorers.columns import Kind, RecordColumns

Operand = tuple[int, int]
"""Kind and place."""

_SIMILARITIES = frozenset({"best_similarity", "jaro_winkler_similarity"})

_NONE: Operand = (op.CONSTANT, 0)


class Label:
    """A place in the program, known once it is reached."""

    def __init__(self) -> None:
        self.place: int | None = None


class Assembler:
    """Writes a program.

    Args:
        columns: The columns of records, to which it adds what conditions need.
    """

    def __init__(self, columns: RecordColumns) -> None:
        self.columns = columns
        self.constants: list[float] = [0.0]
        self.registers = 0
        self._code: list[tuple[int, int, Operand, Operand, Label | None, bool]] = []
        self._known: dict[tuple[int, Operand, Operand], int] = {}
        self._least: dict[int, float] = {}

    def emit(
        self,
        operation: int,
        one: Operand = _NONE,
        other: Operand = _NONE,
        *,
        keep: int = 0,
        go: Label | None = None,
        wanted: bool = False,
    ) -> None:
        """Add an instruction; see `kg_assets.matching.scorers.instructions.WIDTH`."""
        self._code.append((operation, keep, one, other, go, wanted))

    def reach(self, label: Label) -> None:
        """Let a label stand for the next instruction."""
        label.place = len(self._code)

    def code(self) -> Any:
        """The instructions, an array of (instructions, WIDTH)."""
        for kept, least in self._least.items():
            self.constants.append(least)
            self._least[kept] = len(self.constants) - 1
        similar = (op.BEST, op.JARO_WINKLER)
        rows = [
            (
                operation,
                keep,
                *one,
                *other,
                self._least[keep] if operation in similar else 0 if go is None else go.place,
                wanted,
            )
            for operation, keep, one, other, go, wanted in self._code
        ]
        return np.array(rows, dtype=np.int64).reshape(len(rows), op.WIDTH)

    def test(self, tree: Any, wanted: bool, miss: Label) -> None:
        """Go on where the condition has the wanted answer, else to a label.

        Args:
            tree: The condition.
            wanted: The answer; NULL is neither.
            miss: Where to go on else.

        Raises:
            UncompilableError: The machine has no such condition.
        """
        from sqlglot import exp

        if isinstance(tree, exp.Paren):
            self.test(tree.this, wanted, miss)
        elif isinstance(tree, exp.Not):
            self.test(tree.this, not wanted, miss)
        elif isinstance(tree, exp.And | exp.Or):
            kind = exp.And if isinstance(tree, exp.And) else exp.Or
            self._chain(parts_of(tree, kind), kind is exp.And, wanted, miss)
        elif isinstance(tree, exp.Boolean):
            if bool(tree.this) != wanted:
                self.emit(op.JUMP, go=miss)
        elif isinstance(tree, exp.Null):
            self.emit(op.JUMP, go=miss)
        elif isinstance(tree, exp.Coalesce) and isinstance(tree.expressions[-1], exp.Boolean):
            self._coalesced(tree, wanted, miss)
        elif side_of(tree) is not None:
            self.emit(op.HOLDS, self.number(tree), go=miss, wanted=wanted)
        elif isinstance(tree, exp.Is) and isinstance(tree.expression, exp.Null):
            self.emit(op.IS_NULL, self.number(tree.this), go=miss, wanted=wanted)
        else:
            self._test_of_both(tree, wanted, miss)

    def _chain(self, parts: list[Any], is_and: bool, wanted: bool, miss: Label) -> None:
        if is_and == wanted:
            for part in parts:
                self.test(part, wanted, miss)
            return
        hit = Label()
        for part in parts[:-1]:
            following = Label()
            self.test(part, wanted, following)
            self.emit(op.JUMP, go=hit)
            self.reach(following)
        self.test(parts[-1], wanted, miss)
        self.reach(hit)

    def _coalesced(self, tree: Any, wanted: bool, miss: Label) -> None:
        if len(tree.expressions) > 1:
            raise self._unknown(tree)
        if bool(tree.expressions[0].this) != wanted:
            self.test(tree.this, wanted, miss)
            return
        # Where it is unknown it counts as wanted: all but the other answer.
        hit = Label()
        self.test(tree.this, not wanted, hit)
        self.emit(op.JUMP, go=miss)
        self.reach(hit)

    def _test_of_both(self, tree: Any, wanted: bool, miss: Label) -> None:
        from sqlglot import exp

        if isinstance(tree, exp.EQ | exp.NEQ | exp.NullSafeEQ | exp.NullSafeNEQ):
            self._equality(tree, wanted, miss)
            return
        if isinstance(tree, exp.GT | exp.GTE | exp.LT | exp.LTE):
            left, right = (
                self._compared(end, other)
                for end, other in ((tree.this, tree.expression), (tree.expression, tree.this))
            )
            if isinstance(tree, exp.LT | exp.LTE):
                left, right = right, left
            strict = isinstance(tree, exp.GT | exp.LT)
            self.emit(op.MORE if strict else op.AT_LEAST, left, right, go=miss, wanted=wanted)
            return
        if isinstance(tree, exp.Between):
            low = exp.GTE(this=tree.this, expression=tree.args["low"])
            high = exp.LTE(this=tree.this.copy(), expression=tree.args["high"])
            self._chain([low, high], True, wanted, miss)
            return
        name, arguments = call(tree)
        if name == "list_has_any":
            ends = self._pair(arguments, "list", tree)
            kept = self._kept(op.OVERLAP, *ends)
            self.emit(op.OVERLAP, *ends, keep=kept, go=miss, wanted=wanted)
        elif name in ("contains", "starts_with"):
            operation = op.CONTAINS if name == "contains" else op.STARTS_WITH
            self.emit(operation, *self._pair(arguments, "text", tree), go=miss, wanted=wanted)
        elif (body := expanded(tree)) is not None:
            self.test(body, wanted, miss)
        else:
            self.emit(op.HOLDS, self.number(tree), go=miss, wanted=wanted)

    def _equality(self, tree: Any, wanted: bool, miss: Label) -> None:
        from sqlglot import exp

        safe = isinstance(tree, exp.NullSafeEQ | exp.NullSafeNEQ)
        if isinstance(tree, exp.NEQ | exp.NullSafeNEQ):
            wanted = not wanted
        columns = self.columns
        ends = [end for end in map(sided, (tree.this, tree.expression)) if end is not None]
        kinds = {columns.type_of(text) for text, _ in ends}
        plain = all(columns.is_number(text) for text, _ in ends)
        # Of two types DuckDB would cast one; their hashes differ.
        if len(ends) == 2 and len(kinds) == 1 and None not in kinds and (safe or not plain):
            left, right = ((side, columns.add("value", text)) for text, side in ends)
            operation = op.BOTH_NULL_OR_SAME if safe else op.SAME
            self.emit(operation, left, right, go=miss, wanted=wanted)
        elif safe:
            raise self._unknown(tree)
        else:
            left, right = self.number(tree.this), self.number(tree.expression)
            self.emit(op.EQUAL, left, right, go=miss, wanted=wanted)

    def number(self, tree: Any) -> Operand:
        """Find or compute a number, or a truth value as 1 and 0; NULL is NaN.

        Args:
            tree: The expression.

        Returns:
            The operand that holds it.

        Raises:
            UncompilableError: The machine has no such expression.
        """
        from sqlglot import exp

        if isinstance(tree, exp.Paren):
            return self.number(tree.this)
        one = sided(tree)
        if one is not None:
            if not self.columns.is_number(one[0]):
                raise self._unknown(tree)
            return one[1], self.columns.add("number", one[0])
        if isinstance(tree, exp.Literal) and not tree.is_string:
            return self._constant(float(tree.this))
        if isinstance(tree, exp.Neg):
            return self._made(op.SUBTRACT, self._constant(0.0), self.number(tree.this))
        operation = {
            exp.Add: op.ADD,
            exp.Sub: op.SUBTRACT,
            exp.Mul: op.MULTIPLY,
            exp.Div: op.DIVIDE,
        }.get(type(tree))
        if operation is not None:
            self._refuse_decimals(tree)
            return self._made(operation, self.number(tree.this), self.number(tree.expression))
        if isinstance(tree, exp.Abs):
            return self._absolute(tree)
        if isinstance(tree, exp.Greatest | exp.Least):
            operation = op.GREATEST if isinstance(tree, exp.Greatest) else op.LEAST
            found = self.number(tree.this)
            for part in tree.expressions:
                found = self._made(operation, found, self.number(part))
            return found
        if isinstance(tree, exp.DateDiff) and str(tree.args.get("unit")).upper() == "DAY":
            # sqlglot turns the ends round: "this" is the later one.
            return self._made(op.SUBTRACT, self.number(tree.this), self.number(tree.expression))
        if isinstance(tree, exp.Case) and tree.this is None:
            return self._case(tree)
        if isinstance(tree, exp.Coalesce):
            return self._first(tree)
        return self._call(tree)

    def _absolute(self, tree: Any) -> Operand:
        from sqlglot import exp

        inner = tree.this
        later = isinstance(inner, exp.DateDiff) and str(inner.args.get("unit")).upper() == "DAY"
        if isinstance(inner, exp.Sub) or later:
            left, right = self.number(inner.this), self.number(inner.expression)
            return self._made(op.DISTANCE, left, right)
        return self._made(op.ABSOLUTE, self.number(inner))

    def _compared(self, tree: Any, other: Any) -> Operand:
        """A number that is compared with another: of a similarity what is less does not matter."""
        from sqlglot import exp

        if isinstance(other, exp.Literal) and call(tree)[0] in _SIMILARITIES:
            return self._call(tree, least=float(other.this))
        return self.number(tree)

    def _call(self, tree: Any, least: float = 0.0) -> Operand:
        name, arguments = call(tree)
        similarities: dict[str, tuple[int, Kind]] = {
            "shared": (op.SHARED, "list"),
            "telling": (op.TELLING, "telling"),
            "best_similarity": (op.BEST, "names"),
            "jaro_winkler_similarity": (op.JARO_WINKLER, "text"),
            "levenshtein": (op.EDITS, "text"),
        }
        found = similarities.get(name)
        if found is not None and len(arguments) == 2:
            ends = self._pair(arguments, found[1], tree)
            kept = self._kept(found[0], *ends)
            self._least[kept] = min(least, self._least.get(kept, least))
            self.emit(found[0], *ends, keep=kept)
            return op.REGISTER, kept
        body = expanded(tree)
        if body is None:
            raise self._unknown(tree)
        return self.number(body)

    def _case(self, tree: Any) -> Operand:
        made, end = self._register(), Label()
        for branch in tree.args["ifs"]:
            following = Label()
            self.test(branch.this, True, following)
            self.emit(op.COPY, self.number(branch.args["true"]), keep=made)
            self.emit(op.JUMP, go=end)
            self.reach(following)
        default = tree.args.get("default")
        last = self._constant(float("nan")) if default is None else self.number(default)
        self.emit(op.COPY, last, keep=made)
        self.reach(end)
        return op.REGISTER, made

    def _first(self, tree: Any) -> Operand:
        made, end = self._register(), Label()
        for part in (tree.this, *tree.expressions):
            self.emit(op.COPY, self.number(part), keep=made)
            self.emit(op.IS_NULL, (op.REGISTER, made), go=end, wanted=True)
        self.reach(end)
        return op.REGISTER, made

    def _pair(self, arguments: list[Any], kind: Kind, tree: Any) -> tuple[Operand, Operand]:
        """The two columns that a call compares."""
        columns = self.columns
        fits = {
            "list": columns.is_list,
            "telling": columns.is_hashes,
            "text": columns.is_text,
            "names": columns.is_names,
        }[kind]
        ends = [sided(part) for part in arguments]
        found = [end for end in ends if end is not None and fits(end[0])]
        if len(found) != 2 or len({columns.type_of(expression) for expression, _ in found}) != 1:
            raise self._unknown(tree)
        left, right = ((side, columns.add(kind, expression)) for expression, side in found)
        return left, right

    def _refuse_decimals(self, tree: Any) -> None:
        """DuckDB computes exactly with 0.1, unless the other number is a DOUBLE."""
        from sqlglot import exp

        points = [
            one.this
            for one in (tree.this, tree.expression)
            if isinstance(one, exp.Literal) and Decimal(one.this) != Decimal(float(one.this))
        ]
        if not points or any("e" in one.lower() for one in points):
            return
        ends = [sided(column) for column in tree.find_all(exp.Column)]
        kinds = {self.columns.type_of(end[0]) for end in ends if end is not None}
        if not kinds & {"DOUBLE", "FLOAT"}:
            raise UncompilableError(
                f"{tree.sql('duckdb')!r} is exact for DuckDB: write the number with an exponent "
                "(0.1 as 1e-1), or choose the scorer splink for this type (KG_SCORERS)"
            )

    def _unknown(self, tree: Any) -> UncompilableError:
        return UncompilableError(
            f"the compiled scorer does not know {tree.sql('duckdb')!r}: compute it as a feature "
            "of each record, or choose the scorer splink for this type (KG_SCORERS)"
        )

    def _constant(self, value: float) -> Operand:
        self.constants.append(value)
        return op.CONSTANT, len(self.constants) - 1

    def _made(self, operation: int, one: Operand, other: Operand = _NONE) -> Operand:
        target = self._register()
        self.emit(operation, one, other, keep=target)
        return op.REGISTER, target

    def _kept(self, operation: int, one: Operand, other: Operand) -> int:
        """The register of what is computed once for each pair."""
        key = operation, one, other
        if key not in self._known:
            self._known[key] = self._register()
        return self._known[key]

    def _register(self) -> int:
        self.registers += 1
        return self.registers - 1
