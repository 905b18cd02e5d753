"""Which facts a person should be asked about, in what order, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from kg_assets.inference.combined import CONFLICT
from kg_assets.inference.evidence import ACCEPTED, PROPOSED, UNSURE
from kg_assets.inference.extractors import UNLINKED
from kg_assets.inference.proposing import is_proposable
from kg_assets.inference.review.decisions import DISAGREE
from kg_assets.inference.tables import GAZETTEER_TYPES
from ontology.validation import CARDINALITY, CYCLE

if TYPE_CHECKING:
    import duckdb

FACT_LIMIT = 1_000
"""Facts in the queue of a type: more than a person judges before the next build."""

SURE_ENOUGH = 0.75
"""Confidence below which an accepted fact is asked for: one of four such is expected to be wrong,
and a person who looks at them finds out whether that is so."""

MOST_RIVALS = 3
"""Facts of the other side that are shown with a conflict."""

PEOPLE, BETWEEN, NEW, BELOW, UNCERTAIN = "people", "conflict", "new entity", "threshold", "unsure"

KINDS = (PEOPLE, BETWEEN, NEW, BELOW, UNCERTAIN)
"""Kinds of questions. The first two come first; the others by how telling they are."""

_NAMES_AT_ONCE = 8_192


def queue(con: duckdb.DuckDBPyConnection, *, limit: int = FACT_LIMIT) -> duckdb.DuckDBPyRelation:
    """Choose the facts on which a judgement would change most.

    First come the facts on which people or extractors disagree. Of the others, and within each,
    those come first of which uncertainty (the entropy of the confidence, in bits) times worth
    (the logarithm of the records of the subject, of which there are more where more people look)
    is greatest. Each claim is asked for once, by its surest evidence. What people decided is not
    asked for again.

    Args:
        con: Connection with the table `reviewed` (see `decisions.decide`) and the view `entities`
            (entity_id, records) of the subjects.
        limit: Facts at most.

    Returns:
        Rows of fact_queue.
    """
    _proposable(con)
    # A function of a column in which all is null can end in an internal error of DuckDB 2.0.
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE asked AS
        WITH open AS (
            SELECT
                *,
                CASE
                    WHEN starts_with(coalesce(reason, ''), $disagree) THEN $people
                    WHEN judgement IS NOT NULL THEN NULL
                    WHEN split_part(coalesce(reason, ''), ':', 1)
                        IN ($conflict, $cardinality, $cycle)
                        THEN $between
                    WHEN object_id IS NULL AND object_type IS NOT NULL
                        AND (status = $proposed OR starts_with(coalesce(reason, ''), $unlinked))
                        AND object_name IN (FROM proposable)
                        AND list_contains({list(GAZETTEER_TYPES)!r}, object_type)
                        THEN $new
                    WHEN starts_with(coalesce(reason, ''), $below) AND object_type IS NOT NULL
                        THEN $threshold
                    WHEN status = $accepted AND confidence < $sure THEN $unsure
                END AS kind
            FROM reviewed
            WHERE start IS NOT NULL
                AND NOT negated
        ),
        told AS (
            SELECT
                open.*,
                least(greatest(confidence, 0.01), 0.99) AS sure,
                ln(1 + coalesce(entities.records, 1)) AS worth
            FROM open
            LEFT JOIN entities
                ON entities.entity_id = open.subject_id
            WHERE kind IS NOT NULL
        )
        SELECT
            *,
            round(-worth * (sure * log2(sure) + (1 - sure) * log2(1 - sure)), 6) AS telling,
            list_position({list(KINDS)!r}, kind) AS place
        FROM told
        QUALIFY row_number() OVER (
            PARTITION BY subject_id, relation, coalesce(object_id, lower(object_name))
            ORDER BY place, confidence DESC, fact_id
        ) = 1
        ORDER BY least(place, 3), telling DESC, fact_id
        LIMIT $limit
        """,  # noqa: S608
        {
            "disagree": DISAGREE, "people": PEOPLE, "conflict": CONFLICT,
            "cardinality": CARDINALITY, "cycle": CYCLE, "between": BETWEEN, "proposed": PROPOSED,
            "unlinked": UNLINKED, "new": NEW, "below": UNSURE,
            "threshold": BELOW, "accepted": ACCEPTED, "sure": SURE_ENOUGH, "unsure": UNCERTAIN,
            "limit": limit,
        },
    )  # fmt: skip
    return con.sql(
        f"""
        WITH disputed AS (
            SELECT *
            FROM asked
            WHERE kind IN ('{PEOPLE}', '{BETWEEN}')
        ),
        side AS (
            -- What another extractor says of the same, in the same text.
            SELECT disputed.fact_id, rival.fact_id AS rival, rival.confidence
            FROM disputed
            JOIN reviewed AS rival
                ON rival.context_id = disputed.context_id
                AND rival.relation = disputed.relation
                AND coalesce(rival.object_id, lower(rival.object_name))
                    = coalesce(disputed.object_id, lower(disputed.object_name))

            UNION
            -- Another object, or another subject of the object, where there is room for one.
            SELECT disputed.fact_id, rival.fact_id, rival.confidence
            FROM disputed
            JOIN reviewed AS rival
                ON rival.subject_id = disputed.subject_id
                AND rival.relation = disputed.relation
            WHERE rival.object_id <> disputed.object_id
                AND (
                    rival.status = '{ACCEPTED}'
                    OR starts_with(coalesce(rival.reason, ''), '{DISAGREE}')
                )

            UNION
            SELECT disputed.fact_id, rival.fact_id, rival.confidence
            FROM disputed
            JOIN reviewed AS rival
                ON rival.object_id = disputed.object_id
                AND rival.relation = disputed.relation
            WHERE rival.subject_id <> disputed.subject_id
                AND split_part(coalesce(disputed.reason, ''), ':', 1) <> '{CONFLICT}'
                AND contains(disputed.reason, rival.subject_id)
                AND rival.status = '{ACCEPTED}'

            UNION
            -- The way back, where one fact leads it.
            SELECT disputed.fact_id, rival.fact_id, rival.confidence
            FROM disputed
            JOIN reviewed AS rival
                ON rival.subject_id = disputed.object_id
                AND rival.object_id = disputed.subject_id
            WHERE rival.status = '{ACCEPTED}'
                OR starts_with(coalesce(rival.reason, ''), '{DISAGREE}')
        ),
        rivals AS (
            SELECT
                fact_id,
                list(rival ORDER BY confidence DESC, rival)[:{MOST_RIVALS}] AS rivals
            FROM side
            WHERE rival <> fact_id
            GROUP BY fact_id
        )
        SELECT
            fact_id,
            kind,
            CASE kind
                WHEN '{NEW}' THEN 'no entity is known by this name'
                WHEN '{UNCERTAIN}'
                    THEN 'accepted with a confidence below {SURE_ENOUGH}'
                ELSE reason
            END AS reason,
            telling,
            coalesce(rivals, []) AS rivals,
            row_number() OVER (
                ORDER BY least(place, 3), telling DESC, fact_id
            ) AS turn
        FROM asked
        LEFT JOIN rivals USING (fact_id)
        """  # noqa: S608 - constants of ours
    )


def _proposable(con: duckdb.DuckDBPyConnection) -> None:
    """Make the table ``proposable``: names of objects that can be those of new entities."""
    con.execute("CREATE OR REPLACE TEMP TABLE proposable (name VARCHAR)")
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE unlinked_name AS
        SELECT DISTINCT object_name AS name
        FROM reviewed
        WHERE object_id IS NULL
            AND object_type IS NOT NULL
        """
    )
    # Distinct names alone; a type has some hundred thousand of them at most.
    names = con.table("unlinked_name").order("name").to_arrow_table()
    for batch in names.to_batches(_NAMES_AT_ONCE):
        kept = [name for name in batch.column("name").to_pylist() if is_proposable(name)]
        con.register("proposable_now", pa.table({"name": pa.array(kept, pa.string())}))
        con.execute("INSERT INTO proposable SELECT name FROM proposable_now")
        con.unregister("proposable_now")
