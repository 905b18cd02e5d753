"""SQL for the values of TMDB's answers: names, days, genres, ids and credits."""

from __future__ import annotations

NAME = """coalesce(
    nullif(title, ''), nullif(name, ''), nullif(original_title, ''), nullif(original_name, '')
)"""
"""What a work is called; where there is no translation TMDB may leave its title empty."""

# Where nobody voted TMDB gives an average of 0.
RATING = "CASE WHEN {0}vote_count > 0 THEN {0}vote_average END AS rating, {0}vote_count AS votes"


def day(text: str) -> str:
    """SQL for the day that a text names, null where it names none."""
    return f"TRY_CAST({text} AS DATE)"


def year(text: str) -> str:
    """SQL for the year that a text begins with: of old things no more may be known."""
    return f"nullif(TRY_CAST(regexp_extract({text}, '^\\s*(\\d{{4}})\\b', 1) AS INTEGER), 0)"


_NO_CREDITS = (
    "[]::STRUCT(name VARCHAR, person_id VARCHAR, role VARCHAR, character VARCHAR, "
    "position INTEGER)[]"
)

_ROLE = """
    CASE
        WHEN job IN ('Writer', 'Screenplay', 'Teleplay', 'Story', 'Screenstory', 'Scenario Writer')
        THEN 'writer'
        WHEN job IN ('Original Music Composer', 'Music', 'Composer') THEN 'composer'
        WHEN job = 'Director of Photography' THEN 'cinematographer'
        WHEN job IN ('Comic Book', 'Graphic Novel') THEN 'comic'
        WHEN job IN ('Theatre Play', 'Musical') THEN 'play'
        WHEN trim(job) <> '' THEN lower(job)
    END
"""
"""Role of a job. Who wrote what a work is made of (Novel) has that for a role, as in IMDb."""

DEPARTMENT = """
    CASE known_for_department
        WHEN 'Acting' THEN 'actor'
        WHEN 'Directing' THEN 'director'
        WHEN 'Writing' THEN 'writer'
        WHEN 'Production' THEN 'producer'
        WHEN 'Editing' THEN 'editor'
        WHEN 'Camera' THEN 'cinematographer'
        ELSE lower(known_for_department)
    END
"""


def _credit(person: str, role: str, character: str = "NULL", position: str = "NULL") -> str:
    return f"""{{
        'name': {person}.name,
        'person_id': {person}.id::VARCHAR,
        'role': {role},
        'character': {character}::VARCHAR,
        'position': {position}::INTEGER
    }}"""


def _list(people: str, credit: str) -> str:
    """SQL for a list of people as credits; those without name and id are nobody."""
    return f"""coalesce(
        list_transform(
            list_filter({people}, lambda one: one.id IS NOT NULL OR trim(one.name) <> ''),
            lambda one: {credit}
        ),
        {_NO_CREDITS}
    )"""


_ACTOR = _credit("one", "'actor'", "nullif(trim(one.character), '')", "one.order + 1")
_MEMBER = _credit("one", _ROLE.replace("job", "one.job"))


def credits_of(cast: str, crew: str) -> str:
    """SQL for a list of cast and one of crew as credits."""
    return f"list_concat({_list(cast, _ACTOR)}, {_list(crew, _MEMBER)})"


def episode_credits(episode: str, season: str) -> str:
    """SQL for the credits of an episode: its own, and those that hold for all of its season.

    Who plays in all episodes stands in the season alone. The episode's own word goes before: a
    guest is no regular as well, and of a role that it fills the season's people are not taken.
    """
    regulars = f"""list_filter(
        {season}.cast,
        lambda one: NOT coalesce(
            list_contains(list_transform({episode}.guest_stars, lambda two: two.id), one.id), false
        )
    )"""
    throughout = f"""list_filter(
        {season}.crew,
        lambda one: NOT coalesce(
            list_contains(
                list_transform({episode}.crew, lambda two: {_ROLE.replace("job", "two.job")}),
                {_ROLE.replace("job", "one.job")}
            ),
            false
        )
    )"""
    own = credits_of(f"{episode}.guest_stars", f"{episode}.crew")
    return (
        f"list_concat({_list(regulars, _ACTOR)}, list_concat({own}, {_list(throughout, _MEMBER)}))"
    )


