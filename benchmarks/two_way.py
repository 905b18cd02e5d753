"""Whether works are matched better once the people who made them are resolved.

Run with ``python -m benchmarks.two_way``. Films and people are generated with planted truth. Films
are matched by the shipped model, people by the films that credit them; then films are matched
again, with each credit under the name that most records of its person have. That is the second
pass of evidence that flows both ways. A third run takes the planted people instead of the resolved
ones: no pass, however many follow it, can do better.
"""

# ruff: noqa: S608 - names of tables of this module.

from __future__ import annotations

import argparse
import json
import tempfile

import duckdb
from rich.console import Console
from rich.table import Table as Grid

from benchmarks.people_and_films import World, generate
from kg_assets.matching.block_keys import make_keys
from kg_assets.matching.blocking import pairs_of_shard
from kg_assets.matching.clustering import cluster
from kg_assets.matching.features import add_features
from kg_assets.matching.models import MODELS
from kg_assets.matching.scoring import score_pairs
from kg_assets.matching.training import train
from kg_assets.matching.vetoes import veto_pairs


def match(con: duckdb.DuckDBPyConnection, kind: str, current: str, members: str, name: str) -> None:
    """Make the table ``name`` (record_id, cluster): the clusters of a type's records.

    Args:
        con: The connection on which `generate` was called.
        kind: The entity type.
        current: Name of the table of current records.
        members: Name of a view of the works' members.
        name: Name of the table made.
    """
    spec = MODELS[kind]
    add_features(con, spec, current, members).create("matched_record")
    settings = json.loads(train(con, spec, "matched_record").column("settings")[0].as_py())
    make_keys(con, spec, "matched_record")
    con.from_arrow(pairs_of_shard(con, spec, 0, 1)).create("candidate_pair")
    scores = score_pairs(con, spec, settings, "candidate_pair", "matched_record", "counted_term")

    def cannot_link(pairs: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
        pairs.create_view("asked_pair", replace=True)
        return veto_pairs(con, spec, "asked_pair", "matched_record")

    found = cluster(
        con,
        con.sql("SELECT record_id, source FROM matched_record"),
        scores,
        threshold=spec.threshold,
        cannot_link=cannot_link,
    )
    con.register("found_cluster", found.assignment)
    con.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM found_cluster")
    con.execute("DROP TABLE matched_record; DROP TABLE candidate_pair")


def rename(con: duckdb.DuckDBPyConnection, people: str, name: str) -> None:
    """Make the table ``name``: the current records, each credit under its person's usual name.

    Args:
        con: The connection.
        people: Name of a table with record_id and cluster of the person records.
        name: Name of the table made.
    """
    con.execute(
        f"""
        CREATE OR REPLACE TABLE usual_name AS
        SELECT record_id, mode(name) OVER (PARTITION BY cluster) AS usual
        FROM current_record
        JOIN {people} USING (record_id)
        WHERE entity_type = 'person'
        """
    )
    con.execute(
        f"""
        CREATE OR REPLACE TABLE {name} AS
        SELECT record.* REPLACE (renamed.credits AS credits)
        FROM current_record AS record
        LEFT JOIN (
            SELECT told.record_id,
                   list(struct_update(credit, name := coalesce(usual, credit.name))
                        ORDER BY credit.position) AS credits
            FROM (
                SELECT record_id, source, unnest(credits) AS credit
                FROM current_record
            ) AS told
            LEFT JOIN usual_name AS person
                   ON person.record_id = told.source || ':' || credit.person_id
            GROUP BY told.record_id
        ) AS renamed USING (record_id)
        """
    )


def score(con: duckdb.DuckDBPyConnection, kind: str, clusters: str) -> tuple[float, float, float]:
    """Precision, recall and F1 over all pairs of records of a type, against the planted truth."""
    joined, right, true = con.sql(
        f"""
        WITH told AS (
            SELECT cluster, thing
            FROM truth
            JOIN {clusters} USING (record_id)
            WHERE entity_type = '{kind}'
        ),
        pairs AS (
            SELECT
                (SELECT sum(n * (n - 1)) FROM (SELECT count(*) AS n FROM told GROUP BY cluster))
                    AS joined,
                (SELECT sum(n * (n - 1))
                 FROM (SELECT count(*) AS n FROM told GROUP BY cluster, thing)) AS right_ones,
                (SELECT sum(n * (n - 1)) FROM (SELECT count(*) AS n FROM told GROUP BY thing))
                    AS planted
        )
        SELECT joined, right_ones, planted
        FROM pairs
        """
    ).fetchall()[0]
    precision, recall = right / joined, right / true
    return precision, recall, 2 * precision * recall / (precision + recall)


def main() -> None:
    """Match films, people, and films again; print the scores of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--films", type=int, default=10_000)
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    grid = Grid("seed", "what", "precision", "recall", "F1")
    for seed in range(1, asked.seeds + 1):
        with tempfile.TemporaryDirectory() as scratch, duckdb.connect() as con:
            con.execute("SET temp_directory = $1", [scratch])
            generate(con, World(asked.films, seed=seed))
            con.execute("CREATE VIEW no_member AS SELECT * FROM film_member WHERE FALSE")
            match(con, "film", "current_record", "no_member", "first_films")
            con.execute(
                """
                CREATE VIEW matched_member AS
                SELECT cluster AS entity_id, 'film' AS entity_type, source, source_id
                FROM current_record
                JOIN first_films USING (record_id)
                """
            )
            match(con, "person", "current_record", "matched_member", "resolved_people")
            rename(con, "resolved_people", "told_again")
            match(con, "film", "told_again", "no_member", "second_films")
            con.execute(
                """
                CREATE TABLE planted_people AS
                SELECT record_id, thing::VARCHAR AS cluster
                FROM truth
                WHERE entity_type = 'person'
                """
            )
            rename(con, "planted_people", "told_by_truth")
            match(con, "film", "told_by_truth", "no_member", "truth_films")
            for what, kind, clusters in (
                ("films, first pass", "film", "first_films"),
                ("people, by these films", "person", "resolved_people"),
                ("films, second pass", "film", "second_films"),
                ("films, with the planted people", "film", "truth_films"),
            ):
                figures = score(con, kind, clusters)
                grid.add_row(str(seed), what, *(f"{figure:.4f}" for figure in figures))
    Console().print(grid)


if __name__ == "__main__":
    main()
