"""Which entities need inference, declared for each type, and why the others do not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

NO_TEXT = "no text"
SHORT_TEXT = "text too short"
NOTHING_MISSING = "nothing missing"
ELIGIBLE = "eligible"


@dataclass(frozen=True)
class Policy:
    """What an entity type's inference is for.

    Attributes:
        relations: Relations that are looked for. An entity for which sources state all of them
            is skipped.
        shortest_text: Characters below which a text is not read; the shortest sentence that can
            state a relation ("A sequel to It.") has about that many.
    """

    relations: tuple[str, ...]
    shortest_text: int = 15


_WORKS = (
    "based_on",
    "sequel_of",
    "prequel_of",
    "spin_off_of",
    "part_of_franchise",
    "main_subject",
)

POLICIES: dict[str, Policy] = {
    "film": Policy((*_WORKS, "remake_of")),
    "series": Policy((*_WORKS, "remake_of")),
    "book": Policy(_WORKS),
}
"""The policy of each entity type with an inference chain."""


def decide(con: duckdb.DuckDBPyConnection, policy: Policy) -> duckdb.DuckDBPyRelation:
    """Decide for each entity whether its texts are read.

    Args:
        con: Connection with the views `entities` (entity_id), `documents` (entity_id,
            characters) and `stated` (entity_id, relation: what sources already say).
        policy: What is looked for.

    Returns:
        Relation (entity_id, decision): ``eligible``, or why not: ``no text``, ``text too short``,
        ``nothing missing``.
    """
    return con.sql(
        """
        WITH longest AS (
            SELECT
                entity_id,
                max(characters) AS characters
            FROM documents
            GROUP BY entity_id
        ),
        known AS (
            SELECT
                entity_id,
                count(DISTINCT relation) AS relations
            FROM stated
            WHERE list_contains($relations, relation)
            GROUP BY entity_id
        )
        SELECT
            entity_id,
            CASE
                WHEN characters IS NULL THEN $no_text
                WHEN characters < $shortest THEN $short_text
                WHEN known.relations = len($relations) THEN $nothing_missing
                ELSE $eligible
            END AS decision
        FROM entities
        LEFT JOIN longest USING (entity_id)
        LEFT JOIN known USING (entity_id)
        """,
        params={
            "relations": list(policy.relations),
            "shortest": policy.shortest_text,
            "no_text": NO_TEXT,
            "short_text": SHORT_TEXT,
            "nothing_missing": NOTHING_MISSING,
            "eligible": ELIGIBLE,
        },
    )
