"""Training: weights fall as declared, levels keep bounds, and what is missing is said."""

import datetime as dt
import json
import math
from dataclasses import replace

import pyarrow as pa
import pytest

from kg_assets.matching.checks import model_checks
from kg_assets.matching.model import BlockingRule, Comparison, Feature, Level, MatchSpec
from kg_assets.matching.models import MODELS
from kg_assets.matching.models.film import film_spec
from kg_assets.matching.settings import prior_settings
from kg_assets.matching.tables import match_model
from kg_assets.matching.weight_order import make_weights_fall, rises
from resources.lake import Lake
from resources.settings import Settings
from tests.matching.match_worlds import film, trained, world

TITLE = Comparison(
    name="title",
    missing="t_l IS NULL",
    levels=(
        Level("same", "t_l = t_r", 0.9, 0.01),
        Level("alike", "len(t_l) = len(t_r)", 0.08, 0.09),
        Level("differ", "ELSE", 0.02, 0.9),
    ),
)
SPEC = MatchSpec(
    entity_type="film",
    features=(Feature("t", "lower(name)", pa.string()),),
    blocking=(BlockingRule("same", "[t]", "[]"),),
    comparisons=(TITLE,),
)


def probabilities(*values):
    """Settings with these m and u."""
    settings = prior_settings(SPEC)
    levels = settings["comparisons"][0]["comparison_levels"][1:]
    for level, (m, u) in zip(levels, values, strict=True):
        level["m_probability"], level["u_probability"] = m, u
    return settings


def weights(settings):
    levels = settings["comparisons"][0]["comparison_levels"][1:]
    return [math.log2(level["m_probability"] / level["u_probability"]) for level in levels]


def test_a_level_that_would_rise_shares_the_weight_of_the_one_before():
    settings = probabilities((0.1, 0.2), (0.1, 0.7), (0.8, 0.1))
    assert len(rises(SPEC, settings)) == 1
    (note,) = make_weights_fall(SPEC, settings)
    assert rises(SPEC, settings) == []
    assert max(weights(settings)) == pytest.approx(min(weights(settings)), abs=1e-4)
    assert "same, alike, differ" in note


def test_pooled_probabilities_still_sum_to_one():
    settings = probabilities((0.5, 0.01), (0.1, 0.9), (0.4, 0.09))
    make_weights_fall(SPEC, settings)
    levels = settings["comparisons"][0]["comparison_levels"][1:]
    assert sum(level["m_probability"] for level in levels) == pytest.approx(1, abs=1e-5)
    assert weights(settings)[0] == pytest.approx(math.log2(50), abs=1e-4)
    assert weights(settings)[-1] < 0


def test_levels_that_are_declared_alike_may_change_places():
    # Same and alike are declared 6.6 bits apart; alike and differ as well. Bring two together.
    close = replace(
        TITLE, levels=(TITLE.levels[0], replace(TITLE.levels[1], m=0.9, u=0.02), TITLE.levels[2])
    )
    spec = replace(SPEC, comparisons=(close,))
    settings = probabilities((0.5, 0.09), (0.4, 0.01), (0.1, 0.9))
    assert make_weights_fall(spec, settings) == []
    assert rises(spec, settings) == []


def test_weights_that_fall_are_left_alone():
    settings = probabilities((0.9, 0.01), (0.08, 0.09), (0.02, 0.9))
    before = json.dumps(settings)
    assert make_weights_fall(SPEC, settings) == []
    assert json.dumps(settings) == before


def test_a_level_that_no_pair_reached_keeps_a_weight_within_bounds():
    spec = film_spec()
    rows = [
        film("ab"[n % 2], str(n), f"Film {n // 2} of many", 1950 + n % 60, [f"Person {n // 2}"])
        for n in range(500)
    ]
    row = trained(world(spec, rows), spec)
    assert row["untrained"]
    assert all(one.rpartition(": ")[2] in ("m", "u") for one in row["untrained"])
    pairs = 500 * 499 / 2
    for comparison, declared in zip(
        json.loads(row["settings"])["comparisons"], spec.comparisons, strict=True
    ):
        for level, one in zip(comparison["comparison_levels"][1:], declared.levels, strict=True):
            assert level["u_probability"] >= 0.9 * min(one.u, 0.5 / pairs)


def told_of(kind):
    """Three hundred things, each in two sources alike, of which sources tell all that is compared.

    Running time is told of none.
    """
    rows = []
    for n in range(300):
        for source in "ab":
            # A quarter of them is credited to other makers in each source.
            maker = f"Maker {source * 3 if n % 4 == 0 else 'Ann'}"
            people = [(maker, "author"), *((one, "actor") for one in ("Abel", "Otto", "Ines"))]
            rows.append(
                film(source, str(n), f"Title {n * 7919} of {n}", 1950 + n % 60)
                | {
                    "entity_type": kind,
                    "date": dt.date(1950 + n % 60, 1 + n % 12, 1 + n % 28),
                    "end_year": 1955 + n % 70,
                    "countries": [("FR", "US", "IN", "IT", "JP", "SE")[n % 6]],
                    "languages": [("fr", "en", "hi", "it", "ja", "sv")[n % 6]],
                    "genres": [("one", "two", "three")[n % 3]],
                    "parent_name": f"Parent {n % 40}",
                    "credits": [
                        {"name": f"{name} {n * 104_729}", "role": role, "position": place}
                        for place, (name, role) in enumerate(people)
                    ],
                }
            )
    return rows


