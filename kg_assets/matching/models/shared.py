"""Features, comparisons, vetoes and term frequencies that the models of several types share."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from kg_assets.matching.model import (
    BlockingRule,
    Comparison,
    Feature,
    Level,
    Telling,
    TermFrequency,
    Veto,
)

TEXTS = pa.list_(pa.string())


TITLE_FEATURES = (
    Feature("title", "title_key(name)", pa.string()),
    Feature(
        "title_keys",
        "list_sort(list_distinct(list_transform(spellings(list_concat([name], alternate_names)), "
        "lambda one: title_key(one))))",
        TEXTS,
    ),
    Feature("segments", "title_segments(without_note(name))", TEXTS),
    Feature(
        "numberless",
        "CASE WHEN regexp_matches(title, '[0-9]') "
        "THEN regexp_replace(title, '[0-9]+', '#', 'g') END",
        pa.string(),
    ),
    Feature(
        "parts",
        "list_sort(list_distinct(list_transform("
        "list_filter(list_concat([name], alternate_names), lambda one: trim(one) <> ''), "
        "lambda one: series_part(one))))",
        TEXTS,
    ),
    Feature(
        "part_of",
        "list_sort(list_distinct(list_transform(parts, "
        "lambda part: hash(regexp_replace(part, '#[0-9]+$', '')))))",
        pa.list_(pa.uint64()),
    ),
    Feature(
        "extra",
        "coalesce(regexp_matches(title, "
        "'(^| )(making of|behind the scenes|deleted scenes|bloopers|outtakes|gag reel|sneak peek|"
        "preview|trailer|featurette|recap|epilogue|after ?show|reunion)( |$)'), FALSE)",
        pa.bool_(),
    ),
)
"""The keys of all names of a work, those of the parts of its title, the title without its numbers,
its place in a series under each name, hashes of the titles of these series, and whether its title
says that it is about another."""


COUNTRIES = Feature(
    "work_countries",
    "list_sort(list_distinct(list_filter(list_concat(countries, [note_country(name)]), "
    "lambda country: country IS NOT NULL)))",
    TEXTS,
)


LANGUAGES = Feature("work_languages", "list_sort(list_distinct(coalesce(languages, [])))", TEXTS)


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


_STOP_WORDS = (
    "about|after|again|against|before|being|between|could|every|first|found|from|"
    "into|other|their|there|these|they|this|those|through|under|where|which|while|with|would"
)


DESCRIPTION = Feature(
    "told",
    # Long words carry a text; forty of them tell it from others.
    "list_sort(list_transform(list_distinct(list_filter("
    "string_split(fold(coalesce(left(description, 1200), '')), ' '), "
    f"lambda word: len(word) >= 5 AND NOT regexp_full_match(word, '{_STOP_WORDS}'))), "
    "lambda word: hash(word)))[:40]",
    pa.list_(pa.uint64()),
)
"""Hashes of the long words of the description; the smallest hashes, alike for both sides."""


def descriptions() -> Comparison:
    """Descriptions, where both have one of some length."""
    overlap = "shared(told_l, told_r) / least(len(told_l), len(told_r))"
    return Comparison(
        name="description",
        missing="len(told_l) < 6 OR len(told_r) < 6",
        similarity=overlap,
        levels=(
            Level("one text", f"{overlap} >= 0.6", 0.4, 0.00002),
            Level("many words in common", f"{overlap} >= 0.3", 0.2, 0.001),
            Level("some words in common", f"{overlap} >= 0.15", 0.2, 0.06),
            # Two people tell one story in different words.
            Level("other words", "ELSE", 0.2, 0.93892),
        ),
        train="",
    )


WITHOUT_SUBTITLE = (
    "list_has_any(segments_l, title_keys_r) OR list_has_any(segments_r, title_keys_l)"
)
"""The one title is a part of the other, which a colon, a dash or a stroke parts from the rest."""


def titles(*, train: str = "mu") -> Comparison:
    """Titles in any language, with the frequency of the main title.

    Args:
        train: Which of the probabilities training may change. Pairs of one title teach no m: where
            no training rule makes others that can be told apart, it stands as declared.
    """
    return Comparison(
        name="title",
        train=train,
        missing="title_l IS NULL OR title_r IS NULL",
        similarity="best_similarity(title_keys_l, title_keys_r)",
        levels=(
            Level("same title", "title_l = title_r", 0.76, 0.0001, term_frequency="title"),
            Level("a title in common", "list_has_any(title_keys_l, title_keys_r)", 0.06, 0.0001),
            Level(
                "titles nearly the same",
                "best_similarity(title_keys_l, title_keys_r) >= 0.92",
                0.06,
                0.0003,
            ),
            Level("one without its sub-title", WITHOUT_SUBTITLE, 0.02, 0.0006),
            Level(
                "one title holds the other, or titles alike",
                "best_similarity(title_keys_l, title_keys_r) >= 0.82 "
                "OR (least(len(title_l), len(title_r)) >= 6 "
                "AND (contains(title_l, title_r) OR contains(title_r, title_l)))",
                0.03,
                0.004,
            ),
            Level("titles differ", "ELSE", 0.07, 0.995),
        ),
    )


def _unexplained(missing: str, *, use_makers: bool) -> str:
    return f"{missing} OR {ONE_MAKER}" if use_makers else missing


def _of_both(
    name: str,
    column: str,
    one: str,
    probabilities: tuple[tuple[float, float], ...],
    *,
    use_makers: bool,
) -> Comparison:
    """A comparison of two lists that are the same, overlap, or have nothing in common.

    Args:
        name: What is compared.
        column: The column of the lists.
        one: An element of it, with its article.
        probabilities: m and u of the three levels.
        use_makers: Whether the model knows makers; of works of one maker this says nothing.
    """
    left, right = f"{column}_l", f"{column}_r"
    same, common, none = probabilities
    return Comparison(
        name=name,
        missing=_unexplained(f"len({left}) = 0 OR len({right}) = 0", use_makers=use_makers),
        levels=(
            Level(f"same {name}", f"{left} = {right}", *same),
            Level(f"{one} in common", f"list_has_any({left}, {right})", *common),
            Level(f"no {one.split()[-1]} in common", "ELSE", *none),
        ),
    )


def countries(*, use_makers: bool = True) -> Comparison:
    """Countries of origin."""
    probabilities = ((0.7, 0.1), (0.27, 0.15), (0.03, 0.75))
    return _of_both(
        "countries", "work_countries", "a country", probabilities, use_makers=use_makers
    )


def languages(*, use_makers: bool = True) -> Comparison:
    """Original languages."""
    probabilities = ((0.7, 0.2), (0.25, 0.15), (0.05, 0.65))
    return _of_both(
        "languages", "work_languages", "a language", probabilities, use_makers=use_makers
    )


def other_part() -> Veto:
    """Two parts of one series: the same base title and another number, or another year."""
    return Veto(
        "part_differs",
        "NOT list_has_any(l.parts, r.parts) AND list_has_any(l.part_of, r.part_of) "
        "OR l.numberless = r.numberless AND NOT list_has_any(l.title_keys, r.title_keys)",
        "The titles name different parts of one series.",
    )


def about_it(title: str) -> Veto:
    """What was made about a work: its title and a word such as "Making of".

    Args:
        title: The column that holds the title.
    """
    return Veto(
        "about_the_other",
        "(l.extra AND NOT r.extra OR r.extra AND NOT l.extra) "
        f"AND (contains(l.{title}, r.{title}) OR contains(r.{title}, l.{title}))",
        "One is about the other.",
    )


def years(*, far: int) -> Comparison:
    """First years of works whose sources date them alike.

    Args:
        far: From how many years apart the two speak against each other in full.
    """
    return Comparison(
        name="year",
        missing="year_of_l IS NULL OR year_of_r IS NULL",
        levels=(
            Level("same year", "year_of_l = year_of_r", 0.8, 0.03),
            Level("one year apart", "abs(year_of_l - year_of_r) = 1", 0.12, 0.05),
            Level("not far apart", f"abs(year_of_l - year_of_r) < {far}", 0.06, 0.2),
            Level("far apart", "ELSE", 0.02, 0.72),
        ),
    )


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


SAME_TITLE = BlockingRule(
    "same title",
    keys="title_keys",
    refine="list_transform([year - 1, year, year + 1], lambda y: y::VARCHAR)",
)


SAME_TITLE_OF_MAKERS = replace(
    SAME_TITLE, orders=("maker", "crew[1]::VARCHAR", "crew[-1]::VARCHAR")
)
"""Of works with makers and crew. The smallest hash of the crew is that of another record with a
chance of the share of people that both name (Broder's min-wise hashing, 1997)."""


TITLE_FREQUENCY = TermFrequency("title", distinct="title || '|' || coalesce(year, 0)")


MAKER_FREQUENCY = TermFrequency(
    # In how many works a name stands, whoever bears it.
    "maker",
    distinct="maker || '|' || title || '|' || coalesce(year, 0)",
)
