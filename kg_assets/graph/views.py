"""The views of the published graph: what a person who reads it by hand looks for."""

# ruff: noqa: S608 - the types are constants of this module.

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class View:
    """A view of the published graph.

    Attributes:
        name: Its name.
        description: What a row is, for people; becomes the view's comment.
        sql: The query, over the published tables and the views before it.
    """

    name: str
    description: str
    sql: str


def _works_of_type(name: str, node_type: str, description: str) -> View:
    return View(
        name,
        description,
        f"""
        SELECT * EXCLUDE (type)
        FROM works
        WHERE type = '{node_type}'
        """,
    )


VIEWS = (
    View(
        "works",
        "One row a work (film, series, book, ...) with who made it, its genres and countries.",
        """
        WITH role AS (
            SELECT
                edges.subject_id AS node_id,
                edges.relation,
                object.name,
                edges.position
            FROM edges
            JOIN nodes AS object ON object.node_id = edges.object_id
            WHERE edges.relation IN
                ('directed_by', 'written_by', 'created_by', 'genre', 'country_of_origin')
            UNION ALL
            SELECT
                edges.object_id AS node_id,
                edges.relation,
                subject.name,
                edges.position
            FROM edges
            JOIN nodes AS subject ON subject.node_id = edges.subject_id
            WHERE edges.relation = 'performed_in'
        ),
        roles AS (
            SELECT
                node_id,
                list(name ORDER BY position, name) FILTER (relation = 'directed_by') AS directors,
                list(name ORDER BY position, name) FILTER (relation = 'written_by') AS writers,
                list(name ORDER BY position, name) FILTER (relation = 'created_by') AS creators,
                list(name ORDER BY position, name) FILTER (relation = 'performed_in')
                    AS performers,
                list(name ORDER BY name) FILTER (relation = 'genre') AS genres,
                list(name ORDER BY name) FILTER (relation = 'country_of_origin') AS countries
            FROM role
            GROUP BY ALL
        )
        SELECT
            node_type AS type,
            name AS title,
            year,
            runtime_minutes,
            directors,
            writers,
            creators,
            performers,
            genres,
            countries,
            languages,
            rating,
            votes,
            description,
            records,
            sources,
            node_id
        FROM nodes
        LEFT JOIN roles USING (node_id)
        WHERE node_type IN ('film', 'series', 'episode', 'book', 'play', 'comic', 'game')
        """,
    ),
    _works_of_type("films", "film", "One row a film with who made it, its genres and countries."),
    _works_of_type("books", "book", "One row a book with who wrote it."),
    View(
        "series",
        "One row a series, with how many of its episodes the graph has.",
        """
        WITH counted AS (
            SELECT
                object_id AS node_id,
                count(*) AS episodes
            FROM edges
            WHERE relation = 'episode_of'
            GROUP BY ALL
        )
        SELECT
            works.title,
            works.year,
            nodes.end_year,
            coalesce(counted.episodes, 0) AS episodes,
            works.* EXCLUDE (type, title, year)
        FROM works
        JOIN nodes USING (node_id)
        LEFT JOIN counted USING (node_id)
        WHERE works.type = 'series'
        """,
    ),
    View(
        "episodes",
        "One row an episode, with its series where a record names it.",
        """
        SELECT
            series.name AS series,
            nodes.season,
            nodes.episode,
            nodes.name AS title,
            nodes.date,
            nodes.year,
            nodes.node_id,
            series.node_id AS series_id
        FROM nodes
        LEFT JOIN edges ON edges.subject_id = nodes.node_id AND edges.relation = 'episode_of'
        LEFT JOIN nodes AS series ON series.node_id = edges.object_id
        WHERE nodes.node_type = 'episode'
        """,
    ),
    View(
        "relations",
        "Each edge read from both its ends, with names: 'A sequel_of B' and 'B has_sequel A'. "
        "stored tells which of the two is the row of the table edges.",
        """
        WITH way AS (
            SELECT
                edge_id,
                relation,
                subject_id,
                object_id,
                true AS stored
            FROM edges
            UNION ALL
            SELECT
                edges.edge_id,
                CASE WHEN relation_types."symmetric" THEN relation ELSE relation_types.inverse END
                    AS relation,
                edges.object_id AS subject_id,
                edges.subject_id AS object_id,
                false AS stored
            FROM edges
            JOIN relation_types USING (relation)
            WHERE relation_types."symmetric" OR relation_types.inverse IS NOT NULL
        )
        SELECT
            subject.name AS subject,
            subject.node_type AS subject_type,
            subject.year AS subject_year,
            way.relation,
            object.name AS object,
            object.node_type AS object_type,
            object.year AS object_year,
            edges.kind,
            edges.confidence,
            edges.evidence,
            edges.characters,
            edges.position,
            way.stored,
            way.subject_id,
            way.object_id,
            way.edge_id
        FROM way
        JOIN edges USING (edge_id)
        JOIN nodes AS subject ON subject.node_id = way.subject_id
        JOIN nodes AS object ON object.node_id = way.object_id
        """,
    ),
    View(
        "credits",
        "One row a person's part in a work: who, in what, as what.",
        """
        WITH part AS (
            SELECT
                edges.* EXCLUDE (subject_id, object_id),
                CASE WHEN list_contains(domain, 'person') THEN object_id ELSE subject_id END
                    AS work_id,
                CASE WHEN list_contains(domain, 'person') THEN subject_id ELSE object_id END
                    AS person_id
            FROM edges
            JOIN relation_types USING (relation)
            WHERE list_bool_or(
                list_transform(stated_by, lambda field: starts_with(field, 'credits.'))
            )
        )
        SELECT
            work.name AS work,
            work.year,
            work.node_type AS work_type,
            part.relation,
            person.name AS person,
            part.characters,
            part.position,
            part.evidence,
            part.work_id,
            part.person_id,
            part.edge_id
        FROM part
        JOIN nodes AS work ON work.node_id = part.work_id
        JOIN nodes AS person ON person.node_id = part.person_id
        """,
    ),
    View(
        "works_of_person",
        "One row a person and a work, with all that the person did in it.",
        """
        SELECT
            person,
            work,
            year,
            work_type,
            list(DISTINCT relation ORDER BY relation) AS relations,
            list_sort(list_distinct(flatten(list(characters) FILTER (characters IS NOT NULL))))
                AS characters,
            person_id,
            work_id
        FROM credits
        GROUP BY ALL
        """,
    ),
    View(
        "people",
        "One row a person, with how many works the graph has from them.",
        """
        WITH done AS (
            SELECT
                person_id AS node_id,
                count(DISTINCT work_id) AS works,
                count(*) FILTER (relation = 'directed_by') AS directed,
                count(*) FILTER (relation = 'written_by') AS written,
                count(*) FILTER (relation = 'performed_in') AS performed,
                min(year) AS first_year,
                max(year) AS last_year
            FROM credits
            GROUP BY ALL
        )
        SELECT
            name,
            birth_year,
            death_year,
            professions,
            coalesce(works, 0) AS works,
            coalesce(directed, 0) AS directed,
            coalesce(written, 0) AS written,
            coalesce(performed, 0) AS performed,
            first_year,
            last_year,
            records,
            sources,
            node_id
        FROM nodes
        LEFT JOIN done USING (node_id)
        WHERE node_type = 'person'
        """,
    ),
    View(
        "genres",
        "One row a genre, with its works.",
        """
        SELECT
            nodes.name,
            count(edges.edge_id) AS works,
            nodes.node_id
        FROM nodes
        LEFT JOIN edges ON edges.object_id = nodes.node_id AND edges.relation = 'genre'
        WHERE nodes.node_type = 'genre'
        GROUP BY ALL
        """,
    ),
    View(
        "countries",
        "One row a country, with the works that come from it.",
        """
        SELECT
            nodes.name,
            count(edges.edge_id) AS works,
            nodes.node_id
        FROM nodes
        LEFT JOIN edges ON edges.object_id = nodes.node_id AND edges.relation = 'country_of_origin'
        WHERE nodes.node_type = 'country'
        GROUP BY ALL
        """,
    ),
    View(
        "facts_with_evidence",
        "One row a piece of evidence, with what it is evidence of: an attribute of a node or a "
        "relation between two, and the record or quote that says so.",
        """
        SELECT
            subject.name AS subject,
            subject.node_type AS subject_type,
            evidence.attribute AS fact,
            coalesce(object.name, evidence.value) AS object,
            evidence.chosen,
            evidence.kind,
            evidence.value,
            evidence.quote,
            evidence.source,
            evidence.source_id,
            evidence.delivery,
            evidence.file,
            evidence.position,
            evidence.sha256,
            evidence.document_id,
            evidence.start,
            evidence."end",
            evidence.extractor,
            evidence.reviewer,
            evidence.confidence,
            subject.node_id AS subject_id,
            object.node_id AS object_id
        FROM evidence
        LEFT JOIN edges
            ON evidence.subject_kind = 'edge' AND edges.edge_id = evidence.subject_id
        JOIN nodes AS subject
            ON subject.node_id = coalesce(edges.subject_id, evidence.subject_id)
        LEFT JOIN nodes AS object
            ON object.node_id = edges.object_id
        """,
    ),
)
"""In the order in which they are made: a view may read those before it."""
