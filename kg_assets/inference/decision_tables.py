"""The tables of decisions: whose texts are read, and why each context was."""

from __future__ import annotations

import pyarrow as pa

from kg_assets.matching.column_meanings import described
from resources.table import Table


def inference_decisions(entity_type: str) -> Table:
    """Whether the texts of each entity are read, and why."""
    return Table(
        name=f"{entity_type}/inference_decisions",
        schema=pa.schema(
            [
                described("entity_id", pa.string(), "The entity."),
                described("name", pa.string(), "Its name."),
                described("decision", pa.string(), "eligible (its texts are read) or skipped."),
                described(
                    "reason",
                    pa.string(),
                    "What is to be found out, or the first condition of the policy that fails.",
                ),
                described(
                    "missing",
                    pa.list_(pa.string()),
                    "Relations of the policy that no record of it states.",
                ),
                described("texts", pa.int64(), "Documents about it."),
                described("characters", pa.int64(), "Code points of the longest of them."),
                described("records", pa.int64(), "Its records."),
                described("sources", pa.int64(), "Sources that they are from."),
                described(
                    "degree",
                    pa.int64(),
                    "Relations that its records state, genres and countries included; 0 where "
                    "there is no text.",
                ),
                described("year", pa.int32(), "Its first year.", nullable=True),
                described("votes", pa.int64(), "Users of a source who rated it.", nullable=True),
                described(
                    "place",
                    pa.int64(),
                    "Its place among the entities that are worth it, the most spoken of first; "
                    "null for the others.",
                    nullable=True,
                ),
            ]
        ),
        key=("entity_id",),
        description="What the policy of the type decides for each entity: whether its texts are "
        "read, why or why not, and the figures that it goes by (KG_POLICIES).",
    )


def reading_decisions(entity_type: str) -> Table:
    """Why each context was read as it now stands."""
    return Table(
        name=f"{entity_type}/reading_decisions",
        schema=pa.schema(
            [
                described("context_id", pa.string(), "The context."),
                described("entity_id", pa.string(), "Its subject."),
                described("document_id", pa.string(), "The document that is read."),
                described(
                    "reason",
                    pa.string(),
                    "Why it was read: not before, or what had changed since (text, ontology, "
                    "prompt or rules, language model, extractor, what is known of its "
                    "candidates).",
                ),
                described("extractor", pa.string(), "Who was asked to read it."),
                described("content_sha256", pa.string(), "Hash of all that it was given."),
                described("ontology", pa.string(), "Content hash of the ontology then."),
            ]
        ),
        key=("context_id",),
        description="Why each context was read with what it holds now. The reason stays until "
        "the context is read with something else, so it tells of the past and another way to the "
        "same state may have other reasons. Nothing is computed from it.",
    )
