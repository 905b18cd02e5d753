"""The match model of series."""

from __future__ import annotations

import pyarrow as pa

from kg_assets.matching.model import Comparison, Feature, Level, MatchSpec, Veto
from kg_assets.matching.models.general import (
    COUNTRIES,
    CREW,
    DIRECTORS,
    LANGUAGES,
    SAME_TITLE,
    TITLE_FEATURES,
    TITLE_FREQUENCY,
    countries,
    crews,
    languages,
    makers,
    titles,
    years,
)

SPEC = MatchSpec(
    entity_type="series",
    features=(
        *TITLE_FEATURES,
        Feature("year_of", "coalesce(year, year(date))", pa.int32()),
        Feature("ended", "end_year", pa.int32()),
        COUNTRIES,
        LANGUAGES,
        *DIRECTORS,
        CREW,
    ),
    blocking=(SAME_TITLE,),
    comparisons=(
        titles(),
        years(far=3),
        Comparison(
            name="end",
            missing="ended_l IS NULL OR ended_r IS NULL",
            levels=(
                Level("ended within a year", "abs(ended_l - ended_r) <= 1", 0.9, 0.1),
                Level("ended apart", "ELSE", 0.1, 0.9),
            ),
        ),
        makers(),
        crews(),
        countries(),
        languages(),
    ),
    vetoes=(
        # A series that was made again ten years later is another series. No veto on part numbers:
        # sources call the second season of one series "II".
        Veto(
            "years_apart",
            "abs(l.year_of - r.year_of) > 4",
            "The series began more than four years apart.",
        ),
    ),
    term_frequencies=(TITLE_FREQUENCY,),
    training_rules=("l.title = r.title",),
    prior=1e-4,
    threshold=0.9,
)
