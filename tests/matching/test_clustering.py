"""Clusters: constraints hold, the better edge wins, the order of rows changes nothing."""

from itertools import combinations, pairwise

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg_assets.matching.clustering import cluster


def relation(con, name, columns, rows):
    columns_of = list(zip(*rows, strict=True)) or [[] for _ in columns]
    table = pa.table(
        [
            pa.array(list(values), kind)
            for values, kind in zip(columns_of, columns.values(), strict=True)
        ],
        names=list(columns),
    )
    con.register(name, table)
    return con.table(name)


def run(records, weights, *, threshold=0.5, vetoes=(), forbid=(), through="relation", **options):
    """Cluster records such as "a:1" with weights by pair; the threshold weight is 0."""
    con = duckdb.connect(config={"threads": 1, "preserve_insertion_order": False})
    scores = [
        (*sorted(pair), float(weight), 1 / (1 + 2.0**-weight), "veto" if pair in vetoes else None)
        for pair, weight in weights.items()
    ]
    forbidden = relation(
        con,
        "forbidden",
        {"record_l": pa.string(), "record_r": pa.string(), "veto": pa.string()},
        [(*sorted(pair), "years") for pair in forbid],
    )
    asked = []

    def ask(pairs):
        asked.extend(pairs.fetchall())
        pairs.create_view("asked", replace=True)
        return con.sql("FROM forbidden SEMI JOIN asked USING (record_l, record_r)")

    found = cluster(
        con,
        relation(
            con,
            "records",
            {"record_id": pa.string(), "source": pa.string()},
            [(record, record.split(":")[0]) for record in records],
        ),
        relation(
            con,
            "scores",
            {
                "record_l": pa.string(),
                "record_r": pa.string(),
                "match_weight": pa.float64(),
                "match_probability": pa.float64(),
                "veto": pa.string(),
            },
            scores,
        ),
        threshold=threshold,
        cannot_link=ask if through == "function" else forbidden,
        **options,
    )
    found_asked = asked if through == "function" else None
    return found, found_asked


def groups(found):
    parts = {}
    for row in found.assignment.to_pylist():
        parts.setdefault(row["cluster"], []).append(row["record_id"])
    return sorted(" ".join(sorted(part)) for part in parts.values())


def apart(found):
    return {
        f"{row['record_l']} {row['record_r']}": row["reason"]
        for row in found.kept_apart.to_pylist()
    }


def test_edges_are_transitive_and_a_record_without_edges_is_a_cluster():
    found, _ = run(["a:1", "b:1", "c:1", "d:1"], {("a:1", "b:1"): 3, ("b:1", "c:1"): 3})
    assert groups(found) == ["a:1 b:1 c:1", "d:1"]
    assert found.assignment["cluster"].to_pylist() == ["a:1", "a:1", "a:1", "d:1"]
    assert (found.counts.singletons, found.counts.largest_cluster) == (1, 3)


def test_no_records_give_no_clusters():
    found, _ = run([], {})
    assert found.assignment.num_rows == 0
    assert found.counts.clusters == 0


@pytest.mark.parametrize(("weight", "joined"), [(-0.1, False), (0.0, True), (0.1, True)])
def test_an_edge_is_a_pair_at_or_above_the_threshold(weight, joined):
    found, _ = run(["a:1", "b:1"], {("a:1", "b:1"): weight})
    assert groups(found) == (["a:1 b:1"] if joined else ["a:1", "b:1"])


def test_a_vetoed_pair_is_no_edge_whatever_its_score():
    found, _ = run(["a:1", "b:1"], {("a:1", "b:1"): 30}, vetoes={("a:1", "b:1")})
    assert groups(found) == ["a:1", "b:1"]


def test_a_veto_holds_through_a_third_record():
    # "Up" 2009 and "Up" 1984 both look like a record without a year.
    found, _ = run(
        ["a:up-1984", "b:up-2009", "c:up"],
        {("a:up-1984", "c:up"): 2, ("b:up-2009", "c:up"): 5, ("a:up-1984", "b:up-2009"): 1},
        vetoes={("a:up-1984", "b:up-2009")},
    )
    assert groups(found) == ["a:up-1984", "b:up-2009 c:up"]
    assert apart(found) == {"a:up-1984 c:up": "cannot link: veto"}


@pytest.mark.parametrize("through", ["relation", "function"])
def test_a_cannot_link_pair_that_was_never_blocked_is_found_in_the_component(through):
    found, _ = run(
        ["a:mother-1996", "b:mother", "c:mother-2017"],
        {("a:mother-1996", "b:mother"): 4, ("b:mother", "c:mother-2017"): 6},
        forbid={("a:mother-1996", "c:mother-2017")},
        through=through,
    )
    assert groups(found) == ["a:mother-1996", "b:mother c:mother-2017"]
    assert apart(found) == {"a:mother-1996 b:mother": "cannot link: years"}


