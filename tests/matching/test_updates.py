"""An update ends in what making everything again would give: records, pairs, scores, ids."""

import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kg_assets.matching import tables
from kg_assets.matching.affected import applied_judgements
from kg_assets.matching.block_keys import run_block_keys
from kg_assets.matching.blocking import run_blocked_pairs
from kg_assets.matching.entities import run_resolved_entities
from kg_assets.matching.judgement_log import add
from kg_assets.matching.judgement_values import ContradictionError, judgement
from kg_assets.matching.model import BlockingRule, Comparison, Feature, Level, MatchSpec, Veto
from kg_assets.matching.records import records, run_records
from kg_assets.matching.scoring import run_match_scores
from kg_assets.matching.training import run_match_model
from kg_assets.sources.tables import DELIVERIES, SOURCE_RECORDS
from resources.lake import Lake
from resources.settings import Settings
from tests.matching.match_worlds import film, table_of

SPEC = MatchSpec(
    entity_type="film",
    features=(
        Feature("title", "lower(name)", pa.string()),
        Feature("words", "string_split(lower(name), ' ')", pa.list_(pa.string())),
        Feature("year_of", "year", pa.int32()),
    ),
    blocking=(
        BlockingRule("title", "[title]", "[year_of::VARCHAR]"),
        BlockingRule("word", "words", "[title]", across_sources=True),
        BlockingRule("year", "[year_of::VARCHAR]", "words"),
    ),
    comparisons=(
        Comparison(
            "title",
            "title_l IS NULL OR title_r IS NULL",
            (
                Level("same", "title_l = title_r", 0.8, 0.05),
                Level("a word", "list_has_any(words_l, words_r)", 0.15, 0.2),
                Level("other", "ELSE", 0.05, 0.75),
            ),
            train="",
        ),
        Comparison(
            "year",
            "year_of_l IS NULL OR year_of_r IS NULL",
            (
                Level("same", "year_of_l = year_of_r", 0.8, 0.1),
                Level("near", "abs(year_of_l - year_of_r) <= 1", 0.15, 0.2),
                Level("far", "ELSE", 0.05, 0.7),
            ),
            train="",
        ),
    ),
    vetoes=(Veto("years", "abs(l.year_of - r.year_of) > 3", "The years are too far apart."),),
    prior=0.2,
    threshold=0.5,
    shards=2,
    block_cap=3,
)
SHARDS = ("00", "01")
COMPARED = (
    records(SPEC),
    *(
        make("film")
        for make in (
            tables.block_keys,
            tables.cut_blocks,
            tables.blocked_pairs,
            tables.match_scores,
            tables.resolved_entities,
            tables.entity_members,
            tables.identity_events,
            tables.doubtful_pairs,
            tables.cluster_quality,
            tables.review_queue,
            applied_judgements,
        )
    ),
)

FILMS = st.fixed_dictionaries(
    {
        "id": st.integers(0, 7).map(str),
        "name": st.sampled_from(["Red", "Blue", "Red Blue", "Blue Moon", "Moon"]),
        "year": st.sampled_from([None, 2000, 2001, 2002, 2005]),
        "end_year": st.sampled_from([None, 2010, 2011]),
    }
)
DELIVERY = st.fixed_dictionaries(
    {
        "source": st.sampled_from(["a", "b", "c"]),
        "mode": st.sampled_from(["partial", "partial", "partial", "delete", "full"]),
        "free": st.sampled_from([None, None, True]),
        "films": st.lists(FILMS, min_size=1, max_size=6, unique_by=lambda one: one["id"]),
    }
)
RECORD = st.tuples(st.sampled_from("abc"), st.integers(0, 7)).map(lambda one: f"{one[0]}:{one[1]}")
JUDGED = st.tuples(RECORD, RECORD, st.sampled_from(["same", "different", "unsure"])).filter(
    lambda one: one[0] != one[1]
)
HISTORY = st.lists(st.lists(DELIVERY, min_size=1, max_size=2), min_size=2, max_size=3)


WHOLE = {"layer_share": 1e-9}
"""Settings with which every change makes everything again."""

LAYERS = {"layer_share": 1e9, "layers": 64}
"""Settings with which layers hold whatever changes."""


def assert_equal(found, expected):
    for name, rows in expected.items():
        assert found[name] == rows, name


