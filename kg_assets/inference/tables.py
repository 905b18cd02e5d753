"""The tables of the inference stage: documents, chunks, index manifests, contexts, facts."""

from __future__ import annotations

import pyarrow as pa

from kg_assets.inference.text_tables import ORIGIN_FIELDS
from kg_assets.sources.record import POSITION_FIELDS, RECORD_SCHEMA
from resources.table import Table

INFERENCE_TYPES: tuple[str, ...] = ("film", "series", "book")
"""Entity types whose relations are inferred; documents are made for every matched type."""


GAZETTEER_TYPES: tuple[str, ...] = (
    "film", "series", "book", "play", "comic", "game", "event", "franchise", "person",
    "organisation",
)  # fmt: skip
"""Entity types whose names are looked for in texts. Episodes and characters are left out: their
names are everyday words and given names too often."""


def _field(name: str, kind: pa.DataType, text: str, *, required: bool = True) -> pa.Field:
    return pa.field(name, kind, nullable=not required, metadata={"description": text})


def current_records(entity_type: str) -> Table:
    """What this stage reads of the matching stage's current records: the canonical columns."""
    return Table(
        name=f"{entity_type}/records",
        schema=RECORD_SCHEMA,
        key=("source", "source_id"),
        description="The current version of each record of the sources.",
    )


DOCUMENTS = Table(
    name="documents",
    schema=pa.schema(
        [
            _field("document_id", pa.string(), "Hash of where it is from, and of the original."),
            _field("entity_id", pa.string(), "The entity that the text is about."),
            _field("entity_type", pa.string(), "Its type; also the partition."),
            _field("source", pa.string(), "Who delivered the text."),
            _field("source_id", pa.string(), "The record that held it, or the text's own id."),
            _field("title", pa.string(), "Name of the record that it is about."),
            _field("text", pa.string(), "The text as it is kept and read, cleaned."),
            _field("sha256", pa.string(), "SHA-256 of the text in UTF-8, hexadecimal."),
            _field("characters", pa.int64(), "Unicode code points in the text."),
            _field("url", pa.string(), "Page of the source about the entity.", required=False),
            *ORIGIN_FIELDS,
        ]
    ),
    key=("document_id",),
    description="Unstructured texts about resolved entities: the descriptions of their records, "
    "and texts from files. The text is cleaned, without Unicode normalisation, and its runs lead "
    "every character back to the source; offsets count Unicode code points.",
)

CHUNKS = Table(
    name="chunks",
    schema=pa.schema(
        [
            _field("chunk_id", pa.string(), "Hash of document id and offsets."),
            _field("document_id", pa.string(), "The document that it is cut from."),
            _field("entity_id", pa.string(), "The entity that the document is about."),
            _field("ordinal", pa.int32(), "Place in the document, from 0."),
            _field("start", pa.int64(), "First character, in code points from 0."),
            _field("end", pa.int64(), "One past the last character."),
            _field("text", pa.string(), "Exactly the document's characters from start to end."),
            _field("sha256", pa.string(), "SHA-256 of the chunk's text in UTF-8, hexadecimal."),
        ]
    ),
    key=("chunk_id",),
    description="Documents cut at the ends of sentences into pieces of up to 1,000 characters. "
    "Chunks and the white space between them rebuild the document.",
)

DOCUMENT_INDEX = Table(
    name="document_index",
    schema=pa.schema(
        [
            _field("entity_type", pa.string(), "Whose documents are indexed."),
            _field(
                "lance_table",
                pa.string(),
                "Namespace and name of the LanceDB table, relative "
                "to the folder of all vector tables.",
            ),
            _field("lance_version", pa.int64(), "The version that readers open."),
            _field("rows", pa.int64(), "Chunks in that version."),
            _field("embedding", pa.string(), "Name of the embedding, with its parameters."),
            _field("content_sha256", pa.string(), "Hash over all rows and the embedding's name."),
        ]
    ),
    key=("entity_type",),
    description="Which version of which LanceDB table holds the chunks of an entity type for "
    "vector and full-text search. Unchanged chunks make no new version.",
)

ONTOLOGY_VERSIONS = Table(
    name="ontology_versions",
    schema=pa.schema(
        [
            _field("ontology", pa.string(), "Content hash, as each fact carries it."),
            _field("version", pa.string(), "Version that the file gives itself."),
            _field("text", pa.string(), "The file, verbatim."),
        ]
    ),
    key=("ontology",),
    description="Each version of the ontology that a build has used, so that what changed since a "
    "fact was inferred can be told (`kg ontology diff`).",
)

CANDIDATE = pa.struct(
    [
        _field("entity_id", pa.string(), "A resolved entity."),
        _field("entity_type", pa.string(), "Its type."),
        _field("name", pa.string(), "Its name."),
        _field("year", pa.int32(), "Its first year.", required=False),
        _field(
            "names",
            pa.list_(pa.string()),
            "The other names under which the text has it.",
            required=False,
        ),
        _field(
            "creators",
            pa.list_(pa.string()),
            "Directors and writers, by its records.",
            required=False,
        ),
        _field("retrieved", pa.bool_(), "Found through similar passages, not named in the text."),
    ]
)
"""An entity that a text may be speaking of."""


