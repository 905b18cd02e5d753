"""What a run may hold: a cap stops it with a message, and its configuration outranks settings."""

import duckdb
import psutil
import pyarrow as pa
import pytest

from kg_assets.execution import make
from kg_assets.memory_cap import MemoryCapError, bytes_of, memory_cap
from kg_assets.shell import StepAsset, StepConfig
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


def a_little_more():
    """A cap above what this process holds now."""
    return f"{psutil.Process().memory_info().rss // 10**6 + 60}MB"


def test_python_that_goes_over_its_cap_is_stopped():
    held = []
    cap = a_little_more()
    stopped = pytest.raises(MemoryCapError, match=f"more than its memory_cap of {cap}")
    with stopped, memory_cap(cap, lambda: None):
        while True:
            held.append(bytes(100_000))


def test_a_query_that_goes_over_its_cap_is_stopped_and_nothing_is_committed(tmp_path):
    lake = Lake(Settings(home=tmp_path, threads=1))
    large = "SELECT count(*) FROM (SELECT DISTINCT range % 7919000 FROM range(10000000000))"
    stopped = pytest.raises(MemoryCapError, match="give it a higher one")
    with stopped, lake.step("step") as step, memory_cap(a_little_more(), step.con.interrupt):
        step.write(TABLE, pa.table({"n": [1]}, schema=TABLE.schema))
        step.con.sql(large).fetchall()
    assert lake.heads(TABLE) == {}


def test_a_process_that_is_over_the_cap_already_does_not_begin():
    with pytest.raises(MemoryCapError), memory_cap("1MB", lambda: None):
        pytest.fail("it began")


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


def test_the_configuration_of_a_run_caps_its_step_and_by_default_there_is_no_cap(tmp_path):
    def run(step):
        step.con.sql("SELECT sum(range) FROM range(3000000)").fetchall()
        step.write(TABLE, pa.table({"n": [1]}, schema=TABLE.schema))

    declared = StepAsset(outputs=(TABLE,), inputs=(), run=run, group="graph", lane="graph")
    lake = Lake(Settings(home=tmp_path, threads=1))

    def made(**configured):
        options = StepConfig(**configured).model_dump()
        return make(declared, lake, None, run_id=None, fixed={}, options=options, resources={})

    with pytest.raises(MemoryCapError):
        made(memory_cap="1MB")
    assert lake.heads(TABLE) == {}
    assert made().heads[TABLE.name].file.rows == 1
