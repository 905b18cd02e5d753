"""TMDB's answers: the kind is told by the fields, and one blob may hold several records."""

from __future__ import annotations

import datetime
import gzip
import json
from pathlib import Path

import pytest

from kg_assets.sources.tables import QUARANTINED_BLOBS, SOURCE_RECORDS
from tests.sources.deliveries import Stage

FILM = {
    "adult": False,
    "belongs_to_collection": {"id": 9, "name": "Leopard Collection", "poster_path": None},
    "genres": [{"id": 18, "name": "Drama"}],
    "homepage": "",
    "id": 1040,
    "imdb_id": "tt0057091",
    "origin_country": ["IT"],
    "original_language": "it",
    "original_title": "Il Gattopardo",
    "overview": "A prince grows old.",
    "popularity": 12.5,
    "production_countries": [
        {"iso_3166_1": "IT", "name": "Italy"},
        {"iso_3166_1": "FR", "name": "France"},
    ],
    "release_date": "1963-03-27",
    "runtime": 186,
    "spoken_languages": [
        {"english_name": "Italian", "iso_639_1": "it", "name": "Italiano"},
        {"english_name": "No Language", "iso_639_1": "xx", "name": ""},
        {"english_name": "Cantonese", "iso_639_1": "cn", "name": ""},
    ],
    "status": "Released",
    "title": "The Leopard",
    "video": False,
    "credits": {
        "cast": [
            {"id": 13784, "name": "Burt Lancaster", "character": "Don Fabrizio", "order": 0},
            {"id": 4959, "name": "Claudia Cardinale", "character": "", "order": 1},
        ],
        "crew": [
            {"id": 15127, "name": "Luchino Visconti", "department": "Directing", "job": "Director"},
            {"id": 2, "name": "Ann Lee", "department": "Writing", "job": "Screenplay"},
            {"id": 3, "name": "Bo Li", "department": "Writing", "job": "Novel"},
            {"id": 4, "name": "Nino Rota", "department": "Sound", "job": "Original Music Composer"},
        ],
    },
    "external_ids": {"imdb_id": "tt0057091", "wikidata_id": "Q221820", "facebook_id": None},
    "alternative_titles": {
        "titles": [{"iso_3166_1": "FR", "title": "Le Guépard", "type": ""}],
    },
    "translations": {
        "translations": [
            {
                "iso_639_1": "de",
                "name": "Deutsch",
                "data": {"title": "Der Leopard", "overview": ""},
            },
            {"iso_639_1": "en", "name": "English", "data": {"title": "", "overview": ""}},
        ]
    },
}
SERIES = {
    "id": 1399,
    "name": "Heimat",
    "original_name": "Heimat – Eine deutsche Chronik",
    "first_air_date": "1984-09-16",
    "last_air_date": "1984-10-24",
    "status": "Ended",
    "in_production": False,
    "number_of_episodes": 11,
    "number_of_seasons": 1,
    "episode_run_time": [85],
    "origin_country": ["DE"],
    "original_language": "de",
    "genres": [],
    "created_by": [{"id": 5, "name": "Edgar Reitz", "credit_id": "x"}],
    "alternative_titles": {"results": [{"iso_3166_1": "GB", "title": "Homeland", "type": ""}]},
    "translations": {
        "translations": [{"iso_639_1": "fr", "data": {"name": "Patrie", "overview": ""}}]
    },
    "external_ids": {"imdb_id": "tt0087400", "tvdb_id": 77, "wikidata_id": ""},
    "aggregate_credits": {
        "cast": [
            {
                "id": 6,
                "name": "Marita Breuer",
                "order": 0,
                "roles": [{"character": "Maria", "episode_count": 9}, {"character": "Lucie"}],
            }
        ],
        "crew": [
            {"id": 5, "name": "Edgar Reitz", "jobs": [{"job": "Director"}, {"job": "Writer"}]}
        ],
    },
}
SEASON = {
    "_id": "5256c89f19c2956ff6046d47",
    "air_date": "1984-09-16",
    "name": "Season 1",
    "id": 3624,
    "season_number": 1,
    "episodes": [
        {
            "id": 71,
            "name": "Fernweh",
            "overview": "A son comes home.",
            "air_date": "1984-09-16",
            "runtime": 119,
            "season_number": 1,
            "episode_number": 1,
            "show_id": 1399,
            "crew": [{"id": 5, "name": "Edgar Reitz", "job": "Director"}],
            "guest_stars": [{"id": 8, "name": "Cy Mo", "character": "Apollonia", "order": 500}],
        },
        {"id": 72, "name": "", "season_number": 1, "episode_number": 2, "show_id": 1399},
        {"id": 73, "name": "", "season_number": 1, "episode_number": 3, "show_id": 1399},
    ],
}
PERSON = {
    "id": 15127,
    "name": "Luchino Visconti",
    "also_known_as": ["Лукино Висконти", "Luchino Visconti"],
    "biography": "An Italian director.",
    "birthday": "1906-11-02",
    "deathday": "1976-03-17",
    "known_for_department": "Directing",
    "imdb_id": "nm0899581",
    "external_ids": {"imdb_id": "nm0899581", "wikidata_id": "Q55411"},
}
COLLECTION = {"id": 9, "name": "The Leopards", "overview": "All.", "parts": [{"id": 1040}]}


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path / "home")


