"""IMDb's files: tab separated without quoting, joined into titles and people."""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from kg_assets.sources.codes import register_codes
from kg_assets.sources.imdb import ADAPTER
from kg_assets.sources.names import register_macros
from kg_assets.sources.selecting import make_rows
from kg_assets.sources.staging import parsed_schema
from kg_assets.sources.tables import QUARANTINED_BLOBS, RAW_BLOBS, SOURCE_RECORDS
from tests.sources.deliveries import Stage

BASICS = (
    "tconst\ttitleType\tprimaryTitle\toriginalTitle\tisAdult\tstartYear\tendYear\t"
    "runtimeMinutes\tgenres"
)
NAMES = "nconst\tprimaryName\tbirthYear\tdeathYear\tprimaryProfession\tknownForTitles"
AKAS = "titleId\tordering\ttitle\tregion\tlanguage\ttypes\tattributes\tisOriginalTitle"
CREW = "tconst\tdirectors\twriters"
EPISODES = "tconst\tparentTconst\tseasonNumber\tepisodeNumber"
PRINCIPALS = "tconst\tordering\tnconst\tcategory\tjob\tcharacters"
RATINGS = "tconst\taverageRating\tnumVotes"


def tsv(header: str, *rows: str) -> str:
    """A file as IMDb writes it; cells of a row are parted by bars here."""
    return "\n".join([header, *(row.replace("|", "\t") for row in rows)]) + "\n"


FILM = r"tt1|movie|The Leopard|Il Gattopardo|0|1963|\N|186|Drama,History"
SERIES = r"tt2|tvMiniSeries|Heimat|Heimat|0|1984|1986|\N|Drama"
EPISODE = r"tt3|tvEpisode|Call of the Sea|Call of the Sea|0|1984|\N|119|\N"


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path / "home")


def run(stage: Stage, **files: str) -> dict[str, dict]:
    """Deliver the files and return the records by id."""
    names = {
        file.replace("_", ".") + ".tsv.gz": gzip.compress(text.encode())
        for file, text in files.items()
    }
    stage.deliver_files("imdb", names)
    stage.run("imdb|d")
    return {row["source_id"]: row for row in stage.rows(SOURCE_RECORDS)}


def credits(record: dict) -> list[tuple]:
    return [
        (credit["role"], credit["name"], credit["character"], credit["position"])
        for credit in record["credits"] or ()
    ]


def test_a_film_with_all_files(stage):
    records = run(
        stage,
        title_basics=tsv(BASICS, FILM),
        title_akas=tsv(
            AKAS,
            r"tt1|1|Il Gattopardo|\N|\N|original|\N|1",
            r"tt1|2|Le Guépard|FR|\N|imdbDisplay|\N|0",
            r"tt1|10|The Leopard|US|en|\N|\N|0",
        ),
        title_crew=tsv(CREW, "tt1|nm1|nm1,nm2"),
        title_principals=tsv(
            PRINCIPALS,
            r'tt1|1|nm3|actor|\N|["Prince Don Fabrizio"]',
            r'tt1|2|nm4|actress|\N|["Angelica","Bertiana"]',
            r"tt1|3|nm1|director|\N|\N",
            r"tt1|4|nm5|production_designer|\N|\N",
        ),
        title_ratings=tsv(RATINGS, "tt1|7.9|28000"),
        name_basics=tsv(
            NAMES,
            "nm1|Luchino Visconti|1906|1976|director,writer|tt1",
            r"nm2|Suso Cecchi d'Amico|1914|2010|writer|\N",
            "nm3|Burt Lancaster|1913|1994|actor,producer|tt1",
            r"nm4|Claudia Cardinale|1938|\N|actress|tt1",
            r"nm5|Mario Garbuglia|\N|\N|production_designer|\N",
        ),
    )
    film = records["tt1"]
    assert (film["entity_type"], film["name"], film["year"]) == ("film", "The Leopard", 1963)
    assert film["runtime_minutes"] == 186
    assert (film["rating"], film["votes"]) == (7.9, 28000)
    assert film["alternate_names"] == ["Il Gattopardo", "Le Guépard"]
    assert film["genres"] == ["drama", "history"]
    assert film["external_ids"] == [("imdb", "tt1")]
    assert credits(film) == [
        ("actor", "Burt Lancaster", "Prince Don Fabrizio", 1),
        ("actor", "Claudia Cardinale", "Angelica / Bertiana", 2),
        ("director", "Luchino Visconti", None, 1),
        ("production designer", "Mario Garbuglia", None, 1),
        ("writer", "Luchino Visconti", None, None),
        ("writer", "Suso Cecchi d'Amico", None, None),
    ]
    assert film["credits"][0]["person_id"] == "nm3"
    assert (film["file"], film["position"]) == ("title.basics.tsv.gz", len(BASICS) + 1)
    visconti = records["nm1"]
    assert (visconti["birth_year"], visconti["death_year"]) == (1906, 1976)
    assert visconti["professions"] == ["director", "writer"]
    assert visconti["file"] == "name.basics.tsv.gz"
    assert (stage.figures["read"], stage.figures["kept"], stage.figures["joined"]) == (15, 6, 9)
    assert stage.figures["people"] == 0


