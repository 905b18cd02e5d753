"""Updates beside rebuilds: a delivery that changes 0.1 % of the records, stage by stage.

Run with ``python -m benchmarks.updates`` (200,000 records of each kind) or with ``--full`` for
two million. Films, and people with the works that credit them, are generated with two sources.
The same deliveries are taken by two copies of one lake: one is updated, in the other everything
is made again from the same identities. Their pairs, scores, entities and ids must be equal, or
the benchmark fails. Steps are run by as many processes as a build would use, shards side by side.
The promise is judged by the clock and by processor time, which other work on the machine changes
least. Seconds are those of the steps alone; what Dagster costs on top, for the same steps with
nothing to do, is printed apart.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table as Grid

from benchmarks.updates_data import (
    SOURCES,
    changed_works,
    deliver,
    films,
    people,
    work_records,
    works,
)
from benchmarks.updates_steps import SHARDED, run
from kg_assets.matching import tables
from kg_assets.matching.component_scores import component_scores
from kg_assets.matching.models import MODELS
from kg_assets.matching.record_counts import record_counts
from kg_assets.matching.records import records
from kg_assets.sources.tables import SOURCE_RECORDS
from resources.lake import Lake
from resources.settings import Settings

if TYPE_CHECKING:
    import duckdb

    from kg_assets.matching.model import MatchSpec
    from resources.table import Table

CHANGED = 0.001
"""Share of the records that the delivery adds (40 %), changes (40 %) or deletes (20 %)."""

PROMISED = 0.05
"""Share of a rebuild's time that an update may take to block, score and cluster."""

STAGES = ("records", "keys", "pairs", "scores", "thresholds", "clusters", "golden")
_PROMISED_STAGES = ("keys", "pairs", "scores", "thresholds", "clusters")


def start(lake: Lake, kind: str, things: int) -> None:
    """Deliver all things, from both sources; people with the works that credit them."""
    generated = films if kind == "film" else people
    for source in SOURCES:
        deliver(lake, source, "0", partial(generated, first=0, last=things, source=source))
        if kind == "person":

            def credited(
                con: duckdb.DuckDBPyConnection, source: str = source
            ) -> duckdb.DuckDBPyRelation:
                works(con, things, source)
                return work_records(con)

            deliver(lake, source, "1", credited)
    if kind == "person":
        with lake.step("film/resolved_entities") as step:
            for place, source in enumerate(SOURCES):
                step.view(f"work_{place}", SOURCE_RECORDS, f"{source}|1")
            step.write(
                tables.entity_members("film"),
                step.con.sql(
                    """
                    SELECT 'film:' || source_id AS entity_id, 'film' AS entity_type, source,
                           source_id
                    FROM (SELECT * FROM work_0 UNION ALL SELECT * FROM work_1)
                    """
                ),
            )


def change(lake: Lake, kind: str, things: int) -> int:
    """Deliver the changes and return how many records they concern.

    Beside the changed people a few of the works that credit people change.
    """
    generated = films if kind == "film" else people
    fifth = max(1, round(2 * things * CHANGED / 5 / 2))
    middle = things // 2
    for source in SOURCES:
        deliver(lake, source, "2", partial(generated, first=things, last=things + 2 * fifth,
                                           source=source))  # fmt: skip
        deliver(lake, source, "3", partial(generated, first=middle, last=middle + 2 * fifth,
                                           source=source, edition=1))  # fmt: skip
        deliver(lake, source, "4", partial(generated, first=middle // 2, last=middle // 2 + fifth,
                                           source=source), "delete")  # fmt: skip
        if kind == "person":
            deliver(lake, source, "5", partial(changed_works, people_count=things, source=source))
    return 2 * 5 * fifth


def differing(left: Lake, right: Lake, spec: MatchSpec) -> list[str]:
    """Names of the tables in which two lakes differ."""
    kind = spec.entity_type
    compared: list[Table] = [
        records(spec),
        tables.block_keys(kind),
        tables.blocked_pairs(kind),
        tables.match_scores(kind),
        tables.score_counts(kind),
        record_counts(kind),
        tables.resolved_entities(kind),
        tables.entity_members(kind),
        tables.identity_events(kind),
        component_scores(kind),
        tables.doubtful_pairs(kind),
        tables.cluster_quality(kind),
        tables.review_queue(kind),
    ]
    return [table.name for table in compared if _summary(left, table) != _summary(right, table)]


def _summary(lake: Lake, table: Table) -> tuple[int, int]:
    columns = ", ".join(f'"{name}"' for name in table.schema.names)
    with lake.step("compare") as step:
        rows = step.read(table, tracked=False)
        found = rows.aggregate(f"count(*), sum(hash({columns})::HUGEINT)").fetchall()[0]
    return int(found[0]), int(found[1] or 0)


