"""What a delivery is expected to hold: a minimum fails, what is unusual warns."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from kg_assets.sources.adapter import Input
from kg_assets.sources.canonical import canonical_adapter
from kg_assets.sources.checks import record_checks
from kg_assets.sources.deliveries import LandingError
from kg_assets.sources.demo import demo_files
from kg_assets.sources.expectations import FEW, Bound, Expectation, Fill
from kg_assets.sources.inferred import INFERRED
from kg_assets.sources.judging import Figure, figures_of, judged
from kg_assets.sources.registry import ADAPTERS
from kg_assets.sources.steps import run_raw_blobs, run_source_records
from kg_assets.sources.tables import SOURCE_RECORDS
from kg_assets.sources.trial import try_adapter
from resources.settings import Settings
from tests.sources.deliveries import Stage

HALF = Expectation(
    records=Bound(least=2, usual=4, most=6),
    filled=(Fill("year", Bound(least=0.25, usual=0.5)),),
)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path / "home")


def films(number: int, dated: int) -> str:
    return "".join(
        json.dumps(
            {
                "entity_type": "film",
                "source_id": str(place),
                "name": f"x{place}",
                "year": 1999 if place < dated else None,
                "credits": [{"name": "Ann Lee", "role": "director"}],
            }
        )
        + "\n"
        for place in range(number)
    )


def figures(stage: Stage, lines: str, manifest: dict, expects: dict) -> list[str]:
    """What is broken or unusual about a delivery, in words."""
    stage.deliver_files("mine", {"a.jsonl": lines, "delivery.json": json.dumps(manifest)})
    adapter = replace(canonical_adapter("mine"), expects=expects)
    with stage.lake.step("raw_blobs", partition="mine|d") as step:
        run_raw_blobs(step, stage.landing)
    with stage.lake.step("source_records", partition="mine|d") as step:
        run_source_records(step, adapter=adapter)
        found = judged(step, adapter)
    return in_words(found)


def in_words(found: list[Figure]) -> list[str]:
    return [
        f"{'fails' if one.is_broken else 'warns'}: {one}"
        for one in found
        if one.is_broken or one.is_unusual
    ]


FULL = {
    "as it should be": (4, 2, []),
    "too few records": (
        1,
        1,
        ["fails: film: 1 records (at least 2, usually at least 4, at most 6)"],
    ),
    "fewer records than usual": (
        3,
        3,
        ["warns: film: 3 records (at least 2, usually at least 4, at most 6)"],
    ),
    "more records than usual": (
        7,
        7,
        ["warns: film: 7 records (at least 2, usually at least 4, at most 6)"],
    ),
    "a field that is hardly filled": (
        5,
        1,
        ["fails: film.year: filled in 20.0% (at least 25.0%, usually at least 50.0%)"],
    ),
    "a field that is less filled than usual": (
        5,
        2,
        ["warns: film.year: filled in 40.0% (at least 25.0%, usually at least 50.0%)"],
    ),
}


@pytest.mark.parametrize("case", FULL)
def test_a_full_delivery_is_compared_with_what_is_usual(case):
    number, dated, told = FULL[case]
    rows = [
        {"entity_type": "film", "year": 1999 if place < dated else None} for place in range(number)
    ]
    with duckdb.connect(config={"threads": 1}) as con:
        con.register("given", pa.Table.from_pylist(rows, schema=SOURCE_RECORDS.schema))
        found = figures_of(con, "given", {"film": HALF}, files={}, is_full=True)
    assert in_words(found) == told


def test_a_full_delivery_without_any_record_of_a_type_fails(stage):
    assert figures(stage, films(0, 0) + "{}\n", {"mode": "full"}, {"film": HALF})[0].startswith(
        "fails: film: 0 records"
    )


def test_a_small_partial_delivery_says_nothing(stage):
    assert figures(stage, films(1, 0), {}, {"film": HALF}) == []


def test_of_a_large_partial_delivery_the_filled_fields_are_compared_and_not_the_number(stage):
    [told] = figures(stage, films(FEW, 10), {}, {"film": HALF})
    assert told.startswith("fails: film.year: filled in 1.0%")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (False, []),
        ({"film": {"records": {"least": 1}}}, []),
        ({"film": {"records": {"usual": 3}}}, ["warns: film: 2 records (usually at least 3)"]),
        (
            {"film": {"records": {}, "filled": {"url": {"least": 0.1}}}},
            ["fails: film.url: filled in 0.0% (at least 10.0%)"],
        ),
    ],
)
def test_delivery_json_has_the_last_word(stage, words, told):
    manifest = {"mode": "full", "expect": words}
    assert figures(stage, films(2, 2), manifest, {"film": HALF}) == told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"movie": {}}, "no entity type 'movie'"),
        ({"film": {"filled": {"length": {"least": 1}}}}, "no field 'length'"),
        ({"film": {"records": {"least": 5, "most": 1}}}, "must ascend"),
        ({"film": {"records": {"minimum": 5}}}, "Extra inputs"),
    ],
)
def test_an_expectation_that_cannot_be_is_an_error(stage, words, told):
    with pytest.raises(LandingError, match=told):
        figures(stage, films(1, 1), {"expect": words}, {})


def test_people_made_from_credits_are_not_counted(stage):
    expects = {"person": Expectation(records=Bound(usual=1))}
    [told] = figures(stage, films(2, 2), {"mode": "full"}, expects)
    assert told.startswith("warns: person: 0 records")


def test_a_field_is_not_expected_without_the_files_that_fill_it(stage):
    adapter = canonical_adapter("mine")
    expectation = Expectation(filled=(Fill("runtime_minutes", Bound(least=1), inputs=("more",)),))
    adapter = replace(
        adapter,
        fields=pa.schema([]),
        inputs=(
            Input("blobs", ("a.jsonl",), adapter.fields, key="source_id"),
            Input("more", ("b.jsonl",), adapter.fields, key="source_id", adds_to="blobs"),
        ),
        expects={"film": expectation},
    )
    for files, broken in (({}, []), ({"b.jsonl": films(1, 0)}, ["runtime_minutes"])):
        stage.deliver_files(
            "mine", {"a.jsonl": films(1, 1), "delivery.json": '{"mode": "full"}', **files}
        )
        with stage.lake.step("raw_blobs", partition="mine|d") as step:
            run_raw_blobs(step, stage.landing)
        with stage.lake.step("source_records", partition="mine|d") as step:
            run_source_records(step, adapter=adapter)
            assert [one.name for one in judged(step, adapter) if one.is_broken] == broken


NAMED = "nconst\tprimaryName\nnm1\tAnn Lee\n"
TITLED = "tconst\ttitleType\tprimaryTitle\ntt1\tmovie\tUp\n"


@pytest.mark.parametrize(
    ("files", "types"),
    [
        ({"title.basics.tsv": TITLED}, {"film", "series", "episode", "game"}),
        ({"name.basics.tsv": NAMED}, {"person"}),
        (
            {"title.basics.tsv": TITLED, "name.basics.tsv": NAMED},
            {"film", "series", "episode", "game", "person"},
        ),
    ],
)
def test_the_number_of_records_is_not_expected_without_the_files_that_hold_them(
    stage, files, types
):
    stage.deliver_files("imdb", {**files, "delivery.json": '{"mode": "full"}'})
    with stage.lake.step("raw_blobs", partition="imdb|d") as step:
        run_raw_blobs(step, stage.landing)
    with stage.lake.step("source_records", partition="imdb|d") as step:
        run_source_records(step)
        assert {one.entity_type for one in judged(step) if one.name == "records"} == types


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("latest-all.json", ["film: 1 records"]),
        ("wikidata-20261116-all.json.gz", ["film: 1 records"]),
        ("my_films.json", []),
    ],
)
def test_an_excerpt_may_be_of_any_size_and_a_dump_may_not(name, told):
    rows = [{"entity_type": "film"}]
    expected = Expectation(records=Bound(least=2), whole=("*-all.json*",))
    with duckdb.connect(config={"threads": 1}) as con:
        con.register("given", pa.Table.from_pylist(rows, schema=SOURCE_RECORDS.schema))
        found = figures_of(con, "given", {"film": expected}, files={name: "blobs"}, is_full=True)
    assert [str(one).partition(" (")[0] for one in found if one.is_broken] == told


@pytest.mark.parametrize(
    ("name", "is_full", "told"),
    [("latest-all.json", True, ["birth_year"]), ("mine.json", True, []), ("a-all.json", False, [])],
)
def test_more_than_usual_may_be_known_of_an_excerpt(name, is_full, told):
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute(
            f"""
            CREATE VIEW given AS
            SELECT 'person' AS entity_type, 'f' AS file, NULL AS "table", n AS position,
                   1990 AS birth_year
            FROM range({FEW}) AS a(n)
            """  # noqa: S608 - a number of our own
        )
        expected = Expectation(
            filled=(Fill("birth_year", Bound(most=0.9)),), whole=("*-all.json*",)
        )
        found = figures_of(
            con, "given", {"person": expected}, files={name: "blobs"}, is_full=is_full
        )
    assert [one.name for one in found if one.is_unusual] == told


def test_each_adapter_says_what_is_usual_and_what_may_be_there_twice():
    for source, adapter in ADAPTERS.items():
        if source == INFERRED:
            continue  # whatever was inferred
        assert adapter.licence
        assert adapter.duplicate_free
        bounds = [fill.share for one in adapter.expects.values() for fill in one.filled]
        assert any(bound.least is not None for bound in bounds), source
        assert any(bound.most is not None for bound in bounds), source
        assert all(one.records.most for one in adapter.expects.values() if one.records.least)


def test_the_files_of_the_demo_are_as_they_are_declared(tmp_path):
    settings = Settings(home=tmp_path, threads=1, memory_limit="500MB")
    for source in ("wikidata_films", "cannes_films"):
        trial = try_adapter(settings, source, demo_files()[source], sample=100_000)
        assert trial.records == {"film": trial.adapter.expects["film"].records.usual}
        assert trial.warnings == []


def test_a_number_in_delivery_json_counts_whatever_the_files(stage):
    manifest = {"mode": "full", "expect": {"film": {"records": {"least": 2}}}}
    dump = Expectation(records=Bound(least=9), inputs=("more",), whole=("*-all.json",))
    assert figures(stage, films(1, 1), manifest, {"film": dump}) == [
        "fails: film: 1 records (at least 2)"
    ]


def test_the_check_names_the_figure_and_nothing_is_committed_below_a_minimum(stage):
    stage.deliver_files(
        "imdb",
        {
            "title.basics.tsv": "tconst\ttitleType\tprimaryTitle\ntt1\tmovie\tUp\n",
            "delivery.json": '{"mode": "full"}',
        },
    )
    with stage.lake.step("raw_blobs", partition="imdb|d") as step:
        run_raw_blobs(step, stage.landing)
    with stage.lake.step("source_records", partition="imdb|d") as step:
        run_source_records(step)
        verdicts = {check.name: (check, check.look(step)) for check in record_checks()}
    check, verdict = verdicts["enough"]
    assert check.blocking
    assert not verdict.passed
    assert "film: 1 records (at least 500,000," in verdict.figures["too few"][0]
    check, verdict = verdicts["as_usual"]
    assert not check.blocking
    assert not verdict.passed


@pytest.mark.parametrize("part_rows", [1, 3, 100])
def test_people_made_of_credits_are_not_counted_in_parts_either(part_rows):
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute(
            """
            CREATE VIEW given AS
            SELECT 'film' AS entity_type, 'f' AS file, NULL AS "table", n AS position,
                   1990 AS birth_year
            FROM range(8) AS a(n)
            UNION ALL
            SELECT 'person', 'f', NULL, n, NULL
            FROM range(8) AS a(n)
            UNION ALL
            SELECT 'person', 'g', NULL, n, CASE WHEN n < 3 THEN 1900 END
            FROM range(6) AS a(n)
            """
        )
        expected = Expectation(filled=(Fill("birth_year", Bound(least=0.9)),))
        number, share = figures_of(
            con, "given", {"person": expected}, files={}, is_full=True, part_rows=part_rows
        )
    assert (number.value, share.value) == (6, 0.5)
