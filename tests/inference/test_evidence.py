"""The gate: each thing that a fact must show, missing one at a time."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from kg_assets.inference.confidence import BY_HAND
from kg_assets.inference.evidence import Document, judge, locate, rows
from kg_assets.inference.extractors import (
    ANSWERED,
    Candidate,
    CandidateFact,
    Context,
    Extraction,
)
from kg_assets.inference.quotes import EXACT, Place
from kg_assets.inference.rules import Rules
from ontology.schema import load_ontology

ONTOLOGY = load_ontology()
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
    year=1986,
    candidates=(
        Candidate("f:alien", "film", "Alien", 1979),
        Candidate("p:reed", "person", "Ann Reed"),
        Candidate("f:late", "film", "Alien", 1999),
    ),
)
FACT = CandidateFact("sequel_of", "Alien", TEXT[8:], 8, len(TEXT), 0.9, "f:alien", "film")
DOCUMENT = Document(TEXT, SHA256)


def reason(
    fact: CandidateFact, document: Document | None = DOCUMENT, context: Context = CONTEXT
) -> str | None:
    return judge(context, fact, document, ONTOLOGY)


def test_a_fact_with_all_its_evidence_is_kept() -> None:
    assert reason(FACT) is None
    assert locate(CONTEXT, FACT, DOCUMENT) == Place(8, len(TEXT), EXACT)
    [row] = written(FACT)
    assert (row["status"], row["confidence"]) == ("accepted", 0.9)


@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        (replace(FACT, start=7), "quote not found"),
        (replace(FACT, quote="It is a sequel to Alien."), "quote not found"),
        (replace(FACT, quote="", start=0, end=0), "quote not found"),
        (replace(FACT, quote="It is the sequel to Aliens.", start=None), "quote not found"),
        (replace(FACT, relation="likes"), "relation likes is not in the ontology"),
        (replace(FACT, relation="episode_of"), "domain does not hold"),
        (replace(FACT, negated=True), "negated"),
        (replace(FACT, problem="hedged"), "hedged"),
        (replace(FACT, object_id=None), "object not linked"),
        (replace(FACT, object_id="f:aliens"), "object is the subject itself"),
        (replace(FACT, object_id="f:other"), "object is not among the candidates"),
        (replace(FACT, object_id="p:reed"), "range does not hold"),
        (replace(FACT, object_id="f:late"), "order in time"),
        (replace(FACT, object_id=None, new=True, object_type="person"), "range does not hold"),
        (replace(FACT, object_id=None, new=True, object_type="thing"), "range does not hold"),
        (replace(FACT, object_id=None, new=True, object_year=1999), "order in time"),
    ],
)
def test_a_fact_with_one_fault_is_rejected_for_it(fact: CandidateFact, expected: str) -> None:
    assert str(reason(fact)).startswith(expected)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (None, "document not found"),
        (Document(TEXT, "0" * 64), "document changed"),
        (Document(TEXT + " ", SHA256), "document changed"),
    ],
)
def test_a_fact_of_another_text_is_rejected(document: Document | None, expected: str) -> None:
    assert str(reason(FACT, document)).startswith(expected)


def test_a_new_entity_is_a_proposal_with_all_its_evidence() -> None:
    fact = replace(FACT, object_id=None, new=True, object_type="film", object_year=1979)
    [row] = written(fact)
    assert (row["status"], row["reason"], row["object_year"]) == ("proposed", None, 1979)


def test_a_quote_without_a_place_is_found_in_the_window_that_was_read() -> None:
    window = replace(CONTEXT, text=TEXT[8:], start=8)
    [row] = written(replace(FACT, start=None, end=None), window)
    assert (row["start"], row["end"], row["quote_match"]) == (8, len(TEXT), "exact")
    elsewhere = replace(CONTEXT, text=TEXT[:7])
    assert reason(replace(FACT, start=None), context=elsewhere) == "quote not found in the document"


def test_a_quote_that_was_written_otherwise_is_kept_as_the_document_has_it() -> None:
    text = "It is  the “sequel” to\nAlien – a film."
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    context = replace(CONTEXT, text=text, document_sha256=sha256)
    fact = replace(FACT, quote='It is the "sequel" to Alien - a film.', start=None)
    [row] = written(fact, context, Document(text, sha256))
    assert (row["quote"], row["quote_match"]) == (text, "normalised")
    assert float(str(row["confidence"])) < FACT.confidence


def test_a_fact_whose_quote_is_invented_keeps_it_without_a_place() -> None:
    [row] = written(replace(FACT, quote="It is a remake of Alien.", start=None))
    assert (row["quote"], row["start"], row["status"]) == (
        "It is a remake of Alien.",
        None,
        "rejected",
    )


def test_a_fact_below_the_threshold_is_kept_with_the_reason() -> None:
    extraction = Extraction(CONTEXT, Rules(ONTOLOGY), ANSWERED, (FACT,))
    assert [row["status"] for row in rows(extraction, DOCUMENT, ONTOLOGY, 0.9, BY_HAND)] == [
        "accepted"
    ]
    [row] = rows(extraction, DOCUMENT, ONTOLOGY, 0.91, BY_HAND)
    assert row["reason"] == "confidence below the threshold: 0.91"


def written(
    fact: CandidateFact, context: Context = CONTEXT, document: Document = DOCUMENT
) -> list[dict[str, object]]:
    extraction = Extraction(context, Rules(ONTOLOGY), ANSWERED, (fact,))
    return rows(extraction, document, ONTOLOGY, weights=BY_HAND)
