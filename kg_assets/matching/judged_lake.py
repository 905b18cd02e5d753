"""How well the scores and entities of a lake agree with people's judgements, type by type."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from kg_assets.matching.judgement_scores import JudgedScores, score_against_judgements
from kg_assets.matching.models import configured_models
from kg_assets.matching.records import records
from kg_assets.matching.tables import (
    JUDGEMENTS,
    entity_members,
    match_model,
    match_scores,
    match_thresholds,
)

if TYPE_CHECKING:
    import duckdb

    from resources.lake import Lake
    from resources.settings import Settings


def judged_scores(
    settings: Settings,
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    judgements: Lake | None = None,
) -> dict[str, JudgedScores]:
    """Figures of each entity type of which a judgement stands.

    Args:
        settings: How models are configured.
        con: The connection that reads; views and temporary tables are made on it.
        lake: What is measured.
        judgements: Whose judgements are the labels; by default those of the same lake.

    Raises:
        ContradictionError: What stands contradicts itself.
    """
    found = {}
    for kind, spec in configured_models(settings).items():
        given = (judgements or lake).relation(con, JUDGEMENTS, kind)
        if not given.limit(1).fetchall():
            continue
        model = lake.relation(con, match_model(kind)).project("threshold, settings").fetchall()
        threshold, trained = model[0] if model else (spec.threshold, "{}")
        learnt = json.loads(trained).get("classifier") if spec.scorer == "classifier" else None
        one = score_against_judgements(
            con,
            given,
            lake.relation(con, records(spec)).project("record_id"),
            lake.relation(con, match_scores(kind)),
            lake.relation(con, match_thresholds(kind)),
            lake.relation(con, entity_members(kind)),
            declared=float(threshold),
            taught=sum(learnt["judgements"].values()) if learnt else 0,
        )
        if one.judged or one.unsure or one.gone:
            found[kind] = one
    return found
