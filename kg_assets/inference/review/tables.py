"""The tables of the review of facts: judgements, the facts that stand after them, the queue."""

from __future__ import annotations

import pyarrow as pa

from kg_assets.inference.tables import inferred_relations
from resources.table import Table


def _text(name: str, text: str, *, required: bool = True) -> pa.Field:
    return _field(name, pa.string(), text, required=required)


def _field(name: str, kind: pa.DataType, text: str, *, required: bool = True) -> pa.Field:
    return pa.field(name, kind, nullable=not required, metadata={"description": text})


FACT_JUDGEMENTS = Table(
    name="fact_judgements",
    schema=pa.schema(
        [
            _text("id", "Hash of the judgement, by which it is taken back."),
            _text("entity_type", "Type of the subject; also the partition."),
            _text("record", "The record whose text was read, source:source_id."),
            _text("relation", "Relation of the fact."),
            _text("object", "A record of its object, if it is known.", required=False),
            _text("object_type", "Type of the object.", required=False),
            _text("object_name", "The object as the text names it."),
            _text("quote", "The words that are said to state it."),
            _text("verdict", "accept, correct or reject."),
            _text("new_relation", "The right relation, of a correction.", required=False),
            _text("new_object", "A record of the right object.", required=False),
            _text("new_object_type", "Type of the right object.", required=False),
            _text("new_object_name", "Name of the right object.", required=False),
            _text("subject_name", "Name of the subject when it was judged."),
            _text("passage", "The sentences around the quote then."),
            _text("extractor", "Who had found the fact."),
            _text("who", "Who judged."),
            _text("time", "When, in UTC, ISO 8601 with microseconds."),
            _text("why", "The reason in words, else empty."),
            _text("undoes", "The earlier judgement that this row takes back.", required=False),
        ]
    ),
    key=("record", "relation", "object_name", "time", "id"),
    description="What people said of facts that were read from texts: accept, correct or reject. "
    "Only ever added to, by `kg review` and `kg judge import`; the newest standing judgement of "
    "a fact counts, above every extractor.",
)
"""People's judgements of facts, a partition for each entity type of subjects."""


def reviewed_relations(entity_type: str) -> Table:
    """Facts as they stand after people's judgements; what the graph is made from."""
    inferred = inferred_relations(entity_type)
    # What only a person says has no context, and signals are the extractors' affair.
    columns = [
        each.with_nullable(True) if each.name == "context_id" else each
        for each in inferred.schema
        if each.name != "signals"
    ]
    return Table(
        name=f"{entity_type}/reviewed_relations",
        schema=pa.schema(
            [
                *columns,
                _text("judgement", "The judgement that decided on it.", required=False),
                _text("reviewer", "Who judged.", required=False),
            ]
        ),
        key=("fact_id",),
        description="The facts that extractors found, with what people decided: an accepted fact "
        "stands whatever its confidence, a rejected one does not, and a corrected one is "
        "replaced by its correction, which has the extractor `review`. Confidence is the "
        "extractor's, 1 for what only a person says.",
    )


def fact_queue(entity_type: str) -> Table:
    """Facts that a person should look at."""
    return Table(
        name=f"{entity_type}/fact_queue",
        schema=pa.schema(
            [
                _text("fact_id", "The fact, in reviewed_relations."),
                _text("kind", "people, conflict, new entity, threshold or unsure."),
                _text("reason", "Why it is asked."),
                _field("telling", pa.float64(), "Uncertainty times the worth of the subject."),
                _field(
                    "rivals",
                    pa.list_(pa.string()),
                    "Facts on the other side of a conflict, the surest first.",
                ),
                _field("turn", pa.int32(), "Place in the order in which facts are asked for."),
            ]
        ),
        key=("fact_id",),
        description="Facts on which a judgement would change most: on which people or extractors "
        "disagree, that propose a new entity, or that are not sure enough.",
    )
