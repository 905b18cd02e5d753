"""Floors under the scores of the rules on the source `stories`; the benchmark prints the scores."""

from __future__ import annotations

import pytest

from benchmarks import stories
from kg_assets.inference.composed import ComposedRules
from kg_assets.inference.paired import tally
from ontology.schema import load_ontology

RULES = ComposedRules(load_ontology())


@pytest.mark.parametrize(
    "folder", [stories.STORIES, stories.HELD_OUT], ids=["developed", "held out"]
)
def test_documents_are_read_no_worse_than_they_were(folder):
    records = stories.read_records(folder / "records.jsonl")
    found = stories.answers(stories.all_contexts(records), RULES)
    kept = {label for label, reason, _ in found if reason is None}
    precision, _, together = _score(kept, stories.labels(folder / "labels.tsv"))
    assert precision >= 0.9
    assert together >= 0.8


def test_introductions_are_read_no_worse_than_they_were_without_candidates():
    texts = stories.labelled(stories.INTRODUCTIONS, {})
    found = stories.named_answers(stories.introductions(), RULES, texts, {})
    kept = {label for label, reason, _ in found if reason is None}
    precision, _, together = _score(kept, texts.stated)
    assert precision >= 0.9
    assert together >= 0.9


def _score(kept, wanted):
    kept = {label for label in kept if label[1] in stories.RELATIONS}
    return tally(wanted, kept).scores
