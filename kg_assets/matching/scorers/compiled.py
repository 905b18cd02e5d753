"""The compiled scorer: a Splink model as a program of few instructions, with the same answer.

What it does less than Splink's SQL: what names one record is computed once a record; values are
compared as numbers and 64-bit hashes, lists as sorted sets of them; each similarity is computed
once; and a pair whose greatest weight that is still possible lies under the limit is not looked at
further. Among a billion pairs the chance that two hashes are equal by accident is 5e-11.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from kg_assets.matching.scorers.compiler import compiled
from kg_assets.matching.tables import match_scores
from resources.threads import mapped

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

    from kg_assets.matching.scorers.interface import Scoring
    from kg_assets.matching.scorers.machine import Columns, Machine
    from kg_assets.matching.scorers.numbered import Numbered


class CompiledScorer:
    """Scores with a program compiled of the trained Splink settings."""

    name = "compiled"

    @contextmanager
    def scored(
        self, con: duckdb.DuckDBPyConnection, asked: Scoring
    ) -> Iterator[pa.RecordBatchReader]:
        """Score pairs; see `kg_assets.matching.scorers.interface.Scorer`.

        Of each pair 9 bytes are held at a time, and 17 while they are sorted.

        Yields:
            Batches sorted by record_l and record_r, which may be read while the connection is used.

        Raises:
            UncompilableError: The settings hold what there is no instruction for.
        """
        machine, columns, records = compiled(con, asked)
        threads = int(con.sql("SELECT current_setting('threads')").fetchall()[0][0])
        pairs, rules = records.pairs(con, asked.pairs_view, threads)
        batch = _Batch(machine, columns, records, rules, asked)
        yield pa.RecordBatchReader.from_batches(batch.schema, mapped(batch.scored, pairs, threads))


class _Batch:
    """Makes rows of match_scores of pairs of numbers."""

    def __init__(
        self,
        machine: Machine,
        columns: Columns,
        records: Numbered,
        rules: list[str],
        asked: Scoring,
    ) -> None:
        self._machine = machine
        self._columns = columns
        self._ids, self._number = records.ids, records.number
        self._rules = pa.array(rules, pa.string())
        self._vetoes = pa.array([veto.name for veto in asked.spec.vetoes], pa.string())
        self._limit = -math.inf if asked.exact_from is None else float(asked.exact_from)
        self._every_pair = asked.every_pair
        self.schema = match_scores(asked.spec.entity_type).schema

    def scored(self, pairs: pa.RecordBatch) -> pa.RecordBatch:
        """Score a batch of `kg_assets.matching.pairing.PAIR_SCHEMA`."""
        left, right, rule = (np.asarray(column) for column in pairs.columns)
        weights = np.empty(len(left))
        levels = np.empty((len(left), self._machine.comparisons), dtype=np.int8)
        vetoes = np.empty(len(left), dtype=np.int32)
        numbers = (left, right) if self._number is None else self._numbers(left, right)
        self._machine.run(self._columns, numbers, self._limit, weights, levels, vetoes)
        pruned = np.isnan(weights)
        if self._every_pair:
            weights[pruned] = self._limit
        elif pruned.any():
            kept = ~pruned
            left, right, rule = left[kept], right[kept], rule[kept]
            weights, levels, vetoes = weights[kept], levels[kept], vetoes[kept]
        ends = np.arange(len(weights) + 1, dtype=np.int32) * levels.shape[1]
        return pa.RecordBatch.from_arrays(
            [
                self._ids.take(pa.array(left)),
                self._ids.take(pa.array(right)),
                self._rules.take(pa.array(rule)),
                pa.array(to_digits(weights, 6)),
                pa.array(to_digits(probabilities(weights), 9)),
                pa.ListArray.from_arrays(pa.array(ends), pa.array(levels.ravel())),
                self._vetoes.take(pa.array(vetoes, mask=vetoes < 0)),
            ],
            schema=self.schema,
        )

    def _numbers(self, left: Any, right: Any) -> tuple[Any, Any]:
        return self._number[left], self._number[right]


def to_digits(values: Any, digits: int) -> Any:
    """Numbers rounded to decimal digits, halves away from zero, as DuckDB does."""
    scaled = values * 10.0**digits
    return np.trunc(scaled + np.copysign(0.5, scaled)) / 10.0**digits


def probabilities(weights: Any) -> Any:
    """Match probabilities of match weights in bits."""
    # Of large weights 2 ** -weight is nothing, and of small ones 2 ** weight.
    small = np.exp2(-np.abs(weights))
    return np.where(weights >= 0, 1 / (1 + small), small / (1 + small))
