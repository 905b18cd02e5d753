"""What changed between two versions of the ontology, and which types have to be inferred again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ontology.schema import Attribute, EntityType, Example, Ontology, Relation

ADDED = "added"
REMOVED = "removed"
CHANGED = "changed"

_CLASS = "class"
_RELATION = "relation"
_ATTRIBUTE = "attribute"


@dataclass(frozen=True)
class Change:
    """One thing that is not as it was.

    Attributes:
        element: ``class``, ``relation`` or ``attribute``.
        name: Its name.
        change: ``added``, ``removed`` or ``changed``.
        what: What of it: ``definition``, ``domain``, ``range``, ``cardinality``, ``guidance``,
            ``examples`` and so on; empty for what was added or removed as a whole.
        before: As it was, for people; empty for what was added.
        after: As it is now, for people; empty for what was removed.
    """

    element: str
    name: str
    change: str
    what: str
    before: str
    after: str


@dataclass(frozen=True)
class Difference:
    """What lies between two versions.

    Attributes:
        before: Hash of the one.
        after: Hash of the other.
        changes: What changed, in the order of the files.
        again: Entity types that have to be inferred again, each with the relations and classes for
            which that is so. A type is here exactly where its sight is another.
    """

    before: str
    after: str
    changes: tuple[Change, ...]
    again: Mapping[str, tuple[str, ...]]


def compare(before: Ontology, after: Ontology) -> Difference:
    """Compare two versions of the ontology.

    Args:
        before: The one that facts were inferred under.
        after: The one that they shall be inferred under.
    """
    changes = (
        *_elements(_CLASS, before.entity_types, after.entity_types, _of_class),
        *_elements(_RELATION, before.relations, after.relations, _of_relation),
        *_elements(_ATTRIBUTE, before.attributes, after.attributes, _of_attribute),
    )
    return Difference(before.hash, after.hash, changes, dict(_again(before, after, changes)))


def _elements(
    element: str, before: Mapping[str, Any], after: Mapping[str, Any], parts: Any
) -> Iterator[Change]:
    for name in dict.fromkeys((*before, *after)):
        if name not in after:
            yield Change(element, name, REMOVED, "", before[name].definition, "")
        elif name not in before:
            yield Change(element, name, ADDED, "", "", after[name].definition)
        else:
            old, new = parts(before[name]), parts(after[name])
            for what in old:
                if old[what] != new[what]:
                    yield Change(element, name, CHANGED, what, old[what], new[what])


def _of_class(kind: EntityType) -> dict[str, str]:
    return {
        "definition": kind.definition,
        "parents": ", ".join(kind.parents),
        "wikidata": kind.wikidata or "",
        "schema_org": kind.schema_org or "",
        "matched": str(kind.matched),
    }


def _of_relation(relation: Relation) -> dict[str, str]:
    parts = asdict(relation) | {
        "domain": sorted(relation.domain),
        "range": sorted(relation.range),
        "cardinality": "several objects" if relation.multivalued else "one object",
        "examples": _examples(relation.examples),
    }
    del parts["name"], parts["multivalued"]
    return _texts(parts)


def _of_attribute(attribute: Attribute) -> dict[str, str]:
    parts = asdict(attribute) | {
        "domain": sorted(attribute.domain),
        "examples": _examples(attribute.examples),
    }
    del parts["name"]
    return _texts(parts)


def _examples(examples: Iterable[Example]) -> list[str]:
    return [
        f"{each.sentence} ({each.subject} -> {each.object}: {'yes' if each.holds else 'no'})"
        + (f" {each.reason}" if each.reason else "")
        for each in examples
    ]


def _texts(parts: Mapping[str, Any]) -> dict[str, str]:
    return {
        what: ", ".join(value) if isinstance(value, list | tuple) else str(value or "")
        for what, value in parts.items()
    }


def _again(
    before: Ontology, after: Ontology, changes: tuple[Change, ...]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    changed = dict.fromkeys((each.element, each.name) for each in changes)
    for kind in dict.fromkeys((*before.entity_types, *after.entity_types)):
        seen = _seen(before, kind) | _seen(after, kind)
        if seen and _sight(before, kind) != _sight(after, kind):
            yield kind, tuple(name for element, name in changed if (element, name) in seen)


def _seen(ontology: Ontology, kind: str) -> set[tuple[str, str]]:
    """The relations that are read from texts about a type, and the classes of their ends."""
    if kind not in ontology.entity_types:
        return set()
    relations = ontology.inferred_for(kind)
    if not relations:
        return set()
    inverses = {each.inverse for each in relations if each.inverse}
    classes = {kind, *(each.name for each in ontology.objects_for(kind))}
    return {(_RELATION, each) for each in {*(r.name for r in relations), *inverses}} | {
        (_CLASS, each) for each in classes
    }


def _sight(ontology: Ontology, kind: str) -> str | None:
    return ontology.sight(kind) if kind in ontology.entity_types else None
