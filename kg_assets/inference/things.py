"""Things, records whose source does not say what they are: the current ones, and their types."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pyarrow as pa

from kg_assets.inference import thing_types
from kg_assets.inference.tables import INFERRED_TYPES
from kg_assets.inference.text_tables import TEXTS
from kg_assets.inference.thing_texts import LONGEST_HEAD, MOST_TEXTS, text_signals
from kg_assets.inference.thing_texts import told as read_text
from kg_assets.matching.live import live_deliveries, partition_numbers, read_deliveries
from kg_assets.sources.record import RECORD_SCHEMA, THING
from kg_assets.sources.tables import SOURCE_RECORDS

if TYPE_CHECKING:
    import duckdb

    from resources.lake import Step

BATCH_THINGS = 256
"""Things that are judged at a time; bounds the memory."""

DECIDED = "inferred"
UNDECIDED = "undecided"


def view_things(step: Step) -> None:
    """Make the table ``thing``: the current version of each record without a type.

    A thing that its source names again under a type, or deletes, is none any more.

    Args:
        step: Reads deliveries and source records.
    """
    con = step.con
    numbered = live_deliveries(con, read_deliveries(step))
    con.register("delivery", numbered)
    partitions = partition_numbers(numbered)
    columns = ", ".join(f'record."{name}"' for name in RECORD_SCHEMA.names)
    step.view_partitions("told", SOURCE_RECORDS, partitions, f"entity_type = '{THING}'")
    step.view_partitions("delivered", SOURCE_RECORDS, partitions)
    con.execute(
        f"""
        CREATE OR REPLACE TABLE thing AS
        -- The later of two records of one id counts, of whatever type.
        WITH named AS (
            SELECT number, entity_type, source, source_id, file, position
            FROM delivered
            SEMI JOIN told USING (source, source_id)
        ),
        latest AS (
            SELECT *
            FROM named
            QUALIFY row_number() OVER (
                PARTITION BY source, source_id
                ORDER BY number DESC, entity_type = '{THING}', file, position
            ) = 1
        )
        SELECT
            {columns},
            delivery.delivery,
            record.file,
            record."table",
            record.position,
            record.sha256
        FROM told AS record
        JOIN latest USING (number, source, source_id, entity_type, file, position)
        JOIN delivery USING (number)
        WHERE delivery.mode <> 'delete'
        """  # noqa: S608 - our own names and numbers
    )


def run_inferred_types(step: Step) -> None:
    """Write the type of each current thing, or why it is undecided, with the evidence.

    Args:
        step: Reads deliveries, source records, and texts about things.
    """
    view_things(step)
    step.view("texts", TEXTS)
    step.con.execute(
        f"""
        CREATE OR REPLACE TABLE judged_thing AS
        WITH spread AS (
            SELECT
                unnest(about) AS thing,
                {{
                    'source': source,
                    'document_id': document_id,
                    'title': title,
                    'text': left(text, coalesce(body_start, 0) + {LONGEST_HEAD}),
                    'format': format,
                    'body_start': body_start,
                    'alone': len(about) = 1
                }} AS told
            FROM texts
            WHERE text IS NOT NULL
        ),
        tied AS (
            SELECT thing.source AS source, thing.source_id AS source_id, told
            FROM spread
            WHERE thing.entity_type = '{THING}'
            QUALIFY row_number() OVER (
                PARTITION BY thing.source, thing.source_id
                ORDER BY told.source, told.document_id
            ) <= {MOST_TEXTS}
        )
        SELECT thing.*, tied.texts
        FROM thing
        LEFT JOIN (
            SELECT
                source,
                source_id,
                list(told ORDER BY told.source, told.document_id) AS texts
            FROM tied
            GROUP BY ALL
        ) AS tied USING (source, source_id)
        """  # noqa: S608 - our own names and numbers
    )
    write_types(step, step.con.cursor().table("judged_thing"))


def write_types(step: Step, things: duckdb.DuckDBPyRelation) -> None:
    """Judge things and write the table inferred_types.

    Args:
        step: Writes the table.
        things: Canonical columns, and delivery, file, table, position, sha256 and texts.
    """
    step.write(INFERRED_TYPES, _judged(things))
    found = step.staged(INFERRED_TYPES)
    counts = found.aggregate("status, entity_type, count(*)", "status, entity_type").fetchall()
    step.report(
        things=sum(count for *_, count in counts),
        undecided=sum(count for status, _, count in counts if status == UNDECIDED),
        inferred={kind: count for _, kind, count in sorted(counts, key=str) if kind},
    )


def _judged(things: duckdb.DuckDBPyRelation) -> Iterator[pa.RecordBatch]:
    ordered = things.order("source, source_id")
    for batch in ordered.to_arrow_reader(BATCH_THINGS):
        rows = []
        for record in batch.to_pylist():
            names = [record["name"], *(record["alternate_names"] or ())]
            told = text_signals(names, map(read_text, record["texts"] or ()))
            verdict = thing_types.judge_kind(record, told)
            told_by = verdict.told_by
            rows.append(
                {
                    **{name: record.get(name) for name in INFERRED_TYPES.schema.names},
                    "status": UNDECIDED if verdict.entity_type is None else DECIDED,
                    "entity_type": verdict.entity_type,
                    "confidence": verdict.confidence,
                    "reason": verdict.reason,
                    "signals": [signal.reason for signal in verdict.signals],
                    "quote": told_by.quote if told_by else None,
                    "start": told_by.start if told_by else None,
                    "text_source": told_by.text[0] if told_by and told_by.text else None,
                    "document_id": told_by.text[1] if told_by and told_by.text else None,
                    "characters": len((record.get("description") or "").strip()),
                    "classifier": thing_types.VERSION,
                }
            )
        yield pa.RecordBatch.from_pylist(rows, schema=INFERRED_TYPES.schema)
