"""From a program of instructions to a function of LLVM that scores pairs, as text.

Each instruction is a block of the function, and its jumps are branches. What would be looked
up while it runs is written into the function: places of columns, weights, which levels have an
adjustment. LLVM then keeps what is known of a pair in the processor's registers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kg_assets.matching.scorers import instructions as op
from kg_assets.matching.scorers.emitter import NUMBERS, ONCE, SIMILARITIES, WITH_LEAST, Emitter

if TYPE_CHECKING:
    from collections.abc import Callable

    from kg_assets.matching.scorers.machine import Program


def translated(program: Program) -> str:
    """Write a program as a module of LLVM with the function `FUNCTION`.

    The module asks for the functions of `kg_assets.matching.scorers.routines` by their names.

    Args:
        program: The program.

    Returns:
        The module's text.
    """
    return _Translation(program).text()


class _Translation(Emitter):
    """The function while it is written.

    Args:
        program: The program.
    """

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        levels = program.levels
        self.comparisons = len(levels.first) - 1
        self.first = [int(one) for one in levels.first]
        self.best = [self.variable(self.f64) for _ in range(self.comparisons)]
        self.reached = [self.variable(self.i8) for _ in range(self.comparisons)]
        self.register = [self.variable(self.f64) for _ in range(program.registers)]
        self.known = {int(row[1]): self.variable(self.i1) for row in program.code if row[0] in ONCE}
        self.bound, self.veto = self.variable(self.f64), self.variable(self.i32)
        self.adjusted: dict[int, Any] = {}

    def text(self) -> str:
        """Write the function."""
        at = self.at
        head, body, following, end = (
            self.function.append_basic_block(name) for name in ("head", "body", "next", "end")
        )
        self.pruned, self.scored = (
            self.function.append_basic_block(name) for name in ("pruned", "scored")
        )
        self.blocks = [
            self.function.append_basic_block(f"step{number}")
            for number in range(len(self.program.code) + 1)
        ]
        begin = at.block
        at.branch(head)
        at.position_at_end(head)
        self.pair = at.phi(self.i64, "pair")
        self.pair.add_incoming(self.i64(0), begin)
        at.cbranch(at.icmp_signed("<", self.pair, self.given["pairs"]), body, end)
        at.position_at_end(body)
        self._begin()
        for number, row in enumerate(self.program.code):
            at.position_at_end(self.blocks[number])
            self._instruction(number, *(int(one) for one in row))
        at.position_at_end(self.blocks[-1])
        at.branch(self.scored)
        self._end(following)
        at.position_at_end(following)
        self.pair.add_incoming(at.add(self.pair, self.i64(1)), following)
        at.branch(head)
        at.position_at_end(end)
        at.ret_void()
        return str(self.module)

    def _begin(self) -> None:
        """What is known of a pair before anything is compared."""
        at, levels = self.at, self.program.levels
        self.fetch()
        self.pair_rows = [
            self.row_of(self.element(side, self.pair)) for side in ("lefts", "rights")
        ]
        for known in self.known.values():
            at.store(self.i1(0), known)
        at.store(self.i32(-1), self.veto)
        fixed = self.program.prior + sum(float(levels.rest[one]) for one in self.first[:-1])
        bound: Any = self.f64(fixed)
        for comparison in range(self.comparisons):
            at.store(self.i8(op.UNKNOWN), self.reached[comparison])
            first, end = self.first[comparison], self.first[comparison + 1]
            rest = self.f64(float(levels.rest[first]))
            found = self._greatest(first, end)
            if found is not rest:
                bound = at.fadd(bound, at.fsub(found, rest))
            at.store(found, self.best[comparison])
        at.store(bound, self.bound)
        self._go_on(self.blocks[0])

    def _end(self, following: Any) -> None:
        """Write what was found of a pair."""
        at = self.at
        for block in (self.pruned, self.scored):
            at.position_at_end(block)
            # Added up in one order, whatever the order of the comparisons in the program.
            total: Any = self.f64(self.program.prior)
            for comparison, best in enumerate(self.best):
                total = at.fadd(total, at.load(best))
                level = at.load(self.reached[comparison])
                if block is self.pruned:
                    level = self.i8(op.UNKNOWN)
                place = at.add(at.mul(self.pair, self.i64(self.comparisons)), self.i64(comparison))
                at.store(level, at.gep(self.given["reached"], [place]))
            if block is self.pruned:
                total = self.f64(float("nan"))
            at.store(total, at.gep(self.given["weights"], [self.pair]))
            at.store(at.load(self.veto), at.gep(self.given["vetoes"], [self.pair]))
            at.branch(following)

    def _instruction(self, number: int, operation: int, keep: int, *rest: int) -> None:
        """Write an instruction into its block; see `instructions.WIDTH`."""
        one, other, go, wanted = (rest[0], rest[1]), (rest[2], rest[3]), rest[4], bool(rest[5])
        at, following = self.at, self.blocks[number + 1]
        miss = self.blocks[go] if operation not in WITH_LEAST else following
        if operation == op.LEVEL:
            self._level(one[1], other[1])
            self._go_on(miss)
        elif operation == op.NO_LEVEL_BEFORE:
            self._raise_to(self._greatest(one[1], self.first[other[1] + 1]), other[1])
            self._go_on(following)
        elif operation == op.VETO:
            at.store(self.i32(one[1]), self.veto)
            at.branch(self.scored)
        elif operation == op.JUMP:
            at.branch(miss)
        elif operation in NUMBERS:
            at.store(self.number(operation, one, other), self.register[keep])
            at.branch(following)
        elif operation in SIMILARITIES:
            least = float(self.program.constants[go]) if operation in WITH_LEAST else 0.0
            self._once(keep, following, lambda: self.similarity(operation, one, other, least))
        elif operation == op.OVERLAP:
            self._overlap(
                keep, one, other, miss, (following, miss) if wanted else (miss, following)
            )
        elif operation in (op.CONTAINS, op.STARTS_WITH):
            found = self.function.append_basic_block(f"texts{number}")
            at.cbranch(self.missing(one, other), miss, found)
            at.position_at_end(found)
            name = "contains" if operation == op.CONTAINS else "starts_with"
            spans = [self.word_of(end, 1) for end in (one, other)]
            held = self.call(name, self.i64, self.given["pool"], *spans)
            sign = "!=" if wanted else "=="
            at.cbranch(at.icmp_signed(sign, held, self.i64(0)), following, miss)
        else:
            at.cbranch(self._test(operation, one, other, wanted), following, miss)

    def _test(self, operation: int, one: Any, other: Any, wanted: bool) -> Any:
        """Whether a test has the wanted answer."""
        at = self.at
        if operation == op.OPEN:
            sign = "==" if wanted else "!="
            level = at.load(self.reached[other[1]])
            return at.icmp_signed(sign, level, self.i8(op.UNKNOWN))
        if operation in (op.SAME, op.BOTH_NULL_OR_SAME):
            x, y = self.word_of(one), self.word_of(other)
            held = at.icmp_unsigned("==" if wanted else "!=", x, y)
            if operation == op.SAME:
                held = at.and_(held, at.icmp_unsigned("!=", x, self.i64(0)))
                if not wanted:
                    held = at.and_(held, at.icmp_unsigned("!=", y, self.i64(0)))
            return held
        p, zero = self.operand(one), self.f64(0.0)
        if operation == op.HOLDS:
            return at.fcmp_ordered("!=" if wanted else "==", p, zero)
        if operation == op.IS_NULL:
            return at.fcmp_unordered("uno", p, p) if wanted else at.fcmp_ordered("ord", p, p)
        signs = {op.EQUAL: ("==", "!="), op.MORE: (">", "<="), op.AT_LEAST: (">=", "<")}
        return at.fcmp_ordered(signs[operation][not wanted], p, self.operand(other))

    def _overlap(
        self, keep: int, one: Any, other: Any, missing: Any, answers: tuple[Any, Any]
    ) -> None:
        """Go where two lists that share an element lead, or where two that share none do."""
        at, (some, none) = self.at, answers
        known, look = (self.function.append_basic_block() for _ in range(2))
        at.cbranch(self.missing(one, other), missing, known)
        at.position_at_end(known)
        at.cbranch(self.nothing_shared(one, other), none, look)
        at.position_at_end(look)
        after = self.function.append_basic_block()
        self._once(
            keep, after, lambda: self.common([self.word_of(end, 1) for end in (one, other)], 1)
        )
        at.position_at_end(after)
        shared = at.fcmp_ordered("!=", at.load(self.register[keep]), self.f64(0.0))
        at.cbranch(shared, some, none)

    def _once(self, keep: int, following: Any, compute: Callable[[], Any]) -> None:
        """Compute a register's number unless it is known of this pair, and go on."""
        at = self.at
        unknown = self.function.append_basic_block()
        at.cbranch(at.load(self.known[keep]), following, unknown)
        at.position_at_end(unknown)
        at.store(compute(), self.register[keep])
        at.store(self.i1(1), self.known[keep])
        at.branch(following)

    def _level(self, level: int, comparison: int) -> None:
        """A comparison has reached a level."""
        levels = self.program.levels
        found = self._adjusted(level)
        self._raise_to(found, comparison)
        self.at.store(self.i8(int(levels.value[level])), self.reached[comparison])

    def _raise_to(self, found: Any, comparison: int) -> None:
        """A comparison gives at most this weight from now on."""
        at = self.at
        change = at.fsub(found, at.load(self.best[comparison]))
        at.store(at.fadd(at.load(self.bound), change), self.bound)
        at.store(found, self.best[comparison])

    def _go_on(self, following: Any) -> None:
        """Go on where the pair can still reach the limit."""
        at = self.at
        low = at.fcmp_ordered("<", at.load(self.bound), self.given["enough"])
        at.cbranch(low, self.pruned, following)

    def _greatest(self, first: int, end: int) -> Any:
        """The greatest weight of some levels of a comparison."""
        at, levels = self.at, self.program.levels
        found: Any = self.f64(float(levels.rest[first]))
        for level in range(first, end):
            if levels.frequency[level] >= 0:
                weight = self._adjusted(level)
                found = at.select(at.fcmp_ordered(">", weight, found), weight, found)
        return found

    def _adjusted(self, level: int) -> Any:
        """Weight of a level with its term-frequency adjustment, as Splink 5 computes it."""
        at, levels = self.at, self.program.levels
        weight = self.f64(float(levels.weight[level]))
        if levels.frequency[level] < 0:
            return weight
        if level not in self.adjusted:
            # Asked for first where a pair begins, so it is known in every block.
            column = int(levels.frequency[level])
            one, other = (self.operand((side, column)) for side in (op.LEFT, op.RIGHT))
            beyond = at.fcmp_ordered(">", other, one)
            larger = at.select(at.or_(at.fcmp_unordered("uno", one, one), beyond), other, one)
            floor = self.f64(float(levels.floor[level]))
            counted = at.select(at.fcmp_ordered(">", floor, larger), floor, larger)
            share, base = (self.f64(float(one[level])) for one in (levels.share, levels.base))
            sum_ = at.fadd(weight, at.fmul(share, at.fsub(base, counted)))
            none = at.fcmp_unordered("uno", larger, larger)
            self.adjusted[level] = at.select(none, weight, sum_)
        return self.adjusted[level]
