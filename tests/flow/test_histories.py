"""Random histories: builds after each delivery end in the graph of one build of everything."""

import json
import random
import tempfile
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from kg_assets.building import build
from kg_assets.matching.all_members import members_of
from kg_assets.sources.landing import land
from resources.lake import Lake
from tests.flow.conftest import lines
from tests.homes import home_at
from tests.lengths import FULL, SEED

HISTORIES, BETWEEN = (8, 6) if FULL else (1, 1)
TYPES = ["film", "person"]
SOURCES = ("alpha", "beta")
NAMES = ("Red Harbour", "Blue Moon", "Quiet Water", "The Keeper")
PEOPLE = ("Ann Lee", "Bo Lind", "Cy Mo")


def record(chance):
    """One of four films or people of a source, which looks otherwise each time."""
    kind = chance.choice(("film", "film", "film", "person"))
    row = {"entity_type": kind, "source_id": f"{kind} {chance.randrange(4)}"}
    if kind == "person":
        return row | {"name": chance.choice(PEOPLE), "birth_year": chance.choice((1950, 1960))}
    name, other = chance.sample(NAMES, 2)
    people = chance.sample(PEOPLE, chance.choice((0, 1, 2)))
    row |= {
        "name": name,
        "year": chance.choice((None, 1990, 1991, 2005)),
        "credits": [{"name": each, "role": "director"} for each in people],
        "description": chance.choice((None, f"{name} is a sequel to {other}.")),
    }
    return {column: value for column, value in row.items() if value}


def history(chance):
    """Deliveries between those that give both sources something, and one that is of today.

    Between them come late ones, and ones that cannot be read.
    """
    modes = chance.choices(("partial", "full", "delete", "sometimes"), (3, 1, 1, 1), k=BETWEEN)
    sources = [*SOURCES, *chance.choices(SOURCES, k=BETWEEN + 1)]
    sequences = [*chance.sample(range(1, 40), BETWEEN + 2), 40]
    made = []
    for number, mode in enumerate(("partial", "partial", *modes, "partial")):
        source = sources[number]
        records = [record(chance) for _ in range(chance.choice((3, 5)))]
        told = {"mode": mode, "sequence": sequences[number]}
        if chance.random() < 0.2:
            told["duplicate_free"] = chance.choice((True, False))
        unique = {each["source_id"]: each for each in records}
        made.append((source, f"d{number}", told, list(unique.values())))
    return made


def deliver(settings, source, name, told, records):
    with tempfile.TemporaryDirectory() as folder:
        manifest = Path(folder) / "delivery.json"
        manifest.write_text(json.dumps(told))
        land(
            settings.landing_path,
            source,
            [lines(Path(folder) / "records.jsonl", records), manifest],
            name,
        )


def graph(settings):
    """What is published, with entities named by their records: ids are as old as their entities."""
    named = {}
    with Lake(settings).step("look") as step:
        members = members_of(step.lake, step.con)
        for entity, *place in members.project("entity_id, source, source_id").fetchall():
            named.setdefault(entity, []).append(":".join(place))
    names = {entity: " = ".join(sorted(places)) for entity, places in named.items()}
    found = {}
    with closing(duckdb.connect(str(settings.published), read_only=True)) as con:
        for table in ("nodes", "edges"):
            rows = con.table(table).to_arrow_table().drop_columns(["edge_id"] * (table == "edges"))
            found[table] = sorted(
                str({column: names.get(str(value), value) for column, value in row.items()})
                for row in rows.to_pylist()
            )
    return found


@pytest.mark.parametrize("number", range(HISTORIES))
def test_builds_after_each_delivery_end_in_the_graph_of_one_build_of_all(tmp_path, number):
    print(f"KG_TEST_SEED={SEED}")
    told = history(random.Random(f"{SEED} {number}"))
    unreadable = {f"{source}|{name}" for source, name, how, _ in told if how["mode"] == "sometimes"}
    with home_at(tmp_path / "updated") as settings:
        for place, one in enumerate(told):
            deliver(settings, *one)
            if place:
                build(settings, types=TYPES)
        # A model stays as the first deliveries made it until it is asked for again.
        build(settings, types=TYPES, retrain=True)
        summary = build(settings, types=TYPES)
        assert summary.results == summary.failed_deliveries
        assert {key for one in summary.failed for key in one.task.partitions} <= unreadable
        updated = graph(settings)
    with home_at(tmp_path / "rebuilt") as settings:
        for one in told:
            deliver(settings, *one)
        build(settings, types=TYPES)
        rebuilt = graph(settings)
    assert updated == rebuilt
    assert updated["nodes"]
