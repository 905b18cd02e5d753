"""Which deliveries make the records of a type stale, and that the others change nothing of them."""

import tempfile
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kg_assets.matching.assets import matching_steps
from kg_assets.matching.models import MODELS
from kg_assets.matching.records import records
from kg_assets.planning import State
from kg_assets.sources.facets import facets_of
from kg_assets.sources.tables import DELIVERIES, SOURCE_RECORDS
from resources.lake import Lake
from resources.settings import Settings
from tests.homes import copy_home
from tests.matching.match_worlds import film, people_of, table_of

TYPES = ("film", "series", "episode", "person")
FIRST = [
    {"source": "a", "films": {"1": "Red"}, "series": {"s": "Round"}},
    {"source": "b", "films": {"1": "Red"}},
]


def rows_of(one):
    films = [
        film(one["source"], number, name, directors=["Ann Lee"], position=place)
        for place, (number, name) in enumerate(sorted(one.get("films", {}).items()))
    ]
    series = [
        {"entity_type": "series", "source": one["source"], "source_id": key, "name": name}
        for key, name in sorted(one.get("series", {}).items())
    ]
    return films + people_of(films) + [row | {"position": 100} for row in series]


def deliver(lake, one):
    key = f"{one['source']}|{one['name']}"
    row = {
        "source": one["source"],
        "delivery": one["name"],
        "sequence": one["sequence"],
        "mode": one.get("mode", "partial"),
        "duplicate_free": one.get("duplicate_free"),
        "files": 1,
        "blobs": 1,
        "bytes": 0,
        "fingerprint": str(one),
    }
    with lake.step("deliver", code_version=str(one)) as step:
        step.write(DELIVERIES, pa.Table.from_pylist([row], schema=DELIVERIES.schema), key)
        step.write(SOURCE_RECORDS, table_of(rows_of(one)), key)
        if one.get("noted", True):
            told = step.con.from_arrow(table_of(rows_of(one)))
            row = step.con.from_arrow(pa.Table.from_pylist([row], schema=DELIVERIES.schema))
            step.note(SOURCE_RECORDS, facets_of(told, row), key)


def first_step(kind):
    return matching_steps(MODELS[kind], 1, thresholds={}, reports=Path())[0]


def stale(lake):
    """Types whose records are stale."""
    state = State(lake.catalog.all_heads(lake.namespace), {}, lambda _: None, lambda _: True)
    return {kind for kind in TYPES if state.why(first_step(kind), None)}


def make(lake, types):
    for kind in sorted(types):
        step = first_step(kind)
        with lake.step(step.name, code_version=step.code_version) as running:
            step.run(running)


def content(lake, kind):
    with lake.step("look") as step:
        return step.read(records(MODELS[kind])).order("record_id").to_arrow_table().to_pylist()


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A home in which two sources have delivered, and all records are made."""
    home = tmp_path_factory.mktemp("facets") / "home"
    lake = Lake(Settings(home=home, threads=1))
    for one in FIRST:
        deliver(lake, one | {"name": "d1", "sequence": 1})
    make(lake, TYPES)
    return home


@pytest.fixture
def lake(template, tmp_path):
    copy_home(template, tmp_path / "home")
    return Lake(Settings(home=tmp_path / "home", threads=1))


@pytest.mark.parametrize(
    ("delivery", "touched"),
    [
        ({"source": "a", "films": {"2": "Blue"}}, {"film", "person"}),
        ({"source": "a", "series": {"t": "Square"}}, {"series", "person"}),
        ({"source": "a", "films": {"1": "Red"}, "mode": "delete"}, {"film", "person"}),
        ({"source": "a", "mode": "full"}, {"film", "series", "person"}),
        ({"source": "b", "mode": "full"}, {"film", "person"}),
        ({"source": "c", "mode": "full"}, {"person"}),
        ({"source": "a", "duplicate_free": True}, {"film", "series", "person"}),
        ({"source": "a", "noted": False}, {"film", "series", "episode", "person"}),
        ({"source": "b", "series": {"s": "Round"}}, {"series", "person"}),
        ({"source": "b", "name": "d1", "sequence": 1}, {"film", "person"}),
    ],
    ids=[
        "films alone",
        "series alone",
        "a deleted film",
        "a full one retires every type of its source",
        "a full one retires no type that its source never had",
        "a full one of a new source retires nothing",
        "a word about duplicates holds for every type of the source",
        "one of which nothing was noted may hold anything",
        "the first of a type that a source delivers",
        "one that was delivered again without its films",
    ],
)
def test_only_the_types_that_a_delivery_bears_on_are_stale(lake, delivery, touched):
    deliver(lake, {"name": "d2", "sequence": 2} | delivery)
    assert stale(lake) == touched
    make(lake, touched & {"series"})
    assert stale(lake) == touched - {"series"}


def test_a_delivery_that_becomes_a_full_one_with_the_same_records_bears_on_other_types(lake):
    again = {"source": "a", "name": "d2", "sequence": 2, "films": {"2": "Blue"}}
    deliver(lake, again)
    assert stale(lake) == {"film", "person"}
    deliver(lake, again | {"mode": "full"})
    assert stale(lake) == {"film", "series", "person"}
    make(lake, {"series"})
    assert content(lake, "series") == []


def test_another_code_version_makes_records_stale_that_no_delivery_touches(lake):
    step = first_step("series")
    with lake.step(step.name, code_version="earlier") as running:
        step.run(running)
    assert stale(lake) == {"series"}


HISTORY = st.lists(
    st.fixed_dictionaries(
        {
            "source": st.sampled_from(["a", "b"]),
            "sequence": st.integers(1, 3),
            "mode": st.sampled_from(["partial", "partial", "delete", "full"]),
            "duplicate_free": st.sampled_from([None, None, True, False]),
            "noted": st.sampled_from([True, True, True, False]),
            "films": st.dictionaries(st.sampled_from("12"), st.sampled_from("xy"), max_size=2),
            "series": st.dictionaries(st.sampled_from("12"), st.sampled_from("xy"), max_size=2),
        }
    ),
    min_size=4,
    max_size=6,
)


@settings(max_examples=5, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(HISTORY)
def test_what_is_left_out_would_have_changed_nothing(history):
    with tempfile.TemporaryDirectory() as home:
        lake = Lake(Settings(home=Path(home) / "updated", threads=1, layer_share=1e9, layers=64))
        again = Lake(Settings(home=Path(home) / "again", threads=1))
        make(lake, {"series"})
        for one in history:
            # The same place in the history of a source is the same delivery, delivered again.
            named = one | {"name": f"d{one['sequence']}"}
            deliver(lake, named)
            deliver(again, named)
            make(lake, stale(lake) & {"series"})
        make(again, {"series"})
        assert content(lake, "series") == content(again, "series")
