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
from kg_assets.matching.models.shared import DESCRIPTION, TITLE_FEATURES, about_it, descriptions

_PART = (
    "episode|ep|part|chapter|folge|teil|kapitel|episodio|capitulo|capitolo|parte|partie|afsnit|"
    "avsnitt|avsnit|jakso|osa|aflevering|deel|odcinek|czesc|epizod|epizoda|dil|seriya|vypusk|bolum|"
    "resz|pilot|finale|tba|tbd|untitled"
)
_PERIOD = "week|day|night|round|heat|show|program|programme|tag|woche|jour|dia"
_NUMBERS = "one|two|three|four|five|six|seven|eight|nine|ten|i|v|x"
_GENERIC = (
    f"^({_PART})( (no )?([0-9]+|{_NUMBERS})( [0-9]+)?)?$|^({_PERIOD}) [0-9]+$|"
    f"^[0-9]+( [0-9]+)*( ({_PART}))?$|^({_NUMBERS})$|"
    f"^(season|series|staffel|temporada|saison|sezon) [0-9]+( ({_PART}) [0-9]+)?$|"
    "^(season|series) (premiere|finale)$|^s[0-9]+ ?e[0-9]+$|^[0-9]+x[0-9]+$|"
    "^第 ?[0-9]+ ?[話话集回期]$|^제? ?[0-9]+ ?[화회]$"
)
"""Titles that only count, as they stand in the title's key."""

