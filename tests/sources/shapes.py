"""Blobs of every shape that an adapter reads: each source, each of its files, each kind of row."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from kg_assets.sources.adapter import Input
from kg_assets.sources.registry import adapter_for
from kg_assets.sources.wikidata import ADAPTER as WIKIDATA
from kg_assets.sources.wikidata_fields import ALIAS_LANGUAGES, ENGLISH, NAME_LANGUAGES, QUALIFIERS
from tests.sources.test_tmdb import COLLECTION, FILM, PERSON, SEASON, SERIES
from tests.sources.wikidata_entities import amount, entity, item, phrase, statement, text
from tests.sources.wikidata_entities import time as moment

Row = dict[str, Any]
World = Mapping[str, list[Row]]
"""Rows by the name of their file."""


@dataclass(frozen=True)
class Shape:
    """Blobs of one kind, in the format of their source.

    Attributes:
        source: The source.
        input: The input of its adapter that reads them; empty for texts.
        file: The file that they lie in.
        samples: What makes a blob, and rows of the same or other files that it belongs to. All ids
            begin with the number that is given, which is eight digits long.
        kind: The kind of the blobs, where the input has kinds.
        opening: What opens the array of which they are elements; else each is a line.
        deletes: Whether they are read in deliveries that delete alone.
    """

    source: str
    input: str
    file: str
    samples: tuple[Callable[[int], World], ...]
    kind: str = ""
    opening: bytes = b""
    deletes: bool = False

    @property
    def read(self) -> Input:
        """The input that reads the blobs."""
        return adapter_for(self.source).input(self.input)

    @property
    def fields(self) -> pa.DataType:
        """What is read of a blob."""
        read = self.read
        return pa.struct(list(read.kinds[self.kind] if self.kind else read.fields))


def write(folder: Path, file: str, blobs: list[bytes], shape: Shape, header: Row) -> Path:
    """Write blobs as a file of their source has them; cells stand below the names of a header."""
    path = folder / file
    lines = b"".join(blob + b"\n" for blob in blobs)
    if file == shape.file and shape.opening:
        lines = shape.opening + b",\n".join(blobs) + b"\n]\n"
    elif file.endswith((".tsv", ".csv")):
        lines = as_blob(file, {name: name for name in header}) + b"\n" + lines
    path.write_bytes(lines)
    return path


def write_database(path: Path, rows: list[Row]) -> Path:
    """Write the database of films of the demo."""
    path.unlink(missing_ok=True)
    names = list(rows[0])
    with sqlite3.connect(path) as con:
        con.execute(f"CREATE TABLE omdb ({', '.join(names)})")
        con.executemany(
            f"INSERT INTO omdb VALUES ({', '.join('?' * len(names))})",  # noqa: S608 - our own
            [[row.get(name) for name in names] for row in rows],
        )
    con.close()
    return path


def as_blob(file: str, row: Row) -> bytes:
    """A row as it stands in a file of this name, without a line end."""
    if file.endswith(".tsv"):
        return "\t".join(r"\N" if cell is None else str(cell) for cell in row.values()).encode()
    if file.endswith(".csv"):
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow(row.values())
        return line.getvalue().encode()
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode()


def _one(file: str, **fields: Any) -> Callable[[int], World]:
    return lambda n: {file: [{name: _numbered(value, n) for name, value in fields.items()}]}


def _numbered(value: Any, n: int) -> Any:
    """The value with the number in place of each ``#``."""
    if isinstance(value, str):
        return value.replace("#", str(n))
    if isinstance(value, dict):
        return {key: _numbered(inner, n) for key, inner in value.items()}
    return [_numbered(inner, n) for inner in value] if isinstance(value, list) else value


CREDIT = {"name": "Ann Lee", "person_id": "#7", "role": "actor", "character": "Maria"}
RELATION = {"relation": "based_on", "source_id": "#2", "entity_type": "book", "name": "It"}
CANONICAL: Row = {
    "entity_type": "film",
    "source_id": "#1",
    "name": "Il Gattopardo",
    "alternate_names": ["The Leopard"],
    "year": 1963,
    "end_year": 1964,
    "date": "1963-03-27",
    "runtime_minutes": 186.5,
    "season": 1,
    "episode": 2,
    "parent_id": "#3",
    "parent_name": "Leopards",
    "genres": ["drama"],
    "countries": ["Italy", "FR"],
    "languages": ["it"],
    "credits": [{**CREDIT, "position": 1}],
    "relations": [RELATION],
    "professions": ["actor"],
    "birth_year": 1900,
    "death_year": 1990,
    "external_ids": {"imdb": "tt0057091"},
    "rating": 7.5,
    "votes": 3,
    "description": "A prince grows old.",
    "url": "https://example.org/1",
}
TEXT = {
    "document_id": "essay-#",
    "title": "The Leopard, again",
    "text": "It is based on a novel.",
    "language": "en",
    "about": [{"entity_type": "film", "source_id": "#1"}],
}


