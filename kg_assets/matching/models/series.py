"""The match model of series."""

from __future__ import annotations

import pyarrow as pa

from kg_assets.matching.model import BlockingRule, Comparison, Feature, Level, MatchSpec, Veto
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
    SAME_TITLE,
    TITLE_FEATURES,
    TITLE_FREQUENCY,
    countries,
    descriptions,
    languages,
    titles,
)

SPEC = MatchSpec(
    entity_type="series",
    features=(
        *TITLE_FEATURES,
        Feature("year_of", "coalesce(note_year(name), year, year(date))", pa.int32()),
        Feature("first_day", "date", pa.date32()),
        Feature("ended", "end_year", pa.int32()),
        COUNTRIES,
        LANGUAGES,
        *DIRECTORS,
        *CREW,
        DESCRIPTION,
    ),
    blocking=(
        SAME_TITLE,
        BlockingRule(
            "day of the first episode",
            keys="[first_day::VARCHAR]",
            refine="list_transform(title_keys, lambda key: key[:4])",
            across_sources=True,
        ),
        BlockingRule(
            "first words of a title, about the same year",
            keys="flatten(list_transform(title_keys, lambda key: "
            "CASE WHEN len(key) >= 6 THEN list_transform([year_of // 2, (year_of + 1) // 2], "
            "lambda y: key[:6] || '|' || y) ELSE [] END))",
            refine="work_countries",
            across_sources=True,
        ),
    ),
    comparisons=(
        # Series of one first day share country and language, whether they are one or two: where no
        # source tells makers, training on their pairs took two for one, and a third of m went to
        # titles that differ.
        titles(train="u"),
        Comparison(
            name="start",
            missing="year_of_l IS NULL OR year_of_r IS NULL",
            levels=(
                Level("same day", "first_day_l = first_day_r", 0.6, 0.0003),
                Level(
                    "within a month",
                    "abs(date_diff('day', first_day_l, first_day_r)) <= 31",
                    0.15,
                    0.003,
                ),
                Level("same year", "year_of_l = year_of_r", 0.1, 0.03),
                Level("one year apart", "abs(year_of_l - year_of_r) = 1", 0.07, 0.05),
                Level("up to four years apart", "abs(year_of_l - year_of_r) <= 4", 0.05, 0.2),
                Level("far apart", "ELSE", 0.03, 0.7167),
            ),
            train="",
        ),
        Comparison(
            name="end",
            missing="ended_l IS NULL OR ended_r IS NULL",
            levels=(
                Level("ended within a year", "abs(ended_l - ended_r) <= 1", 0.9, 0.1),
                Level("ended apart", "ELSE", 0.1, 0.9),
            ),
        ),
        makers(),
        *crews(),
        countries(),
        languages(),
        descriptions(),
    ),
    vetoes=(
        # "CSI" and "CSI: Miami"; a source that leaves a sub-title out has the same first day.
        Veto(
            "spin_off",
            "(list_has_any(l.segments, r.title_keys) OR list_has_any(r.segments, l.title_keys)) "
            "AND NOT list_has_any(l.title_keys, r.title_keys) AND l.year_of <> r.year_of "
            "AND coalesce(abs(date_diff('day', l.first_day, r.first_day)), 99) > 62",
            "The title of one is a part of the other's, and it began in another year.",
        ),
        # A series that was made again ten years later is another series. No veto on part numbers:
        # sources call the second season of one series "II".
        Veto(
            "years_apart",
            "abs(l.year_of - r.year_of) > 4 AND NOT (len(l.told) >= 6 AND len(r.told) >= 6 "
            "AND shared(l.told, r.told) >= 0.5 * least(len(l.told), len(r.told)))",
            "The series began more than four years apart, and no text says that they are one.",
        ),
    ),
    term_frequencies=(TITLE_FREQUENCY, MAKER_FREQUENCY),
    telling=(CREW_TELLING,),
    training_rules=("l.title = r.title",),
    prior=1e-3,
    threshold=0.8,
)
