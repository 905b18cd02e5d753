"""Texts about things of no known type wait where all can see them, and are read in time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from kg_assets.inference.cleaning import clean
from kg_assets.inference.steps import run_documents
from kg_assets.inference.tables import DOCUMENTS, INFERRED_TYPES, inferred_relations
from kg_assets.inference.text_tables import UNTIED_TEXTS, WAITING_TEXTS
from kg_assets.inference.texts import run_texts
from kg_assets.inference.things import run_inferred_types
from kg_assets.inference.waiting import run_waiting_texts

if TYPE_CHECKING:
    from tests.inference.conftest import World

TEXT = "It is based on the novel The Keeper by Ann Reed."


def text(source_id: str, document_id: str) -> str:
    about = [{"entity_type": "thing", "source_id": source_id}]
    return json.dumps({"document_id": document_id, "text": TEXT, "about": about}) + "\n"


def thing(source_id: str, description: str | None = None) -> str:
    told = {"entity_type": "thing", "source_id": source_id, "name": f"Harbour {source_id}"}
    return json.dumps(told | ({"description": description} if description else {})) + "\n"


def waiting(world: World) -> list[tuple[Any, ...]]:
    for name, run in (
        ("texts", run_texts),
        ("types", run_inferred_types),
        ("waiting", run_waiting_texts),
    ):
        with world.lake.step(name) as step:
            run(step)
    assert step.figures["waiting"] == len(world.rows(WAITING_TEXTS))
    assert len(step.figures["named"]) == step.figures["about"]
    return [
        (row["kind"], row["document_id"], row["about_source_id"], row["name"])
        for row in world.rows(WAITING_TEXTS)
    ]


def test_what_waits_is_listed_descriptions_too_and_what_it_is_about_is_named(world: World) -> None:
    world.land(
        "one",
        {
            "records.jsonl": thing("1") + thing("2", "A thing of the sea.") + thing("3", "x"),
            "documents.jsonl": text("1", "a") + text("2", "b") + text("nobody", "c"),
        },
    )
    assert waiting(world) == [
        ("description", "2", "2", "Harbour 2"),
        ("description", "3", "3", "Harbour 3"),
        ("text", "a", "1", "Harbour 1"),
        ("text", "b", "2", "Harbour 2"),
        ("text", "c", "nobody", None),
    ]
    assert world.rows(WAITING_TEXTS)[-1]["reason"] == "no such record is known"


def test_a_text_about_a_thing_tells_its_type_with_the_sentence_that_does(world: World) -> None:
    said = "# Notes\n\nHarbour 1 (1990) is a **drama film** by Ann Reed.\n"
    about = [{"entity_type": "thing", "source_id": "1", "source": "essays"}]
    line = json.dumps({"document_id": "a", "text": said, "about": about, "format": "markdown"})
    world.land("one", {"records.jsonl": thing("1") + thing("2")})
    assert waiting(world) == []
    world.land("two", {"documents.jsonl": line + "\n" + text("2", "b")}, source="notes")
    # The text of the other thing names its source by default, which has no such record.
    assert [row[1] for row in waiting(world)] == ["b"]
    one, two = world.rows(INFERRED_TYPES)
    assert (one["status"], one["entity_type"]) == ("inferred", "film")
    assert (one["text_source"], one["document_id"]) == ("notes", "a")
    assert one["quote"] == "Harbour 1 (1990) is a drama film by Ann Reed."
    kept = clean(said, "markdown").text
    assert kept[one["start"] : one["start"] + len(one["quote"])] == one["quote"]
    assert (two["status"], two["quote"]) == ("undecided", None)
    # The text goes, and with it what it told.
    world.land(
        "with",
        {
            "documents.jsonl": json.dumps({"document_id": "a"}) + "\n",
            "delivery.json": '{"mode": "delete"}',
        },
        source="notes",
    )
    assert [row[1] for row in waiting(world)] == ["b"]
    assert {row["status"] for row in world.rows(INFERRED_TYPES)} == {"undecided"}


@pytest.mark.parametrize("by", ["inference", "its source"])
def test_it_is_read_once_its_type_is_known(world: World, by: str) -> None:
    world.land("one", {"records.jsonl": thing("1"), "documents.jsonl": text("1", "a")})
    assert [row[1] for row in waiting(world)] == ["a"]
    world.add("book", "The Keeper", by=["Ann Reed"])
    world.deliver()
    world.infer(search=False)
    assert world.rows(DOCUMENTS) == []

    said = thing("1", "Harbour 1 is a 1990 drama film.")
    if by == "its source":
        said = said.replace('"thing"', '"film"')
    world.land("two", {"records.jsonl": said})
    film = world.add("film", "Harbour 1")
    # As the matching stage has it: the record of the source `inferred`, or the thing's own.
    key = ("inferred", "essays:1") if by == "inference" else ("essays", "1")
    world.entities[-1] |= dict(zip(("source", "source_id"), key, strict=True))
    world.deliver()
    world.infer(search=False)
    with world.lake.step("documents film", partition="film") as step:
        run_documents(step)
    assert waiting(world) == []
    [fact] = world.rows(inferred_relations("film"))
    assert (fact["subject_id"], fact["relation"], fact["status"]) == (film, "based_on", "accepted")
    assert world.rows(UNTIED_TEXTS) == []
