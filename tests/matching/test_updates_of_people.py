"""People are made again where a delivery touches their works, and end as if all were made again."""

import tempfile
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kg_assets.matching.model import WORKS, BlockingRule, Comparison, Feature, Level, MatchSpec
from kg_assets.matching.records import records, run_records
from kg_assets.matching.tables import entity_members
from kg_assets.sources.tables import DELIVERIES, SOURCE_RECORDS
from resources.lake import Lake
from resources.settings import Settings
from tests.matching.match_worlds import film, people_of, table_of

TEXTS = pa.list_(pa.string())
SPEC = MatchSpec(
    entity_type="person",
    features=(
        Feature("spoken", "lower(name)", pa.string(), of="name"),
        Feature("credited_works", "coalesce(works, [])", TEXTS),
        Feature("credited_records", "coalesce(work_records, [])", TEXTS),
        Feature("sole_director_of", "coalesce(directed_alone, [])", TEXTS),
        Feature("jobs", "coalesce(roles, professions, [])", TEXTS),
        Feature("first_active", "first_work", pa.int32()),
        Feature("last_active", "last_work", pa.int32()),
        Feature("active_countries", "coalesce(work_countries, [])", TEXTS),
        Feature("colleagues", "coalesce(crew, [])", pa.list_(pa.uint64())),
    ),
    blocking=(BlockingRule("name", "[spoken]", "[]"),),
    comparisons=(
        Comparison(
            "name",
            "spoken_l IS NULL OR spoken_r IS NULL",
            (Level("same", "spoken_l = spoken_r", 0.9, 0.1), Level("other", "ELSE", 0.1, 0.9)),
            train="",
        ),
    ),
    contexts=(WORKS,),
    depends_on=("film",),
)
WHOLE = {"layer_share": 1e-9}
LAYERS = {"layer_share": 1e9, "layers": 64, "copied_rows": 1}

WORK = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["w1", "w2", "w3"]),
        "year": st.sampled_from([None, 2000, 2001]),
        "countries": st.sampled_from([None, ["FR"], ["DE", "FR"]]),
        "credits": st.lists(
            st.tuples(st.sampled_from("ijklm"), st.sampled_from(["director", "cast_member"])),
            max_size=3,
            unique_by=lambda one: one[0],
        ),
    }
)
PERSON = st.fixed_dictionaries(
    {"id": st.sampled_from("ijkx"), "name": st.sampled_from(["Ida", "Jo", "Kim"])}
)
DELIVERY = st.fixed_dictionaries(
    {
        "source": st.sampled_from(["a", "b"]),
        "mode": st.sampled_from(["partial", "partial", "delete"]),
        "works": st.lists(WORK, max_size=3, unique_by=lambda one: one["id"]),
        "people": st.lists(PERSON, max_size=2, unique_by=lambda one: one["id"]),
    }
)
SIDE_BY_SIDE = 10
"""Histories in one lake; no two of them share a source."""

ROUND = st.tuples(
    # A delivery that replaces a source makes all people again: few rounds have one.
    st.sampled_from([False, False, True]),
    st.lists(st.lists(DELIVERY, max_size=2), min_size=SIDE_BY_SIDE, max_size=SIDE_BY_SIDE),
    st.dictionaries(st.sampled_from(["w1", "w2", "w3"]), st.sampled_from(["film:1", "film:2"])),
)


