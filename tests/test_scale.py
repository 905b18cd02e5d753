"""docs/SCALE.md is what is computed from docs/scale.yaml, and that holds what was measured."""

import re

import pytest
import yaml

from benchmarks.scale import DOCS, FIGURES, PAGE, Plan, alone, report, stages, written

FOUND = yaml.safe_load(FIGURES.read_text())
MEASURED = FOUND["measured"]


def section(title):
    """A section of BENCHMARKS.md, its lines joined."""
    text = (DOCS / "BENCHMARKS.md").read_text()
    [found] = re.findall(rf"^## {title}:.*?(?=^## |\Z)", text, re.M | re.S)
    return " ".join(found.split())


def test_the_page_has_the_tables_that_the_command_makes():
    page = PAGE.read_text()
    assert written(page, report(Plan(), FOUND)) == page, "python -m benchmarks.scale --write"


@pytest.mark.parametrize("name", MEASURED["updates"]["seconds"])
def test_the_seconds_of_a_step_are_those_of_the_benchmark_of_updates(name):
    clock, processor = MEASURED["updates"]["seconds"][name]
    [row] = re.findall(rf"\| {name} (\| [\d.]+ \| [\d.]+ \| [\d.]+ )", section("Updates"))
    rebuilt, _, rebuilt_processor = row.strip("| ").split(" | ")
    assert (float(rebuilt), float(rebuilt_processor)) == (clock, processor)


def test_all_figures_are_of_the_records_that_the_benchmarks_name():
    updates = MEASURED["updates"]
    said = f"{updates['records']:,} films, {updates['pairs'] / 1e6:.1f} million pairs"
    assert said in section("Updates")
    reading = MEASURED["reading"]
    assert f"{reading['records']:,} films" in section("Large files")
    assert f"{reading['processor_seconds']} s of the processor" in section("Large files")
    matching, memory = section("Matching"), MEASURED["memory"]
    assert f"| {MEASURED['shards_factor']} |" in matching
    assert re.search(rf"\| film \| ours \|[^|]+\|[^|]+\| {memory['megabytes']} \|", matching)
    assert f"{memory['records']:,} records" in matching
    assert f"{MEASURED['demo']['seconds']} s" in section("The demo")


def test_a_step_that_keeps_all_cores_busy_is_divided_and_one_that_keeps_one_is_not():
    assert alone(clock=5, processor=10, cores=2) == 0
    assert alone(clock=10, processor=10, cores=2) == 1
    assert alone(clock=7.5, processor=10, cores=2) == pytest.approx(0.5)


def test_ten_times_the_records_cost_ten_times_the_core_hours():
    once, tenfold = (
        sum(stage.core_seconds for stage in stages(Plan(records=n), MEASURED)) for n in (1e7, 1e8)
    )
    assert tenfold == pytest.approx(10 * once)
