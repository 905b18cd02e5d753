"""Every model works on records of its type, and says what it should of telling cases."""

import json
from dataclasses import replace

import pyarrow as pa
import pytest

from kg_assets.matching.block_keys import make_keys
from kg_assets.matching.blocking import pairs_of_shard
from kg_assets.matching.model import BlockingRule, Comparison, Feature, Level, MatchSpec, Veto
from kg_assets.matching.models import MODELS
from kg_assets.matching.scoring import score_pairs
from kg_assets.matching.vetoes import veto_pairs
from tests.matching.match_worlds import film, people_of, trained, world


def score(kind, rows, left, right, members=()):
    spec = MODELS[kind]
    con = world(spec, rows, members=members)
    row = trained(con, spec)
    con.execute(
        "CREATE TABLE pair AS SELECT $1 AS record_l, $2 AS record_r, '' AS rule",
        sorted((left, right)),
    )
    (found,) = (
        score_pairs(con, spec, json.loads(row["settings"]), "pair", "record", "counted_term")
        .to_arrow_table()
        .to_pylist()
    )
    return found


def joined(kind, *arguments, **options):
    found = score(kind, *arguments, **options)
    return found["veto"] is None and found["match_probability"] >= MODELS[kind].threshold


@pytest.mark.parametrize("kind", MODELS)
def test_every_model_blocks_and_scores(kind):
    rows = [
        {
            "entity_type": kind,
            "source": source,
            "source_id": "1",
            "name": "Some Thing",
            "year": 1990,
        }
        for source in "ab"
    ]
    spec = MODELS[kind]
    con = world(spec, rows)
    row = trained(con, spec)
    make_keys(con, spec, "record")
    con.from_arrow(pairs_of_shard(con, spec, 0, 1)).create("pair")
    scored = score_pairs(con, spec, json.loads(row["settings"]), "pair", "record", "counted_term")
    assert len(scored.fetchall()) == 1


def test_types_stand_after_those_they_depend_on():
    seen = set()
    for kind, spec in MODELS.items():
        assert set(spec.depends_on) <= seen
        seen.add(kind)


def test_the_version_changes_with_what_is_declared_and_not_with_the_number_of_shards():
    spec = MODELS["film"]
    assert replace(spec, shards=9).version == spec.version
    assert replace(spec, prior=0.01).version != spec.version


@pytest.mark.parametrize("kind", MODELS)
def test_the_declared_shares_of_matches_make_one(kind):
    # Where all levels are pooled, one that all pairs reach would get more than one.
    shares = {one.name: sum(level.m for level in one.levels) for one in MODELS[kind].comparisons}
    assert shares == pytest.approx(dict.fromkeys(shares, 1.0))


def test_a_comparison_ends_in_else():
    with pytest.raises(ValueError, match="last level must be ELSE"):
        Comparison("year", "FALSE", (Level("same", "a_l = a_r", 0.5, 0.5),))


NAMES = Feature("names", "[1::UBIGINT]", pa.list_(pa.uint64()))
TOLD = Comparison(
    "names",
    "len(names_l) = 0",
    (
        Level("in common", "telling(names_l, names_r) >= 7", 0.5, 0.1),
        Level("none", "ELSE", 0.5, 0.9),
    ),
)


def model_of(*comparisons, **more):
    blocking = (BlockingRule("all", "['']", "[]"),)
    return MatchSpec("film", (NAMES,), blocking, comparisons, **more)


def test_a_list_that_is_asked_what_it_tells_is_declared_to_tell():
    # The low bits of its hashes would count as what its names tell.
    with pytest.raises(ValueError, match="film: names are asked what they tell"):
        model_of(TOLD)


def test_a_veto_asks_no_list_what_it_tells():
    # It sees the lists as the records have them.
    veto = Veto("strangers", "telling(l.names, r.names) = 0", "Nobody took part in both.")
    with pytest.raises(ValueError, match="veto strangers"):
        model_of(replace(TOLD, levels=TOLD.levels[1:]), vetoes=(veto,))


def with_crews(kind):
    return any(one.name == "crew" for one in MODELS[kind].comparisons)


