"""The source tmdb: answers of TMDB's API as they are stored, and its daily exports of ids."""

# ruff: noqa: S608 - what is put into the statement is declared here.

from __future__ import annotations

import pyarrow as pa

from kg_assets.sources.adapter import Adapter, Input, Rhythm
from kg_assets.sources.expectations import Bound, Expectation, Fill
from kg_assets.sources.fields import json_structure, together
from kg_assets.sources.tmdb_fields import APART, CREDITS, EPISODES, EXPORT_FIELDS, KINDS
from kg_assets.sources.tmdb_values import (
    DEPARTMENT,
    GENRES,
    IDS,
    LANGUAGES,
    NAME,
    OTHER_NAMES,
    RATING,
    SERIES_CREDITS,
    TRANSLATED_NAMES,
    credits_of,
    day,
    description,
    episode_credits,
    year,
)

_EPISODES = json_structure(EPISODES)
_KIND = """
    CASE
        WHEN status_message IS NOT NULL OR NOT success THEN 'error'
        WHEN episodes IS NOT NULL THEN 'season'
        WHEN parts IS NOT NULL THEN 'collection'
        WHEN title IS NOT NULL OR original_title IS NOT NULL THEN 'film'
        WHEN coalesce(known_for_department, birthday, biography) IS NOT NULL
          OR also_known_as IS NOT NULL
        THEN 'person'
        WHEN original_name IS NOT NULL
          OR first_air_date IS NOT NULL
          OR number_of_seasons IS NOT NULL
        THEN 'series'
    END
"""


def _episode(parent: str, parent_name: str) -> str:
    """SQL for the columns of an episode, which stands in ``part``, and its season beside it."""
    return f"""
               'episode' AS entity_type,
               part.id::VARCHAR AS source_id,
               part.name AS name,
               {year("part.air_date")} AS year,
               {day("part.air_date")} AS date,
               plausible_minutes(part.runtime) AS runtime_minutes,
               coalesce(part.season_number, season_number) AS season,
               part.episode_number AS episode,
               {parent} AS parent_id,
               {parent_name} AS parent_name,
               {episode_credits("part", "season_credits")} AS credits,
               MAP {{'tmdb': part.id::VARCHAR}} AS external_ids,
               {RATING.format("part.")},
               nullif(part.overview, '') AS description"""


