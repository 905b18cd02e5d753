"""The source cannes_films: films in competition at Cannes as great_tables ships them."""

from __future__ import annotations

import pyarrow as pa

from kg_assets.sources.adapter import Adapter, Rhythm

ADAPTER = Adapter(
    source="cannes_films",
    title="1,851 films in competition at Cannes, 1946 to 2024 (great_tables, films)",
    licence="MIT",
    homepage="https://posit-dev.github.io/great-tables/",
    fields=pa.schema(
        [
            ("year", pa.string()),
            ("title", pa.string()),
            ("original_title", pa.string()),
            ("director", pa.string()),
            ("languages", pa.string()),
            ("countries_of_origin", pa.string()),
            ("run_time", pa.string()),
            ("imdb_url", pa.string()),
        ]
    ),
    select="""
    SELECT file, "table", position, sha256,
           'film' AS entity_type,
           CAST(row_number AS VARCHAR) AS source_id,
           title AS name,
           CASE
               WHEN clean_text(original_title) IS NOT NULL AND original_title <> title
               THEN [original_title]
           END AS alternate_names,
           TRY_CAST(year AS INTEGER) AS year,
           plausible_minutes(minutes_of(run_time)) AS runtime_minutes,
           split_list(countries_of_origin) AS countries,
           split_list(languages) AS languages,
           credits_of(director, 'director') AS credits,
           -- The address holds the IMDb id, so it stands with the ids and not in url.
           CASE
               WHEN regexp_matches(imdb_url, 'tt\\d+')
               THEN MAP {'imdb': regexp_extract(imdb_url, 'tt\\d+'), 'imdb_url': imdb_url}
           END AS external_ids,
           CASE
               WHEN clean_text(year) IS NOT NULL AND TRY_CAST(year AS INTEGER) IS NULL
               THEN 'year is not a number: ' || left(year, 40)
           END AS problem
    FROM blobs
    """,
    duplicate_free={"film": True},
    rank=30,
    rhythm=Rhythm(None, "an example that a package ships, and that stays as it is"),
)
"""Films from ``09-films.csv``; source_id is the row's number, from 1."""
