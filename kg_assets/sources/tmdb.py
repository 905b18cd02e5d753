"""The source tmdb: answers of TMDB's API as they are stored, and its daily exports of ids."""

# ruff: noqa: S608 - what is put into the statement is declared here.

from __future__ import annotations

import pyarrow as pa

from kg_assets.sources.adapter import Adapter, Input
from kg_assets.sources.expectations import Bound, Expectation, Fill
from kg_assets.sources.tmdb_fields import EXPORT_FIELDS, RESPONSE_FIELDS

_NO_CREDITS = (
    "[]::STRUCT(name VARCHAR, person_id VARCHAR, role VARCHAR, character VARCHAR, "
    "position INTEGER)[]"
)

_ROLE = """
    CASE
        WHEN job IN ('Writer', 'Screenplay', 'Teleplay', 'Story', 'Screenstory', 'Scenario Writer')
        THEN 'writer'
        WHEN job IN ('Original Music Composer', 'Music', 'Composer') THEN 'composer'
        WHEN job = 'Director of Photography' THEN 'cinematographer'
        ELSE lower(job)
    END
"""
"""Role of a job; what stands in it only as a credit of another work (Novel) stays as it is."""

_DEPARTMENT = """
    CASE known_for_department
        WHEN 'Acting' THEN 'actor'
        WHEN 'Directing' THEN 'director'
        WHEN 'Writing' THEN 'writer'
        WHEN 'Production' THEN 'producer'
        WHEN 'Editing' THEN 'editor'
        WHEN 'Camera' THEN 'cinematographer'
        ELSE lower(known_for_department)
    END
"""


def _credit(person: str, role: str, character: str = "NULL", position: str = "NULL") -> str:
    return f"""{{
        'name': {person}.name,
        'person_id': {person}.id::VARCHAR,
        'role': {role},
        'character': {character}::VARCHAR,
        'position': {position}::INTEGER
    }}"""


def _credits(cast: str, crew: str) -> str:
    """SQL for a list of cast and one of crew as credits."""
    actor = _credit("one", "'actor'", "nullif(trim(one.character), '')", "one.order + 1")
    member = _credit("one", _ROLE.replace("job", "one.job"))
    return f"""list_concat(
        coalesce(list_transform({cast}, lambda one: {actor}), {_NO_CREDITS}),
        coalesce(list_transform({crew}, lambda one: {member}), {_NO_CREDITS})
    )"""


# In series each person has several roles, so the aggregated form goes before the plain one.
_SERIES_CREDITS = f"""list_concat(
    coalesce(list_transform(created_by, lambda one: {_credit("one", "'creator'")}), {_NO_CREDITS}),
    CASE
        WHEN aggregate_credits IS NULL THEN {_credits("credits.cast", "credits.crew")}
        ELSE list_concat(
            coalesce(list_transform(aggregate_credits.cast, lambda one: {
    _credit(
        "one",
        "'actor'",
        "nullif(array_to_string("
        "list_transform(one.roles, lambda part: part.character), ' / '), '')",
        "one.order + 1",
    )
}), {_NO_CREDITS}),
            coalesce(flatten(list_transform(aggregate_credits.crew, lambda one: list_transform(
                one.jobs, lambda part: {_credit("one", _ROLE.replace("job", "part.job"))}
            ))), {_NO_CREDITS})
        )
    END
)"""

_OTHER_NAMES = """other_names(list_concat(
    [original_title, original_name],
    list_concat(
        list_concat(
            list_transform(alternative_titles.titles, lambda one: one.title),
            list_transform(alternative_titles.results, lambda one: one.title)
        ),
        list_concat(
            list_transform(
                translations.translations,
                lambda one: coalesce(nullif(one.data.title, ''), one.data.name)
            ),
            also_known_as
        )
    )
), coalesce(title, name))"""

# TMDB writes cn for Cantonese, and xx where nothing is spoken.
_LANGUAGES = """first_of_each(list_filter(
    list_transform(
        list_concat(
            [original_language],
            list_transform(spoken_languages, lambda one: one.iso_639_1)
        ),
        lambda code: CASE WHEN code = 'cn' THEN 'yue' ELSE code END
    ),
    lambda code: code NOT IN ('xx', '')
))"""

_IDS = """map_from_entries(list_filter(
    [
        {'key': 'imdb', 'value': nullif(coalesce(nullif(imdb_id, ''), external_ids.imdb_id), '')},
        {'key': 'tmdb', 'value': id::VARCHAR},
        {'key': 'tvdb', 'value': external_ids.tvdb_id::VARCHAR},
        {'key': 'wikidata', 'value': nullif(external_ids.wikidata_id, '')}
    ],
    lambda entry: entry.value IS NOT NULL
))"""

_EPISODE = (
    '[{"id": "BIGINT", "name": "VARCHAR", "overview": "VARCHAR", "air_date": "VARCHAR", '
    '"runtime": "DOUBLE", "season_number": "INTEGER", "episode_number": "INTEGER", '
    '"show_id": "BIGINT", "vote_average": "DOUBLE", "vote_count": "BIGINT", '
    '"crew": [{"id": "BIGINT", "name": "VARCHAR", "job": "VARCHAR"}], '
    '"guest_stars": [{"id": "BIGINT", "name": "VARCHAR", "character": "VARCHAR", '
    '"order": "INTEGER"}]}]'
)
"""An episode as `json_transform` takes it: what `RESPONSE_FIELDS` has of one."""

