"""The step that resolves entities: what it writes, that it rests, and what it asks people."""

import duckdb
import pyarrow as pa
import pytest

from kg_assets.matching import tables
from kg_assets.matching.clustering import cluster
from kg_assets.matching.entities import run_resolved_entities
from kg_assets.matching.judgements import judged_pairs
from kg_assets.matching.model import BlockingRule, Comparison, Level, MatchSpec, Veto
from kg_assets.matching.quality import cluster_quality
from kg_assets.matching.records import records
from kg_assets.matching.review import doubtful_pairs, review_pairs
from resources.lake import Lake
from resources.settings import Settings

SPEC = MatchSpec(
    entity_type="film",
    features=(),
    blocking=(BlockingRule("name", "[name]", "[name]"),),
    comparisons=(Comparison("name", "false", (Level("any", "ELSE", 0.9, 0.1),)),),
    vetoes=(Veto("years", "abs(l.year - r.year) > 3", "The years are too far apart."),),
    threshold=0.5,
)
OUTPUTS = [
    make("film")
    for make in (
        tables.resolved_entities,
        tables.entity_members,
        tables.identity_events,
        tables.review_queue,
        tables.cluster_quality,
    )
]


@pytest.fixture
def lake(tmp_path):
    return Lake(Settings(home=tmp_path))


def land(lake, films, weights):
    """Films as record id: values; match weights by pair of record ids."""
    schema = records(SPEC).schema
    rows = [
        {
            "entity_type": "film",
            "source": record_id.split(":")[0],
            "source_id": record_id.split(":")[1],
            "record_id": record_id,
            "delivery": "1",
            "duplicate_free": False,
            "name": "Mother",
        }
        | values
        for record_id, values in sorted(films.items())
    ]
    scores = [
        {
            "record_l": left,
            "record_r": right,
            "rule": "name",
            "match_weight": float(weight),
            "match_probability": 1 / (1 + 2.0**-weight),
            "levels": [1],
        }
        for (left, right), weight in sorted(weights.items())
    ]
    with lake.step("records") as step:
        step.write(records(SPEC), pa.Table.from_pylist(rows, schema=schema))
    table = tables.match_scores("film")
    for shard in range(2):
        with lake.step("scores", partition=f"{shard:02}") as step:
            step.write(table, pa.Table.from_pylist(scores[shard::2], schema=table.schema))


def resolve(lake):
    """Run the step; its figures and the checksums of what it wrote."""
    with lake.step("entities") as step:
        run_resolved_entities(step, SPEC)
        figures = dict(step.figures)
    return figures, [lake.heads(table)["all"].file.sha256 for table in OUTPUTS]


def read(lake, table):
    with lake.step("look") as step:
        return step.read(table, tracked=False).to_arrow_table().to_pylist()


FILMS = {
    "a:1": {"year": 2009},
    "a:2": {"year": 2017},
    "b:1": {"name": "Madeo"},
    "b:2": {"year": 2017, "name": "Mother!"},
}
WEIGHTS = {("a:1", "b:1"): 6, ("a:2", "b:1"): 5, ("a:2", "b:2"): 9}


def test_records_become_entities_and_a_veto_holds_across_a_record_without_a_year(lake):
    land(lake, FILMS, WEIGHTS)
    figures, _ = resolve(lake)
    assert {(row["year"], row["records"]) for row in read(lake, OUTPUTS[0])} == {
        (2009, 2),
        (2017, 2),
    }
    assert (figures["entities"], figures["born"], figures["kept_apart"]) == (2, 2, 1)
    assert [row["reason"] for row in read(lake, OUTPUTS[3])] == ["cannot link: years"]


def test_the_same_input_again_gives_the_same_bytes_and_no_event(lake):
    land(lake, FILMS, WEIGHTS)
    _, first = resolve(lake)
    figures, second = resolve(lake)
    assert first == second
    assert [figures[name] for name in ("born", "merged", "split", "retired")] == [0, 0, 0, 0]


