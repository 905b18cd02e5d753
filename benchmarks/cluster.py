"""How much quicker two workers are than one: a backfill of the shards of films, on a real cluster.

Run with ``python -m benchmarks.cluster``: 32 shards of 20 s of work each. With
``--shards 8 --seconds 4`` it takes less. Films are generated, of which 400 share each title, and
made ready once. Then all shards of their pairs and scores are made three times, each time in a
namespace of its own that reads what is ready: in this process, on a cluster with one worker, and on
one with two. Workers have one thread. Broker and Postgres run on loopback, as under
``kg cluster up``. The run ends with 1 where the tables differ or the gain is too small.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table as Grid

if TYPE_CHECKING:
    import duckdb

WANTED = 1.6
PAIRS_A_SECOND = 200_000
"""Candidate pairs that one core makes and scores in a second with the scorer `splink`."""

NAMESAKES = 200
"""Films of one title in each of the two sources; the pairs of a block grow with the square."""

LANE = "film/pairs"
READY_SECONDS = 120.0


def _namespace(name: str, variables: Mapping[str, str]) -> None:
    os.environ.update(variables)
    os.environ["KG_NAMESPACE"] = name


def _digests(name: str) -> dict[tuple[str, str], str]:
    from resources.lake import Lake
    from resources.settings import Settings

    made = {"film/blocked_pairs", "film/match_scores"}
    heads = Lake(Settings()).catalog.all_heads(name)
    return {place: head.file.digest for place, head in heads.items() if place[0] in made}


def _pairs(name: str) -> int:
    from resources.lake import Lake
    from resources.settings import Settings

    heads = Lake(Settings()).catalog.all_heads(name)
    return sum(head.file.rows for (table, _), head in heads.items() if table == "film/match_scores")


def _backfill(shards: int) -> tuple[float, list[float]]:
    """Make all shards; return the seconds, and those of each run."""
    from kg_assets.building import build
    from kg_assets.instance import open_instance
    from resources.settings import Settings

    settings = Settings()
    started = time.perf_counter()
    summary = build(settings, only=[LANE])
    seconds = time.perf_counter() - started
    if summary.failed or len(summary.results) != shards:
        raise SystemExit(f"{len(summary.failed)} runs failed: {summary.failed[:1]}")
    with open_instance(settings) as instance:
        stats = [instance.get_run_stats(result.run_id) for result in summary.results]
    return seconds, [(each.end_time or 0.0) - (each.start_time or 0.0) for each in stats]


def _films(con: duckdb.DuckDBPyConnection, count: int, source: str) -> duckdb.DuckDBPyRelation:
    """Films of one source, of which many share a title."""
    from benchmarks.updates_data import films

    films(con, 0, count, source).create_view("varied")
    titles = max(1, count // NAMESAKES)
    return con.sql(
        f"""
        SELECT * REPLACE (
            translate(left(md5((source_id::INTEGER % {titles})::VARCHAR), 12),
                      '0123456789', 'ghijk lmno') AS name)
        FROM varied
        """  # noqa: S608 - a number of ours.
    )


def _make_ready(films: int) -> None:
    """Generate films, and make what their shards read, as production."""
    from benchmarks.updates_data import SOURCES, deliver
    from kg_assets.building import build
    from resources.lake import Lake
    from resources.production import promote
    from resources.settings import Settings

    lake = Lake(Settings())
    for source in SOURCES:
        deliver(lake, source, "0", partial(_films, count=films, source=source))
    summary = build(Settings(), only=["film/records"])
    if summary.failed:
        raise SystemExit(f"the films could not be made ready: {summary.failed}")
    promote(lake.catalog, Settings().namespace)


def _wait_for_workers(count: int) -> None:
    from kg_assets.cluster.worker import app

    deadline = time.monotonic() + READY_SECONDS
    while len(app.control.inspect(timeout=2.0).ping() or {}) < count:
        if time.monotonic() > deadline:
            raise SystemExit("the workers did not start")


def measure(console: Console, folder: Path, shards: int, films: int) -> bool:
    """Measure, print, and say whether the results are equal and the gain is reached."""
    from kg_assets.cluster.local import local_servers, running, worker_command
    from resources.settings import Settings

    alone = {
        "KG_HOME": str(folder),
        "KG_SHARDS": str(shards),
        "KG_THREADS": "1",
        "KG_WORKERS": "1",
        "KG_LAUNCHER": "local",
        # It takes longer for a pair than the default scorer, so fewer films do.
        "KG_SCORERS": '{"film": "splink"}',
    }
    grid = Grid("who", "s", "gain", "a run, s (least)", "same as one process")
    with local_servers(folder / "cluster") as variables:
        _namespace("ready", {**variables, **alone})
        _make_ready(films)
        _namespace("alone", alone)
        began = time.process_time()
        seconds, runs = _backfill(shards)
        work = (time.process_time() - began) / shards
        expected = _digests("alone")
        console.print(
            f"{films:,} films, {shards} shards, {_pairs('alone'):,} pairs; "
            f"work of a shard: {work:.1f} processor seconds"
        )
        grid.add_row("one process", f"{seconds:.0f}", "", _of(runs), "")
        held, first = True, 0.0
        for count, name in ((1, "one"), (2, "two")):
            _namespace(name, {"KG_LAUNCHER": "celery"})
            settings = Settings()
            workers = {
                f"{name}-{number}": worker_command(settings, f"{number}") for number in range(count)
            }
            with running(workers, folder / "cluster"):
                _wait_for_workers(count)
                seconds, runs = _backfill(shards)
            same = _digests(name) == expected
            first = first or seconds
            gain = first / seconds
            held &= same and (count == 1 or gain >= WANTED)
            grid.add_row(
                f"{count} worker{'s' * (count > 1)}",
                f"{seconds:.0f}",
                f"{gain:.2f}",
                _of(runs),
                "yes" if same else "NO",
            )
    console.print(grid)
    console.print(f"wanted: a gain of {WANTED} and the same tables")
    return held


def _of(seconds: list[float]) -> str:
    return f"{statistics.median(seconds):.1f} ({min(seconds):.1f})"


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shards", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=20.0, help="work of a shard")
    parser.add_argument("--films", type=int, help="generated films, instead of --seconds")
    options = parser.parse_args()
    pairs = options.seconds * options.shards * PAIRS_A_SECOND
    # Each of the two records of a film meets all others of its title.
    films = options.films or round(pairs / (2 * NAMESAKES))
    with tempfile.TemporaryDirectory(prefix="kg-cluster-") as name:
        folder = Path(name)
        # Postgres does not run as root: its user has to come through.
        folder.chmod(0o711)
        held = measure(Console(width=100), folder, options.shards, films)
    sys.exit(0 if held else 1)


if __name__ == "__main__":
    main()
