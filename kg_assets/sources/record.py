"""The canonical record: the one shape into which every source's records are brought."""

from __future__ import annotations

import pyarrow as pa


def described(name: str, kind: pa.DataType, text: str, *, required: bool = False) -> pa.Field:
    """A column with what it holds, which the UI and the documents show."""
    return pa.field(name, kind, nullable=not required, metadata={"description": text})


ENTITY_TYPES = (
    "film",
    "series",
    "episode",
    "person",
    "book",
    "play",
    "comic",
    "game",
    "event",
    "organisation",
    "franchise",
    "character",
)
"""The entity types that are matched; each has a match model and a chain of assets."""

THING = "thing"
"""The entity type of a record whose source does not say what it is; it has no chain."""

CREDIT = pa.struct(
    [
        described("name", pa.string(), "The person's name as the source writes it."),
        described("person_id", pa.string(), "source_id of the person's record in the same source."),
        described("role", pa.string(), "director, writer, actor, composer, producer, creator ..."),
        described("character", pa.string(), "Whom an actor plays."),
        described("position", pa.int32(), "Order of billing, from 1."),
    ]
)
"""One person's part in a work."""

STATED_RELATION = pa.struct(
    [
        described(
            "relation",
            pa.string(),
            "based_on, sequel_of, part_of_franchise, main_subject ...: a relation of the ontology, "
            "or its inverse (has_sequel).",
        ),
        described("source_id", pa.string(), "source_id of the other record in the same source."),
        described(
            "entity_type",
            pa.string(),
            "Its entity type; needed where the source numbers its types apart and the relation "
            "may lead to several.",
        ),
        described("name", pa.string(), "Its name as the source writes it."),
    ]
)
"""What a source says of a record and another one; either ``source_id`` or ``name`` is needed."""

EXTERNAL_IDS = pa.map_(pa.string(), pa.string())
"""Identifiers in other systems, by the name of the system (``imdb``, ``wikidata``)."""

RECORD_SCHEMA = pa.schema(
    [
        described(
            "entity_type",
            pa.string(),
            "film, series, episode, person, book, play, comic, game, event, organisation, "
            "franchise, character, or thing where the source does not say.",
            required=True,
        ),
        described(
            "source",
            pa.string(),
            "Who delivered the record; the landing folder's name.",
            required=True,
        ),
        described("source_id", pa.string(), "The source's own identifier.", required=True),
        described("name", pa.string(), "Title or name as the source writes it.", required=True),
        described(
            "alternate_names", pa.list_(pa.string()), "Original, translated and other names."
        ),
        described(
            "year", pa.int32(), "First year: of release, of birth of a series, of publication."
        ),
        described("end_year", pa.int32(), "Last year, of a series or an organisation."),
        described("date", pa.date32(), "Day of release or first broadcast."),
        described("runtime_minutes", pa.float64(), "Running time in minutes."),
        described("season", pa.int32(), "Season of an episode; 0 holds specials."),
        described("episode", pa.int32(), "Number of an episode in its season."),
        described("parent_id", pa.string(), "source_id of the series, franchise or collection."),
        described("parent_name", pa.string(), "Name of the series, franchise or collection."),
        described("genres", pa.list_(pa.string()), "Genres in lower case English."),
        described("countries", pa.list_(pa.string()), "Countries of origin, ISO 3166-1 alpha-2."),
        described("languages", pa.list_(pa.string()), "Original languages, ISO 639."),
        described("credits", pa.list_(CREDIT), "Who took part, and how."),
        described(
            "relations",
            pa.list_(STATED_RELATION),
            "What it is based on, continues, is about or belongs to.",
        ),
        described("professions", pa.list_(pa.string()), "What a person does: director, actor ..."),
        described("birth_year", pa.int32(), "A person's year of birth."),
        described("death_year", pa.int32(), "A person's year of death."),
        described(
            "external_ids",
            EXTERNAL_IDS,
            "Identifiers in other systems; matched on only where KG_SHARED_IDS says so.",
        ),
        described("rating", pa.float64(), "Mean of the ratings by users, from 0 to 10."),
        described("votes", pa.int64(), "How many users rated it."),
        described("description", pa.string(), "Prose about the entity, in any length."),
        described("url", pa.string(), "A page of the source about the entity."),
    ]
)
"""Arrow schema of the canonical record; entity_type, source_id and name are required."""

POSITION_FIELDS = [
    described("file", pa.string(), "File of the blob, relative to its delivery.", required=True),
    described("table", pa.string(), "Table in the file, where it is a database."),
    described(
        "position", pa.int64(), "Byte offset in the decompressed file, or rowid.", required=True
    ),
    described("sha256", pa.string(), "SHA-256 of the blob, hexadecimal.", required=True),
]
"""Where a record's blob lies."""
