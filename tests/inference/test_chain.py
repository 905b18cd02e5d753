"""The inference stage from records to facts, in a real lake with a real vector store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from kg_assets.inference.cleaning import sha256
from kg_assets.inference.extractors import FAILED, Context, Extraction
from kg_assets.inference.policy import Policy
from kg_assets.inference.rules import Rules
from kg_assets.inference.tables import (
    DOCUMENTS,
    extraction_contexts,
    extraction_states,
    inferred_relations,
)
from ontology.schema import load_ontology

if TYPE_CHECKING:
    from tests.inference.conftest import World


def test_a_description_becomes_a_fact_with_its_quote(world: World) -> None:
    text = "Harbour Lights is a drama 😀. It is based on the novel The Keeper by Ann Reed."
    film = world.add("film", "Harbour Lights", text, year=1990)
    book = world.add("book", "The Keeper", year=1950, by=["Ann Reed"])
    world.deliver()
    world.infer()

    [fact] = world.rows(inferred_relations("film"))
    assert (fact["subject_id"], fact["relation"], fact["object_id"]) == (film, "based_on", book)
    assert (fact["status"], fact["reason"], fact["object_type"]) == ("accepted", None, "book")
    [document] = world.rows(DOCUMENTS)
    assert fact["document_sha256"] == document["sha256"]
    assert document["text"][fact["start"] : fact["end"]] == fact["quote"]
    assert fact["quote"] == "It is based on the novel The Keeper by Ann Reed."


def test_a_text_is_cleaned_and_what_the_source_wrote_is_kept_beside_it(world: World) -> None:
    text = " Cafe\u0301 \u00a0“Up”\r\n"
    world.add("film", "Up", text)
    world.deliver()
    world.infer(())
    [document] = world.rows(DOCUMENTS)
    assert (document["text"], document["original"]) == ("Cafe\u0301 “Up”", text)
    assert document["sha256"] == sha256(document["text"])
    assert document["original_sha256"] == sha256(text)


def test_an_author_tells_two_books_of_one_title_apart(world: World) -> None:
    world.add("film", "Harbour Lights", "It is based on Ann Reed's novel The Keeper.")
    world.add("book", "The Keeper", by=["Bo Lind"], entity_id="book-lind")
    world.add("book", "The Keeper", by=["Ann Reed"], entity_id="book-reed")
    world.deliver()
    world.infer()
    [fact] = world.rows(inferred_relations("film"))
    assert (fact["object_id"], fact["status"]) == ("book-reed", "accepted")


def test_a_novel_of_the_films_name_needs_no_naming(world: World) -> None:
    world.add("film", "The Keeper", "A drama based on Ann Reed's novel.")
    book = world.add("book", "The Keeper", by=["Ann Reed"])
    world.deliver()
    world.infer()
    [fact] = world.rows(inferred_relations("film"))
    assert (fact["object_id"], fact["status"]) == (book, "accepted")


def test_a_rejected_fact_is_kept_and_counted(world: World) -> None:
    world.add("film", "Harbour Lights", "It is not based on the novel The Keeper.")
    world.add("film", "Quiet", "A film in which nobody speaks.")
    world.add("book", "The Keeper")
    world.deliver()
    world.infer()
    [fact] = world.rows(inferred_relations("film"))
    assert (fact["status"], fact["reason"], fact["negated"]) == ("rejected", "negated", True)
    figures = world.figures["film/relations"]
    assert figures["contexts_by_state"] == {"answered": 1, "empty": 1}
    assert (figures["accepted"], figures["rejected"]) == (0, {"negated": 1})


def test_two_films_cannot_each_be_the_others_sequel(world: World) -> None:
    world.add("film", "Harbour One", "It is a sequel to Harbour Two.")
    world.add("film", "Harbour Two", "It is the sequel to Harbour One.")
    world.deliver()
    world.infer()
    facts = world.rows(inferred_relations("film"))
    assert sorted(str(fact["reason"]).split(":")[0] for fact in facts) == ["None", "cycle"]


def test_who_is_skipped_is_counted_with_the_reason(world: World) -> None:
    world.add("film", "Harbour One")
    world.add("film", "Harbour Two", "Short.")
    world.add("film", "Harbour Three", "A text of a decent length.")
    world.deliver()
    world.infer()
    figures = world.figures["film/contexts"]
    assert (figures["contexts"], figures["eligible"]) == (1, 1)
    assert figures["skipped"] == {"no text": 1, "text too short": 1}


def test_shards_part_the_entities_and_lose_none(world: World) -> None:
    for number in range(12):
        world.add("film", f"Harbour {number}", "It is based on the novel The Keeper.")
    world.add("book", "The Keeper")
    world.deliver()
    world.infer(shards=3)
    subjects = [row["entity_id"] for row in world.rows(extraction_contexts("film"))]
    assert sorted(subjects) == sorted(f"film-Harbour {number}-None" for number in range(12))
    assert len(world.rows(inferred_relations("film"), "00")) < 12


def test_passages_of_other_documents_are_retrieved(world: World) -> None:
    world.add("film", "Harbour Lights", "A keeper guards a lamp on a rock in the sea.")
    book = world.add("book", "The Keeper", "A keeper guards a lamp on a lonely rock in the sea.")
    world.deliver()
    world.infer()
    [context] = world.rows(extraction_contexts("film"))
    assert len(context["retrieved_chunks"]) == 1
    assert [(c["entity_id"], c["retrieved"]) for c in context["candidates"]] == [(book, True)]


def test_the_same_input_gives_the_same_rows(world: World) -> None:
    world.add("film", "Harbour Lights", "It is based on the novel The Keeper.")
    world.add("book", "The Keeper", "A book.")
    world.deliver()
    world.infer()
    before = world.lake.current_digest("film/inferred_relations", "*")
    contexts = world.lake.current_digest("film/extraction_contexts", "*")
    world.infer()
    assert world.lake.current_digest("film/inferred_relations", "*") == before
    assert world.lake.current_digest("film/extraction_contexts", "*") == contexts


class Faulty(Rules):
    """Rules that cannot read what mentions a storm, until the weather is better."""

    storm = True

    def __init__(self) -> None:
        super().__init__(load_ontology())
        self.asked: list[str] = []

    def extract_many(self, contexts: Iterable[Context]) -> Iterator[Extraction]:
        for context in contexts:
            self.asked.append(context.name)
            if self.storm and "storm" in context.text:
                yield Extraction(context, self, FAILED, detail="storm", final=False)
            else:
                yield from super().extract_many([context])


def test_what_could_not_be_read_is_tried_again_and_nothing_else(world: World) -> None:
    world.add("film", "Harbour One", "It is a sequel to Harbour Two.")
    world.add("film", "Harbour Two", "It is the sequel to Harbour One, with a storm.")
    world.add("film", "Quiet", "A film in which nobody speaks.")
    world.deliver()
    faulty = Faulty()
    world.infer(extractor=faulty)
    states = {row["entity_id"]: row["state"] for row in world.rows(extraction_states("film"))}
    assert states == {
        "film-Harbour One-None": "answered",
        "film-Harbour Two-None": "failed",
        "film-Quiet-None": "empty",
    }

    faulty.asked, faulty.storm = [], False
    world.infer(extractor=faulty)
    assert faulty.asked == ["Harbour Two"]
    assert world.figures["film/relations"]["contexts_kept"] == 2
    facts = world.rows(inferred_relations("film"))
    assert sorted(str(fact["reason"]).split(":")[0] for fact in facts) == ["None", "cycle"]
    facts_then = world.lake.current_digest("film/inferred_relations", "*")

    faulty.asked = []
    world.infer(extractor=faulty)
    assert faulty.asked == []
    assert world.lake.current_digest("film/inferred_relations", "*") == facts_then


def test_only_a_changed_text_is_read_again_and_what_fell_for_it_stands(world: World) -> None:
    world.add("film", "Harbour One", "It is a sequel to Harbour Two.")
    world.add("film", "Harbour Two", "It is the sequel to Harbour One.")
    world.deliver()
    world.infer()
    standing = [f for f in world.rows(inferred_relations("film")) if f["status"] == "accepted"]
    fallen = [f for f in world.rows(inferred_relations("film")) if f["status"] == "rejected"]
    [gone] = [e for e in world.entities if e["entity_id"] == standing[0]["subject_id"]]
    gone["description"] = "A film of the sea, and no more than that."
    world.deliver()
    world.infer()
    [fact] = world.rows(inferred_relations("film"))
    assert (fact["fact_id"], fact["status"]) == (fallen[0]["fact_id"], "accepted")
    assert world.figures["film/relations"]["contexts_kept"] == 1


def test_what_a_source_states_of_two_records_is_not_looked_for(world: World) -> None:
    policy = Policy(("based_on", "sequel_of"))
    text = "A text of a decent length."
    told = {"relation": "based_on", "source_id": "book-The Keeper-None"}
    unknown = {"relation": "based_on", "source_id": "nobody delivered it"}
    world.add("book", "The Keeper")
    world.add("film", "Harbour", relations=[{"relation": "has_sequel", "source_id": "two"}])
    # The other film says that this one continues it, as good as if it said so itself.
    world.add("film", "Harbour Two", text, entity_id="two", relations=[told])
    world.add("film", "Harbour Three", text, relations=[told])
    named = {"relation": "based_on", "name": "the keeper", "entity_type": "book"}
    world.add("film", "Harbour Five", text, relations=[named, told | {"relation": "sequel_of"}])
    world.add("film", "Harbour Four", text, relations=[unknown, told | {"relation": "sequel_of"}])
    world.deliver()
    world.infer(policy=policy)
    figures = world.figures["film/contexts"]
    assert figures["skipped"] == {"no text": 1, "nothing missing": 2}
    assert {row["name"] for row in world.rows(extraction_contexts("film"))} == {
        "Harbour Three",
        "Harbour Four",
    }
