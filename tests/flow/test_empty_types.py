"""Entity types without records: a build leaves them out, until something comes."""

import json
from contextlib import closing
from pathlib import Path

from kg_assets.building import build
from kg_assets.judging.log import add
from kg_assets.matching.assets import matching_steps
from kg_assets.matching.judgement_log import PAIRS
from kg_assets.matching.judgement_values import judgement
from kg_assets.matching.models import MODELS
from kg_assets.matching.tables import (
    blocked_pairs,
    entity_members,
    identity_events,
    resolved_entities,
)
from kg_assets.pending import pending
from kg_assets.planning import MISSING, State
from kg_assets.promotion.readiness import readiness
from kg_assets.sources.landing import land
from kg_assets.status import FRESH, status
from resources.entries import File, Head
from resources.journal import Journal
from resources.lake import Lake
from tests.flow.conftest import lines
from tests.flow.graph import content

CLUBS = [
    {"entity_type": "organisation", "source_id": name, "name": "Harbour Light Pictures"}
    for name in ("one", "two")
]
CHAINS = {"film", "series", "episode", "person"}


def rows(settings, table):
    with Lake(settings).step("look") as step:
        return step.read(table, tracked=False).to_arrow_table().to_pylist()


def types_made(settings):
    found = Lake(settings).catalog.all_heads(settings.namespace)
    return {table.split("/")[0] for table, _ in found if "/" in table}


def deliver(settings, folder, name, records, **told):
    (folder / name).mkdir()
    about = folder / name / "delivery.json"
    about.write_text(json.dumps(told))
    file = lines(folder / name / "records.jsonl", records)
    land(settings.landing_path, "gamma", [file, about], name)
    summary = build(settings)
    assert [result.error for result in summary.failed] == []
    return summary


def test_a_type_without_records_is_left_out_and_nothing_waits_for_it(built):
    assert types_made(built) == CHAINS
    assert build(built).results == []
    assert build(built, types=["book"], retrain=True).results == []
    told = status(built)
    assert {one.entity_type for one in told.partitions} == CHAINS | {"all"}
    assert {one.state for one in told.partitions} == {FRESH}
    assert (pending(built).others, readiness(Lake(built)).stale) == ((), ())


def test_a_type_without_records_is_made_where_it_is_asked_for_by_name(built):
    summary = build(built, only=["organisation"])
    assert [(result.task.label, result.error) for result in summary.results] == [
        ("organisation", None)
    ]
    assert rows(built, resolved_entities("organisation")) == []
    before = content(built)
    assert [result.error for result in build(built).failed] == []
    assert content(built) == before
    assert build(built).results == []


def test_where_one_shard_of_a_type_without_records_was_made_the_others_are_missing():
    steps = matching_steps(MODELS["book"], 2, thresholds={}, reports=Path())
    [step] = [each for each in steps if each.name == blocked_pairs("book").name]
    first, second = step.partitions.get_partition_keys()
    file = File("v", "a.parquet", "0" * 64, 0, 1, "{}", "0" * 64)
    head = Head(step.name, first, file, step.code_version, (), 1, step.name, None, "")
    for heads, why in (({}, None), ({(step.name, first): head}, MISSING)):
        state = State(heads, {}, lambda _: None, lambda _: True)
        assert state.why(step, second) == why


def test_a_type_is_matched_from_its_first_records_on_and_its_entities_retire_with_its_last(
    built, tmp_path
):
    first = deliver(built, tmp_path, "first", CLUBS, mode="partial", sequence=1)
    assert {"book", "event"} <= set(first.untouched)
    [born] = rows(built, resolved_entities("organisation"))
    assert len(rows(built, entity_members("organisation"))) == 2
    gone = [{key: club[key] for key in ("entity_type", "source_id", "name")} for club in CLUBS]
    deliver(built, tmp_path, "last", gone, mode="delete", sequence=2)
    assert rows(built, resolved_entities("organisation")) == []
    events = rows(built, identity_events("organisation"))
    assert {event["entity_id"] for event in events} == {born["entity_id"]}
    assert [event["event"] for event in events][-1:] == ["retired"]


def test_a_judgement_of_a_type_without_records_is_told_to_be_of_records_that_are_gone(built):
    add(Lake(built), PAIRS, [judgement("book", "alpha:1", "beta:1", "same", who="ann")])
    assert [result.error for result in build(built).failed] == []
    with closing(Journal(built.catalog_url)) as journal:
        [told] = [
            entry
            for entry in journal.entries(built.namespace)
            if entry.place.step == resolved_entities("book").name
        ]
    assert told.figures["judged_of_records_that_are_gone"] == 1
    assert build(built).results == []
