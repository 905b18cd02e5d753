"""Why the texts of an entity are or are not read, and what of them would be read now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kg_assets.inference.changes import tell_changes, view_contexts, view_former
from kg_assets.inference.choice import choose
from kg_assets.inference.decision_tables import inference_decisions, reading_decisions
from kg_assets.inference.llm.dry_run import reviewed
from kg_assets.inference.tables import (
    DOCUMENTS,
    INFERENCE_TYPES,
    extraction_contexts,
    extraction_states,
    inferred_relations,
)
from kg_assets.matching.tables import entity_members
from ontology.schema import load_ontology
from resources.lake import Lake

if TYPE_CHECKING:
    import duckdb

    from resources.settings import Settings

MOST = 20
"""Entities of one name that are told of."""


@dataclass(frozen=True)
class Why:
    """What was decided for an entity.

    Attributes:
        entity_type: Its type.
        decision: Its row of inference_decisions.
        contexts: Each of its contexts: source, source_id, start, state, detail, extractor,
            read_because (why it was read with what it holds), now (what a build would read it
            again for), facts and accepted (how many were found and kept).
    """

    entity_type: str
    decision: Mapping[str, Any]
    contexts: tuple[Mapping[str, Any], ...]


def why_of(
    settings: Settings, con: duckdb.DuckDBPyConnection, query: str, same_code: Mapping[str, bool]
) -> list[Why]:
    """Tell why the texts of an entity are or are not read.

    Args:
        settings: Where the lake is, and who reads.
        con: The connection that reads it.
        query: An entity id, a record (source:source_id), or a name.
        same_code: Whether what was read of each type is by the code and configuration of today.

    Returns:
        The entities that it names, of all types with inference; at most `MOST` of each.
    """
    lake = Lake(settings)
    found = []
    for kind in INFERENCE_TYPES:
        lake.relation(con, inference_decisions(kind)).create_view("decided", replace=True)
        lake.relation(con, entity_members(kind)).create_view("member", replace=True)
        con.execute(
            """
            CREATE OR REPLACE TABLE wanted AS
            SELECT *
            FROM decided
            WHERE entity_id = $query
                OR lower(strip_accents(name)) = lower(strip_accents($query))
                OR entity_id IN (
                    SELECT entity_id
                    FROM member
                    WHERE source || ':' || source_id = $query
                )
            ORDER BY entity_id
            LIMIT $most
            """,
            {"query": query, "most": MOST},
        )
        rows = con.table("wanted").order("entity_id").to_arrow_table().to_pylist()
        if rows:
            _compare(settings, lake, con, kind, same_code=same_code.get(kind, False), wanted=True)
            contexts = _contexts(lake, con, kind)
            found += [
                Why(kind, row, tuple(each for each in contexts if each["entity_id"] == entity))
                for row in rows
                for entity in [row["entity_id"]]
            ]
    return found


def changes_of(
    settings: Settings, con: duckdb.DuckDBPyConnection, entity_type: str, *, same_code: bool
) -> dict[str, int]:
    """Count the contexts of a type by what changed since they were read.

    Args:
        settings: Where the lake is, and who reads.
        con: The connection that reads it.
        entity_type: The type.
        same_code: Whether what was read is by the code and configuration of today.
    """
    _compare(settings, Lake(settings), con, entity_type, same_code=same_code, wanted=False)
    counts = con.sql("SELECT reason, count(*) FROM change GROUP BY ALL ORDER BY ALL").fetchall()
    return dict(counts)


def decisions_of(
    settings: Settings, con: duckdb.DuckDBPyConnection, entity_type: str
) -> dict[str, dict[str, int]]:
    """Count the entities of a type by decision and reason, as the last build decided."""
    decided = Lake(settings).relation(con, inference_decisions(entity_type))
    counts: dict[str, dict[str, int]] = {}
    for decision, reason, count in (
        decided.aggregate("decision, reason, count(*)").order("ALL").fetchall()
    ):
        counts.setdefault(decision, {})[reason] = count
    return counts


def _compare(
    settings: Settings,
    lake: Lake,
    con: duckdb.DuckDBPyConnection,
    kind: str,
    *,
    same_code: bool,
    wanted: bool,
) -> None:
    """Make the tables `context` and `change`, of all entities or of those in `wanted`."""
    ontology = load_ontology()
    choice = choose(settings, ontology, kind)
    if choice.extractor.model is not None:
        choice = choice.taught(reviewed(settings, kind))
    for name, table, partition in (
        ("all_contexts", extraction_contexts(kind), None),
        ("documents", DOCUMENTS, kind),
        ("all_states", extraction_states(kind), None),
    ):
        lake.relation(con, table, partition).create_view(name, replace=True)
    only = "SEMI JOIN wanted USING (entity_id)" if wanted else ""
    con.execute(f"CREATE OR REPLACE VIEW contexts AS SELECT * FROM all_contexts {only}")  # noqa: S608 - ours
    view_contexts(con, choice.extractor)
    view_former(con, con.sql(f"SELECT * FROM all_states {only}"))  # noqa: S608 - our own words
    tell_changes(con, choice.extractor, ontology, same_code=same_code)


def _contexts(lake: Lake, con: duckdb.DuckDBPyConnection, kind: str) -> list[dict[str, Any]]:
    lake.relation(con, reading_decisions(kind)).create_view("reading", replace=True)
    lake.relation(con, inferred_relations(kind)).create_view("found_fact", replace=True)
    return list(
        con.sql(
            """
            SELECT
                context.entity_id,
                documents.source,
                documents.source_id,
                context.start,
                string_agg(DISTINCT state.state, ', ') AS state,
                string_agg(DISTINCT state.detail, '; ') AS detail,
                string_agg(DISTINCT state.extractor, ', ') AS extractor,
                any_value(reading.reason) AS read_because,
                any_value(change.reason) AS now,
                (
                    SELECT count(*)
                    FROM found_fact
                    WHERE found_fact.context_id = context.context_id
                ) AS facts,
                (
                    SELECT count(*)
                    FROM found_fact
                    WHERE found_fact.context_id = context.context_id
                        AND status = 'accepted'
                ) AS accepted
            FROM context
            JOIN change USING (context_id)
            LEFT JOIN documents USING (document_id)
            LEFT JOIN former_state AS state
                ON state.context_id = context.context_id
            LEFT JOIN reading
                ON reading.context_id = context.context_id
            GROUP BY
                context.context_id,
                context.entity_id,
                documents.source,
                documents.source_id,
                context.start
            ORDER BY context.entity_id, documents.source, documents.source_id, context.start
            """
        )
        .to_arrow_table()
        .to_pylist()
    )