def test_an_episode_knows_its_series_and_its_place(stage):
    records = run(
        stage,
        title_basics=tsv(BASICS, SERIES, EPISODE),
        title_episode=tsv(EPISODES, "tt3|tt2|1|2"),
    )
    series, episode = records["tt2"], records["tt3"]
    assert (series["entity_type"], series["year"], series["end_year"]) == ("series", 1984, 1986)
    assert (episode["entity_type"], episode["season"], episode["episode"]) == ("episode", 1, 2)
    assert (episode["parent_id"], episode["parent_name"]) == ("tt2", "Heimat")


def test_the_titles_alone_are_records(stage):
    records = run(stage, title_basics=tsv(BASICS, FILM))
    assert records["tt1"]["credits"] is None
    assert "missing" not in stage.figures


def test_rows_without_the_file_that_they_add_to_are_skipped_and_it_is_named(stage):
    records = run(
        stage,
        name_basics=tsv(NAMES, r"nm1|Ann Lee|\N|\N|\N|\N"),
        title_akas=tsv(AKAS, r"tt1|1|Up|\N|\N|\N|\N|0", r"tt2|1|It|\N|\N|\N|\N|0"),
    )
    assert list(records) == ["nm1"]
    assert (stage.figures["skipped"], stage.figures["quarantined"]) == (2, 0)
    assert "title.basics" in stage.figures["missing"]


def test_a_row_about_a_title_that_is_not_there_is_quarantined_with_the_id(stage):
    run(
        stage,
        title_basics=tsv(BASICS, FILM),
        title_crew=tsv(CREW, r"tt1|\N|\N", r"tt99|nm1|\N", r"\N|nm1|\N"),
    )
    one, other = sorted(stage.rows(QUARANTINED_BLOBS), key=lambda row: row["position"])
    assert one["reason"].startswith("tconst tt99 has no readable row in title.basics.tsv")
    assert other["reason"] == "tconst is missing"
    assert (stage.figures["joined"], stage.figures["quarantined"]) == (1, 2)


def test_a_work_that_a_person_is_known_for_credits_them_without_a_role(stage):
    records = run(
        stage,
        title_basics=tsv(BASICS, FILM),
        title_principals=tsv(PRINCIPALS, r"tt1|1|nm1|director|\N|\N"),
        name_basics=tsv(
            NAMES, r"nm1|Ann Lee|\N|\N|director|tt1", r"nm2|Bo Li|\N|\N|actor|tt1,tt77"
        ),
    )
    assert credits(records["tt1"]) == [
        ("director", "Ann Lee", None, 1),
        (None, "Bo Li", None, None),
    ]


