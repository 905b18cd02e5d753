"""What the source `inferred` delivers: things with their type, and entities that texts propose."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from kg_assets.inference.evidence import PROPOSED, REJECTED
from kg_assets.inference.extractors import UNLINKED
from kg_assets.inference.gazetteer import name_key
from kg_assets.inference.proposing import is_proposable, proposal_id
from kg_assets.inference.review.tables import reviewed_relations
from kg_assets.inference.tables import (
    GAZETTEER_TYPES,
    INFERENCE_TYPES,
    INFERRED_RECORDS,
    INFERRED_TYPES,
)
from kg_assets.inference.things import BATCH_THINGS, view_things
from kg_assets.matching.tables import entity_members, resolved_entities
from kg_assets.sources.contract import MAX_ID_LENGTH
from kg_assets.sources.inferred import INFERRED, deliver
from kg_assets.sources.record import RECORD_SCHEMA

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from resources.lake import Step

_NOT_CARRIED = ("entity_type", "source", "parent_id")
# Ids of another source would lead nowhere in this one; names stay.


def run_inferred_records(step: Step, landing: Path) -> None:
    """Write what the source `inferred` says now, and land it if that differs from before.

    An entity is proposed where a fact holds but for its object, which the text names with its
    type and which no entity of that type is called, or which a person says is a new one. Once it
    is resolved, the facts link to it; it stays for as long as one of them does, so that a build on
    the same input changes nothing.

    Args:
        step: Reads things, facts, entities and members.
        landing: The landing zone.
    """
    view_things(step)
    step.view("inferred_type", INFERRED_TYPES)
    _view_facts(step)
    step.write(INFERRED_RECORDS, _rows(step.con))
    found = step.staged(INFERRED_RECORDS)
    lines = found.order("entity_type, source_id").project("line")
    landed = deliver(landing, step.lake.namespace, _lines(lines))
    counts = dict(found.aggregate("origin, count(*)", "origin").fetchall())
    step.report(
        things=counts.get("thing", 0),
        proposals=counts.get("proposal", 0),
        landed=landed.key if landed else None,
    )


def thing_id(source: str, source_id: str) -> str:
    """The source_id of a thing in the source `inferred`."""
    whole = f"{source}:{source_id}"
    if len(whole) <= MAX_ID_LENGTH:
        return whole
    return f"{source}:{hashlib.sha256(source_id.encode()).hexdigest()}"


def _view_facts(step: Step) -> None:
    con = step.con
    facts, entities, members = [], [], []
    for kind in INFERENCE_TYPES:
        step.view(f"facts_{kind}", reviewed_relations(kind))
        facts.append(f"SELECT * FROM facts_{kind}")  # noqa: S608 - our types
    for kind in GAZETTEER_TYPES:
        step.view(f"entities_{kind}", resolved_entities(kind))
        step.view(f"members_{kind}", entity_members(kind))
        entities.append(
            f"SELECT entity_id, entity_type, name, alternate_names FROM entities_{kind}"  # noqa: S608
        )
        members.append(f"SELECT entity_id, entity_type, source, source_id FROM members_{kind}")  # noqa: S608
    con.execute(f"CREATE OR REPLACE TABLE fact AS {' UNION ALL '.join(facts)}")
    con.execute(f"CREATE OR REPLACE TEMP VIEW entity AS {' UNION ALL '.join(entities)}")
    con.execute(f"CREATE OR REPLACE TEMP VIEW member AS {' UNION ALL '.join(members)}")
    # Tables, which the cursors that rows are read with can see.
    con.execute(
        """
        CREATE OR REPLACE TABLE proposed AS
        SELECT *
        FROM member
        WHERE source = $inferred
        AND starts_with(source_id, '+')
        """,
        {"inferred": INFERRED},
    )
    con.execute(
        """
        CREATE OR REPLACE TABLE known_name AS
        SELECT DISTINCT
            entity_type,
            unnest(list_append(coalesce(alternate_names, []), name)) AS name
        FROM entity
        WHERE entity_type IN (
            SELECT object_type
            FROM fact
            WHERE object_id IS NULL
        )
        AND entity_id IN (
            SELECT entity_id
            FROM member
            WHERE source <> $inferred
            OR NOT starts_with(source_id, '+')
        )
        """,
        {"inferred": INFERRED},
    )


def _rows(con: duckdb.DuckDBPyConnection) -> Iterator[pa.RecordBatch]:
    con.execute(
        """
        CREATE OR REPLACE TABLE typed_thing AS
        SELECT
            thing.*,
            inferred_type.entity_type AS inferred,
            inferred_type.confidence AS confidence,
            inferred_type.quote AS quote,
            inferred_type.text_source AS text_source,
            inferred_type.document_id AS document_id
        FROM thing
        JOIN inferred_type USING (source, source_id)
        WHERE inferred_type.entity_type IS NOT NULL
        """
    )
    things = con.cursor().table("typed_thing")
    for batch in things.to_arrow_reader(BATCH_THINGS):
        rows = [_thing(record) for record in batch.to_pylist()]
        yield pa.RecordBatch.from_pylist(rows, schema=INFERRED_RECORDS.schema)
    rows = [_proposal(each) for each in _proposals(con)]
    yield pa.RecordBatch.from_pylist(rows, schema=INFERRED_RECORDS.schema)


def _thing(record: Mapping[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "entity_type": record["inferred"],
        "source_id": thing_id(record["source"], record["source_id"]),
    }
    for name in RECORD_SCHEMA.names:
        value = record[name]
        if name not in _NOT_CARRIED and name != "source_id" and value not in (None, [], {}):
            told[name] = value
    named = [
        {key: value for key, value in one.items() if key != "source_id" and value is not None}
        for one in told.pop("relations", ())
        if one["name"]
    ]
    if named:
        told["relations"] = named
    told["credits"] = [
        {key: value for key, value in credit.items() if key != "person_id" and value is not None}
        for credit in record["credits"] or ()
    ]
    told["external_ids"] = dict(record["external_ids"] or ())
    # Not part of the canonical record: for people who look at the file.
    told["inferred_from"] = {
        "source": record["source"],
        "source_id": record["source_id"],
        "delivery": record["delivery"],
        "sha256": record["sha256"],
        "confidence": record["confidence"],
        "quote": record["quote"],
    }
    if record["document_id"] is not None:
        told["inferred_from"]["text"] = f"{record['text_source']}:{record['document_id']}"
    return {
        "entity_type": told["entity_type"],
        "source_id": told["source_id"],
        "name": told["name"],
        "origin": "thing",
        "quote": record["quote"],
        "line": _json(told),
    }


def _proposals(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """The proposals, each by the first fact that supports it; as many as texts name, no more."""
    unlinked = con.cursor().sql(
        """
        SELECT
            object_type AS entity_type,
            object_name AS name,
            subject_id,
            relation,
            document_id,
            quote,
            reviewer IS NOT NULL AS reviewed
        FROM fact
        WHERE object_id IS NULL
        AND object_type IS NOT NULL
        AND NOT negated
        -- A language model proposes by itself; of the rules' facts those without a link do.
        AND (status = $proposed OR starts_with(coalesce(reason, ''), $unlinked))
        ORDER BY document_id, "start", fact_id
        """,
        params={"unlinked": UNLINKED, "proposed": PROPOSED},
    )
    linked = con.cursor().sql(
        """
        SELECT
            proposed.entity_type,
            proposed.source_id,
            fact.object_name AS name,
            fact.subject_id,
            fact.relation,
            fact.document_id,
            fact.quote
        FROM fact
        JOIN proposed ON proposed.entity_id = fact.object_id
        WHERE NOT fact.negated
            -- What a person rejected supports nothing.
            AND (fact.reviewer IS NULL OR fact.status <> $rejected)
        ORDER BY fact.document_id, fact."start", fact.fact_id
        """,
        params={"rejected": REJECTED},
    )
    found: dict[str, dict[str, Any]] = {}
    for each in _each(linked):
        # The name of the proposal itself and not a shorter one by which it was linked.
        if proposal_id(each["entity_type"], each["name"]) == each["source_id"]:
            found.setdefault(each["source_id"], each)
    proposed: dict[tuple[str, str], dict[str, Any]] = {}
    for each in _each(unlinked):
        kind, name = each["entity_type"], each["name"]
        if kind not in GAZETTEER_TYPES:
            continue
        if each["reviewed"]:
            # A person has seen the name, and what else has it.
            found.setdefault(proposal_id(kind, name), each)
        elif is_proposable(name):
            proposed.setdefault((kind, name_key(name)), each)
    # Where one has the name and the text does not tell whether it is meant, one more would not
    # help.
    for place in proposed.keys() - _names_taken(con, proposed):
        each = proposed[place]
        found.setdefault(proposal_id(each["entity_type"], each["name"]), each)
    return [found[key] for key in sorted(found)]


def _names_taken(
    con: duckdb.DuckDBPyConnection, proposed: Collection[tuple[str, str]]
) -> set[tuple[str, str]]:
    """Those types and names that an entity has of which more than the program itself knows."""
    named = con.cursor().sql("SELECT entity_type, name FROM known_name")
    taken: set[tuple[str, str]] = set()
    for batch in named.to_arrow_reader(8_192):
        kinds, names = (column.to_pylist() for column in batch.columns)
        keys = ((kind, name_key(name)) for kind, name in zip(kinds, names, strict=True))
        taken.update(key for key in keys if key in proposed)
    return taken


def _proposal(each: Mapping[str, Any]) -> dict[str, Any]:
    source_id = proposal_id(each["entity_type"], each["name"])
    told = {
        "entity_type": each["entity_type"],
        "source_id": source_id,
        "name": each["name"],
        "inferred_from": {
            "subject_id": each["subject_id"],
            "relation": each["relation"],
            "document_id": each["document_id"],
            "quote": each["quote"],
        },
    }
    return {
        **{name: each.get(name) for name in INFERRED_RECORDS.schema.names},
        "source_id": source_id,
        "origin": "proposal",
        "line": _json(told),
    }


def _json(told: Mapping[str, Any]) -> str:
    kept = {key: value for key, value in told.items() if value not in (None, [], {})}
    return json.dumps(kept, ensure_ascii=False, sort_keys=True, default=_day)


def _day(value: object) -> str:
    if isinstance(value, datetime.date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is no value of a canonical record")


def _lines(relation: duckdb.DuckDBPyRelation) -> Iterator[str]:
    return (each["line"] for each in _each(relation))


def _each(relation: duckdb.DuckDBPyRelation) -> Iterator[dict[str, Any]]:
    """The rows of a relation, of which no more than a batch is in memory."""
    for batch in relation.to_arrow_reader(BATCH_THINGS):
        yield from batch.to_pylist()
