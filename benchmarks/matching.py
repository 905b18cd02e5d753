"""How well records of two sources that share no key are matched, against corrected labels.

Run with ``python -m benchmarks.matching``. TMDB and TVDB records of MovieGraphBenchmark (see
`benchmarks.moviegraph`) are landed and resolved by the shipped models, then links between the two
sources are scored. Every predicted link is judged; pairs on which careful readers did not agree
count neither way. ``--shake N`` resolves again N times with the weight of every level multiplied
by a random factor and shows how far the scores move; ``--errors FILE`` writes the wrong links.
"""

# ruff: noqa: S608 - what is put into statements are names and numbers of this file.

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table as Grid

from benchmarks.chain import resolve, shaken, trained_settings
from benchmarks.moviegraph import MissingDataError, folder, links, write_canonical
from kg_assets.matching.evaluation import Scores, evaluate
from kg_assets.matching.models import MODELS
from kg_assets.matching.records import records
from kg_assets.matching.tables import blocked_pairs, entity_members
from kg_assets.sources.canonical import canonical_adapter
from kg_assets.sources.landing import land
from kg_assets.sources.registry import ADAPTERS
from kg_assets.sources.steps import run_raw_blobs, run_source_records
from resources.lake import Lake
from resources.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import duckdb
    import pyarrow as pa


KINDS = ("film", "series", "episode", "person", "organisation")
"""Entity types of the data, in the order in which they are resolved."""

GOAL_F1, GOAL_RECALL, GOAL_EPISODES = 0.985, 0.975, 0.97
"""On the corrected links: F1 and recall of all kinds together, F1 of episodes."""

RAW_CEILING = 0.93
"""A score above this on the published links means that their habits were learnt."""


@dataclass(frozen=True)
class Result:
    """Scores of one kind, or of all.

    Attributes:
        corrected: Against the corrected links.
        raw: Against the published links.
        by_name: True, false and missing links of a left record with a distinct right name.
        candidates: Candidate pairs between the sources.
        blocked: Corrected links among the candidate pairs.
        seconds: From records to entities.
    """

    corrected: Scores
    raw: Scores
    by_name: tuple[int, int, int]
    candidates: int
    blocked: int
    seconds: float


def judge(lake: Lake, data: Path, seconds: dict[str, float]) -> dict[str, Result]:
    """Score each kind, and all of them as "all"."""
    import duckdb

    labels = links(data)
    found = {}
    with duckdb.connect() as con:
        for kind in (*KINDS, "all"):
            kinds = KINDS if kind == "all" else (kind,)
            for name, relations in (
                ("members", [lake.relation(con, entity_members(one)) for one in kinds]),
                ("pairs", [lake.relation(con, blocked_pairs(one)) for one in kinds]),
                ("known", [lake.relation(con, records(MODELS[one])) for one in kinds]),
            ):
                columns = {
                    "members": "entity_id, source, source_id",
                    "pairs": "record_l, record_r",
                    "known": "record_id, source, name",
                }[name]
                for number, relation in enumerate(relations):
                    relation.create_view(f"{name}_{number}", replace=True)
                con.execute(
                    f"CREATE OR REPLACE TEMP TABLE {name} AS "
                    + " UNION ALL ".join(
                        f"SELECT {columns} FROM {name}_{number}" for number in range(len(relations))
                    )
                )
            found[kind] = _judge(con, labels.corrected, labels.published, labels.undecided, seconds)
            con.execute("DROP TABLE members; DROP TABLE pairs; DROP TABLE known")
            total = sum(seconds[one] for one in kinds)
            found[kind] = Result(**{**vars(found[kind]), "seconds": total})
    return found


