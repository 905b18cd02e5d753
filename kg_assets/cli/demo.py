"""`kg demo`: lands the real data, builds the graph and says what came out, with the score."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import psutil
from rich.table import Table as Grid

from kg_assets.building import build
from kg_assets.cli.building import BuildProgress, report
from kg_assets.cli.reading import all_members, reading_session
from kg_assets.cli.render import console, fail
from kg_assets.matching.evaluation import score_complete
from kg_assets.matching.models import MODELS
from kg_assets.matching.tables import blocked_pairs
from kg_assets.sources.demo import (
    DemoDataError,
    demo_files,
    imdb_links,
    same_director_links,
)
from kg_assets.sources.landing import LandingError, land
from kg_assets.sources.tables import QUARANTINED_BLOBS, SOURCE_RECORDS
from resources.lake import Lake

if TYPE_CHECKING:
    import duckdb

    from resources.settings import Settings
    from resources.table import Table

DELIVERY = "demo"
MEMORY_LIMIT = "400MB"
"""KG_MEMORY_LIMIT of the demo, where it is not set: its data are small, and so are laptops."""

_SAMPLE_SECONDS = 0.25


def run_demo(settings: Settings) -> int:
    """Land, build and sum up.

    Returns:
        0 where all of it went well, else 1.
    """
    started = time.perf_counter()
    try:
        for source, files in demo_files().items():
            landed = land(settings.landing_path, source, files, DELIVERY)
            state = "landed" if landed.changed else "is there already"
            console.print(f"{source}: {landed.bytes / 1e6:.1f} MB {state}")
    except (DemoDataError, LandingError) as error:
        fail(str(error))
    with Memory() as memory, BuildProgress() as progress:
        summary = build(settings, watcher=progress)
    report(summary)
    if summary.failed or summary.blocked:
        return 1
    lake = Lake(settings)
    with reading_session(settings) as con:
        _counts(lake, con)
        _graph(settings)
        _scores(settings, lake, con)
    console.print(
        f"\n{time.perf_counter() - started:.0f} s, peak memory {memory.peak_bytes / 1e9:.2f} GB "
        "(all processes together)."
    )
    console.print(
        "\nThree things to try next:\n"
        "  .venv/bin/kg show 'Glass Onion'      an entity with its records, facts and quotes\n"
        '  .venv/bin/kg sql "SELECT subject, relation, object FROM relations '
        "WHERE kind = 'inferred' AND stored\"\n"
        "  make ui                              the asset graph, its tables, runs and checks",
        soft_wrap=True,
    )
    return 0


def _counts(lake: Lake, con: duckdb.DuckDBPyConnection) -> None:
    grid = Grid("source", "records", "of them people", "quarantined", title="Read")
    for partition in sorted(lake.heads(SOURCE_RECORDS)):
        rows = lake.relation(con, SOURCE_RECORDS, partition)
        people = _count(rows.filter("entity_type = 'person'"))
        quarantined = _rows(lake, QUARANTINED_BLOBS, partition)
        grid.add_row(
            partition.partition("|")[0], f"{_count(rows):,}", f"{people:,}", f"{quarantined:,}"
        )
    console.print(grid)
    pairs = {name: _rows(lake, blocked_pairs(name)) for name in MODELS}
    shown = ", ".join(f"{name} {count:,}" for name, count in pairs.items() if count)
    console.print(f"Candidate pairs: {shown}")


def _graph(settings: Settings) -> None:
    import duckdb

    with duckdb.connect(str(settings.published), read_only=True) as con:
        nodes = con.sql("SELECT node_type, count(*) FROM nodes GROUP BY 1 ORDER BY 2 DESC, 1")
        entities = Grid("entities", "", title="Entities by type")
        for name, count in nodes.fetchall():
            entities.add_row(name, f"{count:,}")
        edges = con.sql(
            """
            SELECT relation, kind, count(*)
            FROM edges
            GROUP BY 1, 2
            ORDER BY 3 DESC, 1
            """
        )
        relations = Grid("relation", "kind", "", title="Relations by kind")
        for name, kind, count in edges.fetchall():
            relations.add_row(name, kind, f"{count:,}")
    grid = Grid.grid(padding=(0, 4))
    grid.add_row(entities, relations)
    console.print(grid)


def _scores(settings: Settings, lake: Lake, con: duckdb.DuckDBPyConnection) -> None:
    records = lake.relation(con, SOURCE_RECORDS)
    members = all_members(settings, con)
    grid = Grid(
        "labels", "pairs", "precision", "recall", "F1", title="Matching, against shared IMDb ids"
    )
    films, directors = imdb_links(records), same_director_links(records)
    for name, found in (
        ("films", score_complete(con, films, members.filter("entity_type = 'film'"))),
        (
            "directors of these films",
            score_complete(con, directors, members, among_labelled=True),
        ),
    ):
        grid.add_row(
            name,
            f"{found.links:,}",
            f"{found.precision:.4f}",
            f"{found.recall:.4f}",
            f"{found.f1:.4f}",
        )
    console.print(grid)


def _count(relation: duckdb.DuckDBPyRelation) -> int:
    return int(relation.aggregate("count(*)").fetchall()[0][0])


def _rows(lake: Lake, table: Table, partition: str | None = None) -> int:
    return sum(head.file.rows for head in lake.heads(table, partition).values())


class Memory:
    """Peak memory of this process and its children, pages that they share counted once."""

    peak_bytes = 0

    def __enter__(self) -> Memory:
        """Start sampling."""
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop sampling."""
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        me = psutil.Process()
        while not self._done.wait(_SAMPLE_SECONDS):
            total = 0
            for process in (me, *me.children(recursive=True)):
                try:
                    memory = process.memory_full_info()
                except psutil.Error:
                    continue
                # Proportional set size where the system tells it, else what is resident.
                total += getattr(memory, "pss", memory.rss)
            self.peak_bytes = max(self.peak_bytes, total)
