"""Tables of texts that are no fields of records, and what leads documents to their origin."""

from __future__ import annotations

import pyarrow as pa

from kg_assets.sources.record import described
from kg_assets.sources.tables import SOURCE_TEXTS
from resources.table import Table

RUN = pa.struct(
    [
        described("start", pa.int64(), "First character in the text as it is kept."),
        described("original_start", pa.int64(), "First character that it stands for."),
        described("original_end", pa.int64(), "One past the last."),
        described("verbatim", pa.bool_(), "Whether they are the same characters."),
    ]
)
"""Characters that follow each other in both texts, or some that stand for others."""

ORIGIN_FIELDS = [
    described("heading", pa.string(), "What the text itself is called."),
    described("language", pa.string(), "Language of the text, where its source says so."),
    described("licence", pa.string(), "Licence of the text, where its source says so."),
    described(
        "original", pa.string(), "The text as the source wrote it, where that is another one."
    ),
    described("original_sha256", pa.string(), "SHA-256 of that text in UTF-8.", required=True),
    described("runs", pa.list_(RUN), "Where each kept character stands in the original."),
    described("cleaning", pa.string(), "Version of the cleaning.", required=True),
    described("file", pa.string(), "File of the text's blob; null where a record held it."),
    described("position", pa.int64(), "Byte offset of that blob in the decompressed file."),
    described("blob_sha256", pa.string(), "SHA-256 of that blob."),
    described("delivery", pa.string(), "Delivery that brought it."),
]
"""Columns of a document: how it differs from what its source wrote, and where that lies."""

TEXTS = Table(
    name="texts",
    schema=pa.schema(
        [
            described("source", pa.string(), "Who delivered the text.", required=True),
            described("delivery", pa.string(), "The delivery that it is from.", required=True),
            *SOURCE_TEXTS.schema,
        ]
    ),
    key=("source", "document_id"),
    description="The current version of each text that is no field of a record, verbatim.",
)

UNTIED_TEXTS = Table(
    name="untied_texts",
    schema=pa.schema(
        [
            described("source", pa.string(), "Who delivered the text.", required=True),
            described("document_id", pa.string(), "The text.", required=True),
            described("about_source", pa.string(), "Source of the record.", required=True),
            described("about_source_id", pa.string(), "The record.", required=True),
            described("reason", pa.string(), "Why the text is no document.", required=True),
        ]
    ),
    key=("source", "document_id", "about_source", "about_source_id"),
    description="Texts that say that they are about a record of this type, and are tied to no "
    "entity: no such record is known, or nothing of the text is left after cleaning.",
)

WAITING_TEXTS = Table(
    name="waiting_texts",
    schema=pa.schema(
        [
            described("kind", pa.string(), "text or description.", required=True),
            described("source", pa.string(), "Who delivered it.", required=True),
            described(
                "document_id", pa.string(), "The text, or the record described.", required=True
            ),
            described("about_source", pa.string(), "Source of the record.", required=True),
            described("about_source_id", pa.string(), "The record.", required=True),
            described("name", pa.string(), "Its name; null where no such record is known."),
            described("characters", pa.int64(), "Code points of the text.", required=True),
            described("reason", pa.string(), "Why the type is not known.", required=True),
        ]
    ),
    key=("kind", "source", "document_id", "about_source", "about_source_id"),
    description="Texts about things, records whose source does not say what they are, of which no "
    "type could be inferred. They are read once their entity has a type.",
)
