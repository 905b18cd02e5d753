"""Reads the ontology from the text of a LinkML schema, and refuses one that contradicts itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ontology.schema import (
    HOW_INVERSE,
    HOWS,
    Attribute,
    EntityType,
    Example,
    Names,
    Ontology,
    OntologyError,
    Relation,
)

if TYPE_CHECKING:
    from linkml_runtime.linkml_model.meta import SlotDefinition
    from linkml_runtime.utils.schemaview import SchemaView

# The nearest mapping first: what means the same before what is narrower or wider.
_MAPPINGS = ("exact_mappings", "close_mappings", "narrow_mappings", "broad_mappings")


def parse_ontology(text: str) -> Ontology:
    """Read an ontology from the text of a LinkML schema.

    Args:
        text: The YAML text, in the conventions that entertainment.yaml's head describes.

    Raises:
        OntologyError: A class, an inverse or an annotation is missing or contradicts another.
        ValueError: The text is no LinkML schema, or has a key twice.
    """
    # linkml_runtime takes a second to import, and few steps need the ontology.
    import yaml
    from linkml_runtime.linkml_model.meta import SchemaDefinition
    from linkml_runtime.loaders import yaml_loader
    from linkml_runtime.utils.schemaview import SchemaView

    # The loader takes a single line for the name of a file or an address to load.
    text = f"{text}\n"
    try:
        content: dict[str, Any] = yaml_loader.load_as_dict(text)
    except yaml.YAMLError as error:
        raise OntologyError(f"the text is no YAML: {error}") from None
    if not isinstance(content, dict):
        raise OntologyError("the text is no LinkML schema: it must be a mapping")
    view = SchemaView(yaml_loader.loads(text, target_class=SchemaDefinition))
    if not view.schema.version:
        raise OntologyError("the ontology has no version: give it one, for example 0.1.0")
    words = {name: _required(view, name, "entity_type") for name in view.all_classes()}
    repeated = {word for word in words.values() if list(words.values()).count(word) > 1}
    if repeated:
        raise OntologyError(f"two classes share the entity_type {', '.join(sorted(repeated))}")
    relations = _relations(view, words)
    _check_inverses(relations)
    return Ontology(
        version=str(view.schema.version),
        hash=_content_hash(content),
        entity_types=Names("entity type", _entity_types(view, words)),
        relations=Names("relation", relations),
        attributes=Names("attribute", _attributes(view, words)),
    )


def _content_hash(content: dict[str, Any]) -> str:
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def _entity_types(view: SchemaView, words: Mapping[str, str]) -> dict[str, EntityType]:
    return {
        words[name]: EntityType(
            name=words[name],
            definition=_definition(view, name),
            wikidata=_mapping(view, name, "wd"),
            schema_org=_mapping(view, name, "schema"),
            parents=tuple(words[each] for each in view.class_ancestors(name, reflexive=False)),
            matched=_flag(view, name, "matched"),
        )
        for name, found in view.all_classes().items()
        if not found.abstract
    }


def _relations(view: SchemaView, words: Mapping[str, str]) -> dict[str, Relation]:
    slots = view.all_slots()
    listed = {name: set(found.slots) for name, found in view.all_classes().items()}
    unknown = sorted(set().union(*listed.values()) - set(slots))
    if unknown:
        raise OntologyError(f"classes list slots that are not declared: {', '.join(unknown)}")
    relations = {}
    for name, slot in slots.items():
        ends = [str(each.range) for each in slot.any_of] or [str(slot.range)]
        if not set(ends) & set(words):
            continue  # the range is a plain value: an attribute, not a relation
        stray = sorted(set(ends) - set(words))
        if stray:
            raise OntologyError(f"{name}: its range {', '.join(stray)} is not a declared class")
        starts = [each for each, its_slots in listed.items() if name in its_slots]
        if not starts:
            raise OntologyError(f"{name}: no class lists it under slots, so it has no domain")
        how = _required(view, name, "how")
        if how not in HOWS:
            raise OntologyError(f"{name}: how is {how!r} and must be one of {', '.join(HOWS)}")
        stated_by = str(view.annotation_dict(name).get("stated_by") or "")
        relations[name] = Relation(
            name=name,
            definition=_definition(view, name),
            domain=_concrete(view, words, starts),
            range=_concrete(view, words, ends),
            multivalued=bool(slot.multivalued),
            inverse=str(slot.inverse) if slot.inverse else None,
            symmetric=bool(slot.symmetric),
            acyclic=_flag(view, name, "acyclic"),
            older_object=_flag(view, name, "older_object", default=False),
            wikidata=_mapping(view, name, "wdt"),
            wikidata_exact=any(str(each).startswith("wdt:") for each in slot.exact_mappings),
            schema_org=_mapping(view, name, "schema"),
            guidance=_required(view, name, "guidance"),
            examples=tuple(_examples(name, slot)),
            how=how,
            stated_by=tuple(each.strip() for each in stated_by.split(",") if each.strip()),
        )
    return relations


def _attributes(view: SchemaView, words: Mapping[str, str]) -> dict[str, Attribute]:
    classes = view.all_classes().items()
    return {
        name: Attribute(
            name=name,
            definition=_definition(view, name),
            domain=_concrete(view, words, [each for each, its in classes if name in its.slots]),
            range=str(slot.range),
            wikidata=_mapping(view, name, "wdt"),
            guidance=_required(view, name, "guidance"),
            examples=tuple(_examples(name, slot)),
        )
        for name, slot in view.all_slots().items()
        if str(slot.range) not in words and "how" in view.annotation_dict(name)
    }


def _concrete(view: SchemaView, words: Mapping[str, str], classes: list[str]) -> frozenset[str]:
    """Return the entity types of these classes and all below them, without the abstract ones."""
    return frozenset(
        words[below]
        for each in classes
        for below in view.class_descendants(each)
        if not view.get_class(below).abstract
    )


def _check_inverses(relations: Mapping[str, Relation]) -> None:
    for relation in relations.values():
        if relation.symmetric and relation.domain != relation.range:
            raise OntologyError(f"{relation.name}: symmetric, but its domain is not its range")
        if relation.older_object and not (relation.acyclic and relation.how != HOW_INVERSE):
            raise OntologyError(
                f"{relation.name}: with older_object it must be acyclic, and not the end that is "
                "only derived"
            )
        if relation.inverse is None:
            continue
        other = relations.get(relation.inverse)
        if other is None:
            raise OntologyError(f"{relation.name}: its inverse {relation.inverse} is no relation")
        if other.inverse != relation.name:
            raise OntologyError(
                f"{relation.name}: its inverse is {other.name}, whose inverse is {other.inverse}"
            )
        if (other.domain, other.range) != (relation.range, relation.domain):
            raise OntologyError(
                f"{relation.name}: the domain and range of its inverse {other.name} "
                "are not its own the other way round"
            )
        if (relation.how == HOW_INVERSE) and (other.how == HOW_INVERSE):
            raise OntologyError(f"{relation.name} and {other.name}: each is only the other's end")


def _examples(name: str, slot: SlotDefinition) -> Iterator[Example]:
    for example in slot.examples:
        pair = vars(example.object) if example.object is not None else {}
        missing = [each for each in ("subject", "object", "holds") if each not in pair]
        if missing:
            raise OntologyError(f"{name}: the example {example.value!r} lacks {missing}")
        yield Example(
            sentence=str(example.value),
            subject=str(pair["subject"]),
            object=str(pair["object"]),
            holds=bool(pair["holds"]),
            reason=str(example.description) if example.description else None,
        )


def _definition(view: SchemaView, name: str) -> str:
    text = view.get_element(name).description
    if not text:
        raise OntologyError(f"{name}: it has no description")
    return str(text).strip()


def _required(view: SchemaView, name: str, annotation: str) -> str:
    value = view.annotation_dict(name).get(annotation)
    if value is None:
        raise OntologyError(f"{name}: it has no annotation {annotation}")
    return str(value).strip()


def _flag(view: SchemaView, name: str, annotation: str, *, default: bool | None = None) -> bool:
    value: object = view.annotation_dict(name).get(annotation, default)
    if not isinstance(value, bool):
        raise OntologyError(f"{name}: its annotation {annotation} must be true or false")
    return value


def _mapping(view: SchemaView, name: str, prefix: str) -> str | None:
    """Return the local part of the nearest mapping into a vocabulary, exact ones first."""
    element = view.get_element(name)
    for kind in _MAPPINGS:
        for mapping in getattr(element, kind):
            found, _, local = str(mapping).partition(":")
            if found == prefix:
                return local
    return None
