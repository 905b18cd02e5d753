"""The lake: immutable files, one commit for all outputs of a step, checksums, collection."""

import os
import sqlite3
import sys
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resources.catalog import Catalog
from resources.files import SchemaMismatchError
from resources.lake import CorruptFileError, Lake, MissingPartitionsError
from resources.production import promote
from resources.settings import Settings
from resources.table import Table

FILMS = Table(
    name="film/records",
    schema=pa.schema([pa.field("id", pa.int32(), nullable=False), ("name", pa.string())]),
    key=("id",),
    description="Films.",
)
NAMES = Table(
    name="film/names",
    schema=pa.schema([("name", pa.string())]),
    key=("name",),
    description="Names.",
)


@pytest.fixture
def lake(tmp_path):
    return Lake(Settings(home=tmp_path))


def write(lake, rows, table=FILMS, partition=None, name="step"):
    with lake.step(name, partition=partition) as step:
        step.write(table, pa.Table.from_pylist(rows, schema=table.schema))
    return lake.heads(table)[partition or "all"]


def rows(lake, table=FILMS):
    with lake.step("look") as step:
        return sorted(step.read(table, tracked=False).fetchall())


def files(lake):
    return sorted(p.relative_to(lake.root).as_posix() for p in lake.root.rglob("*.parquet"))


def test_what_was_written_is_read_by_the_next_step(lake):
    write(lake, [{"id": 1, "name": "Her"}])
    assert rows(lake) == [(1, "Her")]


def test_a_table_that_was_never_built_is_empty_and_has_its_columns(lake):
    with lake.step("look") as step:
        step.view("films", FILMS)
        assert step.con.sql("SELECT id, name FROM films").fetchall() == []


def test_a_session_draws_no_bar_into_the_log_of_a_worker(lake):
    with lake.step("one") as step:
        [(drawn,)] = step.con.sql("SELECT current_setting('enable_progress_bar')").fetchall()
    assert not drawn


def test_a_relation_is_sorted_by_the_key_so_that_equal_content_is_equal_bytes(lake):
    for order in ("id ASC", "id DESC"):
        with lake.step("step") as step:
            step.con.execute(
                "CREATE TABLE films AS SELECT range::INT AS id, 'x' AS name FROM range(9)"
            )
            step.write(FILMS, step.con.table("films").order(order))
    assert len(lake.catalog.history("dev", FILMS.name)) == 1


def test_more_rows_than_one_run_holds_are_sorted_though_their_first_key_hardly_varies(lake):
    kinds = Table(
        name="kinds",
        schema=pa.schema(
            [pa.field(name, pa.string(), nullable=False) for name in ("kind", "id")]
            + [("name", pa.string())]
        ),
        key=("kind", "id"),
        description="Things of two kinds.",
    )
    for order in ("name ASC", "name DESC"):
        with lake.step("step") as step:
            # More than fit into a run.
            step.con.execute(
                """
                CREATE TABLE things AS
                SELECT CASE WHEN range % 100_000 = 0 THEN 'book' ELSE 'film' END AS kind,
                       hash(range)::VARCHAR AS id,
                       range::VARCHAR AS name
                FROM range(700_000)
                """
            )
            step.write(kinds, step.con.table("things").order(order))
            written = pq.read_table(step.staged_path(kinds))
            expected = step.con.table("things").order("kind, id").to_arrow_table()
            assert written.equals(expected.cast(written.schema))
    assert len(lake.catalog.history("dev", kinds.name)) == 1


def test_equal_content_keeps_its_version_and_leaves_no_second_file(lake):
    first = write(lake, [{"id": 1, "name": "Up"}])
    second = write(lake, [{"id": 1, "name": "Up"}])
    assert first == second
    assert files(lake) == [first.file.path]


def test_a_step_that_fails_commits_none_of_its_outputs(lake):
    with pytest.raises(ZeroDivisionError), lake.step("step") as step:
        step.write(FILMS, pa.Table.from_pylist([{"id": 1}], schema=FILMS.schema))
        step.write(NAMES, pa.Table.from_pylist([{"name": "It"}], schema=NAMES.schema))
        raise ZeroDivisionError
    assert rows(lake) == []
    assert files(lake) == []


