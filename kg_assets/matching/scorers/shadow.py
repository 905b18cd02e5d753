"""Two scorers on the same pairs: how far they agree, and the pairs on which they differ most."""

# ruff: noqa: S608 - what is put into statements are names and numbers of ours.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kg_assets.matching.scorers.classifier import (
    ClassifierScorer,
    UntrainedClassifierError,
    untaught,
)
from kg_assets.matching.scorers.conditions import UncompilableError
from kg_assets.matching.tables import scorer_comparison
from kg_assets.matching.thresholds import with_thresholds

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb
    import pyarrow as pa

    from kg_assets.matching.model import MatchSpec

CANNOT_SCORE = (UntrainedClassifierError, UncompilableError)
"""Errors of a scorer that cannot work with a model as it is. The scorer that counts raises them; of
a shadow they are said, and nothing is compared."""

COUNTS = ("pairs", "above", "shadow_above", "alike", "frozen")
"""Numbers of pairs that a shard reports of its shadow."""

MOST_DIFFERENT = 50
"""Pairs that differ most: as many as a person looks through."""


def silent(spec: MatchSpec, settings: Mapping[str, Any]) -> str | None:
    """Why nothing can be compared with the shadow of a type; None where it can, or there is none.

    Args:
        spec: The type's match model, which names the shadow.
        settings: The frozen settings.
    """
    if spec.shadow == ClassifierScorer.name and "classifier" not in settings:
        return nothing_compared(spec, untaught(spec))
    return None


def nothing_compared(spec: MatchSpec, why: object) -> str:
    """What is to be said of a shadow that cannot score, and why it cannot."""
    return (
        f"nothing is compared: {spec.shadow} in the shadow of {spec.scorer} "
        f"(KG_SHADOW_SCORERS) cannot score {spec.entity_type}: {why}"
    )


def compare_scorers(
    con: duckdb.DuckDBPyConnection,
    spec: MatchSpec,
    pinned: str,
    shadow: str,
    exact: float,
    thresholds: str,
) -> tuple[pa.Table, dict[str, int] | None]:
    """Compare the scores of two scorers, by the thresholds that decide.

    Weights under ``exact`` may be bounds, so both are raised to it before they are compared.

    Args:
        con: The connection.
        spec: The type's match model, which names the shadow.
        pinned: Name of the table of the scores that count.
        shadow: Name of the table of the other scores; not read where the model names no shadow.
        exact: Match weight from which weights are exact, in bits.
        thresholds: Name of a view of the table match_thresholds; the declared one holds for sources
            that have none.

    Returns:
        Rows of scorer_comparison, and numbers of pairs for the step's report: ``pairs``, those
        ``above`` the threshold, those ``shadow_above`` it by the shadow, those decided ``alike``,
        and those decided by a threshold that is ``frozen``. None where the model names no shadow.
    """
    schema = scorer_comparison(spec.entity_type).schema
    if spec.shadow is None:
        return schema.empty_table(), None
    # A probability under 0 stands for a threshold that is not there.
    with_thresholds(con, pinned, thresholds, -1.0).create_view("pinned_decision", replace=True)
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE both_scores AS
        SELECT record_l,
               record_r,
               greatest(a.match_weight, {float(exact)!r}) AS pinned,
               greatest(b.match_weight, {float(exact)!r}) AS shadow,
               (frozen_threshold >= 0)::INTEGER AS frozen,
               if(frozen_threshold >= 0, frozen_threshold, {spec.threshold!r}) AS threshold,
               (a.match_probability >= threshold)::INTEGER AS above,
               (b.match_probability >= threshold)::INTEGER AS shadow_above
        FROM (SELECT * RENAME (threshold AS frozen_threshold) FROM pinned_decision) AS a
        JOIN {shadow} AS b USING (record_l, record_r)
        """
    )
    found = con.sql(
        f"""
        WITH figures AS (
            SELECT count(*) AS pairs,
                   avg(above) AS above,
                   avg(shadow_above) AS shadow_above,
                   avg((above = shadow_above)::INTEGER) AS agreement,
                   CASE WHEN stddev_pop(pinned) > 0 AND stddev_pop(shadow) > 0
                        THEN corr(pinned, shadow) END AS correlation,
                   max(abs(pinned - shadow)) AS difference
            FROM both_scores
        )
        SELECT 'pairs' AS figure, 0 AS place, NULL AS record_l, NULL AS record_r,
               pairs AS pinned, pairs AS shadow
        FROM figures
        UNION ALL
        SELECT 'share above the threshold', 0, NULL, NULL, above, shadow_above FROM figures
        UNION ALL
        SELECT 'share decided alike', 0, NULL, NULL, agreement, agreement FROM figures
        UNION ALL
        SELECT 'correlation of weights', 0, NULL, NULL, correlation, correlation FROM figures
        UNION ALL
        SELECT 'largest difference of weights', 0, NULL, NULL, difference, difference FROM figures
        UNION ALL
        SELECT 'pair', place, record_l, record_r, pinned, shadow
        FROM (
            SELECT *,
                   row_number() OVER (
                       ORDER BY abs(pinned - shadow) DESC, record_l, record_r
                   ) AS place
            FROM both_scores
            WHERE abs(pinned - shadow) > 1e-6
            QUALIFY place <= {MOST_DIFFERENT}
        )
        ORDER BY figure, place
        """
    ).to_arrow_table()
    (numbers,) = con.sql(
        """
        SELECT count(*),
               count(*) FILTER (above = 1),
               count(*) FILTER (shadow_above = 1),
               count(*) FILTER (above = shadow_above),
               count(*) FILTER (frozen = 1)
        FROM both_scores
        """
    ).fetchall()
    con.execute("DROP TABLE both_scores")
    return found.cast(schema), dict(zip(COUNTS, numbers, strict=True))
