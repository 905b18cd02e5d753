"""A delivery that fails is skipped and said: it changes nothing, and holds up nothing else."""

import json
import shutil

import pytest

from kg_assets.building import build
from kg_assets.cli.sources import source_states
from kg_assets.cli.teams import promote
from kg_assets.promotion.readiness import readiness
from kg_assets.sources.landing import land
from kg_assets.sources.tables import SOURCE_RECORDS
from resources.duck import session
from resources.lake import Lake
from tests.flow.conftest import lines

DOCUMENT = {
    "document_id": "t",
    "text": "Film 1 is based on the novel Film 9.",
    "about": [{"entity_type": "film", "source_id": "1"}],
}


def films(*numbers):
    return [
        {"entity_type": "film", "source_id": str(number), "name": f"Film {number}", "year": 1990}
        for number in numbers
    ]


def deliver(settings, folder, name, *numbers, documents=(), **manifest):
    """Land some films, and texts about them, as a delivery of the source ``s``."""
    folder = folder / name
    folder.mkdir(parents=True)
    files = [lines(folder / "films.jsonl", films(*numbers))]
    if documents:
        files.append(lines(folder / "documents.jsonl", documents))
    if manifest:
        files.append(folder / "delivery.json")
        files[-1].write_text(json.dumps(manifest))
    land(settings.landing_path, "s", files, name)


def spoil(settings, name):
    """Let a delivery come again, as a full one of which nothing can be read."""
    folder = settings.landing_path / "s" / name
    (folder / "films.jsonl").write_text("not json\n")
    (folder / "delivery.json").write_text('{"mode": "full"}')


def rows(settings, table, columns):
    with session(threads=1, memory_limit="100MB", scratch=settings.scratch) as con:
        return sorted(Lake(settings).relation(con, table).project(columns).fetchall())


@pytest.fixture
def two_delivered(home, tmp_path):
    """A home with two deliveries of one source, of which records and texts were made."""
    deliver(home, tmp_path, "a", 1, 2, 3, documents=[DOCUMENT])
    deliver(home, tmp_path, "b", 4)
    assert build(home, only=["sources", "film/records", "texts"]).failed == []
    return home


def test_a_delivery_that_comes_again_and_fails_changes_nothing(two_delivered):
    from kg_assets.inference.text_tables import TEXTS
    from kg_assets.matching.models import MODELS
    from kg_assets.matching.records import records

    tables = ((records(MODELS["film"]), "record_id"), (TEXTS, "document_id"))
    before = [rows(two_delivered, *each) for each in tables]
    assert [len(each) for each in before] == [4, 1]
    spoil(two_delivered, "b")
    (failed,) = build(two_delivered, only=["sources"]).failed
    assert "not_all_quarantined" in failed.error
    (state,) = (one for one in source_states(two_delivered) if one.source == "s")
    assert state.records == {"film": 4}
    assert build(two_delivered, only=["film/records", "texts"]).failed == []
    assert [rows(two_delivered, *each) for each in tables] == before


def test_a_delivery_that_never_could_be_read_does_not_count(two_delivered, tmp_path):
    deliver(two_delivered, tmp_path, "c", 5)
    spoil(two_delivered, "c")
    assert len(build(two_delivered, only=["sources"]).failed) == 1
    (state,) = (one for one in source_states(two_delivered) if one.source == "s")
    assert (state.records, state.unread) == ({"film": 4}, ["c"])


def test_what_failed_holds_up_no_promotion_and_is_named_with_it(two_delivered, tmp_path, capsys):
    lake = Lake(two_delivered)
    before = readiness(lake)
    assert not [label for label in before.stale if "@s|" in label]
    deliver(two_delivered, tmp_path, "c", 5)
    deliver(two_delivered, tmp_path, "d", 6, mode="full")
    for name in ("b", "c"):
        spoil(two_delivered, name)
    (two_delivered.landing_path / "s" / "d" / "delivery.json").write_text('{"mode": "sometimes"}')
    assert len(build(two_delivered, only=["sources"]).failed) == 3
    found = readiness(lake)
    assert found.stale == before.stale
    assert {key: "not_all" in why for key, why in found.failed.items()} == {
        "s|b": True,
        "s|c": True,
        "s|d": False,
    }
    promote(two_delivered, "dev", dry_run=True)
    said = " ".join(capsys.readouterr().out.split())
    assert "Deliveries that failed: they are left out, or count as before: s|b: source_rec" in said
    assert "is not a delivery.json" in said
    # Of one that is given up nothing is said any more.
    shutil.rmtree(two_delivered.landing_path / "s" / "c")
    build(two_delivered, only=["sources"])
    found = readiness(lake)
    assert (found.stale, sorted(found.failed)) == (before.stale, ["s|b", "s|d"])


def test_a_delivery_that_counts_and_whose_file_is_lost_holds_up_a_promotion(two_delivered):
    lake = Lake(two_delivered)
    head = lake.heads(SOURCE_RECORDS)["s|b"]
    (two_delivered.lake_path / head.file.path).unlink()
    assert "source_records@s|b" in readiness(lake).stale


@pytest.mark.parametrize("only", ["sources", "raw_blobs"])
def test_where_nothing_has_landed_a_lane_or_table_of_deliveries_has_nothing_to_build(
    home, only, capsys
):
    from kg_assets.cli.building import build_graph

    assert build_graph(home, [], [only], retrain=False, json=False) == 0
    said = capsys.readouterr().out
    assert "Nothing has been landed yet; do it with: kg land" in said
