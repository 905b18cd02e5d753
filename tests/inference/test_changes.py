"""What is read again has its reason: what changed since; and what did not change is not read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from kg_assets.inference import changes
from kg_assets.inference.choice import Choice
from kg_assets.inference.combined import InOrder
from kg_assets.inference.decision_tables import inference_decisions, reading_decisions
from kg_assets.inference.extractors import EMPTY, FAILED, Extraction
from kg_assets.inference.steps import run_inferred_relations
from kg_assets.inference.tables import (
    DOCUMENTS,
    extraction_contexts,
    extraction_states,
)
from ontology.schema import load_ontology

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kg_assets.inference.extractors import Context
    from tests.inference.conftest import World

CONTEXTS, STATES = extraction_contexts("film"), extraction_states("film")
LIGHTS, QUIET = "film-Harbour Lights-None", "film-Quiet-None"


class Reads:
    """Finds nothing; of what holds a storm it says that it could not read it."""

    def __init__(self, name: str = "one", version: str = "1", model: str | None = None) -> None:
        self.name, self.version, self.model = name, version, model

    def extract_many(self, contexts: Iterable[Context]) -> Iterator[Extraction]:
        for context in contexts:
            failed = "storm" in context.text
            yield Extraction(context, self, FAILED if failed else EMPTY, final=not failed)


@pytest.fixture
def told(world: World) -> World:
    world.add("film", "Harbour Lights", "A drama of the sea and of a lamp.")
    world.add("film", "Quiet", "A film in which nobody speaks.")
    world.deliver()
    world.infer(extractor=Reads(), search=False)
    return world


def why(world: World) -> dict[str, str]:
    return {row["entity_id"]: row["reason"] for row in world.rows(reading_decisions("film"))}


def read_again(world: World) -> Any:
    return world.figures["film/relations"]["contexts_read_because"]


def test_what_is_new_is_read_and_what_is_as_it_was_is_not(told: World) -> None:
    assert why(told) == {LIGHTS: changes.FIRST, QUIET: changes.FIRST}
    assert read_again(told) == {changes.FIRST: 2}
    before = told.lake.current_digest("film/reading_decisions", "*")
    told.infer(extractor=Reads(), search=False)
    assert read_again(told) == {}
    assert told.figures["film/relations"]["contexts_kept"] == 2
    # The reason stays as long as what was read does.
    assert told.lake.current_digest("film/reading_decisions", "*") == before


@pytest.mark.parametrize(
    ("extractor", "reason"),
    [
        (Reads(version="2"), changes.PROMPT),
        (Reads(model="large"), changes.MODEL),
        (Reads(model="large", version="2"), f"{changes.MODEL}, {changes.PROMPT}"),
        (Reads(name="other"), changes.EXTRACTOR),
        (InOrder([Reads(name="other"), Reads()]), changes.EXTRACTOR),
    ],
    ids=["prompt", "model", "both", "extractor", "one before it"],
)
def test_another_reader_is_a_reason(told: World, extractor: Any, reason: str) -> None:
    told.infer(extractor=extractor, search=False)
    assert why(told) == {LIGHTS: reason, QUIET: reason}
    assert read_again(told) == {reason: 2}


def test_a_changed_text_a_further_text_and_a_changed_candidate_are_reasons(told: World) -> None:
    told.entities[0]["description"] = "A drama of the sea and of two lamps, and Quiet is like it."
    told.deliver()
    told.infer(extractor=Reads(), search=False)
    assert why(told) == {LIGHTS: changes.DOCUMENT, QUIET: changes.FIRST}
    told.entities[1]["year"] = 1990
    line = '{"document_id": "a", "text": "A further text of it.", "about": '
    line += f'[{{"entity_type": "film", "source": "tales", "source_id": "{QUIET}"}}]}}\n'
    told.land("one", {"documents.jsonl": line})
    told.deliver()
    told.infer(extractor=Reads(), search=False)
    assert read_again(told) == {changes.GIVEN: 2, changes.FURTHER: 1}


def test_another_ontology_is_a_reason_where_the_type_is_read_again_for_it(told: World) -> None:
    def read(code: str) -> None:
        with told.lake.step("film/relations", partition="00", code_version=code) as step:
            run_inferred_relations(step, "film", Choice(Reads(), 0.0))
            told.figures["film/relations"] = step.figures

    read("other")
    assert read_again(told) == {changes.PROGRAM: 2}
    with told.lake.step("film/relations", partition="00") as step:
        step.view("contexts", CONTEXTS, "00")
        step.view("documents", DOCUMENTS, "film")
        changes.view_contexts(step.con, Reads())
        changes.view_former(step.con, step.previous(STATES))
        other = replace(load_ontology(), hash="another")
        for same_code, reason in ((True, changes.NOTHING), (False, changes.ONTOLOGY)):
            changes.tell_changes(step.con, Reads(), other, same_code=same_code)
            assert step.con.sql("SELECT DISTINCT reason FROM change").fetchall() == [(reason,)]


def test_what_could_not_be_read_is_tried_again_for_that(told: World) -> None:
    told.add("film", "Gale", "A film of a storm.")
    told.deliver()
    told.infer(extractor=Reads(), search=False)
    told.infer(extractor=Reads(), search=False)
    assert read_again(told) == {changes.AGAIN: 1}
    # With what it holds it was read first because it was new.
    assert why(told)["film-Gale-None"] == changes.FIRST


def test_degree_counts_the_relations_that_records_state(world: World) -> None:
    world.add("film", "Harbour Lights", "A drama of the sea.", by=["Ann Reed", "Bo Lind"])
    world.entities[0] |= {"genres": ["drama"], "countries": ["NO", "SE"]}
    world.add("film", "Quiet", by=["Ann Reed"])
    world.deliver()
    world.infer(extractor=Reads(), search=False)
    found = {row["entity_id"]: row for row in world.rows(inference_decisions("film"))}
    assert (found[LIGHTS]["degree"], found[LIGHTS]["decision"]) == (5, "eligible")
    assert (found[QUIET]["degree"], found[QUIET]["reason"]) == (0, "no text")
