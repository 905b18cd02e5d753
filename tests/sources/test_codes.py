"""Countries and languages become ISO codes, however they are written, and none is lost."""

from __future__ import annotations

import duckdb
import pytest

from kg_assets.sources.codes import normalise_codes, register_codes


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"threads": 1})
    register_codes(connection)
    return connection


def _coded(
    con: duckdb.DuckDBPyConnection, *, countries: list | None = None, languages: list | None = None
) -> tuple[list | None, list | None]:
    con.execute("CREATE OR REPLACE TEMP TABLE given (countries VARCHAR[], languages VARCHAR[])")
    con.execute("INSERT INTO given VALUES (?, ?)", [countries, languages])
    normalise_codes(con, "given", "coded")
    [row] = con.execute("SELECT countries, languages FROM coded").fetchall()
    return row


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("US", "US"),
        ("us", "US"),
        ("USA", "US"),
        ("United States", "US"),
        ("United States of America", "US"),
        ("UK", "GB"),
        ("United Kingdom", "GB"),
        ("Soviet Union", "SU"),
        ("SU", "SU"),
        ("Czechoslovakia", "CS"),
        ("CS", "CS"),
        ("Socialist Federal Republic of Yugoslavia", "YU"),
        ("East Germany", "DD"),
        ("West Germany", "DE"),
        ("FRANCE", "FR"),
        ("The Bahamas", "BS"),
        ("Côte d’Ivoire", "CI"),
        ("Cote d'Ivoire", "CI"),
        ("Bosnia & Herzegovina", "BA"),
        ("People's Republic of China", "CN"),
        ("Kosovo", "XK"),
        ("SK", "SK"),
        ("  France ", "FR"),
    ],
)
def test_a_country_becomes_its_code(con, written, code):
    assert _coded(con, countries=[written])[0] == [code]


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("en", "en"),
        ("EN", "en"),
        ("eng", "en"),
        ("English", "en"),
        ("American English", "en"),
        ("fre", "fr"),
        ("fra", "fr"),
        ("Mandarin", "zh"),
        ("Standard Chinese", "zh"),
        ("cmn", "zh"),
        ("Cantonese", "yue"),
        ("Yue Chinese", "yue"),
        ("Greek", "el"),
        ("Kurdish language", "ku"),
        ("tgl", "tl"),
        ("rom", "rom"),
        ("Māori", "mi"),
        ("aka", "ak"),
        ("Aka", "soh"),
    ],
)
def test_a_language_becomes_its_code(con, written, code):
    assert _coded(con, languages=[written])[1] == [code]


def test_an_unknown_value_is_kept_in_lower_case_and_counted(con):
    assert _coded(con, countries=["Freedonia", "FR"], languages=["Parseltongue"]) == (
        ["freedonia", "FR"],
        ["parseltongue"],
    )
    unknown = con.execute("FROM coded_unknown ORDER BY ALL").fetchall()
    assert unknown == [("country", "Freedonia", 1), ("language", "Parseltongue", 1)]


def test_order_is_kept_and_repeats_under_other_names_go(con):
    written = ["West Germany", "United Kingdom", "Germany", "", "GB"]
    assert _coded(con, countries=written)[0] == ["DE", "GB"]


def test_no_list_stays_no_list(con):
    assert _coded(con) == (None, None)