SELECT = f"""
    WITH kinds AS (
        SELECT *, {_KIND} AS kind
        FROM responses
    ),
    works AS (
        SELECT file, "table", position, sha256,
               kind AS entity_type,
               id::VARCHAR AS source_id,
               {NAME} AS name,
               {OTHER_NAMES} AS alternate_names,
               {year("coalesce(release_date, first_air_date)")} AS year,
               CASE
                   WHEN kind = 'series' AND status IN ('Ended', 'Canceled')
                   THEN {year("last_air_date")}
               END AS end_year,
               {day("coalesce(release_date, first_air_date)")} AS date,
               plausible_minutes(coalesce(runtime, episode_run_time[1])) AS runtime_minutes,
               nullif(belongs_to_collection.id, 0)::VARCHAR AS parent_id,
               nullif(belongs_to_collection.name, '') AS parent_name,
               {GENRES} AS genres,
               first_of_each(list_concat(
                   origin_country,
                   list_transform(production_countries, lambda one: one.iso_3166_1)
               )) AS countries,
               {LANGUAGES} AS languages,
               CASE
                   WHEN kind = 'series' THEN {SERIES_CREDITS}
                   ELSE {credits_of("credits.cast", "credits.crew")}
               END AS credits,
               {IDS} AS external_ids,
               {RATING.format("")},
               {description("overview", "original_language", "'en'")} AS description,
               'https://www.themoviedb.org/'
               || CASE WHEN kind = 'series' THEN 'tv/' ELSE 'movie/' END || id AS url
        FROM kinds
        WHERE kind IN ('film', 'series')
    ),
    people AS (
        SELECT file, "table", position, sha256,
               'person' AS entity_type,
               id::VARCHAR AS source_id,
               name,
               other_names(list_concat(also_known_as, {TRANSLATED_NAMES}), name)
                   AS alternate_names,
               CASE
                   WHEN known_for_department <> '' THEN [{DEPARTMENT}]
               END AS professions,
               {year("birthday")} AS birth_year,
               {year("deathday")} AS death_year,
               {IDS} AS external_ids,
               {description("biography", "'en'")} AS description,
               'https://www.themoviedb.org/person/' || id AS url
        FROM kinds
        WHERE kind = 'person'
    ),
    episode_rows AS (
        SELECT file, "table", position, sha256,
               season_number,
               credits AS season_credits,
               unnest(episodes) AS part,
               generate_subscripts(episodes, 1)::INTEGER AS item
        FROM kinds
        WHERE kind = 'season'
    ),
    told_episodes AS (
        SELECT file, "table", position, sha256, item,
               {_episode("part.show_id::VARCHAR", "NULL::VARCHAR")}
        FROM episode_rows
    ),
    -- Seasons that were appended to the answer to a series stand in fields of their own, whose
    -- names have the number: "season/1". How many there are no schema can say.
    with_seasons AS (
        SELECT raw.file, raw."table", raw.position, raw.sha256, kinds.id, kinds.name,
               TRY(decode(raw.blob)) AS text
        FROM kinds
        JOIN raw
          ON raw.file = kinds.file
         AND raw."table" IS NOT DISTINCT FROM kinds."table"
         AND raw.position = kinds.position
        WHERE kind = 'series'
          -- Blobs that were refused stand in raw as well, some of them no text.
          AND contains(TRY(decode(raw.blob)), '"season/')
    ),
    appended_seasons AS (
        SELECT with_seasons.* EXCLUDE (text),
               season.key AS season_key,
               TRY_CAST(split_part(season.key, '/', 2) AS INTEGER) AS season_number,
               -- Their credits are appended with them, or beside them: "season/1/credits".
               json_transform(
                   coalesce(
                       season.value->'credits',
                       json_extract(text, '$."' || season.key || '/credits"')
                   ),
                   '{json_structure(CREDITS)}'
               ) AS season_credits,
               unnest(json_transform(season.value->'episodes', '{_EPISODES}')) AS part,
               generate_subscripts(
                   json_transform(season.value->'episodes', '{_EPISODES}'), 1
               ) AS place
        FROM with_seasons,
             json_each(CASE WHEN json_valid(text) THEN text END) AS season
        WHERE regexp_full_match(season.key, 'season/\\d+')
    ),
    appended_episodes AS (
        SELECT file, "table", position, sha256,
               row_number() OVER (
                   PARTITION BY file, "table", position
                   ORDER BY part.season_number, part.episode_number, part.id, season_key, place
               )::INTEGER AS item,
               {_episode("coalesce(part.show_id, id)::VARCHAR", "name")}
        FROM appended_seasons
        -- What the answer to a season says of its episodes goes before.
        WHERE part.id::VARCHAR NOT IN (
            SELECT source_id FROM told_episodes WHERE source_id IS NOT NULL
        )
           OR part.id IS NULL
    ),
    -- A film names its collection, and a collection its films. What the collection says of itself
    -- goes before; else the first film that names it stands for it.
    franchises AS (
        SELECT file, "table", position, sha256,
               'franchise' AS entity_type,
               id::VARCHAR AS source_id,
               name,
               other_names({TRANSLATED_NAMES}, name) AS alternate_names,
               list_transform(parts, lambda one: {{
                   'relation': 'franchise_includes',
                   'source_id': one.id::VARCHAR,
                   'entity_type': CASE one.media_type WHEN 'tv' THEN 'series' ELSE 'film' END,
                   'name': coalesce(one.title, one.name)
               }}) AS relations,
               {description("overview", "'en'")} AS description,
               'https://www.themoviedb.org/collection/' || id AS url
        FROM kinds
        WHERE kind = 'collection'
    ),
    named_franchises AS (
        SELECT file, "table", position, sha256,
               2 AS item,
               'franchise' AS entity_type,
               belongs_to_collection.id::VARCHAR AS source_id,
               belongs_to_collection.name AS name,
               'https://www.themoviedb.org/collection/' || belongs_to_collection.id AS url
        FROM kinds
        WHERE kind = 'film'
          AND belongs_to_collection.id <> 0
          AND belongs_to_collection.id::VARCHAR NOT IN (
              SELECT source_id FROM franchises WHERE source_id IS NOT NULL
          )
          AND NOT getvariable('is_deletion')
        QUALIFY row_number() OVER (
            PARTITION BY belongs_to_collection.id
            ORDER BY file, "table" NULLS FIRST, position
        ) = 1
    ),
    others AS (
        SELECT file, "table", position, sha256,
               CASE
                   WHEN kind = 'error'
                   THEN 'TMDB answered with an error: '
                        || coalesce(left(status_message, 120), 'no message')
                   WHEN kind = 'season' THEN 'a season without episodes holds no record'
                   ELSE 'by its fields this is no movie, tv, season, person or collection of TMDB'
               END AS problem
        FROM kinds
        WHERE kind IS NULL
           OR kind = 'error'
           OR kind = 'season' AND len(episodes) = 0
    ),
    listed AS (
        SELECT file, "table", position, sha256,
               CASE
                   WHEN starts_with(lower(file), 'movie_ids_') THEN 'film'
                   WHEN starts_with(lower(file), 'tv_series_ids_') THEN 'series'
                   WHEN starts_with(lower(file), 'person_ids_') THEN 'person'
                   ELSE 'franchise'
               END AS entity_type,
               id::VARCHAR AS source_id,
               coalesce(original_title, original_name, name) AS name
        FROM exports
    )
    SELECT * FROM works
    UNION ALL BY NAME SELECT * FROM people
    UNION ALL BY NAME SELECT * FROM told_episodes
    UNION ALL BY NAME SELECT * FROM appended_episodes
    UNION ALL BY NAME SELECT * FROM franchises
    UNION ALL BY NAME SELECT * FROM named_franchises
    UNION ALL BY NAME SELECT * FROM others
    UNION ALL BY NAME SELECT * FROM listed
"""

