"""What a person compares of two records: who made a work, and which works tell who a person is."""

import pytest

from kg_assets.cli.explain import print_records, print_weights
from kg_assets.cli.fields import fields_of, with_works
from kg_assets.cli.render import console, print_table
from kg_assets.matching.explain import ComparisonEvidence, Explanation
from kg_assets.matching.tables import resolved_entities
from resources.duck import session
from resources.lake import Lake
from resources.settings import Settings
from tests.graph.small_lake import write


def pair(left, right, *comparisons):
    return Explanation(
        record_l="a:1",
        record_r="b:1",
        left=left,
        right=right,
        comparisons=comparisons,
        prior_weight=-5.0,
        match_weight=2.0,
        match_probability=0.8,
        threshold=0.5,
        threshold_method="declared",
        blocking_rules=(),
        vetoes={},
        edge=True,
    )


def works(*ids, active=None):
    return {"credited_works": list(ids), "first_active": active, "last_active": active}


def test_credits_are_people_by_role():
    credits = [
        {"name": "Bong", "role": "director"},
        {"name": "Kim", "role": "actor"},
        {"name": "Won", "role": "actor"},
        {"name": "Kim", "role": "actor"},
    ]
    found = {name: left for name, left, _ in fields_of(pair({"credits": credits}, {}))}
    assert found == {"director": ["Bong"], "actor": ["Kim", "Won"]}


def test_a_person_is_known_by_works_with_the_common_ones_first(tmp_path):
    lake = Lake(Settings(home=tmp_path, threads=1))
    films = [("f1", "Zorro", 1998), ("f2", "Alien", 1979), ("f3", "Solo", None)]
    rows = [
        {"entity_id": key, "entity_type": "film", "name": name, "year": year, "records": 1,
         "sources": ["a"]}
        for key, name, year in films
    ]  # fmt: skip
    write(lake, resolved_entities("film"), rows)
    compared = ComparisonEvidence(
        "works", "one", 3.0, works("f1", "f2", "x:9", active=1979), works("f1", "f3")
    )
    con = session(threads=1, memory_limit="100MB", scratch=tmp_path / "scratch")
    (found,) = with_works(lake, con, ["film", "series"], [pair({"name": "Ann"}, {}, compared)])
    assert found.left["works"] == ["Zorro (1998)", "Alien (1979)", "x:9"]
    assert found.right["works"] == ["Zorro (1998)", "Solo"]
    assert (found.left["active from"], "active from" in found.right) == (1979, False)


@pytest.mark.parametrize("width", [30, 50, 80, 200])
def test_a_long_name_is_cut_and_no_line_is_wider_than_the_window(width, capsys, monkeypatch):
    monkeypatch.setattr(console, "_width", width)
    level = ComparisonEvidence("a_name_of_some_length", "a level of some length", -7.0, {}, {})
    long = pair({"name": "x" * 1_000_000}, {"name": "y"}, level)
    print_records(long)
    print_weights(long)
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= width
    assert len(shown) < 20_000
    assert "characters)" in shown.replace("\n", "")


def test_the_long_text_of_one_column_breaks_no_word_of_the_others(capsys, monkeypatch):
    monkeypatch.setattr(console, "_width", 80)
    rows = [
        ("country_of_origin", "United States", "country", None, "stated", "stories:onion-2022-11"),
        ("part_of_franchise", "Knives Out", "franchise", 2019, "inferred, 0.99", "It is. " * 30),
    ]
    print_table(["relation", "with", "type", "year", "kind", "because"], rows)
    shown = capsys.readouterr().out.splitlines()
    assert max(map(len, shown)) == 80
    for word in ("country_of_origin", "part_of_franchise", "franchise", "2019", "inferred,"):
        assert any(word in line.replace("│", " ").split() for line in shown)
