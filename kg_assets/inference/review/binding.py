"""Which judgements bind which facts, whatever became of entities, extractors and texts since.

A judgement binds the facts with its subject, relation and object that are read from a text about
the subject that holds its quote. Of several judgements of one such fact in one text, the newest
counts, also where they named the object by different records.
"""

# ruff: noqa: S608 - what is put into statements are names of views of ours.

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from kg_assets.inference.gazetteer import name_key
from kg_assets.inference.proposing import proposal_id
from kg_assets.inference.review.values import FactJudgement
from kg_assets.judging import log
from kg_assets.sources.inferred import INFERRED

if TYPE_CHECKING:
    import duckdb

_KEYS_AT_ONCE = 8_192

_RESOLVED = pa.schema(
    [
        pa.field("id", pa.string()),
        pa.field("object_key", pa.string()),
        pa.field("object_record", pa.string()),
        pa.field("claim_relation", pa.string()),
        pa.field("claim_record", pa.string()),
        pa.field("claim_type", pa.string()),
        pa.field("claim_name", pa.string()),
        pa.field("claim_key", pa.string()),
    ]
)


def bind(
    con: duckdb.DuckDBPyConnection,
    judgements: duckdb.DuckDBPyRelation,
    facts: str,
    documents: str,
    members: str,
) -> int:
    """Find what judgements bind.

    Leaves on the connection the tables ``resolved_judgement`` (each standing judgement with
    subject_id, object_id, and claim_id, the entity that it takes to be the object; null where
    there is none now), ``placed_judgement`` (the same for each text about the subject that holds
    the quote: document_id, document_sha256, start; the newest of each fact) and ``binding``
    (fact_id, judgement: id of the row that binds the fact).

    Args:
        con: The connection of all.
        judgements: Rows of the table fact_judgements of one entity type.
        facts: Name of a view of facts (fact_id, subject_id, relation, object_id, object_type,
            object_name, document_id).
        documents: Name of a view of the documents of the type.
        members: Name of a view (entity_id, entity_type, source, source_id) of all entities that
            can be subject or object.

    Returns:
        How many judgements stand.
    """
    log.stand(con, judgements, FactJudgement.about).create("standing_judgement_given")
    con.execute("CREATE OR REPLACE TEMP TABLE standing_fact AS FROM standing_judgement_given")
    con.execute("DROP TABLE standing_judgement_given")
    standing = con.sql("FROM standing_fact ORDER BY id").to_arrow_table()
    resolve(con, [FactJudgement(**row) for row in standing.to_pylist()], members)
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE placed_judgement AS
        SELECT
            judgement.*,
            document.document_id,
            document.sha256 AS document_sha256,
            strpos(document.text, judgement.quote) - 1 AS start,
            document.source || ':' || document.source_id = judgement.record AS own_text
        FROM resolved_judgement AS judgement
        JOIN {documents} AS document
            ON document.entity_id = judgement.subject_id
            AND contains(document.text, judgement.quote)
        QUALIFY row_number() OVER (
            PARTITION BY
                document.document_id,
                judgement.relation,
                coalesce(judgement.object_id, judgement.object_key)
            ORDER BY judgement.time DESC, judgement.id DESC
        ) = 1
        """
    )
    _keys(con, facts)
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE binding AS
        SELECT
            fact.fact_id,
            judgement.id AS judgement
        FROM {facts} AS fact
        JOIN fact_key USING (fact_id)
        JOIN placed_judgement AS judgement
            ON judgement.document_id = fact.document_id
            AND judgement.subject_id = fact.subject_id
            AND judgement.relation = fact.relation
            AND (
                judgement.object_id = fact.object_id
                -- What was judged without an entity is judged by its name. That the text does not
                -- say it holds for whatever entity the name is linked to later.
                OR judgement.object IS NULL
                AND judgement.object_key = fact_key.key
                AND (
                    judgement.verdict = 'reject'
                    OR fact.object_id IS NULL
                    AND fact.object_type IS NOT DISTINCT FROM judgement.object_type
                )
            )
        QUALIFY row_number() OVER (
            PARTITION BY fact.fact_id
            ORDER BY judgement.time DESC, judgement.id DESC
        ) = 1
        """
    )
    return int(standing.num_rows)