def test_a_credit_of_someone_whose_name_was_not_delivered_keeps_the_id(stage):
    records = run(
        stage,
        title_basics=tsv(BASICS, FILM),
        title_principals=tsv(PRINCIPALS, r"tt1|1|nm1|self|\N|\N"),
    )
    [credit] = records["tt1"]["credits"]
    assert (credit["person_id"], credit["name"], credit["role"]) == ("nm1", None, "self")
    assert list(records) == ["tt1"]


def test_who_created_a_series_is_its_creator_and_not_its_writer_again(stage):
    records = run(
        stage,
        title_basics=tsv(BASICS, SERIES),
        title_crew=tsv(CREW, r"tt2|\N|nm1"),
        title_principals=tsv(PRINCIPALS, r"tt2|1|nm1|writer|created by|\N"),
    )
    assert credits(records["tt2"]) == [("creator", None, None, 1)]


@pytest.mark.parametrize(
    ("job", "role"),
    [
        ("novel", "novel"),
        ('based on the novel "Il Gattopardo" by', "novel"),
        ("Novel", "novel"),
        ("graphic novel", "comic"),
        ("based on the Marvel comics by", "comic"),
        ("book", "book"),
        ("short story", "short story"),
        ("play", "play"),
        ("based on characters created by", "characters"),
        ("screenplay", "writer"),
        ("novel and screenplay", "writer"),
        ("based on a play written by", "play"),
        ("story", "writer"),
        ("created by", "creator"),
        (r"\N", "writer"),
    ],
)
def test_who_wrote_what_a_title_is_made_of_is_not_its_writer(stage, job, role):
    records = run(
        stage,
        title_basics=tsv(BASICS, FILM),
        title_crew=tsv(CREW, r"tt1|\N|nm1,nm2"),
        title_principals=tsv(PRINCIPALS, rf"tt1|1|nm1|writer|{job}|\N"),
    )
    told = {(one["person_id"], one["role"]) for one in records["tt1"]["credits"]}
    assert told == {("nm1", role), ("nm2", "writer")}


@pytest.mark.parametrize(
    ("title_type", "entity_type"),
    [
        ("movie", "film"),
        ("tvMovie", "film"),
        ("video", "film"),
        ("short", "film"),
        ("tvShort", "film"),
        ("tvSpecial", "film"),
        ("tvPilot", "film"),
        ("tvSeries", "series"),
        ("tvMiniSeries", "series"),
        ("tvEpisode", "episode"),
        ("videoGame", "game"),
    ],
)
def test_each_type_of_title_has_its_entity_type(con, title_type, entity_type):
    [record] = make(con, titles=[{"tconst": "tt1", "titleType": title_type, "primaryTitle": "x"}])
    assert (record["entity_type"], record["problem"]) == (entity_type, None)


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("titleType", "hologram", "titleType hologram is not known"),
        ("titleType", None, "titleType is missing"),
        ("startYear", "19x4", "startYear is not a number: 19x4"),
        ("endYear", "soon", "endYear is not a number: soon"),
    ],
)
def test_a_title_that_cannot_be_read_is_a_problem(con, field, value, problem):
    row = {"tconst": "tt1", "titleType": "movie", "primaryTitle": "x", field: value}
    assert make(con, titles=[row])[0]["problem"] == problem


def test_a_title_for_adults_says_so_among_its_genres(con):
    row = {"tconst": "tt1", "titleType": "movie", "primaryTitle": "x", "isAdult": "1"}
    assert make(con, titles=[row])[0]["genres"] == ["adult"]
    assert make(con, titles=[{**row, "genres": "Adult,Drama"}])[0]["genres"] == ["adult", "drama"]


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("isAdult", "2019", "isAdult is neither 0 nor 1: 2019"),
        ("runtimeMinutes", "Reality-TV", "runtimeMinutes is not a number: Reality-TV"),
    ],
)
def test_a_row_whose_cells_are_shifted_is_a_problem(con, field, value, problem):
    row = {"tconst": "tt1", "titleType": "tvEpisode", "primaryTitle": "x", field: value}
    assert make(con, titles=[row])[0]["problem"] == problem


