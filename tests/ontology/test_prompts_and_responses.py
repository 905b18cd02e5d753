"""Prompts and response models: stable, of the type's own relations, within structured output."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError

from ontology.linkml import parse_ontology
from ontology.prompts import WorkedExample, instructions
from ontology.responses import (
    LONGEST_NAME,
    LONGEST_QUOTE,
    MOST_FACTS,
    AnswerContext,
    answer_schema,
    answering,
    response_model,
)
from ontology.schema import ONTOLOGY_FILE, Ontology, load_ontology

ONTOLOGY = load_ontology()
TYPES = [name for name in ONTOLOGY.entity_types if ONTOLOGY.inferred_for(name)]
FORBIDDEN = {
    "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
    "multipleOf", "minItems", "maxItems", "pattern", "default", "uniqueItems",
}  # fmt: skip
FACT: dict[str, Any] = {
    "quote": "It is based on Emma.",
    "relation": "based_on",
    "object": {"id": "book:emma"},
    "denied": False,
}
NEW = {"name": "Emma", "type": "book", "year": 1815}


def edited(old: str, new: str) -> Ontology:
    text = ONTOLOGY_FILE.read_text(encoding="utf-8")
    assert old in text
    return parse_ontology(text.replace(old, new))


def answer(*facts: dict[str, Any], quote: str = FACT["quote"]) -> Any:
    context = AnswerContext(
        {"book:emma": "book", "person:reed": "person"}, lambda given: given == quote
    )
    with answering(context):
        return response_model(ONTOLOGY, "film").model_validate({"facts": list(facts)})


@pytest.mark.parametrize("kind", TYPES)
def test_a_prompt_has_every_relation_of_the_type_and_no_other(kind: str) -> None:
    text = instructions(ONTOLOGY, kind)
    for relation in ONTOLOGY.relations.values():
        told = f"\n{relation.name}\n  Meaning: {relation.definition}\n" in text
        assert told == (relation in ONTOLOGY.inferred_for(kind))
    for relation in ONTOLOGY.inferred_for(kind):
        assert relation.guidance in text
        assert all(example.sentence in text for example in relation.examples)


def test_a_prompt_and_a_schema_have_the_same_bytes_in_another_process() -> None:
    code = (
        "import json; from ontology.schema import load_ontology as load; from ontology.prompts "
        "import instructions; from ontology.responses import answer_schema, response_model; o = "
        "load(); print(json.dumps([instructions(o, 'film'), answer_schema(response_model(o, "
        "'film'))]))"
    )
    told = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=True,
        text=True,
        env={"PYTHONHASHSEED": "7"},
    )
    here = [instructions(ONTOLOGY, "film"), answer_schema(response_model(ONTOLOGY, "film"))]
    assert told.stdout.strip() == json.dumps(here)


def test_what_people_have_read_follows_what_the_ontology_says() -> None:
    passage = WorkedExample("Up", "It is no sequel.", "sequel_of", "Down", "film", False, "Denied.")
    text = instructions(ONTOLOGY, "film", [passage])
    assert text.startswith(instructions(ONTOLOGY, "film"))
    assert text.endswith('"It is no sequel." does not state sequel_of Down (film). Denied.\n')


@pytest.mark.parametrize("kind", TYPES)
def test_a_schema_keeps_within_what_structured_output_allows(kind: str) -> None:
    def look(part: object, above: tuple[str, ...] = ()) -> None:
        if isinstance(part, list):
            for each in part:
                look(each, above)
        if not isinstance(part, dict):
            return
        assert not FORBIDDEN & set(part)
        if part.get("type") == "object":
            assert part["additionalProperties"] is False
            assert set(part["required"]) == set(part["properties"])
        if reference := part.get("$ref"):
            assert reference not in above, "it refers to itself"
            look(schema["$defs"][reference.rpartition("/")[2]], (*above, reference))
        for name, each in part.items():
            if name != "$defs":
                look(each, above)

    schema = answer_schema(response_model(ONTOLOGY, kind))
    look(schema)


@pytest.mark.parametrize("kind", TYPES)
def test_an_answer_can_name_the_types_relations_only(kind: str) -> None:
    schema = answer_schema(response_model(ONTOLOGY, kind))
    relation = schema["$defs"][f"{kind.capitalize()}Fact"]["properties"]["relation"]
    allowed = relation.get("enum") or [relation["const"]]
    assert allowed == [each.name for each in ONTOLOGY.inferred_for(kind)]


def test_a_type_without_inferred_relations_has_no_answer() -> None:
    with pytest.raises(ValueError, match="no relation is inferred for a person"):
        response_model(ONTOLOGY, "person")


def test_an_answer_may_be_empty_hold_a_candidate_or_something_new() -> None:
    assert answer().facts == []
    assert answer(FACT).facts[0].object.id == "book:emma"
    assert answer(FACT | {"object": NEW}).facts[0].object.year == 1815


@pytest.mark.parametrize(
    ("fact", "message"),
    [
        (FACT | {"object": {"id": "book:other"}}, "'book:other' is no candidate"),
        (FACT | {"object": {"id": "person:reed"}}, "cannot be a person; it must be one of book"),
        (FACT | {"object": NEW | {"type": "person"}}, "cannot be a person"),
        (FACT | {"quote": "It is based on Jaws."}, "the quote does not stand in the text"),
        (FACT | {"quote": " "}, "the quote is empty"),
        (FACT | {"quote": "x" * (LONGEST_QUOTE + 1)}, "at most"),
        (FACT | {"object": NEW | {"name": "x" * (LONGEST_NAME + 1)}}, "at most"),
        (FACT | {"object": NEW | {"name": ""}}, "needs the name"),
        (FACT | {"object": NEW | {"year": 20_000}}, "the year must lie between"),
        (FACT | {"relation": "directed_by"}, "literal_error"),
        (FACT | {"confidence": 1.0}, "extra_forbidden"),
    ],
)
def test_a_wrong_answer_is_told_what_is_wrong(fact: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        answer(fact)
    assert message in str(caught.value)


def test_an_answer_has_a_limit() -> None:
    with pytest.raises(ValidationError, match="at most"):
        answer(*[FACT] * (MOST_FACTS + 1))


def test_without_a_document_the_form_alone_is_checked() -> None:
    found = response_model(ONTOLOGY, "film").model_validate(
        {"facts": [FACT | {"object": {"id": "x"}}, FACT | {"object": NEW | {"type": "person"}}]}
    )
    assert len(found.facts) == 2


@pytest.mark.parametrize(
    ("old", "new", "films", "characters"),
    [
        ("The subject was adapted from the object:", "The subject comes from the object:", 1, 0),
        ("The subject belongs to a named franchise:", "The subject is of a franchise:", 1, 1),
        ("Credited directors and co-directors.", "Credited directors.", 0, 0),
        ("version: 0.1.0", "version: 0.1.1", 0, 0),
        ("A human being, living or dead.", "A human being.", 1, 0),
    ],
    ids=["of works", "of works and characters", "read from records", "version", "an object's type"],
)
def test_the_sight_of_a_type_changes_with_what_it_can_see(
    old: str, new: str, films: int, characters: int
) -> None:
    later = edited(old, new)
    assert later.hash != ONTOLOGY.hash
    for kind, changes in (("film", films), ("character", characters)):
        assert (later.sight(kind) != ONTOLOGY.sight(kind)) == bool(changes)
        assert changes or instructions(later, kind) == instructions(ONTOLOGY, kind)
