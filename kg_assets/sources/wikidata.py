"""The source wikidata: entities of Wikidata as its dumps and its API write them in JSON.

A property of Wikidata has values of one type for ever, so each is read typed: an item as its id, a
time with its precision, an amount with its unit. Of the statements of a property the preferred ones
count, else the normal ones, never the deprecated ones; unknown values and no values are none.
"""

# ruff: noqa: S608 - what is put into statements is declared here and in wikidata_items.

from __future__ import annotations

import pyarrow as pa

from kg_assets.sources.adapter import Adapter, Input, Join, Rhythm
from kg_assets.sources.wikidata_expected import EXPECTED
from kg_assets.sources.wikidata_fields import (
    ALIAS_LANGUAGES,
    ENGLISH,
    FIELDS,
    IDENTIFIERS,
    NAME_LANGUAGES,
    ORDER,
    QUALIFIERS,
    RELATIONS,
    ROLES,
    TMDB,
)
from kg_assets.sources.wikidata_items import CLASSES, COUNTRIES, LANGUAGES, OCCUPATIONS
from kg_assets.sources.wikidata_values import (
    best,
    day,
    ids,
    known,
    label,
    listed,
    ordinal,
    values,
    years,
)

MOST_NAMES = 30
"""Most alternate names of a record: some have hundreds, nearly all of them transliterations."""


def _references(use: str, name: str, *, is_credit: bool = False, qualifier: str = "") -> str:
    """SQL for a list of what an entity refers to by a property, or by a qualifier of it."""
    snak = f"one.qualifiers.{qualifier}[1]" if qualifier else "one.mainsnak"
    told = QUALIFIERS.get(name, {}) if is_credit else {}
    character = "one.qualifiers.P453[1].datavalue.value.id" if "P453" in told else "NULL::VARCHAR"
    written = "one.qualifiers.P4633[1].datavalue.value" if "P4633" in told else "NULL::VARCHAR"
    place = f"coalesce({ordinal('one.qualifiers')}, place)" if "P1545" in told else "place"
    return f"""list_transform(
        {best(name)},
        lambda one, place: {{
            'use': '{use}',
            'property': {list(ROLES).index(name) if is_credit else 0},
            'turn': place,
            'place': {place},
            'target': {snak}.datavalue.value.id,
            'character_id': {character},
            'character': {written}
        }}
    )"""


_NONE = """[]::STRUCT(
    use VARCHAR, property INTEGER, turn BIGINT, place BIGINT, target VARCHAR,
    character_id VARCHAR, character VARCHAR
)[]"""
_REFERENCES = "flatten([{}])".format(
    ", ".join(
        f"coalesce({part}, {_NONE})"
        for part in (
            *(_references(role, name, is_credit=True) for name, role in ROLES.items()),
            _references("genre", "P136"),
            _references("country", "P495"),
            _references("language", "P364"),
            _references("other language", "P407"),
            _references("profession", "P106"),
            _references("season", "P4908"),
            _references("parent", "P179"),
            _references("franchise", "P8345"),
            *(_references(relation, name) for name, relation in RELATIONS.items()),
            *(_references(RELATIONS[name], "P179", qualifier=name) for name in ORDER),
        )
    )
)


_CLASSES = ", ".join(f"'{one}'" for classes in CLASSES.values() for one in classes)
HOLDS_RECORD = f"""coalesce(
    len(list_intersect(list_transform({best("P31")}, lambda one: one.mainsnak.datavalue.value.id),
                       [{_CLASSES}])) > 0
    OR id IS NULL,
    false
)"""
_TYPE = "CASE {} END".format(
    "\n".join(
        f"WHEN list_has_any({ids('P31')}, {listed(classes)}) THEN '{kind}'"
        for kind, classes in CLASSES.items()
    )
)


NAMED = f"""
WITH known AS (
    SELECT unnest(list_distinct([id, redirects."from"])) AS id,
           {label(NAME_LANGUAGES)} AS name,
           {label(ENGLISH)} AS english,
           {values("P297")}[1] AS country,
           coalesce({values("P218")}[1], {values("P220")}[1]) AS language,
           {ordinal("claims.P179[1].qualifiers")} AS ordinal,
           {ids("P179")}[1] AS parent
    FROM entities
    WHERE id IS NOT NULL
),
referred AS (
    SELECT id, unnest({_REFERENCES}, recursive := true)
    FROM entities
    WHERE {HOLDS_RECORD}
)
SELECT referred.id, use, property, turn, place, target,
       known.name, known.english, known.country, known.language, known.ordinal, known.parent,
       coalesce(role.name, referred.character) AS character
FROM referred
LEFT JOIN known
       ON known.id = referred.target
LEFT JOIN known AS role
       ON role.id = referred.character_id
WHERE target IS NOT NULL
"""
"""What entities refer to, with what the delivery says of it: one row a reference."""

