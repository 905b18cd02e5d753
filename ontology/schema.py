"""The ontology as typed, read-only values: entity types, relations, and what may be related.

The one place where the file entertainment.yaml is read. What is made from it (prompts, response
models, validation rules, exports) starts from `load_ontology`.

See https://linkml.io/linkml-model/latest/docs/ for the language that the file is written in.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from linkml_runtime.linkml_model.meta import SlotDefinition
    from linkml_runtime.utils.schemaview import SchemaView

ONTOLOGY_FILE = Path(__file__).with_name("entertainment.yaml")
"""The ontology that the project is built with."""

HOW_SOURCE = "source"
"""How: records state the facts, by credits or by other fields."""

HOW_INFERRED = "inferred"
"""How: the facts are read from text; a record may state them as well."""

HOW_INVERSE = "inverse"
"""How: the facts are those of the inverse relation, read from their other end."""

_HOWS = (HOW_SOURCE, HOW_INFERRED, HOW_INVERSE)

# The nearest mapping first: what means the same before what is narrower or wider.
_MAPPINGS = ("exact_mappings", "close_mappings", "narrow_mappings", "broad_mappings")

_Value = TypeVar("_Value")


class OntologyError(ValueError):
    """The ontology file says something that cannot be true; the message says what and where."""


class UnknownNameError(KeyError):
    """A name that the ontology does not have; the message lists the names that it has."""

    def __str__(self) -> str:
        """Return the message without the quotes that KeyError puts around it."""
        return str(self.args[0])


class Names(Mapping[str, _Value], Generic[_Value]):
    """A read-only mapping by name, in the file's order, that says what it holds when asked amiss.

    Args:
        kind: What the values are, for messages ("entity type", "relation").
        values: The values by name; copied.
    """

    def __init__(self, kind: str, values: Mapping[str, _Value]) -> None:
        self._kind = kind
        self._values = dict(values)

    def __getitem__(self, name: str) -> _Value:
        """Return the value of that name.

        Raises:
            UnknownNameError: There is none; the message lists those that there are.
        """
        try:
            return self._values[name]
        except KeyError:
            known = ", ".join(sorted(self._values))
            raise UnknownNameError(
                f"the ontology has no {self._kind} {name!r}; it has: {known}"
            ) from None

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names in the file's order."""
        return iter(self._values)

    def __len__(self) -> int:
        """Return the number of names."""
        return len(self._values)

    def __repr__(self) -> str:
        """Return the names, for people."""
        return f"<{self._kind}: {', '.join(self._values)}>"


@dataclass(frozen=True)
class EntityType:
    """A kind of entity that nodes can have.

    Attributes:
        name: The lower-case word that is used everywhere, for example ``film``.
        definition: What is meant by it.
        wikidata: The nearest Wikidata item, for example ``Q11424``, or None.
        schema_org: The nearest schema.org type, for example ``Movie``, or None.
        parents: The abstract kinds above it, nearest first, for example ``("screen_work", ...,
            "entity")``; no entity has one of these as its type.
        matched: Whether records of this type go through a matching chain.
    """

    name: str
    definition: str
    wikidata: str | None
    schema_org: str | None
    parents: tuple[str, ...]
    matched: bool


@dataclass(frozen=True)
class Example:
    """A sentence that does or does not state a relation between two things.

    Attributes:
        sentence: The sentence.
        subject: What the relation would start from.
        object: What the relation would lead to.
        holds: Whether the sentence states the relation between them.
        reason: Why it does not, or None.
    """

    sentence: str
    subject: str
    object: str
    holds: bool
    reason: str | None


