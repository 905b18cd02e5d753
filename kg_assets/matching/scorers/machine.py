"""Compiled models as machine code: numbers of records in, weights, levels and vetoes out."""

from __future__ import annotations

import ctypes
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from kg_assets.matching.scorers.emitter import ARGUMENTS, FUNCTION
from kg_assets.matching.scorers.translator import translated

if TYPE_CHECKING:
    from collections.abc import Callable


class Columns(NamedTuple):
    """What is known of the records; see `kg_assets.matching.scorers.columns.RecordColumns`.

    Attributes:
        rows: Words of 64 bits, a row for each record; (records, words).
        elements: Sorted elements of all lists.
        bounds: Letters and place in ``pool`` of each text of the lists of texts; (texts, 2).
        pool: Bytes of all texts.
        longest: Bytes of the longest text.
    """

    rows: Any
    elements: Any
    bounds: Any
    pool: Any
    longest: int


class Levels(NamedTuple):
    """The levels of all comparisons, those of each comparison together and in order.

    Attributes:
        value: Its number; -1 for a missing value.
        weight: Match weight in bits.
        frequency: Word of a record with log2 of the term frequency, -1 for none.
        base: log2 of the u probability that the frequency replaces.
        share: Share of the adjustment that counts.
        floor: log2 of the smallest frequency.
        rest: Greatest weight without an adjustment from this level on, within its comparison.
        first: First level of each comparison, and the end of the last; (comparisons + 1).
    """

    value: Any
    weight: Any
    frequency: Any
    base: Any
    share: Any
    floor: Any
    rest: Any
    first: Any


class Program(NamedTuple):
    """A compiled model, which ends as soon as a pair can no longer reach the limit.

    Attributes:
        code: Instructions; (instructions, `instructions.WIDTH`).
        constants: Numbers that instructions name.
        levels: The levels.
        registers: How many numbers an instruction can keep.
        width: Words of a record.
        prior: Match weight before anything is compared, in bits.
    """

    code: Any
    constants: Any
    levels: Levels
    registers: int
    width: int
    prior: float


class Machine:
    """A program as machine code of this processor; it may be run by several threads at once.

    Args:
        program: The program.
    """

    def __init__(self, program: Program) -> None:
        self.comparisons = len(program.levels.first) - 1
        text = translated(program)
        with _COMPILER:
            self._engine, address = _compiled(text)
        kinds: list[Any] = [ctypes.c_void_p] * len(ARGUMENTS)
        kinds[ARGUMENTS.index("pairs")] = ctypes.c_int64
        kinds[ARGUMENTS.index("enough")] = ctypes.c_double
        # A function of C is called without Python's lock.
        self._call: Callable[..., None] = ctypes.CFUNCTYPE(None, *kinds)(address)

    def run(
        self,
        columns: Columns,
        pairs: tuple[Any, Any],
        limit: float,
        weights: Any,
        reached: Any,
        vetoes: Any,
    ) -> None:
        """Score pairs.

        Args:
            columns: What is known of the records.
            pairs: Numbers of the left and of the right records, each of 32 bits.
            limit: Weight in bits; a pair that cannot reach it is not looked at further.
            weights: Is given the match weights in bits, NaN for pairs that cannot reach the limit.
            reached: Is given the level of each comparison, of 8 bits; (pairs, comparisons).
            vetoes: Is given the number of the veto of each pair, of 32 bits, -1 for none.
        """
        lefts, rights = (np.ascontiguousarray(side, dtype=np.int32) for side in pairs)
        arrays = {
            "rows": columns.rows,
            "elements": columns.elements,
            "bounds": columns.bounds,
            "pool": columns.pool,
            "lefts": lefts,
            "rights": rights,
            "weights": weights,
            "reached": reached,
            "vetoes": vetoes,
            "places": np.zeros(256, dtype=np.uint64),
            "taken": np.zeros(2 * columns.longest + 1, dtype=np.bool_),
        }
        given: dict[str, Any] = {name: array.ctypes.data for name, array in arrays.items()}
        # A sum of another order may differ in its last bits from the weight that is told.
        given |= {"pairs": len(lefts), "enough": limit - 1e-9}
        self._call(*(given[name] for name in ARGUMENTS))


_COMPILER = Lock()
"""LLVM compiles for one thread at a time."""


def _compiled(text: str) -> tuple[Any, int]:
    """Compile a module; the engine, which owns the code, and the function's address."""
    import llvmlite.binding as llvm

    from kg_assets.matching.scorers.routines import ROUTINES

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    for routine in ROUTINES:
        llvm.add_symbol(routine.__name__, routine.address)
    target = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=2
    )
    module = llvm.parse_assembly(text)
    module.verify()
    builder = llvm.create_pass_builder(target, llvm.create_pipeline_tuning_options(speed_level=2))
    builder.getModulePassManager().run(module, builder)
    engine = llvm.create_mcjit_compiler(module, target)
    engine.finalize_object()
    return engine, engine.get_function_address(FUNCTION)
