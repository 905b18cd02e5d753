"""A scorer in the shadow through the steps: it is compared, and harms nothing that counts."""

import json
from dataclasses import replace

import pyarrow as pa
import pytest

from kg_assets.matching.model import Comparison, Level
from kg_assets.matching.scorers.classifier import UntrainedClassifierError
from kg_assets.matching.scoring import run_match_scores
from kg_assets.matching.tables import (
    match_model,
    match_scores,
    match_thresholds,
    scorer_comparison,
)
from kg_assets.matching.training import run_match_model
from tests.matching.update_worlds import BLUE, RED, SPEC, World

ONE_SHARD = replace(SPEC, shards=1, block_cap=500)
SHADOWED = replace(ONE_SHARD, shadow="classifier")


def retrain(world):
    with world.lake.step("run_match_model", options={"retrain": True}) as step:
        run_match_model(step, world.spec)
    (row,) = rows(world, match_model("film"))
    return row


def rows(world, table):
    with world.lake.step("look") as step:
        return step.read(table, tracked=False).to_arrow_table().to_pylist()


def scored(world, spec):
    """Score with another configuration, as after a change of a setting; the step's figures."""
    world.spec, world.code = spec, f"{spec.scorer}-{spec.shadow}"
    return world.run(run_match_scores)


def judged(tmp_path, spec, pairs=60):
    """Films of two sources, of which people say that those of another year are others."""
    world = World(tmp_path, spec)
    films = [{"id": str(n), "name": f"Film{n} x", "year": 1950 + n} for n in range(pairs)]
    world.deliver("a", films)
    world.deliver("b", [one | {"year": one["year"] + int(one["id"]) % 2} for one in films])
    world.judge_all([(f"a:{n}", f"b:{n}", "different" if n % 2 else "same") for n in range(pairs)])
    return world


def test_a_shadow_that_nothing_taught_compares_nothing_and_says_why(tmp_path):
    world = World(tmp_path, ONE_SHARD)
    world.deliver("a", [RED, BLUE])
    world.deliver("b", [RED, BLUE])
    world.update()
    before = rows(world, match_scores("film"))
    said = scored(world, SHADOWED)["shadow_silent"]
    assert "film" in said
    assert "nothing is compared" in said
    assert "KG_SHADOW_SCORERS" in said
    assert "kg build --retrain --types film" in said
    assert rows(world, scorer_comparison("film")) == []
    assert rows(world, match_scores("film")) == before


def test_training_goes_on_where_there_is_nothing_to_teach_a_shadow(tmp_path):
    world = World(tmp_path, SHADOWED)
    world.deliver("a", [RED, BLUE])
    world.update()
    (row,) = rows(world, match_model("film"))
    assert "the classifier of film needs 20 judgements of each verdict" in row["notes"]
    assert "KG_SHADOW_SCORERS" in row["notes"]
    assert "classifier" not in json.loads(row["settings"])
    assert world.update()["entities"] == 2


def test_a_taught_shadow_is_compared_and_the_model_counts_as_trained_no_more_than_before(tmp_path):
    world = judged(tmp_path, SHADOWED)
    world.update()
    row = retrain(world)
    assert "classifier" in json.loads(row["settings"])
    assert "30 pairs judged same" in row["notes"]
    # Thresholds of a declared model must not fall; see `choose`.
    assert row["trained"] is False
    figures = scored(world, SHADOWED)
    assert (figures["scorer"], figures["shadow"]) == ("compiled", "classifier")
    found = {one["figure"] for one in rows(world, scorer_comparison("film"))}
    assert "share decided alike" in found


def test_a_shadow_is_compared_by_the_frozen_thresholds_of_the_two_sources(tmp_path):
    spec = replace(ONE_SHARD, shadow="splink")
    world = judged(tmp_path, spec, pairs=20)
    world.update(but=2)
    declared = scored(world, spec)["shadow_counts"]
    assert declared["frozen"] == 0
    assert declared["above"] == declared["shadow_above"] > 0
    chosen = match_thresholds("film")
    row = {
        "source_l": "a", "source_r": "b", "threshold": 0.999999, "method": "calibrated",
        "measured": 0.999999, "measured_method": "calibrated", "model_version": "0",
    }  # fmt: skip
    with world.lake.step("run_match_thresholds") as step:
        step.write(chosen, pa.Table.from_pylist([row], schema=chosen.schema))
    frozen = scored(world, spec)["shadow_counts"]
    assert frozen["frozen"] > 0
    assert frozen["above"] == frozen["shadow_above"] < declared["above"]
    assert (frozen["pairs"], frozen["alike"]) == (declared["pairs"], declared["pairs"])


def test_the_pinned_classifier_scores_by_what_it_learnt(tmp_path):
    world = judged(tmp_path, replace(ONE_SHARD, scorer="classifier"))
    for step, partition in world.steps()[:4]:
        figures = world.run(step, partition)
    figures = world.run(run_match_scores)
    assert figures["scorer"] == "classifier"
    found = {
        int(one["record_l"].partition(":")[2]): one["match_probability"]
        for one in rows(world, match_scores("film"))
        if one["record_l"].partition(":")[2] == one["record_r"].partition(":")[2]
    }
    assert max(found[n] for n in range(1, 60, 2)) < min(found[n] for n in range(0, 60, 2))


def test_a_pinned_classifier_without_judgements_is_refused_by_its_own_setting(tmp_path):
    world = World(tmp_path, replace(ONE_SHARD, scorer="classifier"))
    world.deliver("a", [RED, BLUE])
    with pytest.raises(UntrainedClassifierError, match=r"needs 20 judgements.*\(KG_SCORERS\)"):
        world.update()


def test_a_shadow_that_cannot_be_compiled_stops_nothing(tmp_path):
    odd = Comparison(
        "odd",
        "year_of_l IS NULL OR year_of_r IS NULL",
        (
            Level("sum", "0.1 * (year_of_l + year_of_r) >= year_of_l", 0.2, 0.1),
            Level("other", "ELSE", 0.8, 0.9),
        ),
        train="",
    )
    spec = replace(ONE_SHARD, comparisons=(*SPEC.comparisons, odd), scorer="splink")
    world = World(tmp_path, replace(spec, shadow="compiled"))
    world.deliver("a", [RED, BLUE])
    world.deliver("b", [RED, BLUE])
    assert world.update()["entities"] == 2
    said = scored(world, replace(spec, shadow="compiled"))["shadow_silent"]
    assert "KG_SHADOW_SCORERS" in said
    assert "nothing is compared" in said
