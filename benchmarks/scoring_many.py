"""Very many pairs in 16 shards of one machine: how time and memory grow with them."""

# ruff: noqa: S608 - what is put into statements are numbers and paths of ours.

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.scoring_runs import Timer, connection, quoted, score_to
from resources.derived import derived

if TYPE_CHECKING:
    from benchmarks.scoring_runs import Cost, DataSet


def score_many(data: DataSet, target: Path, threads: int, pairs: int) -> Cost:
    """Score so many pairs, of records of neighbouring places, in 16 shards of one machine."""
    con = connection(threads, "1200MB")
    con.execute(f"CREATE VIEW record AS FROM '{quoted(data.file('records'))}'")
    con.execute(f"CREATE VIEW frequency AS FROM '{quoted(data.file('frequencies'))}'")
    con.execute(f"SET temp_directory = '{quoted(data.folder / 'spill')}'")
    con.execute(
        """
        CREATE TEMP TABLE named AS
        SELECT record_id, row_number() OVER (ORDER BY title, record_id) - 1 AS place
        FROM record
        """
    )
    count = con.sql("SELECT count(*) FROM named").fetchall()[0][0]
    reach = -(-pairs // count)
    shared = partial(derived, Path(tempfile.mkdtemp(dir=data.folder)), limit=0)
    timer = Timer()
    for shard in range(16):
        con.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE pair AS
            SELECT least(l.record_id, r.record_id) AS record_l,
                   greatest(l.record_id, r.record_id) AS record_r,
                   'neighbours' AS rule
            FROM named AS l
            CROSS JOIN range(1, {reach} + 1) AS steps(step)
            JOIN named AS r ON r.place = l.place + step
            WHERE (l.place * {reach} + step) % 16 = {shard}
              AND l.place * {reach} + step <= {pairs}
            """
        )
        score_to(con, data, target.with_suffix(f".{shard}.parquet"), shared=shared)
    return timer.stop()
