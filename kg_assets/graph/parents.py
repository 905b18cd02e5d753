"""Facts from the parents that records name: the series of an episode, a work's franchise."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


def parent_facts(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyRelation:
    """To which series or franchise records say that they belong.

    The parent is the record of that id in the same source. Where only a name is given it is the
    one entity of that name, among the types that the relation may lead to; of two, neither.

    Args:
        con: Connection with the views `records`, `members` and `relation_types`.

    Returns:
        Relation of facts.
    """
    return con.sql(
        """
        WITH child AS (
            SELECT
                entity_type,
                source,
                source_id,
                parent_id,
                parent_name
            FROM records
            WHERE parent_id IS NOT NULL OR parent_name IS NOT NULL
        ),
        stated AS (
            SELECT
                relation,
                unnest(domain) AS child_type,
                range AS parent_types
            FROM relation_types
            WHERE list_contains(stated_by, 'parent_id')
        ),
        place AS (
            SELECT
                child_type,
                relation,
                unnest(parent_types) AS parent_type
            FROM stated
        ),
        by_id AS (
            SELECT
                child.entity_type,
                child.source,
                child.source_id,
                any_value(place.relation) AS relation,
                min(parent.entity_id) AS parent_id
            FROM child
            JOIN place
                ON place.child_type = child.entity_type
            JOIN members AS parent
                ON parent.entity_type = place.parent_type
                AND parent.source = child.source
                AND parent.source_id = child.parent_id
            GROUP BY ALL
            HAVING count(DISTINCT (place.relation, parent.entity_id)) = 1
        ),
        named AS (
            SELECT DISTINCT
                entity_type AS parent_type,
                lower(strip_accents(trim(name))) AS parent_name,
                entity_id
            FROM records
            JOIN members USING (entity_type, source, source_id)
            WHERE entity_type IN (SELECT parent_type FROM place)
        ),
        by_name AS (
            SELECT
                child.entity_type,
                child.source,
                child.source_id,
                any_value(place.relation) AS relation,
                min(named.entity_id) AS parent_id
            FROM child
            JOIN place
                ON place.child_type = child.entity_type
            JOIN named
                ON named.parent_type = place.parent_type
                AND named.parent_name = lower(strip_accents(trim(child.parent_name)))
            WHERE child.parent_id IS NULL
            GROUP BY ALL
            HAVING count(DISTINCT (place.relation, named.entity_id)) = 1
        )
        SELECT
            coalesce(by_id.relation, by_name.relation) AS relation,
            members.entity_id AS subject_id,
            coalesce(by_id.parent_id, by_name.parent_id) AS object_id,
            coalesce(child.parent_name, child.parent_id) AS value,
            CASE
                WHEN members.entity_id IS NULL THEN 'the record belongs to no entity'
                WHEN by_id.relation IS NOT NULL OR by_name.relation IS NOT NULL THEN NULL
                WHEN child.entity_type NOT IN (SELECT child_type FROM place)
                    THEN 'the ontology has no relation to a parent for this type'
                WHEN child.parent_id IS NOT NULL THEN 'the parent record belongs to no entity'
                ELSE 'no single entity has the name of the parent'
            END AS problem,
            child.entity_type AS entity_type,
            child.source AS source,
            child.source_id AS source_id
        FROM child
        LEFT JOIN members USING (entity_type, source, source_id)
        LEFT JOIN by_id USING (entity_type, source, source_id)
        LEFT JOIN by_name USING (entity_type, source, source_id)
        """
    )
