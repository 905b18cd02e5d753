"""What a promotion says of entities and relations, and which gates it shuts."""

import json

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg_assets.graph.tables import EDGES
from kg_assets.matching.tables import entity_members, resolved_entities
from kg_assets.promotion.comparison import Comparison, RelationChange, TypeChange, compare
from kg_assets.promotion.gates import refusals
from resources.duck import session
from resources.lake import Lake
from resources.settings import Settings
from resources.team_settings import Gates

FILMS = entity_members("film")
ENTITIES = resolved_entities("film")


def lake(home, namespace, entities, edges=(), votes=None):
    """A namespace with entities, given as records by id, and edges as relation and kind by id."""
    made = Lake(Settings(home=home, namespace=namespace, threads=1))
    rows = [
        {"entity_id": entity, "entity_type": "film", "source": "s", "source_id": key}
        for entity, keys in entities.items()
        for key in keys
    ]
    with made.step("members") as step:
        step.write(
            FILMS, pa.Table.from_pylist(sorted(rows, key=lambda r: r["source_id"]), FILMS.schema)
        )
    golden = [
        {
            "entity_id": entity,
            "entity_type": "film",
            "name": f"Film {entity}",
            "year": 1990 + len(keys),
            "votes": (votes or {}).get(entity),
            "records": len(keys),
            "sources": ["s"],
        }
        for entity, keys in sorted(entities.items())
        if keys
    ]
    with made.step("entities") as step:
        step.write(ENTITIES, pa.Table.from_pylist(golden, ENTITIES.schema))
    defaults = {"subject_id": "a", "object_id": "b", "confidence": 1.0, "evidence": 1}
    told = [
        {"edge_id": key, "relation": name, "kind": kind, **defaults} for key, name, kind in edges
    ]
    with made.step("edges") as step:
        step.write(EDGES, pa.Table.from_pylist(told, EDGES.schema))
    return made


@pytest.fixture
def change(tmp_path):
    """Figures of films between two states."""

    def figures(before, after):
        with session(threads=1, memory_limit="200MB", scratch=tmp_path) as con:
            found = compare(con, lake(tmp_path, "old", before), lake(tmp_path, "new", after))
        one = found.types.get("film", TypeChange())
        return {
            name: count
            for name, count in vars(one).items()
            if count and name not in ("before", "after", "records_before")
        }

    return figures


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({"A": "12"}, {"A": "12"}, {}),
        ({"A": "1"}, {"A": "1", "B": "2"}, {"gained": 1, "records_gained": 1}),
        ({"A": "1", "B": "2"}, {"A": "1"}, {"lost": 1, "records_lost": 1}),
        ({"A": "12", "B": "3"}, {"A": "123"}, {"merged": 1}),
        ({"A": "1", "B": "2", "C": "3"}, {"B": "123"}, {"merged": 2}),
        ({"A": "123"}, {"A": "12", "B": "3"}, {"split": 1}),
        ({"A": "12"}, {"B": "12"}, {"renamed": 1}),
        ({"A": "12"}, {"A": "123"}, {"records_gained": 1}),
        ({"A": "12", "B": "34"}, {"A": "123", "B": "4"}, {"split": 1}),
        ({}, {"A": "1"}, {"gained": 1, "records_gained": 1}),
    ],
)
def test_entities_are_compared_by_their_records(change, before, after, said):
    assert change(before, after) == said


@pytest.fixture
def named(tmp_path):
    """Examples of films between two states, by what becomes of them, in words."""

    def examples(before, after, **votes):
        with session(threads=1, memory_limit="200MB", scratch=tmp_path) as con:
            found = compare(
                con,
                lake(tmp_path, "old", before, votes=votes),
                lake(tmp_path, "new", after, votes=votes),
            )
        # As it is recorded, shown by the job and printed for programs.
        told = json.loads(json.dumps(found.as_dict()["examples"])).get("film", {})
        assert {fate: [one["entity"]["id"] for one in some] for fate, some in told.items()} == {
            fate: [one.entity.id for one in some]
            for fate, some in found.examples.get("film", {}).items()
        }
        return {
            fate: [str(one) for one in some]
            for fate, some in found.examples.get("film", {}).items()
        }

    return examples


def test_entities_that_change_are_named_with_where_their_records_went(named):
    before = {"A": "12", "B": "3", "C": "4567", "D": "8"}
    after = {"A": "123", "C": "456", "E": "7", "N": "9"}
    assert named(before, after) == {
        "gained": ["Film N (1991) [N], 1 record"],
        "lost": ["Film D (1991) [D], 1 record"],
        "merged": ["Film B (1991) [B], 1 record into Film A (1993) [A]"],
        "split": ["Film C (1994) [C], 4 records into Film C (1993) [C]; Film E (1991) [E]"],
    }