@pytest.mark.parametrize("kind", [kind for kind in MODELS if with_crews(kind)])
def test_rare_names_in_common_tell_the_same_whatever_their_hashes_are(kind):
    # In each of sixteen works one or two people whom no other names.
    rows = [
        film(source, str(n), f"Story {n}", 1950 + n)
        | {
            "entity_type": kind,
            "credits": [
                {"name": name, "person_id": None, "role": "actor", "character": None, "position": 1}
                for name in (
                    *(f"{given} {chr(97 + n) * 4}son" for given in ("Abel", "Otto")[: 1 + n % 2]),
                    *(f"{given}{source} {chr(97 + n) * 4}ov" for given in ("Ines", "Juri", "Karl")),
                )
            ],
        }
        for n in range(16)
        for source in "ab"
    ]
    spec = MODELS[kind]
    con = world(spec, rows)
    settings = json.loads(trained(con, spec)["settings"])
    con.execute(
        "CREATE TABLE pair AS SELECT 'a:' || n AS record_l, 'b:' || n AS record_r, '' AS rule "
        "FROM range(16) AS one(n)"
    )
    scored = score_pairs(con, spec, settings, "pair", "record", "counted_term").to_arrow_table()
    place = [one.name for one in spec.comparisons].index("crew")
    found = {(int(one["record_l"][2:]) % 2, one["levels"][place]) for one in scored.to_pylist()}
    # Of four levels, counted from below: as telling as one of two works, and as two.
    assert found == {(0, 2), (1, 3)}


OF_A_SHIP = "A captain without a harbour follows the whale that took his ship across four oceans."
OF_A_TOWN = "Three sisters in a garrison town dream of Moscow while the soldiers around them leave."


@pytest.mark.parametrize("nothing", [None, [], [None]])
@pytest.mark.parametrize("kind", [kind for kind in MODELS if kind != "person"])
def test_lists_that_one_or_both_lack_are_missing_and_not_different(kind, nothing):
    full = {"countries": ["FR"], "languages": ["fr"], "description": OF_A_SHIP}
    lacking = {"countries": nothing, "languages": nothing, "description": None}
    rows = [
        {"entity_type": kind, "source": source, "source_id": "1", "name": "Some Thing"} | given
        for source, given in (("a", lacking), ("b", lacking), ("c", full))
    ]
    compared = [one.name for one in MODELS[kind].comparisons]
    for other in ("b:1", "c:1"):
        levels = dict(zip(compared, score(kind, rows, "a:1", other)["levels"], strict=True))
        del levels["title"]
        assert {name: level for name, level in levels.items() if level != -1} == {}


def test_people_of_whom_only_the_name_is_known_differ_in_nothing_else():
    rows = [
        {"entity_type": "person", "source": source, "source_id": "1", "name": "Ann Lee"}
        for source in "ab"
    ]
    compared = [one.name for one in MODELS["person"].comparisons]
    levels = dict(zip(compared, score("person", rows, "a:1", "b:1")["levels"], strict=True))
    assert [name for name, level in levels.items() if level != -1] == ["name"]


def episode(source, source_id, name, season, number, **more):
    return {
        "entity_type": "episode",
        "source": source,
        "source_id": source_id,
        "name": name,
        "season": season,
        "episode": number,
        "parent_name": "The Wire",
    } | more


def test_an_episode_is_known_by_series_and_number_whatever_its_title():
    rows = [episode("a", "1", "Episode 3", 1, 3), episode("b", "1", "The Buys", 1, 3)]
    assert joined("episode", rows, "a:1", "b:1")


@pytest.mark.parametrize("other", [(1, 4), (2, 3)])
def test_another_number_is_another_episode_though_both_are_called_pilot(other):
    rows = [episode("a", "1", "Pilot", 1, 3), episode("b", "1", "Pilot", *other)]
    assert score("episode", rows, "a:1", "b:1")["veto"] == "number_differs"


def test_generic_titles_carry_no_weight():
    rows = [episode("a", "1", "Episode 1", 1, 1), episode("b", "1", "Episode 1", 1, 1)]
    levels = score("episode", rows, "a:1", "b:1")["levels"]
    names = [one.name for one in MODELS["episode"].comparisons]
    assert levels[names.index("title")] == -1


def people(*films):
    return [*films, *people_of(films)]


def test_a_rare_name_in_two_works_is_one_person():
    rows = people(
        film("a", "1", "One", 2001, ["Apichatpong Weerasethakul"], countries=["TH"]),
        film("b", "2", "Two", 2004, ["Weerasethakul Apichatpong"], countries=["TH"]),
    )
    assert joined("person", rows, "a:1/apichatpong weerasethakul", "b:2/weerasethakul apichatpong")


