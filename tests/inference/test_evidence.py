"""The gate: each thing that a fact must show, missing one at a time."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from kg_assets.inference.evidence import Document, cycles, judge
from kg_assets.inference.extractors import Candidate, CandidateFact, Context
from ontology.schema import load_ontology

TEXT = "A film. It is the sequel to Alien."
SHA256 = hashlib.sha256(TEXT.encode()).hexdigest()
CONTEXT = Context(
    "c",
    "f:aliens",
    "film",
    "Aliens",
    "d",
    SHA256,
    TEXT,
    candidates=(Candidate("f:alien", "film", "Alien"), Candidate("p:reed", "person", "Ann Reed")),
)
FACT = CandidateFact("sequel_of", "Alien", TEXT[8:], 8, len(TEXT), 0.9, "f:alien", "film")
DOCUMENT = Document(TEXT, SHA256)


def test_a_fact_with_all_its_evidence_is_kept() -> None:
    assert judge(CONTEXT, FACT, DOCUMENT, load_ontology()) is None


@pytest.mark.parametrize(
    ("fact", "reason"),
    [
        (replace(FACT, start=7), "quote not found"),
        (replace(FACT, quote="It is a sequel to Alien."), "quote not found"),
        (replace(FACT, quote="", start=0, end=0), "quote not found"),
        (replace(FACT, relation="likes"), "relation likes is not in the ontology"),
        (replace(FACT, relation="episode_of"), "domain does not hold"),
        (replace(FACT, negated=True), "negated"),
        (replace(FACT, problem="hedged"), "hedged"),
        (replace(FACT, object_id=None), "object not linked"),
        (replace(FACT, object_id="f:aliens"), "object is the subject itself"),
        (replace(FACT, object_id="f:other"), "object is not among the candidates"),
        (replace(FACT, object_id="p:reed"), "range does not hold"),
    ],
)
def test_a_fact_with_one_fault_is_rejected_for_it(fact: CandidateFact, reason: str) -> None:
    assert str(judge(CONTEXT, fact, DOCUMENT, load_ontology())).startswith(reason)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (None, "document not found"),
        (Document(TEXT, "0" * 64), "document changed"),
        (Document(TEXT + " ", SHA256), "document changed"),
    ],
)
def test_a_fact_of_another_text_is_rejected(document: Document | None, reason: str) -> None:
    assert str(judge(CONTEXT, FACT, document, load_ontology())).startswith(reason)


def test_the_weakest_fact_of_a_cycle_is_refused() -> None:
    facts = [
        ("1", "sequel_of", "a", "b", 0.9),
        ("2", "sequel_of", "b", "c", 0.8),
        ("3", "sequel_of", "c", "a", 0.7),
        ("4", "based_on", "c", "a", 0.1),
    ]
    assert cycles(facts, frozenset({"sequel_of", "based_on"})) == {"3"}
