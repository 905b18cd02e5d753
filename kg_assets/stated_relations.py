"""What records state of other records by their field `relations`, and to which entities it leads.

Used where the graph's edges are made, and where it is decided which texts are read at all.
"""

# ruff: noqa: S608 - names in statements are those of the caller's own views.

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from ontology.schema import HOW_INVERSE, Ontology

if TYPE_CHECKING:
    import duckdb

_DECLARED = pa.schema(
    [
        pa.field("relation", pa.string()),
        pa.field("kept", pa.string()),
        pa.field("turned", pa.bool_()),
        pa.field("domain", pa.list_(pa.string())),
        pa.field("range", pa.list_(pa.string())),
    ]
)
"""A relation, what it is kept as, and whether its ends are then exchanged."""


def stated_relations(
    con: duckdb.DuckDBPyConnection,
    ontology: Ontology,
    records: str = "records",
    members: str = "members",
) -> duckdb.DuckDBPyRelation:
    """What records state, one row for each of their relations, in the direction that is kept.

    The other end is the record of that id in the same source, of the type that is given or of one
    to which the relation may lead. Where only a name is given it is the one entity of that name;
    of two, neither. A name is looked for in one type only, that which is given or the only one to
    which the relation may lead: of all works that are called "War" none need be meant.

    Args:
        con: The connection; it keeps the view `relation_declared`.
        ontology: The relations, with the types of their ends.
        records: Name of a view of records: entity_type, source, source_id, name, relations.
        members: Name of a view of the members of entities: entity_id, entity_type, source,
            source_id.

    Returns:
        Relation (relation, subject_id, object_id, value, problem, entity_type, source,
        source_id). The ends are null where there is a problem with them; value is what the other
        record is called.
    """
    con.register("relation_declared", _declared(ontology))
    return con.sql(
        f"""
        WITH listed AS (
            SELECT
                entity_type,
                source,
                source_id,
                unnest(relations) AS one,
                generate_subscripts(relations, 1) AS place
            FROM {records}
            WHERE len(relations) > 0
        ),
        told AS (
            SELECT
                listed.entity_type,
                listed.source,
                listed.source_id,
                place,
                trim(one.relation) AS relation,
                nullif(trim(one.source_id), '') AS other_id,
                nullif(trim(one.entity_type), '') AS other_type,
                nullif(trim(one.name), '') AS other_name,
                declared.kept,
                declared.turned,
                declared.domain,
                declared.range
            FROM listed
            LEFT JOIN relation_declared AS declared
                ON declared.relation = trim(one.relation)
        ),
        -- What several types share an id for is of the type to which the relation may lead.
        by_id AS (
            SELECT
                told.entity_type,
                told.source,
                told.source_id,
                place,
                list_sort(list(DISTINCT other.entity_id)
                    FILTER (list_contains(range, other.entity_type))) AS fitting,
                list_sort(list(DISTINCT other.entity_type)) AS types
            FROM told
            JOIN {members} AS other
                ON other.source = told.source
                AND other.source_id = told.other_id
                AND other.entity_type = coalesce(told.other_type, other.entity_type)
            GROUP BY ALL
        ),
        wanted AS (
            SELECT
                *,
                coalesce(other_type, CASE WHEN len(range) = 1 THEN range[1] END) AS named_type,
                lower(strip_accents(other_name)) AS named
            FROM told
            WHERE other_id IS NULL
        ),
        called AS (
            SELECT DISTINCT
                entity_type,
                lower(strip_accents(trim(name))) AS named,
                entity_id
            FROM {records}
            JOIN {members} USING (entity_type, source, source_id)
            WHERE (entity_type, lower(strip_accents(trim(name))))
                IN (SELECT (named_type, named) FROM wanted)
        ),
        by_name AS (
            SELECT
                wanted.entity_type,
                wanted.source,
                wanted.source_id,
                place,
                list(DISTINCT called.entity_id) AS fitting
            FROM wanted
            JOIN called
                ON called.entity_type = wanted.named_type
                AND called.named = wanted.named
                AND list_contains(wanted.range, called.entity_type)
            GROUP BY ALL
        ),
        found AS (
            SELECT
                told.*,
                own.entity_id AS own_id,
                coalesce(by_id.fitting, by_name.fitting, []) AS fitting,
                by_id.types
            FROM told
            LEFT JOIN {members} AS own USING (entity_type, source, source_id)
            LEFT JOIN by_id USING (entity_type, source, source_id, place)
            LEFT JOIN by_name USING (entity_type, source, source_id, place)
        )
        SELECT
            coalesce(kept, relation) AS relation,
            CASE
                WHEN turned THEN CASE WHEN len(fitting) = 1 THEN fitting[1] END
                ELSE own_id
            END AS subject_id,
            CASE
                WHEN turned THEN own_id
                WHEN len(fitting) = 1 THEN fitting[1]
            END AS object_id,
            coalesce(other_name, other_id) AS value,
            CASE
                WHEN range IS NULL THEN 'the ontology has no such relation'
                WHEN own_id IS NULL THEN 'the record belongs to no entity'
                WHEN NOT list_contains(domain, entity_type)
                    THEN 'domain: the subject is of type ' || entity_type
                WHEN len(fitting) = 1 THEN NULL
                WHEN len(fitting) > 1 AND other_id IS NULL
                    THEN 'several entities have the name that the relation gives'
                WHEN len(fitting) > 1
                    THEN 'several records have the id that the relation gives; it needs the '
                         || 'entity_type'
                WHEN len(types) > 0 THEN 'range: the object is of type ' || types[1]
                WHEN other_id IS NOT NULL
                    THEN 'the record that the relation leads to belongs to no entity'
                WHEN other_type IS NULL AND len(range) > 1
                    THEN 'a relation that may lead to several types needs the entity_type of a '
                         || 'name'
                ELSE 'no entity has the name that the relation gives'
            END AS problem,
            entity_type,
            source,
            source_id
        FROM found
        """
    )


def _declared(ontology: Ontology) -> pa.Table:
    rows = []
    for each in ontology.relations.values():
        turned = each.how == HOW_INVERSE and each.inverse is not None
        rows.append(
            {
                "relation": each.name,
                "kept": each.inverse if turned else each.name,
                "turned": turned,
                "domain": sorted(each.domain),
                "range": sorted(each.range),
            }
        )
    return pa.Table.from_pylist(rows, schema=_DECLARED)
