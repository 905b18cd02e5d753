"""The match model of films."""

from __future__ import annotations

import pyarrow as pa

from kg_assets.matching.model import (
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
    LANGUAGES,
    SAME_TITLE,
    SAME_TITLE_OF_MAKERS,
    TITLE_FEATURES,
    TITLE_FREQUENCY,
    about_it,
    countries,
    languages,
    other_part,
    titles,
)

YEAR = Comparison(
    name="year",
    # An edition has the year in which it came out, whatever that of its film is.
    missing="year_of_l IS NULL OR year_of_r IS NULL "
    "OR edition_l AND year_of_l > year_of_r OR edition_r AND year_of_r > year_of_l",
    levels=(
        Level("same year", "year_of_l = year_of_r", 0.75, 0.02),
        Level("one year apart", "abs(year_of_l - year_of_r) = 1", 0.2, 0.04),
        Level("two years apart", "abs(year_of_l - year_of_r) = 2", 0.03, 0.04),
        Level("up to five years apart", "abs(year_of_l - year_of_r) <= 5", 0.015, 0.1),
        Level("further apart", "ELSE", 0.005, 0.8),
    ),
)

RUNTIME = Comparison(
    name="runtime",
    missing="runtime_l IS NULL OR runtime_r IS NULL",
    levels=(
        Level("within a minute", "abs(runtime_l - runtime_r) <= 1", 0.6, 0.05),
        Level("within four minutes", "abs(runtime_l - runtime_r) <= 4", 0.2, 0.1),
        Level(
            "within a tenth",
            "abs(runtime_l - runtime_r) <= 0.1 * greatest(runtime_l, runtime_r)",
            0.12,
            0.2,
        ),
        Level("further apart", "ELSE", 0.08, 0.65),
    ),
)


_APART = "abs(l.year_of - r.year_of) > 4"

_EDITION_OF_IT = (
    "(l.edition AND l.year_of > r.year_of OR r.edition AND r.year_of > l.year_of) "
    "AND list_has_any(l.title_keys, r.title_keys) "
    "AND list_has_any(l.director_letters, r.director_letters)"
)
"""One is a later edition of the other: its title says so, and title and maker are the same. Where
no maker is known that cannot be told."""


def film_spec(*, use_people: bool = True) -> MatchSpec:
    """The match model of films.

    Args:
        use_people: Whether directors and cast are compared and blocked on. Without them the
            matching of people can be measured on films that were matched without their help.
    """
    return MatchSpec(
        entity_type="film",
        features=(
            *TITLE_FEATURES,
            Feature("year_of", "coalesce(year, note_year(name))", pa.int32()),
            Feature("edition", "says_edition(name)", pa.bool_()),
            Feature(
                "runtime", "CASE WHEN runtime_minutes > 0 THEN runtime_minutes END", pa.float64()
            ),
            COUNTRIES,
            LANGUAGES,
            *((*DIRECTORS, *CREW) if use_people else ()),
        ),
        blocking=(
            SAME_TITLE_OF_MAKERS if use_people else SAME_TITLE,
            *(
                (
                    BlockingRule(
                        "same director, about the same year",
                        keys="flatten(list_transform(director_letters, lambda name: "
                        "list_transform([year_of // 2, (year_of + 1) // 2], "
                        "lambda y: name || '|' || y)))",
                        refine="list_transform([runtime // 10, (runtime + 5) // 10], "
                        "lambda minutes: minutes::VARCHAR)",
                    ),
                )
                if use_people
                else ()
            ),
            BlockingRule(
                "first words of a title, about the same year",
                keys="flatten(list_transform(title_keys, lambda title: "
                "CASE WHEN len(title) >= 6 THEN list_transform([year_of // 2, (year_of + 1) // 2], "
                "lambda y: title[:6] || '|' || y) ELSE [] END))",
                refine="work_countries",
            ),
            BlockingRule(
                "year, running time, country",
                keys="flatten(list_transform(work_countries, lambda country: "
                "[country || '|' || year_of || '|' || round(runtime)]))",
                refine="work_languages",
                across_sources=True,
            ),
        ),
        comparisons=(
            titles(),
            YEAR,
            RUNTIME,
            *((makers(), *crews()) if use_people else ()),
            countries(use_makers=use_people),
            languages(use_makers=use_people),
            # No descriptions: a film has makers, cast, a year and a running time beside its title,
            # and comparing words costs in every pair. What they would add is not measured: it takes
            # labelled films with texts of two sources.
        ),
        vetoes=(
            other_part(),
            about_it("title"),
            # Film makers make their short film again as a long one, with its title.
            Veto(
                "short_and_long",
                "least(l.runtime, r.runtime) < 45 AND greatest(l.runtime, r.runtime) >= 60 "
                "AND l.year_of <> r.year_of",
                "One is a short film, and the other a long one of another year.",
            ),
            Veto(
                "years_apart",
                f"{_APART} AND NOT coalesce({_EDITION_OF_IT}, FALSE)" if use_people else _APART,
                "The films came out more than four years apart, and neither is an edition of the "
                "other.",
            ),
        ),
        term_frequencies=(TITLE_FREQUENCY, *((MAKER_FREQUENCY,) if use_people else ())),
        telling=(CREW_TELLING,) if use_people else (),
        training_rules=(
            "l.title = r.title",
            *(
                ("l.director_letters[1] = r.director_letters[1] AND l.year_of = r.year_of",)
                if use_people
                else (
                    "l.year_of = r.year_of AND l.runtime = r.runtime "
                    "AND l.work_countries[1] = r.work_countries[1]",
                )
            ),
        ),
        prior=1e-4,
        threshold=0.8,
        shards=4,
    )


SPEC = film_spec()