SIGNALS = pa.struct(
    [
        _field("base", pa.float64(), "Share of such facts that hold, by pattern or extractor."),
        _field("margin", pa.float64(), "Lead of the linked candidate over the next, 0 to 1."),
        _field("reasks", pa.int32(), "How often the answer had to be asked for again."),
        _field("agreeing", pa.int32(), "Extractors that found the fact."),
        _field("asked", pa.int32(), "Extractors that read the text."),
    ]
)
"""What a confidence is computed from."""


def extraction_contexts(entity_type: str) -> Table:
    """What an extractor is given, one row for each window of a document."""
    return Table(
        name=f"{entity_type}/extraction_contexts",
        schema=pa.schema(
            [
                _field("context_id", pa.string(), "Hash of entity, document and offset."),
                _field("entity_id", pa.string(), "The subject."),
                _field("entity_type", pa.string(), "Its type."),
                _field("name", pa.string(), "Its name."),
                _field(
                    "alternate_names", pa.list_(pa.string()), "Its other names.", required=False
                ),
                _field("year", pa.int32(), "Its first year.", required=False),
                _field("document_id", pa.string(), "The document that is read."),
                _field("document_sha256", pa.string(), "SHA-256 of the document's text."),
                _field(
                    "start", pa.int64(), "Where the window starts in the document, in code points."
                ),
                _field("text", pa.string(), "The whole document, or a window of whole chunks."),
                _field("candidates", pa.list_(CANDIDATE), "Entities that may be objects."),
                _field(
                    "retrieved_chunks",
                    pa.list_(pa.string()),
                    "Chunks of other documents that retrieval found, best first.",
                ),
            ]
        ),
        key=("context_id",),
        description="What an extractor is given: a known subject, a text about it, and the "
        "candidates among the resolved entities that the text may be speaking of, by name "
        "(gazetteer) or by similar passages (document index).",
    )


def inferred_relations(entity_type: str) -> Table:
    """Candidate facts with their evidence, accepted or rejected."""
    return Table(
        name=f"{entity_type}/inferred_relations",
        schema=pa.schema(
            [
                _field("fact_id", pa.string(), "Hash of relation, ends, place and extractor."),
                _field("context_id", pa.string(), "The context that it was read from."),
                _field("relation", pa.string(), "Name in the ontology."),
                _field("subject_id", pa.string(), "The entity that the document is about."),
                _field("subject_type", pa.string(), "Its type."),
                _field(
                    "object_id",
                    pa.string(),
                    "A resolved entity; null where none was linked.",
                    required=False,
                ),
                _field(
                    "object_type",
                    pa.string(),
                    "Its type, or the one that the text says.",
                    required=False,
                ),
                _field("object_name", pa.string(), "The object as the text names it."),
                _field(
                    "object_year",
                    pa.int32(),
                    "Year of a proposed new entity, by the text.",
                    required=False,
                ),
                _field("document_id", pa.string(), "The document that says it."),
                _field("document_sha256", pa.string(), "SHA-256 of that document's text."),
                _field(
                    "quote",
                    pa.string(),
                    "The words that state it, verbatim; as the extractor gave them where the "
                    "document does not hold them.",
                ),
                _field(
                    "quote_match",
                    pa.string(),
                    "exact, or normalised: found after white space, quotation marks, dashes and "
                    "composed letters were made alike; null where it was not found.",
                    required=False,
                ),
                _field(
                    "start",
                    pa.int64(),
                    "Its first character in the document, in code points; null where it was not "
                    "found.",
                    required=False,
                ),
                _field("end", pa.int64(), "One past its last character.", required=False),
                _field("extractor", pa.string(), "Name of the extractor."),
                _field("extractor_version", pa.string(), "Its version."),
                _field("model", pa.string(), "Language model, if any.", required=False),
                _field("ontology", pa.string(), "Content hash of the ontology."),
                _field("confidence", pa.float64(), "Between 0 and 1, computed from the signals."),
                _field("signals", SIGNALS, "What the confidence is computed from."),
                _field("negated", pa.bool_(), "Whether the text denies it."),
                _field(
                    "status",
                    pa.string(),
                    "accepted, rejected, or proposed: it would be kept if its object, a new "
                    "entity, were known.",
                ),
                _field("reason", pa.string(), "Why it was rejected, else null.", required=False),
            ]
        ),
        key=("fact_id",),
        description="Relations read from text, each with the sentence that says so and its place "
        "in the document. Rejected facts are kept with the reason. What came of each context, "
        "where no row speaks of it too, is in extraction_states.",
    )


