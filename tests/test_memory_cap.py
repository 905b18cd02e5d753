"""What a run may hold: a cap stops it with a message, and its configuration outranks settings."""

import duckdb
import pyarrow as pa
import pytest

from kg_assets.memory_cap import MemoryCapError, bytes_of, memory_cap
from resources.lake import Lake
from resources.settings import Settings
from resources.table import Table

TABLE = Table(
    name="numbers",
    schema=pa.schema([pa.field("n", pa.int64(), nullable=False)]),
    key=("n",),
    description="Numbers.",
)


@pytest.mark.parametrize(
    ("size", "expected"), [("1GB", 10**9), ("512 MiB", 512 * 2**20), ("1.5KB", 1500), ("7B", 7)]
)
def test_a_size_is_read_with_its_unit(size, expected):
    assert bytes_of(size) == expected


@pytest.mark.parametrize("size", ["", "2", "GB", "2 XB", "-1GB", "1e3GB"])
def test_what_is_no_size_is_refused(size):
    with pytest.raises(ValueError, match="write for example 2GB"):
        bytes_of(size)


def test_python_that_goes_over_its_cap_is_stopped():
    held = []
    stopped = pytest.raises(MemoryCapError, match="more than its memory_cap of 1MB")
    with stopped, memory_cap("1MB", lambda: None):
        while True:
            held.append(len(held))


def test_a_query_that_goes_over_its_cap_is_stopped_and_nothing_is_committed(tmp_path):
    lake = Lake(Settings(home=tmp_path, threads=1))
    endless = "SELECT count(*) FROM range(10000000000) AS a, range(1000) AS b"
    stopped = pytest.raises(MemoryCapError, match="give it a higher one")
    with stopped, lake.step("step") as step, memory_cap("1MB", step.con.interrupt):
        step.write(TABLE, pa.table({"n": [1]}, schema=TABLE.schema))
        step.con.sql(endless).fetchall()
    assert lake.heads(TABLE) == {}


def test_an_error_of_a_run_within_its_cap_is_its_own():
    with pytest.raises(ZeroDivisionError), memory_cap("1TB", lambda: None):
        _ = 1 / 0


def test_without_a_cap_nothing_watches():
    with memory_cap(None, lambda: pytest.fail("interrupted")):
        pass


def test_threads_and_memory_of_a_run_outrank_the_settings(tmp_path):
    lake = Lake(Settings(home=tmp_path, threads=2, memory_limit="500MB"))
    with lake.step("step", options={"threads": 1, "memory_limit": "64MB"}) as step:
        found = step.con.sql(
            "SELECT current_setting('threads'), current_setting('memory_limit')"
        ).fetchall()
    assert found == [(1, "61.0 MiB")]


def test_a_database_of_ones_own_stays_untouched_by_the_watcher():
    with duckdb.connect() as con, memory_cap("1TB", con.interrupt):
        assert con.sql("SELECT 1").fetchall() == [(1,)]
