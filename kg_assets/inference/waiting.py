"""Texts that wait: what they are about is of no known entity type yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kg_assets.inference.documents import UNKNOWN_RECORD
from kg_assets.inference.tables import DOCUMENTS, INFERRED_TYPES
from kg_assets.inference.text_tables import TEXTS, WAITING_TEXTS
from kg_assets.inference.things import UNDECIDED
from kg_assets.sources.record import THING

if TYPE_CHECKING:
    from resources.lake import Step

NAMED = 8
"""Things that are named to a person; the table holds all."""


def run_waiting_texts(step: Step) -> None:
    """Write the texts about things of which no type is known, their descriptions included.

    A thing of which a type is inferred is an entity from the next round of the build on, and its
    texts are documents of it then.

    Args:
        step: Reads texts, the types of things and documents; writes waiting_texts.
    """
    step.view("texts", TEXTS)
    step.view("things", INFERRED_TYPES)
    step.view("documents", DOCUMENTS)
    waiting = step.con.sql(
        f"""
        WITH told AS (
            SELECT
                source,
                document_id,
                length(text) AS characters,
                unnest(about) AS about
            FROM texts
        )
        SELECT
            'text' AS kind,
            told.source,
            told.document_id,
            about.source AS about_source,
            about.source_id AS about_source_id,
            things.name,
            told.characters,
            coalesce(things.reason, $unknown) AS reason
        FROM told
        LEFT JOIN things
            ON things.source = about.source
            AND things.source_id = about.source_id
        WHERE about.entity_type = '{THING}'
            AND CASE
                WHEN things.source IS NOT NULL THEN things.status = '{UNDECIDED}'
                -- Its source said meanwhile what it is, if it is known at all.
                ELSE NOT EXISTS (
                    FROM documents
                    WHERE documents.source = told.source
                        AND documents.source_id = told.document_id
                        AND documents.blob_sha256 IS NOT NULL
                )
            END

        UNION ALL
        SELECT
            'description',
            source,
            source_id,
            source,
            source_id,
            name,
            characters,
            reason
        FROM things
        WHERE status = '{UNDECIDED}'
            AND characters > 0
        """,  # noqa: S608 - constants
        params={"unknown": UNKNOWN_RECORD},
    )
    count = step.write(WAITING_TEXTS, waiting)
    about = (
        step.staged(WAITING_TEXTS)
        .project("about_source || ':' || about_source_id AS record, name, reason")
        .distinct()
        .order("record")
    )
    [(things,)] = about.aggregate("count(*)").fetchall()
    step.report(
        waiting=count,
        about=things,
        named=[
            f"{record if name is None else f'{name} ({record})'}: {reason}"
            for record, name, reason in about.limit(NAMED).fetchall()
        ],
    )
