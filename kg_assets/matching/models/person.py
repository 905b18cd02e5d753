"""The match model of people."""

from __future__ import annotations

import pyarrow as pa

from kg_assets.matching.model import (
    TEXTS,
    WORKS,
    BlockingRule,
    Comparison,
    Feature,
    Level,
    MatchSpec,
    TermFrequency,
    Veto,
)

_YEARS_BETWEEN = "greatest(first_active_l, first_active_r) - least(last_active_l, last_active_r)"
"""Years from the end of the earlier career to the start of the later; negative where they
overlap."""

_MIDDLES_AGREE = (
    "(len(middle_initials_l) = 0 OR len(middle_initials_r) = 0 "
    "OR list_has_any(middle_initials_l, middle_initials_r))"
)
"""No middle name or initial of one stands against that of the other."""

LONGEST_LIFE = 122
"""Years: nobody is known to have lived longer than Jeanne Calment, 1875 to 1997."""

NAME_FEATURES = (
    Feature("name_spoken", "person_words(name)", TEXTS, of="name"),
    Feature("name_words", "name_key(credited_name(name))", pa.string(), of="name"),
    Feature("name_code", "name_letters(credited_name(name))", pa.string(), of="name"),
    Feature("name_joined", "array_to_string(name_spoken, '')", pa.string(), of="name"),
    Feature("name_sounds", "core_sounds(name_core(name_spoken))", TEXTS, of="name"),
    Feature("name_sound", "array_to_string(name_sounds, '')", pa.string(), of="name"),
    Feature("given_sound", "name_sounds[1]", pa.string(), of="name"),
    Feature("family_sound", "name_sounds[-1]", pa.string(), of="name"),
    # Without the long form of a nickname: "Jack" is no "John" where the family differs as well.
    Feature("given_written", "word_sound(name_core(name_spoken)[1])", pa.string(), of="name"),
    # First letters of what stands between the first and the last word.
    Feature(
        "middle_initials",
        "list_transform(list_filter(name_spoken[2:-2], "
        "lambda word: len(core_words([word])) = 1 OR len(word) = 1), lambda word: word[1])",
        TEXTS,
        of="name",
    ),
    # Of a name of three syllables each is part of it, and none is a middle name.
    Feature(
        "name_ends",
        "CASE WHEN len(name_sounds) >= 2 AND NOT looks_korean(name_core(name_spoken)) "
        "AND list_max(list_transform(name_sounds, lambda word: len(word))) > 4 "
        "THEN array_to_string(list_sort([given_sound, family_sound]), '|') END",
        pa.string(),
        of="name",
    ),
    Feature("suffix", "name_suffix(name)", pa.string(), of="name"),
)
"""Forms of the name, in which records of one person differ."""


def _year_of(event: str, column: str) -> Comparison:
    """The year of an event of a life, which sources tell alike but for an error of a year."""
    left, right = f"{column}_l", f"{column}_r"
    return Comparison(
        name=event,
        missing=f"{left} IS NULL OR {right} IS NULL",
        levels=(
            Level(f"same year of {event}", f"{left} = {right}", 0.93, 0.015),
            Level("a year apart", f"abs({left} - {right}) <= 1", 0.05, 0.03),
            Level("further apart", "ELSE", 0.02, 0.955),
        ),
        train="",
    )


