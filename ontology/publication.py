"""What the ontology is published as: a JSON Schema, a JSON-LD context, and pages for people."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from ontology.schema import (
    HOW_INFERRED,
    HOW_INVERSE,
    HOW_SOURCE,
    Attribute,
    Example,
    Ontology,
    Relation,
)

PREFIX = "dramatis"
"""What the names of the namespace are shortened to."""

NAMESPACE = "urn:dramatis:entertainment#"
"""Where a class or relation has its name if Wikidata and schema.org have none for it."""

_HOW = {
    HOW_SOURCE: "stated by records",
    HOW_INFERRED: "read from text",
    HOW_INVERSE: "the other end of",
}
_NOTE = "<!-- Made by `kg ontology write` from ontology/entertainment.yaml. Do not edit. -->\n\n"


def published_files(ontology: Ontology) -> dict[str, str]:
    """Make everything that is published.

    Returns:
        The content of each file by its name; the same for the same ontology.
    """
    return {
        "README.md": _NOTE + _overview(ontology),
        "context.jsonld": _json(jsonld_context(ontology)),
        "relations.md": _NOTE + _relations(ontology),
        "schema.json": _json(json_schema(ontology)),
        "types.md": _NOTE + _types(ontology),
    }


def jsonld_context(ontology: Ontology) -> dict[str, Any]:
    """Make a JSON-LD context, with which entities and relations mean what Wikidata means by them.

    A relation that Wikidata lacks is of the project's own namespace. Mappings that are only near
    ones are not used: they would claim more than holds. Types have no terms, since one of them
    has the name of a relation: they are written with the prefix, such as ``dramatis:film``.
    """
    terms: dict[str, Any] = {
        PREFIX: NAMESPACE,
        "schema": "http://schema.org/",
        "id": "@id",
        "type": "@type",
        "name": "schema:name",
    }
    for relation in ontology.relations.values():
        exact = relation.wikidata if relation.wikidata_exact else None
        own = f"http://www.wikidata.org/prop/direct/{exact}" if exact else NAMESPACE + relation.name
        terms[relation.name] = {"@id": own, "@type": "@id"}
    return {"@context": terms}


def json_schema(ontology: Ontology) -> dict[str, Any]:
    """Make the JSON Schema (2020-12) of entities as JSON-LD objects.

    An entity has an id, a type, a name, and of each relation a list of links, each of which says
    the type of what it leads to. Relations that are only derived are allowed too.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:dramatis:entertainment:{ontology.version}:{ontology.hash}",
        "title": "An entity of the graph, with its relations",
        "oneOf": [{"$ref": f"#/$defs/{name}"} for name in ontology.entity_types],
        "$defs": {
            name: {
                "type": "object",
                "description": kind.definition,
                "additionalProperties": False,
                "required": ["id", "type", "name"],
                "properties": {
                    "@context": {},
                    "id": {"type": "string", "minLength": 1},
                    "type": {"const": f"{PREFIX}:{name}"},
                    "name": {"type": "string", "minLength": 1},
                    **{
                        relation.name: {"$ref": f"#/$defs/links.{relation.name}"}
                        for relation in ontology.relations_for(name)
                    },
                },
            }
            for name, kind in ontology.entity_types.items()
        }
        | {
            f"links.{name}": _links(ontology, relation)
            for name, relation in ontology.relations.items()
        },
    }


def _links(ontology: Ontology, relation: Relation) -> dict[str, Any]:
    ends = [f"{PREFIX}:{kind}" for kind in ontology.entity_types if kind in relation.range]
    found: dict[str, Any] = {
        "type": "array",
        "description": relation.definition,
        "uniqueItems": True,
        "items": {
            "type": "object",
            "additionalProperties": False,
            "required": ["id", "type"],
            "properties": {
                "id": {"type": "string", "minLength": 1},
                "type": {"enum": ends},
                "name": {"type": "string"},
            },
        },
    }
    return found if relation.multivalued else found | {"maxItems": 1}


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _overview(ontology: Ontology) -> str:
    inferred = [each for each in ontology.relations.values() if each.how == HOW_INFERRED]
    lines = [
        "# The ontology",
        f"Version {ontology.version}, hash `{ontology.hash}`. "
        f"{len(ontology.entity_types)} types of entity, {len(ontology.relations)} relations, "
        f"{len(inferred)} of which are read from texts.",
        "",
        "- [types.md](types.md): the types of entity",
        "- [relations.md](relations.md): the relations, with guidance and examples",
        "- [schema.json](schema.json): JSON Schema of an entity with its relations",
        "- [context.jsonld](context.jsonld): JSON-LD context for the same objects",
        "",
        "## Which type can have which relation",
        "| type | stated by records | read from text |",
        "|---|---|---|",
    ]
    for name in ontology.entity_types:
        cells = [
            ", ".join(
                f"[{each.name}](relations.md#{each.name})"
                for each in ontology.relations_for(name)
                if each.how == how
            )
            for how in (HOW_SOURCE, HOW_INFERRED)
        ]
        lines.append(f"| [{name}](types.md#{name}) | {cells[0]} | {cells[1]} |")
    return "\n".join(lines) + "\n"


