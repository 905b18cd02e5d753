"""What becomes a node, what becomes an edge, and what is refused with its reason."""

from __future__ import annotations

import duckdb
import pytest

from kg_assets.graph import edges, evidence, nodes
from kg_assets.graph.checks import PROMISES
from ontology.schema import load_ontology
from tests.graph.small_graph import connection, credit, inferred, record


def build(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Build the graph on the connection, step by step, as tables."""
    for name, function in (
        ("nodes", nodes.nodes),
        ("facts", edges.facts),
        ("edge_evidence", evidence.edge_evidence),
        ("node_evidence", evidence.node_evidence),
        ("edges", edges.edges),
        ("edge_problems", edges.problems),
    ):
        con.register("computed", function(con).to_arrow_table())
        con.table("computed").create(name)
        if name == "facts":
            edges.refuse_contradicted(con, load_ontology())
    con.execute("CREATE VIEW evidence AS FROM node_evidence UNION ALL BY NAME FROM edge_evidence")
    return con


def relations(con: duckdb.DuckDBPyConnection) -> set[tuple[str, str, str]]:
    return set(con.sql("SELECT subject_id, relation, object_id FROM edges").fetchall())


def reasons(con: duckdb.DuckDBPyConnection) -> list[str]:
    rows = con.sql("SELECT reason FROM edge_problems ORDER BY reason").fetchall()
    return [row[0] for row in rows]


def test_credits_point_the_way_the_ontology_says() -> None:
    con = build(
        connection(
            [
                record(
                    "film",
                    "a:1",
                    "Knives Out",
                    credits=[
                        credit("director", "1#rj", "Rian Johnson"),
                        credit("actor", "1#dc", "Daniel Craig", character="Blanc", position=2),
                    ],
                ),
                record("person", "a:1#rj", "Rian Johnson"),
                record("person", "a:1#dc", "Daniel Craig"),
            ],
            {"film": ["a:1"], "johnson": ["a:1#rj"], "craig": ["a:1#dc"]},
        )
    )
    assert relations(con) == {
        ("film", "directed_by", "johnson"),
        ("craig", "performed_in", "film"),
    }
    part = con.sql(
        "SELECT characters, position, kind FROM edges WHERE relation = 'performed_in'"
    ).fetchall()
    assert part == [(["Blanc"], 2, "stated")]


def test_two_records_that_say_the_same_are_one_edge_with_two_rows_of_evidence() -> None:
    con = build(
        connection(
            [
                record("film", "a:1", "Her", credits=[credit("director", "p", "Spike Jonze")]),
                record("film", "b:9", "Her", credits=[credit("director", "q", "Jonze, Spike")]),
                record("person", "a:p", "Spike Jonze"),
                record("person", "b:q", "Jonze, Spike"),
            ],
            {"film": ["a:1", "b:9"], "jonze": ["a:p", "b:q"]},
        )
    )
    assert con.sql("SELECT relation, evidence FROM edges").fetchall() == [("directed_by", 2)]
    told = con.sql(
        "SELECT source, value, sha256 IS NOT NULL FROM edge_evidence ORDER BY source"
    ).fetchall()
    assert told == [("a", "Spike Jonze", True), ("b", "Jonze, Spike", True)]


def test_evidence_that_is_grouped_in_parts_is_that_of_all_subjects_at_once() -> None:
    con = build(
        connection(
            [
                record("film", "a:1", "Her", year=2013, genres=["drama", "romance"],
                       credits=[credit("director", "p", "Spike Jonze")]),
                record("film", "b:9", "Her", year=2013),
                record("person", "a:p", "Spike Jonze"),
            ],
            {"film": ["a:1", "b:9"], "jonze": ["a:p"]},
        )
    )  # fmt: skip
    for name, function in (
        ("node_evidence", evidence.node_evidence),
        ("edge_evidence", evidence.edge_evidence),
    ):
        whole = sorted(map(repr, con.table(name).fetchall()))
        parts = [row for part in range(3) for row in function(con, part, 3).fetchall()]
        assert sorted(map(repr, parts)) == whole
        assert len(whole) > 1


def test_spellings_of_a_genre_are_one_node() -> None:
    con = build(
        connection(
            [
                record("film", "a:1", "Alien", genres=["science fiction"]),
                record("film", "a:2", "Solaris", genres=["Science-Fiction", "drama"]),
                record("film", "a:3", "Moon", genres=["science fiction"]),
            ],
            {"alien": ["a:1"], "solaris": ["a:2"], "moon": ["a:3"]},
        )
    )
    found = con.sql(
        "SELECT node_id, name, records FROM nodes WHERE node_type = 'genre' ORDER BY ALL"
    ).fetchall()
    assert found == [
        ("genre:drama", "drama", 1),
        ("genre:science-fiction", "science fiction", 3),
    ]


@pytest.mark.parametrize(
    ("given", "node_id", "name"),
    [
        ("FR", "country:FR", "France"),
        ("fr", "country:FR", "France"),
        ("SU", "country:SU", "Soviet Union"),
        ("DD", "country:DD", "East Germany"),
        ("CS", "country:CS", "Czechoslovakia"),
        ("XX", "country:XX", "XX"),
        ("kingdom of nowhere", "country:kingdom-of-nowhere", "kingdom of nowhere"),
    ],
)
def test_countries_have_their_names_gone_ones_too(given: str, node_id: str, name: str) -> None:
    con = build(connection([record("film", "a:1", "It", countries=[given])], {"it": ["a:1"]}))
    assert con.sql("SELECT node_id, name FROM nodes WHERE node_type = 'country'").fetchall() == [
        (node_id, name)
    ]
    assert relations(con) == {("it", "country_of_origin", node_id)}


def test_an_episode_leads_to_its_series_by_the_id_in_its_own_source() -> None:
    con = build(
        connection(
            [
                record("series", "a:5", "The Wire"),
                record("series", "b:5", "Another series with the same id"),
                record("episode", "a:e", "The Target", parent_id="5"),
            ],
            {"wire": ["a:5"], "other": ["b:5"], "target": ["a:e"]},
        )
    )
    assert relations(con) == {("target", "episode_of", "wire")}


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        (["the wire"], {("target", "episode_of", "series0")}),
        (["The Wire", "THE WIRE"], set()),
        (["The Wire Tapes"], set()),
    ],
    ids=["one of that name", "two of that name", "none of that name"],
)
def test_a_parent_known_by_name_only_is_the_one_entity_of_that_name(
    series: list[str], expected: set[tuple[str, str, str]]
) -> None:
    con = build(
        connection(
            [
                *(record("series", f"b:{n}", name) for n, name in enumerate(series)),
                record("episode", "a:e", "The Target", parent_name="The Wire"),
            ],
            {"target": ["a:e"]} | {f"series{n}": [f"b:{n}"] for n in range(len(series))},
        )
    )
    assert relations(con) == expected
    refused = [] if expected else ["no single entity has the name of the parent"]
    assert reasons(con) == refused


def test_an_inferred_relation_keeps_its_quote() -> None:
    quote = "It is a sequel to Knives Out."
    con = build(
        connection(
            [
                record("film", "a:1", "Knives Out"),
                record("film", "a:2", "Glass Onion", description=quote),
            ],
            {"first": ["a:1"], "second": ["a:2"]},
            [inferred("sequel_of", "second", "first", quote)],
        )
    )
    assert relations(con) == {("second", "sequel_of", "first")}
    assert con.sql("SELECT kind, confidence FROM edges").fetchall() == [("inferred", 0.9)]
    found = con.sql("SELECT kind, quote, start, source, source_id FROM edge_evidence").fetchall()
    assert found == [("quote", quote, 0, "a", "2")]


def test_the_inverse_of_a_relation_is_the_same_edge() -> None:
    con = build(
        connection(
            [record("film", "a:1", "Knives Out"), record("film", "a:2", "Glass Onion")],
            {"first": ["a:1"], "second": ["a:2"]},
            [
                inferred("sequel_of", "second", "first", "x"),
                inferred("has_sequel", "first", "second", "y"),
            ],
        )
    )
    assert con.sql("SELECT subject_id, relation, object_id, evidence FROM edges").fetchall() == [
        ("second", "sequel_of", "first", 2)
    ]


def test_what_a_record_states_and_a_text_says_too_is_stated_and_certain() -> None:
    con = build(
        connection(
            [
                record("franchise", "a:f", "Knives Out"),
                record("film", "a:1", "Glass Onion", parent_id="f"),
            ],
            {"franchise": ["a:f"], "film": ["a:1"]},
            [inferred("part_of_franchise", "film", "franchise", "x")],
        )
    )
    assert con.sql("SELECT kind, confidence, evidence FROM edges").fetchall() == [
        ("stated", 1.0, 2)
    ]


@pytest.mark.parametrize(
    ("fact", "reason"),
    [
        (
            inferred("directed_by", "film", "other", "x"),
            "range: the object is of type film",
        ),
        (
            inferred("episode_of", "film", "series", "x"),
            "domain: the subject is of type film",
        ),
        (inferred("sequel_of", "film", "film", "x"), "the subject is the object"),
        (inferred("sequel_of", "film", "gone", "x"), "the object is not a node"),
        (inferred("sequel_of", "gone", "film", "x"), "the subject is not a node"),
        (inferred("admires", "film", "other", "x"), "the ontology has no such relation"),
        (
            inferred("sequel_of", "film", None, "x"),
            "the object is a proposal, not an entity",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_the_ontology_does_not_allow_is_a_problem_and_no_edge(
    fact: dict[str, object], reason: str
) -> None:
    con = build(
        connection(
            [
                record("film", "a:1", "One"),
                record("film", "a:2", "Two"),
                record("series", "a:3", "Three"),
            ],
            {"film": ["a:1"], "other": ["a:2"], "series": ["a:3"]},
            [fact],
        )
    )
    assert relations(con) == set()
    assert reasons(con) == [reason]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (credit("gaffer", "p", "Ann"), "the ontology has no relation for this role"),
        (credit("director", "unknown", "Ann"), "the person record belongs to no entity"),
        ({"name": "Ann", "role": "director"}, "the credit names no person record"),
    ],
    ids=["role", "person", "no person"],
)
def test_a_credit_that_cannot_be_an_edge_is_counted_and_not_lost(
    given: dict[str, object], reason: str
) -> None:
    con = build(
        connection(
            [record("film", "a:1", "One", credits=[given]), record("person", "a:p", "Ann")],
            {"film": ["a:1"], "ann": ["a:p"]},
        )
    )
    assert relations(con) == set()
    assert reasons(con) == [reason]
    assert con.sql("SELECT source, source_id FROM edge_problems").fetchall() == [("a", "1")]


def test_the_claim_that_a_node_shows_is_chosen_and_the_others_are_kept() -> None:
    con = build(
        connection(
            [
                record("film", "a:1", "Ran", runtime_minutes=162.0),
                record("film", "b:1", "Ran", runtime_minutes=160.0),
            ],
            {"ran": ["a:1", "b:1"]},
        )
    )
    found = con.sql(
        """
        SELECT source, value, chosen FROM evidence
        WHERE attribute = 'runtime_minutes' ORDER BY source
        """
    ).fetchall()
    assert found == [("a", "162.0", True), ("b", "160.0", False)]


@pytest.mark.parametrize("promise", PROMISES)
def test_a_built_graph_keeps_its_promises(promise: str) -> None:
    con = build(
        connection(
            [
                record("film", "a:1", "Her", year=2013, genres=["drama"], countries=["US"]),
                record("film", "a:2", "Up", year=2009),
            ],
            {"her": ["a:1"], "up": ["a:2"]},
            [inferred("sequel_of", "up", "her", "x")],
        )
    )
    offenders, _ = PROMISES[promise]
    assert offenders(con).fetchall() == []


@pytest.mark.parametrize(
    ("promise", "damage", "offender"),
    [
        ("unique_ids", "INSERT INTO nodes SELECT * FROM nodes WHERE node_id = 'up'", "up"),
        ("no_dangling_edge", "DELETE FROM nodes WHERE node_id = 'up'", "up"),
        (
            "domain_and_range",
            "UPDATE nodes SET node_type = 'person' WHERE node_id = 'up'",
            "person",
        ),
        ("everything_has_evidence", "DELETE FROM edge_evidence", "sequel_of"),
        (
            "everything_has_evidence",
            "DELETE FROM node_evidence WHERE attribute = 'year' AND subject_id = 'up'",
            "year",
        ),
        (
            "everything_has_evidence",
            "UPDATE edge_evidence SET quote = NULL, sha256 = NULL",
            "sequel_of",
        ),
    ],
)
def test_each_promise_is_seen_to_be_broken(promise: str, damage: str, offender: str) -> None:
    con = build(
        connection(
            [record("film", "a:1", "Her", year=2013), record("film", "a:2", "Up", year=2009)],
            {"her": ["a:1"], "up": ["a:2"]},
            [inferred("sequel_of", "up", "her", "x")],
        )
    )
    con.execute(damage)
    offenders, _ = PROMISES[promise]
    found = offenders(con).fetchall()
    assert found
    assert all(offender in row for row in found)


def test_no_path_over_types_and_relations_leads_a_work_back_to_itself() -> None:
    told = [
        inferred("sequel_of", "film", "series", "It continues the series.") | {"confidence": 0.8},
        inferred("based_on", "series", "book", "It is based on the book."),
        inferred("based_on", "book", "film", "A novel of the film.") | {"confidence": 0.9},
    ]
    records = [
        record("film", "a:1", "Rounds: The Film", description="It continues the series."),
        record("series", "a:2", "Rounds", description="It is based on the book."),
        record("book", "a:3", "Rounds", description="A novel of the film."),
    ]
    members = {"film": ["a:1"], "series": ["a:2"], "book": ["a:3"]}
    con = build(connection(records, members, told))
    assert relations(con) == {("series", "based_on", "book"), ("book", "based_on", "film")}
    [reason] = reasons(con)
    assert reason.startswith("cycle: its object leads back to its subject (series -> book -> film)")


def test_an_inferred_fact_gives_way_to_what_a_record_states_and_that_stays() -> None:
    records = [
        record("series", "a:1", "Rounds"),
        record("series", "a:2", "Squares"),
        record("episode", "a:3", "Pilot", parent_id="1", description="The pilot of Squares."),
        record("episode", "b:3", "Pilot", parent_id="2"),
    ]
    members = {"rounds": ["a:1"], "squares": ["a:2"], "pilot": ["a:3"]}
    told = [inferred("episode_of", "pilot", "squares", "The pilot of Squares.")]
    con = build(connection(records, members, told))
    assert relations(con) == {("pilot", "episode_of", "rounds")}
    assert [reason for reason in reasons(con) if reason.startswith("cardinality: episode_of")]
