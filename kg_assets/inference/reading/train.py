"""Trains the filter on labelled sentences: `python -m kg_assets.inference.reading.train FOLDER`.

The labels have one fact a sentence, of many that it states. So a candidate without a label is not
a negative. Negatives are candidates whose span overlaps the labelled object without being it, or
that have the labelled object in a relation that it cannot also stand in; candidates of the
labelled relation that only compete with the label count a little (learning from positive and
unlabelled examples, Elkan and Noto 2008).
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kg_assets.inference.reading.filter import BIAS, MODEL_FILE, Candidate, Filter, candidates
from kg_assets.inference.reading.propose import proposals
from kg_assets.inference.reading.repair import repair
from kg_assets.inference.reading.view import view

WIKIDATA: Mapping[str, str] = {
    "P57": "directed_by",
    "P58": "written_by",
    "P136": "genre",
    "P144": "based_on",
    "P161": "has_performer",
    "P166": "award_received",
    "P272": "production_company",
    "P495": "country_of_origin",
    "P577": "publication_date",
    "P674": "has_character",
    "P840": "narrative_location",
    "P915": "filming_location",
    "P921": "main_subject",
    "P1411": "nominated_for",
    "P2130": "cost",
}
"""The properties of the benchmark's ontology, to our relations."""

_TOGETHER = (
    frozenset({"directed_by", "written_by", "has_performer", "main_subject"}),
    frozenset({"narrative_location", "filming_location", "country_of_origin", "main_subject"}),
    frozenset({"award_received", "nominated_for"}),
    frozenset({"has_character", "main_subject", "based_on"}),
)
"""Relations that one object can stand in together."""

_SPANS_MAY_OVERLAP = frozenset({"genre", "publication_date"})
_COMPETES = 0.3
"""Weight of a candidate that only competes with a label: by reading, two of three were true."""

_PENALTY = 2.0
_SELDOM = 3
_STEPS = 25


@dataclass(frozen=True)
class Labelled:
    """A sentence with what is labelled in it.

    Attributes:
        text: The sentence.
        subject: Its subject.
        labels: (relation, object).
    """

    text: str
    subject: str
    labels: tuple[tuple[str, str], ...]


def same_name(name: str) -> str:
    """Return a name's letters and digits, for comparing names."""
    return re.sub(r"\W+", " ", name.casefold()).strip()


def names_of(relation: str, label: str) -> frozenset[str]:
    """Return the forms of a labelled object; a date on 1 January is often only a year."""
    forms = {same_name(label)}
    if relation == "publication_date":
        forms.add(same_name(label[3:]))
        if label.startswith("01 January"):
            forms.add(same_name(label[-4:]))
    return frozenset(forms)


def read_labels(folder: Path) -> list[Labelled]:
    """Read the training sentences that are in no other part, each with all of its labels."""
    held_out = {row["sent"] for row in _rows(folder / "validation.jsonl")}
    sentences: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for row in _rows(folder / "train.jsonl"):
        if row["sent"] not in held_out:
            key = (row["sent"], row["sub_label"])
            sentences[key].append((WIKIDATA[row["rel"]], row["obj_label"]))
    return [Labelled(text, subject, tuple(labels)) for (text, subject), labels in sentences.items()]


def examples(sentence: Labelled) -> list[tuple[Candidate, bool, float]]:
    """Choose the candidates of a sentence that can be learnt from: (candidate, truth, weight)."""
    found = candidates(proposals(view(sentence.text, sentence.subject, (), "film")))
    text = repair(sentence.text).text
    labels = [(relation, label, names_of(relation, label)) for relation, label in sentence.labels]
    true = [each for each in found if any(_is(each, label) for label in labels)]
    chosen: list[tuple[Candidate, bool, float]] = []
    for each in found:
        if each in true:
            chosen.append((each, True, 1.0))
        elif any(_contradicts(each, label, text) for label in labels):
            chosen.append((each, False, 1.0))
        elif any(each.relation == relation for relation, *_ in labels) and not any(
            _beside(each, other) for other in true
        ):
            chosen.append((each, False, _COMPETES))
    return chosen


def train(sentences: Sequence[Labelled]) -> Filter:
    """Fit the filter: a logistic regression with a ridge penalty, by Newton's method."""
    chosen = [example for sentence in sentences for example in examples(sentence)]
    counts = Counter(feature for each, *_ in chosen for feature in each.features)
    names = sorted(feature for feature, count in counts.items() if count >= _SELDOM)
    place = {name: at for at, name in enumerate(names)}
    rows = np.zeros((len(chosen), len(names) + 1))
    rows[:, -1] = 1.0
    for row, (each, *_) in enumerate(chosen):
        rows[row, [place[feature] for feature in each.features if feature in place]] = 1.0
    truth = np.array([float(true) for _, true, _ in chosen])
    weight = np.array([weight for *_, weight in chosen])
    penalty = np.full(len(names) + 1, _PENALTY)
    penalty[-1] = 0.01
    found = np.zeros(len(names) + 1)
    for _ in range(_STEPS):
        p = 1.0 / (1.0 + np.exp(-rows @ found))
        gradient = rows.T @ (weight * (p - truth)) + penalty * found
        curvature = (rows * (weight * p * (1 - p))[:, None]).T @ rows + np.diag(penalty)
        found -= np.linalg.solve(curvature, gradient)
    weights = {name: round(float(found[at]), 3) for name, at in place.items()}
    weights[BIAS] = round(float(found[-1]), 3)
    return Filter({name: weights[name] for name in sorted(weights) if weights[name]})


def save(trained: Filter, file: Path = MODEL_FILE) -> None:
    """Write the filter; the same weights give the same bytes."""
    content = {"weights": dict(trained.weights)}
    file.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _rows(file: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line]


def _is(each: Candidate, label: tuple[str, str, frozenset[str]]) -> bool:
    return each.relation == label[0] and same_name(each.name) in label[2]


def _contradicts(each: Candidate, label: tuple[str, str, frozenset[str]], text: str) -> bool:
    relation, name, forms = label
    if relation == each.relation:
        start = text.find(name)
        overlaps = 0 <= start < each.end and each.start < start + len(name)
        return overlaps and relation not in _SPANS_MAY_OVERLAP
    if same_name(each.name) not in forms:
        return False
    return not any(relation in group and each.relation in group for group in _TOGETHER)


def _beside(each: Candidate, other: Candidate) -> bool:
    """Whether one pattern found both, as in a list of which one name is labelled."""
    if each.relation != other.relation:
        return False
    shared = set(each.features) & set(other.features)
    return any(feature.startswith("pattern ") for feature in shared)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("name the folder with train.jsonl and validation.jsonl")
    save(train(read_labels(Path(sys.argv[1]))))
    print(f"wrote {MODEL_FILE}")
