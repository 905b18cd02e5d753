"""What the machine code of a model is put together of: words of records, numbers, similarities.

Everything here adds to one function of LLVM at the place where its builder stands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kg_assets.matching.scorers import instructions as op

if TYPE_CHECKING:
    from collections.abc import Callable

    from kg_assets.matching.scorers.machine import Program

FUNCTION = "score_pairs"
"""Name of the function."""

ARGUMENTS = (
    "rows", "elements", "bounds", "pool", "lefts", "rights", "pairs", "enough", "weights",
    "reached", "vetoes", "places", "taken",
)  # fmt: skip
"""What it is given, in this order: addresses, but for the number of pairs and the weight."""

_AHEAD = 6
"""How many pairs ahead memory is asked for what a pair needs. From 4 to 20 it hardly matters."""

_LINE = 8
"""Words of a line of a processor's cache."""

NUMBERS = frozenset(
    {
        op.ADD, op.SUBTRACT, op.MULTIPLY, op.DIVIDE, op.DISTANCE, op.GREATEST, op.LEAST, op.COPY,
        op.ABSOLUTE,
    }
)  # fmt: skip
SIMILARITIES = frozenset({op.SHARED, op.TELLING, op.BEST, op.JARO_WINKLER, op.EDITS})
WITH_LEAST = frozenset({op.BEST, op.JARO_WINKLER})
ONCE = SIMILARITIES | {op.OVERLAP}
"""Instructions that keep a number of two records, that compute a similarity, that do so above some
least one, and that compute something once for each pair."""

_NO_SPAN = int(op.NO_SPAN)


