"""A proposed fact: what a pattern found, before the filter has judged it."""

from __future__ import annotations

from typing import NamedTuple


class Proposal(NamedTuple):
    """What a pattern found.

    Attributes:
        relation: Name in the ontology.
        start: First character of the object in the repaired sentence.
        end: One past its last character.
        name: The object's name, repaired, completed or canonical.
        pattern: Key of the pattern.
        traits: What else the filter may weigh.
    """

    relation: str
    start: int
    end: int
    name: str
    pattern: str
    traits: tuple[str, ...] = ()
