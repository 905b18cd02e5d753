"""How well clusters hang together: figures, exact bridges, the pair to ask for, the check."""

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg_assets.judging.log import add
from kg_assets.matching import tables
from kg_assets.matching.bridges import bridges
from kg_assets.matching.checks import entity_checks
from kg_assets.matching.components import connected
from kg_assets.matching.entities import run_resolved_entities
from kg_assets.matching.judgement_log import PAIRS
from kg_assets.matching.judgement_values import judgement
from kg_assets.matching.quality import cluster_quality
from resources.lake import Lake
from resources.settings import Settings
from tests.matching.test_entities import SPEC, land

THRESHOLD = 0.5
ENDS = pa.schema([("record_l", pa.string()), ("record_r", pa.string())])


def quality(clusters, weights, *, same=(), vetoed=(), **how):
    """Rows by entity: clusters as "e": "abc", weights in bits above the threshold by "ab"."""
    con = duckdb.connect(config={"threads": 1, "preserve_insertion_order": False})
    scores = [
        {
            "record_l": pair[0],
            "record_r": pair[1],
            "match_weight": float(weight),
            "match_probability": 1 / (1 + 2.0**-weight),
            "veto": "years" if pair in vetoed else None,
            "threshold": THRESHOLD,
        }
        for pair, weight in weights.items()
    ]
    members = [
        {"record_id": record, "entity_id": entity}
        for entity, records in clusters.items()
        for record in records
    ]
    chained = {record: same[0][0] for pair in same for record in pair}
    con.register("members", pa.Table.from_pylist(members))
    con.register(
        "scores",
        pa.Table.from_pylist(
            scores,
            schema=pa.schema(
                [
                    *ENDS,
                    ("match_weight", pa.float64()),
                    ("match_probability", pa.float64()),
                    ("veto", pa.string()),
                    ("threshold", pa.float64()),
                ]
            ),
        ),
    )
    con.register(
        "same",
        pa.Table.from_pylist([dict(zip(ENDS.names, pair, strict=True)) for pair in same], ENDS),
    )
    things = {"record_id": list(chained), "thing": list(chained.values())}
    kind = pa.schema([("record_id", pa.string()), ("thing", pa.string())])
    con.register("things", pa.table(things, schema=kind))
    found = cluster_quality(con, *map(con.table, ("members", "scores", "same", "things")), **how)
    table = found.to_arrow_table().cast(tables.cluster_quality("film").schema)
    return {row["entity_id"]: row for row in table.to_pylist()}


CHAIN = {"ab": 5, "bc": 1, "cd": 5}
CLIQUE = {"ab": 5, "ac": 5, "ad": 5, "bc": 5, "bd": 5, "cd": 5}
TWO_TRIANGLES = {"ab": 9, "ac": 9, "bc": 9, "cd": 2, "de": 9, "df": 9, "ef": 9}


@pytest.mark.parametrize(
    ("cluster", "weights", "density", "found", "asked"),
    [
        pytest.param("abcd", CLIQUE, 1.0, 0, None, id="a clique hangs by nothing"),
        pytest.param("abcd", CHAIN, 0.5, 3, "bc", id="a chain hangs by each, most by its middle"),
        pytest.param("abcdef", TWO_TRIANGLES, 7 / 15, 1, "cd", id="two triangles, one bridge"),
        pytest.param("ab", {"ab": 0.1}, 1.0, 1, "ab", id="a pair hangs by its edge"),
        pytest.param("abc", {"ab": 3, "bc": 1}, 2 / 3, 2, "bc", id="the weaker of two"),
        pytest.param(
            "abcdef",
            {"ab": 1, "bc": 1, "cd": 4, "de": 1, "ef": 1, "ac": 1, "df": 1},
            7 / 15,
            1,
            "cd",
            id="edges on a circle are no bridges however weak",
        ),
    ],
)
def test_density_bridges_and_the_pair_to_ask_for(cluster, weights, density, found, asked):
    row = quality({"e": cluster}, weights)["e"]
    assert (row["records"], row["edges"], row["bridges"]) == (len(cluster), len(weights), found)
    assert row["density"] == pytest.approx(density)
    assert row["weakest_edge"] == min(weights.values())
    pair = (row["record_l"] or "") + (row["record_r"] or "")
    assert pair == (asked or "")