def _types(ontology: Ontology) -> str:
    parts = ["# Types of entity\n"]
    for kind in ontology.entity_types.values():
        facts = [f"Kinds above it: {', '.join(kind.parents)}."]
        facts.append(f"Wikidata: {_link('https://www.wikidata.org/wiki/', kind.wikidata)}.")
        facts.append(f"schema.org: {_link('https://schema.org/', kind.schema_org)}.")
        facts.append("Its records are matched." if kind.matched else "Its records are not matched.")
        parts.append(f"## {kind.name}\n{kind.definition}\n\n{' '.join(facts)}\n")
    return "\n".join(parts)


def _relations(ontology: Ontology) -> str:
    parts = [_relation(ontology, each) for each in ontology.relations.values()]
    plain = [_attribute(ontology, each) for each in ontology.attributes.values()]
    head = "# Attributes that are read from texts\n"
    return "\n".join(["# Relations\n", *parts, *([head, *plain] if plain else [])])


def _attribute(ontology: Ontology, attribute: Attribute) -> str:
    kinds = [kind for kind in ontology.entity_types if kind in attribute.domain]
    rows = [
        ("subject", ", ".join(f"[{kind}](types.md#{kind})" for kind in kinds)),
        ("value", attribute.range),
        ("Wikidata", _link("https://www.wikidata.org/wiki/Property:", attribute.wikidata)),
    ]
    return _part(attribute.name, attribute.definition, rows, attribute.guidance, attribute.examples)


def _relation(ontology: Ontology, relation: Relation) -> str:
    def linked(kinds: frozenset[str]) -> str:
        return ", ".join(f"[{k}](types.md#{k})" for k in ontology.entity_types if k in kinds)

    how = _HOW[relation.how]
    if relation.how == HOW_INVERSE:
        how = f"{how} [{relation.inverse}](#{relation.inverse})"
    if relation.stated_by:
        how += f" (`{'`, `'.join(relation.stated_by)}`)"
    rows = [
        ("comes about", how),
        ("subject", linked(relation.domain)),
        ("object", linked(relation.range)),
        ("objects of a subject", "several" if relation.multivalued else "one at most"),
        ("inverse", f"[{relation.inverse}](#{relation.inverse})" if relation.inverse else "none"),
        ("holds both ways", "yes" if relation.symmetric else "no"),
        ("acyclic", "yes" if relation.acyclic else "no"),
        ("object is older", "yes" if relation.older_object else "not necessarily"),
        ("Wikidata", _link("https://www.wikidata.org/wiki/Property:", relation.wikidata)),
        ("schema.org", _link("https://schema.org/", relation.schema_org)),
    ]
    return _part(relation.name, relation.definition, rows, relation.guidance, relation.examples)


def _part(
    name: str,
    definition: str,
    rows: Iterable[tuple[str, str]],
    guidance: str,
    examples: Iterable[Example],
) -> str:
    table = "\n".join(f"| {what} | {value} |" for what, value in rows)
    told = "\n".join(map(_example, examples))
    return f"## {name}\n{definition}\n\n| | |\n|---|---|\n{table}\n\n{guidance}\n\n{told}\n"


def _link(address: str, name: str | None) -> str:
    return f"[{name}]({address}{name})" if name else "none"


def _example(example: Example) -> str:
    verdict = "yes" if example.holds else "no"
    reason = f" {example.reason}" if example.reason else ""
    return f"- {verdict}: “{example.sentence}” ({example.subject} → {example.object}){reason}"
