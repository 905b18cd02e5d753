"""The decision for each entity of a shard whether its texts are read, and what it goes by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kg_assets.inference.decision_tables import inference_decisions
from kg_assets.inference.policy import ELIGIBLE, SKIPPED, Policy, decide
from kg_assets.inference.stated import find_stated
from kg_assets.inference.tables import DOCUMENTS, current_records
from kg_assets.matching.tables import entity_members, resolved_entities

if TYPE_CHECKING:
    from resources.lake import Step


def decide_shard(step: Step, entity_type: str, shards: int, policy: Policy) -> dict[str, Any]:
    """Write the decisions of a shard, and leave what follows from them on the connection.

    Makes the tables `entities` (of the shard), `documents` (theirs) and `eligible` (entity_id,
    name: those whose texts are read).

    Args:
        step: Reads entities, members, records and documents; writes inference_decisions.
        entity_type: Type of the subjects.
        shards: How many shards the type has.
        policy: Whose texts are read.

    Returns:
        Figures: how many are eligible, and how many are skipped by reason.
    """
    con, table = step.con, inference_decisions(entity_type)
    _entities_of_shard(step, entity_type, shards)
    step.view("all_documents", DOCUMENTS, entity_type)
    con.execute(
        """
        CREATE TABLE documents AS
        SELECT all_documents.*
        FROM all_documents
        JOIN entities USING (entity_id)
        """
    )
    step.view("members", entity_members(entity_type))
    step.view("own_records", current_records(entity_type))
    find_stated(step, entity_type, policy)
    _degrees(step)
    step.write(table, decide(con, policy))
    step.staged(table).create_view("decision")
    con.execute(
        """
        CREATE TABLE eligible AS
        SELECT
            entity_id,
            name
        FROM decision
        WHERE decision = $eligible
        """,
        {"eligible": ELIGIBLE},
    )
    counts = con.sql(
        "SELECT decision, reason, count(*) FROM decision GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    return {
        "eligible": sum(count for decision, _, count in counts if decision == ELIGIBLE),
        "skipped": {reason: count for decision, reason, count in counts if decision == SKIPPED},
    }


def _entities_of_shard(step: Step, entity_type: str, shards: int) -> None:
    step.view("all_entities", resolved_entities(entity_type))
    step.con.execute(
        """
        CREATE TABLE entities AS
        SELECT
            entity_id,
            name,
            alternate_names,
            year,
            votes
        FROM all_entities
        WHERE md5_number(entity_id) % $shards = $shard
        """,
        {"shards": shards, "shard": int(step.partition or 0)},
    )


def _degrees(step: Step) -> None:
    """Count the relations that records state of each entity with a text.

    They are what the graph makes edges of; the graph itself comes after inference.
    """
    step.con.execute(
        """
        CREATE TABLE degrees AS
        WITH own AS (
            SELECT
                entity_id,
                source,
                parent_id,
                parent_name,
                genres,
                countries,
                credits,
                relations
            FROM members
            JOIN own_records USING (source, source_id)
            WHERE entity_id IN (SELECT entity_id FROM documents)
        ),
        end_of AS (
            SELECT entity_id, 'genre' AS kind, unnest(genres) AS name
            FROM own
            UNION
            SELECT entity_id, 'country', unnest(countries)
            FROM own
            UNION
            SELECT entity_id, 'parent', coalesce(parent_name, source || ':' || parent_id)
            FROM own
            UNION
            SELECT entity_id, credit.role, lower(credit.name)
            FROM (
                SELECT entity_id, unnest(credits) AS credit
                FROM own
            )
            UNION
            SELECT entity_id, one.relation, coalesce(one.name, source || ':' || one.source_id)
            FROM (
                SELECT entity_id, source, unnest(relations) AS one
                FROM own
            )
        )
        SELECT
            entity_id,
            count(name) AS degree
        FROM end_of
        GROUP BY entity_id
        """
    )