ADAPTER = Adapter(
    source="tmdb",
    title="TMDB: answers of its API (movie, tv, season, person, collection), daily id exports",
    licence="TMDB API terms: non-commercial use, attribution to TMDB required",
    homepage="https://developer.themoviedb.org/docs",
    fields=pa.schema([]),
    inputs=(
        # They are lines, whatever their names say. They list which ids there are and say next to
        # nothing of each: a record of it would take the place of what the API told.
        Input(
            "exports",
            tuple(f"{kind}_ids_*" for kind in ("movie", "tv_series", "person", "collection")),
            EXPORT_FIELDS,
            cut="lines",
            only_deletes=True,
        ),
        Input("responses", ("*",), together(KINDS.values()), kind=_KIND, kinds=KINDS, apart=APART),
    ),
    ignores=("keyword_ids_*", "tv_network_ids_*", "production_company_ids_*"),
    select=SELECT,
    # Anybody may enter a person once more.
    duplicate_free={
        "film": True,
        "series": True,
        "episode": True,
        "franchise": True,
        "person": False,
    },
    rank=15,
    rhythm=Rhythm(1.5, "TMDB exports its ids each day; half a day more to ask for what changed"),
    # Numbers have no minimum: TMDB publishes no dump of its answers, so a full delivery is what
    # somebody chose to fetch. They have a maximum, several times the lines of the daily exports,
    # which list every id: about a million films, two hundred thousand series and a few million
    # people. Every film has a language, which TMDB demands of who enters it. Few films are in a
    # collection, and not all series have ended.
    expects={
        "film": Expectation(
            records=Bound(usual=1, most=5_000_000),
            filled=(
                Fill("year", Bound(least=0.5, usual=0.8)),
                Fill("languages", Bound(least=0.8, usual=0.99)),
                Fill("credits", Bound(usual=0.5)),
                Fill("description", Bound(usual=0.5)),
                Fill("parent_id", Bound(most=0.6)),
            ),
            inputs=("responses",),
        ),
        "series": Expectation(
            records=Bound(most=1_000_000),
            filled=(
                Fill("year", Bound(least=0.5, usual=0.8)),
                Fill("end_year", Bound(most=0.95)),
            ),
            inputs=("responses",),
        ),
        "episode": Expectation(
            records=Bound(most=50_000_000),
            filled=(
                Fill("season", Bound(least=0.99)),
                Fill("episode", Bound(least=0.99)),
                Fill("parent_id", Bound(least=0.5, usual=0.99)),
            ),
            inputs=("responses",),
        ),
        "person": Expectation(
            records=Bound(most=20_000_000),
            filled=(Fill("professions", Bound(usual=0.5)),),
            inputs=("responses",),
        ),
        "franchise": Expectation(records=Bound(most=100_000), inputs=("responses",)),
    },
)
"""What kind an answer is tells its fields; a season holds a record for each episode, wherever it
stands."""
