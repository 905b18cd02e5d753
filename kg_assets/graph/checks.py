"""Promises of a built graph: what would break each, as a relation of offenders.

Works on any DuckDB connection with tables or views `nodes`, `edges`, `evidence` and
`relation_types`: that of the step that writes the edges, or the published file.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from kg_assets.checks import Check, Verdict, none_of
from kg_assets.graph.evidence import without_evidence
from kg_assets.graph.tables import EDGES, EVIDENCE

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb

    from resources.lake import Step

    Offenders = Callable[[duckdb.DuckDBPyConnection], duckdb.DuckDBPyRelation]


def repeated_ids(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyRelation:
    """Ids of nodes, edges and evidence that occur more than once."""
    return con.sql(
        """
        SELECT 'nodes' AS "table", node_id AS id, count(*) AS "rows"
        FROM nodes GROUP BY ALL HAVING count(*) > 1
        UNION ALL
        SELECT 'edges', edge_id, count(*)
        FROM edges GROUP BY ALL HAVING count(*) > 1
        UNION ALL
        SELECT 'evidence', evidence_id, count(*)
        FROM evidence GROUP BY ALL HAVING count(*) > 1
        """
    )


def dangling(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyRelation:
    """Edges with an end that is no node, and evidence of a node or edge that does not exist."""
    return con.sql(
        """
        SELECT 'edge subject' AS what, edge_id AS id, subject_id AS leads_to
        FROM edges ANTI JOIN nodes ON nodes.node_id = edges.subject_id
        UNION ALL
        SELECT 'edge object', edge_id, object_id
        FROM edges ANTI JOIN nodes ON nodes.node_id = edges.object_id
        UNION ALL
        SELECT 'evidence of a node', evidence_id, subject_id
        FROM evidence ANTI JOIN nodes ON nodes.node_id = evidence.subject_id
        WHERE subject_kind = 'node'
        UNION ALL
        SELECT 'evidence of an edge', evidence_id, subject_id
        FROM evidence ANTI JOIN edges ON edges.edge_id = evidence.subject_id
        WHERE subject_kind = 'edge'
        """
    )


def outside_domain_or_range(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyRelation:
    """Edges whose relation the ontology lacks, or whose ends it does not allow."""
    return con.sql(
        """
        SELECT
            edges.edge_id,
            edges.relation,
            subject.node_type AS subject_type,
            object.node_type AS object_type
        FROM edges
        JOIN nodes AS subject ON subject.node_id = edges.subject_id
        JOIN nodes AS object ON object.node_id = edges.object_id
        LEFT JOIN relation_types AS declared USING (relation)
        WHERE declared.relation IS NULL
            OR NOT list_contains(declared.domain, subject.node_type)
            OR NOT list_contains(declared.range, object.node_type)
        """
    )


PROMISES: dict[str, tuple[Offenders, str]] = {
    "unique_ids": (repeated_ids, "No two nodes, edges or rows of evidence have the same id."),
    "no_dangling_edge": (
        dangling,
        "Both ends of each edge are nodes, and all evidence is of a node or edge that exists.",
    ),
    "domain_and_range": (
        outside_domain_or_range,
        "The ontology has each edge's relation and allows the types of its ends.",
    ),
    "everything_has_evidence": (
        without_evidence,
        "Each attribute of a node and each edge leads back to a record or to a quote.",
    ),
}
"""Name of each check, what breaks it, and what is promised."""


def _look(step: Step, offenders: Offenders) -> Verdict:
    return none_of(offenders(step.con))


def edge_checks() -> tuple[Check, ...]:
    """The promises as checks of the step that writes edges and evidence."""
    return tuple(
        Check(
            name=name,
            table=EVIDENCE if name == "everything_has_evidence" else EDGES,
            description=description,
            look=partial(_look, offenders=offenders),
        )
        for name, (offenders, description) in PROMISES.items()
    )