def test_a_common_name_in_careers_far_apart_is_two_people():
    others = [
        film("c", str(n), f"Film {n}", 1980, [f"John Name{n}", f"Name{n} Smith"])
        for n in range(300)
    ]
    rows = people(
        film("a", "1", "One", 1945, ["John Smith"], countries=["US"]),
        film("b", "2", "Two", 2010, ["John Smith"], countries=["AU"]),
        *others,
    )
    assert not joined("person", rows, "a:1/john smith", "b:2/john smith")


def test_the_sole_directors_of_one_film_are_one_person_though_spelt_differently():
    rows = people(
        film("a", "1", "One", 1990, ["Abbas Kiarostami"]),
        film("b", "2", "Eins", 1990, ["Abas Kiyarustemi"]),
    )
    members = [
        {"entity_id": "film:x", "entity_type": "film", "source": source, "source_id": one}
        for source, one in (("a", "1"), ("b", "2"))
    ]
    ends = ("a:1/abbas kiarostami", "b:2/abas kiyarustemi")
    assert joined("person", rows, *ends, members=members)
    assert not joined("person", rows, *ends)


@pytest.mark.parametrize("other", ["Robert Downey", "Robert Downey Sr."])
def test_father_and_son_are_kept_apart(other):
    rows = people(
        film("a", "1", "One", 1990, ["Robert Downey Jr."]), film("a", "2", "Two", 1991, [other])
    )
    found = score("person", rows, "a:1/robert downey jr.", f"a:2/{other.lower()}")
    assert found["veto"] == "suffix_differs"


def test_two_names_in_the_credits_of_one_work_are_two_people():
    spec = MODELS["person"]
    con = world(spec, people(film("a", "1", "One", 1990, ["Joel Coen", "Ethan Coen"])))
    con.execute(
        "CREATE TABLE pair AS SELECT 'a:1/ethan coen' AS record_l, 'a:1/joel coen' AS record_r"
    )
    assert veto_pairs(con, spec, "pair", "record").fetchall() == [
        ("a:1/ethan coen", "a:1/joel coen", "told_apart_by_source")
    ]


def test_a_book_is_known_by_title_and_author():
    rows = [
        {
            "entity_type": "book",
            "source": source,
            "source_id": "1",
            "name": name,
            "year": year,
            "credits": [{"name": author, "role": "author"}],
        }
        for source, name, year, author in (
            ("a", "The Tin Drum", 1959, "Günter Grass"),
            ("b", "Tin Drum, The", 1961, "Grass, Gunter"),
        )
    ]
    assert joined("book", rows, "a:1", "b:1")


def two_told(kind, names, texts, **more):
    return [
        {"entity_type": kind, "source": source, "source_id": "1", "name": name, "description": text}
        | more
        for source, name, text in zip("ab", names, texts, strict=True)
    ]


@pytest.mark.parametrize("kind", ["book", "play", "comic", "game"])
def test_one_text_joins_a_work_of_an_author_under_two_titles(kind):
    author = {"credits": [{"name": "Ida Brandt", "role": "author"}]}
    names = ("The White Whale", "Leviathan")
    assert joined(kind, two_told(kind, names, (OF_A_SHIP, OF_A_SHIP), **author), "a:1", "b:1")
    for texts in ((OF_A_SHIP, OF_A_TOWN), (OF_A_SHIP, None), (None, None)):
        assert not joined(kind, two_told(kind, names, texts, **author), "a:1", "b:1")


@pytest.mark.parametrize("kind", ["event", "organisation", "franchise", "character"])
def test_things_of_one_name_are_two_where_texts_tell_of_different_ones(kind):
    names = ("Leviathan", "Leviathan")
    assert not joined(kind, two_told(kind, names, (OF_A_SHIP, OF_A_TOWN)), "a:1", "b:1")
    for texts in ((OF_A_SHIP, OF_A_SHIP), (OF_A_SHIP, None), (None, None)):
        assert joined(kind, two_told(kind, names, texts), "a:1", "b:1")


def test_a_work_of_one_title_author_and_year_is_one_in_whatever_words_it_is_told():
    known = {"year": 1930, "credits": [{"name": "Ida Brandt", "role": "author"}]}
    rows = two_told("book", ("Leviathan", "Leviathan"), (OF_A_SHIP, OF_A_TOWN), **known)
    assert joined("book", rows, "a:1", "b:1")
