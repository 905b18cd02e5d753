"""Countries to ISO 3166-1 alpha-2 and languages to ISO 639, whatever way a source writes them."""

# ruff: noqa: S608 - names in statements are constants of this package, values are bound.

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    import duckdb

COUNTRY_NAMES = {
    # States that are gone. Their codes are those of ISO 3166-3 (withdrawn alpha-2 codes).
    "Soviet Union": "SU",
    "USSR": "SU",
    "Union of Soviet Socialist Republics": "SU",
    "Russian SFSR": "SU",
    "Ukrainian SSR": "SU",
    "Byelorussian SSR": "SU",
    "Georgian SSR": "SU",
    "Armenian SSR": "SU",
    "Azerbaijan SSR": "SU",
    "Lithuanian SSR": "SU",
    "Latvian SSR": "SU",
    "Estonian SSR": "SU",
    "Uzbek SSR": "SU",
    "Kazakh SSR": "SU",
    "Czechoslovakia": "CS",
    "Czechoslovak Socialist Republic": "CS",
    "Yugoslavia": "YU",
    "Kingdom of Yugoslavia": "YU",
    "Federal Republic of Yugoslavia": "YU",
    "Socialist Federal Republic of Yugoslavia": "YU",
    # CS, which ISO gave it from 2003 to 2006, means Czechoslovakia in every film source.
    "Serbia and Montenegro": "YU",
    "East Germany": "DD",
    "German Democratic Republic": "DD",
    "Zaire": "CD",
    "Burma": "MM",
    "Upper Volta": "BF",
    "Dahomey": "BJ",
    "East Timor": "TL",
    # Earlier forms of states that go on under their code.
    "West Germany": "DE",
    "Federal Republic of Germany": "DE",
    "Nazi Germany": "DE",
    "Weimar Republic": "DE",
    "German Empire": "DE",
    "Russian Empire": "RU",
    "Kingdom of Italy": "IT",
    "Kingdom of Great Britain": "GB",
    "Kingdom of the Netherlands": "NL",
    "Kingdom of Denmark": "DK",
    "Austria-Hungary": "AT",
    "British India": "IN",
    "British Raj": "IN",
    "British Hong Kong": "HK",
    "Empire of Japan": "JP",
    "Mandatory Palestine": "PS",
    # Parts of a state that sources list as countries.
    "England": "GB",
    "Scotland": "GB",
    "Wales": "GB",
    "Northern Ireland": "GB",
    "Great Britain": "GB",
    # Everyday names that the standard writes otherwise.
    "UK": "GB",
    "U.K.": "GB",
    "USA": "US",
    "U.S.": "US",
    "U.S.A.": "US",
    "United States of America": "US",
    "Russia": "RU",
    "Turkey": "TR",
    "South Korea": "KR",
    "North Korea": "KP",
    "Taiwan": "TW",
    "Taiwan Island": "TW",
    "Republic of China": "TW",
    "Palestine": "PS",
    "State of Palestine": "PS",
    "Occupied Palestinian territory": "PS",
    "Occupied Palestinian Territories": "PS",
    "Czech Republic": "CZ",
    "Macedonia": "MK",
    "Republic of Macedonia": "MK",
    "Ivory Coast": "CI",
    "Cape Verde": "CV",
    "Swaziland": "SZ",
    "Laos": "LA",
    "Vatican City": "VA",
    "Brunei": "BN",
    "Macau": "MO",
    "Hong Kong SAR China": "HK",
    "Democratic Republic of the Congo": "CD",
    "Republic of the Congo": "CG",
    "Republic of Ireland": "IE",
    "Kosovo": "XK",
}
"""Names that pycountry does not know as they stand: everyday, historic and partial ones."""