def test_outputs_of_one_step_share_a_commit(lake):
    with lake.step("step") as step:
        step.write(FILMS, pa.Table.from_pylist([{"id": 1}], schema=FILMS.schema))
        step.write(NAMES, pa.Table.from_pylist([{"name": "It"}], schema=NAMES.schema))
    commits = {lake.heads(table)["all"].commit_id for table in (FILMS, NAMES)}
    assert len(commits) == 1


def test_earlier_versions_stay_as_files_and_in_the_history(lake):
    first = write(lake, [{"id": 1, "name": "Mother"}])
    write(lake, [{"id": 1, "name": "Mother!"}])
    history = lake.catalog.history("dev", FILMS.name)
    assert history[0].file == first.file
    assert pq.read_table(lake.root / first.file.path).to_pylist() == [{"id": 1, "name": "Mother"}]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-1] + b"x"), "checksum"),
        (lambda path: path.unlink(), "is missing"),
    ],
)
def test_a_damaged_file_is_refused_with_its_name(lake, damage, said):
    head = write(lake, [{"id": 1, "name": "Up"}])
    damage(lake.root / head.file.path)
    with pytest.raises(CorruptFileError, match=said) as caught:
        rows(Lake(lake.settings))
    assert head.file.path in str(caught.value)
    assert "kg build --only 'film/records'" in str(caught.value)


def as_long_and_as_old(path):
    """Other bytes, with the size and the time of change of those before."""
    before = path.stat()
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize(
    "damage", [lambda path: path.write_bytes(b""), as_long_and_as_old], ids=["size", "times"]
)
def test_a_file_that_is_damaged_after_it_was_read_is_refused_by_the_next_reader(lake, damage):
    head = write(lake, [{"id": 1, "name": "Up"}])
    assert rows(lake) == [(1, "Up")]
    damage(lake.root / head.file.path)
    with pytest.raises(CorruptFileError, match="checksum"):
        rows(lake)


def test_a_file_is_hashed_again_only_where_it_looks_otherwise_than_before(lake):
    head = write(lake, [{"id": 1, "name": "Up"}])
    path = lake.root / head.file.path
    assert rows(lake) == [(1, "Up")]
    hashed = []

    def hear(event, arguments):
        # DuckDB opens files without Python: what is heard is the reading of all bytes.
        if event == "open" and str(arguments[0]) == str(path):
            hashed.append(arguments[0])

    sys.addaudithook(hear)
    assert rows(lake) == rows(Lake(lake.settings)) == [(1, "Up")]
    assert not hashed
    path.touch()
    assert rows(lake) == rows(lake) == [(1, "Up")]
    assert len(hashed) == 1


def test_a_damaged_file_is_mended_by_writing_the_partition_again(lake):
    head = write(lake, [{"id": 1, "name": "Up"}])
    (lake.root / head.file.path).write_bytes(b"")
    again = Lake(lake.settings)
    write(again, [{"id": 1, "name": "Up"}])
    assert rows(Lake(lake.settings)) == [(1, "Up")]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pa.table({"id": pa.array([None], pa.int32()), "name": ["x"]}), "'id' has missing values"),
        (pa.table({"id": ["one"], "name": ["x"]}), "film/records"),
        (pa.table({"name": ["x"]}), "columns \\['id'\\] are missing"),
        (pa.table({"id": [2**40], "name": ["x"]}), "film/records"),
    ],
)
def test_data_that_break_the_contract_are_refused(lake, table, message):
    with pytest.raises(SchemaMismatchError, match=message), lake.step("step") as step:
        step.write(FILMS, table)
    assert rows(lake) == []


@pytest.mark.parametrize("partition", ["../up", "a/b", "", ".hidden", "a|b|c", "x" * 101, "a\nb"])
def test_a_partition_key_that_could_lead_elsewhere_is_refused(lake, partition, tmp_path):
    with pytest.raises(ValueError, match="partition key"), lake.step("s", partition="00") as step:
        step.partition = partition or "\0"
        step.write(FILMS, FILMS.schema.empty_table())
    assert files(lake) == []


