"""Random histories of deliveries: current records follow their order, not that of their arrival."""

import tempfile
from pathlib import Path

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kg_assets.matching.models import MODELS
from kg_assets.matching.records import records, run_records
from kg_assets.sources.tables import DELIVERIES, SOURCE_RECORDS
from resources.lake import Lake
from resources.settings import Settings
from tests.matching.match_worlds import film, people_of, table_of

FILM = MODELS["film"]
SIDE_BY_SIDE = 8
"""Sources of one example; each has a history of its own."""

DELIVERY = st.fixed_dictionaries(
    {
        "mode": st.sampled_from(["partial", "partial", "delete", "full"]),
        "fails": st.sampled_from([False, False, False, True]),
        "films": st.dictionaries(
            st.integers(0, 4), st.sampled_from(["Red", "Blue", "Moon"]), max_size=4
        ),
    }
)
HISTORY = st.lists(DELIVERY, min_size=1, max_size=4)


def example(source, deliveries):
    """What is delivered, with places in the source's history."""
    return [
        one | {"source": source, "name": f"d{9 - place}", "sequence": place + 1}
        for place, one in enumerate(deliveries)
    ]


def deliver(step, one):
    key = f"{one['source']}|{one['name']}"
    rows = [
        film(one["source"], str(number), name, directors=["Ann Lee"], position=number)
        for number, name in sorted(one["films"].items())
    ]
    if not one["fails"]:
        step.write(SOURCE_RECORDS, table_of(rows + people_of(rows)), key)
    row = {
        "source": one["source"],
        "delivery": one["name"],
        "sequence": one["sequence"],
        "mode": one["mode"],
        "files": 1,
        "blobs": len(rows),
        "bytes": 0,
        "fingerprint": "",
    }
    step.write(DELIVERIES, pa.Table.from_pylist([row], schema=DELIVERIES.schema), key)


def arrive(lake, deliveries):
    """Let deliveries come in, and bring the records of films up to date."""
    with lake.step("deliver") as step:
        for one in deliveries:
            deliver(step, one)
    with lake.step("records") as step:
        run_records(step, spec=FILM)


def content(lake):
    with lake.step("look") as step:
        return step.read(records(FILM)).order("record_id").to_arrow_table().to_pylist()


def expected(deliveries):
    """What the rules of delivery.json say, one delivery after another."""
    now = {}
    for one in sorted(deliveries, key=lambda one: (one["source"], one["sequence"])):
        if one["fails"]:
            continue
        if one["mode"] == "full":
            now = {key: name for key, name in now.items() if key[0] != one["source"]}
        for number, name in one["films"].items():
            if one["mode"] == "delete":
                now.pop((one["source"], number), None)
            else:
                now[one["source"], number] = name
    return {f"{source}:{number}": name for (source, number), name in now.items()}


@settings(max_examples=4, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    st.lists(HISTORY, min_size=SIDE_BY_SIDE, max_size=SIDE_BY_SIDE),
    st.randoms(use_true_random=False),
    st.integers(1, 4),
)
def test_whatever_comes_late_or_again_or_fails_the_records_are_those_of_the_order(
    histories, chance, rounds
):
    deliveries = [one for place, each in enumerate(histories) for one in example(f"s{place}", each)]
    shuffled = chance.sample(deliveries, len(deliveries))
    with tempfile.TemporaryDirectory() as home:
        layers = {"layer_share": 1e9, "layers": 64}
        updated = Lake(Settings(home=Path(home) / "updated", threads=1, **layers))
        again = Lake(Settings(home=Path(home) / "again", threads=1))
        for part in range(rounds):
            arrive(updated, shuffled[part::rounds])
        arrive(updated, chance.sample(deliveries, min(2, len(deliveries))))  # once more
        arrive(again, deliveries)
        found = content(updated)
        assert found == content(again)
        assert {row["record_id"]: row["name"] for row in found} == expected(deliveries)
        # What failed and is mended counts from then on, in its own place.
        mended = [one | {"fails": False} for one in deliveries]
        arrive(
            updated,
            [one for one, before in zip(mended, deliveries, strict=True) if before["fails"]],
        )
        assert {row["record_id"]: row["name"] for row in content(updated)} == expected(mended)
