"""What a large graph takes, computed on paper from measured costs and assumed prices.

Run with ``python -m benchmarks.scale``; it reads docs/scale.yaml, which says where each figure is
from. With ``--write`` it puts its tables into docs/SCALE.md. Nothing is measured here.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

DOCS = Path(__file__).parents[1] / "docs"
FIGURES, PAGE = DOCS / "scale.yaml", DOCS / "SCALE.md"
BEGIN, END = "<!-- benchmarks.scale -->", "<!-- end -->"
TABLES = 180
"""Tables of a namespace, about; each shard writes three of them and the rest are one file."""


@dataclass(frozen=True)
class Plan:
    """A graph that is built anew.

    Attributes:
        records: Records; they have as many pairs each as those that were measured.
        shards: Shards of the largest type.
    """

    records: float = 1e8
    shards: int = 256


@dataclass(frozen=True)
class Stage:
    """A kind of step.

    Attributes:
        name: Its name.
        core_seconds: Seconds of one core, of all its runs.
        alone: Share of its work that one thread does while the others wait; None where it is many
            runs, which machines share.
        runs: How many runs those are.
    """

    name: str
    core_seconds: float
    alone: float | None = None
    runs: int = 0


def alone(clock: float, processor: float, cores: int) -> float:
    """Share of a step's work that one thread does, by Amdahl's law.

    Args:
        clock: Seconds that it took on so many cores.
        processor: Seconds of the processor.
        cores: How many.
    """
    return min(1.0, max(0.0, (clock * cores / processor - 1) / (cores - 1)))


def stages(plan: Plan, measured: Mapping[str, Any]) -> list[Stage]:
    """What a plan takes, stage by stage."""
    updates, reading = measured["updates"], measured["reading"]
    seconds = updates["seconds"]
    grown = plan.records / updates["records"]
    sharded = seconds["pairs"][1] * measured["shards_factor"] + seconds["scores"][1]

    def whole(name: str) -> Stage:
        clock, processor = seconds[name]
        return Stage(name, processor * grown, alone(clock, processor, measured["cores"]))

    read = plan.records * reading["processor_seconds"] / reading["records"]
    return [
        Stage("read deliveries, with their checks", read),
        whole("records"),
        whole("keys"),
        Stage(f"pairs and scores, {plan.shards} shards", sharded * grown, runs=plan.shards),
        whole("clusters"),
        whole("golden records"),
    ]


def minutes(stage: Stage, figures: Mapping[str, Any]) -> float:
    """How long a stage takes on the machines that are assumed."""
    measured, assumed = figures["measured"], figures["assumed"]
    if stage.alone is None:
        workers = assumed["worker_machines"] * assumed["worker_cores"]
        waiting = stage.runs * measured["seconds_a_run"] / workers
        return float(stage.core_seconds / (workers * assumed["core_is_worth"]) + waiting) / 60
    share = stage.alone + (1 - stage.alone) / assumed["big_cores"]
    return float(stage.core_seconds * share / assumed["core_is_worth"]) / 60


def pair_microseconds(measured: Mapping[str, Any]) -> float:
    """Core microseconds of a pair: its share of keys, blocking in shards, scores and clusters."""
    seconds = measured["updates"]["seconds"]
    blocked = seconds["pairs"][1] * measured["shards_factor"]
    rest = sum(seconds[name][1] for name in ("keys", "scores", "clusters"))
    return float((blocked + rest) / measured["updates"]["pairs"]) * 1e6


def report(plan: Plan, figures: Mapping[str, Any]) -> str:
    """The tables of a plan, as Markdown."""
    measured, assumed = figures["measured"], figures["assumed"]
    updates, demo = measured["updates"], measured["demo"]
    pairs = plan.records * updates["pairs"] / updates["records"]
    small = f"{assumed['worker_machines']} machines of {assumed['worker_cores']} cores"
    rows, total, spread, cores = [], 0.0, 0.0, 0.0
    for stage in stages(plan, measured):
        took = minutes(stage, figures)
        hours = stage.core_seconds / 3600
        total, cores = total + took, cores + hours
        spread += took if stage.alone is None else 0.0
        where = small if stage.alone is None else f"the big machine; one thread {stage.alone:.0%}"
        each = stage.core_seconds / plan.records * 1e6
        rows.append(f"| {stage.name} | {each:.1f} | {hours:.1f} | {where} | {took:.0f} |")
    per_record = cores * 3600 / plan.records * 1e6
    rows.append(f"| all | {per_record:.1f} | {cores:.1f} | | {total:.0f} |")
    rented = total * assumed["big_dollars_an_hour"]
    rented += spread * assumed["worker_machines"] * assumed["worker_dollars_an_hour"]
    disk = plan.records * demo["lake_megabytes"] / demo["records"] / 1e3
    kept = disk * assumed["versions_kept"]
    puts = TABLES + 3 * plan.shards
    gets = puts * (assumed["worker_machines"] + 1)
    asked = puts * assumed["million_puts_dollars"] + gets * assumed["million_gets_dollars"]
    memory = plan.records * measured["memory"]["megabytes"] / measured["memory"]["records"] / 1e3
    ceiling = demo["seconds"] * measured["cores"] / demo["records"] * plan.records / 3600
    a_pair = pair_microseconds(measured)
    lines = {
        "machines while they are used: the big one throughout, the others for what they share": (
            f"${rented / 60:,.2f}"
        ),
        "Postgres, a month": f"${assumed['postgres_dollars_an_hour'] * 730:,.0f}",
        "lake, one version": f"{disk:,.0f} GB",
        f"lake in a bucket, {assumed['versions_kept']} versions, a month": (
            f"${kept * assumed['storage_dollars_a_gb_month']:,.2f}"
        ),
        "requests to the bucket": f"${asked / 1e6:,.2f}",
        "memory of the steps that see all records": (
            f"{memory:,.0f} GB, of {assumed['big_memory_gb']} GB of the big machine"
        ),
        "a billion pairs alone: keys, blocking, scores and clusters": (
            f"{a_pair * 1e9 / 1e6 / 3600:.1f} core hours ({a_pair:.1f} us a pair)"
        ),
        "ceiling: the cost of a record in the whole demo, times all records": (
            f"{ceiling:,.0f} core hours"
        ),
    }
    return "\n".join(
        [
            f"{plan.records:,.0f} films with {pairs / 1e9:.1f} billion pairs, anew:",
            "",
            "| step | core us a record | core hours | where | minutes |",
            "|---|---|---|---|---|",
            *rows,
            "",
            "| what | how much |",
            "|---|---|",
            *(f"| {what} | {value} |" for what, value in lines.items()),
        ]
    )


def written(page: str, tables: str) -> str:
    """A page with the tables between its marks.

    Raises:
        ValueError: The page has no marks.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(
            f"{PAGE} lacks the lines {BEGIN} and {END}, between which the tables stand"
        )
    return f"{before}{BEGIN}\n{tables}\n{END}{after}"


def main() -> None:
    """Print the plan, or write it into the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=float, default=Plan.records)
    parser.add_argument("--shards", type=int, default=Plan.shards)
    parser.add_argument("--write", action="store_true", help=f"put the tables into {PAGE.name}")
    options = parser.parse_args()
    figures = yaml.safe_load(FIGURES.read_text(encoding="utf-8"))
    tables = report(Plan(options.records, options.shards), figures)
    if options.write:
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), tables), encoding="utf-8")
    else:
        print(tables)


if __name__ == "__main__":
    main()