SPEC = MatchSpec(
    entity_type="person",
    features=(
        *NAME_FEATURES,
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
            # Particles are part of a name where they are written together with it ("Delruth").
            keys="[name_code, sorted_letters([name_joined])]",
            refine="list_transform([first_active // 5, (first_active + 2) // 5], "
            "lambda years: years::VARCHAR)",
        ),
        BlockingRule(
            "same sound of the name",
            keys="[sorted_letters([name_sound])]",
            refine="list_transform([first_active // 5, (first_active + 2) // 5], "
            "lambda years: years::VARCHAR)",
        ),
        BlockingRule(
            "same first and last name",
            keys="[name_ends]",
            refine="list_transform([first_active // 5, (first_active + 2) // 5], "
            "lambda years: years::VARCHAR)",
        ),
        BlockingRule(
            "one name the same, the other beginning alike",
            keys="CASE WHEN len(name_sounds) >= 2 THEN "
            "[given_sound[:2] || '|' || family_sound, given_sound || '||' || family_sound[:2]] "
            "ELSE []::VARCHAR[] END",
            refine="jobs",
            across_sources=True,
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
                    0.87,
                    0.00003,
                    term_frequency="name_words",
                ),
                Level(
                    "same name but for spaces, hyphens or order",
                    "turned(name_joined_l, name_joined_r)",
                    0.02,
                    0.00000001,
                    term_frequency="name_words",
                    term_weight=0.5,
                ),
                Level(
                    "same name in another spelling or with a nickname",
                    f"turned(name_sound_l, name_sound_r) AND {_MIDDLES_AGREE}",
                    0.03,
                    0.00000001,
                    term_frequency="name_words",
                    term_weight=0.7,
                ),
                Level(
                    "a middle name more",
                    f"name_ends_l = name_ends_r AND {_MIDDLES_AGREE}",
                    0.02,
                    0.00000001,
                    term_frequency="name_words",
                    term_weight=0.7,
                ),
                Level(
                    "one name the same, the other in a short form",
                    "family_sound_l = family_sound_r AND short_form(given_sound_l, given_sound_r) "
                    f"AND {_MIDDLES_AGREE}",
                    0.015,
                    0.00000001,
                    term_frequency="name_words",
                    term_weight=0.7,
                ),
                # One letter tells many families apart ("Hedley", "Healey"): a slip alone does not
                # join, whatever the name, and what is known of both has to speak for it.
                Level(
                    "one name the same, the other with a slip",
                    "(family_sound_l = family_sound_r AND slip(given_sound_l, given_sound_r) "
                    "OR given_written_l = given_written_r "
                    "AND slip(family_sound_l, family_sound_r)) "
                    f"AND {_MIDDLES_AGREE}",
                    0.005,
                    0.000001,
                    term_frequency="name_words",
                    term_weight=0.7,
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
        _year_of("birth", "born"),
        # Deaths are spread over as many years as births, and sources date them as well.
        _year_of("death", "died"),
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
        # Two names in the credits of one work are two people; one who directs and writes has one
        # name, and some sources have a record for each credit.
        Veto(
            "told_apart_by_source",
            "l.source = r.source AND l.name_sound <> r.name_sound "
            "AND coalesce(l.name_ends <> r.name_ends, TRUE) "
            "AND list_has_any(l.credited_records, r.credited_records)",
            "The source itself tells the two apart.",
        ),
        Veto("born_apart", "abs(l.born - r.born) > 2", "They were born more than two years apart."),
        Veto("died_apart", "abs(l.died - r.died) > 2", "They died more than two years apart."),
        Veto(
            "born_and_died_apart",
            f"r.died - l.born NOT BETWEEN 0 AND {LONGEST_LIFE} "
            f"OR l.died - r.born NOT BETWEEN 0 AND {LONGEST_LIFE}",
            "One was born after the other's death, or longer before it than anybody lived.",
        ),
        # Films credit the dead: with works begun before a death for some decades, and authors for
        # centuries. Of two who died in one year late works say nothing.
        Veto(
            "not_in_one_life",
            "coalesce(l.died <> r.died, TRUE) "
            "AND (l.last_active - r.first_active > 75 OR r.last_active - l.first_active > 75 "
            "OR l.first_active > r.died + 30 OR r.first_active > l.died + 30) "
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
            floor=0.001,
        ),
    ),
    prior=5e-5,
    threshold=0.8,
    duplicate_free=False,
    contexts=(WORKS,),
    depends_on=("film", "series", "episode"),
    shards=4,
)
