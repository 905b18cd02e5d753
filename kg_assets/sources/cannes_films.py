"""The source cannes_films: films in competition at Cannes as great_tables ships them."""

from __future__ import annotations

import pyarrow as pa

from kg_assets.sources.adapter import Adapter, Rhythm
from kg_assets.sources.expectations import Bound, Expectation, Fill

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
    # Counted in the file that the pinned release ships, which never changes.
    expects={
        "film": Expectation(
            records=Bound(least=1_800, usual=1_851, most=1_851),
            filled=(
                Fill("year", Bound(least=0.99, usual=1)),
                # 48.6 %: the others have the title of their own language.
                Fill("alternate_names", Bound(least=0.3, usual=0.48, most=0.5)),
                Fill("runtime_minutes", Bound(least=0.95, usual=0.99)),
                Fill("countries", Bound(least=0.95, usual=0.99)),
                Fill("languages", Bound(least=0.95, usual=0.99)),
                Fill("credits", Bound(least=0.95, usual=0.99)),
            ),
        )
    },
)
"""Films from ``09-films.csv``; source_id is the row's number, from 1."""