# Where nobody voted TMDB gives an average of 0.
_RATING = "CASE WHEN {0}vote_count > 0 THEN {0}vote_average END AS rating, {0}vote_count AS votes"


def _episode(parent: str, parent_name: str) -> str:
    """SQL for the columns of an episode of a season, which stands in ``part``."""
    return f"""
               'episode' AS entity_type,
               part.id::VARCHAR AS source_id,
               part.name AS name,
               year(TRY_CAST(part.air_date AS DATE))::INTEGER AS year,
               TRY_CAST(part.air_date AS DATE) AS date,
               plausible_minutes(part.runtime) AS runtime_minutes,
               part.season_number AS season,
               part.episode_number AS episode,
               {parent} AS parent_id,
               {parent_name} AS parent_name,
               {_credits("part.guest_stars", "part.crew")} AS credits,
               MAP {{'tmdb': part.id::VARCHAR}} AS external_ids,
               {_RATING.format("part.")},
               nullif(part.overview, '') AS description"""


SELECT = f"""
    WITH kinds AS (
        SELECT *,
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
               END AS kind
        FROM responses
    ),
    works AS (
        SELECT file, "table", position, sha256,
               kind AS entity_type,
               id::VARCHAR AS source_id,
               coalesce(nullif(title, ''), nullif(name, ''), original_title, original_name) AS name,
               {_OTHER_NAMES} AS alternate_names,
               year(TRY_CAST(coalesce(release_date, first_air_date) AS DATE))::INTEGER AS year,
               CASE
                   WHEN kind = 'series' AND status IN ('Ended', 'Canceled')
                   THEN year(TRY_CAST(last_air_date AS DATE))::INTEGER
               END AS end_year,
               TRY_CAST(coalesce(release_date, first_air_date) AS DATE) AS date,
               plausible_minutes(coalesce(runtime, episode_run_time[1])) AS runtime_minutes,
               belongs_to_collection.id::VARCHAR AS parent_id,
               belongs_to_collection.name AS parent_name,
               list_transform(genres, lambda one: lower(one.name)) AS genres,
               first_of_each(list_concat(
                   origin_country,
                   list_transform(production_countries, lambda one: one.iso_3166_1)
               )) AS countries,
               {_LANGUAGES} AS languages,
               CASE
                   WHEN kind = 'series' THEN {_SERIES_CREDITS}
                   ELSE {_credits("credits.cast", "credits.crew")}
               END AS credits,
               {_IDS} AS external_ids,
               {_RATING.format("")},
               nullif(overview, '') AS description,
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
               other_names(also_known_as, name) AS alternate_names,
               CASE
                   WHEN known_for_department <> '' THEN [{_DEPARTMENT}]
               END AS professions,
               year(TRY_CAST(birthday AS DATE))::INTEGER AS birth_year,
               year(TRY_CAST(deathday AS DATE))::INTEGER AS death_year,
               {_IDS} AS external_ids,
               nullif(biography, '') AS description,
               'https://www.themoviedb.org/person/' || id AS url
        FROM kinds
        WHERE kind = 'person'
    ),
    episode_rows AS (
        SELECT file, "table", position, sha256,
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
               unnest(json_transform(season.value->'episodes', '{_EPISODE}')) AS part,
               generate_subscripts(
                   json_transform(season.value->'episodes', '{_EPISODE}'), 1
               ) AS place
        FROM with_seasons,
             json_each(CASE WHEN json_valid(text) THEN text END) AS season
        WHERE starts_with(season.key, 'season/')
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
               list_transform(parts, lambda one: {{
                   'relation': 'franchise_includes',
                   'source_id': one.id::VARCHAR,
                   'entity_type': CASE one.media_type WHEN 'tv' THEN 'series' ELSE 'film' END,
                   'name': coalesce(one.title, one.name)
               }}) AS relations,
               nullif(overview, '') AS description,
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
          AND belongs_to_collection.id IS NOT NULL
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
        Input("responses", ("*",), RESPONSE_FIELDS, apart=("season/*",)),
    ),
    ignores=("keyword_ids_*", "tv_network_ids_*", "production_company_ids_*"),
    select=SELECT,
    duplicate_free={"film": True, "series": True, "episode": True, "franchise": True},
    rank=15,
    expects={
        "film": Expectation(
            records=Bound(usual=100),
            filled=(
                Fill("year", Bound(least=0.5, usual=0.8)),
                Fill("languages", Bound(least=0.8, usual=0.99)),
                Fill("credits", Bound(usual=0.5)),
                Fill("description", Bound(usual=0.5)),
            ),
        ),
        "series": Expectation(filled=(Fill("year", Bound(least=0.5, usual=0.8)),)),
        "episode": Expectation(
            filled=(
                Fill("season", Bound(least=0.99)),
                Fill("episode", Bound(least=0.99)),
                Fill("parent_id", Bound(least=0.5, usual=0.99)),
            )
        ),
    },
)
"""What kind an answer is tells its fields; a season holds a record for each episode, wherever it
stands."""
