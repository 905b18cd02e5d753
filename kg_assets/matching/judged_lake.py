"""How well the scores and entities of a lake agree with people's judgements, type by type."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from kg_assets.matching.current_model import OutdatedModelError
from kg_assets.matching.judged_scorers import scored_by
from kg_assets.matching.judgement_scores import JudgedScores, score_against_judgements
from kg_assets.matching.models import configured_models
from kg_assets.matching.records import records
from kg_assets.matching.scorers.classifier import ClassifierScorer
from kg_assets.matching.scorers.shadow import CANNOT_SCORE
from kg_assets.matching.tables import (
    JUDGEMENTS,
    entity_members,
    match_model,
    match_scores,
    match_thresholds,
)

if TYPE_CHECKING:
    import duckdb

    from kg_assets.matching.model import MatchSpec
    from resources.lake import Lake
    from resources.settings import Settings

SILENT = (*CANNOT_SCORE, OutdatedModelError)
"""Errors of a scorer that cannot score the judged pairs anew."""


def judged_scores(
    settings: Settings,
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    judgements: Lake | None = None,
    *,
    shadows: bool = False,
) -> dict[str, JudgedScores]:
    """Figures of each entity type of which a judgement stands.

    Args:
        settings: How models are configured.
        con: The connection that reads; views and temporary tables are made on it.
        lake: What is measured.
        judgements: Whose judgements are the labels; by default those of the same lake.
        shadows: Whether scorers in the shadow are measured too.

    Raises:
        ContradictionError: What stands contradicts itself.
    """
    found = {}
    for kind, spec in configured_models(settings).items():
        given = (judgements or lake).relation(con, JUDGEMENTS, kind)
        if given.limit(1).fetchall():
            one = _judged(con, lake, spec, given, shadows=shadows)
            if one.judged or one.unsure or one.gone:
                found[kind] = one
    return found


def _judged(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    spec: MatchSpec,
    given: duckdb.DuckDBPyRelation,
    *,
    shadows: bool,
) -> JudgedScores:
    """Figures of one type, by its judgements."""
    kind = spec.entity_type
    row = next(iter(lake.relation(con, match_model(kind)).to_arrow_table().to_pylist()), None)

    def against(scores: duckdb.DuckDBPyRelation) -> JudgedScores:
        return score_against_judgements(
            con,
            given,
            lake.relation(con, records(spec)).project("record_id"),
            scores,
            lake.relation(con, match_thresholds(kind)),
            lake.relation(con, entity_members(kind)),
            declared=float(row["threshold"]) if row else spec.threshold,
        )

    one = against(lake.relation(con, match_scores(kind)))
    if row is None or not one.judged:
        return one
    learnt = json.loads(row["settings"]).get("classifier")
    if learnt is not None and spec.scorer == ClassifierScorer.name:
        one = replace(one, taught=sum(learnt["judgements"].values()))
        with suppress(*SILENT):
            held_out = against(scored_by(con, lake, spec, row, spec.scorer, given))
            one = replace(held_out, taught=one.taught, held_out=True)
    if spec.shadow is not None and shadows:
        one = replace(one, shadow=spec.shadow)
        try:
            beside = against(scored_by(con, lake, spec, row, spec.shadow, given))
            one = replace(one, shadow_scores=beside.scores)
        except SILENT as error:
            one = replace(one, shadow_silent=str(error))
    return one