def test_reading_all_shards_while_one_is_missing_stops(lake):
    write(lake, [{"id": 1}], partition="00")
    shards = {FILMS.name: ["00", "01"]}
    with (
        pytest.raises(MissingPartitionsError, match="01"),
        lake.step("all", expected=shards) as step,
    ):
        step.read(FILMS)


def test_shards_of_an_earlier_count_are_not_read(lake):
    for shard in ("00", "01"):
        write(lake, [{"id": int(shard)}], partition=shard)
    with lake.step("all", expected={FILMS.name: ["00"]}) as step:
        assert step.read(FILMS).fetchall() == [(0, None)]


def test_collection_removes_what_nothing_points_to_and_nothing_else(lake):
    head = write(lake, [{"id": 1, "name": "Up"}])
    orphan = lake.root / "film/records/all/killed.parquet"
    orphan.write_bytes(b"half a file")
    fresh = lake.root / "film/records/all/running.parquet"
    fresh.write_bytes(b"half a file")
    os.utime(orphan, (time.time() - 7200,) * 2)
    assert lake.collect(older_than_seconds=3600) == ["film/records/all/killed.parquet"]
    assert files(lake) == sorted([head.file.path, "film/records/all/running.parquet"])


def test_the_home_can_be_moved(lake, tmp_path):
    write(lake, [{"id": 1, "name": "Up"}])
    moved = tmp_path.with_name(tmp_path.name + "-moved")
    tmp_path.rename(moved)
    assert rows(Lake(Settings(home=moved))) == [(1, "Up")]
    moved.rename(tmp_path)


def test_what_was_noted_of_a_partition_goes_with_it_into_production_and_other_namespaces(tmp_path):
    lake = Lake(Settings(home=tmp_path, namespace="ann"))
    with lake.step("step") as step:
        step.write(FILMS, pa.Table.from_pylist([], schema=FILMS.schema))
        step.note(FILMS, {"film"})
    promote(lake.catalog, "ann")
    other = Lake(Settings(home=tmp_path, namespace="bob"))
    assert other.heads(FILMS)["all"].facets == {"film"}


def test_a_catalog_of_an_earlier_version_can_be_read_and_nothing_was_noted_in_it(lake):
    write(lake, [{"id": 1, "name": "Her"}])
    url = lake.settings.catalog_url
    with sqlite3.connect(url.removeprefix("sqlite:///")) as earlier:
        earlier.execute("ALTER TABLE entries DROP COLUMN facets")
    reader = Catalog(url, create=False)
    [head] = reader.heads("dev", FILMS.name).values()
    assert head.facets is None


RATED = Table(
    name=FILMS.name,
    schema=FILMS.schema.append(pa.field("rating", pa.float64())),
    key=FILMS.key,
    description="Films of a later version of the program.",
)


def as_of(lake, code, table, partition, row):
    with lake.step("step", partition=partition, code_version=code) as step:
        step.write(table, pa.Table.from_pylist([row], schema=table.schema))


@pytest.mark.parametrize("earlier", ["a", "b"])
def test_a_file_of_an_earlier_version_has_no_value_in_a_column_that_came_later(lake, earlier):
    later = "b" if earlier == "a" else "a"
    as_of(lake, "1", FILMS, earlier, {"id": 1, "name": "Her"})
    as_of(lake, "2", RATED, later, {"id": 2, "name": "Up", "rating": 8.3})
    assert rows(lake, RATED) == [(1, "Her", None), (2, "Up", 8.3)]
    with lake.step("look") as step:
        step.view_partitions("films", RATED, {earlier: 0, later: 1})
        found = step.con.sql("SELECT number, id, rating FROM films ORDER BY id").fetchall()
    assert found == [(0, 1, None), (1, 2, 8.3)]


def test_a_required_column_that_no_file_has_is_not_made_up(lake):
    needed = pa.field("rating", pa.float64(), nullable=False)
    table = Table(FILMS.name, RATED.schema.set(2, needed), FILMS.key, "Rated films.")
    as_of(lake, "1", FILMS, "a", {"id": 1, "name": "Her"})
    with lake.step("look") as step:
        assert step.read(table, tracked=False).columns == ["id", "name"]