def test_of_two_ratings_of_a_title_the_first_counts_whole(con):
    ratings = [
        {"tconst": "tt1", "averageRating": "7.9", "numVotes": "10"},
        {"tconst": "tt1", "averageRating": "5.0", "numVotes": "20"},
        {"tconst": "tt1", "averageRating": "9.0", "numVotes": "5"},
    ]
    row = {"tconst": "tt1", "titleType": "movie", "primaryTitle": "x"}
    [film] = make(con, titles=[row], ratings=ratings)
    assert (film["rating"], film["votes"]) == (7.9, 10)


def test_parts_change_nothing(con):
    numbers = range(40)
    given = {
        "titles": [
            {"tconst": f"tt{n}", "titleType": "movie", "primaryTitle": f"x{n}"} for n in numbers
        ],
        "names": [
            {"nconst": f"nm{n}", "primaryName": f"y{n}", "knownForTitles": f"tt{n},tt{n + 1}"}
            for n in numbers
        ],
        "principals": [
            {"tconst": f"tt{n % 30}", "nconst": f"nm{n}", "ordering": str(n), "category": "actor"}
            for n in numbers
        ],
        "akas": [{"titleId": f"tt{n % 7}", "ordering": str(n), "title": f"z{n}"} for n in numbers],
    }
    whole = make(con, **given)
    assert len(whole) == 80
    assert make(con, part_rows=7, **given) == whole


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"threads": 1})
    register_macros(connection)
    register_codes(connection)
    return connection


def make(con: duckdb.DuckDBPyConnection, part_rows: int = 1_000, **rows: list[dict]) -> list[dict]:
    """What the adapter makes of typed rows, by input."""
    for source in ADAPTER.all_inputs:
        placed = [
            {"file": source.name, "position": place, "sha256": "0", **row}
            for place, row in enumerate(rows.get(source.name, ()))
        ]
        table = pa.Table.from_pylist(placed, schema=parsed_schema(source))
        con.register(f"parsed_{source.name}", table)
    con.register("raw", RAW_BLOBS.schema.empty_table())
    with tempfile.TemporaryDirectory() as scratch:
        make_rows(con, ADAPTER, "imdb", Path(scratch), part_rows=part_rows)
        return con.sql("FROM selected ORDER BY file, position").to_arrow_table().to_pylist()


QUOTES = {
    "a quote that opens and does not close": '"Up',
    "quotes around a word": '"Crocodile" Dundee',
    "quotes around all": '"Up"',
    "a backslash": r"AC\DC",
    "a backslash before N inside": r"x\N",
    "a colon, a quote and a null's letters": ':"\\N',
    "a colon and two quotes": 'a:"',
    "a percent sign": "100% Wolf %b %(x)s",
    "a comma": "Good, the Bad",
    "a control character": "a\x07b",
    "another alphabet": "東京物語",
}


def test_a_title_stands_as_it_is_written(stage):
    rows = [
        rf"tt{place}|movie|{title}|{title}|0|\N|\N|\N|\N"
        for place, title in enumerate(QUOTES.values())
    ]
    records = run(stage, title_basics=tsv(BASICS, *rows))
    found = {what: records[f"tt{place}"]["name"] for place, what in enumerate(QUOTES)}
    assert found == QUOTES
    assert {record["year"] for record in records.values()} == {None}


def test_a_row_with_too_few_cells_is_quarantined_and_the_others_are_kept(stage):
    records = run(stage, title_basics=tsv(BASICS, "tt9|movie|Up", FILM))
    assert list(records) == ["tt1"]
    [row] = stage.rows(QUARANTINED_BLOBS)
    assert (row["stage"], row["head"]) == ("blob", r"tt9\u0009movie\u0009Up")
    assert "3 cells and the header 9" in row["reason"]


