"""What deliveries of Wikidata are expected to hold, by entity type."""

from __future__ import annotations

from collections.abc import Mapping

from kg_assets.sources.expectations import Bound, Expectation, Fill

_DUMPS = ("*-all.json*",)
"""Files that hold every entity: ``latest-all.json.bz2``, ``wikidata-20261116-all.json.gz``."""

# Numbers hold for dumps of all entities, which have "-all" in their names. They are orders of
# magnitude, low enough that growth and other classes change nothing and half a dump fails: of
# more than a hundred million items a tenth are people; WikiProject Video games counted 100,000
# games in June 2024, 85 % of them with a date and a third with a country. The films that
# bokeh_sampledata took from Wikidata all have a year and a country, and 99.7 % have credits;
# what few people have looked at has less.
EXPECTED: Mapping[str, Expectation] = {
    "film": Expectation(
        records=Bound(least=100_000, usual=200_000, most=3_000_000),
        filled=(
            Fill("year", Bound(least=0.5, usual=0.8)),
            Fill("credits", Bound(least=0.1, usual=0.5)),
            Fill("countries", Bound(least=0.1, usual=0.5)),
        ),
        whole=_DUMPS,
    ),
    "series": Expectation(
        records=Bound(least=20_000, usual=50_000, most=1_000_000),
        filled=(
            Fill("year", Bound(least=0.3, usual=0.7)),
            Fill("end_year", Bound(most=0.9)),
        ),
        whole=_DUMPS,
    ),
    "episode": Expectation(
        records=Bound(least=10_000, usual=50_000, most=5_000_000),
        filled=(Fill("parent_id", Bound(least=0.3, usual=0.9)),),
        whole=_DUMPS,
    ),
    "person": Expectation(
        records=Bound(least=3_000_000, usual=8_000_000, most=50_000_000),
        filled=(
            Fill("professions", Bound(least=0.1, usual=0.5)),
            Fill("birth_year", Bound(most=0.95)),
            Fill("death_year", Bound(most=0.7)),
        ),
        whole=_DUMPS,
    ),
    "book": Expectation(records=Bound(least=20_000, usual=100_000, most=10_000_000), whole=_DUMPS),
    "game": Expectation(
        records=Bound(least=30_000, usual=80_000, most=1_000_000),
        filled=(
            Fill("year", Bound(usual=0.7)),
            Fill("countries", Bound(usual=0.1, most=0.9)),
        ),
        whole=_DUMPS,
    ),
    "organisation": Expectation(
        records=Bound(least=20_000, usual=100_000, most=20_000_000), whole=_DUMPS
    ),
}
