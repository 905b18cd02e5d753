"""Names that many things have, and things that have many names: what joins and what stays apart."""

import pytest

from tests.matching.match_worlds import apart, film, people_of, things


def other(kind, source, source_id, name, **more):
    return {"entity_type": kind, "source": source, "source_id": source_id, "name": name, **more}


MOTHERS = [
    film("a", "KR", "Mother", 2009, ["Bong Joon-ho"], countries=["KR"], runtime_minutes=129.0),
    film("a", "US", "Mother!", 2017, ["Darren Aronofsky"], countries=["US"], runtime_minutes=121.0),
    film("a", "SU", "Mother", 1926, ["Vsevolod Pudovkin"], countries=["SU"], runtime_minutes=87.0),
    film("a", "CN", "Mother", 1955, ["Mark Donskoy"], countries=["SU"], runtime_minutes=99.0),
    film("a", "EE", "Mother", 2016, ["Kadri Kõusaar"], countries=["EE"], runtime_minutes=89.0),
    film("a", "IN", "Mother", 2017, ["Ravi Udyawar"], countries=["IN"], runtime_minutes=146.0),
]


def test_every_country_has_a_mother():
    assert things("film", MOTHERS) == apart("KR", "US", "SU", "CN", "EE", "IN")


def test_the_same_mother_is_found_among_all_of_them():
    again = film(
        "b", "kr", "Madeo", 2009, ["Joon-ho Bong"], countries=["KR"], runtime_minutes=128.0,
        alternate_names=["Mother"],
    )  # fmt: skip
    found = things("film", [*MOTHERS, again])
    assert found == {("KR", "kr"), *apart("US", "SU", "CN", "EE", "IN")}


def test_knives_out_and_its_successors_are_three_films():
    films = [
        film("a", "1", "Knives Out", 2019, ["Rian Johnson"], runtime_minutes=130.0),
        film("b", "1'", "Knives Out", 2019, ["Rian Johnson"], runtime_minutes=131.0),
        film("a", "2", "Glass Onion: A Knives Out Mystery", 2022, ["Rian Johnson"],
             runtime_minutes=139.0, alternate_names=["Knives Out 2"]),
        film("b", "2'", "Knives Out 2", 2022, ["Rian Johnson"], runtime_minutes=139.0,
             alternate_names=["Glass Onion"]),
        film("a", "3", "Wake Up Dead Man: A Knives Out Mystery", 2025, ["Rian Johnson"],
             runtime_minutes=144.0, alternate_names=["Knives Out 3"]),
    ]  # fmt: skip
    assert things("film", films) == {("1", "1'"), ("2", "2'"), ("3",)}


@pytest.mark.parametrize("second", ["Rocky II", "Rocky 2", "Rocky Two", "Rocky: Part II"])
def test_the_second_rocky_in_any_writing_is_one_film_and_not_the_first(second):
    films = [
        film("a", "1", "Rocky", 1976, ["John G. Avildsen"], runtime_minutes=120.0),
        film("a", "2", "Rocky II", 1979, ["Sylvester Stallone"], runtime_minutes=119.0),
        film("b", "2'", second, 1979, ["Sylvester Stallone"], runtime_minutes=120.0),
        film("a", "3", "Rocky III", 1982, ["Sylvester Stallone"], runtime_minutes=100.0),
    ]
    assert things("film", films) == {("1",), ("2", "2'"), ("3",)}


def test_remakes_with_the_same_title_are_two_films():
    films = [
        film("a", "1932", "Scarface", 1932, ["Howard Hawks"], countries=["US"]),
        film("a", "1983", "Scarface", 1983, ["Brian De Palma"], countries=["US"]),
        film("b", "1983'", "Scarface", 1983, ["Brian De Palma"], countries=["US"]),
    ]
    assert things("film", films) == {("1932",), ("1983", "1983'")}


def test_two_films_that_a_director_makes_with_the_same_people_are_two():
    stars = ["Setsuko Hara", "Chishu Ryu"]

    def by_ozu(source, source_id, name, year, minutes, others):
        made = film(source, source_id, name, year, ["Yasujiro Ozu"], countries=["JP"],
                    languages=["ja"], runtime_minutes=minutes)  # fmt: skip
        for place, person in enumerate([*stars, *others], 2):
            made["credits"].append(
                {"name": person, "person_id": f"{source_id}/{place}", "role": "actor",
                 "character": None, "position": place}
            )  # fmt: skip
        return made

    films = [
        by_ozu("a", "1", "Early Summer", 1951, 124.0, ["Chikage Awashima", "Kuniko Miyake"]),
        by_ozu("b", "2", "A Rainy Spring", 1951, None, ["Shin Saburi", "Michiyo Kogure"]),
        by_ozu("b", "1'", "Bakushu", 1951, 125.0, ["Chikage Awashima", "Kuniko Miyake"]),
    ]
    assert things("film", films) == {("1", "1'"), ("2",)}


