"""The tables of the sources stage: deliveries, raw blobs, quarantined blobs, source records."""

from __future__ import annotations

import pyarrow as pa

from kg_assets.sources.record import POSITION_FIELDS, RECORD_SCHEMA
from resources.table import Table

DELIVERIES = Table(
    name="deliveries",
    schema=pa.schema(
        [
            pa.field("source", pa.string(), nullable=False),
            pa.field("delivery", pa.string(), nullable=False),
            pa.field("sequence", pa.int64(), nullable=False),
            pa.field("mode", pa.string(), nullable=False),
            pa.field("duplicate_free", pa.bool_()),
            pa.field("files", pa.int64(), nullable=False),
            pa.field("blobs", pa.int64(), nullable=False),
            pa.field("bytes", pa.int64(), nullable=False),
            pa.field("fingerprint", pa.string(), nullable=False),
        ]
    ),
    key=("source", "delivery"),
    description="One row for a delivery: its place in its source's history, its mode (full, "
    "partial or delete) and the fingerprint of the files that were read.",
)

RAW_BLOBS = Table(
    name="raw_blobs",
    schema=pa.schema(
        [
            *POSITION_FIELDS,
            pa.field("bytes", pa.int64(), nullable=False),
            pa.field("blob", pa.binary()),
            pa.field("problem", pa.string()),
        ]
    ),
    key=("file", "table", "position"),
    description="Each blob as it was received, with its file, position and SHA-256. What could "
    "not be cut into blobs is here too, with the problem; nothing is dropped.",
)

QUARANTINED_BLOBS = Table(
    name="quarantined_blobs",
    schema=pa.schema(
        [
            *POSITION_FIELDS,
            pa.field("bytes", pa.int64(), nullable=False),
            pa.field("stage", pa.string(), nullable=False),
            pa.field("reason", pa.string(), nullable=False),
            pa.field("head", pa.string()),
        ]
    ),
    key=("file", "table", "position", "stage", "reason"),
    description="Each blob that did not become a record, with where it stands, the stage that "
    "refused it (blob, parse or record) and the reason.",
)

SOURCE_RECORDS = Table(
    name="source_records",
    schema=pa.schema([*RECORD_SCHEMA, *POSITION_FIELDS]),
    key=("entity_type", "source_id"),
    description="Canonical typed records, one row a record, made by the source's adapter, each "
    "with the blob that it came from.",
)
