"""From trained Splink settings and vetoes to a program, and the columns that it reads."""

# ruff: noqa: S608 - what is put into statements is declared in our own model files.

from __future__ import annotations

import json
import math
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from kg_assets.matching.scorers import instructions as op
from kg_assets.matching.scorers.assembler import Assembler, Label
from kg_assets.matching.scorers.columns import RecordColumns
from kg_assets.matching.scorers.conditions import UncompilableError, parse
from kg_assets.matching.scorers.plan import LevelPlan, comparison_plan
from kg_assets.matching.settings import columns_for_scoring
from kg_assets.matching.telling import read_known
from kg_assets.matching.vetoes import columns_for_vetoes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import duckdb

    from kg_assets.matching.model import TermFrequency
    from kg_assets.matching.scorers.columns import Layout
    from kg_assets.matching.scorers.interface import Scoring
    from kg_assets.matching.scorers.machine import Columns, Levels, Machine, Program
    from kg_assets.matching.scorers.numbered import Numbered

_CHEAP = 3
"""Levels up to this cost are tried before the costly ones of any comparison."""

_MANY_PAIRS = 4
"""Pairs a record from which large pages of memory pay; measured with benchmarks.scoring."""

_Comparison = tuple[LevelPlan, ...]


def compiled(con: duckdb.DuckDBPyConnection, asked: Scoring) -> tuple[Machine, Columns, Numbered]:
    """Compile a model and read what its machine needs of the records that are paired.

    Args:
        con: A connection with the macros of `normalise`.
        asked: What is to be scored.

    Returns:
        The machine, the columns, and the records by the numbers of their rows.

    Raises:
        UncompilableError: The settings hold what the machine does not know.
    """
    from kg_assets.matching.scorers.machine import Machine

    records = RecordColumns(con, asked.records_view)
    compared = {*columns_for_scoring(asked.spec), *columns_for_vetoes(asked.spec)}
    described = records.described(compared)
    key = json.dumps(asked.settings, sort_keys=True), asked.spec.version, described
    # LLVM takes as long as a tenth of the records, and needs nothing of them.
    with ThreadPoolExecutor(1) as pool:
        known = _KEPT.get(key)
        if known is None:
            program, adjusted = _program(asked, records)
            known = _Compiled(pool.submit(Machine, program), records.layout, adjusted)
        else:
            records.lay(known.layout)
        declared = {one.column: one for one in asked.spec.term_frequencies}
        columns, numbered = _read(con, asked, records, [declared[one] for one in known.adjusted])
        machine = known.machine.result()
    # A process that scores several shards compiles their model once. What was needed last is last.
    _KEPT.pop(key, None)
    _KEPT[key] = known
    for oldest in list(_KEPT)[:-_MOST_KEPT]:
        _KEPT.pop(oldest, None)
    return machine, columns, numbered


class _Compiled(NamedTuple):
    """A compiled model.

    Attributes:
        machine: The machine, once it is there.
        layout: What it needs of records.
        adjusted: Columns whose frequencies it needs.
    """

    machine: Future[Machine]
    layout: Layout
    adjusted: list[str]


_MOST_KEPT = 16
"""Models that are kept compiled; there are 12 types."""

_KEPT: dict[tuple[str, ...], _Compiled] = {}


def _program(asked: Scoring, records: RecordColumns) -> tuple[Program, list[str]]:
    """The program of a model, and the columns whose frequencies follow those of ``records``."""
    from kg_assets.matching.scorers.machine import Program

    settings = asked.settings
    comparisons = [comparison_plan(*each) for each in enumerate(settings["comparisons"])]
    adjusted = _adjusted(asked, comparisons)
    assembler = Assembler(records)
    _assemble_comparisons(assembler, comparisons)
    for number, veto in enumerate(asked.spec.vetoes):
        following = Label()
        assembler.test(parse(veto.condition), True, following)
        assembler.emit(op.VETO, (0, number))
        assembler.reach(following)
    # The frequencies follow the other columns.
    places = {column: records.width + place for place, column in enumerate(adjusted)}
    prior = settings["probability_two_random_records_match"]
    code = assembler.code()
    program = Program(
        code=code,
        constants=np.array(assembler.constants),
        levels=_levels(comparisons, places),
        registers=assembler.registers + 1,
        width=records.width + len(adjusted),
        prior=math.log2(prior / (1 - prior)),
    )
    return program, adjusted


def _read(
    con: duckdb.DuckDBPyConnection,
    asked: Scoring,
    records: RecordColumns,
    adjusted: Sequence[TermFrequency],
) -> tuple[Columns, Numbered]:
    """Read records, or map what was read of them for another shard."""
    from kg_assets.matching.scorers.mapped import FORMAT, keep, mapped
    from kg_assets.matching.scorers.numbered import Numbered
    from kg_assets.matching.scorers.terms import Terms, terms_of

    def read(source: str, most: int, often: bool) -> tuple[Columns, Numbered]:
        terms = [Terms(con, one, asked.frequencies_view) for one in adjusted]
        telling = read_known(con, asked.spec, asked.frequencies_view)
        found = records.read(source, most, terms, telling, often=often)
        return found.columns, Numbered.of(con, found.ids, hashes=found.hashes)

    def make(folder: Path) -> None:
        count = con.sql(f"SELECT count(*) FROM {asked.records_view}").fetchall()[0][0]
        # Written to a file and let go.
        keep(folder, *read(asked.records_view, int(count), often=False))

    if asked.shared is None:
        return read(*_paired(con, asked))
    made_of = records.made_of([terms_of(one) for one in adjusted])
    return mapped(asked.shared(f"{FORMAT}\n{made_of}", make))


