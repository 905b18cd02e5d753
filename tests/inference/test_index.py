"""The document index: exact versions, changes only where something changed, no stop words."""

from __future__ import annotations

import shutil
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import lancedb
import pytest

from kg_assets.inference.embeddings import HashedWords
from kg_assets.inference.index import open_index, passages
from kg_assets.inference.old_versions import clean_vectors
from kg_assets.inference.tables import CHUNKS, DOCUMENT_INDEX, DOCUMENTS
from resources.lake import Lake
from resources.vectors import VectorStore, VectorStoreError, Version

if TYPE_CHECKING:
    from pathlib import Path

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


def versions(world: World, count: int) -> list[dict[str, Any]]:
    """Rows of the document index, each with another version of its vector table."""
    found = []
    for number in range(count):
        world.entities[0]["description"] = f"It was shown {number} times."
        world.deliver()
        world.infer(())
        found += world.rows(DOCUMENT_INDEX)
    return found


def texts_at(vectors: VectorStore, row: dict[str, Any]) -> list[str]:
    return [chunk.text for chunk in open_index(vectors, row).phrase("It", 5)]


def numbers(vectors: VectorStore) -> set[int]:
    """Versions of the vector table of films that are there."""
    table = lancedb.connect(vectors.root / "dev").open_table("film")
    assert not table.branches.list()
    return {one["version"] for one in table.list_versions()}


def test_of_versions_between_two_that_are_read_those_go_that_nobody_reads(
    titles: World, tmp_path: Path
) -> None:
    made = versions(titles, 5)
    # A home may be moved, also between two cleanings.
    for place, named, gone in (("one", (0, 2), (1, 3)), ("two", (2,), (0,))):
        moved = titles.settings.model_copy(update={"home": tmp_path / place})
        shutil.move(titles.vectors.root, moved.vectors.parent)
        titles.vectors = VectorStore(moved)
        before = numbers(titles.vectors)
        wanted = [made[each]["lance_version"] for each in named]
        time.sleep(_SECOND)
        removed = titles.vectors.clean("film", wanted, datetime.now(UTC))
        assert removed >= len(gone)
        assert removed == len(before - numbers(titles.vectors))
        for each in (*named, 4):
            assert texts_at(titles.vectors, made[each]) == [f"It was shown {each} times."]
        for each in gone:
            with pytest.raises(VectorStoreError):
                open_index(titles.vectors, made[each])
    assert titles.vectors.clean("film", wanted, datetime.now(UTC) - timedelta(days=1)) == 0


def test_what_a_cleaning_that_was_killed_left_is_read_and_cleaned_as_ever(titles: World) -> None:
    made = versions(titles, 3)
    table = lancedb.connect(titles.vectors.root / "dev").open_table("film")
    kept = made[0]["lance_version"]
    table.branches.create(f"kept-{kept}", from_version=kept)
    table.tags.delete(f"published-{kept}")
    assert texts_at(titles.vectors, made[0]) == ["It was shown 0 times."]
    # It is unpinned even where nothing is old enough to go.
    assert titles.vectors.clean("film", [kept], datetime.now(UTC) - timedelta(days=1)) == 0
    assert kept in numbers(titles.vectors)
    assert f"published-{kept}" in table.tags.list()


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
