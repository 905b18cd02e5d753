"""The source imdb: IMDb's non-commercial datasets, joined into titles and people."""

# ruff: noqa: S608 - what is put into the statement is declared here.

from __future__ import annotations

import pyarrow as pa

from kg_assets.sources.adapter import Adapter, Input, Join, Rhythm
from kg_assets.sources.expectations import Bound, Expectation, Fill

_TITLE_TYPES = """
    CASE titleType
        WHEN 'movie' THEN 'film'
        WHEN 'short' THEN 'film'
        WHEN 'tvMovie' THEN 'film'
        WHEN 'tvShort' THEN 'film'
        WHEN 'tvSpecial' THEN 'film'
        WHEN 'tvPilot' THEN 'film'
        WHEN 'video' THEN 'film'
        WHEN 'tvSeries' THEN 'series'
        WHEN 'tvMiniSeries' THEN 'series'
        WHEN 'tvEpisode' THEN 'episode'
        WHEN 'videoGame' THEN 'game'
    END
"""
"""A work shown once is a film, however it was shown."""


def _texts(*names: str) -> pa.Schema:
    # Cells are text; what should be a number is one where it can be.
    return pa.schema([(name, pa.string()) for name in names])


def _input(name: str, file: str, *fields: str, adds_to: str | None = None) -> Input:
    return Input(
        name=name,
        files=(f"{file}.tsv", f"{file}.tsv.*", f"{file}.*.tsv", f"{file}.*.tsv.*"),
        fields=_texts(*fields),
        cut="unquoted",
        key=fields[0],
        adds_to=adds_to,
    )


_WORK_OF_A_JOB = (
    # As IMDb's writers have them, "based on the graphic novel by" among them; the first that fits.
    (r"comic|manga|graphic novel|webtoon", "comic"),
    (r"short stor|novella|novelette", "short story"),
    (r"novel", "novel"),
    (r"\bbook|memoir|biograph", "book"),
    (r"\b(stage ?)?play\b|musical\b", "play"),
    (r"\bcharacters?\b", "characters"),
)
_WRITER = """
    CASE
        WHEN regexp_matches(job, '^(created by|creator)') THEN 'creator'
        WHEN regexp_matches(job, 'screenplay|teleplay|script|dialog|adapt|written|^writ')
         AND NOT regexp_matches(job, '^(suggested|inspired|from|adapted from|(loosely )?based)')
        THEN 'writer'
        {}
        ELSE 'writer'
    END
""".format("\n".join(f"WHEN regexp_matches(job, '{w}') THEN '{r}'" for w, r in _WORK_OF_A_JOB))
"""Role of a job in IMDb's category of writers: who wrote a novel did not write the film of it. The
role says what the film is made of, in the words that TMDB's jobs give as well."""

# Three things say who took part: the credits, the crew and what a person is known for. A later
# one counts only for what an earlier one does not say.
_CREDIT = Join(
    name="credit",
    key="tconst",
    select=rf"""
    WITH told AS (
        SELECT tconst, nconst, 1 AS told_by, TRY_CAST(ordering AS INTEGER) AS place,
               category,
               CASE category
                   WHEN 'actress' THEN 'actor'
                   WHEN 'writer' THEN {_WRITER}
                   ELSE replace(category, '_', ' ')
               END AS role,
               CASE
                   WHEN TRY(json_type(characters)) = 'ARRAY'
                   THEN nullif(
                       array_to_string(TRY(from_json(characters, '["VARCHAR"]')), ' / '), ''
                   )
                   ELSE characters
               END AS character
        FROM (SELECT * REPLACE (lower(trim(job)) AS job) FROM principals) AS principals
        UNION ALL
        SELECT tconst, unnest(string_split(directors, ',')), 2, NULL, 'director', 'director', NULL
        FROM crew
        UNION ALL
        SELECT tconst, unnest(string_split(writers, ',')), 2, NULL, 'writer', 'writer', NULL
        FROM crew
        UNION ALL
        SELECT unnest(string_split(knownForTitles, ',')), nconst, 3, NULL, NULL, NULL, NULL
        FROM names
    )
    SELECT told.*, person.name
    FROM told
    LEFT JOIN (
        SELECT nconst, min(primaryName) AS name
        FROM names
        GROUP BY nconst
    ) AS person USING (nconst)
    """,
)

_PARENT = Join(
    name="parent",
    key="tconst",
    select="""
    SELECT episodes.tconst, episodes.parentTconst AS parent_id, series.name AS parent_name,
           TRY_CAST(episodes.seasonNumber AS INTEGER) AS season,
           TRY_CAST(episodes.episodeNumber AS INTEGER) AS episode
    FROM episodes
    LEFT JOIN (
        SELECT tconst, min(primaryTitle) AS name
        FROM titles
        GROUP BY tconst
    ) AS series ON series.tconst = episodes.parentTconst
    -- A title stands in one place; if it is given two the first counts.
    QUALIFY row_number() OVER (PARTITION BY episodes.tconst ORDER BY file, position) = 1
    """,
)

