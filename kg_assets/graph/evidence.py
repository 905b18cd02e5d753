"""Evidence: the records and quotes on which each attribute of a node and each edge rests.

Works on the views that `edges` works on, and on `claims` (entity_id, attribute, value, source,
source_id, chosen, entity_type): what each record says of its entity.
"""

# ruff: noqa: S608 - names in statements are columns of our own tables.

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from kg_assets.graph.edges import EDGE_ID
from kg_assets.graph.tables import EVIDENCE, NODE_ATTRIBUTES, NODES

if TYPE_CHECKING:
    import duckdb

_IDENTIFYING = (
    "subject_kind",
    "subject_id",
    "attribute",
    "value",
    "kind",
    "source",
    "source_id",
    "sha256",
    "document_id",
    "start",
    "end",
    "extractor",
)


def _with_id(said: str, part: int, parts: int) -> str:
    """Add to a query of evidence the id, a hash of what is said and where; one row of each."""
    # A null and an empty string must not give the same id, which concat_ws alone would do.
    texts = ", ".join(f'coalesce("{name}"::VARCHAR, chr(30))' for name in _IDENTIFYING)
    rest = ", ".join(
        f'any_value("{name}") AS "{name}"' if name in _IDENTIFYING else f'max("{name}") AS "{name}"'
        for name in EVIDENCE.schema.names
        if name != "evidence_id"
    )
    return f"""
        SELECT
            left(sha256(concat_ws(chr(31), {texts})), 32) AS evidence_id,
            {rest}
        FROM ({said})
        WHERE hash(subject_id) % {parts} = {part}
        GROUP BY evidence_id
        """


def _shown() -> str:
    """Query of what nodes show (node_id, attribute, value), a row for each value of a list."""
    return "UNION ALL".join(
        f"""
                SELECT node_id, '{name}' AS attribute, {_value(name)} AS value
                FROM nodes
                WHERE {name} IS NOT NULL
                """
        for name in NODE_ATTRIBUTES
    )


def _value(name: str) -> str:
    listed = pa.types.is_list(NODES.schema.field(name).type)
    return f"unnest({name})::VARCHAR" if listed else f"{name}::VARCHAR"


def node_evidence(
    con: duckdb.DuckDBPyConnection, part: int = 0, parts: int = 1
) -> duckdb.DuckDBPyRelation:
    """What records say of the attributes of nodes.

    The name of a genre or country rests on the first record of each source that names it; the
    other records are evidence of the edges that lead there.

    Args:
        con: Connection with the views `nodes`, `records`, `claims` and `vocabulary_terms`.
        part: Which part of the subjects, from 0.
        parts: How many there are; all texts of one lie in memory when its rows are grouped.

    Returns:
        Relation with the columns of the table evidence. A claim is chosen where it says what
        the node shows.
    """
    return con.sql(
        _with_id(
            f"""
            WITH shown AS (
                {_shown()}
            ),
            claim AS (
                SELECT
                    claims.entity_id AS subject_id,
                    claims.attribute,
                    claims.value,
                    shown.node_id IS NOT NULL AS chosen,
                    claims.entity_type,
                    claims.source,
                    claims.source_id
                FROM claims
                LEFT JOIN shown
                    ON shown.node_id = claims.entity_id
                    AND shown.attribute = claims.attribute
                    AND shown.value = claims.value
                WHERE claims.attribute IN (SELECT attribute FROM shown)
            ),
            term AS (
                SELECT
                    node_id AS subject_id,
                    'name' AS attribute,
                    arg_min(value, (entity_type, source_id, value)) AS value,
                    true AS chosen,
                    arg_min(entity_type, (entity_type, source_id, value)) AS entity_type,
                    source,
                    arg_min(source_id, (entity_type, source_id, value)) AS source_id
                FROM vocabulary_terms
                GROUP BY ALL
            )
            SELECT
                'node' AS subject_kind,
                subject_id,
                attribute,
                value,
                chosen,
                'record' AS kind,
                source,
                source_id,
                file,
                "table",
                position,
                sha256,
                delivery,
                NULL::VARCHAR AS document_id,
                NULL::VARCHAR AS quote,
                NULL::BIGINT AS start,
                NULL::BIGINT AS "end",
                NULL::VARCHAR AS extractor,
                NULL::VARCHAR AS reviewer,
                1.0::DOUBLE AS confidence
            FROM (SELECT * FROM claim UNION ALL BY NAME SELECT * FROM term)
            JOIN records USING (entity_type, source, source_id)
            SEMI JOIN nodes ON subject_id = node_id
            """,
            part,
            parts,
        )
    )


def edge_evidence(
    con: duckdb.DuckDBPyConnection, part: int = 0, parts: int = 1
) -> duckdb.DuckDBPyRelation:
    """The records and quotes that say what the edges say.

    Args:
        con: Connection with `facts` (see `edges.facts`) and the views `records` and `documents`.
        part: Which part of the subjects, from 0.
        parts: How many there are.

    Returns:
        Relation with the columns of the table evidence; attribute is the relation. A quote has
        the record that its document is from, with its blob, where the document is from one.
    """
    return con.sql(
        _with_id(
            f"""
            WITH said AS (
                SELECT
                    {EDGE_ID} AS edge_id,
                    fact.*
                FROM facts AS fact
                WHERE problem IS NULL
            ),
            placed AS (
                SELECT
                    said.* REPLACE (
                        coalesce(said.entity_type, document.entity_type) AS entity_type,
                        coalesce(said.source, document.source) AS source,
                        coalesce(said.source_id, document.source_id) AS source_id
                    )
                FROM said
                LEFT JOIN documents AS document USING (document_id)
            )
            SELECT
                'edge' AS subject_kind,
                placed.edge_id AS subject_id,
                placed.relation AS attribute,
                placed.value AS value,
                NULL::BOOLEAN AS chosen,
                CASE placed.kind WHEN 'stated' THEN 'record' ELSE 'quote' END AS kind,
                placed.source AS source,
                placed.source_id AS source_id,
                record.file AS file,
                record."table" AS "table",
                record.position AS position,
                record.sha256 AS sha256,
                record.delivery AS delivery,
                placed.document_id AS document_id,
                placed.quote AS quote,
                placed.start AS start,
                placed."end" AS "end",
                placed.extractor AS extractor,
                placed.reviewer AS reviewer,
                placed.confidence AS confidence
            FROM placed
            LEFT JOIN records AS record USING (entity_type, source, source_id)
            """,
            part,
            parts,
        )
    )


def without_evidence(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyRelation:
    """What the graph says and cannot lead back to a record or a quote; it should be nothing.

    A quote counts where it has its document and offsets, a record where it has its blob's hash.

    Args:
        con: Connection with the tables or views `nodes`, `edges` and `evidence`.

    Returns:
        Relation (subject_kind, subject_id, attribute).
    """
    return con.sql(
        f"""
        WITH shown AS (
            {_shown()}
        ),
        said AS (
            SELECT DISTINCT 'node' AS subject_kind, node_id AS subject_id, attribute FROM shown
            UNION ALL
            SELECT 'edge' AS subject_kind, edge_id AS subject_id, relation AS attribute FROM edges
        ),
        grounded AS (
            SELECT DISTINCT
                subject_kind,
                subject_id,
                attribute
            FROM evidence
            WHERE sha256 IS NOT NULL
                OR (document_id IS NOT NULL AND quote IS NOT NULL AND start IS NOT NULL)
        )
        SELECT *
        FROM said
        ANTI JOIN grounded USING (subject_kind, subject_id, attribute)
        """
    )
