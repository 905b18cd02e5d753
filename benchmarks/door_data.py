"""Made-up JSON lines for the measurement of the door: canonical records and nested films."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa

from kg_assets.sources.record import RECORD_SCHEMA

CANONICAL_FIELDS = pa.schema([field for field in RECORD_SCHEMA if field.name != "source"])
"""What is read of a canonical record; ``source`` is known from the landing folder."""


def _struct(**fields: pa.DataType) -> pa.DataType:
    return pa.struct(list(fields.items()))


def _structs(**fields: pa.DataType) -> pa.DataType:
    return pa.list_(_struct(**fields))


_TEXT, _WHOLE, _NUMBER, _FLAG = pa.string(), pa.int64(), pa.float64(), pa.bool_()
_PERSON = {
    "adult": _FLAG,
    "gender": pa.int32(),
    "id": _WHOLE,
    "known_for_department": _TEXT,
    "name": _TEXT,
    "original_name": _TEXT,
    "popularity": _NUMBER,
    "profile_path": _TEXT,
    "credit_id": _TEXT,
}
_IMAGES = _structs(
    aspect_ratio=_NUMBER,
    height=pa.int32(),
    iso_639_1=_TEXT,
    file_path=_TEXT,
    vote_average=_NUMBER,
    vote_count=pa.int32(),
    width=pa.int32(),
)
FILM_FIELDS = pa.schema(
    {
        "id": _WHOLE,
        "imdb_id": _TEXT,
        "title": _TEXT,
        "original_title": _TEXT,
        "original_language": _TEXT,
        "release_date": pa.date32(),
        "runtime": _NUMBER,
        "status": _TEXT,
        "tagline": _TEXT,
        "overview": _TEXT,
        "homepage": _TEXT,
        "adult": _FLAG,
        "budget": _WHOLE,
        "revenue": _WHOLE,
        "popularity": _NUMBER,
        "vote_average": _NUMBER,
        "vote_count": pa.int32(),
        "genres": _structs(id=pa.int32(), name=_TEXT),
        "production_companies": _structs(id=_WHOLE, name=_TEXT, origin_country=_TEXT),
        "production_countries": _structs(iso_3166_1=_TEXT, name=_TEXT),
        "spoken_languages": _structs(iso_639_1=_TEXT, name=_TEXT, english_name=_TEXT),
        "credits": _struct(
            cast=_structs(**_PERSON, cast_id=pa.int32(), character=_TEXT, order=pa.int32()),
            crew=_structs(**_PERSON, department=_TEXT, job=_TEXT),
        ),
        "images": _struct(posters=_IMAGES, backdrops=_IMAGES),
        "translations": _struct(
            translations=_structs(
                iso_3166_1=_TEXT,
                iso_639_1=_TEXT,
                name=_TEXT,
                english_name=_TEXT,
                data=_struct(title=_TEXT, overview=_TEXT, tagline=_TEXT, homepage=_TEXT),
            )
        ),
        "external_ids": _struct(imdb_id=_TEXT, wikidata_id=_TEXT, facebook_id=_TEXT),
    }
)
"""What an adapter reads of a nested film that wants its credits, images and translations."""

_WORDS = [
    "river",
    "night",
    "harbour",
    "letter",
    "winter",
    "sister",
    "garden",
    "captain",
    "silence",
    "mirror",
    "stranger",
    "island",
    "morning",
    "bridge",
    "shadow",
    "doctor",
    "promise",
    "train",
    "orchard",
    "thunder",
    "valley",
    "brother",
    "window",
    "market",
    "récit",
    "forêt",
    "façade",
    "naïve",
    "über",
    "Straße",
    "東京",
    "夜の川",
    "человек",
    "море",
]
_FIRST = [
    "Ada",
    "Bruno",
    "Chloé",
    "Dmitri",
    "Elif",
    "Farid",
    "Grete",
    "Hiroshi",
    "Inês",
    "João",
    "Katya",
    "Léa",
    "Mira",
    "Noor",
]
_LAST = [
    "Abbott",
    "Bergström",
    "Costa",
    "Dubois",
    "Eriksen",
    "Ferrari",
    "Göring",
    "Haddad",
    "Ivanova",
    "Jansen",
    "Kim",
]
_GENRES = ["drama", "comedy", "thriller", "documentary", "romance", "war", "crime", "mystery"]
_COUNTRIES = ["FR", "US", "DE", "JP", "IN", "GB", "IT", "BR", "KR", "SE"]
_LANGUAGES = ["fr", "en", "de", "ja", "hi", "it", "pt", "ko", "sv"]


def words(chance: random.Random, number: int) -> str:
    """Returns some words."""
    return " ".join(chance.choices(_WORDS, k=number))


def person_name(chance: random.Random) -> str:
    """Returns a name of two words."""
    return f"{chance.choice(_FIRST)} {chance.choice(_LAST)}"


def canonical_record(number: int, chance: random.Random) -> dict[str, Any]:
    """Returns a canonical film record of 400 to 900 bytes as JSON."""
    roles = ["director", "writer", *["actor"] * chance.randint(1, 4)]
    return {
        "entity_type": "film",
        "source_id": f"Q{number}",
        "name": words(chance, 3).title(),
        "alternate_names": [words(chance, 3) for _ in range(chance.randint(0, 2))],
        "year": chance.randint(1920, 2025),
        "date": f"{chance.randint(1920, 2025)}-{chance.randint(1, 12):02d}-07",
        "runtime_minutes": chance.randint(60, 200),
        "genres": chance.sample(_GENRES, 2),
        "countries": chance.sample(_COUNTRIES, chance.randint(1, 2)),
        "languages": [chance.choice(_LANGUAGES)],
        "credits": [
            {"name": person_name(chance), "role": role, "position": place}
            | ({"character": words(chance, 1)} if role == "actor" else {})
            for place, role in enumerate(roles, start=1)
        ],
        "external_ids": {"imdb": f"tt{number:07d}", "wikidata": f"Q{number}"},
        "description": words(chance, chance.randint(8, 25)),
    }


def _person(chance: random.Random, department: str) -> dict[str, Any]:
    name = person_name(chance)
    return {
        "adult": False,
        "gender": chance.randint(0, 2),
        "id": chance.randint(1, 10**6),
        "known_for_department": department,
        "name": name,
        "original_name": name,
        "popularity": round(chance.random() * 10, 3),
        "profile_path": _path(chance) if chance.random() < 0.7 else None,
        "credit_id": f"{chance.getrandbits(96):024x}",
    }


def _path(chance: random.Random) -> str:
    return f"/{chance.getrandbits(160):027x}.jpg"


def _images(chance: random.Random, width: int, height: int, most: int) -> list[dict[str, Any]]:
    return [
        {
            "aspect_ratio": round(width / height, 3),
            "height": height,
            "iso_639_1": chance.choice(_LANGUAGES) if chance.random() < 0.8 else None,
            "file_path": _path(chance),
            "vote_average": round(chance.random() * 10, 3),
            "vote_count": chance.randint(0, 50),
            "width": width,
        }
        for _ in range(chance.randint(1, most))
    ]


def nested_film(number: int, chance: random.Random) -> dict[str, Any]:
    """Returns a film with credits, images and translations of 5 to 15 KB as JSON."""
    film_id = f"tt{number:07d}"
    return {
        "adult": False,
        "backdrop_path": _path(chance),
        "belongs_to_collection": None,
        "budget": chance.randint(0, 10**8),
        "genres": [{"id": k, "name": name} for k, name in enumerate(chance.sample(_GENRES, 3))],
        "homepage": f"https://example.org/film/{number}",
        "id": number,
        "imdb_id": film_id,
        "original_language": chance.choice(_LANGUAGES),
        "original_title": words(chance, 3),
        "overview": words(chance, 40),
        "popularity": round(chance.random() * 100, 3),
        "poster_path": _path(chance),
        "production_companies": [
            {"id": k, "logo_path": None, "name": words(chance, 2), "origin_country": "US"}
            for k in range(2)
        ],
        "production_countries": [{"iso_3166_1": code, "name": code} for code in ("FR", "DE")],
        "release_date": f"{chance.randint(1920, 2025)}-{chance.randint(1, 12):02d}-07",
        "revenue": chance.randint(0, 10**9),
        "runtime": chance.randint(60, 200),
        "spoken_languages": [
            {"english_name": code.upper(), "iso_639_1": code, "name": code}
            for code in chance.sample(_LANGUAGES, 2)
        ],
        "status": "Released",
        "tagline": words(chance, 6),
        "title": words(chance, 3),
        "video": False,
        "vote_average": round(chance.random() * 10, 1),
        "vote_count": chance.randint(0, 10**4),
        "credits": {
            "cast": [
                _person(chance, "Acting")
                | {"cast_id": place + 1, "character": words(chance, 2), "order": place}
                for place in range(chance.randint(4, 16))
            ],
            "crew": [
                _person(chance, "Production") | {"department": "Production", "job": job}
                for job in ("Director", "Screenplay", "Producer", "Editor", "Sound")
            ],
        },
        "images": {
            "backdrops": _images(chance, 1920, 1080, 6),
            "posters": _images(chance, 2000, 3000, 10),
        },
        "translations": {
            "translations": [
                {
                    "iso_3166_1": code,
                    "iso_639_1": code.lower(),
                    "name": code,
                    "english_name": code,
                    "data": {
                        "homepage": "",
                        "overview": words(chance, 25),
                        "runtime": 0,
                        "tagline": words(chance, 5),
                        "title": words(chance, 3),
                    },
                }
                for code in chance.sample(_COUNTRIES, chance.randint(2, 8))
            ]
        },
        "external_ids": {
            "imdb_id": film_id,
            "wikidata_id": f"Q{number}",
            "facebook_id": None,
            "instagram_id": None,
            "twitter_id": None,
        },
    }


def _spoiled(record: dict[str, Any], kind: int) -> bytes:
    """Returns the record as a line that must be refused, in one of nine ways."""
    line = json.dumps(record, ensure_ascii=False).encode()
    number, text = ("year", "name") if "year" in record else ("runtime", "title")
    whole = "year" if "year" in record else "id"
    if kind == 0:
        return line[: len(line) // 2]
    if kind == 1:
        return json.dumps({**record, number: "19x4"}).encode()
    if kind == 2:
        return json.dumps({**record, text: 7}).encode()
    if kind == 3:
        return line.replace(b'": "', b'": "\xff', 1)
    if kind == 4:
        return line + line
    if kind == 5:
        return json.dumps({**record, text: "\ud800"}).encode()
    if kind == 6:
        return json.dumps({**record, whole: 10**25}).encode()
    if kind == 7:
        return line.removesuffix(b"}") + f', "{text}": "again"}}'.encode()
    return b"<html>503 Service Unavailable</html>"


def write_lines(path: Path, kind: str, megabytes: int, bad_share: float = 0.001) -> int:
    """Writes JSON lines of which some are bad.

    Args:
        path: The file to write.
        kind: ``canonical`` or ``nested``.
        megabytes: About how many million bytes to write.
        bad_share: The share of lines that must be refused.

    Returns:
        How many lines are bad.
    """
    chance = random.Random(7)
    make = canonical_record if kind == "canonical" else nested_film
    written = number = bad = 0
    with path.open("wb", buffering=1 << 20) as out:
        while written < megabytes * 1_000_000:
            record = make(number, chance)
            if chance.random() < bad_share:
                line = _spoiled(record, bad % 9)
                bad += 1
            else:
                line = json.dumps(record, ensure_ascii=False).encode()
            written += out.write(line + b"\n")
            number += 1
    return bad
