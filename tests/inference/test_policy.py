"""Which entities have their texts read, and why the others do not."""

import duckdb
import pytest

from kg_assets.cli.configured import settings as checked
from kg_assets.inference import policy as policies
from kg_assets.inference.policy import POLICIES, Policy, decide, policy_of
from resources.settings import Settings

ENTITIES = [("film-a", 1999, 900), ("film-b", 2010, 20), ("film-c", None, None)]
MEMBERS = [("film-a", "x"), ("film-b", "x"), ("film-b", "y"), ("film-c", "x"), ("film-c", "x")]
DOCUMENTS = [("film-a", 40), ("film-b", 30), ("film-c", 90)]


def decisions(policy, documents=DOCUMENTS, stated=()):
    con = duckdb.connect(config={"threads": 1})
    for name, columns, rows in (
        ("entities", "entity_id VARCHAR, year INTEGER, votes BIGINT", ENTITIES),
        ("members", "entity_id VARCHAR, source VARCHAR", MEMBERS),
        ("documents", "entity_id VARCHAR, characters BIGINT", documents),
        ("stated", "entity_id VARCHAR, relation VARCHAR", stated),
    ):
        con.execute(f"CREATE TABLE {name} ({columns})")
        if rows:
            places = ", ".join("?" * len(rows[0]))
            con.executemany(f"INSERT INTO {name} VALUES ({places})", list(rows))  # noqa: S608
    return {key.removeprefix("film-"): said for key, said in decide(con, policy).fetchall()}


def read(**worth):
    found = decisions(Policy(("based_on",), **worth))
    return "".join(sorted(key for key, said in found.items() if said == policies.ELIGIBLE))


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
        # What is not worth it takes no one's place.
        ({"most": 1, "shortest_text": 31}, "c"),
    ],
)
def test_a_policy_says_which_entities_are_read(worth, expected):
    assert read(**worth) == expected


def test_each_that_is_not_read_has_its_reason():
    policy = Policy(("based_on",), year_from=2000)
    said = decisions(policy, [("film-a", 40), ("film-b", 3)], [("film-b", "based_on")])
    assert said == {"a": policies.TOO_OLD, "b": policies.SHORT_TEXT, "c": policies.NO_TEXT}
    said = decisions(policy, stated=[("film-b", "based_on")])
    assert said["b"] == policies.NOTHING_MISSING


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
