"""The members of the entities of all types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kg_assets.matching.tables import entity_members
from kg_assets.sources.record import ENTITY_TYPES

if TYPE_CHECKING:
    import duckdb

    from resources.lake import Lake


def members_of(lake: Lake, con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyRelation:
    """Members of the entities of all types in a lake.

    Args:
        lake: The lake.
        con: The connection that reads them.

    Returns:
        Relation (entity_id, entity_type, source, source_id).
    """
    columns = "entity_id, entity_type, source, source_id"
    found = [lake.relation(con, entity_members(each)).project(columns) for each in ENTITY_TYPES]
    members = found[0]
    for each in found[1:]:
        members = members.union(each)
    return members
