"""Films and people like real ones, with errors and planted truth, made in DuckDB by seed.

Three sources deliver the films: `alpha` and `beta` once each, `gamma` with shortened credits and a
person record for every credit. Names and titles follow Zipf-Mandelbrot laws (few common, many
rare); records have typing errors, lost middle names, turned words, missing years, other titles.
"""

# ruff: noqa: S608 - what is put into statements is made of constants of this module.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from kg_assets.matching.features import add_features
from kg_assets.matching.models import MODELS
from kg_assets.matching.normalise import create_macros
from kg_assets.sources.record import RECORD_SCHEMA

if TYPE_CHECKING:
    import duckdb

GIVEN, FAMILY, WORDS = 3_000, 60_000, 12_000
"""Sizes of the vocabularies of given names, family names and words of titles."""

COUNTRIES = (
    "US", "GB", "FR", "IN", "DE", "JP", "IT", "ES", "CA", "KR", "CN", "MX", "BR", "RU", "SE", "DK",
    "PL", "AU", "AR", "NL", "TR", "BE", "IR", "HK", "CZ", "HU", "NO", "FI", "AT", "IL",
)  # fmt: skip
LANGUAGES = (
    "en", "en", "fr", "hi", "de", "ja", "it", "es", "en", "ko", "zh", "es", "pt", "ru", "sv", "da",
    "pl", "en", "es", "nl", "tr", "fr", "fa", "zh", "cs", "hu", "no", "fi", "de", "he",
)  # fmt: skip
PERIODS = 4
"""Careers begin in one of so many periods of 22 years, from 1930."""

CAST = 9
"""Credits of a film: one director, sometimes a second, and actors."""


@dataclass(frozen=True)
class World:
    """How much is generated.

    Attributes:
        films: Planted films; alpha and beta have about 80 % of them each, gamma 45 %.
        seed: Another seed is another world.
        same_title: So many films share one title, to make a block far over the cap.
    """

    films: int
    seed: int = 1
    same_title: int = 0

    @property
    def people(self) -> int:
        """Planted people."""
        return max(400, self.films)


