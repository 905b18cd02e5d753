"""The published file: whole or not at all, untouched where nothing changed, readable by hand."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dagster_duckdb import DuckDBResource

from kg_assets.graph.publication import (
    NotPublishedError,
    PublishedTable,
    connection,
    open_published,
    publish,
)
from kg_assets.graph.tables import EDGES, EVIDENCE, KNOWLEDGE_GRAPH, NODES
from kg_assets.graph.views import VIEWS, View
from resources.lake import Lake
from resources.settings import Settings
from tests.graph.small_graph import credit, inferred, record
from tests.graph.small_lake import fill, run

QUOTE = "It is a sequel to Knives Out."


def knives_out() -> list[dict[str, Any]]:
    return [
        record(
            "film",
            "a:1",
            "Knives Out",
            year=2019,
            genres=["crime"],
            countries=["US"],
            credits=[
                credit("director", "1#rj", "Rian Johnson"),
                credit("writer", "1#rj", "Rian Johnson"),
                credit("actor", "1#dc", "Daniel Craig", character="Benoit Blanc", position=1),
            ],
        ),
        record(
            "film",
            "a:2",
            "Glass Onion",
            year=2022,
            description=QUOTE,
            credits=[credit("actor", "2#dc", "Daniel Craig", character="Benoit Blanc")],
        ),
        record("person", "a:1#rj", "Rian Johnson"),
        record("person", "a:1#dc", "Daniel Craig"),
        record("person", "a:2#dc", "Daniel Craig"),
    ]


ENTITIES = {
    "film-1": ["a:1"],
    "film-2": ["a:2"],
    "person-rj": ["a:1#rj"],
    "person-dc": ["a:1#dc", "a:2#dc"],
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A published graph of two films."""
    settings = fill(
        tmp_path_factory.mktemp("home"),
        knives_out(),
        ENTITIES,
        [inferred("sequel_of", "film-2", "film-1", QUOTE)],
        [
            {
                "generation": 2,
                "event": "merged",
                "entity_id": "film-old",
                "other_id": "film-mid",
                "members": 1,
            },
            {
                "generation": 3,
                "event": "merged",
                "entity_id": "film-mid",
                "other_id": "film-1",
                "members": 2,
            },
            {
                "generation": 3,
                "event": "split",
                "entity_id": "film-2",
                "other_id": "film-1",
                "members": 1,
            },
            {
                "generation": 3,
                "event": "retired",
                "entity_id": "film-gone",
                "other_id": "",
                "members": 1,
            },
        ],
    )
    run(settings)
    return settings


def query(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    with closing(open_published(settings.published)) as con:
        rows: list[tuple[Any, ...]] = con.sql(sql).fetchall()
        return rows


def test_running_again_changes_nothing(built: Settings) -> None:
    before = {key: head.file.version for key, head in Lake(built).catalog.all_heads("dev").items()}
    file = built.published.stat()
    figures = run(built)
    after = {key: head.file.version for key, head in Lake(built).catalog.all_heads("dev").items()}
    assert after == before
    assert (built.published.stat().st_ino, built.published.stat().st_mtime_ns) == (
        file.st_ino,
        file.st_mtime_ns,
    )
    assert figures["knowledge_graph"]["file_made"] is False


def test_the_manifest_is_the_same_in_the_lake_and_in_the_file(built: Settings) -> None:
    con = duckdb.connect(config={"threads": 1})
    listed = Lake(built).relation(con, KNOWLEDGE_GRAPH).order("name").fetchall()
    assert listed == query(built, "SELECT name, kind, rows, sha256 FROM build ORDER BY name")
    assert {"nodes", "edges", "evidence", "redirects"} <= {row[0] for row in listed}
    assert {view.name for view in VIEWS} <= {row[0] for row in listed}


def test_every_table_view_and_column_says_what_it_is(built: Settings) -> None:
    bare = query(
        built,
        """
        SELECT table_name FROM duckdb_tables() WHERE comment IS NULL
        UNION ALL
        SELECT view_name FROM duckdb_views() WHERE comment IS NULL AND NOT internal
        UNION ALL
        SELECT table_name || '.' || column_name FROM duckdb_columns()
        WHERE table_name IN ('nodes', 'edges', 'evidence') AND comment IS NULL
        """,
    )
    assert bare == []


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (
            "SELECT title, year, directors, writers, performers, genres, countries FROM films "
            "WHERE year = 2019",
            [("Knives Out", 2019, ["Rian Johnson"], ["Rian Johnson"], ["Daniel Craig"], ["crime"],
              ["United States"])],
        ),
        (
            "SELECT name, works, directed, written, performed FROM people ORDER BY name",
            [("Daniel Craig", 2, 0, 0, 2), ("Rian Johnson", 1, 1, 1, 0)],
        ),
        (
            "SELECT work, relations, characters FROM works_of_person "
            "WHERE person = 'Daniel Craig' ORDER BY year",
            [("Knives Out", ["performed_in"], ["Benoit Blanc"]),
             ("Glass Onion", ["performed_in"], ["Benoit Blanc"])],
        ),
        (
            "SELECT subject, relation, object, stored FROM relations "
            "WHERE kind = 'inferred' ORDER BY subject",
            [("Glass Onion", "sequel_of", "Knives Out", True),
             ("Knives Out", "has_sequel", "Glass Onion", False)],
        ),
        (
            "SELECT subject, fact, object, quote FROM facts_with_evidence WHERE kind = 'quote'",
            [("Glass Onion", "sequel_of", "Knives Out", QUOTE)],
        ),
        (
            "SELECT DISTINCT object FROM facts_with_evidence "
            "WHERE subject = 'Glass Onion' AND fact = 'year'",
            [("2022",)],
        ),
        ("SELECT work, person, relation FROM credits WHERE relation = 'directed_by'",
         [("Knives Out", "Rian Johnson", "directed_by")]),
        ("SELECT name, works FROM genres", [("crime", 1)]),
        ("SELECT name, works FROM countries", [("United States", 1)]),
        (
            "SELECT old_id, event, entity_id FROM redirects ORDER BY old_id",
            [("film-2", "split", "film-1"), ("film-gone", "retired", None),
             ("film-mid", "merged", "film-1"), ("film-old", "merged", "film-1")],
        ),
    ],
)  # fmt: skip
def test_the_graph_reads_well_by_hand(
    built: Settings, sql: str, expected: list[tuple[Any, ...]]
) -> None:
    assert query(built, sql) == expected