def _judge(
    con: duckdb.DuckDBPyConnection,
    corrected: pa.Table,
    published: pa.Table,
    undecided: pa.Table,
    seconds: dict[str, float],
) -> Result:
    of_kind = {}
    for name, given in (("corrected", corrected), ("raw", published), ("open", undecided)):
        con.register("given", given)
        # A label is of the kind of its left record, whatever the right one is.
        of_kind[name] = con.sql(
            "SELECT given.* FROM given SEMI JOIN known ON known.record_id = given.left"
        ).to_arrow_table()
        con.unregister("given")
    con.register("gold", of_kind["corrected"])
    con.register("undecided", of_kind["open"])
    candidates, blocked = con.sql(
        """
        SELECT count(*), count(gold.left)
        FROM pairs
        LEFT JOIN gold ON gold.left = record_l AND gold.right = record_r
        WHERE split_part(record_l, ':', 1) <> split_part(record_r, ':', 1)
        """
    ).fetchall()[0]
    by_name = con.sql(
        """
        WITH predicted AS (
            SELECT l.source || ':' || l.source_id AS "left",
                   r.source || ':' || r.source_id AS "right"
            FROM members AS l
            JOIN members AS r USING (entity_id)
            WHERE l.source = 'tmdb' AND r.source = 'tvdb'
        ),
        told AS (
            SELECT "left", known.name, 1 AS is_predicted, 0 AS is_true
            FROM (FROM predicted ANTI JOIN undecided USING ("left", "right"))
            JOIN known ON record_id = "right"
            UNION ALL
            SELECT "left", known.name, 0, 1
            FROM gold
            JOIN known ON record_id = "right"
        ),
        judged AS (
            SELECT max(is_predicted) = 1 AS is_predicted, max(is_true) = 1 AS is_true
            FROM told
            GROUP BY "left", name
        )
        SELECT count(*) FILTER (is_predicted AND is_true),
               count(*) FILTER (is_predicted AND NOT is_true),
               count(*) FILTER (is_true AND NOT is_predicted)
        FROM judged
        """
    ).fetchall()[0]
    members = con.table("members")
    scores = evaluate(con, of_kind["corrected"], members, closed=True, undecided=of_kind["open"])
    raw = evaluate(con, of_kind["raw"], members, closed=True)
    return Result(scores, raw, by_name, candidates, blocked, sum(seconds.values()))


def errors(lake: Lake, data: Path, path: Path) -> None:
    """Write the links that are wrong or missing, with both names, to a file."""
    import duckdb

    labels = links(data)
    with duckdb.connect() as con, path.open("w", encoding="utf-8") as stream:
        con.register("gold", labels.corrected)
        con.register("undecided", labels.undecided)
        for kind in KINDS:
            lake.relation(con, entity_members(kind)).create_view("members", replace=True)
            lake.relation(con, records(MODELS[kind])).create_view("known", replace=True)
            rows = con.sql(
                """
                WITH predicted AS (
                    SELECT l.source || ':' || l.source_id AS "left",
                           r.source || ':' || r.source_id AS "right"
                    FROM members AS l
                    JOIN members AS r USING (entity_id)
                    WHERE l.source = 'tmdb' AND r.source = 'tvdb'
                ),
                wrong AS (
                    SELECT 'false' AS verdict, *
                    FROM (FROM predicted ANTI JOIN gold USING ("left", "right"))
                    ANTI JOIN undecided USING ("left", "right")
                    UNION ALL
                    SELECT 'missing', *
                    FROM gold
                    ANTI JOIN predicted USING ("left", "right")
                )
                SELECT verdict, l.entity_type, l.record_id, r.record_id, l.name, r.name,
                       l.season, l.episode, r.season, r.episode, l.date, r.date
                FROM wrong
                JOIN known AS l ON l.record_id = "left"
                JOIN known AS r ON r.record_id = "right"
                ORDER BY ALL
                """
            ).fetchall()
            for row in rows:
                stream.write("\t".join("" if one is None else str(one) for one in row) + "\n")


def show(console: Console, found: dict[str, Result]) -> None:
    """Print the table of scores."""
    grid = Grid(
        "kind", "links", "P", "R", "F1", "F1 by name", "B-cubed", "raw F1", "blocking recall",
        "candidates", "s",
    )  # fmt: skip
    for kind, one in found.items():
        right, wrong, missing = one.by_name
        named = 2 * right / max(1, 2 * right + wrong + missing)
        grid.add_row(
            kind,
            f"{one.corrected.links:,}",
            f"{one.corrected.precision:.4f}",
            f"{one.corrected.recall:.4f}",
            f"{one.corrected.f1:.4f}",
            f"{named:.4f}",
            f"{one.corrected.b_cubed_f1:.4f}",
            f"{one.raw.f1:.4f}",
            f"{one.blocked / max(1, one.corrected.links):.4f}",
            f"{one.candidates:,}",
            f"{one.seconds:.1f}",
        )
    console.print(grid)
    scored = [one.corrected for kind, one in found.items() if kind != "all" and one.corrected.links]
    console.print(
        f"mean over {len(scored)} kinds: P {_mean(one.precision for one in scored):.4f}, "
        f"R {_mean(one.recall for one in scored):.4f}, F1 {_mean(one.f1 for one in scored):.4f}"
    )


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed)


