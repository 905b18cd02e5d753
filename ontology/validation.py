"""What facts must not say: of themselves (types, years), and together (cardinality, cycles)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ontology.schema import HOW_INVERSE, Ontology, Relation

YEARS_APART = 1
"""How much later the year of an older object may be: sources differ by festival and release."""

CARDINALITY = "cardinality"
"""Begins the reason of a fact that a surer one leaves no room for."""

CYCLE = "cycle"
"""Begins the reason of a fact that would lead an entity back to itself."""

OLDER = "order in time"
"""Begins the reason of a fact whose object is younger than its subject."""


@dataclass(frozen=True)
class Claim:
    """A fact, as far as validation looks at it.

    Attributes:
        claim_id: Identifies it.
        relation: Name in the ontology.
        subject_id: What it starts from.
        object_id: What it leads to.
        confidence: Between 0 and 1; of two claims that cannot both hold the surer one stays, of
            equally sure ones that of the smaller id.
    """

    claim_id: str
    relation: str
    subject_id: str
    object_id: str
    confidence: float


def forward(ontology: Ontology, relation: str, subject: str, object_: str) -> tuple[str, str, str]:
    """Turn a fact into the direction in which it is kept.

    A relation that is only derived becomes its inverse, with the ends exchanged; the ends of a
    symmetric relation stand in order.

    Returns:
        Relation, subject and object.

    Raises:
        UnknownNameError: There is no such relation.
    """
    found = ontology.relations[relation]
    if found.how == HOW_INVERSE and found.inverse is not None:
        return found.inverse, object_, subject
    if found.symmetric and object_ < subject:
        return relation, object_, subject
    return relation, subject, object_


def order_in_time(
    ontology: Ontology, relation: str, subject_year: int | None, object_year: int | None
) -> str | None:
    """Say why the years of two entities do not go with a relation.

    Args:
        ontology: Says which relations lead to what is older.
        relation: The relation, in either direction.
        subject_year: First year of the subject, None where it is not known.
        object_year: First year of the object, None where it is not known.

    Returns:
        None where nothing speaks against it, otherwise the reason.

    Raises:
        UnknownNameError: There is no such relation.
    """
    found = ontology.relations[relation]
    later, earlier = subject_year, object_year
    if found.how == HOW_INVERSE and found.inverse is not None:
        found, later, earlier = ontology.relations[found.inverse], object_year, subject_year
    if not found.older_object or later is None or earlier is None:
        return None
    if earlier <= later + YEARS_APART:
        return None
    return f"{OLDER}: {found.name} leads from {later} to {earlier}, which is later"


def one_object(ontology: Ontology) -> frozenset[str]:
    """Names of the relations of which a subject can have one object only."""
    return frozenset(name for name, each in ontology.relations.items() if not each.multivalued)


def contradictions(claims: Iterable[Claim], ontology: Ontology) -> dict[str, str]:
    """Find the claims that cannot stand beside surer ones.

    Args:
        claims: Claims that hold by themselves. Only those that can take part in a contradiction
            have to be given: those of relations with one object (`one_object`), and those of
            acyclic relations.
        ontology: Cardinality, inverses, and which relations lead nobody back to itself.

    Returns:
        The reason of each claim to refuse, by its id. Several claims that say the same stand or
        fall together, and a claim that falls for its cardinality takes part in no cycle.
    """
    ordered = sorted(claims, key=lambda claim: (-claim.confidence, claim.claim_id))
    refused = dict(_too_many(ordered, ontology))
    left = [claim for claim in ordered if claim.claim_id not in refused]
    return refused | dict(_cycles(left, ontology))


def _too_many(ordered: Iterable[Claim], ontology: Ontology) -> Iterator[tuple[str, str]]:
    chosen: dict[tuple[str, str], tuple[str, float]] = {}
    for claim in ordered:
        room = [
            (relation.name, start, end)
            for relation, start, end in _directions(ontology, claim)
            if not relation.multivalued
        ]
        taken = [
            (name, *chosen[name, start])
            for name, start, end in room
            if chosen.get((name, start), (end,))[0] != end
        ]
        if taken:
            name, other, confidence = taken[0]
            yield (
                claim.claim_id,
                f"{CARDINALITY}: {name} has one object, and {other} is as sure or surer "
                f"({confidence:.2f})",
            )
            continue
        for name, start, end in room:
            chosen.setdefault((name, start), (end, claim.confidence))


def _directions(ontology: Ontology, claim: Claim) -> list[tuple[Relation, str, str]]:
    """A claim as it reads from each of its ends."""
    relation = ontology.relations[claim.relation]
    found = [(relation, claim.subject_id, claim.object_id)]
    if relation.symmetric:
        found.append((relation, claim.object_id, claim.subject_id))
    elif relation.inverse is not None:
        inverse = ontology.relations[relation.inverse]
        found.append((inverse, claim.object_id, claim.subject_id))
    return found


def _cycles(ordered: Iterable[Claim], ontology: Ontology) -> Iterator[tuple[str, str]]:
    """Refuse, from the surest claim on, each that closes a path.

    Relations whose object is older share one graph: a film cannot be adapted from a work that
    continues it. Other acyclic relations have a graph each, which they share with their inverse.
    """
    graphs: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for claim in ordered:
        name, start, end = forward(ontology, claim.relation, claim.subject_id, claim.object_id)
        relation = ontology.relations[name]
        if not relation.acyclic:
            continue
        graph = graphs[OLDER if relation.older_object else name]
        if end not in graph[start]:
            path = _path(graph, end, start)
            if path is not None:
                way = " -> ".join(path)
                yield claim.claim_id, f"{CYCLE}: its object leads back to its subject ({way})"
                continue
            graph[start].add(end)


def _path(edges: Mapping[str, set[str]], start: str, goal: str) -> list[str] | None:
    """Find a shortest path, the same one each time; None where there is none."""
    came_from: dict[str, str | None] = {start: None}
    waiting = [start]
    for node in waiting:
        if node == goal:
            path = [node]
            while (before := came_from[path[-1]]) is not None:
                path.append(before)
            return path[::-1]
        for following in sorted(edges.get(node, ())):
            if following not in came_from:
                came_from[following] = node
                waiting.append(following)
    return None
