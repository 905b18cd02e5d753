"""The tables of the graph stage: nodes, edges, their evidence, what was refused, the manifest."""

from __future__ import annotations

import pyarrow as pa

from resources.table import Table


def _field(name: str, kind: pa.DataType, text: str, *, required: bool = False) -> pa.Field:
    return pa.field(name, kind, nullable=not required, metadata={"description": text})


NODES = Table(
    name="nodes",
    schema=pa.schema(
        [
            _field(
                "node_id",
                pa.string(),
                "The entity's lasting id, or genre:..., country:...",
                required=True,
            ),
            _field("node_type", pa.string(), "Entity type of the ontology.", required=True),
            _field("name", pa.string(), "Title or name.", required=True),
            _field("alternate_names", pa.list_(pa.string()), "Original, translated, other names."),
            _field("year", pa.int32(), "First year: of release, of birth of a series."),
            _field("end_year", pa.int32(), "Last year."),
            _field("date", pa.date32(), "Day of release or first broadcast."),
            _field("runtime_minutes", pa.float64(), "Running time in minutes."),
            _field("season", pa.int32(), "Season of an episode; 0 holds specials."),
            _field("episode", pa.int32(), "Number of an episode in its season."),
            _field("birth_year", pa.int32(), "A person's year of birth."),
            _field("death_year", pa.int32(), "A person's year of death."),
            _field("professions", pa.list_(pa.string()), "What a person does."),
            _field("languages", pa.list_(pa.string()), "Original languages, ISO 639."),
            _field("rating", pa.float64(), "Mean of the ratings by users of a source, 0 to 10."),
            _field("votes", pa.int64(), "How many of its users rated it."),
            _field("description", pa.string(), "Prose about the entity."),
            _field("url", pa.string(), "A page of a source about the entity."),
            _field("records", pa.int64(), "Source records that speak of it.", required=True),
            _field("sources", pa.list_(pa.string()), "Who delivered them.", required=True),
        ]
    ),
    key=("node_id",),
    description="One row a node: every resolved entity with its golden record, and every genre "
    "and country that a record names (ids such as genre:drama and country:FR).",
)

NODE_ATTRIBUTES = tuple(
    name
    for name in NODES.schema.names
    if name not in {"node_id", "node_type", "records", "sources"}
)
"""Columns of a node that state something about it, so that each needs evidence."""

EDGES = Table(
    name="edges",
    schema=pa.schema(
        [
            _field("edge_id", pa.string(), "Hash of relation, subject and object.", required=True),
            _field(
                "relation",
                pa.string(),
                "Relation of the ontology; reads subject, relation, object.",
                required=True,
            ),
            _field("subject_id", pa.string(), "Node that the relation starts from.", required=True),
            _field("object_id", pa.string(), "Node that it leads to.", required=True),
            _field(
                "kind",
                pa.string(),
                "stated (by a record) or inferred (from a text).",
                required=True,
            ),
            _field("characters", pa.list_(pa.string()), "Whom the person plays."),
            _field("position", pa.int32(), "Order of billing, from 1."),
            _field(
                "confidence",
                pa.float64(),
                "1 where stated, else the surest extractor's.",
                required=True,
            ),
            _field("evidence", pa.int64(), "Rows of evidence for it.", required=True),
        ]
    ),
    key=("edge_id",),
    description="One row a relation between two nodes, in one direction (the view relations "
    "shows both), stated by records or inferred from a quote. All that say the same are one edge.",
)

EVIDENCE = Table(
    name="evidence",
    schema=pa.schema(
        [
            _field("evidence_id", pa.string(), "Hash of what is said and where.", required=True),
            _field("subject_kind", pa.string(), "node or edge.", required=True),
            _field(
                "subject_id",
                pa.string(),
                "node_id or edge_id of what it is evidence of.",
                required=True,
            ),
            _field(
                "attribute",
                pa.string(),
                "Attribute of the node, or relation of the edge.",
                required=True,
            ),
            _field("value", pa.string(), "What the record says."),
            _field("chosen", pa.bool_(), "Whether the node shows this value; null for an edge."),
            _field("kind", pa.string(), "record or quote.", required=True),
            _field("source", pa.string(), "Who delivered the record."),
            _field("source_id", pa.string(), "The source's id of the record."),
            _field("file", pa.string(), "File of the record's blob in its delivery."),
            _field("table", pa.string(), "Table in the file, where it is a database."),
            _field("position", pa.int64(), "Byte offset in the decompressed file, or rowid."),
            _field("sha256", pa.string(), "SHA-256 of the blob."),
            _field("delivery", pa.string(), "Delivery that brought it."),
            _field("document_id", pa.string(), "Document that the quote is from."),
            _field("quote", pa.string(), "The sentence, verbatim."),
            _field("start", pa.int64(), "Its first character in the document, in code points."),
            _field("end", pa.int64(), "One past its last character."),
            _field(
                "original_start",
                pa.int64(),
                "Its first character in the text as the source wrote it, before it was cleaned.",
            ),
            _field("original_end", pa.int64(), "One past its last character there."),
            _field("extractor", pa.string(), "Who read it in the text."),
            _field("reviewer", pa.string(), "Who accepted or corrected it, if anybody."),
            _field(
                "confidence",
                pa.float64(),
                "1 for a record and what a person accepted, else the extractor's.",
                required=True,
            ),
        ]
    ),
    key=("evidence_id",),
    description="Where each attribute of a node and each edge comes from: a source record with "
    "its blob, or a quote with its offsets in a document.",
)

EDGE_PROBLEMS = Table(
    name="edge_problems",
    schema=pa.schema(
        [
            _field("problem_id", pa.string(), "Hash of the fact and the reason.", required=True),
            _field("reason", pa.string(), "Why it was not published.", required=True),
            _field("relation", pa.string(), "The relation, where there is one."),
            _field("subject_id", pa.string(), "Its subject, where that is known."),
            _field("object_id", pa.string(), "Its object, where that is known."),
            _field("value", pa.string(), "What the record or text says."),
            _field("source", pa.string(), "Who delivered the record."),
            _field("source_id", pa.string(), "The source's id of the record."),
            _field("document_id", pa.string(), "Document that it was read from."),
        ]
    ),
    key=("problem_id",),
    description="Each stated or inferred relation that was not published, with the reason: an "
    "end that is no node, a domain or range that does not hold, a role without a relation.",
)

KNOWLEDGE_GRAPH = Table(
    name="knowledge_graph",
    schema=pa.schema(
        [
            _field("name", pa.string(), "Name of the table or view.", required=True),
            _field("kind", pa.string(), "table or view.", required=True),
            _field("rows", pa.int64(), "How many rows it has.", required=True),
            _field(
                "sha256",
                pa.string(),
                "SHA-256 of the content that a table was made from, or of a view's SQL.",
                required=True,
            ),
        ]
    ),
    key=("name",),
    description="What the published file holds, one row for each table and view.",
)
