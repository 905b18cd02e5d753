"""The filter: a logistic regression over what is known of a proposal, in a small file."""

from __future__ import annotations

import functools
import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from kg_assets.inference.reading.proposals import Proposal

MODEL_FILE = Path(__file__).with_name("filter.json")
"""The weights that ship with the project; `train` makes them."""


class Candidate(NamedTuple):
    """A fact that one or more patterns propose.

    Attributes:
        relation: Name in the ontology.
        name: The object.
        start: Where its first mention starts in the repaired sentence.
        end: One past its last character.
        features: What the filter weighs, sorted.
    """

    relation: str
    name: str
    start: int
    end: int
    features: tuple[str, ...]


BIAS = "bias"
"""The feature that every candidate has."""

# Found on sentences of the training part that were read for it: above 0.6 recall falls faster than
# precision rises. What a work is about is proposed by the loosest patterns.
_KEEP = 0.6
_KEEP_OF = {"main_subject": 0.7}
_KEEP_PRECISE = 0.85


@dataclass(frozen=True)
class Filter:
    """Weights of features.

    Attributes:
        weights: Weight of each feature; others weigh nothing.
    """

    weights: Mapping[str, float]

    def probability(self, features: Iterable[str]) -> float:
        """Return how likely a candidate is to be a fact."""
        weights = self.weights
        total = weights.get(BIAS, 0.0)
        for feature in features:
            total += weights.get(feature, 0.0)
        return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, total))))

    def threshold(self, relation: str, *, precise: bool = False) -> float:
        """Return the probability from which facts of a relation are kept."""
        return _KEEP_PRECISE if precise else _KEEP_OF.get(relation, _KEEP)


def candidates(proposals: Iterable[Proposal]) -> list[Candidate]:
    """Put together what several patterns say of one fact, in the order of the text."""
    groups: dict[tuple[str, str], list[Proposal]] = defaultdict(list)
    related: dict[str, set[str]] = defaultdict(set)
    for each in proposals:
        name = each.name.casefold()
        groups[each.relation, name].append(each)
        related[name].add(each.relation)
    found = []
    for (relation, name), group in groups.items():
        features = {f"relation {relation}"}
        for each in group:
            features.add(f"pattern {each.pattern}")
            features.update([f"{relation}: {trait}" for trait in each.traits])
        if len(group) > 1 and len({each.pattern for each in group}) > 1:
            features.add(f"{relation}: several patterns")
        if len(related[name]) > 1:
            features.update([f"{relation}: also {other}" for other in related[name] - {relation}])
        first = min(group, key=lambda each: (each.start, each.end))
        found.append(
            Candidate(relation, first.name, first.start, first.end, tuple(sorted(features)))
        )
    return sorted(found, key=lambda each: (each.start, each.end, each.relation, each.name))


@functools.cache
def load_filter() -> Filter:
    """Read the filter that ships with the project."""
    content = json.loads(MODEL_FILE.read_text(encoding="utf-8"))
    return Filter(content["weights"])