def test_a_duplicate_free_source_gives_one_record_to_an_entity(lake):
    films = {"a:1": {"duplicate_free": True}, "a:2": {"duplicate_free": True}, "b:1": {}}
    land(lake, films, {("a:1", "b:1"): 3, ("a:2", "b:1"): 7})
    figures, _ = resolve(lake)
    assert sorted(row["records"] for row in read(lake, OUTPUTS[0])) == [1, 2]
    assert (figures["duplicate_free_sources"], figures["duplicates_refused"]) == ("a", 1)


def test_a_record_that_is_gone_retires_its_entity_and_history_stays(lake):
    land(lake, FILMS, WEIGHTS)
    resolve(lake)
    land(lake, {k: v for k, v in FILMS.items() if k.endswith("1")}, {("a:1", "b:1"): 6})
    figures, _ = resolve(lake)
    assert figures["retired"] == 1
    events = sorted((row["generation"], row["event"]) for row in read(lake, OUTPUTS[2]))
    assert events == [(1, "born"), (1, "born"), (2, "retired")]


def test_no_records_are_no_error(lake):
    land(lake, {}, {})
    figures, _ = resolve(lake)
    assert (figures["entities"], figures["largest_cluster"]) == (0, 0)


def review(pairs, **options):
    """Pairs as (left, right, weight, veto); the threshold weight is 0.

    Gives the reasons of the pairs that are asked for, in their order, and how many are doubtful.
    """
    con = duckdb.connect(config={"threads": 1})
    scores = pa.table(
        {
            "record_l": [p[0] for p in pairs],
            "record_r": [p[1] for p in pairs],
            "match_weight": [float(p[2]) for p in pairs],
            "match_probability": [1 / (1 + 2.0 ** -p[2]) for p in pairs],
            "veto": pa.array([p[3] for p in pairs], pa.string()),
            "threshold": [0.5] * len(pairs),
        }
    )
    names = sorted({end for pair in pairs for end in pair[:2]})
    con.register("scores", scores)
    con.register(
        "records", pa.table({"record_id": names, "source": [n.split(":")[0] for n in names]})
    )
    found = cluster(
        con,
        con.table("records"),
        con.table("scores"),
        duplicate_free=frozenset({"free"}),
    )
    doubtful = doubtful_pairs(
        con,
        con.table("scores"),
        con.from_arrow(found.kept_apart).project("*, 0.5 AS threshold"),
        con.from_arrow(found.assignment).project("record_id, cluster AS entity_id"),
    )
    nothing = con.from_arrow(tables.JUDGEMENTS.schema.empty_table())
    judged_pairs(con, nothing, con.table("records").project("record_id"))
    quality = cluster_quality(
        con,
        con.from_arrow(found.assignment).project("record_id, cluster AS entity_id"),
        con.table("scores"),
        con.table("judged_same"),
        con.table("judged_thing"),
    )
    rows = review_pairs(con, doubtful, quality, **options).sort_by("turn").to_pylist()
    assert [row["change"] for row in rows] == sorted((row["change"] for row in rows), reverse=True)
    return {(row["record_l"], row["record_r"]): row["reason"] for row in rows}, len(doubtful)


def test_a_clear_pair_needs_no_person():
    assert review([("a:1", "b:1", 20, None), ("a:2", "b:2", -20, None)]) == ({}, 0)


def test_doubtful_kept_apart_and_vetoed_pairs_are_asked_for_with_the_reason():
    queue, _ = review(
        [
            ("a:1", "b:1", 1, None),
            ("a:2", "b:2", -1, None),
            ("a:3", "b:3", 9, "years"),
            ("c:1", "free:1", 8, None),
            ("c:1", "free:2", 7, None),
        ]
    )
    assert queue == {
        ("a:1", "b:1"): "near the threshold",
        ("a:2", "b:2"): "near the threshold",
        ("a:3", "b:3"): "veto: years",
        ("c:1", "free:2"): "duplicate-free source",
    }


