"""What is frozen with a model: thresholds, the profile that drift is measured by, the report."""

import json
import re
from dataclasses import replace

import pyarrow as pa
import pytest

from kg_assets.matching import tables
from kg_assets.matching.drift import compare_profiles, counted_scores, drift_check
from kg_assets.matching.entities import run_resolved_entities
from kg_assets.matching.frozen import (
    ThresholdsError,
    check_configured,
    configured_for,
    run_match_thresholds,
)
from kg_assets.matching.model import BlockingRule, Comparison, Level, MatchSpec
from kg_assets.matching.records import records
from kg_assets.matching.reporting.step import run_match_report
from kg_assets.matching.reporting.tables import match_report
from kg_assets.matching.settings import prior_settings
from resources.lake import Lake
from resources.settings import Settings

SPEC = MatchSpec(
    entity_type="film",
    features=(),
    blocking=(BlockingRule("same name", "[name]", "[name]"),),
    comparisons=(
        Comparison(
            "name", "FALSE", (Level("same", "TRUE", 0.9, 0.01), Level("differ", "ELSE", 0.1, 0.99))
        ),
    ),
    threshold=0.5,
)


@pytest.fixture
def lake(tmp_path):
    return Lake(Settings(home=tmp_path, threads=1))


def land(lake, pairs, *, version=f"{SPEC.version}-2-0", level=1, **settings):
    """Scores of pairs (left, right, weight), the records that they name, and a model."""
    ids = sorted({end for pair in pairs for end in pair[:2]})
    rows = [
        {
            "entity_type": "film",
            "source": one.split(":")[0],
            "source_id": one.split(":")[1],
            "record_id": one,
            "delivery": "1",
            "duplicate_free": True,
            "name": "Mother",
        }
        for one in ids
    ]
    scores = [
        {
            "record_l": left,
            "record_r": right,
            "rule": "same name",
            "match_weight": float(weight),
            "match_probability": 1 / (1 + 2.0**-weight),
            "levels": [level],
        }
        for left, right, weight in sorted(pairs)
    ]
    model = {
        "entity_type": "film",
        "version": version,
        "settings": json.dumps(prior_settings(SPEC) | settings),
        "threshold": 0.5,
        "trained": True,
        "untrained": [],
        "notes": "",
    }
    for table, values in (
        (records(SPEC), rows),
        (tables.match_scores("film"), scores),
        (tables.match_model("film"), [model]),
        (
            tables.blocked_pairs("film"),
            [{name: score[name] for name in ("record_l", "record_r", "rule")} for score in scores],
        ),
    ):
        with lake.step(table.name) as step:
            step.write(table, pa.Table.from_pylist(values, schema=table.schema))
    with lake.step("counts") as step:
        step.view("score", tables.match_scores("film"))
        step.write(tables.score_counts("film"), step.con.sql(counted_scores("score")))


def world(*sources, spurious=80, shift=0.0):
    """Matches at 12 bits, sure non-matches, and false pairs at 5 bits, between two sources."""
    left, right = sources
    pairs = [(f"{left}:{n}", f"{right}:{n}", 12 + shift) for n in range(200)]
    pairs += [(f"{left}:{n}", f"{right}:{(n + 1) % 200}", -20 + shift) for n in range(200)]
    return pairs + [(f"{left}:{n}", f"{right}:{(n + 7) % 200}", 5 + shift) for n in range(spurious)]


def freeze(lake, configured=None, **options):
    """Run the step; thresholds and methods by pair of sources, and what the drift check says."""
    with lake.step("film/match_thresholds", options=options) as step:
        run_match_thresholds(step, SPEC, configured)
        verdict = drift_check(SPEC).look(step)
        rows = step.staged(tables.match_thresholds("film")).to_arrow_table().to_pylist()
    chosen = {row["source_l"] + row["source_r"]: (row["threshold"], row["method"]) for row in rows}
    return chosen, verdict


