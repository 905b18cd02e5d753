"""Films and people like real ones, with errors and planted truth, made in DuckDB by seed.

Three sources deliver the films: `alpha` and `beta` once each, `gamma` with shortened credits and a
person record for every credit; more sources like `beta` can be asked for. Names and titles follow
Zipf-Mandelbrot laws (few common, many rare): most titles are unique, and of 160,000 films 42 share
the commonest one. There are remakes, sequels by the same people, and people of one name; records
have typing errors, lost middle names, turned words, missing years, other titles.
"""

# ruff: noqa: S608 - what is put into statements is made of constants of this module.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from benchmarks.made_up_words import (
    COUNTRIES,
    LANGUAGES,
    create_word_macros,
    name_of_person,
    title_of_film,
)
from kg_assets.matching.features import add_features
from kg_assets.matching.models import MODELS
from kg_assets.matching.normalise import create_macros
from kg_assets.sources.record import RECORD_SCHEMA

if TYPE_CHECKING:
    import duckdb

REMAKES, SEQUELS = 0.02, 0.03
"""Shares of films with the title of an earlier one, and of films that continue an earlier one."""

PERIODS, PERIOD = 8, 12
"""Careers begin in one of so many periods, of so many years each, from 1930."""

CAREER = 3
"""Over so many periods a career lasts."""

CAST = 9
"""Credits of a film: one director, sometimes a second, and actors."""


@dataclass(frozen=True)
class World:
    """How much is generated.

    Attributes:
        films: Planted films; alpha and beta have about 80 % of them each, gamma 45 %.
        seed: Another seed is another world.
        more_sources: So many sources more like beta, at most five.
        same_title: So many films share one title, to make a block far over the cap.
    """

    films: int
    seed: int = 1
    more_sources: int = 0
    same_title: int = 0

    @property
    def people(self) -> int:
        """Planted people."""
        return max(400, self.films)


