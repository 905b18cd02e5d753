"""What is read of TMDB's answers, for each kind of them, and of its daily exports."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

_TEXT, _ID, _PLACE, _NUMBER = pa.string(), pa.int64(), pa.int32(), pa.float64()


def _struct(**fields: pa.DataType) -> pa.DataType:
    return pa.struct(list(fields.items()))


def _structs(**fields: pa.DataType) -> pa.DataType:
    return pa.list_(_struct(**fields))


def _translated(**data: pa.DataType) -> pa.DataType:
    return _struct(translations=_structs(iso_639_1=_TEXT, data=_struct(**data)))


_TEXTS = pa.list_(_TEXT)
_OTHER_TITLES = _structs(title=_TEXT)
_PERSON = {"id": _ID, "name": _TEXT}
_CAST = _structs(**_PERSON, character=_TEXT, order=_PLACE)
_CREW = _structs(**_PERSON, job=_TEXT)
_RATED = {"vote_average": _NUMBER, "vote_count": _ID}

CREDITS = _struct(cast=_CAST, crew=_CREW)
"""Credits of a film, a series or a season."""

EPISODES = _structs(
    **_PERSON,
    overview=_TEXT,
    air_date=_TEXT,
    runtime=_NUMBER,
    season_number=_PLACE,
    episode_number=_PLACE,
    show_id=_ID,
    **_RATED,
    crew=_CREW,
    guest_stars=_CAST,
)
"""Episodes of a season."""

# They tell an error, which may come in place of any answer.
_ANSWER = {"success": pa.bool_(), "status_message": _TEXT}
_IDS = _struct(imdb_id=_TEXT, wikidata_id=_TEXT, tvdb_id=_ID)
_WORK = {
    **_ANSWER,
    "id": _ID,
    "adult": pa.bool_(),
    "overview": _TEXT,
    **_RATED,
    "original_language": _TEXT,
    "spoken_languages": _structs(iso_639_1=_TEXT),
    "origin_country": _TEXTS,
    "production_countries": _structs(iso_3166_1=_TEXT),
    "genres": _structs(name=_TEXT),
    "credits": CREDITS,
    "external_ids": _IDS,
}

KINDS: Mapping[str, pa.Schema] = {
    "film": pa.schema(
        {
            **_WORK,
            "title": _TEXT,
            "original_title": _TEXT,
            "release_date": _TEXT,
            "runtime": _NUMBER,
            "imdb_id": _TEXT,
            "belongs_to_collection": _struct(**_PERSON),
            "alternative_titles": _struct(titles=_OTHER_TITLES),
            "translations": _translated(title=_TEXT, overview=_TEXT),
        }
    ),
    "series": pa.schema(
        {
            **_WORK,
            "name": _TEXT,
            "original_name": _TEXT,
            "first_air_date": _TEXT,
            "last_air_date": _TEXT,
            "status": _TEXT,
            "episode_run_time": pa.list_(_NUMBER),
            "number_of_seasons": _PLACE,
            "created_by": _structs(**_PERSON),
            "aggregate_credits": _struct(
                cast=_structs(**_PERSON, order=_PLACE, roles=_structs(character=_TEXT)),
                crew=_structs(**_PERSON, jobs=_structs(job=_TEXT)),
            ),
            "alternative_titles": _struct(results=_OTHER_TITLES),
            "translations": _translated(name=_TEXT, overview=_TEXT),
        }
    ),
    # A season is no entity: what is read of it is what its episodes have from it.
    "season": pa.schema(
        {**_ANSWER, "season_number": _PLACE, "episodes": EPISODES, "credits": CREDITS}
    ),
    "collection": pa.schema(
        {
            **_ANSWER,
            **_PERSON,
            "overview": _TEXT,
            "parts": _structs(id=_ID, title=_TEXT, name=_TEXT, media_type=_TEXT),
            "translations": _translated(title=_TEXT, overview=_TEXT),
        }
    ),
    "person": pa.schema(
        {
            **_ANSWER,
            **_PERSON,
            "also_known_as": _TEXTS,
            "birthday": _TEXT,
            "deathday": _TEXT,
            "known_for_department": _TEXT,
            "biography": _TEXT,
            "imdb_id": _TEXT,
            "external_ids": _IDS,
            "translations": _translated(name=_TEXT, biography=_TEXT),
        }
    ),
    "error": pa.schema(_ANSWER),
}
"""Fields of the answers to movie, tv, tv season, collection and person, with what is appended, and
of an error in place of one."""

APART: Mapping[str, pa.DataType] = {
    r"season/\d+": _struct(episodes=EPISODES, credits=CREDITS),
    r"season/\d+/credits": CREDITS,
}
"""Fields whose names have a number: seasons that were appended to the answer to a series."""

EXPORT_FIELDS = pa.schema(
    {"id": _ID, "original_title": _TEXT, "original_name": _TEXT, "name": _TEXT}
)
"""Fields of a line of a daily export of ids; which kind it lists is in the file's name."""