def without_m(row, spec):
    """Comparisons of which training found the m of no level."""
    return {
        one.name
        for one in spec.comparisons
        if {f"{one.name}: {level.label}: m" for level in one.levels} <= set(row["untrained"])
    }


@pytest.mark.parametrize("kind", ["film", "series", "book", "organisation"])
def test_a_model_asks_for_no_training_that_its_rules_cannot_give(kind):
    spec = MODELS[kind]
    row = trained(world(spec, told_of(kind)), spec)
    assert row["trained"]
    assert without_m(row, spec) == ({"runtime"} if kind == "film" else set())


def test_a_comparison_that_training_saw_nothing_of_is_untrained_in_each_level(tmp_path):
    spec = film_spec()
    row = trained(world(spec, told_of("film")), spec)
    runtime = next(one for one in spec.comparisons if one.name == "runtime")
    missed = {f"runtime: {level.label}: {which}" for level in runtime.levels for which in "mu"}
    assert {one for one in row["untrained"] if one.startswith("runtime")} == missed
    found = verdict(tmp_path, spec, row, "levels_trained")
    assert not found.passed
    assert missed <= set(found.figures["never_seen"])


def verdict(tmp_path, spec, row, check):
    """What a check says of a model's row."""
    lake = Lake(Settings(home=tmp_path, namespace="dev"))
    table = match_model(spec.entity_type)
    (wanted,) = (one for one in model_checks(spec) if one.name == check)
    with lake.step(f"{spec.entity_type}/match_model") as step:
        step.write(table, pa.Table.from_pylist([row], schema=table.schema))
        return wanted.look(step)


def model_row(spec, settings=None, *, is_trained=True, untrained=()):
    return {
        "entity_type": spec.entity_type,
        "version": "0",
        "settings": json.dumps(settings or prior_settings(spec)),
        "threshold": 0.9,
        "trained": is_trained,
        "untrained": list(untrained),
        "notes": "",
    }


def test_a_level_that_training_never_saw_is_named(tmp_path):
    row = model_row(SPEC, untrained=["title: alike: m"])
    found = verdict(tmp_path, SPEC, row, "levels_trained")
    assert not found.passed
    assert found.figures["never_seen"] == ["title: alike: m"]


def test_a_model_that_is_declared_on_purpose_is_fine(tmp_path):
    spec = MODELS["person"]
    found = verdict(tmp_path, spec, model_row(spec, is_trained=False), "levels_trained")
    assert found.passed
    assert "on purpose" in found.figures["declared"]


def test_a_type_without_records_misses_no_training(tmp_path):
    found = verdict(tmp_path, SPEC, model_row(SPEC, is_trained=False), "levels_trained")
    assert (found.passed, found.figures["declared"]) == (True, "no records")


def test_a_rising_weight_fails(tmp_path):
    row = model_row(SPEC, probabilities((0.1, 0.2), (0.1, 0.7), (0.8, 0.1)))
    found = verdict(tmp_path, SPEC, row, "weights_fall")
    assert not found.passed
    assert "differ" in found.figures["rising"][0]


def same_director_films():
    """Each director makes two films a year with the same people: title and length tell them."""
    rows = []
    for n in range(300):
        for half in ("first", "second"):
            for source in "ab":
                one = film(
                    source,
                    f"{n} {half}",
                    f"The {half} {'of' if half == 'first' else 'against'} number {n * 7919}",
                    1950 + n % 60,
                    [f"Director {n * 104_729}"],
                    countries=[("FR", "US", "IN", "IT", "JP", "SE")[n % 6]],
                    languages=[("fr", "en", "hi", "it", "ja", "sv")[n % 6]],
                    runtime_minutes=80.0 + n % 9 + (0 if half == "first" else 12),
                )
                one["credits"] += [
                    one["credits"][0] | {"name": f"Star {n} {place}", "role": "actor"}
                    for place in range(4)
                ]
                rows.append(one)
    return rows


def test_two_films_of_one_director_and_year_do_not_teach_that_titles_may_differ():
    spec = film_spec()
    row = trained(world(spec, same_director_films()), spec)
    levels = {
        one["label_for_charts"]: one["m_probability"]
        for comparison in json.loads(row["settings"])["comparisons"]
        for one in comparison["comparison_levels"]
        if comparison["output_column_name"] == "title" and not one.get("is_null_level")
    }
    # A half of the pairs of one director and year are two films.
    assert levels["titles differ"] < 0.05


def test_training_twice_gives_the_same_model():
    spec = film_spec()
    models = [trained(world(spec, same_director_films()), spec) for _ in range(2)]
    assert models[0] == models[1]


def test_a_name_is_counted_once_for_each_work_however_many_records_and_credits_name_it():
    spec = film_spec()
    credits = [("Ann", "actor"), ("Ann", "writer"), ("Bob", "actor")]
    films = [
        film(source, f"{title} {source}", title, 2000, ["Di Rector"])
        for source, title in (("a", "First"), ("b", "First"), ("c", "First"), ("a", "Second"))
    ]
    for one in films:
        one["credits"] += [
            one["credits"][0] | {"name": name, "role": role}
            for name, role in credits
            if name == "Ann" or one["name"] == "First"
        ]
    con = world(spec, films)
    trained(con, spec)
    found = con.sql(
        """
        SELECT value = (SELECT min(one - one % 16) FROM (
                   SELECT unnest(crew) AS one FROM record WHERE title = 'second'))::VARCHAR,
               frequency
        FROM counted_term
        WHERE column_name = 'crew' AND value <> ''
        """
    ).fetchall()
    # Ann stands in both films; Bob in one, like a name that was never seen, and has no row.
    assert found == [(True, 1.0)]