@pytest.mark.parametrize("batch", [1, 2, 1000])
def test_every_pair_inside_a_component_is_asked_for_once_in_any_batch(batch):
    records = [f"a:{i}" for i in range(5)] + ["b:1", "b:2", "c:1"]
    chain = dict.fromkeys(pairwise(records[:5]), 5)
    found, asked = run(records, chain | {("b:1", "b:2"): 5}, through="function", pair_batch=batch)
    assert sorted(asked) == [*combinations(records[:5], 2), ("b:1", "b:2")]
    assert found.counts.pairs_checked == 11


def test_the_stronger_edge_wins_where_a_source_has_no_duplicates():
    found, _ = run(
        ["a:1", "a:2", "b:1"],
        {("a:1", "b:1"): 4, ("a:2", "b:1"): 9},
        duplicate_free=frozenset({"a"}),
    )
    assert groups(found) == ["a:1", "a:2 b:1"]
    assert apart(found) == {"a:1 b:1": "duplicate-free source"}


def test_two_remakes_in_two_duplicate_free_sources_are_matched_one_to_one():
    found, _ = run(
        ["a:it-1990", "a:it-2017", "b:it-1990", "b:it-2017"],
        {
            ("a:it-1990", "b:it-1990"): 9,
            ("a:it-2017", "b:it-2017"): 8,
            ("a:it-1990", "b:it-2017"): 7,
            ("a:it-2017", "b:it-1990"): 6,
        },
        duplicate_free=frozenset({"a", "b"}),
    )
    assert groups(found) == ["a:it-1990 b:it-1990", "a:it-2017 b:it-2017"]


def test_a_source_not_named_may_give_several_records():
    found, _ = run(["a:1", "b:1", "b:2"], {("a:1", "b:1"): 4, ("a:1", "b:2"): 4})
    assert groups(found) == ["a:1 b:1 b:2"]


def test_equal_edges_are_taken_by_record_id_and_the_other_is_kept_for_review():
    found, _ = run(
        ["a:1", "b:1", "b:2"],
        {("a:1", "b:1"): 4, ("a:1", "b:2"): 4},
        duplicate_free=frozenset({"b"}),
    )
    assert groups(found) == ["a:1 b:1", "b:2"]
    assert list(apart(found)) == ["a:1 b:2"]


BRIDGED = {
    ("a:1", "a:2"): 9,
    ("b:1", "b:2"): 9,
    ("a:1", "b:1"): 1,
    ("a:1", "b:2"): -5,
    ("a:2", "b:1"): -5,
}


def test_a_weak_edge_that_stands_alone_against_denials_is_cut():
    found, _ = run(["a:1", "a:2", "b:1", "b:2"], BRIDGED)
    assert groups(found) == ["a:1 a:2", "b:1 b:2"]
    assert apart(found) == {"a:1 b:1": "weak bridge"}
    assert found.counts.weak_bridges_cut == 1


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({("a:1", "b:1"): 4}, id="strong edge"),
        pytest.param({("a:1", "b:2"): 1}, id="second edge"),
        pytest.param({("a:1", "b:2"): None}, id="one denial only"),
    ],
)
def test_a_bridge_that_is_strong_or_supported_stays(change):
    weights = {pair: weight for pair, weight in (BRIDGED | change).items() if weight is not None}
    found, _ = run(["a:1", "a:2", "b:1", "b:2"], weights)
    assert groups(found) == ["a:1 a:2 b:1 b:2"]


def test_a_single_record_on_a_weak_edge_is_no_weak_bridge():
    found, _ = run(
        ["a:1", "a:2", "a:3", "b:1"],
        {
            ("a:1", "a:2"): 9,
            ("a:2", "a:3"): 9,
            ("a:1", "b:1"): 1,
            ("a:2", "b:1"): -5,
            ("a:3", "b:1"): -5,
        },
    )
    assert groups(found) == ["a:1 a:2 a:3 b:1"]


def test_a_clique_of_weak_edges_stays_whole():
    records = [f"a:{i}" for i in range(6)]
    found, _ = run(records, dict.fromkeys(combinations(records, 2), 0.5))
    assert groups(found) == [" ".join(records)]


