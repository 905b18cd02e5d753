"""The facts of the lake that people judged, as their extractors found them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kg_assets.inference.review.binding import bind
from kg_assets.inference.review.log import view_members
from kg_assets.inference.review.scores import JudgedFact, judged_facts
from kg_assets.inference.review.tables import FACT_JUDGEMENTS
from kg_assets.inference.tables import DOCUMENTS, INFERENCE_TYPES, inferred_relations
from resources.lake import Lake

if TYPE_CHECKING:
    import duckdb

    from resources.settings import Settings


def facts_judged(settings: Settings, con: duckdb.DuckDBPyConnection) -> list[JudgedFact]:
    """Facts of all types on which a judgement stands and that an extractor finds now.

    Args:
        settings: Where the lake is.
        con: The connection that reads it.
    """
    lake = Lake(settings)
    found: list[JudgedFact] = []
    for kind in INFERENCE_TYPES:
        given = lake.relation(con, FACT_JUDGEMENTS, kind)
        if not given.limit(1).fetchall():
            continue
        lake.relation(con, inferred_relations(kind)).create_view("judged_fact", replace=True)
        lake.relation(con, DOCUMENTS, kind).create_view("judged_document", replace=True)
        view_members(lake, con)
        bind(con, given, "judged_fact", "judged_document", "every_member")
        found += judged_facts(con, "judged_fact")
    return found