ADAPTER = Adapter(
    source="imdb",
    title="IMDb's non-commercial datasets (title.*.tsv.gz, name.basics.tsv.gz)",
    licence="IMDb: personal and non-commercial use only",
    homepage="https://developer.imdb.com/non-commercial-datasets/",
    fields=pa.schema([]),
    inputs=(
        _input(
            "titles",
            "title.basics",
            "tconst",
            "titleType",
            "primaryTitle",
            "originalTitle",
            "isAdult",
            "startYear",
            "endYear",
            "runtimeMinutes",
            "genres",
        ),
        _input(
            "names",
            "name.basics",
            "nconst",
            "primaryName",
            "birthYear",
            "deathYear",
            "primaryProfession",
            "knownForTitles",
        ),
        _input(
            "akas",
            "title.akas",
            "titleId",
            "ordering",
            "title",
            adds_to="titles",
        ),
        _input("crew", "title.crew", "tconst", "directors", "writers", adds_to="titles"),
        _input(
            "episodes",
            "title.episode",
            "tconst",
            "parentTconst",
            "seasonNumber",
            "episodeNumber",
            adds_to="titles",
        ),
        _input(
            "principals",
            "title.principals",
            "tconst",
            "ordering",
            "nconst",
            "category",
            "job",
            "characters",
            adds_to="titles",
        ),
        _input("ratings", "title.ratings", "tconst", "averageRating", "numVotes", adds_to="titles"),
    ),
    joins=(_CREDIT, _PARENT),
    select=rf"""
    WITH other_title AS (
        SELECT titleId AS tconst,
               list(title ORDER BY TRY_CAST(ordering AS INTEGER), title) AS names
        FROM akas
        WHERE title IS NOT NULL
        GROUP BY titleId
    ),
    rated AS (
        SELECT tconst,
               TRY_CAST(averageRating AS DOUBLE) AS rating,
               TRY_CAST(numVotes AS BIGINT) AS votes
        FROM ratings
        QUALIFY row_number() OVER (PARTITION BY tconst ORDER BY file, position) = 1
    ),
    taking_part AS (
        SELECT tconst, nconst, told_by, place, role, character, name
        -- A row may be there twice, and a name twice in a list.
        FROM (
            SELECT DISTINCT tconst, nconst, told_by, place, category, role, character, name
            FROM credit
        )
        WHERE nconst IS NOT NULL
        -- The crew's writers are those of the credits, whatever it is that they wrote.
        QUALIFY rank() OVER (PARTITION BY tconst, nconst, category ORDER BY told_by) = 1
            AND (
                told_by < 3
                OR rank() OVER (PARTITION BY tconst, nconst ORDER BY told_by) = 1
            )
    ),
    billed AS (
        SELECT *,
               row_number() OVER (
                   PARTITION BY tconst, role
                   ORDER BY told_by, place, nconst, character
               ) AS billing
        FROM taking_part
    ),
    cast_and_crew AS (
        SELECT tconst,
               list(
                   {{
                       'name': name,
                       'person_id': nconst,
                       'role': role,
                       'character': character,
                       'position': CASE WHEN told_by = 1 THEN billing::INTEGER END
                   }}
                   ORDER BY told_by, place, role, billing, nconst
               ) AS credits
        FROM billed
        GROUP BY tconst
    )
    SELECT titles.file, titles."table", titles.position, titles.sha256,
           {_TITLE_TYPES} AS entity_type,
           tconst AS source_id,
           coalesce(primaryTitle, originalTitle) AS name,
           other_names(
               list_concat([originalTitle], other_title.names),
               coalesce(primaryTitle, originalTitle)
           ) AS alternate_names,
           TRY_CAST(startYear AS INTEGER) AS year,
           TRY_CAST(endYear AS INTEGER) AS end_year,
           plausible_minutes(TRY_CAST(runtimeMinutes AS DOUBLE)) AS runtime_minutes,
           parent.season,
           parent.episode,
           parent.parent_id,
           parent.parent_name,
           nullif(first_of_each(list_filter(
               list_concat(
                   split_list(lower(genres)),
                   CASE WHEN isAdult = '1' THEN ['adult'] ELSE []::VARCHAR[] END
               ),
               lambda genre: genre IS NOT NULL
           )), []) AS genres,
           cast_and_crew.credits,
           rated.rating,
           rated.votes,
           MAP {{'imdb': tconst}} AS external_ids,
           'https://www.imdb.com/title/' || tconst || '/' AS url,
           CASE
               WHEN titleType IS NULL THEN 'titleType is missing'
               WHEN {_TITLE_TYPES} IS NULL
               THEN 'titleType ' || left(titleType, 40) || ' is not known'
               WHEN TRY_CAST(startYear AS INTEGER) IS NULL AND startYear IS NOT NULL
               THEN 'startYear is not a number: ' || left(startYear, 40)
               WHEN TRY_CAST(endYear AS INTEGER) IS NULL AND endYear IS NOT NULL
               THEN 'endYear is not a number: ' || left(endYear, 40)
               -- In both cases the cells of the row stand in other columns than their own.
               WHEN TRY_CAST(runtimeMinutes AS DOUBLE) IS NULL AND runtimeMinutes IS NOT NULL
               THEN 'runtimeMinutes is not a number: ' || left(runtimeMinutes, 40)
               WHEN isAdult NOT IN ('0', '1')
               THEN 'isAdult is neither 0 nor 1: ' || left(isAdult, 40)
           END AS problem
    FROM titles
    LEFT JOIN other_title USING (tconst)
    LEFT JOIN parent USING (tconst)
    LEFT JOIN cast_and_crew USING (tconst)
    LEFT JOIN rated USING (tconst)
    UNION ALL BY NAME
    SELECT file, "table", position, sha256,
           'person' AS entity_type,
           nconst AS source_id,
           primaryName AS name,
           TRY_CAST(birthYear AS INTEGER) AS birth_year,
           TRY_CAST(deathYear AS INTEGER) AS death_year,
           first_of_each(list_transform(
               split_list(replace(primaryProfession, '_', ' ')),
               lambda profession: CASE
                   WHEN profession = 'actress' THEN 'actor'
                   ELSE profession
               END
           )) AS professions,
           MAP {{'imdb': nconst}} AS external_ids,
           'https://www.imdb.com/name/' || nconst || '/' AS url,
           CASE
               WHEN TRY_CAST(birthYear AS INTEGER) IS NULL AND birthYear IS NOT NULL
               THEN 'birthYear is not a number: ' || left(birthYear, 40)
               WHEN TRY_CAST(deathYear AS INTEGER) IS NULL AND deathYear IS NOT NULL
               THEN 'deathYear is not a number: ' || left(deathYear, 40)
           END AS problem
    FROM names
    """,
    duplicate_free={
        "film": True,
        "series": True,
        "episode": True,
        "game": True,
        "person": True,
    },
    rank=10,
    rhythm=Rhythm(1.5, "IMDb makes its files anew each day; half a day more to bring them here"),
    # Orders of magnitude of the published files, each of which holds all there is: eleven million
    # titles, of which more than eight are episodes, and fourteen million people. Half of what is
    # usual means a broken delivery. A year of birth is known of one person in twenty.
    expects={
        "film": Expectation(
            records=Bound(least=500_000, usual=1_500_000, most=10_000_000),
            filled=(
                Fill("year", Bound(least=0.5, usual=0.8)),
                Fill("runtime_minutes", Bound(least=0.2, usual=0.4, most=0.95)),
                Fill("genres", Bound(least=0.5, usual=0.8)),
                Fill("credits", Bound(least=0.5, usual=0.8), inputs=("principals",)),
                Fill("rating", Bound(least=0.05, usual=0.2, most=0.95), inputs=("ratings",)),
            ),
            inputs=("titles",),
        ),
        "series": Expectation(
            records=Bound(least=100_000, usual=250_000, most=3_000_000),
            filled=(
                Fill("year", Bound(least=0.5, usual=0.8)),
                Fill("end_year", Bound(least=0.05, usual=0.2, most=0.9)),
            ),
            inputs=("titles",),
        ),
        "episode": Expectation(
            records=Bound(least=2_000_000, usual=7_000_000, most=40_000_000),
            filled=(Fill("parent_id", Bound(least=0.9, usual=0.99), inputs=("episodes",)),),
            inputs=("titles",),
        ),
        "game": Expectation(
            records=Bound(least=10_000, usual=30_000, most=300_000), inputs=("titles",)
        ),
        "person": Expectation(
            records=Bound(least=5_000_000, usual=12_000_000, most=60_000_000),
            filled=(
                Fill("professions", Bound(least=0.4, usual=0.7, most=0.99)),
                Fill("birth_year", Bound(least=0.01, usual=0.03, most=0.3)),
                Fill("death_year", Bound(usual=0.005, most=0.15)),
            ),
            inputs=("names",),
        ),
    },
)
"""Titles from ``title.basics``, people from ``name.basics``; the other files add to titles.

Regions, languages and kinds of other titles are not read: a title is looked for and compared
wherever it was used, and other sources mark theirs by other things. A row whose cells stand in
other columns than their own, which text in a column of numbers tells, is no record.
"""
