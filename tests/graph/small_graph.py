"""A graph of a few hand-made records, on views such as the steps of the graph stage make."""

from __future__ import annotations

import hashlib
from typing import Any

import duckdb
import pyarrow as pa

from kg_assets.graph.vocabulary import relation_types
from kg_assets.inference.review.tables import reviewed_relations
from kg_assets.inference.tables import DOCUMENTS
from kg_assets.matching.tables import entity_members, resolved_entities
from kg_assets.sources.record import POSITION_FIELDS, RECORD_SCHEMA
from ontology.schema import load_ontology

CLAIMED = ("name", "year", "runtime_minutes", "description", "parent_id")


def record(entity_type: str, key: str, name: str, **fields: Any) -> dict[str, Any]:
    """A canonical record; key is source:source_id."""
    source, source_id = key.split(":")
    return {
        "entity_type": entity_type,
        "source": source,
        "source_id": source_id,
        "name": name,
        "file": f"{source}.jsonl",
        "position": len(source_id),
        "sha256": hashlib.sha256(key.encode()).hexdigest(),
        "delivery": "first",
        **fields,
    }


def credit(role: str, person: str, name: str, **fields: Any) -> dict[str, Any]:
    """A credit; person is the source_id of the person's record."""
    return {"name": name, "person_id": person, "role": role, **fields}


def connection(
    records: list[dict[str, Any]],
    entities: dict[str, list[str]],
    facts: list[dict[str, Any]] | None = None,
) -> duckdb.DuckDBPyConnection:
    """Make the views that the graph is built from.

    Args:
        records: Made by `record`.
        entities: Keys (source:source_id) of each entity's records, by entity id.
        facts: Inferred relations, with whatever columns differ from an accepted one.

    Returns:
        Connection with the views records, members, entities, claims, documents,
        reviewed_relations and relation_types.
    """
    con = duckdb.connect(config={"threads": 1})
    by_key = {f"{each['source']}:{each['source_id']}": each for each in records}
    schema = pa.schema([*RECORD_SCHEMA, *POSITION_FIELDS, pa.field("delivery", pa.string())])
    con.register("records", pa.Table.from_pylist(records, schema=schema))
    members = [
        {
            "entity_id": entity_id,
            "entity_type": by_key[key]["entity_type"],
            "source": by_key[key]["source"],
            "source_id": by_key[key]["source_id"],
        }
        for entity_id, keys in entities.items()
        for key in keys
    ]
    con.register("members", pa.Table.from_pylist(members, schema=entity_members("film").schema))
    golden = [
        {
            **by_key[keys[0]],
            "entity_id": entity_id,
            "records": len(keys),
            "sources": sorted({by_key[key]["source"] for key in keys}),
        }
        for entity_id, keys in entities.items()
    ]
    con.register("entities", pa.Table.from_pylist(golden, schema=resolved_entities("film").schema))
    claims = [
        {
            "entity_id": entity_id,
            "entity_type": by_key[key]["entity_type"],
            "attribute": attribute,
            "value": str(by_key[key][attribute]),
            "source": by_key[key]["source"],
            "source_id": by_key[key]["source_id"],
            "chosen": by_key[key][attribute] == by_key[keys[0]].get(attribute),
        }
        for entity_id, keys in entities.items()
        for key in keys
        for attribute in CLAIMED
        if by_key[key].get(attribute) is not None
    ]
    con.register("claims", pa.Table.from_pylist(claims))
    documents = [
        {
            "document_id": f"document of {entity_id}",
            "entity_id": entity_id,
            "entity_type": by_key[keys[0]]["entity_type"],
            "source": by_key[keys[0]]["source"],
            "source_id": by_key[keys[0]]["source_id"],
            "title": by_key[keys[0]]["name"],
            "text": by_key[keys[0]].get("description") or "",
            "sha256": "",
            "characters": 0,
            "original_sha256": "",
            "cleaning": "none",
        }
        for entity_id, keys in entities.items()
    ]
    con.register("documents", pa.Table.from_pylist(documents, schema=DOCUMENTS.schema))
    schema = reviewed_relations("film").schema
    con.register("reviewed_relations", pa.Table.from_pylist(facts or [], schema=schema))
    con.register("relation_types", relation_types(load_ontology()))
    return con


def inferred(relation: str, subject: str, object_id: str | None, quote: str) -> dict[str, Any]:
    """An accepted inferred relation whose quote stands at the start of the subject's document."""
    return {
        "fact_id": f"{relation} {subject} {object_id}",
        "relation": relation,
        "subject_id": subject,
        "object_id": object_id,
        "object_name": object_id or "something new",
        "document_id": f"document of {subject}",
        "quote": quote,
        "start": 0,
        "end": len(quote),
        "extractor": "rules",
        "confidence": 0.9,
        "status": "accepted",
    }
