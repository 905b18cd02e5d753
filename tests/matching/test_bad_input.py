"""Bad and unusual input: what is said of it, that it does no harm, and how one goes on."""

import json
from dataclasses import replace

import pytest

from kg_assets.building import build
from kg_assets.matching import tables
from kg_assets.matching.block_keys import run_block_keys
from kg_assets.matching.blocking import run_blocked_pairs
from kg_assets.matching.checks import declaration_checks, entity_checks, model_checks
from kg_assets.matching.clustering import MAX_CLUSTER
from kg_assets.matching.current_model import MissingModelError, OutdatedModelError
from kg_assets.matching.entities import run_resolved_entities
from kg_assets.matching.frozen import run_match_thresholds
from kg_assets.matching.models import MODELS
from kg_assets.matching.records import run_records
from kg_assets.matching.reporting.step import run_match_report
from kg_assets.matching.reporting.tables import match_report
from kg_assets.matching.scoring import run_match_scores
from kg_assets.matching.training import run_match_model
from kg_assets.sources.landing import land
from resources.lake import Lake
from tests.homes import MATCHED_FILMS, enter
from tests.matching.update_worlds import BLUE, RED, SHARDS, SPEC, World

TWIN = RED | {"id": "9"}


def looked_at(world, function, checks):
    """Run a step; the verdicts of its checks by name."""
    with world.lake.step(function.__name__) as step:
        function(step, world.spec)
        return {check.name: check.look(step) for check in checks(world.spec)}


def entities(world):
    """Which records are together."""
    together = {}
    for record, entity in world.members().items():
        together.setdefault(entity, []).append(record)
    return sorted(sorted(records) for records in together.values())


def test_a_source_that_is_not_free_of_duplicates_as_declared_is_named_with_its_rows(tmp_path):
    world = World(tmp_path)
    world.deliver("a", [RED, BLUE, TWIN], free=True)
    world.deliver("b", [RED])
    verdict = looked_at(world, run_records, declaration_checks)["free_of_duplicates"]
    assert not verdict.passed
    assert verdict.figures["records_with_a_twin"] == {"a": 1}
    assert verdict.figures["twins"] == [
        "a:1 (delivery d001, f.jsonl, position 0) and a:9 (delivery d001, f.jsonl, position 2)"
    ]
    assert '"duplicate_free": false' in verdict.figures["override"]
    # Until then the declaration holds: one of the two is with the record of the other source.
    figures = world.update()
    assert figures["duplicates_refused"] == 1
    assert entities(world) == [["a:1", "b:1"], ["a:2"], ["a:9"]]
    queue = world.content()["film/review_queue"]
    assert [(row["record_l"], row["record_r"], row["reason"]) for row in queue] == [
        ("a:9", "b:1", "duplicate-free source")
    ]
    # The newest word counts, and what was kept apart is joined.
    world.deliver("a", [BLUE], free=False)
    assert looked_at(world, run_records, declaration_checks)["free_of_duplicates"].passed
    world.update()
    assert entities(world) == [["a:1", "a:9", "b:1"], ["a:2"]]


def test_a_declaration_is_taken_back_by_a_delivery_without_records(tmp_path, monkeypatch):
    settings = enter(monkeypatch, tmp_path / "kg")
    film = {"entity_type": "film", "name": "Paprika", "year": 2006, "runtime_minutes": 90}

    def deliver(delivery, ids, free):
        file, manifest = tmp_path / "films.jsonl", tmp_path / "delivery.json"
        file.write_text("".join(json.dumps(film | {"source_id": one}) + "\n" for one in ids))
        manifest.write_text(json.dumps({"duplicate_free": free}))
        land(settings.landing_path, "a", [file, manifest], delivery)
        assert not build(settings, only=MATCHED_FILMS).failed
        lake = Lake(settings)
        with lake.step("look") as step:
            return step.read(tables.resolved_entities("film"), tracked=False).count("*").fetchall()

    assert deliver("1", ["1", "2"], free=True) == [(2,)]
    assert deliver("2", [], free=False) == [(1,)]