def _imdb(n: int) -> World:
    return {
        "title.basics.tsv": [
            {
                "tconst": f"tt{n}",
                "titleType": "movie",
                "primaryTitle": "The Leopard",
                "originalTitle": "Il Gattopardo",
                "isAdult": "1",
                "startYear": "1963",
                "endYear": "1964",
                "runtimeMinutes": "186",
                "genres": "Drama,History",
            }
        ],
        "name.basics.tsv": [
            {
                "nconst": f"nm{n}",
                "primaryName": "Luchino Visconti",
                "birthYear": "1906",
                "deathYear": "1976",
                "primaryProfession": "director,writer",
                "knownForTitles": f"tt{n}",
            }
        ],
        "title.akas.tsv": [
            {"titleId": f"tt{n}", "ordering": place, "title": title}
            for place, title in (("1", "Leopardi"), ("2", "Le Guépard"))
        ],
        "title.crew.tsv": [{"tconst": f"tt{n}", "directors": f"nm{n}6", "writers": f"nm{n}7"}],
        "title.episode.tsv": [
            {
                "tconst": f"tt{n}",
                "parentTconst": f"tt{n}5",
                "seasonNumber": "1",
                "episodeNumber": "2",
            }
        ],
        "title.principals.tsv": [
            {
                "tconst": f"tt{n}",
                "ordering": "1",
                "nconst": f"nm{n}8",
                "category": "writer",
                "job": "novel",
                "characters": None,
            },
            {
                "tconst": f"tt{n}",
                "ordering": "2",
                "nconst": f"nm{n}9",
                "category": "actor",
                "job": None,
                "characters": '["Prince Don Fabrizio"]',
            },
        ],
        "title.ratings.tsv": [{"tconst": f"tt{n}", "averageRating": "7.9", "numVotes": "28000"}],
    }


def _movielens(n: int) -> World:
    movie = {"movieId": n, "title": "Matrix, The (1999)", "genres": "Action|Sci-Fi"}
    return {
        "movies.csv": [movie],
        "links.csv": [{"movieId": n, "imdbId": "0133093", "tmdbId": "603"}],
    }


TRANSLATED = [
    {"iso_639_1": "it", "data": {"overview": "Un principe.", "title": "Gattopardo", "name": "Pa"}},
    {"iso_639_1": "en", "data": {"overview": "A prince.", "biography": "He was.", "name": "Mi"}},
]


def _tmdb(record: Row, **others: Any) -> Callable[[int], World]:
    def make(n: int) -> World:
        made = {**record, "id": n, **_numbered(others, n)}
        if "belongs_to_collection" in made:
            made["belongs_to_collection"] = {"id": int(f"{n}9"), "name": "Leopards"}
        if "parts" in made:
            made["parts"] = [
                {**part, "id": int(f"{n}{at}")} for at, part in enumerate(made["parts"])
            ]
        for holder in (made, *(made[name] for name in made if name.startswith("season/"))):
            if "episodes" in holder:
                holder["episodes"] = [
                    {**one, "id": int(f"{n}{at}"), "show_id": int(f"{n}8")}
                    for at, one in enumerate(holder["episodes"], 1)
                ]
        return {"answers.jsonl": [made]}

    return make


