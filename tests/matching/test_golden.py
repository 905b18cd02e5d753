"""Golden records: each attribute by its rule, each claim with the record that states it."""

import datetime

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg_assets.matching.golden import RULES, claims, golden_records
from kg_assets.matching.tables import entity_members, resolved_entities
from kg_assets.sources.record import RECORD_SCHEMA
from kg_assets.sources.tables import DELIVERIES

RANKS = {"gold": 1, "silver": 2, "bronze": 3}
ENTITIES = resolved_entities("film").schema
RECORDS = pa.schema([*RECORD_SCHEMA, pa.field("delivery", pa.string(), nullable=False)])
DELIVERED = [
    {"source": source, "delivery": name, "sequence": place, "mode": "partial", "files": 1,
     "blobs": 1, "bytes": 1, "fingerprint": ""}
    for source in ("gold", "silver", "bronze", "other")
    # By name the second would come before the first.
    for place, name in enumerate(("first", "again", "last"))
]  # fmt: skip


def session(records):
    """A connection with the views of records, each (entity, source, source_id, values)."""
    con = duckdb.connect(config={"threads": 1, "preserve_insertion_order": False})
    rows = [
        {"entity_type": "film", "source": source, "source_id": source_id, "name": "N"}
        | {"delivery": "first"}
        | values
        for _, source, source_id, values in records
    ]
    members = [
        {"entity_id": entity, "entity_type": "film", "source": source, "source_id": source_id}
        for entity, source, source_id, _ in records
    ]
    con.register("records", pa.Table.from_pylist(rows, schema=RECORDS))
    con.register("deliveries", pa.Table.from_pylist(DELIVERED, schema=DELIVERIES.schema))
    con.register("members", pa.Table.from_pylist(members, schema=entity_members("film").schema))
    return con


def golden(*records):
    con = session([("e", *record) for record in records])
    (row,) = chosen_of(con)
    return row


def chosen_of(con):
    found = golden_records(con, "records", "members", RANKS, con.table("deliveries"))
    return found.to_arrow_table().to_pylist()


def test_rating_and_votes_are_of_one_source():
    row = golden(
        ("silver", "1", {"rating": 9.0, "votes": 3}),
        ("gold", "1", {"rating": 7.9, "votes": 28000}),
        ("silver", "2", {"rating": 9.0, "votes": 3}),
    )
    assert (row["rating"], row["votes"]) == (7.9, 28000)


@pytest.mark.parametrize(
    ("attribute", "stated", "chosen"),
    [
        pytest.param(
            "name",
            {"silver": "Solaris", "gold": "Solyaris"},
            "Solyaris",
            id="name: the best source",
        ),
        pytest.param(
            "name",
            {"other": "Solaris", "bronze": "Solyaris"},
            "Solyaris",
            id="name: a source without rank comes last",
        ),
        pytest.param(
            "year",
            {"gold": 1971, "silver": 1972, "bronze": 1972},
            1972,
            id="year: agreement before rank",
        ),
        pytest.param("year", {"gold": 1971, "silver": 1972}, 1971, id="year: then rank"),
        pytest.param(
            "date",
            {"gold": None, "silver": datetime.date(1972, 3, 20)},
            datetime.date(1972, 3, 20),
            id="date: who states it",
        ),
        pytest.param(
            "runtime_minutes",
            {"gold": 167.0, "silver": 165.5, "bronze": 165.5},
            167.0,
            id="runtime: rank before agreement",
        ),
        pytest.param(
            "description",
            {"gold": "Short.", "bronze": "A longer one."},
            "A longer one.",
            id="description: the longest",
        ),
        pytest.param(
            "url",
            {"silver": "https://s.example", "gold": "https://g.example"},
            "https://g.example",
            id="url: the best source",
        ),
        pytest.param(
            "genres",
            {"gold": ["drama"], "silver": ["science fiction", "drama"]},
            ["drama", "science fiction"],
            id="genres: all, once, sorted",
        ),
        pytest.param(
            "countries", {"gold": None, "silver": None}, [], id="countries: none stated, none held"
        ),
        pytest.param("season", {"gold": 0, "silver": None}, 0, id="season: zero is a value"),
        pytest.param("birth_year", {"gold": None}, None, id="birth year: nobody says"),
    ],
)
def test_an_attribute_is_chosen_by_its_rule(attribute, stated, chosen):
    row = golden(*((source, "1", {attribute: value}) for source, value in stated.items()))
    assert row[attribute] == chosen