LANGUAGE_NAMES = {
    # Film sources use zh for the standard language, whatever it is called.
    "Chinese": "zh",
    "Mandarin": "zh",
    "Mandarin Chinese": "zh",
    "Standard Chinese": "zh",
    "Standard Mandarin": "zh",
    "Standard Taiwanese Mandarin": "zh",
    "Taiwanese Mandarin": "zh",
    "Putonghua": "zh",
    "Cantonese": "yue",
    "Sichuanese": "zh",
    "Shanghainese": "wuu",
    "Taiwanese Hokkien": "nan",
    "Singaporean Hokkien": "nan",
    "Hokkien": "nan",
    "Jin": "cjy",
    # National forms of a language.
    "American English": "en",
    "British English": "en",
    "Australian English": "en",
    "Australian Aboriginal English": "en",
    "Brazilian Portuguese": "pt",
    "Quebec French": "fr",
    "Flemish Dutch": "nl",
    "Flemish": "nl",
    "Modern Hebrew": "he",
    "Ayacucho Quechua": "quy",
    # Everyday names that the standard writes otherwise.
    "Greek": "el",
    "Modern Greek": "el",
    "Ancient Greek": "grc",
    "Farsi": "fa",
    "Khmer": "km",
    "Punjabi": "pa",
    "Bangla": "bn",
    "Irish Gaelic": "ga",
    "Romani": "rom",
    "Malay": "ms",
    "Swahili": "sw",
    "Nepali": "ne",
    "Slovene": "sl",
    "Kyrgyz": "ky",
    "Abkhaz": "ab",
    "Guarani": "gn",
    "Northern Sotho": "nso",
    "Sesotho": "st",
    "Luganda": "lg",
    "Meitei": "mni",
    "Fula": "ff",
    "Egyptian language": "egy",
    "Moroccan Arabic": "ary",
    "Classical Arabic": "ar",
    "Modern Standard Arabic": "ar",
    "Tuareg": "tmh",
    "Songhay": "son",
    "Mooré": "mos",
    "Iñupiaq": "ik",
    "Mayan": "myn",
    "Sioux": "sio",
    "Nahuatl": "nah",
    "Senufo": "sef",
    "Jamaican Patois": "jam",
    "Cameroon Pidgin": "wes",
    "Scottish Gaelic": "gd",
    "Tibetan": "bo",
    "Dari": "prs",
    "Aramaic": "arc",
    "Serbo-Croatian": "sh",
    "Isan": "tts",
    "Gullah": "gul",
    "Seediq": "trv",
    "Asháninka": "cni",
    "Shuwa": "shu",
    "Juǀʼhoansi": "ktz",
    "Baoulé": "bci",
    "Zoroastrian Dari": "gbz",
    "Judeo-Moroccan": "aju",
    "Kuna": "kun",
    "Embera": "emp",
    "Yolŋu": "duj",
    "Salish–Spokane–Kalispel": "fla",
    "Yaka": "yaf",
    "Pashto": "ps",
    "Occitan": "oc",
    "Yucatec Maya": "yua",
    "No language": "zxx",
    "No spoken dialog": "zxx",
    "no linguistic content": "zxx",
    "multiple languages": "mul",
    "artistic language": "art",
}
"""Names that pycountry does not know as they stand, and national forms of one language."""


@cache
def _country_codes() -> pa.Table:
    import pycountry

    codes: dict[str, str] = {}
    names: dict[str, str] = {}
    for country in pycountry.historic_countries:
        # A withdrawn code that was given again (SK, BY, GE) means today's country.
        codes.setdefault(country.alpha_2, country.alpha_2)
        codes.setdefault(country.alpha_3, country.alpha_2)
    for country in pycountry.countries:
        codes[country.alpha_2] = codes[country.alpha_3] = country.alpha_2
        for attribute in ("name", "common_name", "official_name"):
            if (name := getattr(country, attribute, None)) is not None:
                names[name] = country.alpha_2
    codes |= {"UK": "GB", "XK": "XK", "SCG": "YU"}
    return _code_table(codes, names | COUNTRY_NAMES)


@cache
def _language_codes() -> pa.Table:
    import pycountry

    # Withdrawn codes, and the standard language of Chinese, which film sources write as zh.
    codes = {"sh": "sh", "cmn": "zh", "iw": "he", "ji": "yi", "in": "id", "mo": "ro"}
    names: dict[str, str] = {}
    for language in pycountry.languages:
        code = getattr(language, "alpha_2", language.alpha_3)
        codes.setdefault(language.alpha_3, code)
        codes.setdefault(code, code)
        if hasattr(language, "bibliographic"):
            codes.setdefault(language.bibliographic, code)
        for attribute in ("name", "common_name"):
            if (name := getattr(language, attribute, None)) is not None:
                names[name] = code
    for family in pycountry.language_families:
        codes.setdefault(family.alpha_3, family.alpha_3)
    return _code_table(codes, names | LANGUAGE_NAMES)


def _code_table(codes: dict[str, str], names: dict[str, str]) -> pa.Table:
    return pa.table(
        {
            "kind": ["code"] * len(codes) + ["name"] * len(names),
            "form": [*codes, *names],
            "code": [*codes.values(), *names.values()],
            "place": range(len(codes) + len(names)),
        }
    )


_KEY = """
CREATE OR REPLACE TEMP MACRO code_key(text) AS
    regexp_replace(
        regexp_replace(
            replace(replace(strip_accents(lower(trim(text))), '&', ' and '), '’', ''''),
            '^the | language$', '', 'g'
        ),
        '\\s+', ' ', 'g'
    )
"""


