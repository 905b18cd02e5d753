"""Titles and names that mean the same have the same key, and others have not."""

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg_assets.matching.normalise import create_macros


@pytest.fixture(scope="module")
def con():
    con = duckdb.connect(config={"threads": 1})
    create_macros(con)
    return con


def of(con, expression, *values):
    return con.execute(f"SELECT {expression}", values).fetchall()[0][0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The Godfather", "Godfather, The"),
        ("L'avventura", "Avventura, L'"),
        ("Die Blechtrommel", "die blechtrommel"),
        ("Brevet fra afdøde", "BREVET FRA AFDØDE"),
        ("Łódź", "Lodz"),
        ("Straße", "Strasse"),
        ("Angst & Schrecken", "Angst and Schrecken"),
        ("Blade Runner: The Director's Cut", "Blade Runner"),
        ("Metropolis (Restored)", "Metropolis"),
        ("Metropolis: 90th Anniversary Edition", "Metropolis"),
        ("Metropolis [digitally remastered]", "Metropolis"),
        ("Amélie", "Ame\u0301lie"),
        ("Ocean's Eleven", "Ocean’s Eleven"),
    ],
)
def test_spellings_of_one_title_have_one_key(con, one, other):
    assert of(con, "title_key($1) = title_key($2)", one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Die Hard", "Hard"),
        ("I, Robot", "Robot"),
        ("Rocky", "Rocky II"),
        ("Faith", "Faith Restored"),
        ("It", "Up"),
        ("Дом", "Дым"),
        ("...", "$"),
    ],
)
def test_other_titles_have_other_keys(con, one, other):
    assert not of(con, "title_key($1) = title_key($2)", one, other)


@pytest.mark.parametrize(
    ("title", "says"),
    [
        ("Blade Runner: The Final Cut", True),
        ("Blade Runner (Director's Cut) (1992)", True),
        ("Metropolis (1984) [RESTORED]", True),
        ("Metropolis - re-release", True),
        ("The Final Cut", False),
        ("Uncut", False),
        ("(Restored)", False),
        ("Uncut Gems", False),
        ("Paradise Restored", False),
        ("Restored (2010)", False),
    ],
)
def test_a_title_says_that_it_is_an_edition_of_another(con, title, says):
    assert of(con, "says_edition($1)", title) == says


@pytest.mark.parametrize(
    ("title", "base", "part"),
    [
        ("Rocky", "rocky", None),
        ("Rocky II", "rocky", 2),
        ("Rocky V", "rocky", 5),
        ("Terminator 2: Judgment Day", "terminator", 2),
        ("Kill Bill: Vol. 2", "kill bill", 2),
        ("The Godfather: Part Three", "godfather", 3),
        ("The Godfather Part III", "godfather", 3),
        ("It Chapter Two", "it", 2),
        ("Up (2)", "up", 2),
        ("Knives Out 2", "knives out", 2),
        ("Alien³", "alien", 3),
        ("Malcolm X", "malcolm x", None),
        ("X", "x", None),
        ("I, Robot", "i robot", None),
        ("1984", "1984", None),
        ("2046", "2046", None),
        ("Blade Runner 2049", "blade runner 2049", None),
        ("Airport '77", "airport 77", None),
        ("Ocean's Eleven", "oceans eleven", None),
    ],
)
def test_part_numbers_are_found_and_years_and_letters_are_none(con, title, base, part):
    assert of(con, "base_title($1)", title) == base
    assert of(con, "part_number($1)", title) == part


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Akira Kurosawa", "Kurosawa Akira"),
        ("Kim Ki-duk", "Ki-Duk Kim"),
        ("Kim Ki-duk", "Kim Kiduk"),
        ("Erich von Stroheim", "Erich Stroheim"),
        ("Cecil B. DeMille", "Cecil DeMille"),
        ("J.J. Abrams", "J. J. Abrams"),
        ("Łukasz Żal", "Lukasz Zal"),
        ("Robert Downey Jr.", "Robert Downey, Sr."),
    ],
)
def test_spellings_of_one_name_have_the_same_letters(con, one, other):
    assert of(con, "name_letters($1) = name_letters($2)", one, other)


def test_father_and_son_are_told_apart_by_the_suffix_alone(con):
    assert of(con, "name_suffix($1)", "Robert Downey Jr.") == "jr"
    assert of(con, "name_suffix($1)", "Robert Downey, Junior") == "jr"
    assert of(con, "name_suffix($1)", "Robert Downey Sr.") == "sr"
    assert of(con, "name_suffix($1)", "Robert Downey") is None
    assert of(con, "name_key($1) = name_key($2)", "Robert Downey Jr.", "Robert Downey")


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1, max_size=30).filter(lambda text: text.strip(" ") and "\0" not in text))
def test_every_name_has_keys(con, text):
    title, name, letters, part = con.execute(
        "SELECT title_key($1), name_key($1), name_letters($1), series_part($1)", [text]
    ).fetchall()[0]
    assert title is not None and name is not None and letters is not None and part is not None


def test_only_the_macros_that_a_declaration_names_and_those_that_they_build_on_are_made():
    con = duckdb.connect(config={"threads": 1})
    create_macros(con, ("levenshtein(name_words(a)[1], name_words(b)[1]) < 2",))
    assert of(con, "name_words(?)", "Ana Lee, Jr.") == ["ana", "lee"]
    with pytest.raises(duckdb.CatalogException, match="title_key"):
        of(con, "title_key(?)", "Godfather, The")
