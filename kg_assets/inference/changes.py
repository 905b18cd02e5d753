"""What changed since a context was read: why it is read again, or stands as it was read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from kg_assets.inference.combined import InOrder
from kg_assets.inference.decision_tables import reading_decisions
from kg_assets.inference.extractors import Extractor, identity
from kg_assets.inference.tables import extraction_states

if TYPE_CHECKING:
    import duckdb

    from ontology.schema import Ontology

FIRST = "not read before"
FURTHER = "a further text of what was read before"
DOCUMENT = "its text changed"
EXTRACTOR = "another extractor"
MODEL = "another language model"
ONTOLOGY = "the ontology changed"
PROMPT = "the prompt or the rules changed"
GIVEN = "what is known of it or of its candidates changed"
AGAIN = "it could not be read before"
PROGRAM = "the program or its configuration changed"
NOTHING = "nothing changed since it was read"

_ASKED = pa.schema([(name, pa.string()) for name in ("name", "version", "model")])


def view_contexts(con: duckdb.DuckDBPyConnection, extractor: Extractor) -> None:
    """Make the table `context`, each with its document as it is now and a hash of all of it.

    Args:
        con: Connection with the views `contexts` (rows of extraction_contexts) and `documents`.
        extractor: Who is to read them; part of the hash.
    """
    con.execute(
        """
        CREATE OR REPLACE TABLE context AS
        SELECT
            given.*,
            documents.text AS document_text,
            documents.sha256 AS current_sha256,
            sha256(
                concat_ws(chr(31), $who, documents.sha256, to_json(given)::VARCHAR)
            ) AS content_sha256
        FROM (
            -- Which passages led to the candidates is not given to an extractor.
            SELECT * EXCLUDE (retrieved_chunks)
            FROM contexts
        ) AS given
        LEFT JOIN documents USING (document_id)
        """,
        {"who": identity(extractor)},
    )


def view_former(con: duckdb.DuckDBPyConnection, states: duckdb.DuckDBPyRelation | None) -> None:
    """Make the view `former_state` of what was read before, by whatever code.

    Args:
        con: The connection.
        states: Rows of extraction_states, None where there are none; a version that lacks columns
            is too old to be compared with.
    """
    schema = extraction_states("").schema
    if states is None or not {*schema.names} <= {*states.columns}:
        con.register("no_state", schema.empty_table())
        states = con.table("no_state")
    states.create_view("former_state", replace=True)


def tell_changes(
    con: duckdb.DuckDBPyConnection, extractor: Extractor, ontology: Ontology, *, same_code: bool
) -> None:
    """Make the table `change` (context_id, reason): what changed since each context was read.

    Args:
        con: Connection with `context` and `former_state`.
        extractor: Who is to read them.
        ontology: The ontology of today.
        same_code: Whether the former states are by the code and configuration of today. What was
            read by them stands, also where the ontology changed for other entity types.
    """
    members = extractor.members if isinstance(extractor, InOrder) else (extractor,)
    asked = [{"name": one.name, "version": one.version, "model": one.model} for one in members]
    con.register("asked", pa.Table.from_pylist(asked, schema=_ASKED))
    con.execute(
        """
        CREATE OR REPLACE TABLE change AS
        WITH former AS (
            SELECT
                context_id,
                bool_and(final) AS final,
                any_value(content_sha256) AS content_sha256,
                bool_or(asked.name IS NULL) OR NOT bool_or(extractor = $first_asked)
                    AS extractor_changed,
                bool_or(asked.name IS NOT NULL AND former_state.model IS DISTINCT FROM asked.model)
                    AS model_changed,
                bool_or(asked.name IS NOT NULL AND extractor_version <> asked.version)
                    AS prompt_changed,
                bool_or(ontology <> $ontology) AS ontology_changed
            FROM former_state
            LEFT JOIN asked
                ON asked.name = former_state.extractor
            GROUP BY context_id
        ),
        known AS (
            SELECT
                entity_id,
                bool_or(context_id NOT IN (SELECT context_id FROM context)) AS lost
            FROM former_state
            GROUP BY entity_id
        )
        SELECT
            context_id,
            CASE
                WHEN former.context_id IS NULL THEN CASE
                    WHEN known.lost THEN $document
                    WHEN known.entity_id IS NOT NULL THEN $further
                    ELSE $first
                END
                WHEN $same_code
                    AND final
                    AND former.content_sha256 = context.content_sha256
                    THEN $nothing
                ELSE coalesce(
                    nullif(
                        concat_ws(
                            ', ',
                            CASE WHEN extractor_changed THEN $extractor END,
                            CASE WHEN model_changed THEN $model END,
                            CASE WHEN ontology_changed THEN $changed_ontology END,
                            -- The prompt holds the ontology.
                            CASE WHEN prompt_changed AND NOT ontology_changed THEN $prompt END
                        ),
                        ''
                    ),
                    CASE
                        WHEN former.content_sha256 <> context.content_sha256 THEN $given
                        WHEN NOT final THEN $again
                        ELSE $program
                    END
                )
            END AS reason
        FROM context
        LEFT JOIN former USING (context_id)
        LEFT JOIN known USING (entity_id)
        """,
        {
            "first_asked": members[0].name,
            "ontology": ontology.hash,
            "same_code": same_code,
            "first": FIRST,
            "further": FURTHER,
            "document": DOCUMENT,
            "extractor": EXTRACTOR,
            "model": MODEL,
            "changed_ontology": ONTOLOGY,
            "prompt": PROMPT,
            "given": GIVEN,
            "again": AGAIN,
            "program": PROGRAM,
            "nothing": NOTHING,
        },
    )
    con.unregister("asked")


def decided(
    con: duckdb.DuckDBPyConnection,
    extractor: Extractor,
    ontology: Ontology,
    former: duckdb.DuckDBPyRelation | None,
) -> duckdb.DuckDBPyRelation:
    """Say why each context was read with what it holds now.

    Args:
        con: Connection with `context`, `change` and `standing` (context_id: what is not read
            again).
        extractor: Who is asked.
        ontology: The ontology of today.
        former: Rows of reading_decisions before; None where there are none.

    Returns:
        Rows of reading_decisions. A reason stays as long as what was read does.
    """
    if former is None:
        con.register("no_reason", reading_decisions("").schema.empty_table())
        former = con.table("no_reason")
    former.create_view("former_reason", replace=True)
    return con.sql(
        """
        SELECT
            context.context_id,
            context.entity_id,
            context.document_id,
            coalesce(former.reason, change.reason) AS reason,
            coalesce(former.extractor, $extractor) AS extractor,
            context.content_sha256,
            coalesce(former.ontology, $ontology) AS ontology
        FROM context
        JOIN change USING (context_id)
        LEFT JOIN standing USING (context_id)
        LEFT JOIN former_reason AS former
            ON former.context_id = context.context_id
            AND former.content_sha256 = context.content_sha256
            AND (standing.context_id IS NOT NULL OR former.ontology = $ontology)
        """,
        params={"extractor": extractor.name, "ontology": ontology.hash},
    )
