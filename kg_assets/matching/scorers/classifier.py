"""The scorer `classifier`: a logistic regression over comparison levels, trained on judgements.

Its features are the levels of the comparisons, one-hot, and its starting point is the trained
Splink model: Splink's weight of a pair is the offset, and what is learnt is how far each level's
weight is to be moved, held back by a ridge. Few judgements therefore change little, and a level
that nobody judged keeps Splink's weight. What it learnt is part of the frozen settings.
"""

# ruff: noqa: S608 - what is put into statements are numbers of ours.

from __future__ import annotations

import hashlib
import math
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from kg_assets.matching.judgements import stand
from kg_assets.matching.scorers.compiled import CompiledScorer, probabilities, to_digits
from kg_assets.matching.scorers.interface import Scoring
from kg_assets.matching.settings import rounded

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import duckdb

    from kg_assets.matching.model import MatchSpec

FEWEST_JUDGEMENTS = 20
"""Of each verdict so many must stand: with fewer a single odd judgement bends the weights."""

RIDGE = 1.0
"""Strength of the pull towards Splink's weights: a move of one nat costs half of this."""

FOLDS = 10
"""Parts of a cross-validation (Kohavi, A Study of Cross-Validation and Bootstrap, 1995)."""

STEPS = 100
"""Newton steps at most; the objective is convex and a handful is enough."""


class UntrainedClassifierError(Exception):
    """The classifier is chosen for a type and was not, or cannot be, trained."""


def untaught(spec: MatchSpec) -> str:
    """What is to be said where the classifier is chosen for a type whose model holds none."""
    kind = spec.entity_type
    return (
        f"the model of {kind} holds no classifier: judge {FEWEST_JUDGEMENTS} pairs of each verdict "
        f"or more (kg review --type {kind}) and train it (kg build --retrain --types {kind}), or "
        f"choose another scorer ({_setting(spec)})"
    )


def _setting(spec: MatchSpec) -> str:
    """The setting that asks for the classifier."""
    return "KG_SCORERS" if spec.scorer == ClassifierScorer.name else "KG_SHADOW_SCORERS"


class ClassifierScorer:
    """Scores with the compiled model, each level's weight moved by what judgements taught."""

    name = "classifier"

    @contextmanager
    def scored(
        self, con: duckdb.DuckDBPyConnection, asked: Scoring
    ) -> Iterator[pa.RecordBatchReader]:
        """Score pairs; see `kg_assets.matching.scorers.interface.Scorer`.

        Raises:
            UntrainedClassifierError: The frozen settings hold no classifier.
        """
        learnt = asked.settings.get("classifier")
        if learnt is None:
            raise UntrainedClassifierError(untaught(asked.spec))
        exact = replace(asked, exact_from=None, every_pair=True)
        with CompiledScorer().scored(con, exact) as rows:
            yield pa.RecordBatchReader.from_batches(
                rows.schema, (_moved(batch, asked.settings) for batch in rows)
            )