@contextmanager
def canonical_tmdb() -> Iterator[None]:
    """Let the source ``tmdb`` be read as canonical records.

    The project reads TMDB's own answers under this name. The labels name records by it.
    """
    own = ADAPTERS["tmdb"]
    ADAPTERS["tmdb"] = canonical_adapter("tmdb")
    try:
        yield
    finally:
        ADAPTERS["tmdb"] = own


def prepare(lake: Lake, settings: Settings, data: Path) -> None:
    """Land both sources and make their records."""
    with tempfile.TemporaryDirectory() as canonical:
        files = write_canonical(data, Path(canonical))
        for source, path in files.items():
            key = land(settings.landing_path, source, [path], "all").delivery.key
            with lake.step("raw_blobs", partition=key) as step:
                run_raw_blobs(step, settings.landing_path)
            with lake.step("source_records", partition=key) as step:
                run_source_records(step)


def main() -> int:
    """Resolve, score and print.

    Returns:
        0 where the goals are reached, else 1; 2 where there are no data.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--shake", type=int, default=0, metavar="N", help="times to shake weights")
    parser.add_argument("--spread", type=float, default=0.2, help="largest share of a weight")
    parser.add_argument("--errors", type=Path, help="file for wrong and missing links")
    parser.add_argument("--home", type=Path, help="folder to keep the lake in")
    given = parser.parse_args()
    console = Console(width=140)
    try:
        data = folder()
    except MissingDataError as error:
        console.print(str(error), soft_wrap=True, markup=False)
        return 2
    with tempfile.TemporaryDirectory() as scratch, canonical_tmdb():
        settings = Settings(home=given.home or Path(scratch), namespace="matching")
        lake = Lake(settings)
        prepare(lake, settings, data)
        seconds = {kind: resolve(lake, MODELS[kind]) for kind in KINDS}
        found = judge(lake, data, seconds)
        show(console, found)
        if given.errors:
            errors(lake, data, given.errors)
        if given.shake:
            _shake(console, lake, data, found, times=given.shake, spread=given.spread)
    missed = [
        f"{name} {value:.4f} is below {goal}"
        for name, value, goal in (
            ("F1", found["all"].corrected.f1, GOAL_F1),
            ("recall", found["all"].corrected.recall, GOAL_RECALL),
            ("F1 of episodes", found["episode"].corrected.f1, GOAL_EPISODES),
        )
        if value < goal
    ]
    if found["all"].raw.f1 > RAW_CEILING:
        missed.append(f"raw F1 {found['all'].raw.f1:.4f}: the labels' habits were learnt")
    for one in missed:
        console.print(one)
    return 1 if missed else 0


def _shake(
    console: Console,
    lake: Lake,
    data: Path,
    found: dict[str, Result],
    *,
    times: int,
    spread: float,
) -> None:
    trained = {kind: trained_settings(lake, MODELS[kind]) for kind in KINDS}
    scores: dict[str, list[float]] = {kind: [found[kind].corrected.f1] for kind in found}
    for seed in range(times):
        seconds = {
            kind: resolve(lake, MODELS[kind], settings=shaken(trained[kind], seed, spread))
            for kind in KINDS
        }
        for kind, one in judge(lake, data, seconds).items():
            scores[kind].append(one.corrected.f1)
    grid = Grid("kind", "F1 as trained", "lowest", "mean", "highest")
    for kind, (first, *others) in scores.items():
        grid.add_row(
            kind,
            f"{first:.4f}",
            f"{min(others):.4f}",
            f"{sum(others) / len(others):.4f}",
            f"{max(others):.4f}",
        )
    console.print(f"weights multiplied by 1 ± {spread}, {times} times")
    console.print(grid)


if __name__ == "__main__":
    sys.exit(main())