def generate(con: duckdb.DuckDBPyConnection, world: World) -> None:
    """Make a world's records and truth as tables of a connection.

    Makes ``current_record`` (what `kg_assets.matching.records.make_current` makes),
    ``film_member`` (planted film entities, rows of entity_members), and ``truth`` (record_id,
    entity_type, thing: the planted film or person).

    Args:
        con: The connection.
        world: What to make.
    """
    create_macros(con)
    create_word_macros(con, world.seed)
    _people(con, world)
    _films(con, world)
    _film_records(con, world)
    _person_records(con)
    columns = ", ".join(f'"{name}"' for name in RECORD_SCHEMA.names)
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE current_record AS
        SELECT {columns},
               'made' AS delivery,
               source || ':' || source_id AS record_id,
               FALSE AS duplicate_free,
               FALSE AS derived
        FROM (
            SELECT * FROM empty_record
            UNION ALL BY NAME
            SELECT * EXCLUDE (film) FROM film_record
            UNION ALL BY NAME
            SELECT * EXCLUDE (person) FROM person_record
        )
        """
    )
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE truth AS
        SELECT source || ':' || source_id AS record_id, 'film' AS entity_type, film AS thing
        FROM film_record
        UNION ALL
        SELECT source || ':' || source_id, 'person', person
        FROM person_record
        """
    )
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE film_member AS
        SELECT 'film:' || film AS entity_id, 'film' AS entity_type, source, source_id
        FROM film_record
        """
    )


def _people(con: duckdb.DuckDBPyConnection, world: World) -> None:
    con.register("empty_record", RECORD_SCHEMA.empty_table())
    con.register(
        "country",
        pa.table(
            {
                "country": list(range(len(COUNTRIES))),
                "code": list(COUNTRIES),
                "language": list(LANGUAGES),
            }
        ),
    )
    # A cell is a country and a period; people work with people of their cell.
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE cell AS
        SELECT *, (sum(size) OVER (ORDER BY country, period))::BIGINT - size AS first
        FROM (
            SELECT country,
                   period,
                   greatest(24, ({world.people} * (1.0 / (country + 1.5))
                       / sum(1.0 / (country + 1.5)) OVER ()))::BIGINT AS size
            FROM country
            CROSS JOIN range({PERIODS}) AS periods(period)
        )
        """
    )
    # Each country has names of its own. Namesakes bear common names: who has a common given name
    # and a common family name has the more of them the more people there are.
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE person AS
        SELECT person,
               {name_of_person("given")} AS given,
               CASE WHEN chance(person, 'has middle') < 0.2
                    THEN {name_of_person("middle")} END AS middle,
               {name_of_person("family")} AS family
        FROM (
            SELECT country, unnest(range(first, first + size)) AS person
            FROM cell
        )
        """
    )


def _films(con: duckdb.DuckDBPyConnection, world: World) -> None:
    # Films of a series have country, period and makers of its first; what else follows from the
    # number of a film is its own. A remake has the title of any earlier film.
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE film AS
        WITH placed AS (
            SELECT film,
                   CASE WHEN chance(film, 'sequel') < {SEQUELS} AND film >= {world.same_title}
                        THEN floor(chance(film, 'sequel of') * film)::BIGINT
                        ELSE film END AS series
            FROM range({world.films}) AS all_films(film)
        ),
        drawn AS (
            SELECT film,
                   series,
                   least({len(COUNTRIES) - 1},
                         zipf({len(COUNTRIES)}, 1.5, chance(series, 'country'))) AS country,
                   floor(chance(series, 'period') * {PERIODS})::BIGINT AS period,
                   1930 + floor((floor(chance(series, 'period') * {PERIODS})
                       + chance(series, 'year')) * {PERIOD})::INT
                       + CASE WHEN series < film
                              THEN 1 + floor(chance(film, 'later') * 4)::INT ELSE 0 END AS year,
                   CASE WHEN chance(series, 'remake') < {REMAKES}
                        THEN floor(chance(series, 'remake of') * series)::BIGINT
                        ELSE series END AS titled,
                   CASE WHEN series < film
                        THEN ' ' || (2 + floor(2 * chance(film, 'number')))::INT
                        ELSE '' END AS part,
                   -- The sum of three chances is nearly normal.
                   round(98 + 20 * (chance(film, 'm1') + chance(film, 'm2') + chance(film, 'm3')
                       - 1.5)) AS minutes
            FROM placed
        )
        SELECT drawn.film,
               drawn.series,
               drawn.country,
               drawn.period,
               drawn.year,
               drawn.minutes,
               code,
               language,
               CASE WHEN drawn.film < {world.same_title} THEN 'Home'
                    ELSE {title_of_film("titled", "first")} || part END AS title,
               CASE WHEN chance(drawn.series, 'translated') < 0.35
                    THEN {title_of_film("drawn.series", "other")} || part END AS other_title
        FROM drawn
        JOIN country USING (country)
        """
    )
    # The most sought-after of a cell are in many films, most are in few. Directors are at the
    # other end of a cell than its most famous actors.
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE credit AS
        WITH asked AS (
            SELECT film,
                   country,
                   period,
                   place,
                   place <= directors AS directs,
                   CASE WHEN place <= directors THEN series
                        WHEN chance(film, 'again' || place) < 0.5 THEN series
                        ELSE film END AS asking
            FROM (
                SELECT *, CASE WHEN chance(series, 'pair') < 0.08 THEN 2 ELSE 1 END AS directors
                FROM film
            )
            CROSS JOIN range(1, {CAST} + 1) AS places(place)
        )
        SELECT DISTINCT ON (film, person)
               film,
               place,
               CASE WHEN directs THEN 'director' ELSE 'actor' END AS role,
               CASE WHEN directs
                    THEN first + size - 1 - zipf(size * 3 // 10 + 1, 20 + 0.02 * size,
                                                 chance(asking, 'd' || place))
                    ELSE first + zipf(size, 40 + 0.05 * size, chance(asking, 'a' || place))
                    END AS person
        FROM (
            SELECT *,
                   -- Careers that began in this period or in those before.
                   greatest(0, asked.period - floor({CAREER} * pow(
                       chance(asking, 'career' || place), 1.5))::BIGINT) AS began
            FROM asked
        ) AS asked
        JOIN cell ON cell.country = asked.country AND cell.period = asked.began
        ORDER BY film, person, place
        """
    )


def _film_records(con: duckdb.DuckDBPyConnection, world: World) -> None:
    others = (f"more{number}" for number in range(1, 1 + world.more_sources))
    share = {"alpha": 0.8, "beta": 0.8, "gamma": 0.45, **dict.fromkeys(others, 0.8)}
    sources = ", ".join(f"('{name}', {place}, {share[name]})" for place, name in enumerate(share))
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE sighting AS
        SELECT film.*, source, substr(source, 1, 1) || film AS source_id, film * 8 + number AS seen
        FROM film
        CROSS JOIN (VALUES {sources}) AS sources(source, number, share)
        WHERE film < {world.same_title}
           OR chance(film, source) < share
        """
    )
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE sighted_credit AS
        SELECT film,
               person,
               sighting.source,
               sighting.source_id AS work_id,
               role,
               place,
               -- gamma has a person for each credit, the others know their people.
               CASE WHEN sighting.source = 'gamma' THEN sighting.source_id || '/' || place
                    ELSE 'p' || person END AS person_id,
               CASE WHEN chance(seen * 16 + place, 'typo') < 0.015
                    THEN mistyped(written, chance(seen * 16 + place, 'where'))
                    ELSE written END AS name
        FROM (
            SELECT credit.*,
                   sighting,
                   CASE WHEN chance(seen * 16 + place, 'turned') < 0.01
                        THEN family || ' ' || given
                        WHEN chance(seen * 16 + place, 'initial') < 0.015
                        THEN given[1] || '. ' || family
                        WHEN middle IS NULL OR chance(seen * 16 + place, 'middle') < 0.3
                        THEN given || ' ' || family
                        WHEN chance(seen * 16 + place, 'middle') < 0.6
                        THEN given || ' ' || middle[1] || '. ' || family
                        ELSE given || ' ' || middle || ' ' || family END AS written,
                   sighting.seen
            FROM credit
            JOIN sighting USING (film)
            JOIN person USING (person)
        )
        WHERE CASE WHEN sighting.source = 'gamma'
                   THEN place <= 5 AND NOT (role = 'director' AND chance(film, 'no director') < 0.1)
                   ELSE chance(seen * 16 + place, 'listed') < 0.9 END
        """
    )
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE film_record AS
        SELECT film,
               'film' AS entity_type,
               source,
               source_id,
               CASE WHEN chance(seen, 'comma') < 0.02 AND starts_with(shown, 'The ')
                    THEN shown[5:] || ', The'
                    WHEN chance(seen, 'typo') < 0.02 THEN mistyped(shown, chance(seen, 'where'))
                    ELSE shown END AS name,
               CASE WHEN hidden IS NOT NULL AND chance(seen, 'alternate') < 0.75
                    THEN [hidden] END AS alternate_names,
               CASE WHEN chance(seen, 'no year') < 0.03 THEN NULL
                    WHEN chance(seen, 'year') < 0.05 THEN year + 1
                    WHEN chance(seen, 'year') < 0.08 THEN year - 1
                    WHEN chance(seen, 'year') < 0.09 THEN year + 2
                    ELSE year END::INTEGER AS year,
               CASE WHEN chance(seen, 'no minutes') < 0.12 THEN NULL
                    WHEN chance(seen, 'minutes') < 0.3
                    THEN minutes + floor(7 * chance(seen, 'by')) - 3
                    ELSE minutes END::DOUBLE AS runtime_minutes,
               CASE WHEN chance(seen, 'no country') < 0.05 THEN NULL
                    WHEN chance(seen, 'second') < 0.12
                    THEN list_distinct([code, 'FR']) ELSE [code] END AS countries,
               CASE WHEN chance(seen, 'no language') < 0.1 THEN NULL ELSE [language] END
                   AS languages,
               credits
        FROM (
            SELECT *,
                   CASE WHEN other_title IS NOT NULL AND source <> 'alpha'
                             AND chance(seen, 'other first') < 0.4
                        THEN other_title ELSE title END AS shown,
                   CASE WHEN other_title IS NULL THEN NULL
                        WHEN source <> 'alpha' AND chance(seen, 'other first') < 0.4
                        THEN title ELSE other_title END AS hidden
            FROM sighting
        )
        LEFT JOIN (
            SELECT source,
                   work_id AS source_id,
                   list({
                       'name': name,
                       'person_id': person_id,
                       'role': role,
                       'character': NULL::VARCHAR,
                       'position': place::INTEGER
                   } ORDER BY place) AS credits
            FROM sighted_credit
            GROUP BY source, work_id
        ) USING (source, source_id)
        """
    )


def _person_records(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE person_record AS
        SELECT any_value(person) AS person,
               'person' AS entity_type,
               source,
               person_id AS source_id,
               arg_min(name, work_id) AS name,
               list_sort(list(DISTINCT role)) AS professions
        FROM sighted_credit
        GROUP BY source, person_id
        """
    )


def featured(con: duckdb.DuckDBPyConnection, entity_type: str) -> duckdb.DuckDBPyRelation:
    """Records of a generated world with the shipped model's features.

    The works of a person are the planted films, so that people are measured apart from films.

    Args:
        con: The connection on which `generate` was called.
        entity_type: ``film`` or ``person``.

    Returns:
        Rows of the table `records` of the type.
    """
    return add_features(con, MODELS[entity_type], "current_record", "film_member")
