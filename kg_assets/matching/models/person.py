"""The match model of people."""

from __future__ import annotations

import pyarrow as pa

from kg_assets.matching.model import (
    WORKS,
    BlockingRule,
    Comparison,
    Feature,
    Level,
    MatchSpec,
    TermFrequency,
    Veto,
)

TEXTS = pa.list_(pa.string())

_YEARS_BETWEEN = "greatest(first_active_l, first_active_r) - least(last_active_l, last_active_r)"
"""Years from the end of the earlier career to the start of the later; negative where they
overlap."""

SPEC = MatchSpec(
    entity_type="person",
    features=(
        Feature("name_words", "name_key(name)", pa.string()),
        Feature("name_code", "name_letters(name)", pa.string()),
        Feature("suffix", "name_suffix(name)", pa.string()),
        Feature("born", "birth_year", pa.int32()),
        Feature("died", "death_year", pa.int32()),
        Feature("credited_works", "coalesce(works, [])", TEXTS),
        Feature("credited_records", "coalesce(work_records, [])", TEXTS),
        Feature("sole_director_of", "coalesce(directed_alone, [])", TEXTS),
        Feature("jobs", "coalesce(roles, professions, [])", TEXTS),
        Feature("first_active", "first_work", pa.int32()),
        Feature("last_active", "last_work", pa.int32()),
        Feature("active_countries", "coalesce(work_countries, [])", TEXTS),
        Feature("active_languages", "coalesce(work_languages, [])", TEXTS),
        Feature("colleagues", "coalesce(crew, [])", pa.list_(pa.uint64())),
    ),
    blocking=(
        BlockingRule(
            "same letters of the name",
            keys="[name_code]",
            refine="list_transform([first_active // 5, (first_active + 2) // 5], "
            "lambda years: years::VARCHAR)",
        ),
        BlockingRule(
            "same work",
            keys="flatten(list_transform(credited_works, lambda work: list_transform("
            "string_split(name_words, ' '), lambda word: work || '|' || word[1])))",
            refine="jobs",
            across_sources=True,
        ),
        BlockingRule(
            "sole director of one work",
            keys="sole_director_of",
            refine="[name_code]",
            across_sources=True,
        ),
    ),
    comparisons=(
        Comparison(
            name="name",
            missing="name_words_l IS NULL OR name_words_r IS NULL",
            similarity="jaro_winkler_similarity(name_words_l, name_words_r)",
            levels=(
                Level(
                    "same name",
                    "name_words_l = name_words_r",
                    0.93,
                    0.00003,
                    term_frequency="name_words",
                ),
                Level(
                    "same name but for hyphens, initials or particles",
                    "name_code_l = name_code_r",
                    0.03,
                    0.00001,
                    term_frequency="name_words",
                    term_weight=0.5,
                ),
                Level(
                    "names nearly the same",
                    "jaro_winkler_similarity(name_words_l, name_words_r) >= 0.92",
                    0.02,
                    0.0001,
                ),
                Level(
                    "names alike",
                    "jaro_winkler_similarity(name_words_l, name_words_r) >= 0.8",
                    0.01,
                    0.003,
                ),
                Level("names differ", "ELSE", 0.01, 0.997),
            ),
            train="",
        ),
        Comparison(
            name="works",
            missing="len(credited_works_l) = 0 OR len(credited_works_r) = 0 "
            "OR NOT list_has_any(credited_works_l, credited_works_r)",
            levels=(
                Level(
                    "sole director of one work in both",
                    "list_has_any(sole_director_of_l, sole_director_of_r)",
                    0.3,
                    0.000002,
                ),
                Level("both credited in one work", "ELSE", 0.7, 0.0005),
            ),
            train="",
        ),
        Comparison(
            name="colleagues",
            # Each is found among the people of his own works, once under one name.
            missing="len(colleagues_l) < 3 OR len(colleagues_r) < 3 "
            "OR list_has_any(credited_works_l, credited_works_r)",
            similarity="shared(colleagues_l, colleagues_r)",
            levels=(
                Level(
                    "two colleagues in common",
                    "shared(colleagues_l, colleagues_r) "
                    "- (CASE WHEN name_words_l = name_words_r THEN 1 ELSE 0 END) >= 2",
                    0.2,
                    0.001,
                ),
                Level(
                    "a colleague in common",
                    "shared(colleagues_l, colleagues_r) "
                    "- (CASE WHEN name_words_l = name_words_r THEN 1 ELSE 0 END) >= 1",
                    0.2,
                    0.01,
                ),
                Level("none in common", "ELSE", 0.6, 0.989),
            ),
            train="",
        ),
        Comparison(
            name="career",
            missing="first_active_l IS NULL OR first_active_r IS NULL",
            levels=(
                Level("within ten years", f"{_YEARS_BETWEEN} <= 10", 0.75, 0.35),
                Level("within twenty-five years", f"{_YEARS_BETWEEN} <= 25", 0.21, 0.35),
                Level("within forty years", f"{_YEARS_BETWEEN} <= 40", 0.035, 0.18),
                Level("further apart", "ELSE", 0.005, 0.12),
            ),
            train="",
        ),
        Comparison(
            name="countries",
            missing="len(active_countries_l) = 0 OR len(active_countries_r) = 0",
            levels=(
                Level(
                    "a country in common",
                    "list_has_any(active_countries_l, active_countries_r)",
                    0.88,
                    0.4,
                ),
                Level(
                    "a language in common",
                    "list_has_any(active_languages_l, active_languages_r)",
                    0.07,
                    0.15,
                ),
                Level("neither", "ELSE", 0.05, 0.45),
            ),
            train="",
        ),
        Comparison(
            name="jobs",
            missing="len(jobs_l) = 0 OR len(jobs_r) = 0",
            levels=(
                Level("a job in common", "list_has_any(jobs_l, jobs_r)", 0.85, 0.55),
                Level("none in common", "ELSE", 0.15, 0.45),
            ),
            train="",
        ),
        Comparison(
            name="birth",
            missing="born_l IS NULL OR born_r IS NULL",
            levels=(
                Level("same year of birth", "born_l = born_r", 0.93, 0.015),
                Level("a year apart", "abs(born_l - born_r) <= 1", 0.05, 0.03),
                Level("further apart", "ELSE", 0.02, 0.955),
            ),
            train="",
        ),
    ),
    vetoes=(
        # Father and son: a source that writes "Jr." writes it always, and two sources that do not
        # agree on it agree on a work.
        Veto(
            "suffix_differs",
            "coalesce(l.suffix, '') <> coalesce(r.suffix, '') "
            "AND NOT (l.source <> r.source AND (l.suffix IS NULL OR r.suffix IS NULL) "
            "AND coalesce(list_has_any(l.credited_works, r.credited_works), FALSE))",
            "One is the elder and one the younger.",
        ),
        Veto("born_apart", "abs(l.born - r.born) > 2", "They were born more than two years apart."),
        Veto(
            "not_in_one_life",
            "l.last_active - r.first_active > 75 OR r.last_active - l.first_active > 75 "
            "OR l.first_active > r.died + 30 OR r.first_active > l.died + 30 "
            "OR l.first_active < r.born OR r.first_active < l.born",
            "The works do not fit into one life.",
        ),
    ),
    term_frequencies=(
        TermFrequency(
            "name_words",
            distinct="name_words",
            terms="string_split(value, ' ')",
            # Of rare words the product falls without end; a name is never that rare.
            floor=0.05,
        ),
    ),
    prior=5e-5,
    threshold=0.8,
    # Two names in the credits of one work are two people.
    cannot_link="credited_records",
    duplicate_free=False,
    contexts=(WORKS,),
    depends_on=("film", "series", "episode"),
    shards=4,
)