def _macros(con: duckdb.DuckDBPyConnection, seed: int) -> None:
    statements = (
        # A number in [0, 1) that belongs to a thing and a question.
        f"chance(thing, question) AS (hash(thing, question, {int(seed)}) >> 11)::DOUBLE"
        " / 9007199254740992.0",
        # Zipf-Mandelbrot: the k-th most common of n has a share of about 1 / (k + shift).
        "zipf(n, shift, u) AS least(n - 1, floor(shift * (pow(1 + n / shift::DOUBLE, u) - 1)))"
        "::BIGINT",
        # Pronounceable, one for each number: syllables of a consonant and a vowel.
        "syllable(number) AS substr('bdfghjklmnprstvw', (number % 16)::INT + 1, 1) || "
        "substr('aeiou', ((number // 16) % 5)::INT + 1, 1)",
        "spelt(number) AS syllable(number * 7 + 3) || syllable(number // 80 + number % 13) || "
        "CASE WHEN number >= 400 THEN syllable(number // 6400 + number % 17) ELSE '' END || "
        "substr('nrsltkm', (number % 7)::INT + 1, 1) || "
        "CASE WHEN number >= 6400 THEN syllable(number // 512) ELSE '' END",
        "capital(word) AS upper(word[1]) || word[2:]",
        # A typing error: one letter in the middle is left out, doubled or another.
        """mistyped(text, u) AS CASE
            WHEN len(text) < 4 THEN text
            WHEN u < 0.4 THEN text[:(u * 2.4 * (len(text) - 2))::INT + 1]
                || text[(u * 2.4 * (len(text) - 2))::INT + 3:]
            WHEN u < 0.7 THEN text[:((u - 0.4) * 3 * (len(text) - 2))::INT + 1] || 'e'
                || text[((u - 0.4) * 3 * (len(text) - 2))::INT + 3:]
            ELSE text[:((u - 0.7) * 3 * (len(text) - 2))::INT + 2]
                || text[((u - 0.7) * 3 * (len(text) - 2))::INT + 2:] END""",
    )
    for statement in statements:
        con.execute(f"CREATE OR REPLACE TEMP MACRO {statement}")


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
    _macros(con, world.seed)
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
        SELECT *, sum(size) OVER (ORDER BY country, period) - size AS first
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
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE person AS
        SELECT person,
               capital(spelt(zipf({GIVEN}, 30, chance(person, 'given')))) AS given,
               CASE WHEN chance(person, 'has middle') < 0.2
                    THEN capital(spelt(zipf({GIVEN}, 30, chance(person, 'middle')))) END AS middle,
               capital(spelt(10000 + zipf({FAMILY}, 60, chance(person, 'family')))) AS family
        FROM range((SELECT sum(size) FROM cell)::BIGINT) AS everyone(person)
        """
    )


def _films(con: duckdb.DuckDBPyConnection, world: World) -> None:
    # A film's title is its own, or that of an earlier film (a remake, or mere chance).
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE film AS
        WITH drawn AS (
            SELECT film,
                   least({len(COUNTRIES) - 1}, zipf({len(COUNTRIES)}, 1.5, chance(film, 'country')))
                       AS country,
                   floor(chance(film, 'period') * {PERIODS})::BIGINT AS period,
                   CASE WHEN chance(film, 'remake') < 0.02 THEN film // 3 ELSE film END AS titled,
                   round(88 + 22 * (chance(film, 'm1') + chance(film, 'm2') + chance(film, 'm3')
                       - 1.2)) AS minutes
            FROM range({world.films}) AS all_films(film)
        )
        SELECT drawn.film,
               drawn.period,
               1930 + drawn.period * 22 + floor(chance(drawn.film, 'year') * 24)::INT AS year,
               minutes,
               code,
               language,
               cell.first,
               cell.size,
               CASE WHEN drawn.film < {world.same_title} THEN 'Home'
                    ELSE title(titled, 'first') || part END AS title,
               CASE WHEN chance(drawn.film, 'translated') < 0.35
                    THEN title(drawn.film, 'other') || part END AS other_title
        FROM (
            SELECT *,
                   CASE WHEN chance(film, 'part') < 0.04
                        THEN ' ' || (2 + floor(3 * chance(film, 'number')))::INT ELSE '' END AS part
            FROM drawn
        ) AS drawn
        JOIN country USING (country)
        JOIN cell ON cell.country = drawn.country AND cell.period = drawn.period
        """.replace("title(titled, 'first')", _title("titled", "first")).replace(
            "title(drawn.film, 'other')", _title("drawn.film", "other")
        )
    )
    # Actors of rank one of a cell are in many films, most are in few.
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE credit AS
        SELECT DISTINCT ON (film, person) *
        FROM (
            SELECT film,
                   place,
                   CASE WHEN place <= directors THEN 'director' ELSE 'actor' END AS role,
                   first + CASE WHEN place <= directors
                       THEN floor(chance(film, 'd' || place) * size * 0.2)::BIGINT
                       ELSE zipf(size, 40, chance(film, 'a' || place)) END AS person
            FROM (
                SELECT *, CASE WHEN chance(film, 'pair') < 0.08 THEN 2 ELSE 1 END AS directors
                FROM film
            )
            CROSS JOIN range(1, {CAST} + 1) AS places(place)
        )
        ORDER BY film, person, place
        """
    )


def _title(thing: str, question: str) -> str:
    word = "capital(spelt(200 + zipf({}, 60, chance({}, '{}{}'))))"
    words = [word.format(WORDS, thing, question, place) for place in range(1, 5)]
    count = f"chance({thing}, '{question} words')"
    return (
        f"CASE WHEN chance({thing}, '{question} article') < 0.25 THEN 'The ' ELSE '' END || "
        f"{words[0]} || CASE WHEN {count} > 0.12 THEN ' ' || {words[1]} ELSE '' END"
        f" || CASE WHEN {count} > 0.5 THEN ' ' || {words[2]} ELSE '' END"
        f" || CASE WHEN {count} > 0.8 THEN ' ' || {words[3]} ELSE '' END"
    )


def _film_records(con: duckdb.DuckDBPyConnection, world: World) -> None:
    share = "map {'alpha': 0.8, 'beta': 0.8, 'gamma': 0.45}"
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE sighting AS
        SELECT film.*, source, substr(source, 1, 1) || film AS source_id, film * 8 + number AS seen
        FROM film
        CROSS JOIN (VALUES ('alpha', 0), ('beta', 1), ('gamma', 2)) AS sources(source, number)
        WHERE film < {world.same_title}
           OR chance(film, source) < {share}[source]
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
                    WHEN chance(seen, 'year') < 0.07 THEN year + 1
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