def extraction_states(entity_type: str) -> Table:
    """What came of each context: whether it was read, and by whom."""
    return Table(
        name=f"{entity_type}/extraction_states",
        schema=pa.schema(
            [
                _field("context_id", pa.string(), "The context."),
                _field("extractor", pa.string(), "Who was to read it."),
                _field("extractor_version", pa.string(), "Its version."),
                _field("model", pa.string(), "Language model, if any.", required=False),
                _field("ontology", pa.string(), "Content hash of the ontology."),
                _field("entity_id", pa.string(), "The subject."),
                _field("document_id", pa.string(), "The document."),
                _field("content_sha256", pa.string(), "Hash of all that the extractor was given."),
                _field(
                    "state",
                    pa.string(),
                    "answered, empty (read, and nothing is stated), refused (never asked again), "
                    "failed, or not tried.",
                ),
                _field("detail", pa.string(), "Why it is so, else null.", required=False),
                _field(
                    "final",
                    pa.bool_(),
                    "Whether reading it again would give the same; else the next build tries it "
                    "again.",
                ),
                _field("facts", pa.int32(), "Facts that were found, accepted or not."),
                _field("reasks", pa.int32(), "How often a wrong answer was asked for again."),
                _field("input_tokens", pa.int64(), "Tokens sent, cached ones included."),
                _field("output_tokens", pa.int64(), "Tokens answered."),
                _field(
                    "cost",
                    pa.float64(),
                    "What the answer cost, in US dollars, also where it came from the store.",
                ),
            ]
        ),
        key=("context_id", "extractor"),
        description="The state of each context: one row for each extractor that was to read it. "
        "A context whose rows are all final is read again only when it, the extractor or the "
        "ontology changes.",
    )


def extractor_comparison(entity_type: str) -> Table:
    """How a second extractor would have read the same contexts."""
    return Table(
        name=f"{entity_type}/extractor_comparison",
        schema=pa.schema(
            [
                _field("context_id", pa.string(), "The context."),
                _field("relation", pa.string(), "Name in the ontology."),
                _field(
                    "object", pa.string(), "Entity, or name in lower case where none is linked."
                ),
                _field("kept_by", pa.string(), "both, first, second or neither."),
                _field("first_status", pa.string(), "Null: not found.", required=False),
                _field("first_reason", pa.string(), "Why it was rejected.", required=False),
                _field("first_confidence", pa.float64(), "Between 0 and 1.", required=False),
                _field("first_quote", pa.string(), "Its evidence.", required=False),
                _field("second_status", pa.string(), "Null: not found.", required=False),
                _field("second_reason", pa.string(), "Why it was rejected.", required=False),
                _field("second_confidence", pa.float64(), "Between 0 and 1.", required=False),
                _field("second_quote", pa.string(), "Its evidence.", required=False),
                _field("second_extractor", pa.string(), "The second extractor and its version."),
                _field("holds", pa.bool_(), "What people say; null: not judged.", required=False),
            ]
        ),
        key=("context_id", "relation", "object"),
        description="What a second extractor found in the same contexts, through the same gate, "
        "beside what the first found. It decides nothing; empty where none is configured "
        "(KG_SHADOW_EXTRACTORS).",
    )


INFERRED_TYPES = Table(
    name="inferred_types",
    schema=pa.schema(
        [
            _field("source", pa.string(), "Who delivered the record."),
            _field("source_id", pa.string(), "The record."),
            _field("name", pa.string(), "Its name."),
            _field("status", pa.string(), "inferred or undecided."),
            _field("entity_type", pa.string(), "The inferred type.", required=False),
            _field("confidence", pa.float64(), "Of the best type, between 0 and 1."),
            _field("reason", pa.string(), "Why it is undecided, else null.", required=False),
            _field("signals", pa.list_(pa.string()), "What was seen, in words."),
            _field("quote", pa.string(), "The sentence of its text that says it.", required=False),
            _field("start", pa.int64(), "Where it starts in that text.", required=False),
            _field("text_source", pa.string(), "Who delivered the text.", required=False),
            _field("document_id", pa.string(), "The text; null: its description.", required=False),
            _field("characters", pa.int64(), "Code points of the description; 0: it has none."),
            _field("delivery", pa.string(), "The delivery that the record is from."),
            *POSITION_FIELDS,
            _field("classifier", pa.string(), "Version of the rules that told the type."),
        ]
    ),
    key=("source", "source_id"),
    description="Each current record whose source does not say what it is (`thing`), with the "
    "type that its fields and words tell, the evidence, or why it is undecided.",
)

INFERRED_RECORDS = Table(
    name="inferred_records",
    schema=pa.schema(
        [
            _field("entity_type", pa.string(), "Type of the record."),
            _field("source_id", pa.string(), "Its id in the source `inferred`."),
            _field("name", pa.string(), "Its name."),
            _field("origin", pa.string(), "thing or proposal."),
            _field("subject_id", pa.string(), "Of which entity the text speaks.", required=False),
            _field("relation", pa.string(), "What the text says of both.", required=False),
            _field("document_id", pa.string(), "The document that names it.", required=False),
            _field("quote", pa.string(), "The words that say so.", required=False),
            _field("line", pa.string(), "The canonical record as JSON, as it is delivered."),
        ]
    ),
    key=("entity_type", "source_id"),
    description="What the source `inferred` says now: things with their inferred type, and "
    "entities that texts name with a type and that no source has. Where it differs from the last "
    "delivery of that source in this namespace, it was landed as the next one.",
)
