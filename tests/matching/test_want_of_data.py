"""What was declared for want of data is made again once there is enough, and then stays."""

from dataclasses import replace

import pytest

from kg_assets.matching import tables
from kg_assets.matching.block_keys import run_block_keys
from kg_assets.matching.blocking import run_blocked_pairs
from kg_assets.matching.checks import model_checks
from kg_assets.matching.drift import drift_check
from kg_assets.matching.entities import run_resolved_entities
from kg_assets.matching.frozen import run_match_thresholds
from kg_assets.matching.model import TermFrequency
from kg_assets.matching.models import MODELS
from kg_assets.matching.records import records, run_records
from kg_assets.matching.scoring import run_match_scores
from kg_assets.matching.training import run_match_model
from tests.matching.update_worlds import LAYERS, SPEC, World

FILM = replace(MODELS["film"], shards=1)


def films(end, *, later=0):
    return [
        {
            "id": str(n),
            "name": f"Title {n * 7919} of {n // 3}",
            "year": 1950 + n % 60 + (later if n % 5 == 0 else 0),
            "runtime_minutes": 80.0 + n % 40,
            "countries": ["US"],
            "languages": ["en"],
            "credits": [
                {
                    "name": f"Person {n % 200}",
                    "person_id": None,
                    "role": "director",
                    "character": None,
                    "position": 1,
                }
            ],
        }
        for n in range(end)
    ]


class Chain:
    """The steps of films up to their thresholds and entities, over deliveries of two sources."""

    def __init__(self, home):
        self.world = World(home, FILM)
        self.model = {}

    def deliver(self, count):
        self.world.deliver("a", films(count))
        self.world.deliver("b", films(count, later=1))

    def update(self):
        """Bring all up to date; figures of the model, and what the checks say, by name."""
        world, said = self.world, {}
        world.run(run_records)
        with world.lake.step("run_match_model") as step:
            run_match_model(step, FILM)
            self.figures = dict(step.figures)
            said |= {one.name: one.look(step) for one in model_checks(FILM)}
        for one in (run_block_keys, run_blocked_pairs, run_match_scores):
            world.run(one)
        with world.lake.step("run_match_thresholds") as step:
            run_match_thresholds(step, FILM)
            said["drift"] = drift_check(FILM).look(step)
        world.run(run_resolved_entities)
        return said

    def row(self):
        ((row,)) = self.rows(tables.match_model("film"))
        return row

    def rows(self, table):
        with self.world.lake.step("look") as step:
            return step.read(table, tracked=False).to_arrow_table().to_pylist()

    def methods(self):
        return {
            row["source_l"] + row["source_r"]: row["method"]
            for row in self.rows(tables.match_thresholds("film"))
        }

    def reads_records(self):
        """Whether a change of the records makes the model stale."""
        (head,) = self.world.lake.heads(tables.match_model("film")).values()
        return records(FILM).name in {one.table for one in head.inputs}


@pytest.fixture
def chain(tmp_path):
    return Chain(tmp_path)


def test_a_model_of_a_handful_of_records_is_trained_by_itself_once_there_are_enough(chain):
    chain.deliver(8)
    said = chain.update()
    assert not chain.row()["trained"]
    assert not said["levels_trained"].passed
    assert "trained by itself once one finds 400" in said["levels_trained"].figures["lacking"]
    assert not said["drift"].passed
    assert "say nothing" in said["drift"].figures["too_few"]
    assert set(chain.methods().values()) == {"declared"}
    assert chain.reads_records()
    before = chain.world.members()
    chain.deliver(500)
    said = chain.update()
    assert chain.row()["trained"]
    assert chain.figures["made_again"].startswith("there are 1,000 records, and it was made of 16")
    assert chain.methods()["ab"] != "declared"
    assert "too_few" not in said["drift"].figures
    assert said["drift"].figures["compared"] > 0
    after = chain.world.members()
    assert {record: after[record] for record in before} == before
    # From now on it is frozen as any other.
    assert not chain.reads_records()
    trained, profile = chain.row(), chain.rows(tables.score_profile("film"))
    chain.deliver(520)
    chain.update()
    assert (chain.figures["kept"], chain.row()) == (True, trained)
    assert chain.rows(tables.score_profile("film")) == profile


def test_a_little_more_than_too_little_makes_nothing_again(chain):
    chain.deliver(8)
    chain.update()
    first = chain.row()
    chain.deliver(30)
    chain.update()
    assert chain.row() == first
    assert chain.reads_records()


def test_terms_of_a_handful_of_records_are_counted_again_once_there_are_enough(tmp_path):
    spec = replace(SPEC, term_frequencies=(TermFrequency("title", "title", population=10),))
    world = World(tmp_path, spec)

    def model(count):
        world.deliver("a", [{"id": str(n), "name": f"Film {n}"} for n in range(count)])
        world.run(run_records)
        kept = world.run(run_match_model).get("kept")
        with world.lake.step("look") as step:
            ((version, trained),) = (
                step.read(tables.match_model("film"), tracked=False)
                .project("version, trained")
                .fetchall()
            )
        return kept, version, trained

    first = model(0)
    assert model(300) == (True, *first[1:])
    again = model(400)
    assert again[0] is False
    # All is declared, as before, but thresholds were found with other frequencies.
    assert again[1] != first[1]
    assert again[2] is False
    assert model(900) == (True, *again[1:])


def test_a_threshold_is_measured_where_the_pairs_of_its_sources_came_by_and_by(tmp_path):
    world = World(tmp_path, replace(SPEC, shards=1, block_cap=500), **LAYERS)

    def measured(source, numbers):
        each = [{"id": str(n), "name": f"Film{n}", "year": 1000 + 10 * n} for n in numbers]
        world.deliver(source, each, free=True)
        world.update(but=2)
        figures = world.run(run_match_thresholds)
        world.run(run_resolved_entities)
        return figures["methods"].get("a|b"), figures["measured_after_all"]

    measured("a", range(200))
    assert measured("b", range(20)) == ("declared", [])
    assert measured("c", range(2)) == ("declared", [])
    assert measured("b", range(20, 90)) == ("declared", [])
    method, now = measured("b", range(90, 110))
    assert method != "declared"
    assert now == ["a|b"]
    assert measured("b", range(110, 120)) == (method, [])