def run(stage: Stage, *answers: dict, manifest: str = "{}", **exports: bytes) -> dict:
    """Deliver answers as JSON lines and exports; return the records by type and id."""
    files: dict = {f"{name}.json.gz": data for name, data in exports.items()}
    if answers:
        files["answers.jsonl"] = "".join(json.dumps(answer) + "\n" for answer in answers)
    stage.deliver_files("tmdb", {**files, "delivery.json": manifest})
    stage.run("tmdb|d")
    return {(row["entity_type"], row["source_id"]): row for row in stage.rows(SOURCE_RECORDS)}


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """Records of an answer of each kind."""
    stage = Stage(tmp_path_factory.mktemp("tmdb") / "home")
    return run(stage, FILM, SERIES, SEASON, PERSON)


def credits(record: dict) -> list[tuple]:
    return [
        (credit["role"], credit["name"], credit["character"], credit["position"])
        for credit in record["credits"]
    ]


def test_a_film_with_all_that_can_be_appended(everything):
    film = everything["film", "1040"]
    assert (film["name"], film["year"], film["date"]) == (
        "The Leopard",
        1963,
        datetime.date(1963, 3, 27),
    )
    assert film["runtime_minutes"] == 186
    assert film["alternate_names"] == ["Il Gattopardo", "Le Guépard", "Der Leopard"]
    assert (film["genres"], film["countries"]) == (["drama"], ["IT", "FR"])
    assert film["languages"] == ["it", "yue"]
    assert film["description"] == "A prince grows old."
    assert film["external_ids"] == [
        ("imdb", "tt0057091"),
        ("tmdb", "1040"),
        ("wikidata", "Q221820"),
    ]
    assert credits(film) == [
        ("actor", "Burt Lancaster", "Don Fabrizio", 1),
        ("actor", "Claudia Cardinale", None, 2),
        ("director", "Luchino Visconti", None, None),
        ("writer", "Ann Lee", None, None),
        ("novel", "Bo Li", None, None),
        ("composer", "Nino Rota", None, None),
    ]
    assert film["credits"][0]["person_id"] == "13784"


def test_the_collection_of_a_film_is_a_franchise_and_its_parent(stage):
    records = run(stage, FILM, {**FILM, "id": 2, "title": "The Leopard 2"})
    franchise = records["franchise", "9"]
    assert franchise["name"] == "Leopard Collection"
    assert franchise["position"] == 0
    for number in ("1040", "2"):
        film = records["film", number]
        assert (film["parent_id"], film["parent_name"]) == ("9", "Leopard Collection")
    assert (stage.figures["read"], stage.figures["kept"], stage.figures["records"]) == (2, 2, 3)


def test_what_a_collection_says_of_itself_goes_before_what_a_film_says(stage):
    assert run(stage, FILM, COLLECTION)["franchise", "9"]["name"] == "The Leopards"


def test_a_series(everything):
    series = everything["series", "1399"]
    assert (series["name"], series["year"], series["end_year"]) == ("Heimat", 1984, 1984)
    assert series["alternate_names"] == ["Heimat – Eine deutsche Chronik", "Homeland", "Patrie"]
    assert series["runtime_minutes"] == 85
    assert dict(series["external_ids"]) == {"imdb": "tt0087400", "tmdb": "1399", "tvdb": "77"}
    assert credits(series) == [
        ("creator", "Edgar Reitz", None, None),
        ("actor", "Marita Breuer", "Maria / Lucie", 1),
        ("director", "Edgar Reitz", None, None),
        ("writer", "Edgar Reitz", None, None),
    ]


