"""What stands of the facts after people's judgements: accepted, rejected, corrected."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from kg_assets.consistency import contradicted
from kg_assets.inference.evidence import ACCEPTED, PROPOSED, REJECTED
from kg_assets.inference.quotes import EXACT
from kg_assets.inference.review.tables import reviewed_relations
from ontology.schema import Ontology
from ontology.validation import CARDINALITY, CYCLE

if TYPE_CHECKING:
    import duckdb

REVIEW = "review"
"""Extractor of a fact that only a person says: a correction, or one that none finds any more."""

REJECTED_BY = "rejected in review"
CORRECTED_BY = "corrected in review"
DISAGREE = "people disagree"
"""Beginnings of the reasons of facts that do not stand because of people."""


def decide(con: duckdb.DuckDBPyConnection, entity_type: str, ontology: Ontology) -> None:
    """Make the table ``reviewed``, with the columns of reviewed_relations.

    Args:
        con: Connection with the table `fact` (rows of inferred_relations) and what
            `binding.bind` leaves for them.
        entity_type: Type of the subjects.
        ontology: Which facts cannot stand together.
    """
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE reviewed AS
        WITH fresh AS (
            -- What fell for another fact may stand now that people decided on that one.
            SELECT
                fact.*,
                split_part(coalesce(reason, ''), ':', 1) IN ($cardinality, $cycle) AS again,
                judgement.id AS judgement,
                judgement.who AS reviewer,
                judgement.verdict
            FROM fact
            LEFT JOIN binding USING (fact_id)
            LEFT JOIN resolved_judgement AS judgement
                ON judgement.id = binding.judgement
        )
        SELECT * EXCLUDE (again, verdict, signals) REPLACE (
            CASE
                WHEN verdict = 'accept' AND start IS NOT NULL AND object_id IS NOT NULL
                    THEN $accepted
                WHEN verdict = 'accept' AND start IS NOT NULL AND object_type IS NOT NULL
                    THEN $proposed
                WHEN verdict IN ('reject', 'correct') THEN $rejected
                WHEN again THEN $accepted
                ELSE status
            END AS status,
            CASE
                WHEN verdict = 'accept' AND start IS NOT NULL
                    AND (object_id IS NOT NULL OR object_type IS NOT NULL)
                    THEN NULL
                WHEN verdict = 'reject' THEN $rejected_by || ': ' || reviewer
                WHEN verdict = 'correct' THEN $corrected_by || ': ' || reviewer
                WHEN again THEN NULL
                ELSE reason
            END AS reason
        )
        FROM fresh
        """,
        {
            "cardinality": CARDINALITY,
            "cycle": CYCLE,
            "accepted": ACCEPTED,
            "proposed": PROPOSED,
            "rejected": REJECTED,
            "rejected_by": REJECTED_BY,
            "corrected_by": CORRECTED_BY,
        },
    )
    _add_what_people_say(con, entity_type, ontology)
    _set_apart(con, ontology)
    _refuse(
        con,
        contradicted(
            con,
            f"""
            SELECT
                fact_id AS claim_id,
                relation,
                subject_id,
                object_id,
                CASE WHEN reviewer IS NULL THEN confidence ELSE 2.0 END AS confidence
            FROM reviewed
            WHERE status = '{ACCEPTED}'
            """,  # noqa: S608 - a constant of ours
            ontology,
        ),
    )


