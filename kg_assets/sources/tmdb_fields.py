"""What is read of TMDB's API responses: the fields of all kinds of response in one row."""

from __future__ import annotations

import pyarrow as pa

_TEXT, _ID, _PLACE, _MINUTES = pa.string(), pa.int64(), pa.int32(), pa.float64()
_SCORE = pa.float64()


def _struct(**fields: pa.DataType) -> pa.DataType:
    return pa.struct(list(fields.items()))


def _structs(**fields: pa.DataType) -> pa.DataType:
    return pa.list_(_struct(**fields))


_TEXTS = pa.list_(_TEXT)
_NAMED = _structs(name=_TEXT)
_PERSON = {"id": _ID, "name": _TEXT}
_CAST = _structs(**_PERSON, character=_TEXT, order=_PLACE)
_CREW = _structs(**_PERSON, job=_TEXT)
_OTHER_TITLES = _structs(title=_TEXT)

RESPONSE_FIELDS = pa.schema(
    {
        "id": _ID,
        # Where there is an error in place of an answer.
        "success": pa.bool_(),
        "status_message": _TEXT,
        # Of films.
        "title": _TEXT,
        "original_title": _TEXT,
        "release_date": _TEXT,
        "runtime": _MINUTES,
        "imdb_id": _TEXT,
        "adult": pa.bool_(),
        "belongs_to_collection": _struct(id=_ID, name=_TEXT),
        # Of series, seasons, collections and people.
        "name": _TEXT,
        "original_name": _TEXT,
        "first_air_date": _TEXT,
        "last_air_date": _TEXT,
        "status": _TEXT,
        "episode_run_time": pa.list_(_MINUTES),
        "number_of_seasons": _PLACE,
        "origin_country": _TEXTS,
        "created_by": _structs(**_PERSON),
        "season_number": _PLACE,
        "episodes": _structs(
            id=_ID,
            name=_TEXT,
            overview=_TEXT,
            air_date=_TEXT,
            runtime=_MINUTES,
            season_number=_PLACE,
            episode_number=_PLACE,
            show_id=_ID,
            vote_average=_SCORE,
            vote_count=_ID,
            crew=_CREW,
            guest_stars=_CAST,
        ),
        "parts": _structs(id=_ID, title=_TEXT, name=_TEXT, media_type=_TEXT),
        "also_known_as": _TEXTS,
        "birthday": _TEXT,
        "deathday": _TEXT,
        "known_for_department": _TEXT,
        "biography": _TEXT,
        # Of several.
        "overview": _TEXT,
        "vote_average": _SCORE,
        "vote_count": _ID,
        "original_language": _TEXT,
        "spoken_languages": _structs(iso_639_1=_TEXT),
        "production_countries": _structs(iso_3166_1=_TEXT),
        "genres": _NAMED,
        "credits": _struct(cast=_CAST, crew=_CREW),
        "aggregate_credits": _struct(
            cast=_structs(**_PERSON, order=_PLACE, roles=_structs(character=_TEXT)),
            crew=_structs(**_PERSON, jobs=_structs(job=_TEXT)),
        ),
        # A film's stand in `titles`, a series' in `results`.
        "alternative_titles": _struct(titles=_OTHER_TITLES, results=_OTHER_TITLES),
        "translations": _struct(
            translations=_structs(data=_struct(title=_TEXT, name=_TEXT)),
        ),
        "external_ids": _struct(imdb_id=_TEXT, wikidata_id=_TEXT, tvdb_id=_ID),
    }
)
"""Fields of the answers to movie, tv, tv season, person and collection, with what is appended."""

EXPORT_FIELDS = pa.schema(
    {"id": _ID, "original_title": _TEXT, "original_name": _TEXT, "name": _TEXT}
)
"""Fields of a line of a daily export of ids; which kind it lists is in the file's name."""
