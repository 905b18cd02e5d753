"""The checks of tables, sources and matching fail where a promise is broken."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kg_assets.checks import contract
from kg_assets.matching import tables
from kg_assets.matching.checks import entity_checks, score_checks
from kg_assets.matching.models import MODELS
from kg_assets.matching.records import records
from kg_assets.sources.checks import record_checks
from kg_assets.sources.tables import DELIVERIES, QUARANTINED_BLOBS, RAW_BLOBS, SOURCE_RECORDS
from resources.lake import Lake
from resources.settings import Settings

FILM = MODELS["film"]
PLAIN = {
    pa.string(): "x",
    pa.int64(): 0,
    pa.int32(): 0,
    pa.float64(): 0.5,
    pa.bool_(): False,
    pa.list_(pa.string()): [],
    pa.list_(pa.int8()): [],
}


@pytest.fixture
def lake(tmp_path):
    return Lake(Settings(home=tmp_path))


def rows(table, *given):
    """Rows with something harmless in each required column that is not given."""
    required = {c.name: PLAIN[c.type] for c in table.schema if not c.nullable}
    return pa.Table.from_pylist([required | row for row in given], schema=table.schema)


def passed(step, checks):
    return {check.name: check.look(step).passed for check in checks}


def test_a_key_that_stands_twice_fails(lake):
    table = tables.blocked_pairs("film")
    for count, unique in ((1, True), (2, False)):
        with lake.step("pairs") as step:
            step.write(table, rows(table, *[{"record_l": "a:1", "record_r": "b:1"}] * count))
            assert passed(step, contract(table)) == {"schema_contract": True, "unique_key": unique}


def test_a_file_with_another_schema_fails(lake):
    table = tables.blocked_pairs("film")
    with lake.step("pairs") as step:
        step.write(table, rows(table, {}))
        keys = pa.table({"record_l": ["a"], "record_r": ["b"], "rule": [1]})
        pq.write_table(keys, step.staged_path(table))
        assert not contract(table)[0].look(step).passed


@pytest.mark.parametrize(("kept", "quarantined", "whole"), [(1, 1, True), (1, 0, False)])
def test_a_blob_that_is_neither_kept_nor_quarantined_fails(lake, kept, quarantined, whole):
    with lake.step("blobs", partition="a|1") as step:
        step.write(RAW_BLOBS, rows(RAW_BLOBS, {"position": 0}, {"position": 9}))
    with lake.step("records", partition="a|1") as step:
        step.write(DELIVERIES, rows(DELIVERIES, {"source": "a", "mode": "partial"}))
        step.write(SOURCE_RECORDS, rows(SOURCE_RECORDS, *[{"position": 0}] * kept))
        step.write(QUARANTINED_BLOBS, rows(QUARANTINED_BLOBS, *[{"position": 9}] * quarantined))
        assert passed(step, record_checks())["no_lost_blobs"] == whole


def test_a_pair_without_a_score_fails(lake):
    pairs, scores = tables.blocked_pairs("film"), tables.match_scores("film")
    with lake.step("pairs", partition="00") as step:
        step.write(pairs, rows(pairs, {"record_l": "a:1", "record_r": "b:1"}))
    with lake.step("scores", partition="00") as step:
        step.write(scores, rows(scores))
        assert passed(step, score_checks(FILM)) == {"every_pair_scored": False}


@pytest.mark.parametrize(
    ("years", "members", "expected"),
    [
        ((1990, 1990), ("e", "e"), (True, True)),
        ((1990, 2010), ("e", "e"), (True, False)),
        ((1990, 2010), ("e", "f"), (True, True)),
        ((1990, 1990), ("e",), (False, True)),
    ],
)
def test_entities_that_lose_a_record_or_hold_a_vetoed_pair_fail(lake, years, members, expected):
    known, sources = records(FILM), ("a", "b")
    with lake.step("records") as step:
        given = [
            {"source": s, "source_id": "1", "record_id": f"{s}:1", "year": y, "year_of": y}
            for s, y in zip(sources, years, strict=True)
        ]
        step.write(known, rows(known, *given))
    entities, held = tables.resolved_entities("film"), tables.entity_members("film")
    with lake.step("entities") as step:
        step.write(entities, rows(entities, *[{"entity_id": e} for e in sorted(set(members))]))
        step.write(
            held,
            rows(
                held,
                *[
                    {"entity_id": e, "source": s, "source_id": "1"}
                    for e, s in zip(members, sources, strict=False)
                ],
            ),
        )
        for table in (tables.cluster_quality("film"), tables.doubtful_pairs("film")):
            step.write(table, rows(table))
        found = passed(step, entity_checks(FILM))
    assert (found["every_record_in_one_entity"], found["no_vetoed_pair"]) == expected


def test_keys_of_more_rows_than_memory_holds_are_told_apart(lake):
    table = tables.blocked_pairs("film")
    with lake.step("pairs") as step:
        for statement in ("memory_limit = '20MB'", "max_temp_directory_size = '0B'"):
            step.con.execute(f"SET {statement}")
        ids = pa.array([f"left:{place:09}" for place in range(300_000)])
        harmless = {c.name: pa.repeat(PLAIN[c.type], len(ids)) for c in table.schema}
        pairs = pa.table({**harmless, "record_l": ids, "record_r": ids}, schema=table.schema)
        step.write(table, pairs)
        assert contract(table)[1].look(step).passed


@pytest.mark.parametrize("names", ["bab", "abb", "aba"])
def test_a_key_that_stands_twice_is_named_whatever_the_order(lake, names):
    table = tables.blocked_pairs("film")
    pairs = [{"record_l": f"x:{name}", "record_r": "y:1"} for name in names]
    with lake.step("pairs") as step:
        step.write(table, rows(table, *pairs))
        verdict = contract(table)[1].look(step)
    twice = max(names, key=names.count)
    assert not verdict.passed
    assert verdict.figures == {"offenders": 1, "examples": [[f"x:{twice}", "y:1", "2"]]}


def test_keys_that_differ_pass_in_any_order(lake):
    table = tables.blocked_pairs("film")
    pairs = [{"record_l": f"x:{name}", "record_r": "y:1"} for name in "cab"]
    with lake.step("pairs") as step:
        step.write(table, rows(table, *pairs))
        assert contract(table)[1].look(step).passed