def test_a_chain_of_two_hundred_records_breaks_at_its_weakest_edge_between_what_must_part():
    records = [f"a:{place:03}" for place in range(200)]
    weights = dict.fromkeys(pairwise(records), 9.0)
    weights["a:129", "a:130"] = 4.0
    found, _ = run(records, weights, forbid=[("a:003", "a:190")])
    assert [len(group.split()) for group in groups(found)] == [130, 70]
    assert [row["reason"] for row in found.kept_apart.to_pylist()] == ["cannot link: years"]


def test_a_component_above_the_largest_size_is_divided_along_its_best_edges():
    records = [f"a:{i}" for i in range(6)]
    weights = dict.fromkeys(pairwise(records), 5)
    weights["a:2", "a:3"] = 1
    found, asked = run(records, weights, max_cluster=3, through="function")
    assert groups(found) == ["a:0 a:1 a:2", "a:3 a:4 a:5"]
    assert apart(found) == {"a:2 a:3": "cluster too large"}
    assert len(asked) == 6
    assert found.counts.components_divided == 1


@pytest.mark.parametrize(
    ("records", "weights", "message"),
    [
        (["a:1", "a:1"], {}, "more than once"),
        (["a:1"], {("a:1", "b:1"): 3}, "not among the records"),
        (["a:1"], {("b:1", "a:1"): 3}, "not among the records"),
        (["a:1", "b:1"], {("a:1", "b:1"): 3, ("b:1", "a:1"): 2}, "scored more than once"),
        (["a:1"], {("a:1", "a:1"): 3}, "with itself"),
    ],
)
def test_input_that_contradicts_itself_is_refused(records, weights, message):
    with pytest.raises(ValueError, match=message):
        run(records, weights)


@pytest.mark.parametrize("threshold", [0.0, 1.0, 2.0, -1.0])
def test_a_threshold_that_is_no_probability_is_refused(threshold):
    with pytest.raises(ValueError, match="not a match probability"):
        run(["a:1"], {}, threshold=threshold)


RECORDS = [f"{source}:{i}" for source in "abc" for i in range(4)]
PAIRS = list(combinations(RECORDS, 2))


@st.composite
def problems(draw):
    weights = draw(st.dictionaries(st.sampled_from(PAIRS), st.integers(-6, 6), max_size=30))
    return {
        "weights": weights,
        "vetoes": {p for p in weights if draw(st.integers(0, 5)) == 0},
        "forbid": draw(st.sets(st.sampled_from(PAIRS), max_size=6)),
        "duplicate_free": draw(st.frozensets(st.sampled_from("abc"), max_size=2)),
        "max_cluster": draw(st.sampled_from([4, 100])),
        "pair_batch": draw(st.sampled_from([1, 7, 1000])),
        "through": draw(st.sampled_from(["relation", "function"])),
    }


@settings(max_examples=60, deadline=None)
@given(problems(), st.randoms(use_true_random=False))
def test_constraints_hold_and_the_order_of_rows_changes_nothing(problem, random):
    found, _ = run(RECORDS, **problem)
    assert found.assignment["record_id"].to_pylist() == RECORDS
    cluster_of = dict(
        zip(*(found.assignment[name].to_pylist() for name in ("record_id", "cluster")), strict=True)
    )
    for pair in problem["vetoes"] | problem["forbid"]:
        assert cluster_of[pair[0]] != cluster_of[pair[1]]
    for left, right in PAIRS:
        if cluster_of[left] == cluster_of[right]:
            assert left[0] != right[0] or left[0] not in problem["duplicate_free"]
    accepted = {
        pair
        for pair, weight in problem["weights"].items()
        if weight >= 0 and pair not in problem["vetoes"]
    }
    crossing = {pair for pair in accepted if cluster_of[pair[0]] != cluster_of[pair[1]]}
    assert set(apart(found)) == {" ".join(pair) for pair in crossing}

    shuffled = dict(problem)
    items = list(problem["weights"].items())
    random.shuffle(items)
    shuffled["weights"] = dict(items)
    records = list(RECORDS)
    random.shuffle(records)
    again, _ = run(records, **shuffled)
    assert again.assignment.equals(found.assignment)
    assert again.kept_apart.equals(found.kept_apart)
    assert again.counts == found.counts


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.sampled_from(PAIRS), st.integers(4, 9), max_size=20))
def test_without_constraints_and_weak_edges_clusters_are_the_connected_components(weights):
    parts = {record: {record} for record in RECORDS}
    for left, right in weights:
        joined = parts[left] | parts[right]
        for record in joined:
            parts[record] = joined
    found, _ = run(RECORDS, weights)
    assert groups(found) == sorted({" ".join(sorted(part)) for part in parts.values()})
