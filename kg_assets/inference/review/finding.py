"""Finding the entity that a person means by what was typed: an id, a record, or a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kg_assets.inference.gazetteer import name_keys
from kg_assets.inference.tables import GAZETTEER_TYPES
from kg_assets.judging.values import JudgementError
from kg_assets.matching.tables import entity_members, resolved_entities

if TYPE_CHECKING:
    from collections.abc import Collection

    import duckdb

    from resources.lake import Lake

_SHOWN = 5
NEW = "+"
"""Begins what names a new entity: its type and its name follow."""


def find_object(
    lake: Lake, con: duckdb.DuckDBPyConnection, typed: str, kinds: Collection[str]
) -> tuple[str | None, str, str]:
    """Find an object.

    Args:
        lake: Where the entities are.
        con: A connection that reads it.
        typed: An entity id, source:source_id of a record, a name, or "+type name" for an entity
            that is not known yet.
        kinds: Entity types that the object can have.

    Returns:
        A record of it (None for a new one), its type and its name.

    Raises:
        JudgementError: Nothing is called that, or several things; the message says what to type.
    """
    typed = typed.strip()
    if typed.startswith(NEW):
        kind, _, name = typed.removeprefix(NEW).partition(" ")
        if kind not in kinds or not name.strip():
            raise JudgementError(
                f"a new entity is typed as {NEW}type name, and its type is one of "
                f"{', '.join(sorted(kinds))}"
            )
        return None, kind, name.strip()
    found: list[tuple[str, str, str, str]] = []
    for kind in GAZETTEER_TYPES:
        if kind not in kinds:
            continue
        lake.relation(con, resolved_entities(kind)).create_view("find_entity", replace=True)
        lake.relation(con, entity_members(kind)).create_view("find_member", replace=True)
        rows = con.sql(
            """
            SELECT
                entity_id,
                name,
                alternate_names,
                (
                    SELECT min(source || ':' || source_id)
                    FROM find_member AS member
                    WHERE member.entity_id = entity.entity_id
                ) AS record
            FROM find_entity AS entity
            WHERE entity_id = $typed
                OR entity_id IN (
                    SELECT entity_id FROM find_member WHERE source || ':' || source_id = $typed
                )
                -- Keys are told apart below; this is what they have in common at least.
                OR lower(strip_accents(name)) = lower(strip_accents($typed))
                OR list_contains(
                    [lower(strip_accents(each)) FOR each IN coalesce(alternate_names, [])],
                    lower(strip_accents($typed))
                )
            ORDER BY entity_id
            """,
            params={"typed": typed},
        ).fetchall()
        wanted = set(name_keys(kind, [typed]))
        for entity_id, name, names, record in rows:
            if entity_id == typed or typed == record:
                return record, kind, name
            keys = name_keys(kind, [name, *(names or ())])
            by_record = ":" in typed and not wanted & set(keys)
            if by_record:
                return record, kind, name
            found.append((record, kind, name, entity_id))
    if not found:
        raise JudgementError(
            f"no {' or '.join(sorted(kinds))} is known as {typed!r}; give its id, or name a new "
            f"one as {NEW}type name"
        )
    if len(found) > 1:
        some = ", ".join(f"{each[3]} ({each[2]})" for each in found[:_SHOWN])
        raise JudgementError(f"{len(found):,} things are called {typed!r}: give an id, {some}")
    return found[0][:3]
