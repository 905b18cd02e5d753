"""Which entities have their texts read, and why the others do not."""

import duckdb
import pytest

from kg_assets.cli.configured import settings as checked
from kg_assets.inference import policy as policies
from kg_assets.inference.decision_tables import inference_decisions
from kg_assets.inference.policy import POLICIES, Policy, decide, policy_of
from resources.settings import Settings

ENTITIES = [("film-a", 1999, 900), ("film-b", 2010, 20), ("film-c", None, None)]
MEMBERS = [("film-a", "x"), ("film-b", "x"), ("film-b", "y"), ("film-c", "x"), ("film-c", "x")]
DOCUMENTS = [("film-a", 40), ("film-b", 30), ("film-c", 90)]


def decisions(policy, documents=DOCUMENTS, stated=(), degrees=()):
    con = duckdb.connect(config={"threads": 1})
    for name, columns, rows in (
        (
            "entities",
            "entity_id VARCHAR, year INTEGER, votes BIGINT, name VARCHAR DEFAULT 'A'",
            ENTITIES,
        ),
        ("members", "entity_id VARCHAR, source VARCHAR", MEMBERS),
        ("documents", "entity_id VARCHAR, characters BIGINT", documents),
        ("stated", "entity_id VARCHAR, relation VARCHAR", stated),
        ("degrees", "entity_id VARCHAR, degree BIGINT", degrees),
    ):
        con.execute(f"CREATE TABLE {name} ({columns})")
        if rows:
            names = ", ".join(part.split()[0] for part in columns.split(", ")[: len(rows[0])])
            places = ", ".join("?" * len(rows[0]))
            con.executemany(f"INSERT INTO {name} ({names}) VALUES ({places})", list(rows))  # noqa: S608
    rows = decide(con, policy).to_arrow_table().cast(inference_decisions("film").schema)
    return {row["entity_id"].removeprefix("film-"): row for row in rows.to_pylist()}


def read(*, degrees=(), **worth):
    found = decisions(Policy(("based_on",), **worth), degrees=degrees)
    return "".join(sorted(key for key, row in found.items() if row["decision"] == "eligible"))


def reasons(*given):
    return {key: row["reason"] for key, row in decisions(*given).items()}


@pytest.mark.parametrize(
    ("worth", "expected"),
    [
        ({}, "abc"),
        ({"off": True}, ""),
        ({"sources_from": 2}, "b"),
        ({"records_from": 2}, "bc"),
        ({"year_from": 1999}, "ab"),
        ({"year_from": 2000}, "b"),
        ({"votes_from": 21}, "a"),
        ({"votes_from": 20}, "ab"),
        ({"votes_from": 0}, "ab"),
        ({"shortest_text": 40}, "ac"),
        # By sources, then by records, then by the length of the text.
        ({"most": 0}, ""),
        ({"most": 1}, "b"),
        ({"most": 2}, "bc"),
        ({"degree_from": 3, "degrees": [("film-a", 3), ("film-b", 2)]}, "a"),
        # Of those of as many records, those with most relations.
        ({"most": 2, "degrees": [("film-a", 3)]}, "bc"),
        ({"most": 1, "sources_from": 1, "degrees": [("film-c", 9)]}, "b"),
        # What is not worth it takes no one's place.
        ({"most": 1, "shortest_text": 31}, "c"),
    ],
)
def test_a_policy_says_which_entities_are_read(worth, expected):
    assert read(**worth) == expected


def test_each_that_is_not_read_has_its_reason():
    policy = Policy(("based_on",), year_from=2000)
    said = reasons(policy, [("film-a", 40), ("film-b", 3)], [("film-b", "based_on")])
    assert said == {"a": policies.TOO_OLD, "b": policies.SHORT_TEXT, "c": policies.NO_TEXT}
    said = reasons(policy, DOCUMENTS, [("film-b", "based_on")])
    assert said["b"] == policies.NOTHING_MISSING


def test_a_decision_holds_what_it_goes_by():
    policy = Policy(("based_on", "sequel_of"), most=1)
    found = decisions(policy, stated=[("film-b", "based_on")], degrees=[("film-c", 4)])
    assert found["b"] == {
        "entity_id": "film-b",
        "name": "A",
        "decision": "eligible",
        "reason": policies.MISSING,
        "missing": ["sequel_of"],
        "texts": 1,
        "characters": 30,
        "records": 2,
        "sources": 2,
        "degree": 0,
        "year": 2010,
        "votes": 20,
        "place": 1,
    }
    assert [(found[key]["reason"], found[key]["place"]) for key in "ca"] == [
        (policies.BEYOND, 2),
        (policies.BEYOND, 3),
    ]


def test_what_is_configured_lies_over_what_is_declared(monkeypatch):
    monkeypatch.setenv("KG_POLICIES", '{"film": {"year_from": 1990}, "book": "off"}')
    settings = Settings()
    film = policy_of(settings, "film")
    assert (film.year_from, film.relations) == (1990, POLICIES["film"].relations)
    assert policy_of(settings, "book").off
    assert policy_of(settings, "series") == POLICIES["series"]
    assert film.version != POLICIES["film"].version


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ('{"person": "off"}', "nothing is inferred of 'person'"),
        ('{"film": {"relations": ["eats"]}}', "film has no relation 'eats'"),
        ('{"film": {"votes": 3}}', "KG_POLICIES, film.votes: Extra inputs"),
        ("film", 'write for example {"film": "off"}'),
    ],
)
def test_a_policy_that_cannot_be_is_refused(monkeypatch, capsys, value, complaint):
    monkeypatch.setenv("KG_POLICIES", value)
    with pytest.raises(SystemExit):
        checked()
    assert complaint in capsys.readouterr().err