def test_the_score_is_the_doubt_of_the_bridge_times_the_pairs_that_hang_by_it():
    row = quality({"e": "abcdef"}, TWO_TRIANGLES)["e"]
    assert row["score"] == pytest.approx(3 * 3 / (1 + 2**2), abs=1e-5)
    assert row["reason"] == "weak bridge in a cluster of 6 records, 3 of them beyond it"


def test_denied_pairs_count_where_edges_do_not_outvote_them():
    circle = {"ab": 3, "bc": 3, "cd": 3, "de": 3, "ae": 3}
    denied = {"ac": -9, "ad": -5, "bd": -20, "be": -5, "ce": -5}
    outvoted = quality({"e": "abcde"}, circle | denied)["e"]
    assert (outvoted["denied_pairs"], outvoted["bridges"], outvoted["score"]) == (5, 0, 0.0)
    assert outvoted["record_l"] is None
    six = {"ab": 3, "bc": 3, "cd": 3, "de": 3, "ef": 3, "af": 3}
    denied |= {"bf": -9, "cf": -9, "df": -9}
    row = quality({"e": "abcdef"}, six | denied)["e"]
    assert 1.5 < row["score"] < 2
    assert (row["record_l"], row["record_r"]) == ("b", "d")
    assert row["reason"] == "8 pairs are denied and 6 accepted in a cluster of 6 records"


def test_what_people_joined_is_an_edge_without_doubt_and_its_veto_is_no_denial():
    row = quality({"e": "abcd"}, CHAIN | {"ad": -20}, same=["bc"])["e"]
    assert (row["edges"], row["scored_pairs"], row["denied_pairs"]) == (3, 4, 1)
    assert (row["record_l"], row["record_r"]) == ("a", "b")
    row = quality({"e": "ab"}, {"ab": 9}, same=["ab"], vetoed=["ab"])["e"]
    assert (row["edges"], row["denied_pairs"], row["score"]) == (1, 0, 0.0)
    row = quality({"e": "ab"}, {}, same=["ab"])["e"]
    assert (row["edges"], row["scored_pairs"], row["bridges"], row["score"]) == (1, 0, 1, 0.0)


def test_pairs_between_clusters_and_single_records_count_in_none():
    found = quality({"e": "ab", "f": "cd", "g": "x"}, {"ab": 9, "bc": 9, "cd": 9, "dx": 9})
    assert {key: row["scored_pairs"] for key, row in found.items()} == {"e": 1, "f": 1}


@pytest.mark.parametrize("at_once", [1, 2, 100])
def test_how_many_clusters_are_measured_at_once_changes_nothing(at_once):
    clusters = {"e": "abcd", "f": "ij", "g": "klm", "h": "xyz"}
    weights = CHAIN | {"ij": 2, "kl": 9, "lm": 9, "km": -2, "xy": 1}
    assert quality(clusters, weights, at_once=at_once) == quality(clusters, weights)


def test_clusters_that_do_not_fit_into_memory_at_once_are_measured(tmp_path):
    con = duckdb.connect(
        config={
            "threads": 1,
            "preserve_insertion_order": False,
            "memory_limit": "28MB",
            "temp_directory": str(tmp_path),
        }
    )
    con.execute(
        """
        CREATE VIEW members AS
        SELECT format('source_{}:{:09d}', source, thing) AS record_id,
               'film:' || md5(thing::VARCHAR) AS entity_id
        FROM range(50_000) AS things (thing)
        CROSS JOIN (VALUES ('a'), ('b'), ('c')) AS sources (source);

        CREATE VIEW scores AS
        SELECT format('source_{}:{:09d}', l, thing) AS record_l,
               format('source_{}:{:09d}', r, thing) AS record_r,
               weight::DOUBLE AS match_weight,
               1 / (1 + pow(2, -weight)) AS match_probability,
               NULL::VARCHAR AS veto,
               0.5 AS threshold
        FROM range(50_000) AS things (thing)
        CROSS JOIN (VALUES ('a', 'b', 5), ('a', 'c', -3), ('b', 'c', 5)) AS pairs (l, r, weight);

        CREATE TABLE same (record_l VARCHAR, record_r VARCHAR);
        CREATE TABLE things (record_id VARCHAR, thing VARCHAR)
        """
    )
    found = cluster_quality(
        con, *map(con.table, ("members", "scores", "same", "things")), at_once=5_000
    )
    counts = found.aggregate("count(*), min(edges), max(bridges), min(denied_pairs)").fetchall()
    assert counts == [(50_000, 2, 2, 1)]


