"""The document index: exact versions, changes only where something changed, no stop words."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from kg_assets.inference.embeddings import HashedWords
from kg_assets.inference.index import open_index, passages
from kg_assets.inference.old_versions import clean_vectors
from kg_assets.inference.tables import CHUNKS, DOCUMENT_INDEX, DOCUMENTS
from resources.lake import Lake
from resources.vectors import VectorStoreError, Version

if TYPE_CHECKING:
    from tests.inference.conftest import World


_SECOND = 1.2
"""Versions are told apart by age to a second."""


@pytest.fixture
def titles(world: World) -> World:
    """Three films whose titles are stop words, indexed."""
    for title in ("It", "Her", "Up"):
        world.add("film", title, f"{title} was shown here.")
    world.deliver()
    world.infer(())
    return world


@pytest.mark.parametrize("title", ["It", "Her", "Up"])
def test_titles_of_everyday_words_are_found(titles: World, title: str) -> None:
    [manifest] = titles.rows(DOCUMENT_INDEX)
    reader = open_index(titles.vectors, manifest)
    assert [chunk.title for chunk in reader.phrase(title, 5)] == [title]
    assert [chunk.title for chunk in reader.full_text(title, 5)] == [title]
    assert passages([reader], title, f"{title} was shown", limit=1)[0].title == title


def test_a_text_that_never_says_its_title_is_found_by_it(world: World) -> None:
    world.add("film", "Up", "An old man flies away with his house.")
    for number in range(12):
        world.add("film", f"Harbour {number}", "A house with an old man in it, far away.")
    world.deliver()
    world.infer(())
    [manifest] = world.rows(DOCUMENT_INDEX)
    reader = open_index(world.vectors, manifest)
    assert passages([reader], "Up", "", limit=1)[0].title == "Up"


def test_a_rare_word_that_is_shared_counts_more_than_many_common_ones(world: World) -> None:
    world.add("film", "Lamp", "Of the zeppelin.")
    for number in range(8):
        world.add("film", f"Harbour {number}", f"It is a film of the sea, and the {number}th.")
    world.deliver()
    world.infer(())
    [manifest] = world.rows(DOCUMENT_INDEX)
    reader = open_index(world.vectors, manifest)
    text = "It is a film of the zeppelin, and it was the last of its kind in the north."
    assert passages([reader], "Flight", text, limit=1)[0].title == "Lamp"


def test_unchanged_documents_make_no_new_version(titles: World) -> None:
    [before] = titles.rows(DOCUMENT_INDEX)
    titles.infer(())
    assert titles.rows(DOCUMENT_INDEX) == [before]


def test_a_changed_and_a_removed_document_are_followed_and_the_old_version_stays(
    titles: World,
) -> None:
    [old] = titles.rows(DOCUMENT_INDEX)
    titles.entities[0]["description"] = "Something else was shown."
    titles.entities[1]["description"] = None
    titles.deliver()
    titles.infer(())
    [new] = titles.rows(DOCUMENT_INDEX)
    found = open_index(titles.vectors, new).full_text("was shown", 10)
    assert {chunk.text for chunk in found} == {"Something else was shown.", "Up was shown here."}
    before = open_index(titles.vectors, old).full_text("was shown", 10)
    assert {chunk.title for chunk in before} == {"It", "Her", "Up"}
    assert old["rows"] == 3 and new["rows"] == 2


def test_versions_that_nothing_names_go_when_they_are_old_and_the_others_can_be_read(
    titles: World,
) -> None:
    manifests = titles.rows(DOCUMENT_INDEX)
    for number in range(2):
        titles.entities[0]["description"] = f"It was shown {number} times."
        titles.deliver()
        titles.infer(())
        manifests += titles.rows(DOCUMENT_INDEX)
        time.sleep(_SECOND)
    assert clean_vectors(titles.lake) == {}
    # The catalog forgets what ceased to be current, all but the last two.
    lake = Lake(titles.settings.model_copy(update={"keep_days": 0}))
    ended = lake.catalog.history("dev", DOCUMENT_INDEX.name)[-1].time
    age = datetime.now(UTC) - datetime.fromisoformat(ended)
    lake.collect(older_than_seconds=age.total_seconds() + _SECOND / 2)
    assert clean_vectors(lake, older_than_seconds=0)["film"] > 0
    with pytest.raises(VectorStoreError):
        open_index(titles.vectors, manifests[0])
    found = [open_index(titles.vectors, each).phrase("It", 5) for each in manifests[1:]]
    assert [[chunk.text for chunk in each] for each in found] == [
        ["It was shown 0 times."],
        ["It was shown 1 times."],
    ]
    titles.infer(())
    assert titles.rows(DOCUMENT_INDEX) == manifests[-1:]


def test_a_version_that_is_gone_is_an_error_that_says_what_to_do(titles: World) -> None:
    with pytest.raises(VectorStoreError, match="materialise document_index again"):
        titles.vectors.reader(Version("dev/film", 99_999, 0))


def test_a_manifest_leads_to_no_other_folder(titles: World) -> None:
    with pytest.raises(VectorStoreError, match="not allowed"):
        titles.vectors.reader(Version("../film", 1, 0))


def test_chunks_are_cut_from_their_documents(titles: World) -> None:
    texts = {row["document_id"]: row["text"] for row in titles.rows(DOCUMENTS)}
    for chunk in titles.rows(CHUNKS):
        assert texts[chunk["document_id"]][chunk["start"] : chunk["end"]] == chunk["text"]


def test_an_embedding_is_the_same_for_the_same_words_and_has_unit_length() -> None:
    one, other, none = HashedWords(64).embed(["A harbour, at night", "a HARBOUR at night", "..."])
    assert one == other
    assert sum(value * value for value in one) == pytest.approx(1.0)
    assert set(none) == {0.0}
