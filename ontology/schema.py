"""The ontology as typed, read-only values: entity types, relations, and what may be related.

What is made from the file entertainment.yaml (prompts, response models, validation, published
schema, pages) starts from `load_ontology`; `ontology.linkml` reads it.

See https://linkml.io/linkml-model/latest/docs/ for the language that the file is written in.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Generic, TypeVar

ONTOLOGY_FILE = Path(__file__).with_name("entertainment.yaml")
"""The ontology that the project is built with."""

HOW_SOURCE = "source"
"""How: records state the facts, by credits or by other fields."""

HOW_INFERRED = "inferred"
"""How: the facts are read from text; a record may state them as well."""

HOW_INVERSE = "inverse"
"""How: the facts are those of the inverse relation, read from their other end."""

HOWS = (HOW_SOURCE, HOW_INFERRED, HOW_INVERSE)
"""Everything that `how` can be."""

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
        older_object: Whether the object was there before the subject. Its year is then not the
            later one, and all such relations together lead no entity back to itself.
        wikidata: The nearest Wikidata property, for example ``P144``, or None where none is
            known to run in this direction.
        wikidata_exact: Whether that property means the same.
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
    older_object: bool
    wikidata: str | None
    wikidata_exact: bool
    schema_org: str | None
    guidance: str
    examples: tuple[Example, ...]
    how: str
    stated_by: tuple[str, ...]


@dataclass(frozen=True)
class Attribute:
    """A plain value that is read from text, such as the date of publication.

    Attributes:
        name: Its name, for example ``publication_date``.
        definition: What is meant by it.
        domain: Entity types that a subject may have, descendants included.
        range: The LinkML type of its values, ``date`` or ``string``.
        wikidata: The nearest Wikidata property, for example ``P577``, or None.
        guidance: What an extractor is told about it.
        examples: Sentences that state it and sentences that do not.
    """

    name: str
    definition: str
    domain: frozenset[str]
    range: str
    wikidata: str | None
    guidance: str
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class Ontology:
    """Everything that the ontology file says.

    Attributes:
        version: The file's own version.
        hash: First 16 hexadecimal digits of the SHA-256 of the file's content; comments, layout
            and the order of keys do not count.
        entity_types: Entity types by name.
        relations: Relations by name, those that are only read from the other end included.
        attributes: Attributes that are read from text, by name.
    """

    version: str
    hash: str
    entity_types: Mapping[str, EntityType]
    relations: Mapping[str, Relation]
    attributes: Mapping[str, Attribute]

    def __hash__(self) -> int:
        """A hash of the content, so that what is made of an ontology can be kept by it."""
        return hash(self.hash)

    def relations_for(self, subject_type: str) -> tuple[Relation, ...]:
        """Return the relations that a subject of this type may have, in the file's order.

        Raises:
            UnknownNameError: There is no such entity type.
        """
        name = self.entity_types[subject_type].name
        return tuple(each for each in self.relations.values() if name in each.domain)

    def inferred_for(self, subject_type: str) -> tuple[Relation, ...]:
        """Return the relations that are read from texts about a type, in the file's order.

        Raises:
            UnknownNameError: There is no such entity type.
        """
        return tuple(each for each in self.relations_for(subject_type) if each.how == HOW_INFERRED)

    def objects_for(self, subject_type: str) -> tuple[EntityType, ...]:
        """Return the types of what those relations lead to, in the file's order.

        Raises:
            UnknownNameError: There is no such entity type.
        """
        ends = {end for relation in self.inferred_for(subject_type) for end in relation.range}
        return tuple(each for each in self.entity_types.values() if each.name in ends)

    def sight(self, subject_type: str) -> str:
        """Hash what reading texts about a type depends on, and nothing else.

        A change of the file that leaves it as it was cannot change what is inferred of the type.

        Returns:
            16 hexadecimal digits.

        Raises:
            UnknownNameError: There is no such entity type.
        """
        relations = []
        # Neither the other types that may be subjects nor the mappings play a part in reading.
        elsewhere = {"domain", "wikidata", "wikidata_exact", "schema_org"}
        for relation in self.inferred_for(subject_type):
            inverse = self.relations[relation.inverse] if relation.inverse else None
            seen = {key: each for key, each in asdict(relation).items() if key not in elsewhere}
            seen["range"] = sorted(relation.range)
            seen["one_subject"] = inverse is not None and not inverse.multivalued
            relations.append(seen)
        types = (self.entity_types[subject_type], *self.objects_for(subject_type))
        content = {"relations": relations, "types": [(e.name, e.definition) for e in types]}
        canonical = json.dumps(content, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

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
    # It takes the types of this module to make its values of.
    from ontology.linkml import parse_ontology

    return parse_ontology(ONTOLOGY_FILE.read_text(encoding="utf-8"))
