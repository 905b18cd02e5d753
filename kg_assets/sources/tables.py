"""The tables of the sources stage: deliveries, raw blobs, quarantined blobs, source records."""

from __future__ import annotations

import pyarrow as pa

from kg_assets.sources.record import POSITION_FIELDS, RECORD_SCHEMA, described
from resources.table import Table

_DELIVERY = pa.schema(
    [
        described(
            "source",
            pa.string(),
            "Who delivers; the name of the folder in the landing zone.",
            required=True,
        ),
        described("delivery", pa.string(), "Name of the delivery.", required=True),
        described(
            "sequence",
            pa.int64(),
            "Its place in the source's history, 0 where delivery.json does not say.",
            required=True,
        ),
        described("mode", pa.string(), "full, partial or delete.", required=True),
        described(
            "duplicate_free",
            pa.bool_(),
            "Whether no two records of the source are the same thing, as far as it says.",
        ),
        described(
            "expect",
            pa.string(),
            "What delivery.json says of expected numbers and filled fields, as JSON.",
        ),
        described("files", pa.int64(), "Files that were read.", required=True),
        described("blobs", pa.int64(), "Blobs in them, problems included.", required=True),
        described("bytes", pa.int64(), "Bytes of the blobs, decompressed.", required=True),
        described("fingerprint", pa.string(), "Hash of the blobs, in order.", required=True),
    ]
)

LANDED_DELIVERIES = Table(
    name="landed_deliveries",
    schema=_DELIVERY,
    key=("source", "delivery"),
    description="One row for a delivery as its files were read last: its place in its source's "
    "history, its mode (full, partial or delete) and the fingerprint of the files. Whether it "
    "counts is not said here but in deliveries.",
)

DELIVERIES = Table(
    name="deliveries",
    schema=_DELIVERY,
    key=("source", "delivery"),
    description="One row for a delivery that counts, committed together with its records: of one "
    "that fails when it comes again, its row and its records stay what they were.",
)

RAW_BLOBS = Table(
    name="raw_blobs",
    schema=pa.schema(
        [
            *POSITION_FIELDS,
            described("bytes", pa.int64(), "Bytes of the blobs, decompressed.", required=True),
            described(
                "blob",
                pa.binary(),
                "The bytes as received; the first 4 KiB of one that is too long.",
            ),
            described(
                "problem", pa.string(), "Why it cannot become a record, if that is known already."
            ),
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
            described("bytes", pa.int64(), "Bytes of the blobs, decompressed.", required=True),
            described(
                "stage", pa.string(), "blob, parse or record: where it was refused.", required=True
            ),
            described("reason", pa.string(), "Why, in words.", required=True),
            described("head", pa.string(), "Its first 200 characters."),
        ]
    ),
    key=("file", "table", "position", "stage", "reason"),
    description="Each blob that did not become a record, with where it stands, the stage that "
    "refused it (blob, parse or record) and the reason.",
)

ABOUT = pa.struct(
    [
        described("entity_type", pa.string(), "Type of the record."),
        described("source_id", pa.string(), "The record."),
        described("source", pa.string(), "Its source; by default that of the text."),
    ]
)
"""A record that a text is about."""

SOURCE_TEXTS = Table(
    name="source_texts",
    schema=pa.schema(
        [
            described("document_id", pa.string(), "The source's own id of it.", required=True),
            described("title", pa.string(), "What the text is called."),
            described(
                "text",
                pa.string(),
                "The text as it was delivered, every character kept; null where it is deleted.",
            ),
            described("body_start", pa.int64(), "Where it begins, after front matter."),
            described("format", pa.string(), "plain, markdown, html, or null: as it looks."),
            described("encoding", pa.string(), "What its bytes were decoded with."),
            described("language", pa.string(), "Language of the text, ISO 639."),
            described("url", pa.string(), "Where it can be read."),
            described("licence", pa.string(), "Licence of the text."),
            described("about", pa.list_(ABOUT), "Records that the text is about."),
            *POSITION_FIELDS,
        ]
    ),
    key=("document_id",),
    description="Prose that is not a field of a record, one row a text: a line of documents.jsonl "
    "or a file of its own, with the records that it is about and the blob that it came from.",
)

SOURCE_RECORDS = Table(
    name="source_records",
    schema=pa.schema([*RECORD_SCHEMA, *POSITION_FIELDS]),
    key=("entity_type", "source_id"),
    description="Canonical typed records, one row a record, made by the source's adapter, each "
    "with the blob that it came from.",
)