def with_cast(made, *people):
    made["credits"] += [
        {"name": person, "person_id": f"{made['source_id']}/{place}", "role": "actor",
         "character": None, "position": place}
        for place, person in enumerate(people, 2)
    ]  # fmt: skip
    return made


STARS = ("Famous Aanand", "Famous Bedi", "Famous Chopra")
UNKNOWN = ("Ulf Nygren", "Ilse Quandt")


def star_films():
    """Four hundred films of as many directors; each star plays in seventy of them."""
    return [
        with_cast(
            film("c", str(n), f"{chr(97 + n % 26)}{n * 7919} nights", 1930 + n % 90, [f"By {n}"]),
            *(STARS[n // 70 : n // 70 + 1] or [f"Extra {n} a"]), f"Extra {n} b", f"Extra {n} c",
        )
        for n in range(400)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("in_common", "joined"),
    [(STARS, False), (UNKNOWN, True)],
    ids=["three stars", "two whom nobody knows"],
)
def test_a_shared_name_tells_the_more_the_fewer_films_it_stands_in(in_common, joined):
    films = [
        with_cast(
            film(source, source, "The Return", 1998, [director]),
            *in_common, f"Extra {source} 1", f"Extra {source} 2", f"Extra {source} 3",
        )
        for source, director in (("a", "Vera Lind"), ("b", "Hugo Brandt"))
    ]  # fmt: skip
    found = {one for one in things("film", [*films, *star_films()]) if not one[0].isdigit()}
    assert found == ({("a", "b")} if joined else apart("a", "b"))


def test_a_remake_by_the_same_director_is_another_film():
    films = [
        film("a", "1934", "The Man Who Knew Too Much", 1934, ["Alfred Hitchcock"]),
        film("b", "1956", "The Man Who Knew Too Much", 1956, ["Alfred Hitchcock"]),
        film("a", "1997", "Funny Games", 1997, ["Michael Haneke"], countries=["AT"]),
        film("b", "2007", "Funny Games", 2007, ["Michael Haneke"], countries=["US"]),
    ]
    assert things("film", films) == apart("1934", "1956", "1997", "2007")


def test_a_film_and_its_series_never_meet():
    rows = [
        film("a", "film", "Fargo", 1996, ["Joel Coen"]),
        other("series", "b", "series", "Fargo", year=2014),
        other("series", "c", "series'", "Fargo", year=2014),
    ]
    assert things("film", rows) == {("film",)}
    assert things("series", rows) == {("series", "series'")}


SERIES = [
    {"entity_id": "series:x", "entity_type": "series", "source": source, "source_id": "s"}
    for source in "ab"
]


def episode(source, source_id, name, season, number, **more):
    return other(
        "episode", source, source_id, name, season=season, episode=number, parent_id="s",
        parent_name="Long Night", **more,
    )  # fmt: skip


def test_a_double_episode_is_neither_of_its_halves():
    rows = [
        episode("a", "both", "The Flood (1 & 2)", 1, 1),
        episode("b", "first", "The Flood (1)", 1, 1),
        episode("b", "second", "The Flood (2)", 1, 2),
    ]
    assert things("episode", rows, SERIES) == apart("both", "first", "second")


def test_halves_are_found_in_any_writing():
    rows = [
        episode("a", "1", "The Flood, Part One", 1, 1),
        episode("a", "2", "The Flood, Part Two", 1, 2),
        episode("b", "1'", "The Flood (1)", 1, 1),
        episode("b", "2'", "The Flood (2)", 1, 2),
    ]
    assert things("episode", rows, SERIES) == {("1", "1'"), ("2", "2'")}


def works(*films):
    """Films with their people, and members that make each film's records one entity by title."""
    members = [
        {
            "entity_id": f"film:{one['name']} {one['year']}",
            "entity_type": "film",
            "source": one["source"],
            "source_id": one["source_id"],
        }
        for one in films
    ]
    return [*films, *people_of(films)], members


def test_twins_who_direct_together_are_two_people():
    rows, members = works(
        film("a", "f", "Mirror House", 2001, ["Ada Quint", "Ida Quint"]),
        film("b", "g", "Mirror House", 2001, ["Ada Quint", "Ida Quint"]),
        film("b", "h", "Glass House", 2004, ["Ada Quint", "Ida Quint"]),
    )
    found = things("person", rows, members)
    assert all(len({one.split("/")[1] for one in group}) == 1 for group in found)
    assert {one for group in found if len(group) == 1 for one in group} == set()


def test_father_and_son_with_one_name_are_two_actors():
    rows = [
        other("person", "a", "father", "Lon Chaney", birth_year=1883, professions=["actor"]),
        other("person", "a", "son", "Lon Chaney Jr.", birth_year=1906, professions=["actor"]),
        other("person", "b", "father'", "Lon Chaney", birth_year=1883, professions=["actor"]),
        other("person", "b", "son'", "Lon Chaney, Jr.", birth_year=1906, professions=["actor"]),
        other("person", "c", "unmarked son", "Lon Chaney", birth_year=1906, professions=["actor"]),
    ]
    found = things("person", rows)
    fathers, sons = ({"father", "father'"}, {"son", "son'", "unmarked son"})
    assert ("father", "father'") in found
    assert ("son", "son'") in found or ("son", "son'", "unmarked son") in found
    assert not any(fathers & set(group) and sons & set(group) for group in found)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ({"death_year": 1951}, {"death_year": 1999}),
        ({"birth_year": 1900, "death_year": 1951}, {"death_year": 1999}),
        ({"death_year": 1951}, {"birth_year": 1960}),
        ({"birth_year": 1820}, {"death_year": 1999}),
    ],
    ids=["died apart", "died apart, one born", "born after a death", "too long for a life"],
)
def test_those_whose_years_fit_into_no_one_life_are_two(one, two):
    rows = [
        other("person", source, source, "Zoltan Quirk", professions=["actor"], **years)
        for source, years in (("a", one), ("b", two))
    ]
    assert things("person", rows) == apart("a", "b")


