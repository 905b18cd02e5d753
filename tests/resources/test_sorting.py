"""Sorting in runs: the same rows in the same batches, however many runs there were."""

import duckdb
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.files import write_file
from resources.lake import Lake
from resources.settings import Settings
from resources.sorting import in_order
from resources.table import Table

PAIRS = Table(
    name="pairs",
    schema=pa.schema(
        [
            pa.field("record_l", pa.string(), nullable=False),
            pa.field("record_r", pa.string(), nullable=False),
            pa.field("levels", pa.list_(pa.int8()), nullable=False),
        ]
    ),
    key=("record_l", "record_r"),
    description="Pairs with the levels of their comparisons.",
)


SCHEMA = pa.schema(
    [("text", pa.string()), ("number", pa.int64()), ("names", pa.list_(pa.string()))]
)


def test_more_rows_than_the_limit_allows_are_sorted(tmp_path):
    lake = Lake(Settings(home=tmp_path, memory_limit="20MB", threads=2))
    with lake.step("step") as step:
        made = step.con.sql(
            """
            SELECT 'wikidata_films:Q' || hash(range) AS record_l,
                   'cannes_films:' || hash(range + 1) AS record_r,
                   [range % 3, range % 5, range % 7, 0, 1, 2, 3, 4]::TINYINT[] AS levels
            FROM range(1_000_000)
            """
        )
        step.write(PAIRS, made)
        written = step.staged_path(PAIRS)
        assert step.rows(PAIRS) == 1_000_000
    with duckdb.connect() as con:
        rows = con.read_parquet([str(written)], file_row_number=True)
        before = "lag(row(record_l, record_r)) OVER (ORDER BY file_row_number)"
        wrong = rows.select(f"row(record_l, record_r) <= {before} AS is_wrong").filter("is_wrong")
        assert wrong.fetchall() == []


def test_in_which_order_rows_came_cannot_be_told_from_the_file(tmp_path):
    digests = set()
    for threads, order in ((1, "range"), (2, "hash(range)"), (2, "-range")):
        with duckdb.connect(config={"threads": threads}) as con:
            con.execute("SET preserve_insertion_order = false")
            rows = con.sql(
                f"""
                SELECT 'a' || range AS record_l,
                       repeat('b', 100 * (range % 7)::INTEGER) AS record_r,
                       CASE WHEN range % 3 > 0 THEN [range % 5, NULL] ELSE [] END AS levels
                FROM range(150_000)
                ORDER BY {order}
                """  # noqa: S608 - constants of this test
            )
            _, digest = write_file(tmp_path / f"{order}.parquet", PAIRS, rows, scratch=tmp_path)
        digests.add(digest)
    assert len(digests) == 1


def test_runs_take_no_more_room_than_their_rows(tmp_path):
    # Films credit many people, and the people after them nobody.
    rows = [
        {"text": "person" if number % 10 else "film", "number": number, "names": names}
        for number in range(5_000)
        for names in ([None] if number % 10 else [["Ann Lee"] * 20])
    ]
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    ordered = in_order(
        table.to_batches(100), SCHEMA, ("text", "number"), tmp_path, run_bytes=100_000
    )
    assert next(ordered).num_rows == len(rows)
    written = sum(path.stat().st_size for path in tmp_path.rglob("*.arrows"))
    assert written < 2 * table.nbytes
    assert list(ordered) == []


PLAIN = st.none() | st.sampled_from(["", "a", "A", "aa", "b", "ä", "z\U0001f600", "\uffff"])
ROWS = st.lists(st.tuples(PLAIN, st.none() | st.integers(-2, 2), st.lists(PLAIN)), max_size=30)


@given(rows=ROWS, size=st.integers(1, 400), most=st.integers(2, 5))
@settings(deadline=None, max_examples=60)
def test_runs_give_the_order_that_one_sort_gives(rows, size, most, tmp_path_factory):
    given_rows = [
        dict(zip(SCHEMA.names, (*row[:2], [*row[2], str(n)]), strict=True))
        for n, row in enumerate(rows)
    ]
    batches = [pa.RecordBatch.from_pylist([row], schema=SCHEMA) for row in given_rows]
    sorted_batches = in_order(
        batches,
        SCHEMA,
        ("text", "number"),
        tmp_path_factory.getbasetemp(),
        run_bytes=size,
        most_runs=most,
    )
    found = [row for batch in sorted_batches for row in batch.to_pylist()]
    with duckdb.connect() as con:
        table = pa.Table.from_batches(batches, SCHEMA)
        expected = con.from_arrow(table).order("text, number").project("text, number").fetchall()
    assert [(row["text"], row["number"]) for row in found] == expected
    assert sorted(map(str, found)) == sorted(map(str, given_rows))
