"""Features and comparisons of the people who made a work, or took part in it."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from kg_assets.matching.model import TEXTS, Comparison, Feature, Level, Telling, TermFrequency


def script(letters: str) -> str:
    """Expression for the script of folded letters: ``latin``, ``other``, NULL where there is none.

    Names in two scripts cannot be compared, so that they differ says nothing.
    """
    return (
        f"CASE WHEN regexp_matches({letters}, '[a-z]') THEN 'latin' "
        f"WHEN {letters} <> '' THEN 'other' END"
    )


DIRECTORS = (
    Feature(
        "director_keys",
        "list_sort(list_distinct(list_transform(list_filter(coalesce(credits, []), "
        "lambda credit: credit.role IN ('director', 'creator', 'author')), "
        "lambda credit: name_key(credit.name))))",
        TEXTS,
    ),
    Feature(
        "director_letters",
        "list_sort(list_distinct(list_transform(list_filter(coalesce(credits, []), "
        "lambda credit: credit.role IN ('director', 'creator', 'author')), "
        "lambda credit: name_letters(credit.name))))",
        TEXTS,
    ),
    Feature("maker", "director_letters[1]", pa.string()),
    Feature("makers_script", script("array_to_string(director_letters, '')"), pa.string()),
)
"""Names of those who made a work, as sorted words and as sorted letters, one of them, and the
script that they are written in."""


ONE_MAKER = "list_has_any(director_letters_l, director_letters_r)"
"""A maker in common. It explains much else: of pairs of films of one director (of 17,472 films of
Wikidata, 49,872 pairs with different titles) 92 % share a country, 79 % the languages, and 33 %
actors. Of what a common maker explains a pair gets no further weight."""


_OTHERS = (
    "list_filter(coalesce(credits, []), "
    "lambda credit: credit.role NOT IN ('director', 'creator', 'author'))"
)


CREW = (
    Feature(
        "crew",
        f"list_sort(list_distinct(list_transform({_OTHERS}, "
        "lambda credit: hash(name_letters(credit.name)))))",
        pa.list_(pa.uint64()),
    ),
    Feature(
        "crew_script",
        script(f"fold(array_to_string(list_transform({_OTHERS}, lambda one: one.name), ''))"),
        pa.string(),
    ),
)
"""Hashes of the names of other people who took part in a work, and the script of these names."""


CREW_TELLING = Telling("crew", distinct="title || '|' || coalesce(year, 0)")
"""A prolific actor in common says little, one of a single work nearly all."""


_TOLD = "telling(crew_l, crew_r)"


def makers() -> Comparison:
    """People who made a work: directors, creators, authors."""
    return Comparison(
        name="makers",
        missing="len(director_letters_l) = 0 OR len(director_letters_r) = 0 "
        "OR makers_script_l <> makers_script_r",
        similarity="best_similarity(director_keys_l, director_keys_r)",
        levels=(
            Level(
                "a maker in common",
                ONE_MAKER,
                0.93,
                0.0005,
                # Of who made a hundred works one is hardly told; and so of a name that many have.
                term_frequency="maker",
            ),
            Level(
                "names alike",
                "best_similarity(director_keys_l, director_keys_r) >= 0.88",
                0.04,
                0.001,
            ),
            Level("no maker in common", "ELSE", 0.03, 0.998),
        ),
    )


def crews() -> tuple[Comparison, Comparison]:
    """Other people who took part in a work: in works of several makers, and in those of one.

    What they tell is counted in bits (`kg_assets.matching.telling`): 7 for a name of two works.
    """
    two = Level("in common: people as telling as two of two works", f"{_TOLD} >= 14", 0.82, 0)
    one = Level("in common: people as telling as one of two works", f"{_TOLD} >= 7", 0.08, 0)
    some = Level("in common: only people of many works", f"{_TOLD} >= 1", 0.04, 0)
    none = Level("nobody in common, or only people of very many works", "ELSE", 0.06, 0)
    return (
        Comparison(
            name="crew",
            missing=f"len(crew_l) < 3 OR len(crew_r) < 3 OR crew_script_l <> crew_script_r "
            f"OR {ONE_MAKER}",
            # u as counted in pairs of films of Wikidata of other makers, a year apart at most.
            levels=(
                replace(two, u=0.0001),
                replace(one, u=0.001),
                replace(some, u=0.0165),
                replace(none, u=0.9824),
            ),
            similarity=_TOLD,
        ),
        Comparison(
            name="crew_of_one_maker",
            missing=f"len(crew_l) < 3 OR len(crew_r) < 3 OR crew_script_l <> crew_script_r "
            f"OR NOT {ONE_MAKER}",
            # u as counted in the pairs of `ONE_MAKER`. A sample of random pairs has too few.
            levels=(
                Level(
                    "in common: people as telling as four of two works",
                    f"{_TOLD} >= 28",
                    0.5,
                    0.013,
                ),
                replace(two, m=0.32, u=0.055),
                replace(one, u=0.135),
                replace(some, u=0.316),
                replace(none, u=0.481),
            ),
            similarity=_TOLD,
            train="m",
        ),
    )


MAKER_FREQUENCY = TermFrequency(
    # In how many works a name stands, whoever bears it.
    "maker",
    distinct="maker || '|' || title || '|' || coalesce(year, 0)",
)