@pytest.mark.parametrize(
    ("died", "joined"), [({"death_year": 1987}, True), ({}, False)], ids=["said", "not said"]
)
def test_a_common_name_and_one_year_of_death_are_one_person(died, joined):
    rows = [
        other("person", source, f"{source} peter", "Peter Kovacs", **died) for source in "ab"
    ] + [
        other("person", "c", f"{side}{n}", name, death_year=1930 + n % 90)
        for n in range(120)
        for side, name in (("given", f"Peter Family{n}"), ("family", f"Given{n} Kovacs"))
    ]
    found = {one for one in things("person", rows) if one[0].endswith(" peter")}
    assert found == ({("a peter", "b peter")} if joined else apart("a peter", "b peter"))


def test_sources_may_differ_by_a_year_about_a_death():
    rows = [
        other("person", source, source, "Zoltan Quirk", death_year=year)
        for source, year in (("a", 1951), ("b", 1952))
    ]
    assert things("person", rows) == {("a", "b")}


def test_an_author_who_is_credited_long_after_death_is_one_person():
    rows, members = works(
        film("a", "f", "Storm", 1911, ["Wilbur Shakespeer"]),
        film("a", "g", "Storm", 2010, ["Wilbur Shakespeer"]),
        film("b", "h", "Jealousy", 1995, ["Wilbur Shakespeer"]),
    )
    for one in rows[3:]:
        one |= {"source_id": "poet", "death_year": 1616, "birth_year": 1564}
    for one in rows[:3]:
        one["credits"][0]["person_id"] = "poet"
    del rows[4]
    assert things("person", rows, members) == {("poet", "poet")}


def test_a_common_name_with_two_careers_at_once_is_two_people():
    crew = [f"Person {letter}" for letter in "PQRSTUVW"]
    rows, members = works(
        *[
            film("a", f"hu{n}", f"Folyó {n}", 2000 + n, ["Peter Kovacs", *crew[:4]],
                 countries=["HU"], languages=["hu"])
            for n in range(3)
        ],
        *[
            film("b", f"us{n}", f"Mountain {n}", 2000 + n, ["Peter Kovacs", *crew[4:]],
                 countries=["US"], languages=["en"])
            for n in range(3)
        ],
    )  # fmt: skip
    # A name is common if many others have its words.
    rows += [
        other("person", "c", f"{side}{n}", name, professions=["actor"])
        for n in range(120)
        for side, name in (("given", f"Peter Family{n}"), ("family", f"Given{n} Kovacs"))
    ]
    found = things("person", rows, members)
    assert not any(
        any(one.startswith("hu") for one in group) and any(one.startswith("us") for one in group)
        for group in found
        if any("kovacs" in one for one in group)
    )


def test_a_translated_title_with_nothing_else_in_common_joins_by_its_makers():
    films = [
        film("a", "de", "Das weiße Band", 2009, ["Michael Haneke"], runtime_minutes=144.0,
             countries=["DE"], languages=["de"]),
        film("b", "en", "The White Ribbon", 2009, ["Michael Haneke"], runtime_minutes=143.0,
             countries=["DE"], languages=["de"]),
    ]  # fmt: skip
    assert things("film", films) == {("de", "en")}


def test_a_translated_title_alone_joins_nothing():
    films = [
        film("a", "de", "Das weiße Band", 2009),
        film("b", "en", "The White Ribbon", 2009),
    ]
    assert things("film", films) == apart("de", "en")


def test_two_films_of_a_director_in_one_year_are_two():
    films = [
        film("a", "1", "Schindler's List", 1993, ["Steven Spielberg"], runtime_minutes=195.0),
        film("b", "2", "Jurassic Park", 1993, ["Steven Spielberg"], runtime_minutes=127.0),
    ]
    assert things("film", films) == apart("1", "2")