def _adjusted(asked: Scoring, comparisons: list[_Comparison]) -> list[str]:
    """Columns whose frequencies adjust a weight."""
    found = sorted(
        {
            level.frequency.column
            for levels in comparisons
            for level in levels
            if level.frequency is not None
        }
    )
    counted = {one.column for one in asked.spec.term_frequencies}
    for column in found:
        if column not in counted:
            raise UncompilableError(
                f"the settings adjust by the frequency of {column}, which the model of "
                f"{asked.spec.entity_type} does not count: train it again (kg build --retrain)"
            )
    return found


def _paired(con: duckdb.DuckDBPyConnection, asked: Scoring) -> tuple[str, int, bool]:
    """The records to read, all or where the pairs are few those of the pairs.

    Returns:
        A view or subquery of them, how many they are at most, and whether each is in many pairs.
    """
    records, pairs = (
        int(con.sql(f"SELECT count(*) FROM {view}").fetchall()[0][0])
        for view in (asked.records_view, asked.pairs_view)
    )
    if pairs * 2 >= records:
        return asked.records_view, records, pairs > _MANY_PAIRS * records
    source = f"""(
        SELECT *
        FROM {asked.records_view}
        SEMI JOIN (
            SELECT record_l AS record_id FROM {asked.pairs_view}
            UNION ALL
            SELECT record_r FROM {asked.pairs_view}
        ) AS paired USING (record_id)
    )"""
    return source, 2 * pairs, False


def _assemble_comparisons(assembler: Assembler, comparisons: list[_Comparison]) -> None:
    """Cheap levels of all comparisons first, then the others, the cheapest comparison first."""
    first = np.cumsum([0, *(len(levels) for levels in comparisons)]).tolist()
    cheap = [_cheap_levels(levels) for levels in comparisons]
    order = sorted(
        range(len(comparisons)), key=lambda place: sum(level.cost for level in comparisons[place])
    )
    for place in order:
        _assemble(assembler, comparisons[place], first[place], place, 0, cheap[place])
    for place in order:
        levels = comparisons[place]
        if cheap[place] < len(levels):
            decided = Label()
            if cheap[place]:
                assembler.emit(op.OPEN, other=(0, place), go=decided, wanted=True)
            _assemble(assembler, levels, first[place], place, cheap[place], len(levels))
            assembler.reach(decided)


def _cheap_levels(levels: _Comparison) -> int:
    """How many levels come before the first costly one."""
    return next((place for place, level in enumerate(levels) if level.cost > _CHEAP), len(levels))


def _assemble(
    assembler: Assembler, levels: _Comparison, first: int, place: int, begin: int, end: int
) -> None:
    """The levels of a comparison from one up to another."""
    done = Label()
    for number in range(begin, end):
        level, following = levels[number], Label()
        if level.condition is not None:
            if number > begin and level.cost > _CHEAP and _tighter(levels, number):
                assembler.emit(op.NO_LEVEL_BEFORE, (0, first + number), (0, place))
            assembler.test(level.condition, True, following)
        assembler.emit(op.LEVEL, (0, first + number), (0, place), go=done)
        assembler.reach(following)
    if end < len(levels) and _tighter(levels, end):
        assembler.emit(op.NO_LEVEL_BEFORE, (0, first + end), (0, place))
    assembler.reach(done)


def _tighter(levels: _Comparison, number: int) -> bool:
    """Whether less can be reached from a level on than from the one before it."""
    before = levels[number - 1] if number else None
    return (
        before is None
        or before.frequency is not None
        or before.weight > max(level.weight for level in levels[number:])
    )


def _levels(comparisons: list[_Comparison], places: dict[str, int]) -> Levels:
    from kg_assets.matching.scorers.machine import Levels

    rest = [
        max(level.weight for level in levels[number:] if level.frequency is None)
        for levels in comparisons
        for number in range(len(levels))
    ]
    every = [level for levels in comparisons for level in levels]
    adjustments = [level.frequency for level in every]
    return Levels(
        value=np.array([level.value for level in every], dtype=np.int8),
        weight=np.array([level.weight for level in every]),
        frequency=np.array([-1 if one is None else places[one.column] for one in adjustments]),
        base=np.array([0.0 if one is None else one.base for one in adjustments]),
        share=np.array([0.0 if one is None else one.weight for one in adjustments]),
        floor=np.array(
            [
                -math.inf if one is None or one.floor <= 0 else math.log2(one.floor)
                for one in adjustments
            ]
        ),
        rest=np.array(rest),
        first=np.cumsum([0, *(len(levels) for levels in comparisons)]),
    )


__all__ = ["compiled"]