def test_one_source_with_many_records_does_not_outvote_two_sources():
    row = golden(
        *(("bronze", str(i), {"year": 1999}) for i in range(5)),
        ("gold", "1", {"year": 2000}),
        ("silver", "1", {"year": 2000}),
    )
    assert row["year"] == 2000


@pytest.mark.parametrize(
    ("names", "chosen"),
    [(("Her", "Her", "Her!"), "Her"), (("Her", "Her (2013)"), "Her (2013)"), (("B", "A"), "A")],
    ids=["agreement", "then length", "then order"],
)
def test_names_of_the_best_source_that_differ(names, chosen):
    row = golden(*(("gold", str(i), {"name": name}) for i, name in enumerate(names)))
    assert row["name"] == chosen


@pytest.mark.parametrize(
    ("attribute", "stated", "chosen"),
    [
        pytest.param(
            "end_year",
            [("gold", "first", 2001), ("gold", "again", 2003)],
            2003,
            id="what a source said last, by sequence and not by name",
        ),
        pytest.param(
            "death_year",
            [("gold", "first", 1999), ("silver", "first", 1999), ("silver", "last", 2000),
             ("gold", "again", 2000)],
            2000,
            id="what sources have replaced does not agree",
        ),
        pytest.param(
            "end_year",
            [("gold", "first", 2001), ("gold", "last", None)],
            2001,
            id="a newer delivery that says nothing replaces nothing",
        ),
        pytest.param(
            "end_year",
            [("gold", "first", 2001), ("silver", "last", 2003), ("bronze", "first", 2001)],
            2001,
            id="a later delivery of another source is no newer",
        ),
        pytest.param(
            "year",
            [("gold", "first", 2001), ("gold", "first", 2001), ("gold", "last", 2002)],
            2001,
            id="of what is fixed agreement comes first",
        ),
        pytest.param(
            "year",
            [("gold", "first", 2001), ("gold", "last", 2002)],
            2002,
            id="then the correction",
        ),
        pytest.param(
            "url",
            [("gold", "first", "a"), ("gold", "first", "a"), ("gold", "again", "b")],
            "b",
            id="of a page that moved the newest address",
        ),
        pytest.param(
            "name",
            [("gold", "first", "A long name"), ("gold", "last", "Name")],
            "Name",
            id="name: the newest before the longest",
        ),
    ],
)  # fmt: skip
def test_recency_is_the_newest_delivery_of_a_source_that_states_it(attribute, stated, chosen):
    row = golden(
        *(
            (source, str(place), {"delivery": delivery, attribute: value})
            for place, (source, delivery, value) in enumerate(stated)
        )
    )
    assert row[attribute] == chosen


def test_completeness_is_the_record_that_fills_more_attributes():
    stub, full = {"year": 2001}, {"year": 2002, "genres": ["war"], "runtime_minutes": 90.0}
    assert golden(("gold", "1", stub), ("gold", "2", full))["year"] == 2002
    empty = {"year": 2002, "genres": [], "countries": None}
    assert golden(("gold", "1", stub), ("gold", "2", empty))["year"] == 2001


def test_of_texts_the_longer_is_the_more_complete():
    long, full = {"description": "Longer."}, {"description": "Short", "year": 1, "url": "u"}
    assert golden(("gold", "1", long), ("gold", "2", full))["description"] == "Longer."


