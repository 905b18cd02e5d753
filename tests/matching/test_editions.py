"""Editions of a film: cuts and restorations are it, whenever they came out; remakes are not."""

import pytest

from tests.matching.match_worlds import apart, film, things

BLADE_RUNNER = film("a", "1", "Blade Runner", 1982, ["Ridley Scott"], runtime_minutes=117.0)
METROPOLIS = film("a", "1", "Metropolis", 1927, ["Fritz Lang"], runtime_minutes=153.0)


def test_a_re_release_is_the_same_film():
    again = film("b", "2", "Metropolis (Remastered)", 1927, ["Fritz Lang"], runtime_minutes=150.0)
    assert things("film", [METROPOLIS, again]) == {("1", "2")}


def test_a_directors_cut_is_the_same_film_though_it_is_longer():
    cut = film(
        "b", "2", "Blade Runner: The Director's Cut", 1982, ["Ridley Scott"], runtime_minutes=128.0
    )
    assert things("film", [BLADE_RUNNER, cut]) == {("1", "2")}


@pytest.mark.parametrize(
    ("first", "name", "year"),
    [
        (BLADE_RUNNER, "Blade Runner: The Final Cut", 2007),
        (BLADE_RUNNER, "Blade Runner (Director's Cut)", 1992),
        (METROPOLIS, "Metropolis (Remastered)", 2010),
        (METROPOLIS, "Metropolis (Restored)", 2010),
        (METROPOLIS, "Metropolis [Restoration] (2010)", None),
        (METROPOLIS, "Metropolis - Re-Release", 1984),
        (METROPOLIS, "Metropolis (4K Restoration)", 2010),
        (METROPOLIS, "Metropolis: 90th Anniversary Edition", 2017),
    ],
)
@pytest.mark.parametrize("minutes", [None, 117.0])
def test_an_edition_with_a_year_of_its_own_is_the_same_film(first, name, year, minutes):
    (maker,) = first["credits"]
    edition = film("b", "2", name, year, [maker["name"]], runtime_minutes=minutes)
    assert things("film", [first, edition]) == {("1", "2")}


def test_two_editions_are_the_film_that_they_are_of():
    films = [
        BLADE_RUNNER,
        film("b", "2", "Blade Runner (Director's Cut)", 1992, ["Ridley Scott"]),
        film("c", "3", "Blade Runner: The Final Cut", 2007, ["Ridley Scott"]),
    ]
    assert things("film", films) == {("1", "2", "3")}


def test_an_edition_is_not_the_remake_by_the_same_director():
    films = [
        film("a", "1934", "The Man Who Knew Too Much", 1934, ["Alfred Hitchcock"]),
        film("b", "1956", "The Man Who Knew Too Much", 1956, ["Alfred Hitchcock"]),
        # What came out in 1946 is an edition of the first.
        film("c", "1946", "The Man Who Knew Too Much (Restored)", 1946, ["Alfred Hitchcock"]),
    ]
    assert things("film", films) == {("1934", "1946"), ("1956",)}


@pytest.mark.parametrize(
    ("name", "director"),
    [
        ("Metropolis (Remastered)", ["Rintaro Hayashi"]),
        ("Metropolis (Remastered)", []),
        ("The Making of Metropolis (Remastered)", ["Fritz Lang"]),
        ("The Making of Metropolis", ["Fritz Lang"]),
        ("Destiny (Remastered)", ["Fritz Lang"]),
        ("Metropolis", ["Fritz Lang"]),
    ],
)
def test_what_came_out_later_and_is_no_edition_of_it_is_another_film(name, director):
    assert things("film", [METROPOLIS, film("b", "2", name, 2010, director)]) == apart("1", "2")


@pytest.mark.parametrize("other", ["Faith Restored", "Restoration", "Redux"])
def test_a_word_that_is_part_of_a_title_makes_no_edition(other):
    films = [
        film("a", "1", "Faith", 1990, ["Ada Quint"], runtime_minutes=90.0),
        film("b", "2", other, 2010, ["Ada Quint"], runtime_minutes=91.0),
    ]
    assert things("film", films) == apart("1", "2")
