"""Texts from files, through the chain: from the landing zone to facts, and back out again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from kg_assets.inference.checks import document_checks
from kg_assets.inference.index import open_index, passages
from kg_assets.inference.steps import run_documents
from kg_assets.inference.tables import DOCUMENT_INDEX, DOCUMENTS, inferred_relations
from kg_assets.inference.text_tables import TEXTS, UNTIED_TEXTS
from kg_assets.inference.tracked import Run, original_span

if TYPE_CHECKING:
    from tests.inference.conftest import World

LONG = "Harbour Lights is a drama of the sea. "


def line(document_id: str, text: str | None, *about: tuple[str, str]) -> str:
    """A line about records of the source `tales`."""
    records = [{"entity_type": kind, "source_id": key, "source": "tales"} for kind, key in about]
    said = {"document_id": document_id, "text": text, "about": records}
    return json.dumps({key: value for key, value in said.items() if value is not None}) + "\n"


def accepted(world: World) -> list[tuple[str, str]]:
    facts = world.rows(inferred_relations("film"))
    return [(f["relation"], f["object_id"]) for f in facts if f["status"] == "accepted"]


def test_a_file_states_a_fact_that_leads_back_to_file_position_and_original(world: World) -> None:
    film = world.add("film", "Harbour Lights", year=1990)
    book = world.add("book", "The Keeper", year=1950, by=["Ann Reed"])
    world.deliver()
    page = f"<p>{LONG}</p>\n<p>It is based on the\xa0novel <i>The Keeper</i> by Ann Reed.[3]</p>"
    describing = line("page", None, ("film", film)).replace("}]", '}], "text_file": "p.html"')
    world.land("one", {"documents.jsonl": describing, "p.html": page})
    world.infer()

    [fact] = world.rows(inferred_relations("film"))
    assert (fact["relation"], fact["object_id"], fact["status"]) == ("based_on", book, "accepted")
    assert fact["quote"] == "It is based on the novel The Keeper by Ann Reed."
    [document] = world.rows(DOCUMENTS)
    assert (document["file"], document["position"], document["delivery"]) == ("p.html", 0, "one")
    assert (document["original"], document["title"]) == (page, "Harbour Lights")
    runs = [Run(**run) for run in document["runs"]]
    start, end = original_span(runs, fact["start"], fact["end"])
    assert page[start:end] == "It is based on the\xa0novel <i>The Keeper</i> by Ann Reed."


def test_a_text_about_two_entities_is_a_document_of_each(world: World) -> None:
    first, second = (world.add("film", name) for name in ("Harbour One", "Harbour Two"))
    world.deliver()
    text = line("both", "A text about two films.", ("film", first), ("film", second))
    world.land("one", {"documents.jsonl": text})
    world.infer(())
    assert sorted(row["entity_id"] for row in world.rows(DOCUMENTS)) == [first, second]


def test_a_changed_and_a_deleted_text_retract_their_facts(world: World) -> None:
    film = world.add("film", "Harbour Lights")
    world.add("book", "The Keeper", by=["Ann Reed"])
    other = world.add("book", "The Lamp", by=["Bo Lind"])
    world.deliver()
    world.land(
        "1",
        {
            "documents.jsonl": line(
                "a", LONG + "It is based on the novel The Keeper by Ann Reed.", ("film", film)
            )
        },
    )
    world.infer()
    assert len(accepted(world)) == 1

    changed = LONG + "It is based on the novel The Lamp by Bo Lind."
    world.land("2", {"documents.jsonl": line("a", changed, ("film", film))})
    world.infer()
    assert accepted(world) == [("based_on", other)]

    world.land("3", {"documents.jsonl": line("a", None), "delivery.json": '{"mode": "delete"}'})
    world.infer()
    assert world.rows(inferred_relations("film")) == []
    assert world.rows(DOCUMENTS) == world.rows(TEXTS) == []
    assert world.rows(DOCUMENT_INDEX) == []


def test_a_full_delivery_replaces_all_texts_before_it(world: World) -> None:
    film = world.add("film", "Harbour Lights")
    world.deliver()
    world.land("1", {"documents.jsonl": line("a", "An old text.", ("film", film))})
    full = {"documents.jsonl": line("b", "A new text.", ("film", film))}
    world.land("2", full | {"delivery.json": '{"mode": "full"}'})
    world.infer(())
    assert [row["text"] for row in world.rows(DOCUMENTS)] == ["A new text."]


def test_a_text_about_nobody_is_counted_and_said(world: World) -> None:
    world.add("film", "Harbour Lights")
    world.deliver()
    lines = line("a", "A text.", ("film", "nobody")) + line("b", "<p>&nbsp;</p>x", ("film", "no"))
    world.land("one", {"documents.jsonl": lines})
    world.infer(())
    assert [(row["document_id"], row["reason"]) for row in world.rows(UNTIED_TEXTS)] == [
        ("a", "no such record is known"),
        ("b", "no such record is known"),
    ]
    assert world.figures["documents film"]["untied_texts"] == 2
    with world.lake.step("again", partition="film") as step:
        run_documents(step)
        found = {check.name: check.look(step).passed for check in document_checks()}
    assert found == {"exact_chunks": True, "kept_as_written": True, "texts_are_tied": False}


def test_one_text_is_one_document_of_an_entity_however_often_it_comes(world: World) -> None:
    film = world.add("film", "Harbour Lights", "A drama of the sea.")
    world.deliver()
    same = line("a", "A <b>drama</b> of\xa0the sea.", ("film", film))
    world.land("one", {"documents.jsonl": same})
    world.infer(())
    [document] = world.rows(DOCUMENTS)
    assert document["file"] is None
    assert world.figures["documents film"]["left_out_as_duplicates"] == 1


@pytest.mark.parametrize("title", ["It", "Her", "Up"])
def test_titles_of_everyday_words_are_found_in_texts_from_files(world: World, title: str) -> None:
    files: dict[str, str | bytes] = {}
    for name in ("It", "Her", "Up"):
        film = world.add("film", name, entity_id=f"film-{name}")
        about = f"---\nabout: [{{entity_type: film, source_id: {film}, source: tales}}]\n---\n"
        files[f"{name}.md"] = f"{about}*{name}* was shown here."
    world.deliver()
    world.land("one", files)
    world.infer(())
    [manifest] = world.rows(DOCUMENT_INDEX)
    reader = open_index(world.vectors, manifest)
    assert [chunk.title for chunk in reader.phrase(title, 5)] == [title]
    assert passages([reader], title, f"{title} was shown", limit=1)[0].title == title
