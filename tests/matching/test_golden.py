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

RANKS = {"gold": 1, "silver": 2, "bronze": 3}
ENTITIES = resolved_entities("film").schema


def session(records):
    """A connection with the views of records, each (entity, source, source_id, values)."""
    con = duckdb.connect(config={"threads": 1, "preserve_insertion_order": False})
    rows = [
        {"entity_type": "film", "source": source, "source_id": source_id, "name": "N"} | values
        for _, source, source_id, values in records
    ]
    members = [
        {"entity_id": entity, "entity_type": "film", "source": source, "source_id": source_id}
        for entity, source, source_id, _ in records
    ]
    con.register("records", pa.Table.from_pylist(rows, schema=RECORD_SCHEMA))
    con.register("members", pa.Table.from_pylist(members, schema=entity_members("film").schema))
    return con


def golden(*records):
    con = session([("e", *record) for record in records])
    (row,) = golden_records(con, "records", "members", RANKS).to_arrow_table().to_pylist()
    return row


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
    relation = golden_records(con, "records", "members", RANKS)
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
    found = claims(con, "records", "members", RANKS).fetchall()
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
    found = {
        row["entity_id"]: row
        for row in golden_records(con, "records", "members", RANKS).to_arrow_table().to_pylist()
    }
    chosen = {}
    for entity, attribute, value, _, _, is_chosen in claims(
        con, "records", "members", RANKS
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
    again = golden_records(session(records), "records", "members", RANKS).to_arrow_table()
    assert {row["entity_id"]: row for row in again.to_pylist()} == found