_NAMES = ",\n".join(
    [
        "list_transform({}, lambda value: value.text)".format(values("P1476")),
        "list_transform({}, lambda value: value.text)".format(values("P1559")),
        *(f'list_transform(aliases."{one}", lambda alias: alias.value)' for one in ENGLISH),
        "[{}]".format(", ".join(f'labels."{one}".value' for one in NAME_LANGUAGES)),
        *(
            f'list_transform(aliases."{one}", lambda alias: alias.value)'
            for one in ALIAS_LANGUAGES[len(ENGLISH) :]
        ),
    ]
)
_NAME = f"""coalesce(
    label, {values("P1476")}[1].text, {values("P1559")}[1].text, any_label.text
)"""
_MINUTES = f"""list_transform(
    {values("P2047")},
    lambda value: TRY_CAST(value.amount AS DOUBLE) * CASE regexp_extract(value.unit, 'Q\\d+$')
        WHEN 'Q7727' THEN 1
        WHEN 'Q11574' THEN 1 / 60
        WHEN 'Q25235' THEN 60
    END
)[1]"""
_DESCRIPTIONS = ", ".join(f'clean_text(descriptions."{one}".value)' for one in ENGLISH)
_STATED = (*dict.fromkeys(RELATIONS.values()), "parent", "franchise")
# What follows an episode is the next of a list, and the series of an episode is its parent.
_NOT_OF_EPISODES = [*(RELATIONS[name] for name in ORDER), "parent"]
_PARENT = "coalesce(series.id, season.parent, franchise.id)"
_STATED_RELATIONS = f"""nullif(first_of_each(list_transform(
    list_filter(
        CASE WHEN kind NOT IN ('person', 'event', 'organisation') THEN related END,
        lambda one:
            NOT (kind = 'episode' AND one.use IN {tuple(_NOT_OF_EPISODES)})
            AND NOT (one.use IN ('parent', 'franchise') AND one.source_id = {_PARENT})
    ),
    lambda one: struct_pack(
        relation := one.relation,
        source_id := one.source_id,
        entity_type := one.entity_type,
        name := one.name
    )
)), [])"""
_GENRE = """
    CASE
        WHEN regexp_matches(english, '^(television|silent|short|feature|sound|3D) film$')
        THEN lower(english)
        ELSE regexp_replace(lower(english), ' (film|television series|fiction film)$', '')
    END
"""
_TMDB = " ".join(f"WHEN '{kind}' THEN {values(name)}[1]" for kind, name in TMDB.items())
_IDENTIFIERS = ", ".join(
    [
        *(
            f"{{'system': '{system}', 'id': {values(name)}[1]}}"
            for name, system in IDENTIFIERS.items()
        ),
        f"{{'system': 'tmdb', 'id': CASE kind {_TMDB} END}}",
    ]
)

