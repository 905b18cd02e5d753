"""The judgements of pairs as a kind of judgements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kg_assets.judging.values import Kind
from kg_assets.matching.judgement_values import Judgement, judgement
from kg_assets.matching.judgements import refuse_contradiction
from kg_assets.matching.tables import JUDGEMENTS

if TYPE_CHECKING:
    import duckdb

    from resources.lake import Lake


def _refuse(
    _lake: Lake, _con: duckdb.DuckDBPyConnection, standing: duckdb.DuckDBPyRelation
) -> None:
    refuse_contradiction(standing.to_arrow_table())


PAIRS: Kind[Judgement] = Kind(
    name="pair",
    table=JUDGEMENTS,
    made=Judgement,
    make=judgement,
    required=("entity_type", "record_l", "record_r", "verdict"),
    refuse=_refuse,
)