def resolve(con: duckdb.DuckDBPyConnection, standing: list[FactJudgement], members: str) -> None:
    """Make the table ``resolved_judgement``; see `bind`.

    Args:
        con: The connection.
        standing: Standing judgements of one entity type.
        members: Name of a view of the members of all entities.
    """
    rows = []
    for one in standing:
        relation, record, kind, name = one.claimed
        rows.append(
            {
                "id": one.id,
                "object_key": name_key(one.object_name),
                "object_record": one.object or proposed_record(one.object_type, one.object_name),
                "claim_relation": relation,
                "claim_record": record or proposed_record(kind, name),
                "claim_type": kind,
                "claim_name": name,
                "claim_key": name_key(name),
            }
        )
    con.register("resolved_now", pa.Table.from_pylist(rows, schema=_RESOLVED))
    con.register(
        "standing_now",
        pa.Table.from_pylist(
            [{name: getattr(one, name) for name in _COLUMNS} for one in standing],
            schema=pa.schema([pa.field(name, pa.string()) for name in _COLUMNS]),
        ),
    )
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE judged_record AS
        SELECT
            entity_id,
            entity_type,
            source || ':' || source_id AS record
        FROM {members}
        WHERE source || ':' || source_id IN (
            SELECT record FROM standing_now
            UNION ALL
            SELECT object_record FROM resolved_now WHERE object_record IS NOT NULL
            UNION ALL
            SELECT claim_record FROM resolved_now WHERE claim_record IS NOT NULL
        )
        """
    )
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE resolved_judgement AS
        SELECT
            standing.*,
            resolved.* EXCLUDE (id),
            subject.entity_id AS subject_id,
            object.entity_id AS object_id,
            claim.entity_id AS claim_id
        FROM standing_now AS standing
        JOIN resolved_now AS resolved USING (id)
        LEFT JOIN judged_record AS subject
            ON subject.record = standing.record
            AND subject.entity_type = standing.entity_type
        LEFT JOIN judged_record AS object
            ON object.record = resolved.object_record
            AND object.entity_type = standing.object_type
        LEFT JOIN judged_record AS claim
            ON claim.record = resolved.claim_record
            AND claim.entity_type = resolved.claim_type
        """
    )
    con.unregister("resolved_now")
    con.unregister("standing_now")


_COLUMNS = (
    "id", "entity_type", "record", "relation", "object", "object_type", "object_name", "quote",
    "verdict", "who", "why", "time", "subject_name", "passage",
)  # fmt: skip


def proposed_record(kind: str | None, name: str) -> str | None:
    """The record that a proposal of an entity has; None where nobody says of what type it is."""
    return None if kind is None else f"{INFERRED}:{proposal_id(kind, name)}"


def _keys(con: duckdb.DuckDBPyConnection, facts: str) -> None:
    """Make the table ``fact_key``: the keys of the objects of facts about judged subjects."""
    con.execute("CREATE OR REPLACE TEMP TABLE fact_key (fact_id VARCHAR, key VARCHAR)")
    # Read whole before anything is written: they are the facts of subjects that people judged.
    found = con.sql(
        f"""
        SELECT fact_id, object_name
        FROM {facts}
        WHERE subject_id IN (SELECT subject_id FROM placed_judgement)
        """
    ).to_arrow_table()
    for batch in found.to_batches(_KEYS_AT_ONCE):
        keys = [name_key(name) for name in batch.column("object_name").to_pylist()]
        con.register("keys_now", pa.table({"fact_id": batch.column("fact_id"), "key": keys}))
        con.execute("INSERT INTO fact_key SELECT fact_id, key FROM keys_now")
        con.unregister("keys_now")