def test_a_series_that_goes_on_has_no_end(stage):
    running = run(stage, {**SERIES, "status": "Returning Series"})["series", "1399"]
    assert running["end_year"] is None


def test_a_season_holds_a_record_for_each_episode(stage):
    records = run(
        stage,
        {
            **SEASON,
            "episodes": [
                SEASON["episodes"][0],
                {**SEASON["episodes"][1], "name": "The Middle of the World"},
            ],
        },
    )
    first, second = records["episode", "71"], records["episode", "72"]
    assert (first["season"], first["episode"], first["parent_id"]) == (1, 1, "1399")
    assert first["runtime_minutes"] == 119
    assert credits(first) == [
        ("actor", "Cy Mo", "Apollonia", 501),
        ("director", "Edgar Reitz", None, None),
    ]
    assert second["credits"] is None
    assert first["position"] == second["position"] == 0
    assert (stage.figures["read"], stage.figures["kept"], stage.figures["records"]) == (1, 1, 2)


REGULARS = {
    "cast": [
        {"id": 6, "name": "Marita Breuer", "character": "Maria", "order": 0},
        {"id": 8, "name": "Cy Mo", "character": "", "order": 1},
    ],
    "crew": [
        {"id": 9, "name": "Di Wu", "job": "Producer"},
        {"id": 10, "name": "Eva Fox", "job": "Director"},
    ],
}


def _both(first: dict, second: dict) -> None:
    """The own guests and the own director go before who stands in the season."""
    assert credits(first) == [
        ("actor", "Marita Breuer", "Maria", 1),
        ("actor", "Cy Mo", "Apollonia", 501),
        ("director", "Edgar Reitz", None, None),
        ("producer", "Di Wu", None, None),
    ]
    assert credits(second) == [
        ("actor", "Marita Breuer", "Maria", 1),
        ("actor", "Cy Mo", None, 2),
        ("producer", "Di Wu", None, None),
        ("director", "Eva Fox", None, None),
    ]


def test_who_plays_in_a_whole_season_plays_in_its_episodes(stage):
    one, two, _ = SEASON["episodes"]
    records = run(stage, {**SEASON, "episodes": [one, two | {"name": "Two"}], "credits": REGULARS})
    _both(records["episode", "71"], records["episode", "72"])


@pytest.mark.parametrize("apart", [False, True])
def test_who_plays_in_a_season_that_was_appended_plays_in_its_episodes(stage, apart):
    one, two, _ = SEASON["episodes"]
    season = {"episodes": [one, two | {"name": "Two", "season_number": None}]}
    appended = (
        {"season/1": season, "season/1/credits": REGULARS, "season/2": {"episodes": []}}
        if apart
        else {"season/1": season | {"credits": REGULARS}}
    )
    records = run(stage, SERIES | appended)
    _both(records["episode", "71"], records["episode", "72"])
    assert records["episode", "72"]["season"] == 1


def test_an_episode_without_a_number_of_its_season_has_that_of_the_answer(stage):
    episode = {"id": 71, "name": "One", "episode_number": 1}
    assert run(stage, {**SEASON, "episodes": [episode]})["episode", "71"]["season"] == 1


def _translations(**texts: dict) -> dict:
    found = [{"iso_639_1": language, "data": data} for language, data in texts.items()]
    return {"translations": {"translations": found}}


def test_translated_names_of_a_person_are_alternate_names(stage):
    told = _translations(ru={"name": "Висконти", "biography": "x"}, it={"name": ""})
    person = run(stage, PERSON | told)["person", "15127"]
    assert person["alternate_names"] == ["Лукино Висконти", "Висконти"]
    assert person["description"] == "An Italian director."


def test_translated_names_of_a_collection_are_alternate_names(stage):
    told = _translations(de={"title": "Die Leoparden", "overview": "Alle."})
    franchise = run(stage, COLLECTION | told)["franchise", "9"]
    assert franchise["alternate_names"] == ["Die Leoparden"]
    assert franchise["description"] == "All."


