"""The models of types that need none of their own: titled works, and things with a name."""

from __future__ import annotations

import pyarrow as pa

from kg_assets.matching.model import (
    TEXTS,
    BlockingRule,
    Comparison,
    Feature,
    Level,
    MatchSpec,
    Veto,
)
from kg_assets.matching.models.makers import (
    CREW,
    CREW_TELLING,
    DIRECTORS,
    MAKER_FREQUENCY,
    crews,
    makers,
)
from kg_assets.matching.models.shared import (
    COUNTRIES,
    DESCRIPTION,
    LANGUAGES,
    SAME_TITLE_OF_MAKERS,
    TITLE_FEATURES,
    TITLE_FREQUENCY,
    countries,
    descriptions,
    languages,
    other_part,
    titles,
    years,
)


def titled_work(entity_type: str, *, far: int, veto_years: int | None = None) -> MatchSpec:
    """The model of a type of works that are known by title, year and makers.

    Args:
        entity_type: The type.
        far: From how many years apart the years speak against a match in full.
        veto_years: From how many years apart there can be no match; None: never.
    """
    apart = (
        ()
        if veto_years is None
        else (
            Veto(
                "years_apart",
                f"abs(l.year_of - r.year_of) > {veto_years}",
                f"The two are more than {veto_years} years apart.",
            ),
        )
    )
    return MatchSpec(
        entity_type=entity_type,
        features=(
            *TITLE_FEATURES,
            Feature("year_of", "year", pa.int32()),
            COUNTRIES,
            LANGUAGES,
            *DIRECTORS,
            *CREW,
            DESCRIPTION,
        ),
        blocking=(
            SAME_TITLE_OF_MAKERS,
            BlockingRule(
                "same maker",
                keys="director_letters",
                refine="list_transform([year - 1, year, year + 1], lambda y: y::VARCHAR)",
            ),
        ),
        comparisons=(
            # Of works of one maker and year nothing but the title tells which are one.
            titles(train="u"),
            years(far=far),
            makers(),
            *crews(),
            countries(),
            languages(),
            descriptions(),
        ),
        vetoes=(other_part(), *apart),
        term_frequencies=(TITLE_FREQUENCY, MAKER_FREQUENCY),
        telling=(CREW_TELLING,),
        training_rules=("l.title = r.title",),
        prior=1e-4,
        threshold=0.9,
    )


def named_thing(entity_type: str) -> MatchSpec:
    """The model of a type of things that are known by little more than a name.

    Args:
        entity_type: The type.
    """
    return MatchSpec(
        entity_type=entity_type,
        features=(
            *TITLE_FEATURES,
            Feature("year_of", "year", pa.int32()),
            Feature("parent", "title_key(parent_name)", pa.string()),
            Feature("sorts", "list_sort(list_distinct(coalesce(genres, [])))", TEXTS),
            COUNTRIES,
            DESCRIPTION,
        ),
        blocking=(
            BlockingRule(
                "same name", keys="title_keys", refine="[coalesce(parent, year_of::VARCHAR)]"
            ),
        ),
        comparisons=(
            # Of things of one parent or year nothing but the name tells which are one.
            titles(train="u"),
            years(far=3),
            Comparison(
                name="parent",
                missing="parent_l IS NULL OR parent_r IS NULL",
                levels=(
                    Level("same parent", "parent_l = parent_r", 0.9, 0.01),
                    Level("another parent", "ELSE", 0.1, 0.99),
                ),
            ),
            Comparison(
                name="sort",
                missing="len(sorts_l) = 0 OR len(sorts_r) = 0",
                levels=(
                    Level("a sort in common", "list_has_any(sorts_l, sorts_r)", 0.98, 0.4),
                    Level("another sort", "ELSE", 0.02, 0.6),
                ),
                train="",
            ),
            countries(use_makers=False),
            # What is told of two things of one name says best whether they are one.
            descriptions(),
        ),
        vetoes=(
            other_part(),
            # "ABC (US)" and "ABC" of Australia.
            Veto(
                "country_differs",
                "len(l.work_countries) > 0 AND len(r.work_countries) > 0 "
                "AND NOT list_has_any(l.work_countries, r.work_countries) "
                "AND (title_note(l.name) <> '' OR title_note(r.name) <> '')",
                "A name that says its country, and another country.",
            ),
        ),
        term_frequencies=(TITLE_FREQUENCY,),
        training_rules=("l.title = r.title",),
        # Among things of so few sources a name is most of what can be known.
        prior=3e-3,
        threshold=0.9,
    )
