"""The default extractor: which of its two halves speaks, and that each fact is given once."""

from __future__ import annotations

from kg_assets.inference.composed import ComposedRules
from kg_assets.inference.extractors import Candidate, Context
from kg_assets.inference.policy import POLICIES
from ontology.schema import load_ontology

ONTOLOGY = load_ontology()
NOVEL = Candidate("b", "book", "Blue Sun")
FIRST = Candidate("f", "film", "Green Sea", 1980)


def facts(
    text: str, *candidates: Candidate, policy: bool = False
) -> list[tuple[str, str, str | None, bool]]:
    relations = POLICIES["film"].relations if policy else None
    extractor = ComposedRules(ONTOLOGY, relations=relations)
    given = Context("c", "e", "film", "Red Moon", "d", "s", text, candidates=candidates)
    return [
        (fact.relation, fact.object_name, fact.object_id, fact.negated)
        for fact in extractor.extract(given)
    ]


def test_relations_between_works_and_credits_come_from_one_extractor() -> None:
    text = "Red Moon is the sequel to Green Sea and was directed by Ann Lee."
    assert facts(text, FIRST) == [
        ("sequel_of", "Green Sea", "f", False),
        ("directed_by", "Ann Lee", None, False),
    ]


def test_a_fact_that_both_find_is_given_once() -> None:
    assert facts("Red Moon is based on the novel Blue Sun.", NOVEL) == [
        ("based_on", "Blue Sun", "b", False)
    ]


def test_a_denial_silences_both() -> None:
    found = facts("Red Moon is not based on the novel Blue Sun.", NOVEL)
    assert found == [("based_on", "Blue Sun", "b", True)]


def test_a_source_that_is_no_candidate_is_still_named_where_there_are_none() -> None:
    assert facts("Red Moon is based on the novel Blue Sun.") == [
        ("based_on", "Blue Sun", None, False)
    ]


def test_only_relations_that_are_looked_for_are_given() -> None:
    text = "Red Moon is based on the novel Blue Sun and was directed by Ann Lee."
    assert facts(text, NOVEL, policy=True) == [("based_on", "Blue Sun", "b", False)]
