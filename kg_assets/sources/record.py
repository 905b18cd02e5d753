"""The canonical record: the one shape into which every source's records are brought."""

from __future__ import annotations

import pyarrow as pa


def _field(name: str, kind: pa.DataType, text: str, *, required: bool = False) -> pa.Field:
    return pa.field(name, kind, nullable=not required, metadata={"description": text})


CREDIT = pa.struct(
    [
        _field("name", pa.string(), "The person's name as the source writes it."),
        _field("person_id", pa.string(), "source_id of the person's record in the same source."),
        _field("role", pa.string(), "director, writer, actor, composer, producer, creator ..."),
        _field("character", pa.string(), "Whom an actor plays."),
        _field("position", pa.int32(), "Order of billing, from 1."),
    ]
)
"""One person's part in a work."""

EXTERNAL_IDS = pa.map_(pa.string(), pa.string())
"""Identifiers in other systems, by the name of the system (``imdb``, ``wikidata``)."""

RECORD_SCHEMA = pa.schema(
    [
        _field(
            "entity_type",
            pa.string(),
            "film, series, episode, person, book, play, comic, game, event, organisation, "
            "franchise, character, or thing where the source does not say.",
            required=True,
        ),
        _field(
            "source",
            pa.string(),
            "Who delivered the record; the landing folder's name.",
            required=True,
        ),
        _field("source_id", pa.string(), "The source's own identifier.", required=True),
        _field("name", pa.string(), "Title or name as the source writes it.", required=True),
        _field("alternate_names", pa.list_(pa.string()), "Original, translated and other names."),
        _field("year", pa.int32(), "First year: of release, of birth of a series, of publication."),
        _field("end_year", pa.int32(), "Last year, of a series or an organisation."),
        _field("date", pa.date32(), "Day of release or first broadcast."),
        _field("runtime_minutes", pa.float64(), "Running time in minutes."),
        _field("season", pa.int32(), "Season of an episode; 0 holds specials."),
        _field("episode", pa.int32(), "Number of an episode in its season."),
        _field("parent_id", pa.string(), "source_id of the series, franchise or collection."),
        _field("parent_name", pa.string(), "Name of the series, franchise or collection."),
        _field("genres", pa.list_(pa.string()), "Genres in lower case English."),
        _field("countries", pa.list_(pa.string()), "Countries of origin, ISO 3166-1 alpha-2."),
        _field("languages", pa.list_(pa.string()), "Original languages, ISO 639."),
        _field("credits", pa.list_(CREDIT), "Who took part, and how."),
        _field("professions", pa.list_(pa.string()), "What a person does: director, actor ..."),
        _field("birth_year", pa.int32(), "A person's year of birth."),
        _field("death_year", pa.int32(), "A person's year of death."),
        _field("external_ids", EXTERNAL_IDS, "Identifiers in other systems; never matched on."),
        _field("description", pa.string(), "Prose about the entity, in any length."),
        _field("url", pa.string(), "A page of the source about the entity."),
    ]
)
"""Arrow schema of the canonical record; entity_type, source_id and name are required."""

POSITION_FIELDS = [
    _field("file", pa.string(), "File of the blob, relative to its delivery.", required=True),
    _field("table", pa.string(), "Table in the file, where it is a database."),
    _field(
        "position", pa.int64(), "Byte offset in the decompressed file, or rowid.", required=True
    ),
    _field("sha256", pa.string(), "SHA-256 of the blob, hexadecimal.", required=True),
]
"""Where a record's blob lies."""