@pytest.mark.parametrize(
    ("languages", "told"),
    [
        (("fr", "en", "it"), "it"),
        (("fr", "en"), "en"),
        (("fr",), None),
        ((), None),
    ],
)
def test_where_a_text_is_empty_its_translation_stands_in(stage, languages, told):
    def texts(name: str) -> dict:
        data = {language: {name: f"in {language}"} for language in languages}
        return _translations(**data, de={name: " "})

    film = FILM | {"overview": "", **texts("overview")}
    series = SERIES | {"overview": None, "original_language": "it", **texts("overview")}
    person = PERSON | {"biography": "", **texts("biography")}
    collection = COLLECTION | {"overview": " ", **texts("overview")}
    records = run(stage, film, series, person, collection)
    for place in (("film", "1040"), ("series", "1399")):
        assert records[place]["description"] == (told and f"in {told}")
    # Of these TMDB names no language of their own.
    for place in (("person", "15127"), ("franchise", "9")):
        assert records[place]["description"] == ("in en" if "en" in languages else None)


def test_who_wrote_what_a_film_is_made_of_is_not_its_writer(stage):
    jobs = ["Novel", "Comic Book", "Graphic Novel", "Theatre Play", "Characters", "Story"]
    crew = [{"id": place, "name": "x", "job": job} for place, job in enumerate(jobs)]
    film = run(stage, FILM | {"credits": {"crew": crew}})["film", "1040"]
    assert [role for role, *_ in credits(film)] == [
        *("novel", "comic", "comic", "play", "characters", "writer")
    ]


def test_of_a_season_each_bad_episode_is_quarantined_by_its_number(stage):
    assert next(iter(run(stage, SEASON))) == ("episode", "71")
    reasons = sorted(row["reason"] for row in stage.rows(QUARANTINED_BLOBS))
    assert reasons == [
        "record 2 of the blob: name is missing or empty",
        "record 3 of the blob: name is missing or empty",
    ]
    assert (stage.figures["kept"], stage.figures["quarantined"]) == (1, 0)


def test_of_an_episode_given_twice_the_others_of_its_season_stay(stage):
    twice = {**SEASON, "episodes": [SEASON["episodes"][0]] * 2}
    records = run(stage, twice)
    assert ("episode", "71") in records
    [row] = stage.rows(QUARANTINED_BLOBS)
    assert "record 2 of the blob: the id episode '71' was given before" in row["reason"]


def test_a_person(everything):
    person = everything["person", "15127"]
    assert (person["birth_year"], person["death_year"]) == (1906, 1976)
    assert person["professions"] == ["director"]
    assert person["alternate_names"] == ["Лукино Висконти"]
    assert dict(person["external_ids"]) == {
        "imdb": "nm0899581",
        "tmdb": "15127",
        "wikidata": "Q55411",
    }


def test_what_is_no_record_is_quarantined_with_the_reason(stage):
    answers = {
        "TMDB answered with an error: Not found.": {
            "success": False,
            "status_code": 34,
            "status_message": "Not found.",
        },
        "by its fields this is no movie, tv, season, person or collection of TMDB": {"page": 1},
        "a season without episodes holds no record": {**SEASON, "episodes": []},
        "source_id is missing or empty; without it the record cannot be told from others": {
            **FILM,
            "id": None,
            "belongs_to_collection": None,
        },
    }
    assert run(stage, *answers.values()) == {}
    rows = sorted(stage.rows(QUARANTINED_BLOBS), key=lambda row: row["position"])
    assert [row["reason"] for row in rows] == list(answers)


def test_a_day_that_is_none_is_null(stage):
    days = ["", None, "soon", "0000-00-00"]
    films = run(
        stage, *({**FILM, "id": place, "release_date": day} for place, day in enumerate(days))
    )
    for place in range(len(days)):
        film = films["film", str(place)]
        assert (film["date"], film["year"]) == (None, None)


def _export(*rows: dict) -> bytes:
    return gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode())


LISTED = {
    "movie_ids_11_25_2026": _export(
        {"adult": False, "id": 1040, "original_title": "Il Gattopardo", "popularity": 1.5}
    ),
    "tv_series_ids_11_25_2026": _export({"id": 1399, "original_name": "Heimat", "popularity": 2}),
    "person_ids_11_25_2026": _export({"adult": False, "id": 15127, "name": "Luchino Visconti"}),
    "keyword_ids_11_25_2026": _export({"id": 1, "name": "sicily"}),
}


def test_a_list_of_ids_makes_no_records(stage):
    assert list(run(stage, PERSON, **LISTED)) == [("person", "15127")]
    assert (stage.figures["read"], stage.figures["skipped"]) == (5, 4)


