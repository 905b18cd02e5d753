"""The source wikidata_films: films of Wikidata as bokeh_sampledata ships them."""

from __future__ import annotations

import pyarrow as pa

from kg_assets.sources.adapter import Adapter, Rhythm
from kg_assets.sources.expectations import Bound, Expectation, Fill

ADAPTER = Adapter(
    source="wikidata_films",
    title="17,472 films of Wikidata, 1940 to 2014 (bokeh_sampledata, movies.db)",
    licence="CC0-1.0",
    homepage="https://www.wikidata.org/",
    fields=pa.schema(
        [
            ("ID", pa.int64()),
            ("imdbID", pa.string()),
            ("Title", pa.string()),
            ("Year", pa.int32()),
            ("Runtime", pa.float64()),
            ("Genre", pa.string()),
            ("Released", pa.string()),
            ("Director", pa.string()),
            ("Writer", pa.string()),
            ("Cast", pa.string()),
            ("Language", pa.string()),
            ("Country", pa.string()),
        ]
    ),
    # The other table, tomatoes, holds reviewers' scores of the same films.
    tables=("omdb",),
    select="""
    SELECT file, "table", position, sha256,
           'film' AS entity_type,
           CAST("ID" AS VARCHAR) AS source_id,
           "Title" AS name,
           "Year" AS year,
           -- The file writes 1 January where Wikidata knows the year only: two thirds of all.
           CASE
               WHEN "Released" NOT LIKE '%-01-01' THEN TRY_CAST("Released" AS DATE)
           END AS date,
           plausible_minutes("Runtime") AS runtime_minutes,
           split_list(lower("Genre")) AS genres,
           split_list("Country") AS countries,
           split_list("Language") AS languages,
           list_concat(
               credits_of("Director", 'director'),
               list_concat(credits_of("Writer", 'writer'), credits_of("Cast", 'actor'))
           ) AS credits,
           CASE
               WHEN "imdbID" <> '' THEN MAP {'imdb': "imdbID"}
           END AS external_ids
    FROM blobs
    """,
    # Two films are there twice, as cuts of their own: Apocalypse Now and Slacker Uprising.
    duplicate_free={"film": True},
    rank=20,
    rhythm=Rhythm(None, "an example that a package ships, and that stays as it is"),
    # Counted in the file that the pinned release ships, which never changes.
    expects={
        "film": Expectation(
            records=Bound(least=17_000, usual=17_472, most=17_472),
            filled=(
                Fill("year", Bound(least=0.99, usual=1)),
                # 34.4 %: more would be days that are years.
                Fill("date", Bound(least=0.2, usual=0.34, most=0.35)),
                Fill("runtime_minutes", Bound(least=0.8, usual=0.92)),
                Fill("genres", Bound(least=0.9, usual=0.97)),
                Fill("countries", Bound(least=0.9, usual=0.99)),
                Fill("credits", Bound(least=0.9, usual=0.99)),
                Fill("external_ids", Bound(least=0.99, usual=1)),
            ),
        )
    },
)
"""Films from ``movies.db``, table omdb; source_id is the column ID."""