@dataclass(frozen=True)
class Relation:
    """A kind of edge.

    Attributes:
        name: Its name, for example ``based_on``; reads subject, name, object.
        definition: What is meant by it.
        domain: Entity types that a subject may have, descendants included.
        range: Entity types that an object may have, descendants included.
        multivalued: Whether a subject may have more than one object.
        inverse: Name of the relation that says the same from the object's side, or None.
        symmetric: Whether it holds both ways.
        acyclic: Whether no entity may reach itself by following it.
        wikidata: The nearest Wikidata property, for example ``P144``, or None where none is
            known to run in this direction.
        schema_org: The nearest schema.org property, or None.
        guidance: What an extractor is told about it.
        examples: Sentences that state it and sentences that do not.
        how: ``source``, ``inferred`` or ``inverse``: where its facts come from.
        stated_by: Fields of the canonical record that state it, ``credits.director`` for a
            credit with the role director; empty where none does.
    """

    name: str
    definition: str
    domain: frozenset[str]
    range: frozenset[str]
    multivalued: bool
    inverse: str | None
    symmetric: bool
    acyclic: bool
    wikidata: str | None
    schema_org: str | None
    guidance: str
    examples: tuple[Example, ...]
    how: str
    stated_by: tuple[str, ...]


@dataclass(frozen=True)
class Ontology:
    """Everything that the ontology file says.

    Attributes:
        version: The file's own version.
        hash: First 16 hexadecimal digits of the SHA-256 of the file's content; comments, layout
            and the order of keys do not count.
        entity_types: Entity types by name.
        relations: Relations by name, those that are only read from the other end included.
    """

    version: str
    hash: str
    entity_types: Mapping[str, EntityType]
    relations: Mapping[str, Relation]

    def relations_for(self, subject_type: str) -> tuple[Relation, ...]:
        """Return the relations that a subject of this type may have, in the file's order.

        Raises:
            UnknownNameError: There is no such entity type.
        """
        name = self.entity_types[subject_type].name
        return tuple(each for each in self.relations.values() if name in each.domain)

    def check(self, relation: str, subject_type: str, object_type: str) -> str | None:
        """Say why two types cannot stand in a relation.

        Returns:
            None where domain and range hold, otherwise the reason as one sentence.

        Raises:
            UnknownNameError: There is no such relation or entity type.
        """
        wanted = self.relations[relation]
        ends = (
            ("subject", self.entity_types[subject_type].name, wanted.domain),
            ("object", self.entity_types[object_type].name, wanted.range),
        )
        problems = [
            f"its {end} is a {found} and must be one of {', '.join(sorted(allowed))}"
            for end, found, allowed in ends
            if found not in allowed
        ]
        return f"{relation}: {'; '.join(problems)}" if problems else None


@functools.cache
def load_ontology() -> Ontology:
    """Read the project's ontology, once for each process.

    Raises:
        OntologyError: The file contradicts itself.
    """
    return parse_ontology(ONTOLOGY_FILE.read_text(encoding="utf-8"))


def parse_ontology(text: str) -> Ontology:
    """Read an ontology from the text of a LinkML schema.

    Args:
        text: The YAML text, in the conventions that entertainment.yaml's head describes.

    Raises:
        OntologyError: A class, an inverse or an annotation is missing or contradicts another.
        ValueError: The text is no LinkML schema, or has a key twice.
    """
    # linkml_runtime takes a second to import, and few steps need the ontology.
    from linkml_runtime.linkml_model.meta import SchemaDefinition
    from linkml_runtime.loaders import yaml_loader
    from linkml_runtime.utils.schemaview import SchemaView

    content: dict[str, Any] = yaml_loader.load_as_dict(text)
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
        if how not in _HOWS:
            raise OntologyError(f"{name}: how is {how!r} and must be one of {', '.join(_HOWS)}")
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
            wikidata=_mapping(view, name, "wdt"),
            schema_org=_mapping(view, name, "schema"),
            guidance=_required(view, name, "guidance"),
            examples=tuple(_examples(name, slot)),
            how=how,
            stated_by=tuple(each.strip() for each in stated_by.split(",") if each.strip()),
        )
    return relations


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


def _flag(view: SchemaView, name: str, annotation: str) -> bool:
    value: object = view.annotation_dict(name).get(annotation)
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