def test_where_nothing_changes_nothing_is_named(named):
    assert named({"A": "12"}, {"A": "12"}) == {}
    assert named({"A": "12"}, {"B": "12"}) == {}


def test_those_that_matter_most_are_named_first_and_only_a_few(named):
    many = {key: key for key in "abcdefgh"}
    (lost,) = named({**many, "Z": "12"}, {}, f=900, c=1_000).values()
    assert [line.split("[")[1][0] for line in lost] == ["Z", "c", "f", "a", "b"]
    ten = {key: str(place) for place, key in enumerate("ABCDEFGHIJ")}
    assert named({"all": "0123456789"}, ten)["split"] == [
        "Film all (2000) [all], 10 records into Film A (1991) [A]; Film B (1991) [B]; "
        "Film C (1991) [C]"
    ]


def test_relations_are_counted_by_name_and_kind(tmp_path):
    old = [("1", "sequel_of", "inferred"), ("2", "genre", "stated"), ("3", "genre", "stated")]
    new = [("1", "sequel_of", "inferred"), ("3", "genre", "stated"), ("4", "based_on", "inferred")]
    with session(threads=1, memory_limit="200MB", scratch=tmp_path) as con:
        found = compare(con, lake(tmp_path, "old", {}, old), lake(tmp_path, "new", {}, new))
    assert found.relations == {
        ("based_on", "inferred"): RelationChange(0, 1, 1, 0),
        ("genre", "stated"): RelationChange(2, 1, 0, 1),
        ("sequel_of", "inferred"): RelationChange(1, 1, 0, 0),
    }


PARTITIONS = st.lists(st.sampled_from("ABC-"), min_size=6, max_size=6)


def as_entities(chosen):
    """Records 0 to 5 by entity; - is a record that is not there."""
    return {
        entity: [str(n) for n, one in enumerate(chosen) if one == entity]
        for entity in set(chosen) - {"-"}
    }


@settings(max_examples=8, deadline=None, derandomize=True)
@given(PARTITIONS, PARTITIONS)
def test_the_figures_add_up_whatever_becomes_of_the_records(tmp_path_factory, old, new):
    home = tmp_path_factory.mktemp("compare")
    before, after = as_entities(old), as_entities(new)
    with session(threads=1, memory_limit="200MB", scratch=home) as con:
        found = compare(con, lake(home, "old", before), lake(home, "new", after)).types.get(
            "film", TypeChange()
        )
    kept = {key for keys in before.values() for key in keys} & {
        key for keys in after.values() for key in keys
    }
    assert found.lost == sum(not kept.intersection(keys) for keys in before.values())
    assert found.gained == sum(not kept.intersection(keys) for keys in after.values())
    assert found.records_lost + len(kept) == sum(map(len, before.values()))
    assert found.records_gained + len(kept) == sum(map(len, after.values()))
    where = [{e for e, keys in after.items() if set(keys) & set(mine)} for mine in before.values()]
    assert found.split == sum(len(places) > 1 for places in where)
    # Each entity of today goes on from one of production's at most; the others are merged.
    assert found.merged + found.lost <= found.before
    if before != after:
        # Of a type in which nothing differs the catalog knows the numbers, from other tables.
        assert (found.before, found.after) == (len(before), len(after))


def of(**changes):
    return Comparison({"film": TypeChange(before=100, records_before=200, **changes)}, {})


@pytest.mark.parametrize(
    ("comparison", "gates", "shut"),
    [
        (of(lost=5), Gates(fewest=1), []),
        (of(lost=6), Gates(fewest=1), ["entities_lost"]),
        (of(lost=6), Gates(), []),
        (of(lost=60), Gates(entities_lost=0.6), []),
        (of(merged=10, split=10), Gates(), ["entities_merged", "entities_split"]),
        (of(records_lost=11), Gates(), ["records_lost"]),
        (of(renamed=10), Gates(), ["ids_changed"]),
        (
            Comparison({}, {("genre", "stated"): RelationChange(100, 80, 0, 20)}),
            Gates(),
            ["relations_lost"],
        ),
    ],
)
def test_a_gate_is_shut_where_more_changes_than_it_allows(comparison, gates, shut):
    assert [one.gate for one in refusals(gates, comparison, {}, {})] == shut


def test_a_fall_of_f1_shuts_a_gate_and_a_rise_does_not():
    gates, same = Gates(f1_fall=0.01), Comparison({}, {})
    before = {"links": 0.95, "judgements of film": 0.8, "gone": 1.0}
    after = {"links": 0.93, "judgements of film": 0.9, "new": 0.1}
    (one,) = refusals(gates, same, before, after)
    assert (one.gate, one.what) == ("f1_fall", "links")
    assert str(one) == "f1 fall of links: 2.00% is more than 1.00%"