def overhead(settings: Settings, spec: MatchSpec, pool: ProcessPoolExecutor) -> tuple[float, int]:
    """Seconds that Dagster adds to the chain's runs, and how many runs there are.

    The runs follow each other, and so do the steps that are taken away from them.
    """
    from kg_assets.build import assemble
    from kg_assets.planning import lanes
    from kg_assets.running import Task, execute

    os.environ["KG_HOME"] = str(settings.home)
    tasks = []
    for lane in lanes(assemble(settings).steps).values():
        if not any(step.entity_type == spec.entity_type for step in lane.steps):
            continue
        mine = [step for step in lane.steps if step.group == "matching"]
        keys = lane.steps[0].partitions
        for key in keys.get_partition_keys() if keys else [None]:
            tasks.append(
                Task(
                    lane.name,
                    tuple(step.name for step in mine),
                    tuple(table.name for step in mine for table in step.outputs),
                    (key,) if key else (),
                )
            )
    tasks = [task for task in tasks if task.steps]
    seconds = {}
    # The first run makes the definitions, as a worker does once.
    for attempt in ("warm", "dagster"):
        started = time.perf_counter()
        for task in tasks:
            result = execute(task, "benchmark")
            if result.error is not None:
                raise RuntimeError(f"{task.label}: {result.error}")
        seconds[attempt] = time.perf_counter() - started
    lake = Lake(settings)
    run(lake, spec, pool)
    alone = run(lake, spec, pool)
    steps = sum(alone.cpu[stage] if stage in SHARDED else alone.wall[stage] for stage in alone.wall)
    return seconds["dagster"] - steps, len(tasks)


def measure(
    console: Console,
    folder: Path,
    kind: str,
    things: int,
    pool: ProcessPoolExecutor,
    *,
    dagster: bool,
) -> bool:
    """Measure one kind and print it.

    Returns:
        Whether the two lakes are equal.
    """
    spec = MODELS[kind]
    first = Settings(home=folder / f"{kind}-first")
    lake = Lake(first)
    console.print(f"{kind}: generating 2 records of each of {things:,}")
    start(lake, kind, things)
    console.print(f"{kind}: making all from records to entities")
    run(lake, spec, pool)
    copy = folder / f"{kind}-again"
    shutil.copytree(first.home, copy, copy_function=_link)
    delivered = change(Lake(first), kind, things)
    again = Settings(home=copy)
    change(Lake(again), kind, things)
    console.print(f"{kind}: updating one copy")
    update = run(Lake(first), spec, pool)
    console.print(f"{kind}: making all again in the other")
    rebuild = run(Lake(again), spec, pool, "again")
    console.print(f"{kind}: comparing the two")
    unequal = differing(Lake(first), Lake(again), spec)
    rows = Lake(first).heads(records(spec))["all"].file.rows
    scored = Lake(first).heads(tables.match_scores(kind)).values()
    pairs = sum(head.file.rows for head in scored)
    grid = Grid(
        title=f"{kind}: {rows:,} records, {pairs:,} pairs, {delivered:,} delivered",
        title_justify="left",
    )
    grid.add_column("stage", min_width=10)
    for name in ("rebuild s", "update s", "share", "rebuild cpu s", "update cpu s", "share cpu"):
        grid.add_column(name, justify="right")

    def line(name: str, stages: tuple[str, ...]) -> tuple[float, float]:
        (rebuilt, rebuilt_cpu), (updated, updated_cpu) = rebuild.of(stages), update.of(stages)
        grid.add_row(
            name,
            f"{rebuilt:.2f}",
            f"{updated:.2f}",
            f"{updated / rebuilt:.1%}",
            f"{rebuilt_cpu:.2f}",
            f"{updated_cpu:.2f}",
            f"{updated_cpu / rebuilt_cpu:.1%}",
        )
        return updated / rebuilt, updated_cpu / rebuilt_cpu

    for stage in STAGES:
        line(stage, (stage,))
    grid.add_section()
    share, share_cpu = line("blocked, scored and clustered", _PROMISED_STAGES)
    line("all", STAGES)
    console.print(grid)
    console.print(
        "The update ends in the same records, pairs, scores, entities and ids."
        if not unequal
        else f"[red]The update differs from the rebuild in {', '.join(unequal)}.[/]"
    )
    kept = "kept" if max(share, share_cpu) <= PROMISED else "not kept at this size"
    console.print(
        f"Promise of {PROMISED:.0%} at two million records: {share:.1%} of the seconds by the "
        f"clock, {share_cpu:.1%} of the processor's, {kept}."
    )
    if dagster:
        extra, runs = overhead(first, spec, pool)
        console.print(f"Dagster adds {extra:.2f} s to the chain's {runs} runs.")
    return not unequal


def _link(source: str, target: str) -> None:
    # Files of the lake never change, so both copies can share them.
    if source.endswith(".parquet"):
        os.link(source, target)
    else:
        shutil.copy2(source, target)


def main() -> None:
    """Measure films and people; print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="two million records of each kind")
    parser.add_argument("--records", type=int, default=200_000, help="records of each kind")
    parser.add_argument("--kinds", default="film,person", help="film, person or both")
    parser.add_argument("--no-dagster", action="store_true", help="leave Dagster's overhead out")
    asked = parser.parse_args()
    count = 2_000_000 if asked.full else asked.records
    console = Console()
    with (
        tempfile.TemporaryDirectory(dir=os.environ.get("KG_BENCH_DIR")) as folder,
        ProcessPoolExecutor(Settings().workers, mp_context=get_context("spawn")) as pool,
    ):
        equal = [
            measure(console, Path(folder), kind, count // 2, pool, dagster=not asked.no_dagster)
            for kind in asked.kinds.split(",")
        ]
    sys.exit(0 if all(equal) else 1)


if __name__ == "__main__":
    main()
