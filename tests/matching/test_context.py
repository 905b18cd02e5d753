"""What people are known by: the works that credit them, gathered some people at a time."""

import duckdb
import pytest

from kg_assets.matching.context import add_context
from kg_assets.matching.model import WORKS
from kg_assets.matching.normalise import create_macros


def known_people(folder, people, memory, **how):
    """A summary of what is known of people, ten in a film and each in two of them."""
    con = duckdb.connect(
        config={
            "threads": 1,
            "preserve_insertion_order": False,
            "memory_limit": memory,
            "temp_directory": str(folder),
        }
    )
    create_macros(con)
    con.execute(
        """
        CREATE TABLE current AS
        SELECT 'person' AS entity_type,
               'a:' || number AS record_id,
               'a' AS source,
               number::VARCHAR AS source_id,
               NULL::INTEGER AS year,
               NULL::VARCHAR[] AS countries,
               NULL::VARCHAR[] AS languages,
               NULL::VARCHAR[] AS genres,
               NULL::STRUCT(person_id VARCHAR, "name" VARCHAR, "role" VARCHAR)[] AS credits
        FROM range($people) AS numbers (number)
        UNION ALL
        SELECT 'film', 'a:w' || work, 'a', 'w' || work, 1950, ['US'], ['en'], ['drama'],
               list({'person_id': number::VARCHAR, 'name': 'Person ' || number, 'role': 'cast'})
        FROM (
            SELECT number,
                   unnest([number // 10, $people + number % ($people // 10)]) AS work
            FROM range($people) AS numbers (number)
        )
        GROUP BY work
        """,
        {"people": people},
    )
    con.execute(
        """
        CREATE TABLE members (
            entity_id VARCHAR, entity_type VARCHAR, source VARCHAR, source_id VARCHAR)
        """
    )
    add_context(con, "person", (WORKS,), "current", "members", "known", **how)
    return con.sql(
        """
        SELECT count(*), min(len(works)), max(len(works)), min(len(crew)),
               sum(hash(record_id, works, work_records, roles, first_work, crew)::HUGEINT)
        FROM known
        """
    ).fetchall()[0]


@pytest.mark.parametrize("at_once", [7, 50, 1_000])
def test_of_how_many_people_works_are_gathered_at_once_changes_nothing(tmp_path, at_once):
    people, fewest, most, crew, _ = known = known_people(tmp_path, 200, "1GB", at_once=at_once)
    assert (people, fewest, most) == (200, 2, 2)
    assert crew >= 10
    assert known == known_people(tmp_path, 200, "1GB")


def test_people_whose_works_do_not_fit_into_memory_at_once_are_known_by_them(tmp_path):
    people, fewest, _, _, _ = known_people(tmp_path, 40_000, "60MB", at_once=5_000)
    assert (people, fewest) == (40_000, 2)