class People:
    """A lake to which works and people are delivered, and the films that the works are."""

    def __init__(self, home, **options):
        self.lake = Lake(Settings(home=Path(home), threads=1, **options))
        self.delivered = 0

    def deliver(self, source, works=(), people=(), mode="partial"):
        self.delivered += 1
        name = f"d{self.delivered:03}"
        films = []
        for place, one in enumerate(works):
            made = film(source, one["id"], "Up", one.get("year"), countries=one.get("countries"))
            made["position"] = place
            made["credits"] = [
                {"name": f"Person {person}", "person_id": person, "role": role,
                 "character": None, "position": 1}
                for person, role in one["credits"]
            ]  # fmt: skip
            films.append(made)
        own = [
            {"entity_type": "person", "source": source, "source_id": one["id"],
             "name": one["name"], "position": 100 + place}
            for place, one in enumerate(people)
        ]  # fmt: skip
        with self.lake.step("source_records", partition=f"{source}|{name}") as step:
            rows = [*films, *people_of(films), *own]
            step.write(SOURCE_RECORDS, step.con.from_arrow(table_of(rows)))
            row = {
                "source": source,
                "delivery": name,
                "sequence": self.delivered,
                "mode": mode,
                "duplicate_free": None,
                "files": 1,
                "blobs": len(rows),
                "bytes": 0,
                "fingerprint": name,
            }
            step.write(DELIVERIES, pa.Table.from_pylist([row], schema=DELIVERIES.schema))

    def resolve(self, films, sources="ab"):
        table = entity_members("film")
        rows = [
            {"entity_id": entity, "entity_type": "film", "source": source, "source_id": work}
            for source in sources
            for work, entity in films.items()
        ]
        with self.lake.step("film/resolved_entities") as step:
            step.con.register("members", pa.Table.from_pylist(rows, schema=table.schema))
            step.update(table, step.con.table("members"))

    def update(self):
        with self.lake.step("person/records") as step:
            run_records(step, SPEC)
            return dict(step.figures)

    def content(self):
        with self.lake.step("look") as step:
            found = step.read(records(SPEC), tracked=False).order("record_id").to_arrow_table()
            return found.select(records(SPEC).schema.names).to_pylist()

    def people(self):
        return {row["record_id"]: row for row in self.content()}


@settings(
    max_examples=3,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(ROUND, min_size=3, max_size=3))
def test_people_end_in_what_making_all_of_them_again_gives(history):
    sources = [f"{source}{number}" for source in "ab" for number in range(SIDE_BY_SIDE)]
    with tempfile.TemporaryDirectory() as home:
        again = People(Path(home) / "whole", **WHOLE)
        updated = People(Path(home) / "layers", **LAYERS)
        for replaces, worlds, films in history:
            for world in (again, updated):
                for number, deliveries in enumerate(worlds):
                    for place, one in enumerate(deliveries):
                        mode = "full" if replaces and number == place == 0 else one["mode"]
                        source = f"{one['source']}{number}"
                        world.deliver(source, one["works"], one["people"], mode)
                world.resolve(films, sources)
                world.update()
            assert updated.content() == again.content()


@pytest.fixture
def world(tmp_path):
    """Two works, which credit Ida and Jo together and Kim alone."""
    made = People(tmp_path, **LAYERS)
    made.deliver("a", [
        {"id": "w1", "year": 2000, "credits": [("i", "director"), ("j", "cast_member")]},
        {"id": "w2", "year": 2001, "credits": [("k", "director")]},
    ])  # fmt: skip
    made.resolve({"w1": "film:1", "w2": "film:2"})
    made.update()
    return made


def test_a_work_that_credits_another_person_changes_those_of_both_versions_alone(world):
    before = world.people()
    world.deliver("a", [{"id": "w1", "year": 2002, "credits": [("i", "director")]}])
    figures = world.update()
    assert figures["records_changed"] == 2
    after = world.people()
    assert after["a:i"]["first_active"] == 2002
    assert set(after) == {"a:i", "a:k"}
    assert after["a:k"] == before["a:k"]


def test_a_work_that_is_deleted_takes_those_with_it_whom_it_alone_credits(world):
    world.deliver("a", [{"id": "w3", "credits": [("i", "writer")]}])
    world.update()
    world.deliver("a", [{"id": "w1", "credits": []}], mode="delete")
    world.update()
    after = world.people()
    assert set(after) == {"a:i", "a:k"}
    assert after["a:i"]["credited_records"] == ["film:a:w3"]


def test_a_work_that_came_to_another_film_changes_the_people_that_it_credits(world):
    world.resolve({"w1": "film:2", "w2": "film:2"})
    figures = world.update()
    assert figures["records_changed"] == 2
    assert world.people()["a:j"]["credited_works"] == ["film:2"]
    head = world.lake.heads(records(SPEC))["all"]
    assert head.below
