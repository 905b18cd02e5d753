"""Speed and size of matching beside plain Splink, on generated people and films.

Run with ``python -m benchmarks.scoring`` (a small size) or ``--full`` (a million records, and 100
million pairs). Both sides read and write Parquet, use the same trained settings, pairs and
threshold, and their answers are compared: the run ends with 1 where they differ. Ratios are of
one run; each figure is a median.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table as Grid

from benchmarks import scoring_answers as answers
from benchmarks import scoring_runs as runs
from benchmarks.people_and_films import World
from benchmarks.scoring_many import score_many
from kg_assets.running import ALLOCATORS

if TYPE_CHECKING:
    from benchmarks.scoring_runs import Cost, DataSet

CONSOLE = Console(width=130)
RECORDS_PER_FILM = 6.1
"""Records of films and people together that a planted film leads to."""

MORE_SOURCES = 5
"""The mixes are of pairs of a world with so many sources more. Of three sources a record has hardly
one pair that is above the threshold, so a mix with many of these has few pairs, and reading the
records is most of what it measures: that is reported beside them."""

RECORDS_PER_MIXED_FILM = 13.5
"""As RECORDS_PER_FILM, with MORE_SOURCES."""

failures: list[str] = []


def check(held: bool, promise: str) -> str:
    """Note a promise that does not hold."""
    if not held:
        failures.append(promise)
    return "yes" if held else "NO"


def median(costs: list[Cost]) -> tuple[float, float]:
    """Medians of seconds and processor seconds."""
    return (
        statistics.median(cost.wall for cost in costs),
        statistics.median(cost.cpu for cost in costs),
    )


def every_pair(data: DataSet, threads: int) -> tuple[int, Path, Path]:
    """Block and score a world: number of its pairs, their file, and the file of their scores."""
    _, count = runs.block(data, 1, threads)
    pairs, scored = (
        data.folder / f"{data.kind}_{name}.parquet" for name in ("pairs_1_0", "every_pair")
    )
    runs.score_ours(data, pairs, scored, threads)
    return count, pairs, scored


def scoring(data: dict[str, DataSet], mixed: dict[str, DataSet], threads: int, rounds: int) -> None:
    """Pairs a second, natural mix and three mixes, for both models.

    Args:
        data: The world of which the natural mix is.
        mixed: The world of which the mixes are drawn; each has as many pairs as the natural one, if
            there are so many.
        threads: Threads of both sides.
        rounds: Runs of which the median is taken.
    """
    grid = Grid(
        "model",
        "above",
        "pairs",
        "Splink predict, s",
        "with reading, s",
        "ours, s",
        "every pair, s",
        "predict/ours",
        "whole/ours",
        "whole/ours, CPU",
        "same answer",
        title="Scoring",
    )
    for kind, one in data.items():
        many = mixed[kind]
        natural, pairs, scored = every_pair(one, threads)
        mixes = [("natural", one, pairs, natural)]
        _, _, scored_of_many = every_pair(many, threads)
        for share in (0.05, 0.3, 0.7):
            path, size = runs.mixed(many, scored_of_many, share, natural)
            mixes.append((f"{share:.0%}", many, path, size))
        few, size = runs.mixed(one, scored, 0.7, natural)
        mixes.append(("70%, few pairs", one, few, size))
        for label, world, path, size in mixes:
            ours, theirs = (world.folder / f"{kind}_{name}.parquet" for name in ("ours", "splink"))
            mine, every, whole, predict = [], [], [], []
            for _ in range(rounds):
                every.append(runs.score_ours(world, path, ours, threads))
                mine.append(runs.score_ours(world, path, ours, threads, every_pair=False))
                everything, only = runs.score_splink(world, path, theirs, threads)
                whole.append(everything)
                predict.append(only)
            both, alone, largest = answers.disagreement(world, ours, theirs)
            same = alone == 0 and largest <= 1e-6
            grid.add_row(
                kind,
                f"{label} ({both / size:.0%})" if label == "natural" else label,
                f"{size:,}",
                f"{median(predict)[0]:.2f}",
                f"{median(whole)[0]:.2f}",
                f"{median(mine)[0]:.2f}",
                f"{median(every)[0]:.2f}",
                f"{median(predict)[0] / median(mine)[0]:.2f}",
                f"{median(whole)[0] / median(mine)[0]:.2f}",
                f"{median(whole)[1] / median(mine)[1]:.2f}",
                check(same, f"{kind}, {label}: the same pairs and weights as Splink"),
            )
    CONSOLE.print(grid)
    CONSOLE.print(
        "Splink's predict alone reads and writes nothing; 'with reading' and ours go from Parquet "
        "to Parquet, with the weights of the pairs above the threshold, ours with vetoes; Splink "
        "reads records that hold already what names tell; 'every pair' is what a build does: a row "
        "for each pair, exact as far as the review queue needs it. 'Few pairs' are of the world of "
        "the natural mix, where a record has hardly one that is above the threshold"
    )


def worker(engine: str, data: DataSet, target: Path, threads: int, shards: int) -> Cost:
    """Run one side in a process of its own, for its peak memory."""
    command = [
        sys.executable, "-W", "ignore", "-m", "benchmarks.scoring", "--worker", engine,
        "--folder", str(data.folder), "--kind", data.kind, "--target", str(target),
        "--threads", str(threads), "--shards", str(shards),
    ]  # fmt: skip
    # Ours as a build starts its workers, plain Splink as its user does.
    environment = dict(os.environ) if engine == "splink" else os.environ | ALLOCATORS
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise RuntimeError(f"{engine} failed: {done.stderr[-2000:]}")
    return runs.Cost(**json.loads(done.stdout.strip().splitlines()[-1]))


def end_to_end(data: dict[str, DataSet], threads: int, rounds: int) -> None:
    """Records to entities: time, memory and F1 of both sides."""
    grid = Grid(
        "model", "who", "s", "CPU s", "MB", "precision", "recall", "F1", title="To entities"
    )
    totals: dict[str, list[float]] = {}
    for one in data.values():
        for engine in ("splink", "ours"):
            target = one.folder / f"{one.kind}_clusters_{engine}.parquet"
            costs = [worker(engine, one, target, threads, 1) for _ in range(rounds)]
            wall, cpu = median(costs)
            memory = statistics.median(cost.memory for cost in costs)
            precision, recall, f1 = answers.pairwise_f1(one, target)
            grid.add_row(
                one.kind, engine, f"{wall:.1f}", f"{cpu:.1f}", f"{memory:,.0f}",
                f"{precision:.4f}", f"{recall:.4f}", f"{f1:.4f}",
            )  # fmt: skip
            totals.setdefault(engine, []).extend((wall, memory, f1))
    CONSOLE.print(grid)
    ours, theirs = totals["ours"], totals["splink"]
    CONSOLE.print(
        f"time ours/Splink {sum(ours[::3]) / sum(theirs[::3]):.2f} (wanted: at most 0.5), "
        f"memory {max(ours[1::3]) / max(theirs[1::3]):.2f} (wanted: at most 0.5), "
        f"F1 no lower: {all(a >= b for a, b in zip(ours[2::3], theirs[2::3], strict=True))}"
    )


def shards(data: dict[str, DataSet], threads: int, rounds: int) -> None:
    """Blocking over 64 shards beside one pass."""
    grid = Grid(
        "model", "pairs", "one pass, s", "64 shards, s", "ratio (wanted: 1.5)", title="Shards"
    )
    for one in data.values():
        whole, parts, pairs = [], [], (0, 0)
        for _ in range(rounds):
            a, b = runs.block(one, 1, threads), runs.block(one, 64, threads)
            whole.append(a[0])
            parts.append(b[0])
            pairs = a[1], b[1]
        check(pairs[0] == pairs[1], f"{one.kind}: 64 shards make the pairs of one pass")
        a_wall, b_wall = median(whole)[0], median(parts)[0]
        grid.add_row(
            one.kind, f"{pairs[0]:,}", f"{a_wall:.2f}", f"{b_wall:.2f}", f"{b_wall / a_wall:.2f}"
        )
    CONSOLE.print(grid)


def curve(data: DataSet, threads: int, most: int) -> None:
    """Time and memory over the number of pairs, in 16 shards."""
    grid = Grid("pairs", "s", "us a pair", "peak MB", title=f"{data.kind}: pairs in 16 shards")
    for pairs in (most // 8, most // 4, most // 2, most):
        cost = worker("many", data, data.folder / "many.parquet", threads, pairs)
        grid.add_row(
            f"{pairs:,}",
            f"{cost.wall:.1f}",
            f"{cost.wall / pairs * 1e6:.2f}",
            f"{cost.memory:,.0f}",
        )
        check(cost.memory <= 2048, f"{pairs:,} pairs in 16 shards within 2 GB")
    CONSOLE.print(grid)


def side_by_side(data: DataSet, rounds: int) -> None:
    """Two shards at once with a thread each, beside one after the other with two threads."""
    runs.block(data, 2, 2)
    paths = [data.folder / f"{data.kind}_pairs_2_{shard}.parquet" for shard in (0, 1)]
    together, after = [], []
    for _ in range(rounds):
        timer = runs.Timer()
        started = [
            subprocess.Popen(
                [
                    sys.executable, "-W", "ignore", "-m", "benchmarks.scoring", "--worker", "score",
                    "--folder", str(data.folder), "--kind", data.kind, "--pairs", str(path),
                    "--target", str(path.with_suffix(".scores")), "--threads", "1",
                ],
                stdout=subprocess.DEVNULL,
            )
            for path in paths
        ]  # fmt: skip
        codes = [each.wait() for each in started]
        check(not any(codes), "two shards side by side are scored")
        together.append(timer.stop())
        timer = runs.Timer()
        for path in paths:
            subprocess.run(
                [
                    sys.executable, "-W", "ignore", "-m", "benchmarks.scoring", "--worker", "score",
                    "--folder", str(data.folder), "--kind", data.kind, "--pairs", str(path),
                    "--target", str(path.with_suffix(".scores")), "--threads", "2",
                ],
                stdout=subprocess.DEVNULL,
                check=True,
            )  # fmt: skip
        after.append(timer.stop())
    CONSOLE.print(
        f"{data.kind}: two shards side by side, a thread each: {median(together)[0]:.2f} s; one "
        f"after the other with two threads: {median(after)[0]:.2f} s (both with starting Python)"
    )


def skew(folder: Path, films: int, threads: int) -> None:
    """One title with 20,000 records: recall in it and time for each pair."""
    grid = Grid(
        "world", "pairs", "s", "us a pair", "recall in the block", "pairs not made", title="Skew"
    )
    each = []
    for label, same in (("no skew", 0), ("20,000 records of one title", 6_667)):
        place = folder / f"skew_{same}"
        place.mkdir()
        data = runs.prepare(place, World(films, same_title=same), threads)["film"]
        cost, pairs = runs.block(data, 1, threads)
        recall, dropped = answers.recall_of_block(data, same)
        each.append(cost.wall / pairs)
        grid.add_row(
            label, f"{pairs:,}", f"{cost.wall:.2f}", f"{each[-1] * 1e6:.2f}",
            f"{recall:.4f}" if same else "", f"{dropped:,}" if same else "",
        )  # fmt: skip
        if same:
            check(recall >= 0.99, "recall of planted matches in the heavy block at least 0.99")
    CONSOLE.print(grid)
    CONSOLE.print(f"time for each pair, with skew / without: {each[1] / each[0]:.2f} (wanted: 3)")


def show_settings(data: dict[str, DataSet]) -> None:
    """Print what plain Splink is given."""
    for one in data.values():
        CONSOLE.print(f"settings of plain Splink, {one.kind}:", style="bold")
        CONSOLE.print_json(json.dumps(runs.splink_settings(one)), indent=None)


def run_worker(options: argparse.Namespace) -> None:
    """One side in this process; prints its cost as JSON."""
    data = runs.DataSet(options.folder, options.kind)
    if options.worker == "splink":
        cost = runs.resolve_splink(data, options.target, options.threads)
    elif options.worker == "ours":
        cost = runs.resolve_ours(data, options.target, options.threads, options.shards)
    elif options.worker == "many":
        cost = score_many(data, options.target, options.threads, options.shards)
    else:
        cost = runs.score_ours(data, options.pairs, options.target, options.threads)
    print(json.dumps({"wall": cost.wall, "cpu": cost.cpu, "memory": cost.memory}))


SECTIONS = ("scoring", "entities", "shards", "curve", "side", "skew")


def main() -> int:
    """Run the sections and print them; 1 where a promised equality does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="a million records, 100 million pairs")
    parser.add_argument("--records", type=int, default=120_000, help="records of both types")
    parser.add_argument("--pairs", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--many", type=int, default=4_000_000, help="pairs of the curve")
    parser.add_argument("--rounds", type=int, default=3, help="runs of which the median is taken")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", choices=SECTIONS, action="append", help="sections to run")
    for name in ("--worker", "--kind"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    for name in ("--folder", "--target"):
        parser.add_argument(name, type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--shards", type=int, default=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        run_worker(options)
        return 0
    if options.full:
        options.records, options.many = 1_000_000, 100_000_000
    wanted = options.only or SECTIONS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        films = int(options.records / RECORDS_PER_FILM)
        CONSOLE.print(
            f"{films:,} planted films, {options.threads} threads, {options.rounds} rounds"
        )
        data = runs.prepare(folder, World(films), options.threads)
        show_settings(data)
        if "scoring" in wanted:
            place = folder / "mixed"
            place.mkdir()
            world = World(int(options.records / RECORDS_PER_MIXED_FILM), more_sources=MORE_SOURCES)
            mixed = runs.prepare(place, world, options.threads)
            show_settings(mixed)
            scoring(data, mixed, options.threads, options.rounds)
        if "entities" in wanted:
            end_to_end(data, options.threads, options.rounds)
        if "shards" in wanted:
            shards(data, options.threads, options.rounds)
        if "curve" in wanted:
            curve(data["film"], options.threads, options.many)
        if "side" in wanted:
            side_by_side(data["person"], options.rounds)
        if "skew" in wanted:
            skew(folder, max(20_000, films), options.threads)
    for promise in failures:
        CONSOLE.print(f"does not hold: {promise}", style="bold red")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