def test_alternate_names_are_all_other_names_once():
    row = golden(
        ("gold", "1", {"name": "Mirror", "alternate_names": ["Zerkalo", "The Mirror", ""]}),
        ("silver", "1", {"name": "Zerkalo", "alternate_names": ["Mirror", None, "Der Spiegel"]}),
        ("bronze", "1", {"name": "Spegeln", "alternate_names": None}),
    )
    assert row["name"] == "Mirror"
    assert row["alternate_names"] == ["Der Spiegel", "Spegeln", "The Mirror", "Zerkalo"]


def test_an_entity_counts_its_records_and_names_its_sources_once():
    row = golden(("silver", "2", {}), ("silver", "1", {}), ("gold", "1", {}))
    assert (row["records"], row["sources"]) == (3, ["gold", "silver"])


def test_the_columns_are_those_of_the_table():
    con = session([("e", "gold", "1", {})])
    relation = golden_records(con, "records", "members", RANKS, con.table("deliveries"))
    assert relation.columns == ENTITIES.names
    assert relation.to_arrow_table().cast(ENTITIES).num_rows == 1


def test_there_is_a_rule_for_every_attribute():
    of_the_entity = {"entity_id", "entity_type", "records", "sources"}
    assert [rule.attribute for rule in RULES] == [
        name for name in ENTITIES.names if name not in of_the_entity
    ]


def test_every_claim_names_the_record_that_states_it():
    con = session(
        [
            ("e", "gold", "1", {"name": "Ran", "year": 1985, "genres": ["war", "war"]}),
            ("e", "silver", "7", {"name": "Chaos", "year": 1984}),
        ]
    )
    found = claims(con, "records", "members", RANKS, con.table("deliveries")).fetchall()
    assert sorted(found) == [
        ("e", "alternate_names", "Chaos", "silver", "7", True),
        ("e", "genres", "war", "gold", "1", True),
        ("e", "name", "Chaos", "silver", "7", False),
        ("e", "name", "Ran", "gold", "1", True),
        ("e", "year", "1984", "silver", "7", False),
        ("e", "year", "1985", "gold", "1", True),
    ]


TEXTS = st.sampled_from(["", "A", "a", "Aa", "Б", "é"])
VALUES = st.fixed_dictionaries(
    {
        "name": TEXTS.filter(bool),
        "alternate_names": st.none() | st.lists(TEXTS, max_size=3),
        "year": st.none() | st.integers(1990, 1992),
        "runtime_minutes": st.none() | st.sampled_from([90.0, 90.1]),
        "description": st.none() | TEXTS,
        "genres": st.none() | st.lists(st.sampled_from(["drama", "war"]), max_size=3),
        "end_year": st.none() | st.integers(1990, 1992),
        "delivery": st.sampled_from(["first", "again", "last"]),
    }
)
ROWS = st.dictionaries(
    st.tuples(st.sampled_from(["gold", "silver", "other"]), st.sampled_from("123")),
    st.tuples(st.sampled_from(["e1", "e2"]), VALUES),
    min_size=1,
)


@settings(max_examples=50, deadline=None)
@given(ROWS, st.randoms(use_true_random=False))
def test_the_golden_record_is_the_chosen_claims_in_any_order_of_rows(rows, random):
    records = [(entity, *key, values) for key, (entity, values) in rows.items()]
    con = session(records)
    found = {row["entity_id"]: row for row in chosen_of(con)}
    chosen = {}
    for entity, attribute, value, _, _, is_chosen in claims(
        con, "records", "members", RANKS, con.table("deliveries")
    ).fetchall():
        if is_chosen:
            chosen.setdefault((entity, attribute), set()).add(value)
    for entity, row in found.items():
        for rule in RULES:
            value = row[rule.attribute]
            stated = chosen.get((entity, rule.attribute), set())
            if rule.choice == "all":
                assert value == sorted(stated)
            else:
                assert stated == (set() if value is None else {str(value)})
    random.shuffle(records)
    assert {row["entity_id"]: row for row in chosen_of(session(records))} == found
