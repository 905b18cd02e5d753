"""Edges: what records state and what was inferred, in one direction, checked by the ontology.

Works on views of one DuckDB connection: `records`, `members` and `documents` of all types,
`reviewed_relations`, `nodes`, and `relation_types` (see `vocabulary.RELATIONS_SCHEMA`). Each
function returns a relation of facts, one row for each time that something is said; `edges` makes
one row of all that say the same. A fact's evidence belongs to `evidence`.
"""

# ruff: noqa: S608 - the only thing put into a statement is an expression of this module.

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from kg_assets.consistency import contradicted
from kg_assets.graph.nodes import vocabulary_terms
from kg_assets.graph.parents import parent_facts
from kg_assets.stated_relations import stated_relations
from ontology.schema import load_ontology
from ontology.validation import OLDER, YEARS_APART

if TYPE_CHECKING:
    import duckdb

    from ontology.schema import Ontology

EDGE_ID = """left(
                    sha256(concat_ws(chr(31), fact.relation, fact.subject_id, fact.object_id)), 32
                )"""
"""SQL expression for the id of an edge: a hash of what the fact says."""


def credit_facts(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyRelation:
    """What the credits of works state.

    The ontology says which role states which relation, and by the relation's domain which end
    the person is: a work is directed_by a person, a person performed_in a work.

    Args:
        con: Connection with the views `records`, `members` and `relation_types`.

    Returns:
        Relation of facts; relation is null for a role that no relation is stated by, an end is
        null where its record belongs to no entity.
    """
    return con.sql(
        """
        WITH credit AS (
            SELECT
                entity_type,
                source,
                source_id,
                unnest(credits) AS credit
            FROM records
        ),
        stated AS (
            SELECT
                relation,
                list_contains(domain, 'person') AS person_first,
                unnest(stated_by) AS field
            FROM relation_types
        ),
        person AS (
            SELECT
                source,
                source_id,
                entity_id
            FROM members
            WHERE entity_type = 'person'
        )
        SELECT
            stated.relation AS relation,
            CASE WHEN person_first THEN person.entity_id ELSE work.entity_id END AS subject_id,
            CASE WHEN person_first THEN work.entity_id ELSE person.entity_id END AS object_id,
            nullif(trim(credit.character), '') AS character,
            credit.position AS position,
            CASE
                WHEN relation IS NULL
                    THEN concat(coalesce(credit.role, 'no role'), ': ', credit.name)
                WHEN trim(credit.character) <> ''
                    THEN concat(credit.name, ' as ', trim(credit.character))
                ELSE credit.name
            END AS value,
            CASE
                WHEN relation IS NULL THEN 'the ontology has no relation for this role'
                WHEN credit.person_id IS NULL THEN 'the credit names no person record'
                WHEN person.entity_id IS NULL THEN 'the person record belongs to no entity'
                WHEN work.entity_id IS NULL THEN 'the record belongs to no entity'
            END AS problem,
            credit.entity_type AS entity_type,
            credit.source AS source,
            credit.source_id AS source_id
        FROM (SELECT * EXCLUDE (credit), unnest(credit) FROM credit) AS credit
        LEFT JOIN stated
            ON stated.field = 'credits.' || credit.role
        LEFT JOIN members AS work
            ON work.entity_type = credit.entity_type
            AND work.source = credit.source
            AND work.source_id = credit.source_id
        LEFT JOIN person
            ON person.source = credit.source
            AND person.source_id = credit.person_id
        """
    )


def term_facts(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyRelation:
    """Genres and countries of origin that records name.

    Args:
        con: Connection with the views `records` and `members`.

    Returns:
        Relation of facts.
    """
    vocabulary_terms(con).create_view("vocabulary_terms", replace=True)
    return con.sql(
        """
        SELECT
            term.relation AS relation,
            members.entity_id AS subject_id,
            term.node_id AS object_id,
            term.value AS value,
            CASE WHEN members.entity_id IS NULL THEN 'the record belongs to no entity' END
                AS problem,
            term.entity_type AS entity_type,
            term.source AS source,
            term.source_id AS source_id
        FROM vocabulary_terms AS term
        LEFT JOIN members USING (entity_type, source, source_id)
        """
    )


def inferred_facts(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyRelation:
    """Relations that were read from texts and that stand after review.

    Args:
        con: Connection with the view `reviewed_relations`.

    Returns:
        Relation of facts. An accepted fact whose object is only a proposal has a problem.
    """
    return con.sql(
        """
        SELECT
            relation,
            subject_id,
            object_id,
            object_name AS value,
            CASE WHEN object_id IS NULL THEN 'the object is a proposal, not an entity' END
                AS problem,
            document_id,
            quote,
            start,
            "end",
            extractor,
            reviewer,
            -- What a person accepted is as sure as what a record states.
            CASE WHEN reviewer IS NULL THEN confidence ELSE 1.0 END AS confidence
        FROM reviewed_relations
        WHERE status = 'accepted'
        """
    )


def facts(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyRelation:
    """All facts, each in the direction in which it is stored, with its problem if it has one.

    A relation that the ontology only derives (how is `inverse`) is turned round into the one
    that is stored; the ends of a symmetric one stand in order.

    Args:
        con: Connection with all the views named above.

    Returns:
        Relation (relation, subject_id, object_id, character, position, value, problem,
        entity_type, source, source_id, document_id, quote, start, end, extractor,
        reviewer, confidence, kind, refutable); problem is null where the fact may be published,
        and refutable tells whether a surer fact may contradict it: what was inferred, and what
        records state of other works.
    """
    said = credit_facts(con)
    said.create_view("credit_facts", replace=True)
    term_facts(con).create_view("term_facts", replace=True)
    parent_facts(con).create_view("parent_facts", replace=True)
    stated_relations(con, load_ontology()).create_view("relation_facts", replace=True)
    inferred_facts(con).create_view("inferred_facts", replace=True)
    return con.sql(
        f"""
        WITH stated AS (
            SELECT *, false AS refutable FROM credit_facts
            UNION ALL BY NAME
            SELECT *, false AS refutable FROM term_facts
            UNION ALL BY NAME
            SELECT *, false AS refutable FROM parent_facts
            UNION ALL BY NAME
            SELECT *, true AS refutable FROM relation_facts
        ),
        said AS (
            SELECT *, 'stated' AS kind, 1.0::DOUBLE AS confidence FROM stated
            UNION ALL BY NAME
            SELECT *, 'inferred' AS kind, true AS refutable FROM inferred_facts
        ),
        turned AS (
            SELECT
                said.* REPLACE (
                    CASE WHEN declared.how = 'inverse' THEN declared.inverse ELSE relation END
                        AS relation,
                    CASE
                        WHEN declared.how = 'inverse' THEN object_id
                        WHEN declared.symmetric THEN least(subject_id, object_id)
                        ELSE subject_id
                    END AS subject_id,
                    CASE
                        WHEN declared.how = 'inverse' THEN subject_id
                        WHEN declared.symmetric THEN greatest(subject_id, object_id)
                        ELSE object_id
                    END AS object_id
                )
            FROM said
            LEFT JOIN relation_types AS declared USING (relation)
        )
        SELECT
            turned.* REPLACE (
                CASE
                    WHEN problem IS NOT NULL THEN problem
                    WHEN declared.relation IS NULL THEN 'the ontology has no such relation'
                    WHEN subject.node_id IS NULL THEN 'the subject is not a node'
                    WHEN object.node_id IS NULL THEN 'the object is not a node'
                    WHEN subject_id = object_id THEN 'the subject is the object'
                    WHEN NOT list_contains(declared.domain, subject.node_type)
                        THEN 'domain: the subject is of type ' || subject.node_type
                    WHEN NOT list_contains(declared.range, object.node_type)
                        THEN 'range: the object is of type ' || object.node_type
                    -- What was inferred is held against the years where it is read.
                    WHEN refutable
                        AND kind = 'stated'
                        AND declared.older_object
                        AND object.year > subject.year + {YEARS_APART}
                        THEN '{OLDER}: ' || relation || ' leads from ' || subject.year || ' to '
                             || object.year || ', which is later'
                END AS problem
            )
        FROM turned
        LEFT JOIN relation_types AS declared USING (relation)
        LEFT JOIN nodes AS subject ON subject.node_id = turned.subject_id
        LEFT JOIN nodes AS object ON object.node_id = turned.object_id
        """
    )


def refuse_contradicted(con: duckdb.DuckDBPyConnection, ontology: Ontology) -> None:
    """Give a problem to facts that contradict surer ones, of whatever type or source.

    Each type's inference looks at its own facts. That a film continues a series which is based on
    the film shows only here. Whom records credit and where they belong stays: a source says so. Of
    what they state of other works, that which fewer sources state goes: that each of two films
    continues the other cannot be.

    Args:
        con: Connection with `facts` as a table.
        ontology: Cardinality, and which relations lead nobody back to itself.
    """
    refused = contradicted(
        con,
        f"""
        SELECT
            {EDGE_ID} AS claim_id,
            relation,
            subject_id,
            object_id,
            -- A statement goes before everything that was inferred, and what more sources state
            -- before what fewer do; what cannot be refuted goes first.
            CASE
                WHEN bool_or(NOT refutable) THEN 3.0
                WHEN bool_or(kind = 'stated')
                    THEN 2.0 + least(count(DISTINCT source) FILTER (kind = 'stated'), 99) / 100
                ELSE max(confidence)
            END AS confidence
        FROM facts AS fact
        WHERE problem IS NULL
        GROUP BY ALL
        """,
        ontology,
    )
    if not refused:
        return
    columns = {"edge_id": list(refused), "reason": list(refused.values())}
    con.register("refused", pa.table(columns))
    con.execute(
        f"""
        UPDATE facts AS fact
        SET problem = refused.reason
        FROM refused
        WHERE refused.edge_id = {EDGE_ID}
          AND fact.refutable
        """
    )
    con.unregister("refused")


def edges(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyRelation:
    """One row for all facts that say the same.

    Args:
        con: Connection with `facts` as a table or view, and `edge_evidence` (see
            `evidence.edge_evidence`).

    Returns:
        Relation with the columns of the table edges. An edge is stated if any record states it,
        and as sure as the surest that says it.
    """
    return con.sql(
        f"""
        WITH edge AS (
            SELECT
                {EDGE_ID} AS edge_id,
                relation,
                subject_id,
                object_id,
                CASE WHEN bool_or(kind = 'stated') THEN 'stated' ELSE 'inferred' END AS kind,
                list_sort(list(DISTINCT character) FILTER (character IS NOT NULL)) AS characters,
                min(position) AS position,
                max(confidence) AS confidence
            FROM facts AS fact
            WHERE problem IS NULL
            GROUP BY ALL
        ),
        told AS (
            SELECT
                subject_id AS edge_id,
                count(*) AS evidence
            FROM edge_evidence
            GROUP BY ALL
        )
        SELECT *
        FROM edge
        JOIN told USING (edge_id)
        """
    )


def problems(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyRelation:
    """What may not be published, one row a fact.

    Args:
        con: Connection with `facts` as a table or view.

    Returns:
        Relation with the columns of the table edge_problems.
    """
    return con.sql(
        """
        SELECT DISTINCT
            left(
                sha256(
                    to_json([
                        problem, relation, subject_id, object_id, value, entity_type, source,
                        source_id, document_id, start::VARCHAR
                    ])
                ),
                32
            ) AS problem_id,
            problem AS reason,
            relation,
            subject_id,
            object_id,
            value,
            source,
            source_id,
            document_id
        FROM facts
        WHERE problem IS NOT NULL
        """
    )