class Emitter:
    """The function of a program, with its arguments, while it is written.

    Args:
        program: The program.

    Attributes:
        module: The module of LLVM.
        function: The function.
        at: The builder; it stands in the block ``entry``.
        given: The arguments by name.
        pair: Number of the pair.
        pair_rows: Where the rows of its two records begin.
        register: Variables of the numbers that instructions keep.
    """

    pair: Any
    pair_rows: list[Any]
    register: list[Any]

    def __init__(self, program: Program) -> None:
        from llvmlite import ir

        self.ir = ir
        self.program = program
        self.f64, self.i64, self.i8 = ir.DoubleType(), ir.IntType(64), ir.IntType(8)
        self.i1, self.i32 = ir.IntType(1), ir.IntType(32)
        self.module = ir.Module("scorer")
        pointers = {
            "rows": self.i64, "elements": self.i64, "bounds": self.i64, "pool": self.i8,
            "lefts": self.i32, "rights": self.i32, "weights": self.f64, "reached": self.i8,
            "vetoes": self.i32, "places": self.i64, "taken": self.i8,
        }  # fmt: skip
        kinds = {name: kind.as_pointer() for name, kind in pointers.items()}
        kinds |= {"pairs": self.i64, "enough": self.f64}
        kind = ir.FunctionType(ir.VoidType(), [kinds[name] for name in ARGUMENTS])
        self.function = ir.Function(self.module, kind, FUNCTION)
        self.given = dict(zip(ARGUMENTS, self.function.args, strict=True))
        for name in pointers:
            self.given[name].add_attribute("noalias")
        self.at = ir.IRBuilder(self.function.append_basic_block("entry"))

    def fetch(self) -> None:
        """Ask memory for what right records some pairs ahead need; left ones follow each other."""
        at = self.at
        row = self.row_of(self.element("rights", self._ahead(3 * _AHEAD)))
        for line in range(-(-self.program.width // _LINE)):
            self._ask(at.gep(row, [self.i64(line * _LINE)]))
        # The rows asked for a while ago are there, and tell where lists and texts are.
        spans = sorted(self._spans())
        row = self.row_of(self.element("rights", self._ahead(2 * _AHEAD)))
        for array, place in spans:
            first = self._first(at.load(at.gep(row, [self.i64(place)])))
            if array == "bounds":
                first = at.shl(first, self.i64(1))
            self._ask(at.gep(self.given[array], [first]))
        # The lists of texts asked for a while ago are there, and tell where their texts are.
        row = self.row_of(self.element("rights", self._ahead(_AHEAD)))
        for array, place in spans:
            if array == "bounds":
                text = at.shl(self._first(at.load(at.gep(row, [self.i64(place)]))), self.i64(1))
                span = at.load(at.gep(self.given[array], [at.add(text, self.i64(1))]))
                self._ask(at.gep(self.given["pool"], [self._first(span)]))

    def number(self, operation: int, one: Any, other: Any) -> Any:
        """A number of two others."""
        at = self.at
        p = self.operand(one)
        if operation == op.COPY:
            return p
        if operation == op.ABSOLUTE:
            return self._absolute(p)
        q = self.operand(other)
        if operation in (op.GREATEST, op.LEAST):
            beyond = at.fcmp_ordered(">" if operation == op.GREATEST else "<", q, p)
            return at.select(at.or_(at.fcmp_unordered("uno", p, p), beyond), q, p)
        if operation == op.DIVIDE:
            # DuckDB gives NULL or infinity for a division by zero; its NaN is above all numbers.
            zero, endless = self.f64(0.0), float("inf")
            sign = at.select(at.fcmp_ordered(">=", p, zero), self.f64(endless), self.f64(-endless))
            return at.select(at.fcmp_unordered("!=", q, zero), at.fdiv(p, q), sign)
        if operation == op.DISTANCE:
            return self._absolute(at.fsub(p, q))
        made = {op.ADD: at.fadd, op.SUBTRACT: at.fsub, op.MULTIPLY: at.fmul}
        return made[operation](p, q)

    def similarity(self, operation: int, one: Any, other: Any, least: float) -> Any:
        """A similarity that a routine computes, NaN where a value is missing."""
        at, given = self.at, self.given
        room = [given["places"], given["taken"]]
        if operation == op.BEST:
            ends = [self.word_of(end) for end in (one, other)]
            return self.call(
                "best_similarity", self.f64, given["bounds"], given["pool"], *ends,
                self.f64(least), *room,
            )  # fmt: skip
        spans = [self.word_of(end, 1) for end in (one, other)]
        missing = self.f64(float("nan"))
        if operation == op.SHARED:
            # DuckDB finds nothing in common with no list, and knows nothing of no list.
            absent = at.icmp_unsigned("==", spans[0], self.i64(_NO_SPAN))
            none = at.or_(
                at.icmp_unsigned("==", spans[1], self.i64(_NO_SPAN)),
                self.nothing_shared(one, other),
            )
            nothing = at.select(absent, missing, self.f64(0.0))
            return self._unless(
                at.or_(absent, none), nothing, lambda: self.common(spans, 2**31 - 1)
            )
        if operation == op.TELLING:
            # No list tells nothing, and so does one that shares nothing.
            return self._unless(
                at.or_(self.missing(one, other), self.nothing_shared(one, other)), self.f64(0.0),
                lambda: self.call("telling", self.f64, given["elements"], *spans),
            )  # fmt: skip
        if operation == op.JARO_WINKLER:
            letters = [self.word_of(end) for end in (one, other)]
            return self._unless(
                self.missing(one, other), missing,
                lambda: self.call(
                    "jaro_winkler", self.f64, given["pool"], *spans, *letters,
                    self.f64(least), *room,
                ),
            )  # fmt: skip
        return self._unless(
            self.missing(one, other), missing,
            lambda: self.call("levenshtein", self.f64, given["pool"], *spans),
        )  # fmt: skip

    def common(self, spans: list[Any], enough: int) -> Any:
        """How many elements two lists share, counted up to ``enough``."""
        return self.call("shared", self.f64, self.given["elements"], *spans, self.i64(enough))

    def missing(self, *ends: tuple[int, int]) -> Any:
        """Whether one of two lists or texts is missing."""
        found = [
            self.at.icmp_unsigned("==", self.word_of(end, 1), self.i64(_NO_SPAN)) for end in ends
        ]
        return self.at.or_(*found)

    def nothing_shared(self, one: Any, other: Any) -> Any:
        """Whether no bit is set for elements of both lists."""
        both = self.at.and_(self.word_of(one), self.word_of(other))
        return self.at.icmp_unsigned("==", both, self.i64(0))

    def operand(self, end: tuple[int, int]) -> Any:
        """A number: of a record, of a register, or of the model."""
        kind, place = end
        if kind == op.REGISTER:
            return self.at.load(self.register[place])
        if kind == op.CONSTANT:
            return self.f64(float(self.program.constants[place]))
        return self.at.bitcast(self.word_of(end), self.f64)

    def word_of(self, end: tuple[int, int], offset: int = 0) -> Any:
        """A word of a record."""
        side, place = end
        row = self.pair_rows[0 if side == op.LEFT else 1]
        return self.at.load(self.at.gep(row, [self.i64(place + offset)]))

    def element(self, name: str, place: Any) -> Any:
        """An element of an argument that is an array."""
        return self.at.load(self.at.gep(self.given[name], [place]))

    def row_of(self, number: Any) -> Any:
        """Where the row of a record begins."""
        first = self.at.mul(self.at.sext(number, self.i64), self.i64(self.program.width))
        return self.at.gep(self.given["rows"], [first])

    def call(self, name: str, kind: Any, *arguments: Any) -> Any:
        """Call a routine."""
        found = self.module.globals.get(name)
        if found is None:
            described = self.ir.FunctionType(kind, [one.type for one in arguments])
            found = self.ir.Function(self.module, described, name)
        return self.at.call(found, arguments)

    def variable(self, kind: Any) -> Any:
        """Room for a value that changes; LLVM keeps it in a register where it can."""
        return self.at.alloca(kind)

    def _unless(self, held: Any, given: Any, compute: Callable[[], Any]) -> Any:
        """A given number where a condition holds, else one that is computed."""
        at, before = self.at, self.at.block
        look, after = (self.function.append_basic_block() for _ in range(2))
        at.cbranch(held, after, look)
        at.position_at_end(look)
        found = compute()
        end = at.block
        at.branch(after)
        at.position_at_end(after)
        number = at.phi(self.f64)
        number.add_incoming(given, before)
        number.add_incoming(found, end)
        return number

    def _absolute(self, number: Any) -> Any:
        fabs = self.module.declare_intrinsic("llvm.fabs", [self.f64])
        return self.at.call(fabs, [number])

    def _ahead(self, pairs: int) -> Any:
        """The number of a pair so many pairs ahead, or of the last."""
        at = self.at
        last = at.sub(self.given["pairs"], self.i64(1))
        ahead = at.add(self.pair, self.i64(pairs))
        return at.select(at.icmp_signed("<", ahead, last), ahead, last)

    def _ask(self, address: Any) -> None:
        """Ask memory for a line."""
        pointer = self.i8.as_pointer()
        fetch = self.module.declare_intrinsic(
            "llvm.prefetch",
            [pointer],
            self.ir.FunctionType(self.ir.VoidType(), [pointer, self.i32, self.i32, self.i32]),
        )
        # To be read, to be kept near, data.
        place = self.at.bitcast(address, pointer)
        self.at.call(fetch, [place, self.i32(0), self.i32(3), self.i32(1)])

    def _spans(self) -> set[tuple[str, int]]:
        """Arrays and the words of a row that say where something is in them."""
        arrays = dict.fromkeys((op.SHARED, op.TELLING, op.OVERLAP), "elements")
        arrays |= {op.BEST: "bounds"}
        arrays |= dict.fromkeys((op.JARO_WINKLER, op.EDITS, op.CONTAINS, op.STARTS_WITH), "pool")
        return {
            (arrays[row[0]], int(row[place]) + (row[0] != op.BEST))
            for row in self.program.code
            if row[0] in arrays
            for place in (3, 5)
        }

    def _first(self, span: Any) -> Any:
        """Where a span begins; 0 for an empty one, whose place may be the end of all."""
        at = self.at
        empty = at.icmp_unsigned("==", at.and_(span, self.i64(2**op.SIZE_BITS - 1)), self.i64(0))
        missing = at.icmp_unsigned("==", span, self.i64(_NO_SPAN))
        first = at.lshr(span, self.i64(op.SIZE_BITS))
        return at.select(at.or_(empty, missing), self.i64(0), first)