SPEC = MatchSpec(
    entity_type="episode",
    features=(
        *TITLE_FEATURES,
        # A title that a thousand episodes have says nothing of this one. Forms of a part are one:
        # "Crab (1)", "Crab - Part One".
        Feature(
            "own_titles",
            "list_sort(list_distinct(list_transform(list_filter("
            "list_concat([name], alternate_names), lambda one: trim(one) <> '' "
            f"AND NOT regexp_matches(title_key(without_number(one)), '{_GENERIC}')), "
            "lambda one: part_form(one))))",
            pa.list_(pa.string()),
        ),
        Feature(
            "own_title",
            f"CASE WHEN NOT regexp_matches(title_key(without_number(name)), '{_GENERIC}') "
            "THEN part_form(name) END",
            pa.string(),
        ),
        Feature("own_base", "split_part(own_title, '#', 1)", pa.string()),
        Feature("own_part", "nullif(split_part(own_title, '#', 2), '')", pa.string()),
        Feature("minutes", "CASE WHEN runtime_minutes > 0 THEN runtime_minutes END", pa.float64()),
        DESCRIPTION,
        # "The Flood (1 & 2)", "Parts 1-2".
        Feature(
            "both_parts",
            "regexp_matches(title, '(^| )[0-9]{1,2} (and |to )?[0-9]{1,2}$')",
            pa.bool_(),
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
        # Where a source does not say of which series an episode is.
        BlockingRule(
            "day, season and episode",
            keys="[broadcast::VARCHAR || '|' || season_number || '|' || episode_number]",
            refine="[own_base[:3]]",
            across_sources=True,
        ),
        BlockingRule(
            "title of any series",
            keys="[CASE WHEN len(own_base) >= 4 THEN own_base END]",
            refine="[broadcast::VARCHAR]",
            across_sources=True,
        ),
        BlockingRule(
            "day and first letters of a title",
            keys="[broadcast::VARCHAR || '|' || own_base[:4]]",
            refine="[episode_number::VARCHAR]",
            across_sources=True,
        ),
    ),
    comparisons=(
        Comparison(
            name="series",
            missing="(series_entity_l IS NULL OR series_entity_r IS NULL) "
            "AND (series_title_l IS NULL OR series_title_r IS NULL)",
            levels=(
                # A series has one episode of a number: together they tell far more than apart.
                Level(
                    "same number of one series",
                    "(series_entity_l = series_entity_r OR series_title_l = series_title_r) "
                    "AND season_number_l = season_number_r AND episode_number_l = episode_number_r",
                    0.9,
                    0.000002,
                ),
                Level(
                    "one series",
                    "series_entity_l = series_entity_r OR series_title_l = series_title_r",
                    0.08,
                    0.002,
                ),
                Level("another series", "ELSE", 0.02, 0.997998),
            ),
            # Nearly all episodes of a small sample are of other series: trained, it would say
            # that two episodes of one series are one.
            train="",
        ),
        Comparison(
            name="number",
            missing="episode_number_l IS NULL OR episode_number_r IS NULL",
            levels=(
                Level(
                    "same season and episode",
                    "season_number_l = season_number_r AND episode_number_l = episode_number_r",
                    0.88,
                    0.005,
                ),
                Level(
                    "same episode, a season missing",
                    "episode_number_l = episode_number_r "
                    "AND (season_number_l IS NULL OR season_number_r IS NULL)",
                    0.04,
                    0.03,
                ),
                # Sources number specials as they like.
                Level("a special in one", "season_number_l = 0 OR season_number_r = 0", 0.04, 0.05),
                Level("another number", "ELSE", 0.04, 0.915),
            ),
            train="",
        ),
        Comparison(
            name="title",
            missing="own_title_l IS NULL OR own_title_r IS NULL",
            similarity="jaro_winkler_similarity(own_base_l, own_base_r)",
            levels=(
                Level(
                    "same title",
                    "own_title_l = own_title_r",
                    0.65,
                    0.0001,
                    term_frequency="own_title",
                ),
                Level(
                    "a title in common", "list_has_any(own_titles_l, own_titles_r)", 0.05, 0.0002
                ),
                Level("another part of one title", "own_part_l <> own_part_r", 0.01, 0.05),
                Level(
                    "same title, a part named by one only",
                    "own_base_l = own_base_r",
                    0.05,
                    0.0003,
                ),
                Level(
                    "one title holds the other, or titles alike",
                    "jaro_winkler_similarity(own_base_l, own_base_r) >= 0.9 "
                    "OR (least(len(own_base_l), len(own_base_r)) >= 6 "
                    "AND (contains(own_base_l, own_base_r) OR contains(own_base_r, own_base_l)))",
                    0.12,
                    0.002,
                ),
                # Translations and working titles.
                Level("titles differ", "ELSE", 0.12, 0.9474),
            ),
            train="",
        ),
        Comparison(
            name="broadcast",
            missing="broadcast_l IS NULL OR broadcast_r IS NULL",
            levels=(
                Level("same day", "broadcast_l = broadcast_r", 0.8, 0.0003),
                # Sources date by the clock of different countries.
                Level(
                    "a day apart",
                    "abs(date_diff('day', broadcast_l, broadcast_r)) <= 1",
                    0.1,
                    0.0006,
                ),
                Level(
                    "a fortnight apart",
                    "abs(date_diff('day', broadcast_l, broadcast_r)) <= 14",
                    0.04,
                    0.007,
                ),
                Level("further apart", "ELSE", 0.06, 0.9921),
            ),
            train="",
        ),
        descriptions(),
    ),
    vetoes=(
        # Sources that number in another order agree on title or day; without either, numbers that
        # differ are two episodes.
        Veto(
            "number_differs",
            "(l.season_number <> r.season_number OR l.episode_number <> r.episode_number) "
            "AND NOT coalesce(l.own_title = r.own_title "
            "AND (l.broadcast = r.broadcast OR l.broadcast IS NULL OR r.broadcast IS NULL), FALSE) "
            "AND NOT coalesce((l.season_number = 0 OR r.season_number = 0) "
            "AND l.broadcast = r.broadcast "
            "AND (contains(l.own_base, r.own_base) OR contains(r.own_base, l.own_base)), FALSE)",
            "Season or episode differ, and day and title do not both agree.",
        ),
        Veto(
            "part_differs",
            "l.own_part <> r.own_part AND l.own_base = r.own_base",
            "The titles name different parts.",
        ),
        about_it("own_base"),
        # A double episode holds its first half, whose number and day it has.
        Veto(
            "half_of_it",
            "greatest(l.minutes, r.minutes) >= 1.7 * least(l.minutes, r.minutes) "
            "AND (l.own_part IS NULL) <> (r.own_part IS NULL) "
            "OR l.both_parts AND NOT r.both_parts AND r.own_part IS NOT NULL "
            "OR r.both_parts AND NOT l.both_parts AND l.own_part IS NOT NULL",
            "One is a part of the other.",
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
        # One title in a series counts once, and so does one that two sources have on one day.
        TermFrequency(
            "own_title",
            distinct="own_title || '|' || coalesce(broadcast::VARCHAR, series_entity, '')",
        ),
    ),
    prior=1e-4,
    threshold=0.8,
    contexts=(PARENT,),
    depends_on=("series",),
    shards=2,
)