_CAST = {"id": 6, "name": "Marita Breuer", "character": "Maria", "order": 0}
_CREW = {"id": 5, "name": "Di Wu", "job": "Producer"}
_CREDITS = {"cast": [_CAST], "crew": [_CREW]}
_RATED = {"vote_average": 7.5, "vote_count": 9}
_COUNTRIES = [{"iso_3166_1": "BE"}]
_EPISODE = {**SEASON["episodes"][0], **_RATED}
_UNTOLD = {"translations": {"translations": TRANSLATED}}
_IDS = {"imdb_id": "tt0087400", "wikidata_id": "Q2", "tvdb_id": 77}
_SEASONS = {"season/1": {"episodes": [_EPISODE], "credits": _CREDITS}}
_SEASONS_APART = {"season/1": {"episodes": [_EPISODE]}, "season/1/credits": _CREDITS}
TMDB: Mapping[str, tuple[Callable[[int], World], ...]] = {
    "film": (
        _tmdb(
            FILM,
            adult=True,
            success=True,
            **_RATED,
            external_ids=_IDS,
            origin_country=["BE"],
        ),
        _tmdb(FILM, overview="", external_ids=_IDS, imdb_id=None, **_UNTOLD),
        # Of some films nothing but the original title is there.
        _tmdb({"original_title": "Up"}),
    ),
    "series": (
        _tmdb(
            SERIES,
            adult=True,
            success=True,
            **_RATED,
            genres=[{"name": "Drama"}],
            overview="A village.",
            spoken_languages=[{"iso_639_1": "fr"}],
            production_countries=_COUNTRIES,
            external_ids=_IDS,
            **_SEASONS,
        ),
        _tmdb(SERIES, aggregate_credits={}, credits=_CREDITS, **_UNTOLD, **_SEASONS_APART),
        _tmdb({"name": "Heimat", "number_of_seasons": 1}),
    ),
    "season": (
        _tmdb(SEASON, success=True, episodes=[_EPISODE], credits=_CREDITS),
        _tmdb({"season_number": 1, "episodes": [{"name": "One", "episode_number": 1}]}),
    ),
    "collection": (
        _tmdb(
            COLLECTION,
            success=True,
            parts=[{"title": "Up"}, {"name": "It", "media_type": "tv"}],
        ),
        _tmdb(COLLECTION, overview="", **_UNTOLD),
    ),
    "person": (
        _tmdb(PERSON, success=True, external_ids=_IDS),
        _tmdb(PERSON, imdb_id=None, biography="", external_ids=_IDS, **_UNTOLD),
        _tmdb({"name": "Ann Lee", "known_for_department": "Acting"}),
    ),
    "error": (
        _one("answers.jsonl", success=False, status_message="Not found."),
        _one("answers.jsonl", success=False),
    ),
}


def _claim(name: str, kind: pa.DataType, n: int, without: tuple[str, ...]) -> Row:
    """A statement of a property, of the type that is read of it, without some qualifiers."""
    own = int(name[1:])
    value = kind.value_type.field("mainsnak").type.field("datavalue").type.field("value").type
    if value == pa.string():
        return text(f"x{own}")
    parts = {field.name for field in value}
    if parts == {"id"}:
        qualifiers: dict[str, Row] = {}
        if name in QUALIFIERS:
            written = {"P1545": text("7"), "P453": item(f"Q{n}453"), "P4633": text("Mary")}
            qualifiers = {key: written[key] for key in QUALIFIERS[name] if key not in without}
        if name in ("P179", "P4908"):
            qualifiers["P1545"] = text("3" if name == "P179" else "4")
        if name == "P179":
            qualifiers |= {"P155": item(f"Q{n}1155"), "P156": item(f"Q{n}1156")}
        return statement(name, item(f"Q{n}{own}"), **qualifiers)
    if parts == {"time", "precision"}:
        return moment(f"+19{own % 90 + 10}-03-27T00:00:00Z")
    if parts == {"amount", "unit"}:
        return amount("+186", "Q7727")
    return phrase(f"Il Gattopardo {own}", "it")


_CLAIMS = {
    field.name: field.type for field in WIKIDATA.input("entities").fields.field("claims").type
}
_IN_OTHERS = ("P297", "P218", "P220")
"""Codes, which are read of countries and languages that something refers to."""


def _wikidata(kind: str, *without: str, **given: Any) -> Callable[[int], World]:
    def make(n: int) -> World:
        claims = {
            name: _claim(name, declared, n, without)
            for name, declared in _CLAIMS.items()
            if name not in (*without, *_IN_OTHERS)
        }
        claims["P31"] = item(kind)
        named = given.get("labels", {"en": "The Leopard"})
        main = entity(
            f"Q{n}", named, aliases=given.get("aliases"), description="1963 film", **claims
        )
        others = [
            entity(f"Q{n}495", "Italy", P297=text("IT")),
            entity(f"Q{n}364", "Italian", P218=text("it"), P220=text("ita")),
            entity(f"Q{n}407", "Napolitan", P220=text("nap")),
            entity(f"Q{n}136", "war film"),
            entity(f"Q{n}106", "conductor"),
            entity(f"Q{n}453", "Maria"),
            entity(f"Q{n}4908", "Season", P179=statement("P179", item(f"Q{n}5"), P1545=text("2"))),
            entity(f"Q{n}57", "Luchino Visconti") | {"redirects": {"from": f"Q{n}58"}},
        ]
        return {"dump.jsonl": [main, *others]}

    return make


