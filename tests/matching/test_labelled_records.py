"""The labelled records of the benchmark come in through the door, whatever their sources' names."""

import json

from benchmarks.matching import canonical_tmdb, prepare
from benchmarks.moviegraph import FILES
from kg_assets.sources.tables import SOURCE_RECORDS
from resources.lake import Lake
from resources.settings import Settings


def test_records_of_tmdb_are_read_as_canonical_ones_though_the_project_reads_tmdb_itself(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    for name in FILES:
        (data / name).write_text("")
    for source, kind in (("tmdb", "person"), ("tvdb", "Person")):
        one = {"id": "person1", "type_hint": kind, "name": "Ola Forssmed", "job": "actor"}
        (data / f"{source}.jsonl").write_text(json.dumps(one) + "\n")
    settings = Settings(home=tmp_path / "home", namespace="matching")
    lake = Lake(settings)
    with canonical_tmdb():
        prepare(lake, settings, data)
    with lake.step("look") as step:
        found = step.read(SOURCE_RECORDS).order("source").project("source, name").fetchall()
    assert found == [("tmdb", "Ola Forssmed"), ("tvdb", "Ola Forssmed")]