def test_evidence_leads_to_the_place_of_the_blob(built: Settings) -> None:
    found = query(
        built,
        "SELECT DISTINCT source, source_id, delivery, file, position, length(sha256) "
        "FROM facts_with_evidence WHERE subject = 'Knives Out' AND fact = 'name'",
    )
    assert found == [("a", "1", "first", "a.jsonl", 1, 64)]


def test_a_lost_file_is_made_again_and_a_damaged_one_replaced(tmp_path: Path) -> None:
    settings = fill(tmp_path, knives_out(), ENTITIES)
    run(settings)
    settings.published.unlink()
    assert run(settings)["knowledge_graph"]["file_made"] is True
    settings.published.write_bytes(b"this is no database")
    assert run(settings)["knowledge_graph"]["file_made"] is True
    assert query(settings, "SELECT count(*) FROM films") == [(2,)]


def test_a_reader_keeps_the_graph_that_it_opened(tmp_path: Path) -> None:
    settings = fill(tmp_path, knives_out(), ENTITIES)
    run(settings)
    # A second name of the same file, since one process cannot open one path in two ways.
    opened = tmp_path / "opened.duckdb"
    opened.hardlink_to(settings.published)
    with closing(open_published(opened)) as con:
        fill(tmp_path, [record("film", "a:1", "Other")], {"film-1": ["a:1"]})
        run(settings)
        assert con.sql("SELECT title FROM films ORDER BY ALL").fetchall() == [
            ("Glass Onion",),
            ("Knives Out",),
        ]
    assert ("Other",) in query(settings, "SELECT title FROM films")


def test_a_build_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    settings = fill(tmp_path, knives_out(), ENTITIES)
    run(settings)
    before = settings.published.read_bytes()
    broken = View("broken", "A view of a table that is not there.", "SELECT * FROM nowhere")
    table = PublishedTable(
        name="nodes",
        description="Nodes.",
        schema=NODES.schema,
        order=("node_id",),
        rows=duckdb.connect(config={"threads": 1}).from_arrow(NODES.schema.empty_table()),
        sha256="0",
    )
    database = DuckDBResource(database=str(settings.published))
    with pytest.raises(duckdb.CatalogException):
        publish(database, settings.published, [table], [broken])
    assert settings.published.read_bytes() == before
    assert [path.name for path in settings.published.parent.iterdir()] == ["kg.duckdb"]


def test_the_connection_is_closed_when_its_body_fails(tmp_path: Path) -> None:
    path = tmp_path / "some.duckdb"
    database = DuckDBResource(database=str(path))
    kept: list[duckdb.DuckDBPyConnection] = []

    def break_off() -> None:
        with connection(database, path) as con:
            kept.append(con)
            raise RuntimeError("in the body")

    with pytest.raises(RuntimeError, match="in the body"):
        break_off()
    with pytest.raises(duckdb.ConnectionException):
        kept[0].execute("SELECT 1")


def test_without_a_file_the_message_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(NotPublishedError, match="kg build"):
        open_published(tmp_path / "kg.duckdb")


def test_a_lake_without_records_gives_an_empty_graph(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, threads=1)
    run(settings)
    con = duckdb.connect(config={"threads": 1})
    for table in (NODES, EDGES, EVIDENCE):
        assert Lake(settings).relation(con, table).fetchall() == []
    assert query(settings, "SELECT count(*) FROM films") == [(0,)]
