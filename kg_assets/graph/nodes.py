"""Nodes: resolved entities, and the genres and countries that their records name.

Works on views of one DuckDB connection: `entities` (resolved_entities of all types), `records`
(current canonical records of all types, with the place of their blob). What a node's attributes
rest on belongs to `evidence`.
"""

# ruff: noqa: S608 - the only things put into statements are expressions of this module.

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from kg_assets.graph.vocabulary import country_names

if TYPE_CHECKING:
    import duckdb

_SLUG = "trim(regexp_replace(lower(strip_accents({0})), '[^a-z0-9]+', '-', 'g'), '-')"

GENRE_ID = f"'genre:' || {_SLUG}"
"""SQL expression for the node id of a genre; one id for all spellings of its name."""

COUNTRY_ID = f"""
            'country:' || CASE
                WHEN regexp_matches(trim({{0}}), '^[A-Za-z]{{{{2}}}}$') THEN upper(trim({{0}}))
                ELSE {_SLUG}
            END"""
"""SQL expression for the node id of a country: its ISO 3166 code, or its name if it has none."""


def vocabulary_terms(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyRelation:
    """Each genre and country that a record names.

    Args:
        con: Connection with the view `records`.

    Returns:
        Relation (node_id, node_type, relation, value, entity_type, source, source_id): one row
        for each value of a record; the relation is the one from the record's entity to the node.
    """
    return con.sql(
        f"""
        SELECT
            {GENRE_ID.format("value")} AS node_id,
            'genre' AS node_type,
            'genre' AS relation,
            value,
            entity_type,
            source,
            source_id
        FROM (SELECT entity_type, source, source_id, unnest(genres) AS value FROM records)
        WHERE regexp_matches(strip_accents(value), '[A-Za-z0-9]')
        UNION ALL
        SELECT
            {COUNTRY_ID.format("value")} AS node_id,
            'country' AS node_type,
            'country_of_origin' AS relation,
            value,
            entity_type,
            source,
            source_id
        FROM (SELECT entity_type, source, source_id, unnest(countries) AS value FROM records)
        WHERE regexp_matches(strip_accents(value), '[A-Za-z0-9]')
        """
    )


def vocabulary_nodes(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyRelation:
    """Nodes of genres and countries.

    Args:
        con: Connection with the view `records`.

    Returns:
        Relation with the columns of the table nodes that such a node has, the rest null. A
        genre is called by its most frequent spelling, a country by its English name.
    """
    terms = vocabulary_terms(con)
    names = country_names()
    countries = pa.table({"code": list(names), "english": list(names.values())})
    con.register("country_names", countries)
    terms.create_view("vocabulary_terms", replace=True)
    return con.sql(
        """
        WITH spelling AS (
            SELECT
                node_id,
                node_type,
                value,
                count(*) AS uses
            FROM vocabulary_terms
            GROUP BY ALL
        ),
        term AS (
            SELECT
                node_id,
                node_type,
                arg_min(value, struct_pack(fewest := -uses, value := value)) AS value
            FROM spelling
            GROUP BY ALL
        ),
        use AS (
            SELECT
                node_id,
                count(DISTINCT (entity_type, source, source_id)) AS records,
                list_sort(list(DISTINCT source)) AS sources
            FROM vocabulary_terms
            GROUP BY ALL
        )
        SELECT
            node_id,
            node_type,
            coalesce(english, trim(value)) AS name,
            records,
            sources
        FROM term
        JOIN use USING (node_id)
        LEFT JOIN country_names ON node_id = 'country:' || code
        """
    )


def nodes(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyRelation:
    """All nodes.

    Args:
        con: Connection with the views `entities` and `records`.

    Returns:
        Relation with the columns of the table nodes.
    """
    vocabulary_nodes(con).create_view("vocabulary_nodes", replace=True)
    return con.sql(
        """
        SELECT
            entity_id AS node_id,
            entity_type AS node_type,
            name,
            alternate_names,
            year,
            end_year,
            date,
            runtime_minutes,
            season,
            episode,
            birth_year,
            death_year,
            professions,
            languages,
            rating,
            votes,
            description,
            url,
            records,
            sources
        FROM entities
        UNION ALL BY NAME
        SELECT
            node_id,
            node_type,
            name,
            records,
            sources
        FROM vocabulary_nodes
        """
    )