def test_a_list_of_ids_in_a_deletion_names_what_is_removed(stage):
    records = run(stage, manifest='{"mode": "delete"}', **LISTED)
    assert list(records) == [("film", "1040"), ("person", "15127"), ("series", "1399")]
    assert stage.figures["skipped"] == 1


def test_seasons_that_were_appended_to_a_series_hold_their_episodes(stage):
    first = {
        "id": 71,
        "name": "One",
        "overview": "It begins.",
        "air_date": "1984-09-16",
        "runtime": 118,
        "season_number": 1,
        "episode_number": 1,
        "vote_average": 8.5,
        "vote_count": 12,
        "crew": [{"id": 5, "name": "Edgar Reitz", "job": "Director"}],
        "guest_stars": [{"id": 6, "name": "Ann Lee", "character": "Maria", "order": 0}],
    }
    unnamed = {"id": 72, "name": "", "season_number": 1, "episode_number": 2}
    special = {"id": 70, "name": "Before", "season_number": 0, "episode_number": 1, "show_id": 1399}
    series = SERIES | {
        "season/0": {"_id": "a", "season_number": 0, "episodes": [special]},
        "season/1": {"_id": "b", "season_number": 1, "episodes": [first, unnamed]},
        "season/2": {"_id": "c", "season_number": 2, "episodes": []},
    }
    stage.deliver("tmdb", a__json=json.dumps(series))
    stage.run("tmdb|d")
    kept = {row["source_id"]: row for row in stage.rows(SOURCE_RECORDS)}
    assert kept["70"]["season"] == 0
    episode = kept["71"]
    assert (episode["name"], episode["season"], episode["episode"]) == ("One", 1, 1)
    assert (episode["parent_id"], episode["parent_name"]) == ("1399", "Heimat")
    assert (episode["rating"], episode["votes"]) == (8.5, 12)
    assert [(one["name"], one["role"]) for one in episode["credits"]] == [
        ("Ann Lee", "actor"),
        ("Edgar Reitz", "director"),
    ]
    [refused] = stage.quarantined()
    assert refused["reason"] == "record 3 of the blob: name is missing or empty"
    assert (stage.figures["read"], stage.figures["kept"]) == (1, 1)


def test_the_answer_to_a_season_goes_before_one_that_was_appended(stage):
    appended = {"season_number": 1, "episodes": [SEASON["episodes"][0] | {"name": "Older"}]}
    series = SERIES | {"season/1": appended}
    stage.deliver("tmdb", a__jsonl="\n".join(json.dumps(one) for one in (series, SEASON)))
    stage.run("tmdb|d")
    names = {row["source_id"]: row["name"] for row in stage.rows(SOURCE_RECORDS)}
    assert names[str(SEASON["episodes"][0]["id"])] == SEASON["episodes"][0]["name"]


def test_of_an_episode_appended_several_times_the_first_is_kept(stage):
    first = SEASON["episodes"][0]
    several = [first | {"name": f"Version {n}"} for n in range(30)]
    series = SERIES | {"season/1": {"season_number": 1, "episodes": several}}
    stage.deliver("tmdb", a__json=json.dumps(series))
    stage.run("tmdb|d")
    names = {row["source_id"]: row["name"] for row in stage.rows(SOURCE_RECORDS)}
    assert names[str(first["id"])] == "Version 0"


def test_an_average_of_no_votes_is_no_rating(stage):
    none = FILM | {"vote_average": 0.0, "vote_count": 0}
    some = FILM | {"id": 20, "vote_average": 7.8, "vote_count": 900}
    stage.deliver("tmdb", a__jsonl="\n".join(json.dumps(one) for one in (none, some)))
    stage.run("tmdb|d")
    told = {r["source_id"]: (r["rating"], r["votes"]) for r in stage.rows(SOURCE_RECORDS)}
    assert (told["1040"], told["20"]) == ((None, 0), (7.8, 900))


def test_seasons_are_read_beside_blobs_that_are_no_text(stage):
    appended = {"season_number": 1, "episodes": SEASON["episodes"][:1]}
    good = json.dumps(SERIES | {"season/1": appended}).encode()
    bad = json.dumps(SERIES | {"id": 2, "season/1": appended}).encode()
    stage.deliver("tmdb", a__jsonl=bad.replace(b"Heimat", b"H\xffimat") + b"\n" + good)
    stage.run("tmdb|d")
    assert {row["entity_type"] for row in stage.rows(SOURCE_RECORDS)} >= {"series", "episode"}
    assert len(stage.quarantined()) == 1


