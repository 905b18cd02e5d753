"""What the columns of the matching stage's tables hold."""

from __future__ import annotations

import pyarrow as pa

MEANINGS = {
    "entity_type": "The entity type.",
    "version": "Hash of the model's declaration.",
    "settings": "Splink settings as JSON, with the trained m and u probabilities.",
    "threshold": "Match probability from which a pair is an edge.",
    "source_l": "A source, the smaller name of the two.",
    "source_r": "The other source, or the same.",
    "method": "How the threshold was found: calibrated, one_to_one, declared or configured.",
    "measured": "The threshold without what is configured.",
    "measured_method": "How that one was found.",
    "model_version": "Version of the match model that this is frozen with.",
    "kind": "What is counted: level, weight or term.",
    "item": "The comparison, or the column.",
    "bucket": "The level, the bin of match weight in bits, or the term.",
    "count": "How many pairs, or records of the sample.",
    "file": "Path in the folder of reports of the namespace.",
    "sha256": "SHA-256 of the file.",
    "bytes": "Its size.",
    "trained": "Whether training changed what was declared.",
    "untrained": "Each level that training never saw: comparison, level, m or u.",
    "notes": "What could not be trained, and why.",
    "column_name": "The feature.",
    "value": "One of its values.",
    "frequency": "Share of distinct things that have the value, 0 to 1.",
    "record_l": "source:source_id, the smaller of the two.",
    "record_r": "source:source_id, the greater of the two.",
    "block": "Hash of rule and key; a shard is a range of it.",
    "rule_number": "Place of the blocking rule in the model, from 0.",
    "record_id": "source:source_id.",
    "record": "Hash of record_id.",
    "duplicate_free": "Whether the source is declared free of duplicates.",
    "origin": "Hash of rule and key of the block over the cap that this one was cut from.",
    "block_key": "The key that the records share.",
    "block_records": "How many records share it.",
    "largest": "Records of the largest block that it was cut into.",
    "neighbourhoods": "Blocks that were still over the cap and are joined in sorted windows.",
    "rule": "The first blocking rule that holds for the pair.",
    "match_weight": "Sum of the evidence in bits; 0 is even odds.",
    "match_probability": "The same as a probability.",
    "pairs": "How many pairs there are.",
    "levels": "Level reached in each comparison, in the model order; -1: a value is missing; -2: "
    "not needed, the pair cannot reach the weight from which weights are exact.",
    "veto": "Name of the veto that forbids the match, if any.",
    "entity_id": "Lasting id of the entity.",
    "name": "The chosen name.",
    "alternate_names": "All other names.",
    "year": "First year.",
    "end_year": "Last year.",
    "date": "Day of release or first broadcast.",
    "runtime_minutes": "Running time in minutes.",
    "season": "Season of an episode.",
    "episode": "Number of an episode in its season.",
    "genres": "Genres of all records.",
    "countries": "Countries of origin, ISO 3166-1 alpha-2.",
    "languages": "Original languages, ISO 639.",
    "professions": "What a person does.",
    "birth_year": "Year of birth.",
    "death_year": "Year of death.",
    "rating": "Mean of the ratings by users of a source, 0 to 10.",
    "votes": "How many of its users rated it.",
    "description": "The longest prose of its records.",
    "url": "A page about the entity.",
    "records": "How many records it holds.",
    "sources": "The sources of its records.",
    "source": "Who delivered the record.",
    "source_id": "The source's own identifier.",
    "generation": "Number of the change, from 1.",
    "event": "born, merged, split or retired.",
    "other_id": "Where a merged or split id leads, else empty.",
    "members": "How many records it concerned.",
    "entity_l": "Entity of record_l.",
    "entity_r": "Entity of record_r.",
    "reason": "Why a person should look.",
    "figure": "What is compared: a figure of all pairs, or pair, for one that differs most.",
    "place": "Rank among the pairs that differ most, from 1; 0 for a figure.",
    "pinned": "Of the scorer that decides: the figure, or the pair's match weight.",
    "shadow": "The same of the scorer that runs beside it.",
}
"""What each column holds; a name means the same in every table."""


def required(name: str, kind: pa.DataType) -> pa.Field:
    """A column of a known meaning that every row has."""
    return column(name, kind).with_nullable(False)


def described(name: str, kind: pa.DataType, text: str, nullable: bool = False) -> pa.Field:
    """A column with a description of its own."""
    return pa.field(name, kind, nullable=nullable, metadata={"description": text})


def column(name: str, kind: pa.DataType) -> pa.Field:
    """A column of a known meaning that may be empty."""
    return pa.field(name, kind, metadata={"description": MEANINGS[name]})