@pytest.mark.parametrize("count", [0, 1, 2], ids=["no record", "one record", "two equal records"])
def test_a_type_with_hardly_a_record_has_all_of_its_tables_and_its_report(tmp_path, count):
    world = World(tmp_path)
    world.deliver("a", [RED, TWIN][:count])
    figures = world.update()
    assert (figures["records"], figures["largest_cluster"]) == (count, count)
    assert all(
        check.passed for check in looked_at(world, run_resolved_entities, entity_checks).values()
    )
    world.run(run_match_thresholds)
    world.run(run_match_report)
    assert len(world.content()["film/cluster_quality"]) == (count > 1)
    with world.lake.step("look") as step:
        files = step.read(match_report("film"), tracked=False).count("*").fetchall()
    assert files == [(2 if count else 1,)]


def test_thousands_of_equal_records_make_bounded_blocks_and_clusters_and_a_warning(tmp_path):
    cap, count = 100, MAX_CLUSTER + 500
    world = World(tmp_path, replace(SPEC, block_cap=cap))
    world.deliver("a", [RED | {"id": str(number)} for number in range(count)])
    for function in (run_records, run_match_model, run_block_keys):
        world.run(function)
    for shard in SHARDS:
        pairs = world.run(run_blocked_pairs, shard)["pairs"]
        assert pairs <= count * cap
        world.run(run_match_scores, shard)
    verdict = looked_at(world, run_resolved_entities, entity_checks)["clusters_hang_together"]
    rows = world.content()["film/cluster_quality"]
    assert sorted(row["records"] for row in rows) == [500, MAX_CLUSTER]
    assert max(row["edges"] for row in rows) <= MAX_CLUSTER * cap
    assert not verdict.passed
    assert verdict.figures["cut_for_size"].endswith(tuple(row["entity_id"] for row in rows))
    assert [row["reason"] for row in world.content()["film/review_queue"]] == ["cluster too large"]


@pytest.mark.parametrize("kind", ["film", "series", "person", "book"])
def test_a_model_trained_on_equal_records_alone_is_one_that_may_be_used(tmp_path, kind):
    world = World(tmp_path, MODELS[kind])
    equal = RED | {"entity_type": kind}
    world.deliver("a", [equal | {"id": str(number)} for number in range(200)])
    world.run(run_records)
    verdicts = looked_at(world, run_match_model, model_checks)
    assert verdicts["weights_fall"].passed, verdicts["weights_fall"].figures


def test_records_of_a_type_without_a_model_say_what_to_make(tmp_path):
    world = World(tmp_path)
    world.deliver("a", [RED])
    world.deliver("b", [RED])
    world.run(run_records)
    world.run(run_block_keys)
    for shard in SHARDS:
        world.run(run_blocked_pairs, shard)
        with pytest.raises(MissingModelError, match=r"film/match_model is empty.*kg build"):
            world.run(run_match_scores, shard)
    with pytest.raises(MissingModelError, match="film/match_model is empty"):
        world.run(run_match_report)
    assert world.update()["entities"] == 1


def test_a_model_of_another_version_of_the_specification_is_refused_by_all_that_read_it(tmp_path):
    world = World(tmp_path)
    world.deliver("a", [RED])
    world.deliver("b", [RED])
    world.update()
    before = world.versions()
    world.spec = replace(SPEC, prior=0.3, comparisons=SPEC.comparisons[:1])
    for function, shard in (
        (run_match_scores, SHARDS[0]),
        (run_resolved_entities, None),
        (run_match_report, None),
    ):
        with pytest.raises(
            OutdatedModelError, match=r"is of version .* is now of version .*kg bui"
        ):
            world.run(function, shard)
    assert world.versions() == before
    assert world.update()["entities"] == 1
