"""The tables of the matching stage; a function of the entity type gives each its own."""

from __future__ import annotations

import pyarrow as pa

from resources.table import Table


def _required(name: str, kind: pa.DataType) -> pa.Field:
    return pa.field(name, kind, nullable=False)


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
                pa.field("notes", pa.string()),
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
                pa.field("veto", pa.string()),
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
                pa.field("alternate_names", pa.list_(pa.string())),
                pa.field("year", pa.int32()),
                pa.field("end_year", pa.int32()),
                pa.field("date", pa.date32()),
                pa.field("runtime_minutes", pa.float64()),
                pa.field("season", pa.int32()),
                pa.field("episode", pa.int32()),
                pa.field("genres", pa.list_(pa.string())),
                pa.field("countries", pa.list_(pa.string())),
                pa.field("languages", pa.list_(pa.string())),
                pa.field("professions", pa.list_(pa.string())),
                pa.field("birth_year", pa.int32()),
                pa.field("death_year", pa.int32()),
                pa.field("description", pa.string()),
                pa.field("url", pa.string()),
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