EDGES = st.integers(2, 9).flatmap(
    lambda size: st.tuples(
        st.just(size),
        st.lists(
            st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)).filter(
                lambda pair: pair[0] < pair[1]
            ),
            unique=True,
        ),
    )
)


@settings(max_examples=200, deadline=None)
@given(EDGES)
def test_bridges_are_the_edges_without_which_there_are_more_components(graph):
    size, pairs = graph
    left, right = (np.array([pair[side] for pair in pairs], dtype=np.int64) for side in (0, 1))

    def labels(without=None):
        kept = np.arange(len(pairs)) != without
        return connected(size, left[kept], right[kept])

    expected = [i for i in range(len(pairs)) if len(set(labels(i))) > len(set(labels()))]
    found = bridges(size, left, right)
    assert found.edge.tolist() == expected
    for edge, beyond in zip(found.edge, found.beyond, strict=True):
        sides = labels(edge)
        assert beyond in {int((sides == sides[end[edge]]).sum()) for end in (left, right)}


@pytest.mark.parametrize("length", [2, 3_000])
def test_a_long_chain_and_a_large_clique_are_no_deeper_than_the_stack(length):
    left = np.arange(length - 1)
    assert bridges(length, left, left + 1).edge.tolist() == list(range(length - 1))
    left, right = np.triu_indices(400, 1)
    assert not len(bridges(400, left, right).edge)


@pytest.mark.parametrize(("bits", "firm"), [(0.1, False), (9, True)])
def test_a_cluster_that_hangs_by_a_weak_bridge_is_named_by_a_warning_and_asked_for(
    tmp_path, bits, firm
):
    lake = Lake(Settings(home=tmp_path))
    groups = [[f"{side}:{number}" for number in range(5)] for side in "ab"]
    weights = {(one, other): 9 for group in groups for one in group for other in group
               if one < other}  # fmt: skip
    land(lake, {record: {} for group in groups for record in group},
         weights | {("a:4", "b:0"): bits})  # fmt: skip
    (check,) = (one for one in entity_checks(SPEC) if one.name == "clusters_hang_together")
    with lake.step("entities") as step:
        run_resolved_entities(step, SPEC)
        verdict = check.look(step)
        queue = step.staged(tables.review_queue("film")).to_arrow_table().to_pylist()
        (entity,) = step.staged(tables.cluster_quality("film")).to_arrow_table().to_pylist()
    assert not check.blocking
    assert verdict.passed == firm
    asked = [(row["record_l"], row["record_r"], row["kind"]) for row in queue]
    if firm:
        assert asked == []
        return
    assert asked == [("a:4", "b:0", "cluster")]
    assert queue[0]["reason"] == "weak bridge in a cluster of 10 records, 5 of them beyond it"
    (named,) = verdict.figures["worst"]
    assert named.startswith(f"{entity['entity_id']}: weak bridge in a cluster of 10 records")
    assert verdict.figures["ask"] == "kg review --type film"


@pytest.mark.parametrize(
    ("verdict", "records", "score"),
    [("same", [10], 0.0), ("different", [5, 5], 0.0), ("unsure", [10], 12.0)],
)
def test_a_judgement_of_the_bridge_settles_it(tmp_path, verdict, records, score):
    lake = Lake(Settings(home=tmp_path))
    groups = [[f"{side}:{number}" for number in range(5)] for side in "ab"]
    weights = {(one, other): 9 for group in groups for one in group for other in group
               if one < other}  # fmt: skip
    land(
        lake, {record: {} for group in groups for record in group}, weights | {("a:4", "b:0"): 0.1}
    )
    for judged in (False, True):
        if judged:
            add(lake, PAIRS, [judgement("film", "a:4", "b:0", verdict, who="ann")])
        with lake.step("entities") as step:
            run_resolved_entities(step, SPEC)
            asked = step.rows(tables.review_queue("film"))
            rows = step.staged(tables.cluster_quality("film")).to_arrow_table().to_pylist()
        assert asked == (0 if judged else 1)
    assert sorted(row["records"] for row in rows) == records
    assert max(row["score"] for row in rows) == pytest.approx(score, abs=0.5)
