"""What a scorer says of the judged pairs of a lake, without having learnt from them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kg_assets.matching.current_model import OutdatedModelError
from kg_assets.matching.normalise import create_macros
from kg_assets.matching.records import records
from kg_assets.matching.scorers.classifier import ClassifierScorer, cross_validated, lessons
from kg_assets.matching.scoring import score_pairs
from kg_assets.matching.tables import match_scores, term_frequencies

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb

    from kg_assets.matching.model import MatchSpec
    from resources.lake import Lake


def scored_by(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    spec: MatchSpec,
    row: Mapping[str, Any],
    name: str,
    judgements: duckdb.DuckDBPyRelation,
) -> duckdb.DuckDBPyRelation:
    """Score the judged pairs that were candidates.

    The classifier is cross-validated: it scores each pair as it learns from others. So it need not
    be taught yet either.

    Args:
        con: The connection that reads; views and temporary tables are made on it.
        lake: Holds records, frequencies and scores.
        spec: The type's match model.
        row: The row of the table match_model.
        name: The scorer.
        judgements: Rows of the table judgements of the type.

    Returns:
        Rows of match_scores; of pairs that are no candidates there is none.

    Raises:
        OutdatedModelError: The model is of another version of the specification.
        UntrainedClassifierError: Too few judgements stand to teach the classifier.
        UncompilableError: The scorer cannot score by this model.
    """
    if not row["version"].startswith(f"{spec.version}-"):
        raise OutdatedModelError(
            f"the model of {spec.entity_type} is of version {row['version']}, and its file is now "
            f"of version {spec.version}: kg build --types {spec.entity_type}"
        )
    settings = json.loads(row["settings"])
    compared = spec.comparisons, spec.vetoes, spec.term_frequencies
    create_macros(con, (*compared, row["settings"]))
    judgements.create_view("scored_judgement", replace=True)
    lake.relation(con, records(spec)).create_view("scored_any_record", replace=True)
    lake.relation(con, match_scores(spec.entity_type)).create_view("scored_any", replace=True)
    lake.relation(con, term_frequencies(spec.entity_type)).create_view(
        "scored_frequency", replace=True
    )
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE scored_record AS
        SELECT *
        FROM scored_any_record
        WHERE record_id IN (
            SELECT record_l FROM scored_judgement
            UNION
            SELECT record_r FROM scored_judgement
        );

        CREATE OR REPLACE TEMP TABLE scored_candidate AS
        SELECT record_l, record_r, rule
        FROM scored_any
        SEMI JOIN scored_judgement USING (record_l, record_r)
        SEMI JOIN (SELECT record_id AS record_l FROM scored_record) USING (record_l)
        SEMI JOIN (SELECT record_id AS record_r FROM scored_record) USING (record_r)
        """
    )
    views = ("scored_record", "scored_frequency")
    if name != ClassifierScorer.name:
        score_pairs(con, spec, settings, "scored_candidate", *views, by=name)
        con.execute("CREATE OR REPLACE TEMP TABLE scored_alone AS FROM scored_pair")
    else:
        judged = lessons(con, spec, settings, "scored_judgement", *views)
        con.register("held_out", cross_validated(settings, judged))
        con.execute("CREATE OR REPLACE TEMP TABLE scored_alone AS FROM held_out")
        con.unregister("held_out")
    return con.sql("FROM scored_alone SEMI JOIN scored_candidate USING (record_l, record_r)")
