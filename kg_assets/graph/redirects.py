"""Redirects: where an entity id that ended leads now, from the identity events of all versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    import duckdb

REDIRECTS_DESCRIPTION = (
    "Where ids of earlier versions lead: an id that was merged, however often, to the entity that "
    "it is part of now; an id that was split to the entities that took some of its records."
)

REDIRECTS_SCHEMA = pa.schema(
    [
        pa.field(
            "old_id",
            pa.string(),
            nullable=False,
            metadata={"description": "An id that was given in some version."},
        ),
        pa.field(
            "event",
            pa.string(),
            nullable=False,
            metadata={"description": "merged, split or retired."},
        ),
        pa.field(
            "entity_id",
            pa.string(),
            metadata={"description": "The node that it leads to; null where it is retired."},
        ),
    ]
)
"""One row for each ended id and where it leads, and for each part that was split off."""


def redirects(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyRelation:
    """Follow the identity events to the ids of today.

    An id ends in one generation and what took its records is alive in that generation, so that
    a chain of merges always moves forward and never runs in a circle.

    Args:
        con: Connection with the views `identity_events` and `nodes`.

    Returns:
        Relation with `REDIRECTS_SCHEMA`. A split is listed as it happened, with the parts
        followed to today; an id may have both a merge and splits.
    """
    return con.sql(
        """
        WITH RECURSIVE ended AS (
            SELECT
                entity_id AS old_id,
                arg_max(event, generation) AS event,
                arg_max(other_id, generation) AS next_id
            FROM identity_events
            WHERE event IN ('merged', 'retired')
                AND entity_id NOT IN (SELECT node_id FROM nodes)
            GROUP BY ALL
        ),
        told AS (
            SELECT old_id, event, next_id
            FROM ended
            UNION
            SELECT entity_id AS old_id, event, other_id AS next_id
            FROM identity_events
            WHERE event = 'split'
        ),
        walk AS (
            SELECT old_id, event, next_id
            FROM told
            UNION
            SELECT walk.old_id, walk.event, ended.next_id
            FROM walk
            JOIN ended ON ended.old_id = walk.next_id
        )
        SELECT DISTINCT
            walk.old_id,
            walk.event,
            nodes.node_id AS entity_id
        FROM walk
        LEFT JOIN nodes ON nodes.node_id = walk.next_id
        WHERE (nodes.node_id IS NOT NULL AND nodes.node_id <> walk.old_id)
            OR walk.event = 'retired'
        """
    )
