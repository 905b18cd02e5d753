"""What the models of several types share: titles, countries, languages, years, descriptions."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from kg_assets.matching.model import (
    TEXTS,
    BlockingRule,
    Comparison,
    Feature,
    Level,
    TermFrequency,
    Veto,
)
from kg_assets.matching.models.makers import ONE_MAKER

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