def test_thresholds_stay_when_new_scores_would_give_others(lake):
    land(lake, world("a", "b"))
    first, _ = freeze(lake)
    assert first["ab"][1] == "one_to_one"
    land(lake, world("a", "b", spurious=0))
    assert freeze(lake)[0] == first
    again, _ = freeze(lake, retrain=True)
    assert again["ab"][0] < first["ab"][0]


def test_a_new_version_of_the_model_has_new_thresholds(lake):
    land(lake, world("a", "b"))
    first, _ = freeze(lake)
    land(lake, world("a", "b", spurious=0), version=f"{SPEC.version}-2-1")
    assert freeze(lake)[0]["ab"][0] < first["ab"][0]


def test_what_was_declared_of_few_pairs_is_measured_once_there_are_enough_and_then_stays(lake):
    land(lake, world("a", "b")[:8])
    first, verdict = freeze(lake)
    assert first["ab"] == (0.5, "declared")
    assert not verdict.passed
    assert verdict.figures["too_few"].startswith("of 8 pairs levels and weights say nothing")
    # More than the 50 that a threshold needs, and not twice as many.
    land(lake, world("a", "b")[:80])
    assert freeze(lake)[0] == first
    land(lake, world("a", "b"))
    later, verdict = freeze(lake)
    assert later["ab"][1] == "one_to_one"
    assert (verdict.passed, verdict.figures["compared"]) == (True, 2)
    land(lake, world("a", "b", spurious=0))
    assert freeze(lake)[0] == later


def test_a_pair_of_sources_that_appears_later_is_added(lake):
    land(lake, world("a", "b"))
    first, _ = freeze(lake)
    land(lake, world("a", "b", spurious=0) + world("a", "c", shift=-3.0))
    later, _ = freeze(lake)
    assert later["ab"] == first["ab"]
    assert later["ac"][1] == "one_to_one"
    assert later["bc"] == (0.5, "declared")


def test_what_is_configured_outranks_and_can_be_taken_back(lake):
    land(lake, world("a", "b") + world("a", "c"))
    first, _ = freeze(lake)
    configured = configured_for({"film": 0.7, "film|a|b": 0.6, "person": 0.1}, "film")
    found, _ = freeze(lake, configured)
    assert found["ab"] == (0.6, "configured")
    assert found["ac"] == (0.7, "configured")
    assert freeze(lake)[0] == first


def test_an_unknown_entity_type_is_refused():
    with pytest.raises(ThresholdsError, match="'flim' names no entity type; there are film, book"):
        check_configured(["flim", "film|a|b"], ("film", "book"))


def test_no_records_have_no_thresholds(lake):
    land(lake, [])
    chosen, verdict = freeze(lake)
    assert chosen == {}
    assert verdict.passed


def test_clusters_are_made_with_the_threshold_of_the_pair_of_sources(lake):
    land(lake, [("a:1", "b:1", 3.0), ("a:2", "c:2", 3.0)])
    freeze(lake, {"a|b": 0.99})
    with lake.step("film/resolved_entities") as step:
        run_resolved_entities(step, SPEC)
        members = step.staged(tables.entity_members("film")).to_arrow_table().to_pylist()
    entity = {f"{row['source']}:{row['source_id']}": row["entity_id"] for row in members}
    assert entity["a:1"] != entity["b:1"]
    assert entity["a:2"] == entity["c:2"]


def test_scores_that_stay_alike_do_not_drift(lake):
    land(lake, world("a", "b"))
    freeze(lake)
    land(lake, world("a", "b") + world("c", "d"))
    verdict = freeze(lake)[1]
    assert verdict.passed
    assert verdict.figures["compared"] == 2


def test_drift_names_what_moved_most(lake):
    land(lake, world("a", "b"))
    freeze(lake)
    land(lake, world("a", "b", spurious=0), level=0)
    verdict = freeze(lake)[1]
    assert not verdict.passed
    assert verdict.figures["moved_most"].startswith("level name: ")
    assert "--retrain" in verdict.figures["advice"]


