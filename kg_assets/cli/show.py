"""`kg show`: an entity with its records, its attributes with their source, its relations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import groupby
from typing import TYPE_CHECKING

from kg_assets.cli.finding import Found, Row, find, rows_of
from kg_assets.cli.render import (
    Exit,
    clean,
    complain,
    console,
    is_text,
    print_json,
    print_table,
    shown,
)
from kg_assets.graph.publication import NotPublishedError, open_published
from kg_assets.graph.tables import NODE_ATTRIBUTES
from kg_assets.promotion.reading import what_is_read

if TYPE_CHECKING:
    import duckdb

    from resources.settings import Settings

SHOWN_RELATIONS = 15
"""Relations of one kind that are shown to a person; JSON holds all."""


def show(settings: Settings, query: str, *, json: bool = False) -> int:
    """Print the entity of an id, of a record (source:id), or of a name.

    A name is looked up without regard to case, accents and punctuation: as a whole, then as a
    beginning, then misspelt. Where several entities have it they are listed.

    Args:
        settings: Where the published graph is.
        query: What to look for.
        json: Print JSON.

    Returns:
        Exit code: 0 also where several are listed, 1 where nothing is found or published, 2
        where the query is empty.
    """
    if not query.strip():
        complain("give a name or an id")
        return Exit.BAD_INPUT
    if not is_text(query):
        complain(f"{query} is not UTF-8, as all names are")
        return Exit.BAD_INPUT
    try:
        with closing(open_published(what_is_read(settings)[0])) as con:
            found = find(con, query.strip())
            entity = describe(con, found.answers[0]["node_id"]) if found.total == 1 else None
    except NotPublishedError as error:
        complain(str(error))
        return Exit.NOT_FOUND
    if json:
        print_json(
            {
                "query": query,
                "match": found.match if found.answers else None,
                "note": found.note,
                "total": found.total,
                "answers": found.answers,
                "entity": entity,
            }
        )
    elif entity is not None:
        _print_entity(found, entity)
    elif found.answers:
        _print_answers(query, found)
    else:
        complain(found.note or f"nothing is called {query!r}")
    return Exit.OK if found.answers else Exit.NOT_FOUND


def describe(con: duckdb.DuckDBPyConnection, node_id: str) -> Row:
    """All that the graph says of an entity, with where it comes from.

    Args:
        con: The published graph.
        node_id: The entity.

    Returns:
        The node's columns, and ``records``, ``attributes`` (claims, the chosen one first) and
        ``relations`` (each with its evidence), as lists of objects.
    """
    node = rows_of(con, "SELECT * FROM nodes WHERE node_id = ?", [node_id])[0]
    claims = rows_of(
        con,
        """
        SELECT
            attribute,
            value,
            chosen,
            list({'source': source, 'source_id': source_id} ORDER BY source, source_id)
                AS records
        FROM evidence
        WHERE subject_kind = 'node' AND subject_id = ?
        GROUP BY ALL
        ORDER BY chosen DESC, len(records) DESC, value
        """,
        [node_id],
    )
    order = {name: place for place, name in enumerate(NODE_ATTRIBUTES)}
    claims.sort(key=lambda claim: order.get(claim["attribute"], len(order)))
    records = rows_of(
        con,
        """
        SELECT
            source,
            source_id,
            any_value(value) FILTER (attribute = 'name') AS name,
            delivery,
            file,
            "table",
            position,
            sha256
        FROM evidence
        WHERE subject_kind = 'node' AND subject_id = ?
        GROUP BY ALL
        ORDER BY source, source_id
        """,
        [node_id],
    )
    return {**node, "records": records, "attributes": claims, "relations": _relations(con, node_id)}


def _relations(con: duckdb.DuckDBPyConnection, node_id: str) -> list[Row]:
    relations = rows_of(
        con,
        """
        SELECT
            relation,
            object_id,
            object,
            object_type,
            object_year,
            kind,
            confidence,
            characters,
            position,
            edge_id
        FROM relations
        WHERE subject_id = ?
        ORDER BY relation, position, object_year, object, object_id
        """,
        [node_id],
    )
    evidence = rows_of(
        con,
        """
        SELECT
            subject_id AS edge_id,
            kind,
            value,
            source,
            source_id,
            document_id,
            quote,
            start,
            "end",
            extractor,
            confidence,
            sha256
        FROM evidence
        WHERE subject_kind = 'edge'
            AND subject_id IN (
                SELECT edge_id FROM edges WHERE subject_id = $id OR object_id = $id
            )
        ORDER BY edge_id, kind, source, source_id, start
        """,
        {"id": node_id},
    )
    by_edge: dict[str, list[Row]] = {}
    for row in evidence:
        by_edge.setdefault(row.pop("edge_id"), []).append(row)
    return [
        {**relation, "evidence": by_edge.get(relation["edge_id"], [])} for relation in relations
    ]


def _print_answers(query: str, found: Found) -> None:
    how = {
        "exact": "are called",
        "prefix": "have names that begin with",
        "fuzzy": "have names like",
    }.get(found.match, "answer to")
    console.print(f"{found.total:,} entities {how} {clean(query)}:")
    if found.note:
        console.print(clean(found.note))
    print_table(
        ["id", "type", "name", "year", "records"],
        [
            [row["node_id"], row["node_type"], row["name"], row["year"], row["records"]]
            for row in found.answers
        ],
    )
    if found.total > len(found.answers):
        console.print(f"[dim]the first {len(found.answers)}; ask for more of the name[/]")


def _print_entity(found: Found, entity: Row) -> None:
    if found.note:
        console.print(f"[yellow]{clean(found.note)}[/]")
    if found.match == "fuzzy":
        console.print("[yellow]Nothing has just this name; the nearest is:[/]")
    year = f" ({entity['year']})" if entity["year"] else ""
    console.print(
        f"[bold]{clean(entity['name'])}[/]{year}  {clean(entity['node_type'])}  "
        f"[dim]{clean(entity['node_id'])}[/]"
    )
    print_table(
        ["source", "id", "name", "delivery", "file", "position"],
        [
            [each[name] for name in ("source", "source_id", "name", "delivery", "file", "position")]
            for each in entity["records"]
        ],
        title="Records",
    )
    print_table(
        ["attribute", "value", "", "stated by"],
        [
            [
                claim["attribute"],
                claim["value"],
                "" if claim["chosen"] else "not chosen",
                _stated_by(claim["records"]),
            ]
            for claim in entity["attributes"]
        ],
        title="Attributes",
    )
    if entity["relations"]:
        print_table(
            ["relation", "with", "type", "year", "kind", "because"],
            _relation_rows(entity["relations"]),
            title="Relations",
        )


def _relation_rows(relations: Iterable[Row]) -> Iterator[list[object]]:
    for name, group in groupby(relations, key=lambda row: row["relation"]):
        rows = list(group)
        for row in rows[:SHOWN_RELATIONS]:
            characters = f" ({shown(row['characters'])})" if row["characters"] else ""
            kind = row["kind"]
            if kind == "inferred":
                kind = f"inferred, {row['confidence']:.2f}"
            yield [
                name,
                f"{row['object']}{characters}",
                row["object_type"],
                row["object_year"],
                kind,
                _because(row["evidence"]),
            ]
        if len(rows) > SHOWN_RELATIONS:
            yield [name, f"... and {len(rows) - SHOWN_RELATIONS:,} more", "", None, "", ""]


def _because(evidence: list[Row]) -> str:
    quotes = [f"“{each['quote']}” ({each['source']})" for each in evidence if each["quote"]]
    records = [each for each in evidence if not each["quote"]]
    return "; ".join([*quotes, *([_stated_by(records)] if records else [])])


def _stated_by(records: list[Row]) -> str:
    names = list(dict.fromkeys(f"{each['source']}:{each['source_id']}" for each in records))
    return shown(names[:4]) + (f" and {len(names) - 4:,} more" if len(names) > 4 else "")