def test_a_file_that_no_input_reads_is_quarantined(stage):
    stage.deliver_files(
        "imdb", {"title.basics.tsv": tsv(BASICS, FILM), "basics.tsv": tsv(BASICS, FILM)}
    )
    stage.run("imdb|d")
    [row] = stage.rows(QUARANTINED_BLOBS)
    assert row["file"] == "basics.tsv"
    assert "reads no file of this name" in row["reason"]
    assert "title.basics.tsv" in row["reason"]


def test_a_header_with_a_name_twice_makes_every_row_a_problem(stage):
    text = tsv("tconst\ttconst", "tt1|tt2")
    stage.deliver_files("imdb", {"title.crew.tsv": text, "title.basics.tsv": tsv(BASICS, FILM)})
    stage.run("imdb|d")
    header, row = sorted(stage.rows(QUARANTINED_BLOBS), key=lambda row: row["position"])
    assert "two columns are named" in header["reason"]
    assert "the header of the file is wrong" in row["reason"]


def test_a_title_without_a_primary_one_has_its_original_one(stage):
    records = run(stage, title_basics=tsv(BASICS, r"tt1|movie|\N|Il Gattopardo|0|1963|\N|\N|\N"))
    assert records["tt1"]["name"] == "Il Gattopardo"
    assert records["tt1"]["alternate_names"] is None


def test_rows_that_are_there_twice_count_once(stage):
    rows = [r'tt1|1|nm1|actor|\N|["Don Fabrizio"]', r"tt1|2|nm2|director|\N|\N"]
    records = run(
        stage,
        title_basics=tsv(BASICS, FILM),
        title_principals=tsv(PRINCIPALS, *rows, *rows, r'tt1|3|nm1|actor|\N|["The King"]'),
        title_crew=tsv(CREW, "tt1|nm2,nm2|nm3", "tt1|nm2|nm3"),
        name_basics=tsv(NAMES, *[r"nm4|Ann Lee|\N|\N|\N|tt1,tt1"] * 2),
    )
    assert credits(records["tt1"]) == [
        ("actor", None, "Don Fabrizio", 1),
        ("director", None, None, 1),
        ("actor", None, "The King", 2),
        ("writer", None, None, None),
        (None, "Ann Lee", None, None),
    ]


def test_parts_without_a_name_are_no_characters(stage):
    parts = ("[]", '[null,"Zoe"]', '["Dr. \\"Bones\\" McCoy"]', "Rose", '{"a":1}')
    rows = [rf"tt1|{place}|nm{place}|actor|\N|{part}" for place, part in enumerate(parts)]
    records = run(stage, title_basics=tsv(BASICS, FILM), title_principals=tsv(PRINCIPALS, *rows))
    assert [credit["character"] for credit in records["tt1"]["credits"]] == [
        None,
        "Zoe",
        'Dr. "Bones" McCoy',
        "Rose",
        '{"a":1}',
    ]


def test_columns_are_known_by_their_names_whatever_their_order_and_line_ends(stage):
    header = "\ufefftitleType\tgenres\ttconst\tstartYear\tprimaryTitle"
    text = f"{header}\r\nmovie\tDrama\ttt1\t1963\tThe Leopard\r\nmovie\t\\N\ttt2\t\\N\tUp\r\n"
    stage.deliver_files("imdb", {"title.basics.tsv": text})
    stage.run("imdb|d")
    found = [(row["name"], row["year"], row["genres"]) for row in stage.rows(SOURCE_RECORDS)]
    assert found == [("The Leopard", 1963, ["drama"]), ("Up", None, None)]


def test_members_of_a_compressed_file_are_read_one_after_another(stage):
    first = gzip.compress(tsv(BASICS, FILM).encode())
    second = gzip.compress((SERIES.replace("|", "\t") + "\n").encode())
    stage.deliver_files("imdb", {"title.basics.tsv.gz": first + second})
    stage.run("imdb|d")
    assert [row["source_id"] for row in stage.rows(SOURCE_RECORDS)] == ["tt1", "tt2"]
