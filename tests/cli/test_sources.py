"""`kg sources`: how each source stands, and what an adapter makes of files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kg_assets.cli.landing import land_files
from kg_assets.cli.sources import list_sources
from kg_assets.cli.trial import check_source
from resources.settings import Settings
from tests.sources.deliveries import Stage
from tests.sources.test_imdb import AKAS, BASICS, FILM, tsv


def film(source_id: str, **fields: object) -> str:
    return json.dumps({"entity_type": "film", "source_id": source_id, "name": "x", **fields}) + "\n"


def listed(stage: Stage, capsys: pytest.CaptureFixture[str]) -> dict[str, dict]:
    assert list_sources(stage.settings, json=True) == 0
    return {state["source"]: state for state in json.loads(capsys.readouterr().out)}


def test_a_source_is_listed_with_what_came_and_what_is_current(tmp_path, capsys):
    stage = Stage(tmp_path / "home")
    old = film("1") + film("2") + "{}\n"
    stage.deliver("mine", "a", a__jsonl=old, delivery__json='{"sequence": 1}')
    stage.deliver("mine", "b", a__jsonl=film("3"), delivery__json='{"sequence": 2}')
    stage.deliver(
        "mine", "c", a__jsonl=film("1"), delivery__json='{"sequence": 3, "mode": "delete"}'
    )
    stage.deliver("mine", "d", a__jsonl=film("4"))
    for name in "abc":
        stage.run(f"mine|{name}")
    state = listed(stage, capsys)["mine"]
    assert (state["landed"], state["read"], state["sequence"]) == (4, 3, 3)
    assert state["unread"] == ["d"]
    assert (state["records"], state["quarantined"]) == ({"film": 2}, 1)
    assert state["adapter"] is False
    assert state["last_landed"] and state["last_read"]


def test_every_adapter_is_listed_before_anything_came(tmp_path, capsys):
    states = listed(Stage(tmp_path / "home"), capsys)
    assert {"imdb", "tmdb", "movielens", "wikidata_films"} <= set(states)
    assert "non-commercial" in states["imdb"]["licence"]
    assert (states["imdb"]["landed"], states["imdb"]["last_landed"]) == (0, None)


def test_what_an_adapter_declares_is_listed(tmp_path, capsys):
    states = listed(Stage(tmp_path / "home"), capsys)
    imdb, wikidata = states["imdb"], states["wikidata"]
    assert (imdb["rank"], imdb["duplicate_free"]["film"]) == (10, True)
    assert wikidata["duplicate_free"]["person"] is False
    film = imdb["expects"]["film"]
    assert film["records"] == {"least": 500_000, "usual": 1_500_000, "most": 10_000_000}
    assert film["filled"]["runtime_minutes"] == {"least": 0.2, "usual": 0.4, "most": 0.95}
    assert film["files_of_inputs"] == ["titles"]
    assert wikidata["expects"]["film"]["files_with_all"] == ["*-all.json*"]


def test_the_list_for_people_shows_what_is_declared(tmp_path, capsys):
    assert list_sources(Stage(tmp_path / "home").settings) == 0
    out = capsys.readouterr().out
    for words in ("Free of duplicates", "not person", "10,000,000", "runtime_minutes", "0.95"):
        assert words in out


def test_the_list_for_people_names_what_is_not_read(tmp_path, capsys):
    stage = Stage(tmp_path / "home")
    stage.deliver("mine", "a", a__jsonl=film("1"))
    assert list_sources(stage.settings) == 0
    assert "1 deliveries are landed and not read" in " ".join(capsys.readouterr().out.split())


def checked(tmp_path: Path, capsys, source: str, sample: int = 1_000, **files: str) -> dict:
    """What `kg sources check --json` says of files; two underscores in a name stand for a dot."""
    paths = []
    for name, text in files.items():
        path = tmp_path / name.replace("__", ".")
        path.write_text(text)
        paths.append(path)
    settings = Settings(home=tmp_path / "home", threads=1, memory_limit="300MB")
    check_source(settings, source, paths, sample=sample, json=True)
    assert not (tmp_path / "home").exists()
    return json.loads(capsys.readouterr().out)


def test_a_check_of_canonical_records(tmp_path, capsys):
    text = (
        film("1", year=1999, colour="red", credits=[{"name": "Ann Lee", "billing": 1}])
        + film("2", colour="blue")
        + film("3", year="19x4")
    )
    told = checked(tmp_path, capsys, "mine", a__jsonl=text)
    assert (told["adapter"], told["records"]) == (False, {"film": 2})
    assert told["people_of_credits"] == 1
    assert told["filled"]["film"]["year"] == 0.5
    assert told["examples"]["film"]["source_id"] == "1"
    assert told["unread"] == {"blobs": {"colour": 2, "credits[].billing": 1}}
    [refused] = told["quarantined"]
    assert (refused["stage"], refused["blobs"]) == ("parse", 1)
    assert refused["reason"].startswith("year: expected a whole number")


def test_a_check_shows_what_records_state_of_others(tmp_path, capsys):
    told = [{"relation": "sequel_of", "source_id": "1"}, {"relation": "eats", "name": "Soup"}]
    text = film("1") + film("2", relations=told) + film("3", relations=told[:1])
    assert checked(tmp_path, capsys, "mine", a__jsonl=text)["relations"] == [
        {"relation": "sequel_of", "stated": 2, "found": 2, "is_known": True},
        {"relation": "eats", "stated": 1, "found": 0, "is_known": False},
    ]


def test_a_field_whose_name_is_data_is_read_where_the_adapter_says_so(tmp_path, capsys):
    series = {
        "id": 1,
        "name": "Heimat",
        "original_name": "Heimat",
        "season/7": {
            "name": "Season 7",
            "episodes": [{"id": 7, "name": "One", "still_path": "/x"}],
        },
        "season/7/credits": {"cast": [{"id": 6, "name": "Ann Lee", "gender": 1}]},
        "season/7/images": {"posters": [{"width": 1}]},
        "other/7": 1,
    }
    told = checked(tmp_path, capsys, "tmdb", a__json=json.dumps(series))
    assert told["records"] == {"episode": 1, "series": 1}
    assert told["unread"] == {
        "responses: series": {
            "other/7": 1,
            "season/7.episodes[].still_path": 1,
            "season/7.name": 1,
            "season/7/credits.cast[].gender": 1,
            "season/7/images": 1,
        }
    }


def test_a_field_that_another_kind_of_answer_has_is_not_read_of_this_one(tmp_path, capsys):
    translated = {
        "translations": [{"iso_639_1": "fr", "data": {"name": "Un", "overview": "Texte"}}]
    }
    episode = {"id": 7, "name": "One", "season_number": 1, "episode_number": 1}
    season = {
        "id": 3,
        "name": "Season 1",
        "overview": "A year passes.",
        "season_number": 1,
        "episodes": [episode],
        "credits": {"cast": [{"id": 6, "name": "Ann Lee"}]},
        "external_ids": {"tvdb_id": 55},
        "translations": translated,
    }
    person = {
        "id": 6,
        "name": "Ann Lee",
        "birthday": "1960-01-01",
        "overview": "She acts.",
        "translations": translated,
        "movie_credits": {"cast": [{"id": 8, "title": "Up"}]},
        "combined_credits": {"cast": [{"id": 8, "title": "Up"}]},
    }
    error = {"success": False, "status_message": "Not found.", "status_code": 34}
    lines = "\n".join(json.dumps(one) for one in (season, person, error, {"page": 1}))
    assert checked(tmp_path, capsys, "tmdb", a__jsonl=lines)["unread"] == {
        "responses: error": {"status_code": 1},
        "responses: person": {
            "combined_credits": 1,
            "movie_credits": 1,
            "overview": 1,
            "translations.translations[].data.overview": 1,
        },
        "responses: season": {
            "external_ids": 1,
            "id": 1,
            "name": 1,
            "overview": 1,
            "translations": 1,
        },
    }


def test_columns_of_other_titles_that_are_not_read_are_told(tmp_path, capsys):
    told = checked(
        tmp_path,
        capsys,
        "imdb",
        title__basics__tsv=tsv(BASICS, FILM),
        title__akas__tsv=tsv(AKAS, r"tt1|2|Le Guépard|FR|fr|imdbDisplay|literal title|0"),
    )
    assert told["unread"] == {
        "akas": dict.fromkeys(("attributes", "isOriginalTitle", "language", "region", "types"), 1)
    }


def test_of_a_sample_rows_about_others_are_no_faults(tmp_path, capsys):
    titles = "tconst\ttitleType\tprimaryTitle\n" + "".join(
        f"tt{number}\tmovie\tx\n" for number in range(9)
    )
    crew = "tconst\tdirectors\twriters\n" + "tt8\tnm1\t\\N\n" * 9
    files = {"title__basics__tsv": titles, "title__crew__tsv": crew}
    told = checked(tmp_path, capsys, "imdb", sample=3, **files)
    assert (told["records"], told["outside_of_sample"], told["quarantined"]) == ({"film": 3}, 3, [])
    assert [file["is_whole"] for file in told["files"]] == [False, False]
    told = checked(tmp_path, capsys, "imdb", **files)
    assert (told["records"], told["outside_of_sample"]) == ({"film": 9}, 0)
    assert told["mapping"]["inputs"]["crew"]["adds_to"] == "titles"


def test_a_check_says_which_file_is_missing(tmp_path, capsys):
    told = checked(tmp_path, capsys, "imdb", title__crew__tsv="tconst\tdirectors\ntt1\tnm1\n")
    assert (told["missing"], told["skipped"], told["records"]) == (["titles"], 1, {})


def test_a_check_for_people_shows_fields_and_faults(tmp_path, capsys):
    path = tmp_path / "a.jsonl"
    credits = [{"name": "Ann Lee", "role": "director"}]
    path.write_text(film("1", year=1999, colour="red", credits=credits) + "{}\n")
    settings = Settings(home=tmp_path / "home", threads=1)
    assert check_source(settings, "mine", [path], sample=10) == 0
    out = capsys.readouterr().out
    for words in ("film: 1 records", "1999", "colour", "entity_type is missing"):
        assert words in out
    assert '[{"name": "Ann Lee", "role": "director"}]' in out


def test_of_a_file_of_which_no_record_is_made_nothing_is_said_to_be_read(tmp_path, capsys):
    (path := tmp_path / "a.jsonl").write_text("{}\n")
    assert check_source(Settings(home=tmp_path / "home"), "imdb", [path], sample=10) == 1
    out = capsys.readouterr().out
    assert "No record was made of it" in out
    assert "Every field" not in out


def test_a_delivery_json_that_a_build_would_refuse_is_not_landed(tmp_path, capsys):
    (file := tmp_path / "a.jsonl").write_text(film("1"))
    (manifest := tmp_path / "delivery.json").write_text('{"mode": "delte"}')
    home = Settings(home=tmp_path / "home")
    with pytest.raises(SystemExit) as stopped:
        land_files(home, "mine", [file, manifest], "first")
    assert stopped.value.code == 2
    assert f"{manifest} is not a delivery.json: mode" in capsys.readouterr().err
    assert not home.home.exists()


@pytest.mark.parametrize(
    ("source", "files", "told"),
    [
        ("../x", ["a.jsonl"], "is not allowed as the name of a source"),
        ("mine", ["nothing.jsonl"], "is no file"),
        ("mine", ["a.jsonl", "b/a.jsonl"], "two files are named a.jsonl"),
    ],
)
def test_a_wrong_call_is_told(tmp_path, capsys, source, files, told):
    for name in ("a.jsonl", "b/a.jsonl"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(film("1"))
    paths = [tmp_path / name for name in files]
    assert check_source(Settings(home=tmp_path / "home"), source, paths, sample=1) == 2
    assert told in " ".join(capsys.readouterr().err.split())


def test_where_no_record_was_made_the_exit_code_says_so(tmp_path, capsys):
    path = tmp_path / "a.jsonl"
    path.write_text("{}\n")
    assert check_source(Settings(home=tmp_path / "home"), "mine", [path], sample=1) == 1
    assert "No record was made" in capsys.readouterr().out
