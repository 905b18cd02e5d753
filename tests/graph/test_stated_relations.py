"""What sources state of two records: edges with the record as evidence, or a reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kg_assets.sources.tables import SOURCE_RECORDS
from tests.graph.small_graph import connection, inferred, record
from tests.graph.test_nodes_and_edges import build, reasons, relations
from tests.sources.deliveries import Stage
from tests.sources.wikidata_entities import dump, entity, item, statement

FILM, BOOK, EPISODE, SERIES, FRANCHISE = (
    item(name) for name in ("Q11424", "Q8261", "Q21191270", "Q5398426", "Q196600")
)


def _graph(tmp_path: Path, source: str, **files: str):
    """The graph of a delivery, of which each record is an entity of its own."""
    stage = Stage(tmp_path)
    stage.deliver(source, **files)
    stage.run(f"{source}|d")
    assert not stage.quarantined()
    rows = [row | {"delivery": "d"} for row in stage.rows(SOURCE_RECORDS)]
    entities = {
        f"{row['entity_type']} {row['source_id']}": [f"{source}:{row['source_id']}"] for row in rows
    }
    # Sources number their types apart; `connection` tells records by source and id alone.
    assert len({row["source_id"] for row in rows}) == len(rows)
    return build(connection(rows, entities))


def test_what_wikidata_states_becomes_edges_with_the_item_as_evidence(tmp_path):
    con = _graph(
        tmp_path,
        "wikidata",
        dump__json=dump(
            entity(
                "Q1",
                "Aliens",
                P31=FILM,
                P144=item("Q2"),
                P155=item("Q3"),
                P921=[item("Q2"), item("Q404")],
                P179=item("Q4"),
                P8345=[item("Q4"), item("Q5")],
            ),
            entity("Q2", "The Novel", P31=BOOK, P4969=item("Q1")),
            entity("Q3", "Alien", P31=FILM, P156=item("Q1")),
            entity("Q4", "Alien films", P31=FRANCHISE),
            entity("Q5", "Alien universe", P31=FRANCHISE),
        ),
    )
    assert relations(con) == {
        ("film Q1", "based_on", "book Q2"),
        ("film Q1", "sequel_of", "film Q3"),
        ("film Q1", "main_subject", "book Q2"),
        ("film Q1", "part_of_franchise", "franchise Q4"),
        ("film Q1", "part_of_franchise", "franchise Q5"),
    }
    assert reasons(con) == ["the record that the relation leads to belongs to no entity"]
    told = con.sql(
        """
        SELECT attribute, source_id, value, kind, file, length(sha256)
        FROM evidence
        WHERE attribute IN ('based_on', 'sequel_of')
        ORDER BY ALL
        """
    ).fetchall()
    # The book and the first film say the same from their side.
    assert told == [
        ("based_on", "Q1", "The Novel", "record", "dump.json", 64),
        ("based_on", "Q2", "Aliens", "record", "dump.json", 64),
        ("sequel_of", "Q1", "Alien", "record", "dump.json", 64),
        ("sequel_of", "Q3", "Aliens", "record", "dump.json", 64),
    ]


def test_what_stands_before_a_film_may_be_said_of_its_place_in_a_series(tmp_path):
    con = _graph(
        tmp_path,
        "wikidata",
        dump__json=dump(
            entity("Q1", "Alien", P31=FILM),
            entity("Q2", "Aliens", P31=FILM, P179=statement("P179", item("Q3"), P155=item("Q1"))),
            entity("Q3", "Alien films", P31=FRANCHISE),
        ),
    )
    assert ("film Q2", "sequel_of", "film Q1") in relations(con)


def test_the_episode_before_is_no_work_that_is_continued(tmp_path):
    con = _graph(
        tmp_path,
        "wikidata",
        dump__json=dump(
            entity("Q1", "One", P31=EPISODE, P179=item("Q3"), P156=item("Q2")),
            entity("Q2", "Two", P31=EPISODE, P179=item("Q3"), P155=item("Q1")),
            entity("Q3", "Numbers", P31=SERIES),
        ),
    )
    assert relations(con) == {
        ("episode Q1", "episode_of", "series Q3"),
        ("episode Q2", "episode_of", "series Q3"),
    }
    assert reasons(con) == []


def test_a_collection_of_tmdb_says_which_films_it_holds(tmp_path):
    film = {"id": 2, "title": "Up", "original_title": "Up", "overview": "", "genres": []}
    held = {"id": 2, "title": "Up", "media_type": "movie"}
    collection = {"id": 9, "name": "Up Collection", "overview": "", "parts": [held]}
    con = _graph(
        tmp_path, "tmdb", a__jsonl="\n".join(json.dumps(one) for one in (film, collection))
    )
    assert relations(con) == {("film 2", "part_of_franchise", "franchise 9")}


def _stating(*told: dict[str, Any], kind: str = "film", **fields: Any) -> dict[str, Any]:
    return record(kind, "a:1", "It", relations=list(told), **fields)


OTHERS = [
    record("book", "a:2", "Dune", year=1965),
    record("film", "a:3", "Dune", year=1984),
    record("film", "a:4", "Alien", year=1995),
    record("franchise", "a:5", "Dune"),
    record("person", "a:6", "Ann Lee"),
    record("film", "b:7", "Of another source"),
]
ENTITIES = {
    "it": ["a:1"], "book": ["a:2"], "film": ["a:3"], "alien": ["a:4"], "saga": ["a:5"],
    "ann": ["a:6"], "far": ["b:7"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("told", "edge", "reason"),
    [
        ({"relation": "based_on", "source_id": "2"}, ("it", "based_on", "book"), None),
        ({"relation": " based_on ", "source_id": " 2 "}, ("it", "based_on", "book"), None),
        ({"relation": "has_sequel", "source_id": "4"}, ("alien", "sequel_of", "it"), None),
        ({"relation": "main_subject", "source_id": "6"}, ("it", "main_subject", "ann"), None),
        # A name is looked for in one type.
        (
            {"relation": "part_of_franchise", "name": "DUNE"},
            ("it", "part_of_franchise", "saga"),
            None,
        ),
        (
            {"relation": "based_on", "name": "dune", "entity_type": "book"},
            ("it", "based_on", "book"),
            None,
        ),
        (
            {"relation": "based_on", "name": "Dune"},
            None,
            "a relation that may lead to several types needs the entity_type of a name",
        ),
        (
            {"relation": "based_on", "name": "Odd", "entity_type": "book"},
            None,
            "no entity has the name that the relation gives",
        ),
        (
            {"relation": "based_on", "source_id": "99", "name": "Dune", "entity_type": "book"},
            None,
            "the record that the relation leads to belongs to no entity",
        ),
        # An id is the source's own.
        (
            {"relation": "based_on", "source_id": "7"},
            None,
            "the record that the relation leads to belongs to no entity",
        ),
        ({"relation": "eats", "source_id": "2"}, None, "the ontology has no such relation"),
        ({"relation": "based_on", "source_id": "6"}, None, "range: the object is of type person"),
        ({"relation": "appears_in", "source_id": "4"}, None, "domain: the subject is of type film"),
        ({"relation": "based_on", "source_id": "1"}, None, "the subject is the object"),
        (
            {"relation": "based_on", "source_id": "3"},
            None,
            "order in time: based_on leads from 1950 to 1984, which is later",
        ),
    ],
)
def test_a_relation_leads_to_an_entity_or_says_why_not(told, edge, reason):
    year = 1950 if reason and "in time" in reason else 1990
    con = build(connection([_stating(told, year=year), *OTHERS], ENTITIES))
    assert relations(con) == ({edge} if edge else set())
    assert reasons(con) == ([reason] if reason else [])


@pytest.mark.parametrize(
    ("entity_type", "edges", "problems"),
    [
        ({"entity_type": "book"}, {("it", "based_on", "book")}, []),
        (
            {},
            set(),
            ["several records have the id that the relation gives; it needs the entity_type"],
        ),
    ],
)
def test_an_id_that_several_types_share_needs_the_type(entity_type, edges, problems):
    told = {"relation": "based_on", "source_id": "2"} | entity_type
    con = connection(
        [_stating(told), record("book", "a:2", "Dune")], {"it": ["a:1"], "book": ["a:2"]}
    )
    both = con.sql(
        """
        FROM members
        UNION ALL
        SELECT * REPLACE ('comic' AS entity_type, 'comic' AS entity_id)
        FROM members
        WHERE source_id = '2'
        """
    ).to_arrow_table()
    con.register("members", both)
    build(con)
    assert (relations(con), reasons(con)) == (edges, problems)


def test_of_two_that_cannot_both_be_what_more_sources_state_stays():
    def says(key: str, name: str, other: str) -> dict[str, Any]:
        return record("film", key, name, relations=[{"relation": "sequel_of", "source_id": other}])

    con = build(
        connection(
            [
                says("a:1", "One", "2"),
                record("film", "a:2", "Two"),
                record("film", "b:1", "One"),
                says("b:2", "Two", "1"),
                record("film", "c:1", "One"),
                says("c:2", "Two", "1"),
            ],
            {"one": ["a:1", "b:1", "c:1"], "two": ["a:2", "b:2", "c:2"]},
        )
    )
    assert relations(con) == {("two", "sequel_of", "one")}
    [reason] = reasons(con)
    assert reason.startswith("cycle")


def test_what_is_inferred_gives_way_to_what_a_source_states():
    told = {"relation": "sequel_of", "source_id": "4"}
    fact = inferred("sequel_of", "alien", "it", "It")
    con = build(connection([_stating(told), *OTHERS], ENTITIES, [fact]))
    assert relations(con) == {("it", "sequel_of", "alien")}