class World:
    """A lake to which deliveries come and which is brought up to date after them."""

    def __init__(self, home, spec=SPEC, **options):
        self.lake = Lake(Settings(home=Path(home), threads=1, **options))
        self.spec = spec
        self.delivered = 0
        self.place = None

    def deliver(self, source, films, mode="partial", free=None):
        self.delivered += 1
        name = f"d{self.delivered:03}"
        rows = [
            film(source, one["id"], one["name"])
            | {key: value for key, value in one.items() if key != "id"}
            for one in films
        ]
        with self.lake.step("source_records", partition=f"{source}|{name}") as step:
            table = table_of(sorted(rows, key=lambda row: row["source_id"]))
            step.write(SOURCE_RECORDS, table)
            row = {
                "source": source,
                "delivery": name,
                "sequence": self.place or self.delivered,
                "mode": mode,
                "duplicate_free": free,
                "files": 1,
                "blobs": len(rows),
                "bytes": 0,
                "fingerprint": name,
            }
            step.write(DELIVERIES, pa.Table.from_pylist([row], schema=DELIVERIES.schema))

    def judge(self, left, right, verdict):
        """Add a judgement, and say whether it could be."""
        try:
            add(self.lake, [judgement("film", left, right, verdict, who="ann")])
        except ContradictionError:
            return False
        return True

    def update(self, shards=SHARDS):
        self.run(run_records)
        self.run(run_match_model)
        self.run(run_block_keys)
        for shard in shards:
            self.run(run_blocked_pairs, shard)
            self.run(run_match_scores, shard)
        return self.run(run_resolved_entities)

    def run(self, function, partition=None):
        with self.lake.step(function.__name__, partition=partition) as step:
            function(step, self.spec)
            return dict(step.figures)

    def content(self):
        found = {}
        with self.lake.step("look") as step:
            for table in COMPARED:
                keys = ", ".join(table.key)
                rows = step.read(table, tracked=False).order(keys).to_arrow_table()
                found[table.name] = rows.select(table.schema.names).to_pylist()
        return found

    def members(self):
        rows = self.content()["film/entity_members"]
        return {f"{row['source']}:{row['source_id']}": row["entity_id"] for row in rows}

    def versions(self):
        return {
            (table.name, partition): head.file.version
            for table in COMPARED
            for partition, head in self.lake.heads(table).items()
        }

    def layered(self):
        return {
            table.name
            for table in COMPARED
            for head in self.lake.heads(table).values()
            if head.below
        }


FEW = settings(
    max_examples=2,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@FEW
@given(HISTORY, st.sampled_from([0, 1, 64]))
def test_an_update_ends_in_what_making_everything_again_gives(history, kept):
    with tempfile.TemporaryDirectory() as home:
        again = World(Path(home) / "whole", **WHOLE)
        updated = World(Path(home) / "layers", **(LAYERS | {"layers": kept}))
        for round_of_deliveries in history:
            for world in (again, updated):
                for one in round_of_deliveries:
                    world.deliver(one["source"], one["films"], one["mode"], one["free"])
                world.update()
            assert_equal(updated.content(), again.content())


@FEW
@given(HISTORY, st.lists(st.lists(JUDGED, max_size=3), min_size=3, max_size=3))
def test_an_update_with_judgements_ends_in_what_making_everything_again_gives(history, judged):
    with tempfile.TemporaryDirectory() as home:
        again = World(Path(home) / "whole", **WHOLE)
        updated = World(Path(home) / "layers", **LAYERS)
        for place, said in enumerate(judged):
            for one in history[place] if place < len(history) else []:
                for world in (again, updated):
                    world.deliver(one["source"], one["films"], one["mode"], one["free"])
            for one in said:
                assert again.judge(*one) == updated.judge(*one)
            again.update()
            updated.update()
            assert_equal(updated.content(), again.content())


@FEW
@given(st.lists(DELIVERY, min_size=1, max_size=3), st.randoms(use_true_random=False))
def test_the_order_of_records_and_shards_changes_nothing(deliveries, random):
    with tempfile.TemporaryDirectory() as home:
        worlds = [World(Path(home) / name, **LAYERS) for name in ("one", "other")]
        for one in deliveries:
            worlds[0].deliver(one["source"], one["films"], one["mode"], one["free"])
            shuffled = random.sample(one["films"], len(one["films"]))
            worlds[1].deliver(one["source"], shuffled, one["mode"], one["free"])
        worlds[0].update()
        worlds[1].update(shards=SHARDS[::-1])
        assert_equal(worlds[1].content(), worlds[0].content())


RED = {"id": "1", "name": "Red", "year": 2000}
BLUE = {"id": "2", "name": "Blue Moon", "year": 2005}


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
    shutil.copytree(built.lake.settings.home, tmp_path / "home")
    made = World(tmp_path / "home", **LAYERS)
    made.delivered = built.delivered
    return made


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
        add(world.lake, [said])
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


@pytest.mark.parametrize("damaged", COMPARED[:6], ids=lambda table: table.name)
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
        "resolved_entities": run_resolved_entities,
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


KILLED = """
import os, signal, sys
from tests.matching.test_updates import LAYERS, World

left = int(sys.argv[2])

def hook(event, arguments):
    global left
    if event == "open" and arguments[1] == "x":
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(hook)
World(sys.argv[1], **LAYERS).update()
"""


def test_updates_that_are_killed_between_writes_lose_no_event(world, tmp_path):
    world.deliver("b", [BLUE, RED | {"name": "Blue"}])
    world.deliver("c", [RED])
    shutil.copytree(world.lake.settings.home, tmp_path / "undisturbed")
    undisturbed = World(tmp_path / "undisturbed", **LAYERS)
    undisturbed.update()
    # Of the update's writes the second, then one further on, then one among the entities.
    for write in (2, 4, 3):
        command = [sys.executable, "-c", KILLED, str(world.lake.settings.home), str(write)]
        killed = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
    world.update()
    assert_equal(world.content(), undisturbed.content())
