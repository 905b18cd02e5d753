"""What the answers of benchmarks.scoring are worth: agreement, F1 on planted truth, recall."""

# ruff: noqa: S608 - names in statements are files of ours.

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.scoring_runs import DataSet, connection, quoted

if TYPE_CHECKING:
    from pathlib import Path


def disagreement(data: DataSet, ours: Path, splink: Path) -> tuple[int, int, float]:
    """Pairs that both have above the threshold, that one has alone, and the largest difference."""
    con = connection(1)
    both, alone, largest = con.sql(
        f"""
        SELECT count(*) FILTER (a.record_l IS NOT NULL AND b.record_l IS NOT NULL),
               count(*) FILTER (a.record_l IS NULL OR b.record_l IS NULL),
               coalesce(max(abs(a.match_weight - b.match_weight)), 0)
        FROM (
            FROM '{quoted(ours)}'
            WHERE match_probability >= {data.spec.threshold!r}
        ) AS a
        FULL JOIN '{quoted(splink)}' AS b
               ON a.record_l = b.record_l AND a.record_r = b.record_r
        """
    ).fetchall()[0]
    return int(both), int(alone), float(largest)


def pairwise_f1(data: DataSet, clusters: Path) -> tuple[float, float, float]:
    """Precision, recall and F1 over pairs of records of one planted thing."""
    con = connection(2)
    together, wanted, right = con.sql(
        f"""
        WITH placed AS (
            SELECT thing, cluster
            FROM '{quoted(data.file("truth"))}'
            JOIN '{quoted(clusters)}' USING (record_id)
        ),
        sizes AS (
            SELECT thing, cluster, count(*) AS n
            FROM placed
            GROUP BY thing, cluster
        )
        SELECT (SELECT sum(n * (n - 1) / 2)
                FROM (SELECT sum(n) AS n FROM sizes GROUP BY cluster)),
               (SELECT sum(n * (n - 1) / 2)
                FROM (SELECT sum(n) AS n FROM sizes GROUP BY thing)),
               (SELECT sum(n * (n - 1) / 2) FROM sizes)
        """
    ).fetchall()[0]
    precision, recall = float(right / together), float(right / wanted)
    return precision, recall, 2 * precision * recall / (precision + recall)


def recall_of_block(data: DataSet, films: int) -> tuple[float, int]:
    """Share of planted matches among the records of one title that were made pairs.

    A record of these films under another title alone is not in the block.

    Args:
        data: A world whose first films share their title, blocked in one shard.
        films: How many they are.

    Returns:
        The share, and how many pairs of records with that title were not made.
    """
    if films == 0:
        return 1.0, 0
    con = connection(2)
    wanted, found, made, records = con.sql(
        f"""
        WITH named AS (
            SELECT record_id, thing, title, title_keys
            FROM '{quoted(data.file("truth"))}'
            JOIN '{quoted(data.file("records"))}' USING (record_id)
            WHERE thing < {films}
        ),
        block AS (
            SELECT record_id, thing
            FROM named
            WHERE list_contains(title_keys, (SELECT mode(title) FROM named))
        ),
        pair AS (
            SELECT l.thing = r.thing AS planted
            FROM '{quoted(data.folder / f"{data.kind}_pairs_1_0.parquet")}' AS pair
            JOIN block AS l ON l.record_id = pair.record_l
            JOIN block AS r ON r.record_id = pair.record_r
        )
        SELECT (SELECT sum(n * (n - 1) / 2) FROM (SELECT count(*) AS n FROM block GROUP BY thing)),
               (SELECT count(*) FROM pair WHERE planted),
               (SELECT count(*) FROM pair),
               (SELECT count(*) FROM block)
        """
    ).fetchall()[0]
    return float(found / wanted), int(records * (records - 1) / 2 - made)
