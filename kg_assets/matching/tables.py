"""The tables of the matching stage; a function of the entity type gives each its own."""

from __future__ import annotations

import pyarrow as pa

from resources.table import Table

_MEANINGS = {
    "entity_type": "The entity type.",
    "version": "Hash of the model's declaration.",
    "settings": "Splink settings as JSON, with the trained m and u probabilities.",
    "threshold": "Match probability from which a pair is an edge.",
    "trained": "Whether training changed what was declared.",
    "notes": "What could not be trained, and why.",
    "column_name": "The feature.",
    "value": "One of its values.",
    "frequency": "Share of distinct things that have the value, 0 to 1.",
    "record_l": "source:source_id, the smaller of the two.",
    "record_r": "source:source_id, the greater of the two.",
    "rule": "The first blocking rule that holds for the pair.",
    "match_weight": "Sum of the evidence in bits; 0 is even odds.",
    "match_probability": "The same as a probability.",
    "levels": "Level reached in each comparison, in the model order; -1: a value is missing.",
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
    "reason": "Why a person should look.",
}
"""What each column holds; a name means the same in every table."""


def _required(name: str, kind: pa.DataType) -> pa.Field:
    return _column(name, kind).with_nullable(False)


def _column(name: str, kind: pa.DataType) -> pa.Field:
    return pa.field(name, kind, metadata={"description": _MEANINGS[name]})


def match_model(entity_type: str) -> Table:
    """The frozen model of an entity type, one row."""
    return Table(
        name=f"{entity_type}/match_model",
        schema=pa.schema(
            [
                _required("entity_type", pa.string()),
                _required("version", pa.string()),
                _required("settings", pa.string()),
                _required("threshold", pa.float64()),
                _required("trained", pa.bool_()),
                _column("notes", pa.string()),
            ]
        ),
        key=("entity_type",),
        description="The trained Splink settings as JSON with the threshold: one frozen version, "
        "retrained on request.",
    )


def term_frequencies(entity_type: str) -> Table:
    """How common each value of a term-frequency column is among distinct things."""
    return Table(
        name=f"{entity_type}/term_frequencies",
        schema=pa.schema(
            [
                _required("column_name", pa.string()),
                _required("value", pa.string()),
                _required("frequency", pa.float64()),
            ]
        ),
        key=("column_name", "value"),
        description="Relative frequency of a value, counted over distinct things and frozen with "
        "the model.",
    )


def blocked_pairs(entity_type: str) -> Table:
    """Candidate pairs."""
    return Table(
        name=f"{entity_type}/blocked_pairs",
        schema=pa.schema(
            [
                _required("record_l", pa.string()),
                _required("record_r", pa.string()),
                _required("rule", pa.string()),
            ]
        ),
        key=("record_l", "record_r"),
        description="Candidate pairs, each made in one shard by the first blocking rule that "
        "holds for it.",
    )


def match_scores(entity_type: str) -> Table:
    """Scored candidate pairs."""
    return Table(
        name=f"{entity_type}/match_scores",
        schema=pa.schema(
            [
                _required("record_l", pa.string()),
                _required("record_r", pa.string()),
                _required("rule", pa.string()),
                _required("match_weight", pa.float64()),
                _required("match_probability", pa.float64()),
                _required("levels", pa.list_(pa.int8())),
                _column("veto", pa.string()),
            ]
        ),
        key=("record_l", "record_r"),
        description="Match weight and probability of each candidate pair, the comparison levels "
        "that explain it (in the order of the model's comparisons), and the veto, if any, that "
        "no score may overrule.",
    )


def resolved_entities(entity_type: str) -> Table:
    """Entities with their golden record."""
    return Table(
        name=f"{entity_type}/resolved_entities",
        schema=pa.schema(
            [
                _required("entity_id", pa.string()),
                _required("entity_type", pa.string()),
                _required("name", pa.string()),
                _column("alternate_names", pa.list_(pa.string())),
                _column("year", pa.int32()),
                _column("end_year", pa.int32()),
                _column("date", pa.date32()),
                _column("runtime_minutes", pa.float64()),
                _column("season", pa.int32()),
                _column("episode", pa.int32()),
                _column("genres", pa.list_(pa.string())),
                _column("countries", pa.list_(pa.string())),
                _column("languages", pa.list_(pa.string())),
                _column("professions", pa.list_(pa.string())),
                _column("birth_year", pa.int32()),
                _column("death_year", pa.int32()),
                _column("description", pa.string()),
                _column("url", pa.string()),
                _required("records", pa.int64()),
                _required("sources", pa.list_(pa.string())),
            ]
        ),
        key=("entity_id",),
        description="One row an entity: its lasting id and its golden record, each attribute "
        "chosen by a declared rule.",
    )


def entity_members(entity_type: str) -> Table:
    """Which records an entity holds."""
    return Table(
        name=f"{entity_type}/entity_members",
        schema=pa.schema(
            [
                _required("entity_id", pa.string()),
                _required("entity_type", pa.string()),
                _required("source", pa.string()),
                _required("source_id", pa.string()),
            ]
        ),
        key=("source", "source_id"),
        description="Which records an entity holds; each record is in exactly one entity.",
    )


def identity_events(entity_type: str) -> Table:
    """What happened to ids, from the first version on."""
    return Table(
        name=f"{entity_type}/identity_events",
        schema=pa.schema(
            [
                _required("generation", pa.int64()),
                _required("event", pa.string()),
                _required("entity_id", pa.string()),
                _required("other_id", pa.string()),
                _required("members", pa.int64()),
            ]
        ),
        key=("generation", "entity_id", "event", "other_id"),
        description="What was born, merged, split or retired, one generation for each change "
        "since the first version. other_id is where a merged or split id leads, else empty. A "
        "version in which nothing changed adds nothing.",
    )


def review_queue(entity_type: str) -> Table:
    """Pairs that a person should look at."""
    return Table(
        name=f"{entity_type}/review_queue",
        schema=pa.schema(
            [
                _required("record_l", pa.string()),
                _required("record_r", pa.string()),
                _required("match_probability", pa.float64()),
                _required("reason", pa.string()),
            ]
        ),
        key=("record_l", "record_r"),
        description="Pairs on which a judgement would change most: near the threshold, or "
        "joined by score but kept apart by a constraint.",
    )