def moves(spec: MatchSpec, settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """By how many bits the classifier moves weights, where it is the scorer that counts.

    Args:
        spec: The type's match model.
        settings: The frozen settings.

    Returns:
        ``intercept``, and ``levels`` by comparison and number of the level; nothing of both where
        another scorer counts.
    """
    learnt = settings.get("classifier") if spec.scorer == ClassifierScorer.name else None
    found: Mapping[str, Any] = learnt or {"intercept": 0.0, "levels": {}}
    return found


def _moved(rows: pa.RecordBatch, settings: Mapping[str, Any]) -> pa.RecordBatch:
    """Rows of match_scores with weights moved by what was learnt of their levels."""
    learnt, comparisons = settings["classifier"], settings["comparisons"]
    weights = np.asarray(rows.column("match_weight")) + float(learnt["intercept"])
    levels = np.asarray(rows.column("levels").flatten()).reshape(len(weights), len(comparisons))
    for place, one in enumerate(comparisons):
        for level, by in learnt["levels"].get(one["output_column_name"], {}).items():
            weights = weights + np.where(levels[:, place] == int(level), float(by), 0.0)
    changed = {
        "match_weight": pa.array(to_digits(weights, 6)),
        "match_probability": pa.array(to_digits(probabilities(weights), 9)),
    }
    columns = [changed.get(name, rows.column(name)) for name in rows.schema.names]
    return pa.RecordBatch.from_arrays(columns, schema=rows.schema)


def train_classifier(
    con: duckdb.DuckDBPyConnection,
    spec: MatchSpec,
    settings: Mapping[str, Any],
    judgements_view: str,
    records_view: str,
    frequencies_view: str,
) -> dict[str, Any]:
    """Learn from judgements how far the weights of the levels are to be moved.

    Args:
        con: A connection with the macros of `normalise`.
        spec: The type's match model.
        settings: The trained Splink settings.
        judgements_view: Name of a view of the judgements.
        records_view: Name of a view of the type's records.
        frequencies_view: Name of a view of the table term_frequencies.

    Returns:
        The settings with ``classifier``: intercept and moves of the levels by comparison, in bits,
        and the numbers of judgements that taught them.

    Raises:
        UntrainedClassifierError: Too few judgements of a verdict stand.
    """
    judged = lessons(con, spec, settings, judgements_view, records_view, frequencies_view)
    return {**settings, "classifier": _learnt(settings, judged)}


def lessons(
    con: duckdb.DuckDBPyConnection,
    spec: MatchSpec,
    settings: Mapping[str, Any],
    judgements_view: str,
    records_view: str,
    frequencies_view: str,
) -> pa.Table:
    """What judgements can teach: the judged pairs with their scores by the trained Splink model.

    Args:
        con: A connection with the macros of `normalise`.
        spec: The type's match model.
        settings: The trained Splink settings.
        judgements_view: Name of a view of the judgements.
        records_view: Name of a view of the type's records, at least of those that were judged.
        frequencies_view: Name of a view of the table term_frequencies.

    Returns:
        Rows of match_scores with ``same``, ordered by pair.

    Raises:
        UntrainedClassifierError: Too few judgements of a verdict stand.
    """
    stand(con, con.table(judgements_view)).filter(
        f"entity_type = '{spec.entity_type}'"
    ).create_view("standing_judgement", replace=True)
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE judged_pair AS
        SELECT record_l, record_r, '' AS rule
        FROM standing_judgement
        WHERE verdict <> 'unsure'
          AND record_l IN (SELECT record_id FROM {records_view})
          AND record_r IN (SELECT record_id FROM {records_view})
        """
    )
    asked = Scoring(spec, settings, "judged_pair", records_view, frequencies_view)
    with CompiledScorer().scored(con, asked) as rows:
        con.register("lesson", rows)
        judged = con.sql(
            """
            SELECT lesson.*, verdict = 'same' AS same
            FROM lesson
            JOIN standing_judgement USING (record_l, record_r)
            ORDER BY record_l, record_r
            """
        ).to_arrow_table()
        con.unregister("lesson")
    counts = _counts(judged)
    if min(counts.values()) < FEWEST_JUDGEMENTS:
        raise UntrainedClassifierError(
            f"the classifier of {spec.entity_type} needs {FEWEST_JUDGEMENTS} judgements of each "
            f"verdict on current records and has {counts['same']} same and "
            f"{counts['different']} different: judge more pairs (kg review), or choose another "
            f"scorer ({_setting(spec)})"
        )
    return judged


def cross_validated(settings: Mapping[str, Any], judged: pa.Table) -> pa.Table:
    """Scores of judged pairs by classifiers that learnt nothing from them.

    The pairs are cut into `FOLDS` parts, those of one left record into one, and each part is scored
    by what the others teach.

    Args:
        settings: The trained Splink settings.
        judged: What `lessons` gave.

    Returns:
        Rows of match_scores, one a pair.
    """
    fold = np.array(
        [
            int(hashlib.sha256(one.encode()).hexdigest(), 16) % FOLDS
            for one in judged["record_l"].to_pylist()
        ]
    )
    parts = []
    for number in range(FOLDS):
        held_out = judged.filter(pa.array(fold == number)).drop_columns(["same"])
        learnt = _learnt(settings, judged.filter(pa.array(fold != number)))
        parts += [
            _moved(batch, {**settings, "classifier": learnt})
            for batch in held_out.combine_chunks().to_batches()
        ]
    return pa.Table.from_batches(parts, schema=judged.drop_columns(["same"]).schema)


def _counts(judged: pa.Table) -> dict[str, int]:
    """Pairs of each verdict."""
    same = sum(judged["same"].to_pylist())
    return {"same": same, "different": judged.num_rows - same}


def _learnt(settings: Mapping[str, Any], judged: pa.Table) -> dict[str, Any]:
    """What the classifier learns: intercept and moves of the levels in bits, and from how much."""
    same = np.asarray(judged["same"].to_pylist(), dtype=float)
    names = [one["output_column_name"] for one in settings["comparisons"]]
    reached = np.asarray(judged["levels"].to_pylist(), dtype=np.int64).reshape(
        len(same), len(names)
    )
    features = [
        (name, level, reached[:, place] == level)
        for place, name in enumerate(names)
        for level in sorted(set(reached[:, place].tolist()))
        if level >= 0
    ]
    design = np.column_stack([np.ones(len(same)), *(column for _, _, column in features)])
    offset = np.asarray(judged["match_weight"].to_pylist(), dtype=float) * math.log(2)
    found = logistic_moves(design.astype(float), offset, same) / math.log(2)
    levels: dict[str, dict[str, float]] = {}
    for (name, level, _), move in zip(features, found[1:], strict=True):
        levels.setdefault(name, {})[str(level)] = rounded(float(move))
    return {
        "intercept": rounded(float(found[0])),
        "levels": levels,
        "judgements": _counts(judged),
    }


def logistic_moves(
    design: np.ndarray[Any, np.dtype[np.float64]],
    offset: np.ndarray[Any, np.dtype[np.float64]],
    same: np.ndarray[Any, np.dtype[np.float64]],
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Ridge logistic regression with an offset, by Newton's method with step halving.

    Args:
        design: Features, (pairs, features).
        offset: Log odds of each pair before anything is learnt, in nats.
        same: 1 where the verdict was same, else 0.

    Returns:
        Coefficients, in nats; the same for the same input.
    """

    def loss(moves: np.ndarray[Any, np.dtype[np.float64]]) -> float:
        odds = offset + design @ moves
        return float(np.sum(np.logaddexp(0, odds) - same * odds) + RIDGE / 2 * moves @ moves)

    moves = np.zeros(design.shape[1])
    for _ in range(STEPS):
        odds = offset + design @ moves
        # Beyond 500 nats exp overflows, and the probability is 0 or 1 long before.
        chance = 1 / (1 + np.exp(-np.clip(odds, -500, 500)))
        slope = design.T @ (chance - same) + RIDGE * moves
        curve = (design * (chance * (1 - chance))[:, None]).T @ design
        step = np.linalg.solve(curve + RIDGE * np.eye(len(moves)), slope)
        size = 1.0
        while size > 1e-6 and loss(moves - size * step) > loss(moves):
            size /= 2
        moves = moves - size * step
        if np.max(np.abs(step)) < 1e-10:
            break
    return moves
