"""What a large graph takes, computed on paper from measured costs and assumed prices.

Run with ``python -m benchmarks.scale``; it reads docs/scale.yaml, which says where each figure is
from. Nothing is measured here.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from rich.console import Console
from rich.table import Table as Grid

FIGURES = Path(__file__).parents[1] / "docs" / "scale.yaml"
TABLES = 180
"""Tables of a namespace, about; each shard writes three of them and the rest are one file."""


@dataclass(frozen=True)
class Plan:
    """A graph that is built anew, and with what.

    Attributes:
        records: Records.
        pairs: Candidate pairs.
        workers: Machines that take shards.
        shards: Shards of the largest type.
    """

    records: float
    pairs: float
    workers: int
    shards: int


def steps(plan: Plan, measured: Mapping[str, float]) -> list[tuple[str, float, bool]]:
    """Core seconds of each kind of step, and whether shards of it run on many machines."""
    n = plan.records
    pairs = n * (measured["pairs"] * measured["shards_factor"] + measured["scores"])
    known = plan.pairs * measured["a_pair"]
    return [
        ("read deliveries", n * measured["read_a_record"], True),
        ("records and features", n * measured["records"], False),
        ("block keys", n * measured["block_keys"], False),
        ("pairs and scores", max(pairs, known), True),
        ("clusters", n * measured["clusters"], False),
        ("golden records", n * measured["golden"], False),
    ]


def report(console: Console, plan: Plan, figures: Mapping[str, Mapping[str, float]]) -> None:
    """Print what a plan takes."""
    measured, assumed = figures["measured"], figures["assumed"]
    small = plan.workers * assumed["worker_cores"] * assumed["core_is_worth"]
    big = assumed["big_cores"] * assumed["core_is_worth"] * assumed["big_machine_is_used"]
    grid = Grid("step", "core hours", "where", "minutes")
    minutes = cores = 0.0
    for name, seconds, spread in steps(plan, measured):
        took = seconds / (small if spread else big) / 60
        if name == "pairs and scores":
            took += plan.shards * measured["seconds_a_run"] / plan.workers / 60
        minutes += took
        cores += seconds / 3600
        where = f"{plan.workers} workers" if spread else "one big machine"
        grid.add_row(name, f"{seconds / 3600:.1f}", where, f"{took:.0f}")
    grid.add_row("all", f"{cores:.1f}", "", f"{minutes:.0f}")
    console.print(f"{plan.records:,.0f} records, {plan.pairs:,.0f} pairs, {plan.shards} shards")
    console.print(grid)
    hours = minutes / 60
    machines = plan.workers * assumed["worker_dollars_an_hour"] + assumed["big_dollars_an_hour"]
    disk = plan.records * measured["bytes_a_record"] / 1e9
    kept = disk * assumed["versions_kept"]
    files = TABLES + 3 * plan.shards
    requests = files * (
        assumed["million_puts_dollars"] + plan.workers * assumed["million_gets_dollars"]
    )
    memory = plan.records * measured["memory_of_a_record"] / 1e9
    ceiling = plan.records * measured["whole_demo_a_record"] / 3600
    lines = {
        "machines, while it runs": f"${hours * machines:,.2f}",
        "Postgres, a month": f"${assumed['postgres_dollars_an_hour'] * 730:,.0f}",
        "lake, one version": f"{disk:,.0f} GB",
        "lake, a month": f"${kept * assumed['storage_dollars_a_gb_month']:,.2f}",
        "requests to the bucket": f"${requests / 1e6:,.4f}",
        "memory of the fan-in steps": f"{memory:,.0f} GB; the big machine has "
        f"{assumed['big_memory_gb']:.0f} GB",
        "ceiling: the whole demo's cost a record": f"{ceiling:,.0f} core hours",
    }
    for name, value in lines.items():
        console.print(f"{name}: {value}")


def main() -> None:
    """Print the plan."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=float, default=1e8)
    parser.add_argument("--pairs", type=float, default=1e9)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--shards", type=int, default=256)
    options = parser.parse_args()
    plan = Plan(options.records, options.pairs, options.workers, options.shards)
    report(Console(width=100), plan, yaml.safe_load(FIGURES.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
