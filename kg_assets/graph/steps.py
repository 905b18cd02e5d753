"""The steps of the graph stage: what each reads from the lake, and what it writes."""

# ruff: noqa: S608 - names in statements are our own, and deliveries go by number.

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pyarrow as pa

from kg_assets.graph import edges, evidence, nodes
from kg_assets.graph.publication import Database, PublishedTable, publish
from kg_assets.graph.redirects import REDIRECTS_DESCRIPTION, REDIRECTS_SCHEMA, redirects
from kg_assets.graph.tables import (
    EDGE_PROBLEMS,
    EDGES,
    EVIDENCE,
    KNOWLEDGE_GRAPH,
    NODES,
)
from kg_assets.graph.vocabulary import RELATIONS_SCHEMA, relation_types
from kg_assets.inference.review.tables import reviewed_relations
from kg_assets.inference.tables import DOCUMENTS, INFERENCE_TYPES
from kg_assets.matching.golden import claims
from kg_assets.matching.tables import entity_members, identity_events, resolved_entities
from kg_assets.sources.record import ENTITY_TYPES, RECORD_SCHEMA
from kg_assets.sources.tables import DELIVERIES, SOURCE_RECORDS
from resources.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    import duckdb

    from resources.lake import Step


def _records_of(entity_type: str) -> Table:
    """What is read of a type's current records; their features are matching's own affair."""
    return Table(
        name=f"{entity_type}/records",
        schema=pa.schema([*RECORD_SCHEMA, pa.field("delivery", pa.string(), nullable=False)]),
        key=("source", "source_id"),
        description="The current version of each record of a type.",
    )


_RECORDS = tuple(_records_of(each) for each in ENTITY_TYPES)
_MEMBERS = tuple(entity_members(each) for each in ENTITY_TYPES)
_ENTITIES = tuple(resolved_entities(each) for each in ENTITY_TYPES)
_EVENTS = tuple(identity_events(each) for each in ENTITY_TYPES)
_REVIEWED = tuple(reviewed_relations(each) for each in INFERENCE_TYPES)

NODES_INPUTS: tuple[Table, ...] = (*_RECORDS, *_ENTITIES)
"""What `run_nodes` reads."""

EDGES_INPUTS: tuple[Table, ...] = (
    DELIVERIES,
    SOURCE_RECORDS,
    NODES,
    DOCUMENTS,
    *_RECORDS,
    *_MEMBERS,
    *_REVIEWED,
)
"""What `run_edges` reads."""

KNOWLEDGE_GRAPH_INPUTS: tuple[Table, ...] = (NODES, EDGES, EVIDENCE, EDGE_PROBLEMS, *_EVENTS)
"""What `run_knowledge_graph` reads."""

_PART_ROWS = 200_000
"""Rows of evidence that are grouped at once: about 100 MB."""

_PLACE = 'entity_type, source, source_id, file, "table", position, sha256'


def run_nodes(step: Step) -> None:
    """Write the nodes."""
    _union(step, "entities", _ENTITIES)
    _records(step)
    rows = step.write(NODES, nodes.nodes(step.con))
    by_type = step.staged(NODES).aggregate("node_type, count(*)").order("node_type").fetchall()
    step.report(nodes=rows, nodes_by_type=dict(by_type))


def run_edges(step: Step) -> None:
    """Write the edges, the evidence of nodes and edges, and what could not be published.

    Leaves the views nodes, edges, evidence and relation_types on the step's connection, as
    `kg_assets.graph.checks` reads them.
    """
    from ontology.schema import load_ontology

    con = step.con
    step.view("nodes", NODES)
    step.view("documents", DOCUMENTS)
    _union(step, "members", _MEMBERS)
    _union(step, "reviewed_relations", _REVIEWED)
    _placed_records(step)
    con.register("relation_types", relation_types(load_ontology()))
    _claims(con)
    _keep(con, "facts", edges.facts(con))
    edges.refuse_contradicted(con, load_ontology())
    _keep_in_parts(con, "edge_evidence", evidence.edge_evidence, "facts")
    step.write(EDGES, edges.edges(con))
    step.write(EDGE_PROBLEMS, edges.problems(con))
    _keep_in_parts(con, "node_evidence", evidence.node_evidence, "claims")
    both = con.table("node_evidence").union(con.table("edge_evidence"))
    step.write(EVIDENCE, both)
    for name, table in (("edges", EDGES), ("evidence", EVIDENCE)):
        step.staged(table).create_view(name, replace=True)
    kinds = con.sql("SELECT relation, kind, count(*) FROM edges GROUP BY ALL ORDER BY ALL")
    refused = con.sql("SELECT problem, count(*) FROM facts WHERE problem IS NOT NULL GROUP BY ALL")
    step.report(
        edges=con.table("edges").aggregate("count(*)").fetchall()[0][0],
        evidence=con.table("evidence").aggregate("count(*)").fetchall()[0][0],
        edges_by_relation={f"{name} ({kind})": count for name, kind, count in kinds.fetchall()},
        not_published=dict(refused.fetchall()),
    )


def run_knowledge_graph(step: Step, database: Database, published: Path) -> None:
    """Bring the published file up to date, and write what it holds.

    Args:
        step: The step.
        database: dagster-duckdb's DuckDBResource.
        published: Path of the published file.
    """
    manifest, made = publish_graph(step, database, published)
    step.write(KNOWLEDGE_GRAPH, manifest)
    step.report(file_made=made, file_bytes=published.stat().st_size)


