"""Scores: levels, vetoes, odd inputs, and what explains them."""

import json

import pytest

from kg_assets.matching.block_keys import make_keys
from kg_assets.matching.blocking import pairs_of_shard
from kg_assets.matching.explain import UnknownRecordError, explain_pairs
from kg_assets.matching.models.film import film_spec
from kg_assets.matching.scoring import score_pairs
from tests.matching.match_worlds import film, trained, world

SPEC = film_spec()


def scores(rows, spec=SPEC, **options):
    con = world(spec, rows, **options)
    row = trained(con, spec)
    make_keys(con, spec, "record")
    con.from_arrow(pairs_of_shard(con, spec, 0, 1)).create("found_pair")
    con.execute("CREATE TABLE pair AS SELECT * FROM found_pair")
    scored = score_pairs(con, spec, json.loads(row["settings"]), "pair", "record", "counted_term")
    return con, row, scored.order("record_l, record_r").to_arrow_table().to_pylist()


def one(rows, **options):
    (found,) = scores(rows, **options)[2]
    return found


def test_the_same_film_in_two_sources_scores_high():
    found = one(
        [
            film("a", "1", "Amanti in fuga", 1946, ["Giacomo Gentilomo"], runtime_minutes=90.0),
            film("b", "7", "Amanti in Fuga", 1946, ["Gentilomo Giacomo"], runtime_minutes=91.0),
        ]
    )
    assert found["match_probability"] > 0.95
    assert found["veto"] is None
    assert found["levels"][0] == 5


def test_an_original_title_meets_the_title_of_the_other_source():
    found = one(
        [
            film(
                "a", "1", "The Lovers", 1946, ["G. Gentilomo"], alternate_names=["Amanti in fuga"]
            ),
            film("b", "7", "Amanti in fuga", 1946, ["G. Gentilomo"]),
        ]
    )
    assert found["match_probability"] > 0.9


@pytest.mark.parametrize(
    ("one_title", "other_title", "years", "veto"),
    [
        ("Knives Out", "Knives Out 2", (2019, 2019), "part_differs"),
        ("Dune: Part One", "Dune: Part Two", (2021, 2021), "part_differs"),
        ("Rocky", "Rocky II", (1976, 1976), "part_differs"),
        ("Mother", "Mother", (1996, 2009), "years_apart"),
        ("Malcolm X", "Malcolm X", (1992, 1992), None),
    ],
)
def test_vetoes(one_title, other_title, years, veto):
    con = world(
        SPEC,
        [
            film("a", "1", one_title, years[0], ["One Director"]),
            film("b", "1", other_title, years[1], ["One Director"]),
        ],
    )
    row = trained(con, SPEC)
    con.execute("CREATE TABLE pair AS SELECT 'a:1' AS record_l, 'b:1' AS record_r, '' AS rule")
    (found,) = (
        score_pairs(con, SPEC, json.loads(row["settings"]), "pair", "record", "counted_term")
        .to_arrow_table()
        .to_pylist()
    )
    assert found["veto"] == veto


@pytest.mark.parametrize("rows", [[], [film("a", "1", "Alone", 1990)]])
def test_nothing_to_compare_gives_no_pairs(rows):
    assert scores(rows)[2] == []


def test_records_that_are_all_the_same_are_all_compared():
    found = scores([film("abc"[n % 3], str(n), "Same", 2000) for n in range(30)])[2]
    assert len(found) == 435
    assert {len(pair["levels"]) for pair in found} == {len(SPEC.comparisons)}


def test_films_without_anything_but_a_name_are_scored():
    found = one([film("a", "1", "Nameless"), film("b", "1", "Nameless")])
    assert found["levels"][1:] == [-1] * (len(SPEC.comparisons) - 1)


def test_an_explanation_adds_up_to_the_score():
    rows = [
        film("a", "1", "Up", 2009, ["Pete Docter"], runtime_minutes=96.0, countries=["US"]),
        film("b", "1", "Up", 2010, ["Peter Docter"], runtime_minutes=99.0, countries=["US", "GB"]),
    ]
    con, row, (scored,) = scores(rows)
    (found,) = explain_pairs(
        con, SPEC, row, [("b:1", "a:1")], records_view="record", frequencies_view="counted_term"
    )
    assert found.match_weight == scored["match_weight"]
    whole = found.prior_weight + sum(part.weight for part in found.comparisons)
    assert whole == pytest.approx(found.match_weight, abs=1e-5)
    assert found.blocking_rules[0] == "same title"
    assert found.left["name"] == "Up"
    assert found.edge == (found.match_probability >= found.threshold)


def test_what_a_common_maker_explains_is_not_counted_and_not_missing():
    rows = [
        film("a", "1", "Up", 2009, ["Pete Docter"], countries=["US"]),
        film("b", "1", "Up", 2009, ["Pete Docter"], countries=["US"]),
    ]
    con, row, _ = scores(rows)
    (found,) = explain_pairs(
        con, SPEC, row, [("a:1", "b:1")], records_view="record", frequencies_view="counted_term"
    )
    levels = {part.name: part.level for part in found.comparisons}
    assert (levels["countries"], levels["languages"]) == ("not counted", "missing")


def test_a_pair_that_was_never_blocked_is_explained_with_its_vetoes():
    con, row, _ = scores([film("a", "1", "Rocky", 1976), film("b", "1", "Rocky III", 1982)])
    (found,) = explain_pairs(
        con, SPEC, row, [("a:1", "b:1")], records_view="record", frequencies_view="counted_term"
    )
    assert found.blocking_rules == ()
    assert set(found.vetoes) == {"part_differs", "years_apart"}
    assert not found.edge


def test_pairs_that_are_explained_together_are_explained_as_alone():
    films = [("a", "1", "Up", 2009), ("b", "1", "Up", 2010), ("b", "2", "Upp", 2009)]
    con, row, _ = scores([film(*one, runtime_minutes=96.0) for one in films])
    pairs = [("a:1", "b:2"), ("b:1", "a:1"), ("b:1", "b:2"), ("a:1", "b:2")]
    views = {"records_view": "record", "frequencies_view": "counted_term"}
    alone = [explain_pairs(con, SPEC, row, [pair], **views)[0] for pair in pairs]
    assert explain_pairs(con, SPEC, row, pairs, **views) == alone
    assert len({one.match_weight for one in alone}) == 3


def test_an_unknown_record_is_named():
    con, row, _ = scores([film("a", "1", "Up", 2009)])
    with pytest.raises(UnknownRecordError, match="z:9 is not a current film record"):
        explain_pairs(
            con, SPEC, row, [("a:1", "z:9")], records_view="record", frequencies_view="counted_term"
        )


def test_training_twice_gives_the_same_bytes():
    rows = [
        film("ab"[n % 2], str(n), f"Film {n // 2} of many", 1950 + n % 60, [f"Person {n // 2}"])
        for n in range(500)
    ]
    first, second = (trained(world(SPEC, rows), SPEC) for _ in range(2))
    assert first == second
    assert first["trained"]


def test_too_few_records_keep_the_declared_probabilities_and_say_so():
    row = trained(world(SPEC, [film("a", "1", "Up", 2009)]), SPEC)
    assert not row["trained"]
    assert "as declared" in row["notes"]
