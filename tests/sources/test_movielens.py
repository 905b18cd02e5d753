"""MovieLens: titles with year, article and other names in one text, and links."""

from __future__ import annotations

from pathlib import Path

import pytest

from kg_assets.sources.tables import QUARANTINED_BLOBS, SOURCE_RECORDS
from tests.sources.deliveries import Stage


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path / "home")


def run(stage: Stage, movies: str, **others: str) -> dict[str, dict]:
    files = {f"{name}.csv": text for name, text in others.items()}
    stage.deliver_files("movielens", {"movies.csv": "movieId,title,genres\n" + movies, **files})
    stage.run("movielens|d")
    return {row["source_id"]: row for row in stage.rows(SOURCE_RECORDS)}


TITLES = {
    "Toy Story (1995)": ("Toy Story", None, 1995),
    "Matrix, The (1999)": ("The Matrix", None, 1999),
    "City of Lost Children, The (Cité des enfants perdus, La) (1995)": (
        "The City of Lost Children",
        ["La Cité des enfants perdus"],
        1995,
    ),
    "Seven (a.k.a. Se7en) (1995)": ("Seven", ["Se7en"], 1995),
    "Shanghai Triad (Yao a yao yao dao waipo qiao) (Shanghai) (1995)": (
        "Shanghai Triad",
        ["Yao a yao yao dao waipo qiao", "Shanghai"],
        1995,
    ),
    "Avventura, L' (1960)": ("L'Avventura", None, 1960),
    "Good, the Bad and the Ugly, The (1966) ": ("The Good, the Bad and the Ugly", None, 1966),
    "Fawlty Towers (1975-1979)": ("Fawlty Towers", None, 1975),
    "Black Mirror (2011– )": ("Black Mirror", None, 2011),
    "2001 (1968)": ("2001", None, 1968),
    "Ready Player One": ("Ready Player One", None, None),
    "(500) Days of Summer (2009)": ("(500) Days of Summer", None, 2009),
    "(Untitled) (2009)": ("(Untitled)", None, 2009),
}


def test_a_title_is_taken_apart(stage):
    rows = "".join(f'{number},"{title}",Drama\n' for number, title in enumerate(TITLES))
    records = run(stage, rows)
    found = {
        title: tuple(records[str(number)][name] for name in ("name", "alternate_names", "year"))
        for number, title in enumerate(TITLES)
    }
    assert found == TITLES


def test_links_give_ids_and_genres_are_a_list(stage):
    records = run(
        stage,
        "1,Toy Story (1995),Adventure|Children\n2,Up (2009),(no genres listed)\n"
        "3,It (2017),Horror\n",
        links="movieId,imdbId,tmdbId\n1,0114709,862\n2,1049413,\n9,1,2\n",
        ratings="userId,movieId,rating,timestamp\n1,1,4.0,964982703\n",
    )
    assert records["1"]["external_ids"] == [("imdb", "tt0114709"), ("tmdb", "862")]
    assert records["1"]["genres"] == ["adventure", "children"]
    assert records["2"]["external_ids"] == [("imdb", "tt1049413")]
    assert records["2"]["genres"] is None
    assert not records["3"]["external_ids"]
    [orphan] = stage.rows(QUARANTINED_BLOBS)
    assert "movieId 9 has no readable row in movies.csv" in orphan["reason"]
    assert (stage.figures["joined"], stage.figures["skipped"]) == (2, 1)


def test_ids_are_read_in_every_way_in_which_they_are_written(stage):
    written = {
        "0114709,862": [("imdb", "tt0114709"), ("tmdb", "862")],
        "114709,862.0": [("imdb", "tt0114709"), ("tmdb", "862")],
        "tt0114709, 862 ": [("imdb", "tt0114709"), ("tmdb", "862")],
        "12345678,": [("imdb", "tt12345678")],
        ",862": [("tmdb", "862")],
        "0000000,0": [],
        "none,x": [],
    }
    movies = "".join(f"{place},Film {place} (1999),Drama\n" for place in range(len(written)))
    links = "".join(f"{place},{row}\n" for place, row in enumerate(written))
    records = run(stage, movies, links="movieId,imdbId,tmdbId\n" + links)
    found = {row: records[str(place)]["external_ids"] for place, row in enumerate(written)}
    assert found == written


def test_a_byte_order_mark_and_line_ends_of_windows_are_no_data(stage):
    files = {
        "movies.csv": '\ufeffmovieId,title,genres\r\n1,"It, ""that"" (2001)",Drama|War\r\n',
        "links.csv": "\ufeffmovieId,imdbId,tmdbId\r\n1,0114709,862\r\n",
    }
    stage.deliver_files("movielens", files)
    stage.run("movielens|d")
    [film] = stage.rows(SOURCE_RECORDS)
    assert (film["name"], film["genres"]) == ('It, "that"', ["drama", "war"])
    assert film["external_ids"] == [("imdb", "tt0114709"), ("tmdb", "862")]


def test_of_two_rows_of_links_the_first_counts_whole(stage):
    records = run(
        stage,
        "1,Up (2009),Drama\n",
        links="movieId,imdbId,tmdbId\n1,1049413,862\n1,0000007,99\n1,2,\n",
    )
    assert records["1"]["external_ids"] == [("imdb", "tt1049413"), ("tmdb", "862")]
