"""Whether works are matched better once the people who made them are resolved, and people then.

Run with ``python -m benchmarks.two_way``. Films and people are generated with planted truth. Films
are matched by the shipped model, people by the films that credit them; then films are matched
again by the resolved people, and people again by these films. That is the second pass of evidence
that flows both ways. People reach the films in one of two ways:

- by name: each credit is under the name that most records of its person have. That unifies
  spellings; two people of one name stay one name.
- by identity: behind that name stands a word that only this person has. Credits are equal where
  their people are, and two people of one name are alike, and no more.

Both are also run with the planted people instead of the resolved ones: what is to be had of films
if people were resolved without an error. So are people by the planted films.
"""

# ruff: noqa: S608 - names of tables of this module.

from __future__ import annotations

import argparse
import json
import tempfile
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from collections.abc import Iterator


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


BY_NAME = "usual"
"""SQL for what a credit is under: the usual name of its person."""

BY_IDENTITY = """
    usual || ' zz' || translate(md5(cluster)[:12], '0123456789abcdef', 'ghijklmnopabcdef')
    """
"""The same with a word for the person behind it. Words of a name are sorted, and it is the last, so
that people of one name stay alike."""


def rename(con: duckdb.DuckDBPyConnection, people: str, name: str, under: str) -> None:
    """Make the table ``name``: the current records, each credit under what tells its person.

    Args:
        con: The connection.
        people: Name of a table with record_id and cluster of the person records.
        name: Name of the table made.
        under: `BY_NAME` or `BY_IDENTITY`.
    """
    con.execute(
        f"""
        CREATE OR REPLACE TABLE told_name AS
        SELECT record_id, {under} AS told_as
        FROM (
            SELECT record_id, cluster, mode(name) OVER (PARTITION BY cluster) AS usual
            FROM current_record
            JOIN {people} USING (record_id)
            WHERE entity_type = 'person'
        )
        """
    )
    con.execute(
        f"""
        CREATE OR REPLACE TABLE {name} AS
        SELECT record.* REPLACE (renamed.credits AS credits)
        FROM current_record AS record
        LEFT JOIN (
            SELECT told.record_id,
                   list(struct_update(credit, name := coalesce(told_as, credit.name))
                        ORDER BY credit.position) AS credits
            FROM (
                SELECT record_id, source, unnest(credits) AS credit
                FROM current_record
            ) AS told
            LEFT JOIN told_name AS person
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


def measured(films: int, seed: int) -> Iterator[tuple[str, tuple[float, float, float]]]:
    """Match films, people, films again and people again; give what was matched, and its score."""
    with tempfile.TemporaryDirectory() as scratch, duckdb.connect() as con:
        con.execute("SET temp_directory = $1", [scratch])
        generate(con, World(films, seed=seed))
        con.execute(
            """
            CREATE VIEW no_member AS
            SELECT *
            FROM film_member
            WHERE FALSE;

            CREATE TABLE planted_people AS
            SELECT record_id, thing::VARCHAR AS cluster
            FROM truth
            WHERE entity_type = 'person'
            """
        )

        def films_by(people: str, under: str, name: str) -> tuple[float, float, float]:
            rename(con, people, "told_again", under)
            match(con, "film", "told_again", "no_member", name)
            return score(con, "film", name)

        def people_by(clusters: str, name: str) -> tuple[float, float, float]:
            con.execute(
                f"""
                CREATE OR REPLACE VIEW matched_member AS
                SELECT cluster AS entity_id, 'film' AS entity_type, source, source_id
                FROM current_record
                JOIN {clusters} USING (record_id)
                """
            )
            match(con, "person", "current_record", "matched_member", name)
            return score(con, "person", name)

        match(con, "film", "current_record", "no_member", "first_films")
        yield "films, first pass", score(con, "film", "first_films")
        yield "people, by these films", people_by("first_films", "first_people")
        for word, under in (("name", BY_NAME), ("identity", BY_IDENTITY)):
            films_again = f"films_by_{word}"
            yield (
                f"films, second pass, by {word}",
                films_by("first_people", under, films_again),
            )
            yield f"people, by these films ({word})", people_by(films_again, "second_people")
            yield (
                f"films, with the planted people, by {word}",
                films_by("planted_people", under, "films_by_truth"),
            )
        match(con, "person", "current_record", "film_member", "people_by_truth")
        yield "people, by the planted films", score(con, "person", "people_by_truth")


def names_of_people(films: int, seed: int) -> tuple[int, int]:
    """How many people there are, and how many names: those that most records of a person have.

    Of people who share one, identity tells more than the name.
    """
    with duckdb.connect() as con:
        generate(con, World(films, seed=seed))
        people, names = con.sql(
            """
            SELECT count(*), count(DISTINCT usual)
            FROM (
                SELECT thing, mode(name) AS usual
                FROM current_record
                JOIN truth USING (record_id)
                WHERE truth.entity_type = 'person'
                GROUP BY thing
            )
            """
        ).fetchall()[0]
    return int(people), int(names)


def main() -> None:
    """Match films, people, and both again; print the scores of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--films", type=int, default=10_000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    asked = parser.parse_args()
    console, grid = Console(), Grid("seed", "what", "precision", "recall", "F1")
    for seed in asked.seeds:
        for what, figures in measured(asked.films, seed):
            console.print(f"seed {seed}: {what}", style="dim")
            grid.add_row(str(seed), what, *(f"{figure:.4f}" for figure in figures))
        people, names = names_of_people(asked.films, seed)
        grid.add_row(str(seed), f"{people:,} people have {names:,} usual names")
    console.print(grid)


if __name__ == "__main__":
    main()