def register_codes(con: duckdb.DuckDBPyConnection) -> None:
    """Make the tables ``country_codes`` and ``language_codes`` and the macro ``code_key``.

    Args:
        con: The connection that gets them, as temporary objects.

    The tables have the columns kind ('code' or 'name'), form (what a source may write) and
    code (what it becomes). Codes and names come from pycountry (ISO 3166-1, ISO 3166-3,
    ISO 639-3, ISO 639-5) and from the tables of this module, which win.
    """
    con.execute(_KEY)
    for name, table in (
        ("country_codes", _country_codes()),
        ("language_codes", _language_codes()),
    ):
        con.register("code_entries", table)
        con.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE {name} AS
            SELECT kind,
                   CASE kind WHEN 'name' THEN code_key(form) ELSE form END AS form,
                   -- Own names stand last in the table and win over the library's.
                   arg_max(code, place) AS code
            FROM code_entries
            GROUP BY ALL
            """
        )
        con.unregister("code_entries")


def code_map(con: duckdb.DuckDBPyConnection, values: str, kind: str, name: str) -> None:
    """Make the temporary table ``name`` (value, code): the ISO code of each distinct value.

    Args:
        con: A connection that has seen `register_codes`.
        values: A SELECT that gives one column ``value`` of text, repeats allowed.
        kind: 'country' or 'language'.
        name: Name of the table made; a constant of the caller.

    What is written in one case throughout is read as a code first, anything else as a name:
    'Aka' is a language, 'aka' and 'AKA' the code of another one. ``code`` is null where the value
    is unknown.
    """
    if kind not in ("country", "language"):
        raise ValueError(f"kind of code must be 'country' or 'language', not {kind!r}")
    case = "upper" if kind == "country" else "lower"
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE {name} AS
        SELECT value,
               CASE
                   WHEN trim(value) IN (lower(trim(value)), upper(trim(value)))
                   THEN coalesce(as_code.code, as_name.code)
                   ELSE coalesce(as_name.code, as_code.code)
               END AS code
        FROM (SELECT DISTINCT value FROM ({values}) WHERE value IS NOT NULL) AS given
        LEFT JOIN {kind}_codes AS as_code
               ON as_code.kind = 'code' AND as_code.form = {case}(trim(value))
        LEFT JOIN {kind}_codes AS as_name
               ON as_name.kind = 'name' AND as_name.form = code_key(value)
        """
    )


def normalise_codes(con: duckdb.DuckDBPyConnection, rows: str, name: str) -> None:
    """Make the temporary view ``name``: the rows with their countries and languages as codes.

    Args:
        con: A connection that has seen `register_codes`.
        rows: Name of a table or view with the columns ``countries`` and ``languages``.
        name: Name of the view made; ``<name>_unknown`` is a table (kind, value, records) of what
            no code was found for.

    An unknown value is kept in lower case; repeats and empty values are dropped; order is kept.
    """
    unknown = []
    for column, kind in (("countries", "country"), ("languages", "language")):
        # By distinct list, not by row: a million films have some thousand lists of countries.
        con.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE {name}_{column} AS
            SELECT {column} AS list, count(*) AS records
            FROM {rows}
            WHERE {column} IS NOT NULL
            GROUP BY ALL
            """
        )
        values = f"SELECT unnest(list) AS value FROM {name}_{column}"
        code_map(con, values, kind, f"{name}_{kind}")
        con.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE {name}_{column}_coded AS
            WITH places AS (
                SELECT list, unnest(list) AS value, generate_subscripts(list, 1) AS place
                FROM {name}_{column}
            ),
            coded AS (
                SELECT list, coalesce(code, lower(trim(value))) AS code, min(place) AS place
                FROM places
                JOIN {name}_{kind} USING (value)
                WHERE trim(value) <> ''
                GROUP BY ALL
            )
            SELECT list, list(code ORDER BY place) AS codes
            FROM coded
            GROUP BY list
            """
        )
        unknown.append(
            f"""
            SELECT '{kind}' AS kind, value, sum(records)::BIGINT AS records
            FROM (SELECT unnest(list) AS value, records FROM {name}_{column})
            JOIN {name}_{kind} USING (value)
            WHERE code IS NULL AND trim(value) <> ''
            GROUP BY ALL
            """
        )
    con.execute(f"CREATE OR REPLACE TEMP TABLE {name}_unknown AS {' UNION ALL '.join(unknown)}")
    con.execute(
        f"""
        CREATE OR REPLACE TEMP VIEW {name} AS
        SELECT given.* REPLACE (
                   by_country.codes AS countries,
                   by_language.codes AS languages
               )
        FROM {rows} AS given
        LEFT JOIN {name}_countries_coded AS by_country ON by_country.list = given.countries
        LEFT JOIN {name}_languages_coded AS by_language ON by_language.list = given.languages
        """
    )
