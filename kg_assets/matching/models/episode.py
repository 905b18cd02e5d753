"""The match model of episodes."""

from __future__ import annotations

import pyarrow as pa

from kg_assets.matching.model import (
    PARENT,
    BlockingRule,
    Comparison,
    Feature,
    Level,
    MatchSpec,
    TermFrequency,
    Veto,
)
from kg_assets.matching.models.general import TITLE_FEATURES

_GENERIC = (
    "^(episode|ep|part|chapter|folge|teil|episodio|capitulo|afsnit|avsnitt|jakso|aflevering|"
    "pilot|finale|tba|untitled)( [0-9]+| one| two| three)?$|^[0-9]+$|"
    "^(season|series) [0-9]+ episode [0-9]+$"
)

SPEC = MatchSpec(
    entity_type="episode",
    features=(
        *TITLE_FEATURES,
        # A title that a thousand episodes have says nothing of this one.
        Feature(
            "own_title",
            f"CASE WHEN regexp_matches(title, '{_GENERIC}') THEN NULL ELSE title END",
            pa.string(),
        ),
        Feature(
            "own_titles",
            f"list_filter(title_keys, lambda key: NOT regexp_matches(key, '{_GENERIC}'))",
            pa.list_(pa.string()),
        ),
        Feature("series_entity", "parent_entity", pa.string()),
        Feature("series_title", "title_key(parent_name)", pa.string()),
        Feature("season_number", "season", pa.int32()),
        Feature("episode_number", "episode", pa.int32()),
        Feature("broadcast", "date", pa.date32()),
    ),
    blocking=(
        BlockingRule(
            "season and episode of a series",
            keys="list_transform(list_filter([series_entity, series_title], "
            "lambda parent: parent IS NOT NULL), "
            "lambda parent: parent || '|' || season_number || '|' || episode_number)",
            refine="[broadcast::VARCHAR]",
        ),
        BlockingRule(
            "day of broadcast of a series",
            keys="list_transform(list_filter([series_entity, series_title], "
            "lambda parent: parent IS NOT NULL), lambda parent: parent || '|' || broadcast)",
            refine="[episode_number::VARCHAR]",
        ),
        BlockingRule(
            "title in a series",
            keys="flatten(list_transform(list_filter([series_entity, series_title], "
            "lambda parent: parent IS NOT NULL), lambda parent: "
            "list_transform(own_titles, lambda key: parent || '|' || key)))",
            refine="[season_number::VARCHAR]",
        ),
    ),
    comparisons=(
        Comparison(
            name="series",
            missing="(series_entity_l IS NULL OR series_entity_r IS NULL) "
            "AND (series_title_l IS NULL OR series_title_r IS NULL)",
            levels=(
                Level("same series", "series_entity_l = series_entity_r", 0.85, 0.002),
                Level("series of one name", "series_title_l = series_title_r", 0.13, 0.002),
                Level("another series", "ELSE", 0.02, 0.996),
            ),
            # Nearly all episodes of a small sample are of other series: trained, it would say
            # that two episodes of one series are one.
            train="u",
        ),
        Comparison(
            name="number",
            missing="episode_number_l IS NULL OR episode_number_r IS NULL",
            levels=(
                # A series has one episode of a number: together they tell far more than apart.
                Level(
                    "same season and episode of one series",
                    "season_number_l = season_number_r AND episode_number_l = episode_number_r "
                    "AND (series_entity_l = series_entity_r OR series_title_l = series_title_r)",
                    0.87,
                    0.00001,
                ),
                Level(
                    "same season and episode",
                    "season_number_l = season_number_r AND episode_number_l = episode_number_r",
                    0.03,
                    0.005,
                ),
                Level(
                    "same episode, a season missing",
                    "episode_number_l = episode_number_r "
                    "AND (season_number_l IS NULL OR season_number_r IS NULL)",
                    0.04,
                    0.01,
                ),
                Level("another number", "ELSE", 0.06, 0.985),
            ),
            train="",
        ),
        Comparison(
            name="title",
            missing="own_title_l IS NULL OR own_title_r IS NULL",
            similarity="best_similarity(own_titles_l, own_titles_r)",
            levels=(
                Level(
                    "same title",
                    "own_title_l = own_title_r",
                    0.75,
                    0.0002,
                    term_frequency="own_title",
                ),
                Level(
                    "a title in common", "list_has_any(own_titles_l, own_titles_r)", 0.05, 0.0002
                ),
                Level(
                    "titles alike",
                    "best_similarity(own_titles_l, own_titles_r) >= 0.88",
                    0.08,
                    0.002,
                ),
                Level("titles differ", "ELSE", 0.12, 0.9976),
            ),
        ),
        Comparison(
            name="broadcast",
            missing="broadcast_l IS NULL OR broadcast_r IS NULL",
            levels=(
                Level("same day", "broadcast_l = broadcast_r", 0.8, 0.001),
                # Sources date by the clock of different countries.
                Level(
                    "a day apart",
                    "abs(date_diff('day', broadcast_l, broadcast_r)) <= 1",
                    0.12,
                    0.001,
                ),
                Level(
                    "a fortnight apart",
                    "abs(date_diff('day', broadcast_l, broadcast_r)) <= 14",
                    0.04,
                    0.01,
                ),
                Level("further apart", "ELSE", 0.04, 0.988),
            ),
        ),
    ),
    vetoes=(
        # Sources that number in another order agree on title or day; without either, numbers that
        # differ are two episodes.
        Veto(
            "number_differs",
            "(l.season_number <> r.season_number OR l.episode_number <> r.episode_number) "
            "AND NOT coalesce(l.broadcast = r.broadcast AND l.own_title = r.own_title, FALSE)",
            "Season or episode differ, and day and title do not both agree.",
        ),
        Veto(
            "series_differs",
            "l.series_entity <> r.series_entity AND l.series_entity LIKE 'series%' "
            "AND r.series_entity LIKE 'series%' "
            "AND l.series_title IS DISTINCT FROM r.series_title",
            "The episodes are of different series.",
        ),
    ),
    term_frequencies=(
        TermFrequency("own_title", distinct="own_title || '|' || coalesce(series_entity, '')"),
    ),
    training_rules=(
        "l.series_entity = r.series_entity AND l.season_number = r.season_number "
        "AND l.episode_number = r.episode_number",
    ),
    prior=1e-5,
    threshold=0.9,
    contexts=(PARENT,),
    depends_on=("series",),
    shards=2,
)