SELECT = f"""
WITH single AS (
    -- An id may stand twice in a delivery; the second is quarantined, its references are the same
    -- or, where it is another version, stand among those of the first by their targets.
    SELECT id, use, property, turn, target,
           min(place)::INTEGER AS place,
           min(name) AS name,
           min(english) AS english,
           coalesce(min(country), {known("target", COUNTRIES)}, min(name)) AS country,
           coalesce(min(language), {known("target", LANGUAGES)}, min(name)) AS language,
           coalesce({known("target", OCCUPATIONS)}, lower(min(english))) AS profession,
           min(ordinal) AS ordinal,
           min(parent) AS parent,
           min(character) AS character
    FROM named
    GROUP BY id, use, property, turn, target
),
gathered AS (
    SELECT id,
           list(
               {{
                   'name': name,
                   'person_id': target,
                   'role': use,
                   'character': character,
                   'position': place
               }}
               ORDER BY property, place, turn, target
           ) FILTER (use IN {tuple(ROLES.values())}) AS credits,
           list({_GENRE} ORDER BY turn, target)
               FILTER (use = 'genre' AND english IS NOT NULL) AS genres,
           list(country ORDER BY turn, target)
               FILTER (use = 'country' AND country IS NOT NULL) AS countries,
           list(language ORDER BY turn, target)
               FILTER (use = 'language' AND language IS NOT NULL) AS languages,
           list(language ORDER BY turn, target)
               FILTER (use = 'other language' AND language IS NOT NULL) AS other_languages,
           list(profession ORDER BY turn, target)
               FILTER (use = 'profession' AND profession IS NOT NULL) AS professions,
           list(
               {{
                   'relation': CASE
                       WHEN use IN ('parent', 'franchise') THEN 'part_of_franchise'
                       ELSE use
                   END,
                   'source_id': target,
                   'entity_type': NULL::VARCHAR,
                   'name': name,
                   'use': use
               }}
               ORDER BY list_position({listed(_STATED)}, use), turn, target
           ) FILTER (use IN {_STATED}) AS related,
           min({{'turn': turn, 'id': target, 'name': name}})
               FILTER (use = 'parent') AS series,
           min({{'turn': turn, 'id': target, 'name': name}})
               FILTER (use = 'franchise') AS franchise,
           min({{'turn': turn, 'ordinal': ordinal, 'parent': parent}})
               FILTER (use = 'season') AS season
    FROM single
    GROUP BY id
),
typed AS (
    SELECT *, {_TYPE} AS kind, {label(NAME_LANGUAGES)} AS label
    FROM entities
    WHERE {HOLDS_RECORD}
),
dated AS (
    SELECT *,
           CASE
               WHEN kind IN ('series', 'event') THEN {years("P580", "P577", "P585", "P571")}
               WHEN kind IN ('organisation', 'franchise') THEN {years("P571")}
               WHEN kind NOT IN ('person', 'character') THEN {years("P577", "P571")}
           END AS year_of,
           CASE
               WHEN kind IN ('film', 'series', 'episode', 'game', 'book', 'comic')
               THEN coalesce({day("P577")}, {day("P580")})
           END AS day
    FROM typed
),
-- Few have no label in a language that is read; of these any label will do.
unlabelled AS (
    SELECT file, position
    FROM typed
    WHERE label IS NULL
),
any_label AS (
    SELECT raw.file, raw.position,
           TRY(json_extract_string(decode(raw.blob), '$.labels.*.value'))[1] AS text
    FROM raw
    JOIN unlabelled USING (file, position)
)
SELECT dated.file, dated."table", dated.position, dated.sha256,
       kind AS entity_type,
       id AS source_id,
       {_NAME} AS name,
       nullif(other_names(flatten([
           {_NAMES}
       ]), {_NAME})[1:{MOST_NAMES}], []) AS alternate_names,
       year_of AS year,
       CASE
           WHEN kind IN ('series', 'event') THEN {years("P582")}
           WHEN kind IN ('organisation', 'franchise') THEN {years("P576")}
       END AS end_year,
       -- A later release is known to the day more often than the first one.
       CASE WHEN year(day) = year_of THEN day END AS date,
       plausible_minutes({_MINUTES}) AS runtime_minutes,
       CASE WHEN kind = 'episode' THEN season.ordinal END AS season,
       CASE
           WHEN kind = 'episode'
           THEN coalesce(
               {ordinal("(" + best("P4908") + ")[1].qualifiers")},
               {ordinal("(" + best("P179") + ")[1].qualifiers")}
           )
       END AS episode,
       {_PARENT} AS parent_id,
       CASE
           WHEN series.id IS NOT NULL THEN series.name
           WHEN season.parent IS NULL THEN franchise.name
       END AS parent_name,
       first_of_each(genres) AS genres,
       countries,
       coalesce(languages, other_languages) AS languages,
       CASE WHEN kind <> 'person' THEN credits END AS credits,
       {_STATED_RELATIONS} AS relations,
       first_of_each(professions) AS professions,
       {years("P569")} AS birth_year,
       {years("P570")} AS death_year,
       map_from_entries(list_filter(
           [{{'system': 'wikidata', 'id': id}}, {_IDENTIFIERS}],
           lambda one: one.id IS NOT NULL
       )) AS external_ids,
       coalesce({_DESCRIPTIONS}) AS description,
       'https://www.wikidata.org/wiki/' || id AS url,
       CASE WHEN id IS NULL THEN 'it has no id, so it is no entity of Wikidata' END AS problem
FROM dated
LEFT JOIN gathered USING (id)
LEFT JOIN any_label USING (file, position)
"""

ADAPTER = Adapter(
    source="wikidata",
    title="Wikidata: entities in JSON, from its dumps or from Special:EntityData",
    licence="CC0-1.0",
    homepage="https://www.wikidata.org/wiki/Wikidata:Database_download",
    fields=pa.schema([]),
    inputs=(
        Input(
            "entities",
            ("*.json*", "*.jsonl*", "*.ndjson*"),
            FIELDS,
            key="id",
            holds_record=HOLDS_RECORD,
            empties=("labels", "aliases", "descriptions", "claims", "qualifiers"),
        ),
    ),
    joins=(Join("named", NAMED, "id"),),
    select=SELECT,
    # Anybody may make a second item of a thing; thousands are merged each week.
    duplicate_free=dict.fromkeys(CLASSES, False),
    rank=40,
    rhythm=Rhythm(9, "Wikidata begins a dump each week; two days more until it is ready and here"),
    expects=EXPECTED,
)
"""Works, people, characters, franchises, organisations and events; source_id is the item's id."""
