"""An update does no more than it must, and ends in what making everything again would give."""

from dataclasses import replace

import pytest

from kg_assets.judging.log import add
from kg_assets.judging.values import ContradictionError
from kg_assets.matching import tables
from kg_assets.matching.block_keys import run_block_keys
from kg_assets.matching.blocking import run_blocked_pairs
from kg_assets.matching.checks import score_checks
from kg_assets.matching.component_scores import component_scores
from kg_assets.matching.entities import run_resolved_entities
from kg_assets.matching.frozen import run_match_thresholds
from kg_assets.matching.judgement_log import PAIRS
from kg_assets.matching.judgement_values import judgement
from kg_assets.matching.model import TermFrequency
from kg_assets.matching.records import run_records
from kg_assets.matching.scoring import run_match_scores
from kg_assets.matching.touched import touched_pairs
from resources.lake import Lake
from tests.matching.update_worlds import (
    BLUE,
    COMPARED,
    LAYERS,
    RED,
    SHARDS,
    SPEC,
    WHOLE,
    World,
    assert_equal,
)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Two sources that both know two films."""
    made = World(tmp_path_factory.mktemp("built"), **LAYERS)
    for source in "ab":
        made.deliver(source, [RED, BLUE])
    made.update()
    return made


@pytest.fixture
def world(built, tmp_path):
    """A copy of what was built, to which more is delivered."""
    return built.copy(tmp_path / "home")


def test_the_same_input_again_writes_nothing(world):
    before = world.versions()
    commits = len(world.lake.catalog.history("dev", "film/match_scores"))
    figures = world.update()
    assert world.versions() == before
    assert len(world.lake.catalog.history("dev", "film/match_scores")) == commits
    assert figures["records_resolved"] == 0


def test_a_small_delivery_is_laid_over_what_is_there_and_only_where_it_touches(world):
    before = world.versions()
    world.deliver("c", [RED | {"name": "Red"}])
    figures = world.update()
    assert figures["records_resolved"] == 3
    layered = world.layered()
    assert {"film/records", "film/block_keys", "film/entity_members"} <= layered
    changed = {key for key, version in world.versions().items() if version != before[key]}
    pairs = {key for key in changed if key[0] == "film/blocked_pairs"}
    assert len(pairs) == 1
    assert ("film/cut_blocks", "all") not in changed


def test_a_change_that_matching_does_not_see_leaves_keys_and_pairs_alone(world):
    before = world.versions()
    world.deliver("a", [RED | {"runtime_minutes": 90.0}])
    world.update()
    changed = {table for (table, _), version in world.versions().items()
               if version != before[table, _]}  # fmt: skip
    assert changed == {"film/records", "film/resolved_entities"}


CHANGES = {
    "added": [{"source": "c", "films": [RED], "mode": "partial", "free": None}],
    "changed": [{"source": "a", "films": [RED | {"year": 2004}], "mode": "partial", "free": None}],
    "renamed": [{"source": "a", "films": [RED | {"name": "Red Moon"}], "mode": "partial",
                 "free": None}],
    "deleted": [{"source": "b", "films": [BLUE], "mode": "delete", "free": None}],
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_no_shard_looks_through_its_scores_for_those_of_a_small_delivery(world, change):
    again = world.copy(world.lake.settings.home.parent / "again", **WHOLE)
    for one in (world, again):
        one.deliver_all(CHANGES[change])
    again.update()
    told = [world.run(*step).get("scores_before") for step in world.steps()]
    assert set(told) - {None} == {"computed again"}
    assert_equal(world.content(), again.content())


@pytest.mark.parametrize("change", CHANGES)
def test_each_pair_of_a_small_delivery_has_a_score_and_no_other_has(world, change):
    world.deliver_all(CHANGES[change])
    (check,) = score_checks(world.spec)
    found = []
    for function, shard in world.steps():
        with world.lake.step(function.__name__, partition=shard, code_version="0") as step:
            function(step, world.spec)
            if function is run_match_scores:
                found.append(check.look(step))
    assert len(found) == len(SHARDS)
    assert all(one.passed for one in found)


def pairs_of(world):
    return {(row["record_l"], row["record_r"]) for row in world.content()["film/blocked_pairs"]}


def test_of_a_block_that_is_cut_otherwise_only_pairs_that_come_or_go_are_near(tmp_path):
    """Films of one year and word are paired with their neighbours, between whom one comes."""
    made = World(tmp_path / "home", **LAYERS)
    names = ["Ant Sun", "Bee Sun", "Cat Sun", "Dog Sun", "Elk Sun"]
    made.deliver("a", [{"id": name, "name": name, "year": 2000} for name in names])
    made.update()
    made.deliver("b", [{"id": "9", "name": "Bat Sun", "year": 2000}])
    again = made.copy(tmp_path / "again", code="another")
    before = pairs_of(made)
    for one in (made, again):
        one.update()
    assert_equal(made.content(), again.content())
    with made.lake.step("look") as step:
        rows = step.read(touched_pairs("film"), tracked=False).fetchall()
    was = {(left, right) for left, right, _, _, then, _ in rows if then}
    now = {(left, right) for left, right, _, _, _, then in rows if then}
    others = [row for row in rows if "b:9" not in row[:2]]
    assert others
    # A pair that a part of the block in another shard makes goes here and comes there.
    assert all(then != stays for *_, then, stays in others)
    assert now - was == pairs_of(made) - before
    assert was - now == before - pairs_of(made)


def test_a_shard_of_scores_that_missed_an_update_looks_through_them(world):
    world.deliver_all(CHANGES["changed"])
    world.update(but=3)
    world.deliver_all(CHANGES["added"])
    told = [world.run(*step).get("scores_before") for step in world.steps()]
    assert set(told) - {None} == {"computed again", "looked for among all"}


def test_a_new_judgement_resolves_only_the_components_that_it_touches(world):
    assert world.judge("a:1", "b:1", "different")
    figures = world.update()
    assert figures["records_resolved"] == 2
    members = world.members()
    assert members["a:1"] != members["b:1"]
    assert members["a:2"] == members["b:2"]
    assert world.judge("a:1", "b:1", "same")
    assert world.update()["records_resolved"] == 2
    assert world.members()["a:1"] == world.members()["b:1"]


def test_a_judgement_that_contradicts_others_is_refused_with_the_chain(world):
    assert world.judge("a:1", "b:1", "same")
    assert world.judge("b:1", "b:2", "same")
    world.update()
    said = judgement("film", "a:1", "b:2", "different", who="ann")
    chain = r"a:1 is the same as b:1 .*b:1 is the same as b:2"
    with pytest.raises(ContradictionError, match=chain):
        add(world.lake, PAIRS, [said])
    assert world.update()["records_resolved"] == 0


def test_a_deleted_record_takes_its_pairs_scores_and_entity_with_it(world):
    world.deliver("a", [BLUE], "delete")
    world.deliver("b", [BLUE], "delete")
    figures = world.update()
    assert figures["retired"] == 1
    assert set(world.members()) == {"a:1", "b:1"}
    content = world.content()
    for table in ("film/blocked_pairs", "film/match_scores"):
        assert [(row["record_l"], row["record_r"]) for row in content[table]] == [("a:1", "b:1")]


def test_what_was_kept_apart_is_joined_when_the_record_between_is_gone(tmp_path):
    """The component is closed over all of its edges, also those that its clusters cut."""
    worlds = [World(tmp_path / name, **options) for name, options in
              (("whole", WHOLE), ("layers", LAYERS))]  # fmt: skip
    for each in worlds:
        each.deliver("a", [RED | {"year": 2000}])
        each.deliver("b", [RED | {"year": None}])
        each.deliver("c", [RED | {"year": 2005}])
        each.update()
        assert len(set(each.members().values())) == 2
        each.deliver("a", [RED], "delete")
        each.update()
        assert len(set(each.members().values())) == 1
    assert_equal(worlds[1].content(), worlds[0].content())


def scores_inside(world):
    rows = world.content()["film/component_scores"]
    return {(row["record_l"], row["record_r"]) for row in rows}


def test_scores_between_components_are_looked_for_where_a_record_joins_them(tmp_path):
    """They say by how much the two halves are unlike, and were of no account before."""
    spec = replace(SPEC, block_cap=100)
    worlds = [World(tmp_path / name, spec, **options) for name, options in
              (("whole", WHOLE), ("layers", LAYERS))]  # fmt: skip
    between = {("a:1", "a:2"), ("a:1", "b:2"), ("a:2", "b:1"), ("b:1", "b:2")}
    for each in worlds:
        for source in "ab":
            each.deliver(source, [RED, RED | {"id": "2", "year": 2003}])
        each.update()
        assert scores_inside(each) == {("a:1", "b:1"), ("a:2", "b:2")}
        each.deliver("c", [RED | {"year": None}])
        figures = each.update()
        assert scores_inside(each) > between
    assert figures["records_of_joined_components"] == 4
    assert_equal(worlds[1].content(), worlds[0].content())


def test_where_no_components_are_joined_no_scores_are_looked_for(world):
    world.deliver("c", [RED, BLUE])
    figures = world.update()
    assert figures["records_resolved"] == 6
    assert figures["records_of_joined_components"] == 0


@pytest.mark.parametrize("verdict", ["unsure", "same"])
def test_an_edge_that_was_judged_apart_counts_again_when_the_judgement_changes(world, verdict):
    assert world.judge("a:1", "b:1", "different")
    world.update()
    assert scores_inside(world) == {("a:1", "b:1"), ("a:2", "b:2")}
    world.deliver("a", [RED | {"runtime_minutes": 90.0}])
    assert world.update()["records_resolved"] == 1
    assert scores_inside(world) == {("a:1", "b:1"), ("a:2", "b:2")}
    assert world.judge("a:1", "b:1", verdict)
    again = world.copy(world.lake.settings.home.parent / "again", code="another")
    again.update()
    world.update()
    assert world.members()["a:1"] == world.members()["b:1"]
    assert_equal(world.content(), again.content())


def test_a_doubtful_pair_names_the_entity_that_one_of_its_records_moved_to(world):
    """Its other record is in an entity of which nothing changed."""
    world.deliver("c", [RED | {"year": 2003}])
    world.update()
    (before, *_) = world.content()["film/doubtful_pairs"]
    assert world.judge("a:1", "b:1", "different")
    again = world.copy(world.lake.settings.home.parent / "again", code="another")
    again.update()
    assert world.update()["records_resolved"] == 2
    rows = world.content()["film/doubtful_pairs"]
    assert {row["entity_l"] for row in rows} > {before["entity_l"]}
    assert_equal(world.content(), again.content())


def test_an_older_delivery_that_comes_late_makes_the_records_again(world):
    world.delivered = 0
    world.deliver("a", [RED | {"name": "Blue"}])
    world.update()
    assert {row["name"] for row in world.content()["film/records"]} == {"Blue", "Red", "Blue Moon"}


@pytest.mark.parametrize("word", [True, False])
def test_a_source_that_changes_its_word_on_duplicates_gets_the_pairs_of_a_rebuild(tmp_path, word):
    films = [{"id": str(n), "name": "Red", "year": 2000, "end_year": None} for n in range(3)]
    found = []
    for name, options in (("updated", LAYERS), ("rebuilt", WHOLE)):
        world = World(tmp_path / name, **options)
        world.deliver("b", films)
        world.deliver("a", films, free=not word)
        world.update()
        world.deliver("a", films[:1], free=word)
        world.update()
        found.append(world.content())
    assert_equal(*found)
    assert found[1]["film/blocked_pairs"]


@pytest.mark.parametrize(
    "damaged", [*COMPARED[:8], component_scores("film")], ids=lambda table: table.name
)
def test_a_damaged_table_is_made_again_and_not_built_upon(world, damaged):
    expected = world.content()
    head = next(iter(world.lake.heads(damaged).values()))
    (world.lake.root / head.file.path).write_bytes(b"")
    world.lake = Lake(world.lake.settings)
    maker = {
        "records": run_records,
        "block_keys": run_block_keys,
        "cut_blocks": run_block_keys,
        "blocked_pairs": run_blocked_pairs,
        "match_scores": run_match_scores,
        "score_counts": run_match_scores,
        "record_counts": run_match_thresholds,
        "resolved_entities": run_resolved_entities,
        "component_scores": run_resolved_entities,
    }[damaged.name.split("/")[1]]
    world.run(maker, head.partition if head.partition in SHARDS else None)
    world.lake = Lake(world.lake.settings)
    assert_equal(world.content(), expected)


def test_quality_of_clusters_that_was_damaged_is_made_again_for_all_of_them(world):
    head = world.lake.heads(tables.cluster_quality("film"))["all"]
    (world.lake.root / head.file.path).write_bytes(b"")
    world.lake = Lake(world.lake.settings)
    world.deliver("c", [RED])
    assert world.update()["records_resolved"] == 3
    found = world.content()
    rows = found["film/cluster_quality"]
    assert sorted((row["records"], row["edges"]) for row in rows) == [(2, 1), (3, 3)]
    assert {row["entity_id"] for row in rows} == set(world.members().values())


def test_golden_records_follow_where_a_source_changes_the_order_of_its_deliveries(tmp_path):
    worlds = [World(tmp_path / name, **options) for name, options in
              (("whole", WHOLE), ("layers", LAYERS))]  # fmt: skip
    for each in worlds:
        each.deliver("a", [RED | {"end_year": 2001}])
        each.deliver("a", [RED | {"id": "9", "end_year": 2002}])
        each.deliver("b", [BLUE])
        each.update()
        assert {row["end_year"] for row in each.content()["film/resolved_entities"]} == {None, 2002}
        each.delivered = 0
        each.place = 7
        each.deliver("a", [RED | {"end_year": 2001}])
        assert each.update()["records_resolved"] == 0
        assert {row["end_year"] for row in each.content()["film/resolved_entities"]} == {None, 2001}
    assert_equal(worlds[1].content(), worlds[0].content())


def test_another_model_scores_everything_again(world):
    before = world.versions()
    world.spec = replace(SPEC, prior=0.3)
    world.update()
    assert world.versions()["film/match_scores", "00"] != before["film/match_scores", "00"] or (
        world.versions()["film/match_scores", "01"] != before["film/match_scores", "01"]
    )


def test_shards_score_by_the_frequencies_of_now_and_not_by_those_read_with_the_records(tmp_path):
    title, year = SPEC.comparisons
    same = replace(title.levels[0], term_frequency="title")
    spec = replace(
        SPEC,
        comparisons=(replace(title, levels=(same, *title.levels[1:])), year),
        term_frequencies=(TermFrequency("title", distinct="title", population=10),),
    )
    world = World(tmp_path / "home", spec=spec)
    for source in "ab":
        world.deliver(source, [RED, BLUE])
    world.update()
    before = weights(world)
    frequencies = tables.term_frequencies("film")
    with world.lake.step("run_match_model") as step:
        counted = step.previous(frequencies)
        step.write(frequencies, counted.project("* REPLACE (frequency / 4 AS frequency)"))
    for shard in SHARDS:
        world.run(run_match_scores, shard)
    # A title that is as rare as a quarter says two bits more.
    assert weights(world) == {pair: pytest.approx(weight + 2) for pair, weight in before.items()}


def weights(world):
    rows = world.content()["film/match_scores"]
    same = [row for row in rows if row["record_l"].split(":")[1] == row["record_r"].split(":")[1]]
    assert len(same) == 2
    return {(row["record_l"], row["record_r"]): row["match_weight"] for row in same}


@pytest.mark.parametrize("missed", [3, 6], ids=["a shard", "keys and all after"])
def test_a_step_that_missed_an_update_makes_everything_again_and_ends_the_same(world, missed):
    world.deliver("c", [RED, BLUE | {"name": "Blue"}])
    world.update(but=missed)
    world.deliver("c", [RED | {"id": "7", "year": 2001}])
    world.deliver("a", [BLUE], "delete")
    again = world.copy(world.lake.settings.home / "again", code="another")
    world.update()
    again.update()
    assert_equal(world.content(), again.content())
