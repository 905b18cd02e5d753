"""Ids that sources share: evidence where it is allowed, and below every veto."""

import json

import pytest

from kg_assets.matching.block_keys import make_keys
from kg_assets.matching.blocking import pairs_of_shard
from kg_assets.matching.models import MODELS, configured_models
from kg_assets.matching.models.shared_ids import with_shared_ids
from kg_assets.matching.review import doubtful_pairs
from kg_assets.matching.scoring import score_pairs
from resources.settings import Settings
from tests.matching.match_worlds import film, trained, world
from tests.matching.update_worlds import LAYERS, SPEC, World

FILM = MODELS["film"]
BY_IMDB = with_shared_ids(FILM, ["imdb"])


def titled(source, source_id, name, imdb=None, year=1963, **more):
    ids = {"external_ids": [("imdb", imdb)]} if imdb is not None else {}
    return film(source, source_id, name, year, **{**ids, **more})


def pairs(spec, *rows):
    """Candidate pairs with their scores, by record ids."""
    con = world(spec, list(rows))
    row = trained(con, spec)
    make_keys(con, spec, "record")
    con.from_arrow(pairs_of_shard(con, spec, 0, 1)).create("pair")
    scored = score_pairs(con, spec, json.loads(row["settings"]), "pair", "record", "counted_term")
    return {
        (one["record_l"], one["record_r"]): one for one in scored.to_arrow_table().to_pylist()
    }, con


LEOPARD = titled("a", "1", "Il Gattopardo", "tt1")
OTHER_NAME = titled("b", "1", "Ghepardo del Sud", "tt1")


def is_joined(found, left="a:1", right="b:1"):
    one = found.get((left, right))
    return one is not None and one["veto"] is None and one["match_probability"] >= FILM.threshold


def test_ids_say_nothing_where_they_are_not_allowed():
    found, _ = pairs(FILM, LEOPARD, OTHER_NAME)
    assert not is_joined(found)


def test_records_with_an_id_in_common_are_joined_though_no_name_tells_it():
    found, _ = pairs(BY_IMDB, LEOPARD, OTHER_NAME)
    assert found["a:1", "b:1"]["rule"] == "same id"
    assert is_joined(found)


def test_only_the_allowed_systems_count():
    one, other = (
        titled(source, "1", name, external_ids=[("tmdb", "7")])
        for source, name in (("a", "Il Gattopardo"), ("b", "Ghepardo del Sud"))
    )
    assert not is_joined(pairs(BY_IMDB, one, other)[0])
    assert is_joined(pairs(with_shared_ids(FILM, ["imdb", "tmdb"]), one, other)[0])


def test_an_id_of_one_system_is_none_of_another():
    one = titled("a", "1", "Il Gattopardo", external_ids=[("tmdb", "7")])
    other = titled("b", "1", "Ghepardo del Sud", external_ids=[("imdb", "7")])
    assert not is_joined(pairs(with_shared_ids(FILM, ["imdb", "tmdb"]), one, other)[0])


def test_an_equal_id_with_a_veto_is_not_joined_and_goes_to_review():
    late = titled("b", "1", "Il Gattopardo", "tt1", year=1999)
    found, con = pairs(BY_IMDB, LEOPARD, late)
    pair = found["a:1", "b:1"]
    assert pair["veto"] == "years_apart"
    con.execute(
        """
        CREATE TABLE told AS SELECT 'a:1' AS record_l, 'b:1' AS record_r,
               $weight::DOUBLE AS match_weight, $probability::DOUBLE AS match_probability,
               'years_apart' AS veto, 0.9 AS threshold;
        """,
        {"weight": pair["match_weight"], "probability": pair["match_probability"]},
    )
    con.execute(
        """
        CREATE TABLE entity AS
        SELECT * FROM (VALUES ('a:1', 'film:1'), ('b:1', 'film:2')) AS t(record_id, entity_id);
        CREATE TABLE apart AS
        SELECT '' AS record_l, '' AS record_r, 0.0 AS match_weight, 0.0 AS match_probability,
               '' AS reason, 0.5 AS threshold
        LIMIT 0
        """
    )
    asked = doubtful_pairs(con, con.table("told"), con.table("apart"), con.table("entity"))
    assert asked.project("record_l, record_r, reason").fetchall() == [
        ("a:1", "b:1", "veto: years_apart")
    ]


def test_an_id_that_a_source_has_twice_joins_nothing():
    wrong = [titled("b", str(number), f"Film {number}", "tt1") for number in range(1, 4)]
    found, _ = pairs(BY_IMDB, titled("a", "1", "Il Gattopardo", "tt1"), *wrong)
    assert not any(is_joined(found, *pair) for pair in found)


@pytest.mark.parametrize("blank", ["", "  "])
def test_an_empty_id_is_none(blank):
    found, _ = pairs(
        BY_IMDB, titled("a", "1", "Il Gattopardo", blank), titled("b", "1", "Senso", blank)
    )
    assert not is_joined(found)


def test_other_ids_speak_against_a_match():
    same, _ = pairs(BY_IMDB, LEOPARD, titled("b", "1", "Il Gattopardo"))
    other, _ = pairs(BY_IMDB, LEOPARD, titled("b", "1", "Il Gattopardo", "tt2"))
    assert same["a:1", "b:1"]["match_weight"] - other["a:1", "b:1"]["match_weight"] > 4


def test_a_model_that_is_not_asked_to_keeps_its_version():
    assert with_shared_ids(FILM, []) is FILM
    assert configured_models(Settings())["film"].version == FILM.version
    assert BY_IMDB.version != FILM.version
    assert with_shared_ids(FILM, ["tmdb", "imdb"]) == with_shared_ids(FILM, ["imdb", "tmdb"])


def test_the_systems_are_configured_by_type():
    models = configured_models(Settings(shared_ids='{"film": ["imdb"]}'))
    assert models["film"].shared_ids == ("imdb",)
    assert models["series"].shared_ids == ()
    with pytest.raises(ValueError, match="KG_SHARED_IDS names movie"):
        configured_models(Settings(shared_ids={"movie": ["imdb"]}))
    with pytest.raises(ValueError, match="KG_SHARED_IDS is not JSON"):
        Settings(shared_ids="imdb")


def test_an_id_that_a_source_gives_a_second_time_later_parts_those_whom_it_joined(tmp_path):
    world = World(tmp_path / "home", spec=with_shared_ids(SPEC, ["imdb"]), **LAYERS)
    by_id = {"external_ids": [("imdb", "tt1")], "year": 2000}
    world.deliver("a", [{"id": "1", "name": "Red", **by_id}])
    world.deliver("b", [{"id": "1", "name": "Crimson", **by_id}])
    world.update()
    members = world.members()
    assert members["a:1"] == members["b:1"]
    world.deliver("b", [{"id": "2", "name": "Blue", **by_id}])
    world.update()
    members = world.members()
    assert len({members["a:1"], members["b:1"], members["b:2"]}) == 3
