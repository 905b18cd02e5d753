"""The compiled scorer: a Splink model as one streaming statement, with the same answer.

What it does less than Splink's own SQL: parts of conditions that name one record are computed
once a record; values are compared as numbers and 64-bit hashes; a pair whose best still possible
weight lies under the limit is not looked at further, and only the other pairs fetch the lists and
texts that the costly similarities need, each computed once.
"""

# ruff: noqa: S608 - what is put into statements is declared in our own model files.

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import duckdb

from kg_assets.matching.frequencies import lookup_tables
from kg_assets.matching.scorers.common import codes, register_common
from kg_assets.matching.scorers.conditions import (
    Conditions,
    RecordColumns,
    UncompilableError,
)
from kg_assets.matching.scorers.plan import (
    MISSING,
    UNKNOWN,
    ComparisonPlan,
    LevelPlan,
    comparison_plan,
    veto_plan,
)

if TYPE_CHECKING:
    from kg_assets.matching.model import MatchSpec
    from kg_assets.matching.scorers.interface import Scoring


class CompiledScorer:
    """Scores with SQL compiled from the trained Splink settings."""

    name = "compiled"

    def score(self, con: duckdb.DuckDBPyConnection, asked: Scoring) -> duckdb.DuckDBPyRelation:
        """Score pairs; see `kg_assets.matching.scorers.interface.Scorer`.

        Raises:
            UncompilableError: The settings hold what cannot be compiled.
        """
        return Program(con, asked).run()