def test_a_film_without_a_title_keeps_its_other_names(stage):
    translated = {"translations": [{"data": {"title": "Der Leopard"}}]}
    bare = {"original_title": "Il Gattopardo", "translations": translated}
    films = run(stage, {"id": 1, "title": "", **bare}, {"id": 2, "title": None, **bare})
    for film in (films["film", "1"], films["film", "2"]):
        assert (film["name"], film["alternate_names"]) == ("Il Gattopardo", ["Der Leopard"])


def test_a_film_for_adults_says_so_among_its_genres(stage):
    films = run(
        stage,
        {"id": 1, "title": "Up", "adult": True, "genres": [{"id": 18, "name": "Drama"}]},
        {"id": 2, "title": "It", "adult": False, "genres": []},
        {"id": 3, "title": "If", "adult": None},
    )
    assert [films["film", str(place)]["genres"] for place in (1, 2, 3)] == [
        ["drama", "adult"],
        None,
        None,
    ]


def test_genres_without_a_name_and_given_twice_are_left_out(stage):
    genres = [{"id": 1, "name": None}, {"id": 18, "name": "Drama"}, None, {"name": "Drama"}]
    assert run(stage, {"id": 1, "title": "Up", "genres": genres})["film", "1"]["genres"] == [
        "drama"
    ]


@pytest.mark.parametrize("day", ["1963", "1963-00-00", "1963-03", "1963-02-30"])
def test_of_a_date_that_is_no_day_the_year_is_kept(stage, day):
    records = run(
        stage,
        {"id": 1, "title": "Up", "release_date": day},
        {"id": 2, "original_name": "It", "first_air_date": day, "last_air_date": day}
        | {"status": "Ended"},
        {**PERSON, "birthday": day, "deathday": day},
        {"id": 4, "episodes": [{"id": 71, "name": "One", "air_date": day}]},
    )
    for place in (("film", "1"), ("series", "2"), ("episode", "71")):
        assert (records[place]["year"], records[place]["date"]) == (1963, None)
    assert records["series", "2"]["end_year"] == 1963
    person = records["person", "15127"]
    assert (person["birth_year"], person["death_year"]) == (1963, 1963)


def test_a_credit_of_nobody_is_left_out_and_an_empty_job_is_no_role(stage):
    cast = [None, {"id": None, "name": "", "order": 1}, {"id": 2, "name": None, "character": "C"}]
    crew = [{"id": 3, "name": "Di", "job": ""}]
    film = run(stage, {"id": 1, "title": "Up", "credits": {"cast": cast, "crew": crew}})
    assert credits(film["film", "1"]) == [("actor", None, "C", None), (None, "Di", None, None)]


def test_the_parts_of_an_actor_are_told_once_each(stage):
    roles = [{"character": part} for part in ("", "Maria", None, "Maria", "Lucie")]
    cast = [{"id": 6, "name": "Marita Breuer", "order": 0, "roles": roles}]
    series = run(stage, {**SERIES, "created_by": [], "aggregate_credits": {"cast": cast}})
    assert credits(series["series", "1399"]) == [("actor", "Marita Breuer", "Maria / Lucie", 1)]


def test_where_the_aggregated_credits_are_empty_the_plain_ones_count(stage):
    plain = {"cast": [{"id": 6, "name": "Marita Breuer", "character": "Maria", "order": 0}]}
    empty = {"cast": [], "crew": []}
    series = run(stage, {**SERIES, "created_by": [], "aggregate_credits": empty, "credits": plain})
    assert credits(series["series", "1399"]) == [("actor", "Marita Breuer", "Maria", 1)]


@pytest.mark.parametrize("none", ["", "0", " ", "N/A", None])
def test_what_is_no_id_of_another_system_is_left_out(stage, none):
    others = {"imdb_id": none, "wikidata_id": none, "tvdb_id": 0}
    collection = {"id": 0, "name": ""}
    film = run(
        stage,
        {"id": 1, "title": "Up", "imdb_id": none, "external_ids": others}
        | {"belongs_to_collection": collection},
    )["film", "1"]
    assert film["external_ids"] == [("tmdb", "1")]
    assert (film["parent_id"], film["parent_name"]) == (None, None)
    assert stage.figures["quarantined"] == 0