def _add_what_people_say(
    con: duckdb.DuckDBPyConnection, entity_type: str, ontology: Ontology
) -> None:
    """Add corrections, and accepted facts that no extractor finds now, with their evidence."""
    said = con.sql(
        """
        SELECT placed.*
        FROM placed_judgement AS placed
        -- A later judgement of what is claimed, in the same text, counts above a correction to it.
        LEFT JOIN placed_judgement AS later
            ON later.document_id = placed.document_id
            AND later.relation = placed.claim_relation
            AND coalesce(later.object_id, later.object_key)
                = coalesce(placed.claim_id, placed.claim_key)
            AND later.verdict <> 'accept'
            AND (later.time, later.id) > (placed.time, placed.id)
        WHERE later.id IS NULL
            AND (
                placed.verdict = 'correct'
                OR placed.verdict = 'accept'
                AND placed.id NOT IN (SELECT judgement FROM binding)
            )
        QUALIFY row_number() OVER (
            PARTITION BY placed.id
            ORDER BY placed.own_text DESC, placed.document_id
        ) = 1
        ORDER BY placed.id
        """
    ).to_arrow_table()
    table = reviewed_relations(entity_type)
    rows = [_row(one, ontology) for one in said.to_pylist()]
    rows = list({row["fact_id"]: row for row in rows}.values())
    con.register("said_now", pa.Table.from_pylist(rows, schema=table.schema))
    con.execute("INSERT INTO reviewed BY NAME SELECT * FROM said_now")
    con.unregister("said_now")


def _row(said: dict[str, Any], ontology: Ontology) -> dict[str, Any]:
    start, end = said["start"], said["start"] + len(said["quote"])
    identity = (
        said["claim_relation"], said["subject_id"], said["claim_id"] or said["claim_key"],
        said["document_id"], str(start), str(end), REVIEW,
    )  # fmt: skip
    return {
        "fact_id": hashlib.sha256("\x1f".join(identity).encode()).hexdigest()[:32],
        "relation": said["claim_relation"],
        "subject_id": said["subject_id"],
        "subject_type": said["entity_type"],
        "object_id": said["claim_id"],
        "object_type": said["claim_type"],
        "object_name": said["claim_name"],
        "document_id": said["document_id"],
        "document_sha256": said["document_sha256"],
        "quote": said["quote"],
        "quote_match": EXACT,
        "start": start,
        "end": end,
        "extractor": REVIEW,
        "extractor_version": "1",
        "ontology": ontology.hash,
        "confidence": 1.0,
        "negated": False,
        "status": ACCEPTED if said["claim_id"] is not None else PROPOSED,
        "judgement": said["id"],
        "reviewer": said["who"],
    }


def _set_apart(con: duckdb.DuckDBPyConnection, ontology: Ontology) -> None:
    """Let none of several facts stand that people accepted and that exclude each other.

    Whether entities merged or two people differ: it is for people to say which is right. Both
    sides are found by asking twice, once with the newest judgement as the surest and once with
    the oldest.
    """
    both: dict[str, str] = {}
    for order in ("DESC", "ASC"):
        both |= contradicted(
            con,
            f"""
            SELECT
                fact_id AS claim_id,
                relation,
                subject_id,
                object_id,
                -- Judgements of one claim are of one age, the newest's.
                (rank() OVER (ORDER BY said {order}))::DOUBLE AS confidence
            FROM (
                SELECT
                    reviewed.*,
                    max((judgement.time, judgement.id)) OVER (
                        PARTITION BY reviewed.relation, subject_id, reviewed.object_id
                    ) AS said
                FROM (SELECT * FROM reviewed WHERE status = '{ACCEPTED}') AS reviewed
                JOIN (SELECT id, time FROM resolved_judgement) AS judgement
                    ON judgement.id = reviewed.judgement
            )
            """,  # noqa: S608 - constants of ours
            ontology,
        )
    kinds = {fact: reason.partition(":")[0] for fact, reason in both.items()}
    _refuse(con, {fact: f"{DISAGREE}: {kind}" for fact, kind in kinds.items()})


def _refuse(con: duckdb.DuckDBPyConnection, refused: dict[str, str]) -> None:
    if not refused:
        return
    columns = {"fact_id": list(refused), "reason": list(refused.values())}
    con.register("refused", pa.table(columns))
    con.execute(
        """
        UPDATE reviewed
        SET status = 'rejected', reason = refused.reason
        FROM refused
        WHERE refused.fact_id = reviewed.fact_id
        """
    )
    con.unregister("refused")
