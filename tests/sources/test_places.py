"""Blobs are counted by their places, in memory that does not grow with their number."""

from __future__ import annotations

import duckdb
import pytest

from kg_assets.sources.places import places


@pytest.mark.parametrize("part_rows", [1, 7, 1_000])
def test_a_blob_counts_once_and_as_kept_where_anything_of_it_was(part_rows):
    with duckdb.connect(config={"threads": 1}) as con:
        # Two records of each blob; a table or none; every second refused one was kept as well.
        con.execute(
            """
            CREATE VIEW place AS
            SELECT 'f' AS file, CASE WHEN n % 2 = 0 THEN 't' END AS "table", n AS position
            FROM range(30) AS a(n), range(2);

            CREATE VIEW kept AS
            FROM place
            WHERE position < 20;

            CREATE VIEW refused AS
            FROM place
            WHERE position >= 10
            """
        )
        assert places(con, "kept", "refused", part_rows=part_rows) == (20, 10)


def test_places_of_more_rows_than_memory_holds_are_counted(tmp_path):
    with duckdb.connect(config={"threads": 1}) as con:
        path = str(tmp_path / "kept.parquet")
        con.sql(
            """
            SELECT 'the file ' || range AS file, NULL::VARCHAR AS "table", range AS position
            FROM range(300000)
            """
        ).write_parquet(path)
        con.read_parquet(path).create_view("kept")
        con.view("kept").filter("position < 10").create_view("refused")
        for statement in ("memory_limit = '16MB'", "max_temp_directory_size = '0B'"):
            con.execute(f"SET {statement}")
        with pytest.raises(duckdb.OutOfMemoryException):
            places(con, "kept", "refused", part_rows=400_000)
        assert places(con, "kept", "refused", part_rows=20_000) == (300_000, 0)
