"""Blobs are counted by their places, in memory that does not grow with their number."""

from __future__ import annotations

import duckdb
import pytest

from kg_assets.sources.places import places


def given(con: duckdb.DuckDBPyConnection, name: str, select: str) -> None:
    con.execute(f"CREATE VIEW {name} AS {select}")


@pytest.mark.parametrize("part_rows", [1, 7, 1_000])
def test_a_blob_counts_once_and_as_kept_where_anything_of_it_was(part_rows):
    with duckdb.connect(config={"threads": 1}) as con:
        # Two records of each blob; a table or none; every second refused one was kept as well.
        place = """'f' AS file, CASE WHEN n % 2 = 0 THEN 't' END AS "table", n AS position"""
        given(con, "kept", f"SELECT {place} FROM range(20) AS a(n), range(2)")
        given(con, "refused", f"SELECT {place} FROM range(10, 30) AS a(n), range(3)")
        assert places(con, "kept", "refused", part_rows=part_rows) == (20, 10)


def test_places_of_more_rows_than_memory_holds_are_counted(tmp_path):
    with duckdb.connect(config={"threads": 1}) as con:
        path = tmp_path / "kept.parquet"
        con.execute(
            f"""
            COPY (
                SELECT 'a file' AS file, NULL::VARCHAR AS "table", range AS position
                FROM range(400000)
            )
            TO '{path}'
            """
        )
        given(con, "kept", f"FROM read_parquet('{path}')")
        given(con, "refused", "FROM kept WHERE position < 10")
        for statement in ("memory_limit = '24MB'", "max_temp_directory_size = '0B'"):
            con.execute(f"SET {statement}")
        with pytest.raises(duckdb.OutOfMemoryException):
            places(con, "kept", "refused", part_rows=400_000)
        assert places(con, "kept", "refused", part_rows=20_000) == (400_000, 0)