def description(own: str, *languages: str) -> str:
    """SQL for a text of a record, or else its translation into the first language that has one."""
    told = [f"CASE WHEN trim({own}) <> '' THEN {own} END"]
    told += [
        f"""list_filter(
            translations.translations,
            lambda one: one.iso_639_1 = {language} AND trim(one.data.{own}) <> ''
        )[1].data.{own}"""
        for language in languages
    ]
    return f"coalesce({', '.join(told)})"


_PARTS = _credit(
    "one",
    "'actor'",
    """nullif(array_to_string(first_of_each(list_filter(
        list_transform(one.roles, lambda part: trim(part.character)),
        lambda character: character <> ''
    )), ' / '), '')""",
    "one.order + 1",
)
_JOBS = f"""coalesce(
    flatten(list_transform(
        list_filter(
            aggregate_credits.crew, lambda one: one.id IS NOT NULL OR trim(one.name) <> ''
        ),
        lambda one: list_transform(
            one.jobs, lambda part: {_credit("one", _ROLE.replace("job", "part.job"))}
        )
    )),
    {_NO_CREDITS}
)"""
# In series each person has several roles, so the aggregated form goes before the plain one.
SERIES_CREDITS = f"""list_concat(
    {_list("created_by", _credit("one", "'creator'"))},
    CASE
        WHEN len(aggregate_credits.cast) > 0 OR len(aggregate_credits.crew) > 0
        THEN list_concat({_list("aggregate_credits.cast", _PARTS)}, {_JOBS})
        ELSE {credits_of("credits.cast", "credits.crew")}
    END
)"""

TRANSLATED_NAMES = """list_transform(
    translations.translations, lambda one: coalesce(nullif(one.data.title, ''), one.data.name)
)"""

OTHER_NAMES = f"""other_names(list_concat(
    [original_title, original_name],
    list_concat(
        list_concat(
            list_transform(alternative_titles.titles, lambda one: one.title),
            list_transform(alternative_titles.results, lambda one: one.title)
        ),
        {TRANSLATED_NAMES}
    )
), {NAME})"""

# TMDB writes cn for Cantonese, and xx where nothing is spoken.
LANGUAGES = """first_of_each(list_filter(
    list_transform(
        list_concat(
            [original_language],
            list_transform(spoken_languages, lambda one: one.iso_639_1)
        ),
        lambda code: CASE WHEN code = 'cn' THEN 'yue' ELSE code END
    ),
    lambda code: code NOT IN ('xx', '')
))"""

GENRES = """nullif(first_of_each(list_filter(
    list_concat(
        list_transform(genres, lambda one: lower(trim(one.name))),
        CASE WHEN adult THEN ['adult'] ELSE []::VARCHAR[] END
    ),
    lambda genre: genre <> ''
)), [])"""

# What nobody has filled in is null, empty or 0, and some have filled in anything.
IDS = """map_from_entries(list_filter(
    [
        {'key': 'imdb', 'value': coalesce(
            nullif(regexp_extract(imdb_id, '(tt|nm)\\d+'), ''),
            nullif(regexp_extract(external_ids.imdb_id, '(tt|nm)\\d+'), '')
        )},
        {'key': 'tmdb', 'value': id::VARCHAR},
        {'key': 'tvdb', 'value': nullif(external_ids.tvdb_id, 0)::VARCHAR},
        {'key': 'wikidata', 'value': nullif(regexp_extract(external_ids.wikidata_id, 'Q\\d+'), '')}
    ],
    lambda entry: entry.value IS NOT NULL
))"""
