"""The compiled scorer: a Splink model as a program of few instructions, with the same answer.

What it does less than Splink's SQL: what names one record is computed once a record; values are
compared as numbers and 64-bit hashes, lists as sorted sets of them; each similarity is computed
once; and a pair whose greatest weight that is still possible lies under the limit is not looked at
further. Among a billion pairs the chance that two hashes are equal by accident is 5e-11.
"""

# ruff: noqa: S608 - names in statements are those of the caller's views.

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from kg_assets.matching.scorers.compiler import compiled

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

    from kg_assets.matching.scorers.interface import Scoring
    from kg_assets.matching.scorers.machine import Columns, Machine

_SCORE = "STRUCT(weight DOUBLE, pruned BOOLEAN, levels TINYINT[], veto INTEGER)"


class CompiledScorer:
    """Scores with a program compiled of the trained Splink settings."""

    name = "compiled"

    @contextmanager
    def scored(
        self, con: duckdb.DuckDBPyConnection, asked: Scoring
    ) -> Iterator[duckdb.DuckDBPyRelation]:
        """Score pairs; see `kg_assets.matching.scorers.interface.Scorer`.

        Raises:
            UncompilableError: The settings hold what there is no instruction for.
        """
        machine, columns, numbered = compiled(con, asked)
        limit = -math.inf if asked.exact_from is None else float(asked.exact_from)
        # DuckDB's stubs want the names of types as its own types.
        make: Any = con.create_function
        make(
            "compiled_score",
            _function(machine, columns, limit),
            ["INTEGER", "INTEGER"],
            _SCORE,
            type="arrow",
            # Else DuckDB may compute it once for each use of its result.
            side_effects=True,
        )
        con.register("numbered_record", numbered)
        con.execute(
            "CREATE OR REPLACE TEMP TABLE veto_name AS SELECT $vetoes::VARCHAR[] AS names",
            {"vetoes": [veto.name for veto in asked.spec.vetoes]},
        )
        try:
            yield con.sql(
                f"""
                SELECT record_l,
                       record_r,
                       rule,
                       round(score.weight, 6) AS match_weight,
                       round(CASE WHEN score.weight >= 0 THEN 1 / (1 + pow(2, -score.weight))
                                  ELSE pow(2, score.weight) / (1 + pow(2, score.weight)) END, 9)
                           AS match_probability,
                       score.levels AS levels,
                       (SELECT names FROM veto_name)[score.veto + 1] AS veto
                FROM (
                    SELECT pair.record_l,
                           pair.record_r,
                           pair.rule,
                           compiled_score(l.n, r.n) AS score
                    FROM {asked.pairs_view} AS pair
                    JOIN numbered_record AS l ON l.record_id = pair.record_l
                    JOIN numbered_record AS r ON r.record_id = pair.record_r
                )
                {"" if asked.every_pair else "WHERE NOT score.pruned"}
                """
            )
        finally:
            con.unregister("numbered_record")
            con.remove_function("compiled_score")


def _function(machine: Machine, columns: Columns, limit: float) -> Any:
    """The function of DuckDB that scores a chunk of pairs."""
    comparisons = machine.comparisons

    def score(left: pa.Array, right: pa.Array) -> pa.Array:
        pairs = len(left)
        weights = np.empty(pairs)
        levels = np.empty((pairs, comparisons), dtype=np.int8)
        vetoes = np.empty(pairs, dtype=np.int32)
        machine.run(columns, (np.asarray(left), np.asarray(right)), limit, weights, levels, vetoes)
        pruned = np.isnan(weights)
        ends = np.arange(0, (pairs + 1) * comparisons, max(1, comparisons), dtype=np.int32)
        return pa.StructArray.from_arrays(
            [
                pa.array(np.where(pruned, limit, weights)),
                pa.array(pruned),
                pa.ListArray.from_arrays(pa.array(ends[: pairs + 1]), pa.array(levels.ravel())),
                pa.array(vetoes),
            ],
            ["weight", "pruned", "levels", "veto"],
        )

    return score