class Program:
    """One compiled model on one connection.

    Args:
        con: A connection with the macros of `normalise`.
        asked: What is to be scored.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, asked: Scoring) -> None:
        self.con = con
        self.asked = asked
        self.spec: MatchSpec = asked.spec
        self._types: dict[str, str | None] = {}
        self.columns = RecordColumns(self._type_of)
        self.conditions = Conditions(self.columns)
        settings = asked.settings
        self.comparisons = [
            comparison_plan(self.conditions, place, described)
            for place, described in enumerate(settings["comparisons"])
        ]
        self.vetoes = self.spec.vetoes
        self.veto = veto_plan(self.conditions, [veto.condition for veto in self.vetoes])
        # Lists whose common elements are counted, and the column of their elements' hashes.
        self.counted: dict[str, str] = {}
        self.rewritten = {
            id(level): self._rewrite(level.condition)
            for one in (*self.comparisons, self.veto)
            for level in one.levels
            if level.condition is not None and not level.truth.certain
        }
        prior = settings["probability_two_random_records_match"]
        self.prior = math.log2(prior / (1 - prior))
        counted = {one.column for one in self.spec.term_frequencies}
        for one in self.comparisons:
            for level in one.levels:
                if level.frequency is not None and level.frequency.column not in counted:
                    raise UncompilableError(
                        f"the settings adjust by the frequency of {level.frequency.column}, which "
                        f"the model of {self.spec.entity_type} does not count: train it again"
                    )

    def _rewrite(self, condition: Any) -> Any:
        """A condition in which common elements of one list of both are counted by a function."""
        from sqlglot import exp

        def replace(node: Any) -> Any:
            if not (isinstance(node, exp.Anonymous) and node.name.lower() == "shared"):
                return node
            ends = [self.conditions.one_sided(part) for part in node.iter_expressions()]
            if len(ends) != 2 or None in ends:
                return node
            (left, side), (right, other) = (end for end in ends if end is not None)
            if left != right or side == other or not self.columns.is_list(left):
                return node
            name = self.counted.setdefault(left, f"codes_{len(self.counted)}")
            known = self.columns.signature(left, side)
            return exp.Paren(
                this=self.conditions.parse(
                    f"CASE WHEN {known} IS NOT NULL THEN common_{name}(n_l, n_r) END"
                )
            )

        return condition.copy().transform(replace)

    def _type_of(self, expression: str) -> str | None:
        if expression not in self._types:
            try:
                found = self.con.sql(
                    f"SELECT {expression} AS value FROM {self.asked.records_view} LIMIT 0"
                )
                self._types[expression] = str(found.types[0])
            except (duckdb.BinderException, duckdb.ParserException, duckdb.CatalogException):
                # Of no column of the records, or of several kinds: DuckDB will say so of the pair.
                self._types[expression] = None
        return self._types[expression]

    def run(self) -> duckdb.DuckDBPyRelation:
        """Score the pairs; rows of match_scores, in no order."""
        self.make_records()
        self.con.execute(f"CREATE OR REPLACE TEMP TABLE scored_pair AS {self.statement()}")
        self.con.execute("DROP TABLE compiled_record; DROP TABLE compiled_value")
        if self.asked.exact_from is not None and self.asked.every_pair:
            self.con.execute(
                f"""
                INSERT INTO scored_pair
                SELECT record_l,
                       record_r,
                       rule,
                       limits.weight,
                       round(pow(2, limits.weight) / (1 + pow(2, limits.weight)), 9),
                       {[UNKNOWN] * len(self.comparisons)},
                       NULL
                FROM {self.asked.pairs_view}
                ANTI JOIN scored_pair USING (record_l, record_r)
                CROSS JOIN (SELECT {_double(self.asked.exact_from)} AS weight) AS limits
                """
            )
        return self.con.table("scored_pair")

    def make_records(self) -> None:
        """Make what `statement` reads: the columns of each record that is paired."""
        asked = self.asked
        records, pairs = (
            int(self.con.sql(f"SELECT count(*) FROM {view}").fetchall()[0][0])
            for view in (asked.records_view, asked.pairs_view)
        )
        source = asked.records_view
        if pairs * 2 < records:
            source = f"""(
                SELECT *
                FROM {asked.records_view}
                SEMI JOIN (
                    SELECT record_l AS record_id FROM {asked.pairs_view}
                    UNION ALL
                    SELECT record_r FROM {asked.pairs_view}
                ) AS paired USING (record_id)
            )"""
        values = self._values()
        lookups = lookup_tables(self.con, self.spec, source, asked.frequencies_view)
        adjusted = sorted(
            {
                level.frequency.column
                for one in self.comparisons
                for level in one.levels
                if level.frequency is not None
            }
        )
        joins = "\n".join(
            f"LEFT JOIN {lookups[column]} AS f{place} ON f{place}.{column} = record.{column}"
            for place, column in enumerate(adjusted)
        )
        frequencies = "".join(
            f", log2(f{place}.tf_{column}) AS {_frequency_name(column)}"
            for place, column in enumerate(adjusted)
        )
        adjusted_only = [column for column in adjusted if column not in values]
        computed = "".join(f", {sql} AS {name}" for sql, name in self.columns.names.items())
        hashes = "".join(f", {codes(sql)} AS {name}" for sql, name in self.counted.items())
        self.con.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE compiled_value AS
            SELECT (row_number() OVER ())::INTEGER AS n,
                   record_id{_listed(values)}{_listed(adjusted_only)}{computed}{hashes}
            FROM {source}
            """
        )
        for name in self.counted.values():
            register_common(self.con, f"common_{name}", "compiled_value", name, "n")
            self.con.execute(f"ALTER TABLE compiled_value DROP COLUMN {name}")
        # What each pair is given is kept apart from what few pairs fetch: it is built twice over.
        self.con.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE compiled_record AS
            SELECT n, record_id{_listed(list(self.columns.names.values()))}{frequencies}
            FROM compiled_value AS record
            {joins}
            """
        )

    def _values(self) -> list[str]:
        text = " ".join(tree.sql("duckdb") for tree in self.rewritten.values())
        named = {name[:-2].lower() for name in re.findall(r"\w+_[lr]\b", text, re.IGNORECASE)}
        columns = self.con.table(self.asked.records_view).columns
        return [name for name in columns if name.lower() in named and name != "record_id"]

    def statement(self) -> str:
        """The statement that scores the pairs which can reach the weight that is asked for."""
        asked = self.asked
        every = (*self.comparisons, *([self.veto] if self.vetoes else []))
        names = [*self.columns.names.values(), *self._frequency_names(), "n"]
        sides = ",\n       ".join(
            f"{side}.{name} AS {name}_{side}" for side in "lr" for name in names
        )
        layer = f"""
            SELECT {", ".join(f"pair.{name}" for name in ("record_l", "record_r", "rule"))},
                   {sides}
            FROM {asked.pairs_view} AS pair
            JOIN compiled_record AS l ON l.record_id = pair.record_l
            JOIN compiled_record AS r ON r.record_id = pair.record_r"""
        layer = _layer(layer, [f"{self._bound(one)} AS {one.name}_w" for one in self.comparisons])
        layer = f"SELECT *, {self._total()} AS bound FROM ({layer})"
        if asked.exact_from is not None:
            layer = f"SELECT * FROM ({layer}) WHERE bound >= {_double(asked.exact_from)}"
        layer = _layer(layer, [f"{_cheap_level(one)} AS {one.name}" for one in every])
        costly = [one for one in every if one.costly]
        if costly:
            layer = self._costly(layer, costly)
        levels = ", ".join(f"{one.name}::TINYINT" for one in self.comparisons)
        return f"""
            SELECT record_l,
                   record_r,
                   rule,
                   round(bound, 6) AS match_weight,
                   round(CASE WHEN bound >= 0 THEN 1 / (1 + pow(2, -bound))
                              ELSE pow(2, bound) / (1 + pow(2, bound)) END, 9)
                       AS match_probability,
                   [{levels}] AS levels,
                   {self._veto_name()} AS veto
            FROM ({layer})
            """

    def _costly(self, layer: str, costly: list[ComparisonPlan]) -> str:
        values = self._values()
        open_ones = " OR ".join(f"{one.name} = {UNKNOWN}" for one in costly)
        enough = (
            "TRUE"
            if self.asked.exact_from is None
            else f"bound >= {_double(self.asked.exact_from)}"
        )
        layer = _layer(layer, [f"{enough} AND ({open_ones}) AS fetched"])
        fetched = ", ".join(
            f"value_{side}.{name} AS {name}_{side}" for side in "lr" for name in values
        )
        layer = f"""
            SELECT pair.*{", " if fetched else ""}{fetched}
            FROM ({layer}) AS pair
            LEFT JOIN compiled_value AS value_l
                   ON value_l.n = CASE WHEN pair.fetched THEN pair.n_l END
            LEFT JOIN compiled_value AS value_r
                   ON value_r.n = CASE WHEN pair.fetched THEN pair.n_r END"""
        scored = [one for one in costly if one is not self.veto]
        for one in sorted(scored, key=lambda each: each.cost(self.conditions)):
            layer = self._decide(layer, one, f"{one.name} = {UNKNOWN} AND {enough}")
            layer = f"""
                SELECT * REPLACE (CASE WHEN {one.name}_asked
                                       THEN bound - {one.name}_w + {self._weight(one)}
                                       ELSE bound END AS bound)
                FROM ({layer})"""
        if self.veto in costly:
            layer = self._decide(layer, self.veto, f"veto = {UNKNOWN} AND {enough}")
        return layer

    def _decide(self, layer: str, one: ComparisonPlan, asked: str) -> str:
        """Compute the level of a comparison where it is asked, each similarity once."""
        trees = [self.rewritten.get(id(level)) for level in one.levels]
        calls = Counter(
            call.sql("duckdb") for tree in trees if tree is not None for call in self._calls(tree)
        )
        shared = {
            text: f"{one.name}_s{place}"
            for place, text in enumerate(text for text, times in calls.items() if times > 1)
        }
        texts = [self._text(level, shared) for level in one.levels]
        first = next(
            (
                place
                for place, text in enumerate(texts)
                if any(name in text for name in shared.values())
            ),
            len(texts),
        )
        layer = _layer(layer, [f"{asked} AS {one.name}_asked"])
        early = _case(
            [(text, level.value) for level, text in zip(one.levels, texts, strict=True)][:first]
        )
        layer = _layer(layer, [f"CASE WHEN {one.name}_asked THEN {early} END AS {one.name}_early"])
        if shared:
            layer = _layer(
                layer,
                [
                    f"CASE WHEN {one.name}_asked AND {one.name}_early IS NULL "
                    f"THEN {_quick(text)} END AS {name}"
                    for text, name in shared.items()
                ],
            )
        late = _case(
            [(text, level.value) for level, text in zip(one.levels, texts, strict=True)][first:]
        )
        return f"""
            SELECT * REPLACE (CASE WHEN NOT {one.name}_asked THEN {one.name}
                                   WHEN {one.name}_early IS NOT NULL THEN {one.name}_early
                                   ELSE {late} END AS {one.name})
            FROM ({layer})"""

    def _text(self, level: LevelPlan, shared: dict[str, str]) -> str:
        if level.condition is None:
            return "TRUE"
        if level.truth.certain:
            return level.truth.must
        from sqlglot import exp

        def replace(node: Any) -> Any:
            if isinstance(node, exp.Func):
                text = node.sql("duckdb")
                if text in shared:
                    return exp.column(shared[text])
            return node

        return str(self.rewritten[id(level)].copy().transform(replace).sql("duckdb"))

    def _calls(self, tree: Any) -> list[Any]:
        from sqlglot import exp

        counts = [
            call for call in tree.find_all(exp.Anonymous) if call.name.startswith("common_codes_")
        ]
        return [
            *counts,
            *(call for call in self.conditions.costly_calls(tree) if call not in counts),
        ]

    def _frequency_names(self) -> list[str]:
        return sorted(
            {
                _frequency_name(level.frequency.column)
                for one in self.comparisons
                for level in one.levels
                if level.frequency is not None
            }
        )

    def _level_weight(self, level: LevelPlan) -> str:
        one = level.frequency
        if one is None:
            return _double(level.weight)
        name = _frequency_name(one.column)
        larger = f"greatest({name}_l, {name}_r)"
        # The greatest of logarithms is the logarithm of the greatest.
        floored = (
            f"greatest({larger}, {_double(math.log2(one.floor))})" if one.floor > 0 else larger
        )
        return (
            f"({_double(level.weight)} + CASE WHEN {larger} IS NOT NULL "
            f"THEN {_double(one.weight)} * ({_double(one.base)} - {floored}) ELSE 0e0 END)"
        )

    def _weight(self, one: ComparisonPlan) -> str:
        by_value = {level.value: self._level_weight(level) for level in one.levels}
        cases = " ".join(f"WHEN {value} THEN {sql}" for value, sql in by_value.items())
        return f"CASE {one.name} {cases} END"

    def _bound(self, one: ComparisonPlan) -> str:
        """The weight of the level, or the greatest of those from the first that may be reached."""
        cases = []
        for place, level in enumerate(one.levels[:-1]):
            if level.truth.must != "FALSE":
                cases.append(f"WHEN {level.truth.must} THEN {self._level_weight(level)}")
            if not level.truth.certain:
                cases.append(f"WHEN {level.truth.may} THEN {self._greatest(one.levels[place:])}")
        last = self._level_weight(one.levels[-1])
        return f"CASE {' '.join(cases)} ELSE {last} END" if cases else last

    def _greatest(self, levels: tuple[LevelPlan, ...]) -> str:
        fixed = max(level.weight for level in levels if level.frequency is None)
        moving = [self._level_weight(level) for level in levels if level.frequency is not None]
        return f"greatest({', '.join((_double(fixed), *moving))})" if moving else _double(fixed)

    def _total(self) -> str:
        return " + ".join((_double(self.prior), *(f"{one.name}_w" for one in self.comparisons)))

    def _veto_name(self) -> str:
        if not self.vetoes:
            return "CAST(NULL AS VARCHAR)"
        cases = " ".join(
            f"WHEN {place} THEN '{veto.name}'" for place, veto in enumerate(self.vetoes)
        )
        return f"CASE veto {cases} END"


def _double(value: float) -> str:
    # A number with a point alone is a DECIMAL for DuckDB, which is slow to add up.
    return f"CAST({value!r} AS DOUBLE)"


def _frequency_name(column: str) -> str:
    return f"log_tf_{column}"


def _listed(names: list[str]) -> str:
    return "".join(f", {name}" for name in names)


def _layer(inner: str, columns: list[str]) -> str:
    added = ",\n       ".join(columns)
    return f"""
            SELECT *,
                   {added}
            FROM ({inner})"""


def _case(branches: list[tuple[str, int]]) -> str:
    cases = " ".join(f"WHEN {text} THEN {value}" for text, value in branches if text != "TRUE")
    last = next((value for text, value in branches if text == "TRUE"), None)
    if not cases:
        return "NULL::INTEGER" if last is None else str(last)
    return f"CASE {cases}{'' if last is None else f' ELSE {last}'} END"


def _cheap_level(one: ComparisonPlan) -> str:
    cases = []
    for level in one.levels[:-1]:
        if level.truth.must != "FALSE":
            cases.append(f"WHEN {level.truth.must} THEN {level.value}")
        if not level.truth.certain:
            cases.append(f"WHEN {level.truth.may} THEN {UNKNOWN}")
    last = one.levels[-1].value
    return f"(CASE {' '.join(cases)} ELSE {last} END)" if cases else str(last)


def _quick(text: str) -> str:
    """A call of one of our macros by a quicker way that gives the same."""
    found = re.fullmatch(r"(?i)best_similarity\((\w+), (\w+)\)", text)
    if found is None:
        return text
    a, b = found.groups()
    return (
        f"CASE WHEN len({a}) = 1 AND len({b}) = 1 "
        f"THEN coalesce(jaro_winkler_similarity({a}[1], {b}[1]), 0) ELSE {text} END"
    )


__all__ = ["MISSING", "CompiledScorer", "Program"]
