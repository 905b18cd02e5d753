"""The step that lets people's judgements decide on facts, and asks for the next ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kg_assets.inference.review import binding, decisions
from kg_assets.inference.review.queue import queue
from kg_assets.inference.review.tables import FACT_JUDGEMENTS, fact_queue, reviewed_relations
from kg_assets.inference.tables import DOCUMENTS, GAZETTEER_TYPES, inferred_relations
from kg_assets.matching.tables import entity_members, resolved_entities
from ontology.schema import load_ontology

if TYPE_CHECKING:
    from resources.lake import Step


def run_reviewed_relations(step: Step, entity_type: str) -> None:
    """Write the facts of a type as they stand after people's judgements, and the queue.

    Args:
        step: Reads facts, documents, judgements, and which records are of which entity.
        entity_type: Type of the subjects.
    """
    con = step.con
    step.view("fact", inferred_relations(entity_type))
    step.view("documents", DOCUMENTS, entity_type)
    step.view("entities", resolved_entities(entity_type))
    parts = []
    for number, kind in enumerate(GAZETTEER_TYPES):
        step.view(f"members_{number}", entity_members(kind))
        parts.append(f"SELECT entity_id, entity_type, source, source_id FROM members_{number}")  # noqa: S608
    con.execute(f"CREATE OR REPLACE TEMP VIEW members AS {' UNION ALL '.join(parts)}")
    judgements = step.read(FACT_JUDGEMENTS, entity_type)
    standing = binding.bind(con, judgements, "fact", "documents", "members")
    decisions.decide(con, entity_type, load_ontology())
    table = reviewed_relations(entity_type)
    written = step.write(table, con.table("reviewed"))
    asked = step.write(fact_queue(entity_type), queue(con))
    by_verdict = con.sql(
        """
        SELECT verdict, count(DISTINCT judgement.id)
        FROM resolved_judgement AS judgement
        JOIN placed_judgement AS placed USING (id, verdict)
        GROUP BY ALL
        ORDER BY ALL
        """
    ).fetchall()
    outcome = con.sql("SELECT status, count(*) FROM reviewed GROUP BY ALL ORDER BY ALL").fetchall()
    by_kind = con.sql("SELECT kind, count(*) FROM asked GROUP BY ALL ORDER BY ALL").fetchall()
    step.report(
        facts=written,
        facts_by_status=dict(outcome),
        judgements=standing,
        judgements_that_bind=dict(by_verdict),
        judgements_at_rest=standing - sum(count for _, count in by_verdict),
        asked=asked,
        asked_by_kind=dict(by_kind),
    )