@pytest.mark.parametrize(
    ("now", "out_of_date"),
    [
        ({"a": 5_000, "b": 5_000}, False),
        ({"a": 5_500, "b": 4_500}, False),
        ({"a": 9_000, "b": 1_000}, True),
        ({"a": 10_000}, True),
    ],
)
def test_shares_that_moved_far_are_out_of_date(now, out_of_date):
    item = ("level", "name")
    (found,) = compare_profiles({item: {"a": 5_000, "b": 5_000}}, {item: now})
    assert found.out_of_date is out_of_date
    assert found.index >= 0


def test_few_pairs_say_nothing_of_drift():
    item = ("level", "name")
    assert compare_profiles({item: {"a": 100, "b": 99}}, {item: {"a": 199}}) == []


def test_a_term_that_was_not_frequent_counts_with_all_others():
    item = ("term", "title")
    then = {item: {"mother": 500, "": 9_500}}
    (found,) = compare_profiles(then, {item: {"mother": 500, "father": 400, "": 9_100}})
    assert found.index == pytest.approx(0.0, abs=1e-9)


TITLES = (
    "Match weights, and the shares that they come from",
    "Match weights of candidate pairs, with the threshold of each pair of sources",
    "Unlinkable records: 400 of 400 (100.0%)",
    "Blocking: candidate pairs by rule, and the largest blocks",
    "Cluster sizes: entities by number of records",
    "Cluster quality: size and density, and the clusters most in doubt",
)


def charts(lake):
    """The charts of the page by their titles."""
    page = (lake.settings.reports / "film" / "report.html").read_text()
    (drawn,) = re.findall(r"^const charts = (.*);$", page, re.MULTILINE)
    return {chart["title"]["text"]: chart for chart in json.loads(drawn)}


def report(lake, spec=SPEC):
    with lake.step("film/match_report") as step:
        run_match_report(step, spec)
        files = step.staged(match_report("film")).to_arrow_table().to_pylist()
        return files, dict(step.figures)


def test_a_report_is_a_page_without_network_and_a_picture(lake):
    land(lake, world("a", "b"))
    freeze(lake)
    files, figures = report(lake)
    assert [row["file"] for row in files] == ["film/report.html", "film/report.png"]
    folder = lake.settings.reports / "film"
    page = (folder / "report.html").read_text()
    assert "one_to_one" in page
    assert "<script src" not in page
    assert str(lake.settings.home) not in page
    assert (folder / "report.png").read_bytes().startswith(b"\x89PNG")
    assert figures["report"].startswith("![")
    assert "<h1>Match model of the entity type film</h1>" in page
    assert list(charts(lake)) == list(TITLES)


def test_a_type_without_records_has_a_page_that_says_so(lake):
    land(lake, [])
    freeze(lake)
    files, _ = report(lake)
    assert [row["file"] for row in files] == ["film/report.html"]
    assert "0 records" in (lake.settings.reports / "film" / "report.html").read_text()


def test_a_report_shows_weights_and_unlinkable_records_as_a_pinned_classifier_moved_them(lake):
    learnt = {"intercept": -1.0, "levels": {"name": {"1": -8.0, "0": 0.5}}}
    land(lake, world("a", "b"), classifier=learnt)
    freeze(lake)

    def shown(spec):
        report(lake, spec)
        drawn = charts(lake)
        levels, reached = drawn[TITLES[0]], drawn[TITLES[2]]["layer"][0]["data"]["values"]
        said = "Judgements have moved the weights" in " ".join(levels["title"]["subtitle"])
        weights = {row["level"]: row["weight"] for row in levels["hconcat"][0]["data"]["values"]}
        return said, weights, {row["weight"] for row in reached}

    # log2(0.9 / 0.01) and log2(0.1 / 0.99); one in 10,000 pairs matches, which is -13.3 bits.
    plain = (False, {"same": 6.492, "differ": -3.307}, {-8})
    assert shown(SPEC) == plain
    assert shown(replace(SPEC, shadow="classifier")) == plain
    moved = (True, {"same": -1.508, "differ": -2.807}, {-16})
    assert shown(replace(SPEC, scorer="classifier")) == moved