def publish_graph(step: Step, database: Database, published: Path) -> tuple[pa.Table, bool]:
    """Make a published file of the tables that a step reads.

    Args:
        step: Reads them; nothing is written to the lake.
        database: dagster-duckdb's DuckDBResource.
        published: Path of the published file.

    Returns:
        As `kg_assets.graph.publication.publish`.
    """
    from ontology.schema import load_ontology

    con = step.con
    ontology = load_ontology()
    step.view("nodes", NODES)
    _union(step, "identity_events", _EVENTS)
    declared = con.from_arrow(relation_types(ontology))
    tables = [
        _published(step, NODES, ("node_type", "name", "node_id")),
        _published(step, EDGES, ("relation", "subject_id", "object_id")),
        _published(
            step, EVIDENCE, ("subject_kind", "subject_id", "attribute", "value", "evidence_id")
        ),
        _published(step, EDGE_PROBLEMS, ("reason", "problem_id")),
        PublishedTable(
            name="relation_types",
            description="The relations of the ontology, inverse ones included.",
            schema=RELATIONS_SCHEMA,
            order=("relation",),
            rows=declared,
            sha256=hashlib.sha256(ontology.hash.encode()).hexdigest(),
        ),
        PublishedTable(
            name="redirects",
            description=REDIRECTS_DESCRIPTION,
            schema=REDIRECTS_SCHEMA,
            order=("old_id", "event", "entity_id"),
            rows=redirects(con),
            sha256=_joint_digest(step, (*_EVENTS, NODES)),
        ),
    ]
    return publish(
        database,
        published,
        tables,
        config={
            "threads": str(step.lake.settings.threads),
            "memory_limit": step.lake.settings.memory_limit,
            "temp_directory": str(step.scratch),
        },
    )


def _published(step: Step, table: Table, order: tuple[str, ...]) -> PublishedTable:
    return PublishedTable(
        name=table.name,
        description=table.description,
        schema=table.schema,
        order=order,
        rows=step.read(table),
        sha256=_joint_digest(step, (table,)),
    )


def _joint_digest(step: Step, tables: Iterable[Table]) -> str:
    """Hash of the content of tables as the step's namespace has it now."""
    parts = [f"{each.name} {step.lake.current_digest(each.name, '*')}" for each in tables]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _union(step: Step, name: str, tables: Iterable[Table]) -> None:
    """Make a view of the rows of tables that have the same columns."""
    parts = []
    for number, table in enumerate(tables):
        step.view(f"{name}_{number}", table)
        columns = ", ".join(f'"{column}"' for column in table.schema.names)
        parts.append(f"SELECT {columns} FROM {name}_{number}")
    step.con.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {' UNION ALL '.join(parts)}")


def _keep(con: duckdb.DuckDBPyConnection, name: str, rows: duckdb.DuckDBPyRelation) -> None:
    """Compute rows once, as a temporary table that spills where memory ends."""
    rows.create_view("computed", replace=True)
    con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM computed")


def _keep_in_parts(
    con: duckdb.DuckDBPyConnection,
    name: str,
    part_of: Callable[[duckdb.DuckDBPyConnection, int, int], duckdb.DuckDBPyRelation],
    counted: str,
) -> None:
    """The same, a part at a time: DuckDB spills rows, and not the texts of groups.

    Args:
        con: The connection.
        name: Name of the table.
        part_of: Gives the rows of one part, by its number and how many there are.
        counted: Name of a table with about as many rows.
    """
    rows = con.table(counted).aggregate("count(*)").fetchall()[0][0]
    parts = 1 + rows // _PART_ROWS
    for part in range(parts):
        part_of(con, part, parts).create_view("computed", replace=True)
        if not part:
            con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM computed LIMIT 0")
        con.execute(f"INSERT INTO {name} SELECT * FROM computed")


def _records(step: Step) -> None:
    """Make the view of the current records of all types."""
    _union(step, "records", _RECORDS)


def _placed_records(step: Step) -> None:
    """Make the table of the current records of all types, each with the place of its blob."""
    con = step.con
    _union(step, "current_records", _RECORDS)
    step.view("deliveries", DELIVERIES)
    delivered = con.sql("SELECT source, delivery FROM deliveries ORDER BY ALL").fetchall()
    numbers = {f"{source}|{name}": number for number, (source, name) in enumerate(delivered)}
    step.view_partitions("delivered", SOURCE_RECORDS, numbers)
    names = pa.table(
        {
            "number": pa.array(range(len(delivered)), pa.int32()),
            "delivery": pa.array([delivery for _, delivery in delivered], pa.string()),
        }
    )
    con.register("delivery_names", names)
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE records AS
        SELECT
            current.*,
            place.file,
            place."table",
            place.position,
            place.sha256
        FROM current_records AS current
        LEFT JOIN (
            SELECT {_PLACE}, delivery
            FROM delivered
            JOIN delivery_names USING (number)
        ) AS place USING (entity_type, source, source_id, delivery)
        """
    )


def _claims(con: duckdb.DuckDBPyConnection) -> None:
    """Make the table of what each record says of its entity, one entity type after another."""
    con.execute(
        """
        CREATE TEMP TABLE claims (
            entity_id VARCHAR,
            entity_type VARCHAR,
            attribute VARCHAR,
            value VARCHAR,
            source VARCHAR,
            source_id VARCHAR
        )
        """
    )
    for entity_type in ENTITY_TYPES:
        for name in ("records", "members"):
            con.execute(
                f"""
                CREATE OR REPLACE TEMP VIEW {name}_of_type AS
                SELECT * FROM {name} WHERE entity_type = '{entity_type}'
                """
            )
        # Which claim is chosen is read from the nodes, so no source has to have a rank here.
        claims(con, "records_of_type", "members_of_type", {}).create_view(
            "claims_of_type", replace=True
        )
        con.execute(
            f"""
            INSERT INTO claims
            SELECT DISTINCT entity_id, '{entity_type}', attribute, value, source, source_id
            FROM claims_of_type
            """
        )
