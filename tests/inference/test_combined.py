"""Extractors made of others: the next where one fails, agreement, and conflicts with both sides."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from kg_assets.inference.choice import ExtractorsError, choose, without_model
from kg_assets.inference.combined import Ensemble, InOrder
from kg_assets.inference.confidence import Signals, confidence
from kg_assets.inference.extractors import (
    ANSWERED,
    EMPTY,
    FAILED,
    NOT_TRIED,
    CandidateFact,
    Context,
    Extraction,
)
from kg_assets.inference.steps import run_extractor_comparison
from kg_assets.inference.tables import extraction_contexts, extractor_comparison
from ontology.schema import load_ontology
from resources.settings import Settings

if TYPE_CHECKING:
    from tests.inference.conftest import World

ONTOLOGY = load_ontology()
CONTEXTS = extraction_contexts("film")
FACT = CandidateFact("sequel_of", "Alien", "It is the sequel to Alien.", 0, 26, 0.9, "f:alien")


class Scripted:
    """An extractor whose answers are given, by id of the context."""

    version, model = "1", None

    def __init__(self, name: str, answers: dict[str, Any]) -> None:
        self.name, self.answers = name, answers
        self.asked: list[str] = []

    def extract_many(self, contexts: Iterable[Context]) -> Iterator[Extraction]:
        for context in contexts:
            self.asked.append(context.context_id)
            answer = self.answers.get(context.context_id, ())
            if isinstance(answer, str):
                yield Extraction(context, self, answer, detail="why", final=False)
            else:
                yield Extraction(context, self, ANSWERED if answer else EMPTY, tuple(answer))


def contexts(names: str) -> Iterator[Context]:
    return (Context(name, "f", "film", "Aliens", "d", "0" * 64, "A text.") for name in names)


def test_the_next_extractor_reads_what_the_one_before_could_not() -> None:
    first = Scripted("one", {"a": [FACT], "b": FAILED, "c": NOT_TRIED})
    second = Scripted("two", {"b": [FACT]})
    found = list(InOrder([first, second]).extract_many(contexts("abcd")))
    assert second.asked == ["b", "c"]
    assert [(e.context.context_id, e.by.name, e.state, e.last) for e in found] == [
        ("a", "one", "answered", True),
        ("b", "one", "failed", False),
        ("c", "one", "not tried", False),
        ("d", "one", "empty", True),
        ("b", "two", "answered", True),
        ("c", "two", "empty", True),
    ]


def together(*answers: Any) -> Extraction:
    members = [Scripted(f"e{n}", {"a": answer}) for n, answer in enumerate(answers)]
    [found] = Ensemble(members).extract_many(contexts("a"))
    return found


def sure(found: CandidateFact) -> float:
    signals = Signals(found.confidence, found.margin, 0, found.agreeing, found.asked)
    return confidence(signals, "exact")


def test_what_several_find_is_one_fact_and_surer_than_what_one_finds() -> None:
    [both] = together([FACT], [replace(FACT, start=None, confidence=0.5)]).facts
    [one] = together([FACT], []).facts
    assert (both.agreeing, both.asked, both.problem) == (2, 2, None)
    assert both.start == 0, "the evidence whose place is known is kept"
    assert (one.agreeing, one.asked, one.problem) == (1, 2, None)
    assert sure(both) > sure(one)


@pytest.mark.parametrize(
    "other",
    [
        replace(FACT, negated=True, quote="It is no sequel to Alien.", problem="negated"),
        replace(FACT, problem="hedged", quote="It may be a sequel to Alien."),
    ],
)
def test_a_conflict_keeps_both_sides_with_their_evidence(other: CandidateFact) -> None:
    ours, theirs = together([FACT], [other]).facts
    assert ours.problem == f"conflict: e1: {other.problem}"
    assert ours.quote == FACT.quote
    assert (theirs.quote, theirs.problem) == (other.quote, other.problem)


def test_an_ensemble_goes_on_with_those_who_could_read() -> None:
    found = together([FACT], FAILED)
    assert (found.state, found.final, found.detail) == ("answered", False, "e1 failed: why")
    assert found.facts[0].asked == 1
    none = together(NOT_TRIED, FAILED)
    assert (none.state, none.facts) == ("not tried", ())


def configured(tmp_path: Path, **given: Any) -> Settings:
    return Settings(home=tmp_path, **{"llm_key": None} | given)


def test_the_rules_read_where_nothing_is_configured(tmp_path: Path) -> None:
    choice = choose(configured(tmp_path), ONTOLOGY, "film")
    assert (choice.extractor.name, choice.threshold, choice.note) == ("rules", 0.0, None)


@pytest.mark.parametrize(
    ("order", "name"),
    [(["llm", "rules"], "llm>rules"), ("llm+rules", "ensemble"), (["llm"], "llm")],
)
def test_an_order_is_read_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: Any, name: str
) -> None:
    monkeypatch.setenv("KG_EXTRACTORS", json.dumps({"film": order}))
    choice = choose(configured(tmp_path, llm_key="key"), ONTOLOGY, "film")
    assert (choice.extractor.name, choice.note) == (name, None)
    assert choose(configured(tmp_path, llm_key="key"), ONTOLOGY, "book").extractor.name == "rules"


@pytest.mark.parametrize("order", [["llm", "rules"], ["llm"], ["llm+rules", "rules"]])
def test_without_a_key_the_rules_read_and_one_line_says_so(tmp_path: Path, order: Any) -> None:
    plan = {"film": {"order": order, "threshold": 0.5}}
    choice = choose(configured(tmp_path, extractors=plan), ONTOLOGY, "film")
    assert (choice.extractor.name, choice.threshold) == ("rules", 0.5)
    assert str(choice.note).startswith("No language model: neither KG_LLM_KEY")
    settings = configured(tmp_path, extractors=plan)
    assert str(without_model(settings)).endswith("is set. The rules read the texts.")
    assert without_model(configured(tmp_path, extractors=plan, llm_key="key")) is None
    assert without_model(configured(tmp_path)) is None


def test_a_threshold_and_a_model_are_part_of_what_facts_depend_on(tmp_path: Path) -> None:
    versions = {
        choose(configured(tmp_path, llm_key="k", **given), ONTOLOGY, "film").version
        for given in (
            {},
            {"extractors": {"film": {"order": ["rules"], "threshold": 0.5}}},
            {"extractors": {"film": ["llm"]}},
            {"extractors": {"film": ["llm"]}, "llm_model": "claude-opus-5-5"},
            {"extractors": {"film": ["llm", "rules"]}},
        )
    }
    assert len(versions) == 5


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"extractors": {"film": ["magic"]}}, "no extractor 'magic'; use rules, llm"),
        ({"extractors": {"film": ["llm+"]}}, "no extractor ''; use rules, llm"),
        ({"extractors": {"film": ["rules+rules"]}}, "'rules.rules' names an extractor twice"),
        ({"extractors": {"movie": ["rules"]}}, "nothing is inferred of 'movie'; use one of film"),
        ({"shadow_extractors": {"film": "magic"}}, "KG_SHADOW_EXTRACTORS: there is no extractor"),
    ],
)
def test_a_name_that_there_is_not_is_refused(tmp_path: Path, given: Any, message: str) -> None:
    with pytest.raises(ExtractorsError, match=message):
        choose(configured(tmp_path, **given), ONTOLOGY, "film")


def test_an_order_without_an_extractor_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="order"):
        configured(tmp_path, extractors={"film": []})


def test_a_shadow_reads_the_same_contexts_and_decides_nothing(world: World) -> None:
    first = world.add("film", "Harbour Lights", "It is based on the novel The Keeper.")
    second = world.add("film", "Harbour Two", "It is the sequel to Harbour Lights. A quiet film.")
    book = world.add("book", "The Keeper")
    world.deliver()
    world.infer()
    before = world.lake.current_digest("film/inferred_relations", "*")
    by_subject = {row["entity_id"]: row["context_id"] for row in world.rows(CONTEXTS)}
    quote = "It is based on the novel The Keeper."
    told = CandidateFact("based_on", "The Keeper", quote, None, None, 0.8, book, "book")
    wrong = CandidateFact("sequel_of", "Harbour Lights", "It is a prequel.", None, None, 0.8, first)
    shadow = Scripted("shadow", {by_subject[first]: [told], by_subject[second]: [wrong]})
    with world.lake.step("film/compared", partition="00") as step:
        run_extractor_comparison(step, "film", shadow, 0.0)
    rows = {row["relation"]: row for row in world.rows(extractor_comparison("film"))}
    assert (rows["based_on"]["kept_by"], rows["sequel_of"]["kept_by"]) == ("both", "first")
    assert rows["sequel_of"]["second_reason"] == "quote not found in the document"
    assert step.figures["agreement"] == 0.5
    assert world.lake.current_digest("film/inferred_relations", "*") == before
