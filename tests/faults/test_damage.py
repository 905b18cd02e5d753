"""A file of the lake that is not as it was written is found where it is read, and made again."""

import pytest

from kg_assets.building import build
from kg_assets.sources.landing import land
from resources.lake import Lake
from tests.faults.conftest import tables
from tests.flow.conftest import lines
from tests.flow.graph import content
from tests.homes import copy_home, home_at
from tests.lengths import FULL

PAPRIKA = {"entity_type": "film", "source_id": "4", "name": "Paprika", "year": 2006}
HISTORY = (
    "entity_members",
    "identity_events",
    "resolved_entities",
    "match_model",
    "term_frequencies",
    "match_thresholds",
    "score_profile",
    "ontology_versions",
    "reading_decisions",
)
"""Tables that follow from what they were before, or were frozen: nobody can make these again as
they were, so a build stops and says so."""

DAMAGED = ["source_records", "film/records", "film/match_scores", "documents", "nodes"]


def damage(settings, chance, place):
    """Change one byte of the file of a table's partition."""
    head = Lake(settings).catalog.all_heads(settings.namespace)[place]
    path = settings.lake_path / head.file.path
    content = bytearray(path.read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)


def places(settings, name):
    return sorted(
        place
        for place, head in Lake(settings).catalog.all_heads(settings.namespace).items()
        if place[0] == name and head.file.rows
    )


@pytest.fixture
def updated(built, tmp_path):
    """The tables and the graph of a home that got one more delivery, and was never damaged."""
    other = tmp_path / "other"
    copy_home(built.home, other)
    with home_at(other) as settings:
        more(settings, tmp_path)
        assert build(settings).failed == []
        return tables(settings), content(settings)


def more(settings, folder):
    land(settings.landing_path, "alpha", [lines(folder / "more.jsonl", [PAPRIKA])], "second")


def names(settings):
    found = {table for table, _ in Lake(settings).catalog.all_heads(settings.namespace)}
    return sorted(found) if FULL else DAMAGED


def test_what_is_damaged_is_made_again_on_the_way(built, updated, tmp_path, chance):
    for name in names(built):
        for place in places(built, name)[:1]:
            if not name.endswith(HISTORY):
                damage(built, chance, place)
    more(built, tmp_path)
    summary = build(built)
    assert [(result.task.label, result.error) for result in summary.failed] == []
    assert summary.blocked == []
    assert {result.damaged[0] for result in summary.mended} <= set(names(built))
    assert summary.mended
    assert build(built).results == []
    assert content(built) == updated[1]
    # What no step had reason to read is as it was: damaged, and found by the one who reads it.
    assert {
        place: head.file.digest for place, head in Lake(built).catalog.all_heads("dev").items()
    } == updated[0]


@pytest.mark.parametrize("table", ["film/entity_members", "film/identity_events"])
def test_what_only_its_own_history_could_tell_stops_and_says_so(built, tmp_path, chance, table):
    before = content(built)
    damage(built, chance, (table, "all"))
    more(built, tmp_path)
    summary = build(built, types=["film"])
    (failed,) = [result for result in summary.failed if result.task.lane == "film"]
    assert table in failed.error
    assert "restore their files" in failed.error
    assert content(built) == before
