"""Entity types without records: their steps have nothing to do, until something comes."""

import json

from kg_assets.building import build
from kg_assets.matching.tables import entity_members, identity_events, resolved_entities
from kg_assets.sources.landing import land
from resources.lake import Lake
from tests.flow.conftest import lines

CLUBS = [
    {"entity_type": "organisation", "source_id": name, "name": "Harbour Light Pictures"}
    for name in ("one", "two")
]


def rows(settings, table):
    with Lake(settings).step("look") as step:
        return step.read(table, tracked=False).to_arrow_table().to_pylist()


def deliver(settings, folder, name, records, **told):
    (folder / name).mkdir()
    about = folder / name / "delivery.json"
    about.write_text(json.dumps(told))
    file = lines(folder / name / "records.jsonl", records)
    land(settings.landing_path, "gamma", [file, about], name)
    summary = build(settings)
    assert [result.error for result in summary.failed] == []
    return summary


def test_a_type_without_records_has_tables_without_rows(built):
    for table in (resolved_entities, entity_members, identity_events):
        heads = Lake(built).heads(table("organisation"))
        assert [head.file.rows for head in heads.values()] == [0]


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
