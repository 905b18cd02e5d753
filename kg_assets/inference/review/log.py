"""The judgements of facts as a kind of judgements, and what may not stand together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kg_assets.consistency import contradicted
from kg_assets.inference.review.binding import resolve
from kg_assets.inference.review.tables import FACT_JUDGEMENTS
from kg_assets.inference.review.values import FactJudgement, fact_judgement
from kg_assets.inference.tables import GAZETTEER_TYPES
from kg_assets.judging.values import ContradictionError, Kind
from kg_assets.matching.tables import entity_members
from ontology.schema import load_ontology

if TYPE_CHECKING:
    import duckdb

    from resources.lake import Lake

_CLAIMS = """
    SELECT
        id AS claim_id,
        claim_relation AS relation,
        coalesce(subject_id, record) AS subject_id,
        coalesce(claim_id, claim_record, claim_key) AS object_id,
        (rank() OVER (ORDER BY said {order}))::DOUBLE AS confidence
    FROM (
        SELECT
            *,
            max((time, id)) OVER (
                PARTITION BY
                    claim_relation,
                    coalesce(subject_id, record),
                    coalesce(claim_id, claim_record, claim_key)
            ) AS said
        FROM resolved_judgement
        WHERE verdict <> 'reject'
    )
"""


def view_members(lake: Lake, con: duckdb.DuckDBPyConnection, name: str = "every_member") -> None:
    """Make a view of the members of all entities that facts can have as ends.

    Args:
        lake: Where they are.
        con: The connection.
        name: Name of the view.
    """
    parts = []
    for number, kind in enumerate(GAZETTEER_TYPES):
        lake.relation(con, entity_members(kind)).create_view(f"{name}_{number}", replace=True)
        parts.append(
            f"SELECT entity_id, entity_type, source, source_id FROM {name}_{number}"  # noqa: S608
        )
    con.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {' UNION ALL '.join(parts)}")


def refuse_disagreement(
    lake: Lake, con: duckdb.DuckDBPyConnection, standing: duckdb.DuckDBPyRelation
) -> None:
    """Make sure that what people accepted can hold together, by what entities are now.

    Args:
        lake: Where the entities are.
        con: The connection of the judgements.
        standing: Standing judgements of one entity type.

    Raises:
        ContradictionError: Two of them leave no room for each other, or several lead a work back
            to itself.
    """
    rows = standing.project(", ".join(FACT_JUDGEMENTS.schema.names)).to_arrow_table().to_pylist()
    said = {row["id"]: FactJudgement(**row) for row in rows}
    if not said:
        return
    view_members(lake, con)
    resolve(con, list(said.values()), "every_member")
    ontology = load_ontology()
    found: dict[str, str] = {}
    # Once with the newest as the surest and once with the oldest, so that both sides are found.
    for order in ("DESC", "ASC"):
        found |= contradicted(con, _CLAIMS.format(order=order), ontology)
    if not found:
        return
    sides = sorted(found, key=lambda each: (said[each].time, each))
    words = "; but also ".join(
        f"{said[each].sentence} ({said[each].who}, {said[each].time}, {each})" for each in sides
    )
    raise ContradictionError(
        f"judgements contradict each other: {words} ({found[sides[-1]]}). Nothing was written. "
        "Take one of them back, or judge that fact again"
    )


FACTS: Kind[FactJudgement] = Kind(
    name="fact",
    table=FACT_JUDGEMENTS,
    made=FactJudgement,
    make=fact_judgement,
    required=("entity_type", "record", "relation", "object_name", "quote", "verdict"),
    refuse=refuse_disagreement,
)