def _named(*labels: str, aliases: tuple[str, ...] = ()) -> Callable[[int], World]:
    return lambda n: {
        "dump.jsonl": [
            entity(
                f"Q{n}",
                {language: f"Name in {language}" for language in labels},
                aliases={language: [f"Also in {language}"] for language in aliases},
                P31=item("Q11424"),
            )
        ]
    }


def _described(language: str) -> Callable[[int], World]:
    described = {language: {"language": language, "value": "A film"}}
    return lambda n: {
        "dump.jsonl": [entity(f"Q{n}", "Up", P31=item("Q11424")) | {"descriptions": described}]
    }


WIKIDATA_SAMPLES = (
    _wikidata("Q11424"),
    _wikidata("Q11424", "P179", "P577", "P453"),
    _wikidata("Q5398426", "P580", "P577"),
    _wikidata("Q5398426"),
    _wikidata("Q21191270"),
    _wikidata("Q21191270", "P179", "P4908"),
    _wikidata("Q5"),
    _wikidata("Q43229"),
    _wikidata("Q11424", "P364", "P8345"),
    *(_named(language) for language in NAME_LANGUAGES),
    _named(aliases=ALIAS_LANGUAGES),
    *(_described(language) for language in ENGLISH),
)

SHAPES: tuple[Shape, ...] = (
    Shape("mine", "blobs", "a.jsonl", (_one("a.jsonl", **CANONICAL),)),
    Shape("mine", "", "documents.jsonl", (_one("documents.jsonl", **TEXT),)),
    Shape("inferred", "blobs", "records.json", (_one("records.json", **CANONICAL),), opening=b"["),
    Shape("wikidata", "entities", "dump.jsonl", WIKIDATA_SAMPLES, opening=b"[\n"),
    Shape(
        "wikidata_films",
        "blobs",
        "movies.db",
        (
            lambda n: {
                "movies.db": [
                    {
                        "ID": n,
                        "imdbID": "tt1",
                        "Title": "Up",
                        "Year": 2009,
                        "Runtime": 90.0,
                        "Genre": "Drama",
                        "Released": "2009-05-13",
                        "Director": "Ann Lee",
                        "Writer": "Bo Li",
                        "Cast": "Cy Mo",
                        "Language": "English",
                        "Country": "France",
                    }
                ]
            },
        ),
    ),
    Shape(
        "cannes_films",
        "blobs",
        "films.csv",
        (
            _one(
                "films.csv",
                year="1946",
                title="Lovers, The",
                original_title="Amanti in fuga",
                director="Giacomo Gentilomo",
                languages="it",
                countries_of_origin="IT",
                run_time="1h 30m",
                imdb_url="https://imdb.com/tt1/",
            ),
        ),
    ),
    *(
        Shape("imdb", name, file, (_imdb,))
        for name, file in (
            ("titles", "title.basics.tsv"),
            ("names", "name.basics.tsv"),
            ("akas", "title.akas.tsv"),
            ("crew", "title.crew.tsv"),
            ("episodes", "title.episode.tsv"),
            ("principals", "title.principals.tsv"),
            ("ratings", "title.ratings.tsv"),
        )
    ),
    *(
        Shape("tmdb", "responses", "answers.jsonl", samples, kind=kind)
        for kind, samples in TMDB.items()
    ),
    *(
        Shape(
            "tmdb",
            "exports",
            f"{file}_ids_11_25_2026.json",
            (lambda n, file=file, name=name: _listed(f"{file}_ids_11_25_2026.json", n, name),),
            deletes=True,
        )
        for file, name in (
            ("movie", "original_title"),
            ("tv_series", "original_name"),
            ("person", "name"),
            ("collection", "name"),
        )
    ),
    Shape("movielens", "movies", "movies.csv", (_movielens,)),
    Shape("movielens", "links", "links.csv", (_movielens,)),
)
"""All shapes; of a source without an adapter, ``mine``, canonical records and texts."""


def _listed(file: str, n: int, name: str) -> World:
    return {file: [{"adult": False, "id": n, name: "Il Gattopardo", "popularity": 1.5}]}