def test_of_several_pairs_between_two_clusters_the_nearest_is_asked_for():
    queue, _ = review(
        [
            ("a:1", "a:2", 20, None),
            ("a:1", "b:1", -1.5, None),
            ("a:2", "b:1", -0.5, None),
        ]
    )
    assert list(queue) == [("a:2", "b:1")]


def test_of_what_is_asked_for_only_the_first_is_taken_and_the_rest_is_counted():
    doubtful = [(f"a:{i}", f"b:{i}", i / 10, None) for i in range(9)]
    queue, total = review(doubtful, limit=4)
    assert list(queue) == [("a:0", "b:0"), ("a:1", "b:1"), ("a:2", "b:2"), ("a:3", "b:3")]
    assert total == 9


def joined(*names):
    """Pairs that join records for certain, all with all."""
    return [(one, other, 20, None) for one in names for other in names if one < other]


THREE, OTHER_THREE = ("a:1", "a:2", "a:3"), ("b:1", "b:2", "b:3")


def test_of_pairs_in_the_same_doubt_that_between_larger_clusters_comes_first():
    single, one_and_three, threes = ("c:1", "d:1"), ("a:9", "b:9"), ("a:3", "b:1")
    queue, _ = review(
        [
            *joined(*THREE),
            *joined(*OTHER_THREE),
            *joined("b:7", "b:8", "b:9"),
            (*single, -1, None),
            (*one_and_three, -1, None),
            (*threes, -1, None),
        ]
    )
    assert list(queue) == [threes, one_and_three, single]


def test_a_doubt_that_is_less_may_change_more():
    queue, _ = review(
        [
            *joined(*THREE),
            *joined(*OTHER_THREE),
            ("a:3", "b:1", -2, None),
            ("c:1", "d:1", 0, None),
        ]
    )
    assert list(queue) == [("a:3", "b:1"), ("c:1", "d:1")]


def test_of_pairs_between_clusters_of_one_size_the_more_doubtful_comes_first():
    weights = {"1": -1.5, "2": 0.5, "3": 1.75, "4": -1}
    queue, _ = review([(f"a:{n}", f"b:{n}", weight, None) for n, weight in weights.items()])
    assert [left for left, _ in queue] == ["a:2", "a:4", "a:1", "a:3"]


def test_vetoed_pairs_and_those_kept_apart_stand_among_the_others_by_what_they_would_change():
    queue, _ = review(
        [
            *joined(*THREE),
            *joined(*OTHER_THREE),
            ("a:3", "b:1", 9, "years"),
            ("c:1", "d:1", -1, None),
            ("c:2", "d:2", 3, "years"),
            ("c:3", "d:3", 30, "years"),
            ("c:4", "free:1", 8, None),
            ("c:4", "free:2", 7, None),
        ]
    )
    assert list(queue) == [
        ("a:3", "b:1"),
        ("c:1", "d:1"),
        ("c:4", "free:2"),
        ("c:3", "d:3"),
        ("c:2", "d:2"),
    ]


def test_a_cluster_stands_among_pairs_by_the_pairs_that_hang_by_its_bridge():
    bridge, single = ("a:3", "b:1"), ("c:1", "d:1")
    for bits, order in ((3, [bridge, single]), (5, [single, bridge])):
        queue, _ = review(
            [*joined(*THREE), *joined(*OTHER_THREE), (*bridge, bits, None), (*single, -1, None)]
        )
        assert list(queue) == order
    assert queue[bridge] == "weak bridge in a cluster of 6 records, 3 of them beyond it"


def test_two_entities_are_asked_about_once_whatever_the_kinds():
    queue, total = review(
        [
            *joined("a:1", "a:2"),
            ("a:1", "b:1", 4, "years"),
            ("a:2", "b:1", -0.5, None),
        ]
    )
    assert (list(queue), total) == ([("a:2", "b:1")], 2)
