"""The source movielens: titles, years and genres of MovieLens, with ids of IMDb and TMDB."""

from __future__ import annotations

import pyarrow as pa

from kg_assets.sources.adapter import Adapter, Input, Rhythm
from kg_assets.sources.expectations import Bound, Expectation, Fill

ADAPTER = Adapter(
    source="movielens",
    title="MovieLens (movies.csv and links.csv of ml-latest, ml-25m, ml-32m)",
    licence="GroupLens: research use, no redistribution, no commercial use without permission",
    homepage="https://grouplens.org/datasets/movielens/",
    fields=pa.schema([]),
    inputs=(
        Input(
            "movies",
            ("movies.csv", "movies.csv.*"),
            pa.schema([(name, pa.string()) for name in ("movieId", "title", "genres")]),
            key="movieId",
        ),
        Input(
            "links",
            ("links.csv", "links.csv.*"),
            pa.schema([(name, pa.string()) for name in ("movieId", "imdbId", "tmdbId")]),
            key="movieId",
            adds_to="movies",
        ),
    ),
    ignores=("ratings.csv*", "tags.csv*", "genome-*.csv*", "readme*", "checksums*"),
    # A title is written "City of Lost Children, The (Cité des enfants perdus, La) (1995)".
    select=r"""
    WITH linked AS (
        -- IMDb's ids stand without their letters, and of some files without leading zeros; programs
        -- that take TMDB's for fractions write 862.0.
        SELECT movieId,
               nullif(ltrim(regexp_extract(imdbId, '^\s*(?:tt)?(\d+)\s*$', 1), '0'), '') AS imdb,
               nullif(ltrim(regexp_extract(tmdbId, '^\s*(\d+)(?:\.0)?\s*$', 1), '0'), '') AS tmdb
        FROM links
        QUALIFY row_number() OVER (PARTITION BY movieId ORDER BY file, position) = 1
    ),
    dated AS (
        SELECT file, "table", position, sha256, movieId, genres,
               TRY_CAST(
                   regexp_extract(title, '\((\d{4})(?:[-–]\s*\d{0,4}\s*)?\)\s*$', 1) AS INTEGER
               ) AS year,
               clean_text(
                   regexp_replace(title, '\s*\(\d{4}(?:[-–]\s*\d{0,4}\s*)?\)\s*$', '')
               ) AS title
        FROM movies
    ),
    named AS (
        SELECT *,
               coalesce(clean_text(regexp_replace(title, '(?:\s*\([^()]*\))+$', '')), title)
                   AS main,
               -- Of a title that is all in brackets nothing stands before them.
               regexp_extract_all(
                   regexp_extract(title, '\S((?:\s*\([^()]*\))+)$', 1), '\(([^()]*)\)', 1
               ) AS others
        FROM dated
    )
    SELECT named.file, named."table", named.position, named.sha256,
           'film' AS entity_type,
           movieId AS source_id,
           article_first(main) AS name,
           other_names(
               list_transform(
                   others,
                   lambda other: article_first(clean_text(
                       regexp_replace(other, '^(?i:a\.?k\.?a\.?:?)\s+', '')
                   ))
               ),
               article_first(main)
           ) AS alternate_names,
           year,
           CASE
               WHEN genres <> '(no genres listed)' THEN string_split(lower(genres), '|')
           END AS genres,
           map_from_entries(list_filter(
               [
                   {'key': 'imdb', 'value': 'tt' || lpad(
                       linked.imdb, greatest(7, length(linked.imdb))::INTEGER, '0'
                   )},
                   {'key': 'tmdb', 'value': linked.tmdb}
               ],
               lambda entry: entry.value IS NOT NULL
           )) AS external_ids,
           'https://movielens.org/movies/' || movieId AS url
    FROM named
    LEFT JOIN linked USING (movieId)
    """,
    # Some films are there twice, under two numbers.
    duplicate_free={"film": False},
    rank=60,
    rhythm=Rhythm(None, "GroupLens publishes a new edition every few years, at no set time"),
    # The READMEs say 9,125 movies of the smallest file (ml-latest-small of 2016) and 87,585 of the
    # largest (ml-32m). Every title has genres or says that it has none, and nearly every one a
    # year; a minority has another title in brackets.
    expects={
        "film": Expectation(
            records=Bound(least=1_000, usual=9_000, most=200_000),
            filled=(
                Fill("year", Bound(least=0.8, usual=0.98)),
                Fill("genres", Bound(least=0.5, usual=0.8)),
                Fill("alternate_names", Bound(usual=0.02, most=0.5)),
                Fill("external_ids", Bound(least=0.5, usual=0.9), inputs=("links",)),
            ),
            inputs=("movies",),
        )
    },
)
"""Films from ``movies.csv``; MovieLens holds some series too and does not say which."""
